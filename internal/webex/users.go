package webex

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entrawebex/internal/provision"
)

const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// User reads one account by its Webex id: GET /Users/{id}.
func (c *Client) User(ctx context.Context, id string) (provision.Account, error) {
	var resource map[string]any
	what := "read Webex user " + id
	if err := c.call(ctx, what, http.MethodGet, userPath(id), nil, &resource); err != nil {
		return provision.Account{}, err
	}
	return account(what, resource)
}

// UsersNamed searches the organization for a userName: GET /Users with a filter.
func (c *Client) UsersNamed(ctx context.Context, userName string) ([]provision.Account, error) {
	const what = "search Webex users by userName"
	var page struct {
		Resources []map[string]any `json:"Resources"`
	}
	query := url.Values{"filter": {"userName eq " + quote(userName)}}
	// '+' in a query is a space only to those who decode forms: %20 is one
	// to everybody.
	path := "/Users?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	if err := c.call(ctx, what, http.MethodGet, path, nil, &page); err != nil {
		return nil, err
	}
	accounts := make([]provision.Account, 0, len(page.Resources))
	for _, resource := range page.Resources {
		a, err := account(what, resource)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, a)
	}
	return accounts, nil
}

// Apply carries out the operations one after the other.
func (c *Client) Apply(ctx context.Context, ops []provision.Operation) []provision.Answer {
	answers := make([]provision.Answer, len(ops))
	for i, op := range ops {
		answers[i] = c.apply(ctx, op)
	}
	return answers
}

func (c *Client) apply(ctx context.Context, op provision.Operation) provision.Answer {
	switch {
	case op.Resource != nil:
		return c.create(ctx, op)
	case op.Patch != nil:
		body := map[string]any{"schemas": []string{patchSchema}, "Operations": op.Patch}
		what := fmt.Sprintf("change Webex user %s of %s", op.ID, op.Object)
		// 200 with the user, as Webex answers, or 204 without (RFC 7644
		// section 3.5.2): neither is read.
		return provision.Answer{ID: op.ID, Err: c.call(ctx, what, http.MethodPatch, userPath(op.ID), body, nil)}
	default:
		what := fmt.Sprintf("delete Webex user %s of %s", op.ID, op.Object)
		return provision.Answer{ID: op.ID, Err: c.call(ctx, what, http.MethodDelete, userPath(op.ID), nil, nil)}
	}
}

func (c *Client) create(ctx context.Context, op provision.Operation) provision.Answer {
	body := make(map[string]any, len(op.Resource)+2)
	maps.Copy(body, op.Resource)
	body["schemas"] = schemas(op.Resource)
	body["userType"] = "user" // required, says Cisco's OpenAPI
	what := fmt.Sprintf("create the Webex user of %s", op.Object)
	var created map[string]any
	if err := c.call(ctx, what, http.MethodPost, "/Users", body, &created); err != nil {
		return provision.Answer{Err: err}
	}
	a, err := account(what, created)
	return provision.Answer{ID: a.ID, Err: err}
}

// schemas lists the schemas of a resource: the core one and the extensions
// whose attributes it has (RFC 7643 section 3.3).
func schemas(resource map[string]any) []string {
	list := []string{userSchema}
	for name := range resource {
		if strings.HasPrefix(name, "urn:") {
			list = append(list, name)
		}
	}
	slices.Sort(list[1:])
	return list
}

func account(what string, resource map[string]any) (provision.Account, error) {
	id, _ := resource["id"].(string)
	if id == "" {
		return provision.Account{}, &provision.Fault{
			Kind: provision.Transient, Uncertain: true, Reason: what + ": Webex's answer has no id",
		}
	}
	return provision.Account{ID: id, Attributes: resource}, nil
}

// userPath builds the address of a user from its id. Addresses in answers
// (meta.location) are never followed: they would take the token along.
func userPath(id string) string { return "/Users/" + url.PathEscape(id) }

// quote writes a string as a filter value, which is a JSON string (RFC 7644
// section 3.4.2.2).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
