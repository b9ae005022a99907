package entra

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/organization"

	"entrawebex/internal/change"
)

// maxToken is the longest access token that Roles looks into, in bytes.
const maxToken = 64 << 10

// Organization returns the id of the tenant the credential belongs to, a
// lower-case GUID. It needs Organization.Read.All.
func (c *Client) Organization(ctx context.Context) (string, error) {
	var id string
	err := c.readTenant(ctx, "id", func(element []byte) error {
		var tenant identity
		if err := json.Unmarshal(element, &tenant); err == nil {
			if given, ok := change.ParseID(text(tenant.ID)); ok {
				id = given
				return nil
			}
		}
		return strange("the answer does not name one tenant")
	})
	return id, err
}

// readTenant reads one property of the tenant, from the only element of the answer.
func (c *Client) readTenant(ctx context.Context, property string, decode func(element []byte) error) error {
	const operation, permission = "read organization", "Organization.Read.All"
	info, err := organization.NewOrganizationRequestBuilderInternal(c.path(), c.adapter).ToGetRequestInformation(ctx, nil)
	if err != nil {
		return fault(operation, permission, fmt.Errorf("build request: %w", err))
	}
	info.AddQueryParameters(query{Select: []string{property}})
	body, err := c.send(ctx, info)
	var list collection
	if err == nil {
		list, err = decodeCollection("tenants", body)
	}
	switch {
	case err != nil:
	case len(list.Elements) != 1:
		err = strange("the answer does not name one tenant")
	default:
		err = decode(list.Elements[0])
	}
	if err != nil {
		return fault(operation, permission, err)
	}
	return nil
}

// Probe asks for something harmless and returns the fault of that call: whether
// the tenant can be read now.
func (c *Client) Probe(ctx context.Context) error {
	_, err := c.Organization(ctx)
	return err
}

// Roles returns the application permissions that were consented to, as the
// access token lists them. Known is false if the token is not one that can be
// read; Microsoft promises no form. The token is not verified: it is our own,
// and all that follows from it is whether Graph is believed.
func (c *Client) Roles(ctx context.Context) (roles []string, known bool, err error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	token, err := c.auth.token(ctx)
	if err != nil {
		return nil, false, fault("read the permissions of the access token", readUsers, err)
	}
	roles, known = tokenRoles(token)
	return roles, known, nil
}

// tokenRoles reads the roles claim of a JWT (RFC 7519 section 3).
func tokenRoles(token string) ([]string, bool) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return nil, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, false
	}
	var claims *struct {
		Roles []string `json:"roles"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims == nil {
		return nil, false
	}
	return claims.Roles, true
}
