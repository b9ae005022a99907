package webex

import (
	"context"
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
	endpoint string
	schema   string
	name     string // the attribute that it is found by
}

func typeOf(kind change.Kind) resourceType {
	if kind == change.Group {
		return resourceType{"/Groups", "urn:ietf:params:scim:schemas:core:2.0:Group", "displayName"}
	}
	return resourceType{"/Users", "urn:ietf:params:scim:schemas:core:2.0:User", "userName"}
}

// path builds the address of a resource from its id. Addresses in answers
// (meta.location) are never followed: they would take the token along.
func (t resourceType) path(id string) string { return t.endpoint + "/" + url.PathEscape(id) }

// Read reads one user or group by its Webex id: GET /Users/{id} or
// GET /Groups/{id}.
func (c *Client) Read(ctx context.Context, kind change.Kind, id string) (provision.Resource, error) {
	what := fmt.Sprintf("read Webex %s %s", kind, id)
	path := typeOf(kind).path(id)
	if kind == change.Group {
		path += "?" + withoutMembers
	}
	var attributes map[string]any
	if err := c.read(ctx, what, path, &attributes); err != nil {
		return provision.Resource{}, err
	}
	return resource(what, kind, attributes)
}

// Named searches the organization for a user by userName or for groups by
// displayName: GET /Users or GET /Groups with a filter, all pages of it. What
// has another name is left out: who ignored the filter would otherwise have
// anything adopted.
func (c *Client) Named(ctx context.Context, kind change.Kind, name string) ([]provision.Resource, error) {
	attribute := typeOf(kind).name
	return c.search(ctx, kind, attribute, name, func(attributes map[string]any) bool {
		text, _ := attributes[attribute].(string)
		return kind == change.User || strings.EqualFold(text, name)
	})
}

// Addressed searches the organization for users by an address of theirs: GET
// /Users with a filter.
func (c *Client) Addressed(ctx context.Context, address string) ([]provision.Resource, error) {
	return c.search(ctx, change.User, "emails.value", address, func(map[string]any) bool { return true })
}

// search returns what has that value of the attribute, and matches.
func (c *Client) search(
	ctx context.Context, kind change.Kind, attribute, value string, matches func(attributes map[string]any) bool,
) ([]provision.Resource, error) {
	t := typeOf(kind)
	what := fmt.Sprintf("search Webex %ss by %s", kind, attribute)
	search := t.endpoint + "?filter=" + escape(attribute+" eq "+quote(value))
	if kind == change.Group {
		search += "&" + withoutMembers
	}
	found := []provision.Resource{}
	seen := map[string]bool{}
	err := pages(what, func(start int) (got, total int, err error) {
		path := search
		if start > 1 {
			path += fmt.Sprintf("&startIndex=%d", start)
		}
		var page struct {
			TotalResults int              `json:"totalResults"`
			Resources    []map[string]any `json:"Resources"`
		}
		if err := c.read(ctx, what, path, &page); err != nil {
			return 0, 0, err
		}
		for _, attributes := range page.Resources {
			r, err := resource(what, kind, attributes)
			if err != nil {
				return 0, 0, err
			}
			// A resource moves from page to page while others come and go.
			if seen[r.ID] || !matches(attributes) {
				continue
			}
			seen[r.ID] = true
			found = append(found, r)
		}
		return len(page.Resources), page.TotalResults, nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// maxPages bounds how many pages of one list are read. With 500 members a page
// that is twice the members a group of Webex can have.
const maxPages = 1000

// pages calls read with the startIndex of one page after the other (RFC 7644
// section 3.4.2.4) until all of the total were got or a page is empty. The next
// page begins after what came: a page that is shorter than its itemsPerPage
// must leave no gap. A list of more than maxPages is a permanent fault.
func pages(what string, read func(start int) (got, total int, err error)) error {
	start := 1
	for range maxPages {
		got, total, err := read(start)
		if err != nil {
			return err
		}
		start += got
		if got == 0 || start > total {
			return nil
		}
	}
	return &provision.Fault{
		Kind: provision.Permanent, Reason: fmt.Sprintf("%s: Webex's answer has more than %d pages", what, maxPages),
	}
}

func resource(what string, kind change.Kind, attributes map[string]any) (provision.Resource, error) {
	id, _ := attributes["id"].(string)
	if id == "" {
		return provision.Resource{}, doubt(what, "Webex's answer has no id")
	}
	r := provision.Resource{ID: id, Attributes: attributes}
	if kind == change.Group {
		// Not every server knows excludedAttributes.
		maps.DeleteFunc(attributes, func(name string, _ any) bool { return strings.EqualFold(name, "members") })
		r.Reserved = reserved(attributes)
	}
	return r, nil
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
// section 3.4.2.2).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
