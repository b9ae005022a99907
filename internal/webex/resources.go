package webex

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// withoutMembers leaves a group's members out of an answer: there can be
// 250,000 of them (https://help.webex.com/article/7eedy0).
const withoutMembers = "excludedAttributes=members"

// resourceType is what one kind of object has of its own on the wire (RFC 7643
// section 6).
type resourceType struct {
	kind     change.Kind
	endpoint string
	schema   string
	name     string // the attribute that it is found by
}

func typeOf(kind change.Kind) resourceType {
	if kind == change.Group {
		return resourceType{change.Group, "/Groups", "urn:ietf:params:scim:schemas:core:2.0:Group", "displayName"}
	}
	return resourceType{change.User, "/Users", "urn:ietf:params:scim:schemas:core:2.0:User", "userName"}
}

// path builds the address of a resource from its id. Addresses in answers
// (meta.location) are never followed: they would take the token along.
func (t resourceType) path(id string) string { return t.endpoint + "/" + url.PathEscape(id) }

// Read reads one user or group by its Webex id: GET /Users/{id} or
// GET /Groups/{id}. An answer about anything else is in doubt. That a user is not there
// is believed if a search by the id finds none either, which Webex has for users: who
// only reads by the id asks one replica.
func (c *Client) Read(ctx context.Context, kind change.Kind, id string) (provision.Resource, error) {
	r, err := c.one(ctx, kind, id)
	if kind == change.User && provision.Gone.Is(err) {
		err = c.confirmed(ctx, id, err)
	}
	return r, err
}

// confirmed is the refusal that says that there is no user with the id, or a transient
// fault if a search finds one, or cannot tell. A server that has no such search is
// believed.
func (c *Client) confirmed(ctx context.Context, id string, gone error) error {
	found, err := c.search(ctx, search{change.User, "id", "id eq " + quote(id), func(attributes map[string]any) (match, shown bool) {
		given := text(attributes, "id")
		return given == id, given != ""
	}})
	switch f := provision.AsFault(err); {
	case f != nil && f.Kind != provision.Permanent:
		return err
	case len(found) == 0:
		return gone
	default:
		return doubt("read Webex user "+id, "Webex finds it by a search and not by its address")
	}
}

// one reads one user or group.
func (c *Client) one(ctx context.Context, kind change.Kind, id string) (provision.Resource, error) {
	what := fmt.Sprintf("read Webex %s %s", kind, id)
	path := typeOf(kind).path(id)
	if kind == change.Group {
		path += "?" + withoutMembers
	}
	r, err := c.read(ctx, what, path)
	if err != nil {
		return provision.Resource{}, err
	}
	var attributes map[string]any
	if err := r.decode(what, &attributes); err != nil {
		return provision.Resource{}, err
	}
	if why := typeOf(kind).mismatch(id, attributes); why != "" {
		return provision.Resource{}, r.doubt(what, "Webex's answer "+why)
	}
	return resource(kind, attributes), nil
}

// mismatch says why attributes are not those of the resource with the id, or
// of any if that is empty, in words that follow "Webex's answer"; empty if they
// are. Not every server tells schemas and meta of what is asked for by its
// address; none tells another's.
func (t resourceType) mismatch(id string, attributes map[string]any) string {
	switch given := text(attributes, "id"); {
	case given == "":
		return "has no id"
	case id != "" && given != id:
		return "is about another one: " + quotable(given)
	case !t.describes(attributes):
		return "is no " + string(t.kind)
	default:
		return ""
	}
}

// describes reports whether attributes are those of a resource of this type, or
// do not say of which (RFC 7643 section 3.1).
func (t resourceType) describes(attributes map[string]any) bool {
	meta, _ := valueOf(attributes, "meta").(map[string]any)
	named := text(meta, "resourceType")
	return (saysNoSchema(attributes) || hasSchema(attributes, t.schema)) && (named == "" || strings.EqualFold(named, string(t.kind)))
}

// resource is what attributes are of.
func resource(kind change.Kind, attributes map[string]any) provision.Resource {
	if kind == change.Group {
		attributes = withoutMembersOf(attributes)
	}
	return provision.Resource{ID: text(attributes, "id"), Attributes: attributes, Reserved: reserved(kind, attributes)}
}

// withoutMembersOf takes the members out: not every server knows
// excludedAttributes, and an answer to a PATCH has them anyhow.
func withoutMembersOf(attributes map[string]any) map[string]any {
	maps.DeleteFunc(attributes, func(name string, _ any) bool { return strings.EqualFold(name, "members") })
	return attributes
}

// schemas lists the schemas of a resource: the core one and the extensions
// whose attributes it has (RFC 7643 section 3.3).
func (t resourceType) schemas(attributes map[string]any) []string {
	list := []string{t.schema}
	for name := range attributes {
		if strings.HasPrefix(name, "urn:") {
			list = append(list, name)
		}
	}
	slices.Sort(list[1:])
	return list
}

// escape writes a string as the value of a query parameter. '+' in a query is
// a space only to those who decode forms: %20 is one to everybody.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// quote writes a string as a filter value, which is a JSON string (RFC 7644
// section 3.4.2.2). Without the escapes of encoding/json for HTML, which are
// right too, names with a '&' stay readable in a server's log.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}
