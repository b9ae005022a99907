package entra

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	simgraph "entrawebex/internal/sandbox/graph"
)

// withSecurity reads custom security attributes of users.
func withSecurity() map[change.Kind][]string {
	return map[change.Kind][]string{change.User: {"accountEnabled", securityAttributes}}
}

func TestCustomSecurityAttributesAreReadWithTheObject(t *testing.T) {
	t.Parallel()
	permitted := jwt(`{"roles":["User.Read.All","CustomSecAttributeAssignment.Read.All"]}`)
	const refused = "the mapping reads custom security attributes, and the access token does not show the application permission" +
		" CustomSecAttributeAssignment.Read.All (grant it, with admin consent, or take them out of the mapping)"
	some := map[string]any{"HR": map[string]any{"Grade": "7"}}
	for name, tt := range map[string]struct {
		token string
		value any
		fault string
	}{
		"some are shown, whatever the token tells":       {testToken, some, ""},
		"none are none with the permission":              {permitted, nil, ""},
		"none are not known without the permission":      {jwt(`{"roles":["User.Read.All"]}`), nil, refused},
		"none are not known if the token tells no roles": {testToken, nil, refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1))
			g.token = tt.token
			g.users[id(1)][securityAttributes] = tt.value
			reading := g.client(t, Config{Credential: StaticToken(tt.token), Select: withSecurity()}).Read(t.Context(), asking(id(1)))[0]
			if tt.fault != "" {
				expectFault(t, reading.Err, provision.Unauthorized, 0, "read user "+id(1)+" from Entra: "+tt.fault)
				return
			}
			if diff := cmp.Diff(tt.value, reading.Attributes[securityAttributes]); diff != "" || reading.Err != nil {
				t.Error(diff, reading.Err)
			}
		})
	}
	t.Run("a refusal names both permissions", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.inner["/users/"+id(1)] = refusing(http.StatusForbidden, "Authorization_RequestDenied", "")
		reading := g.client(t, Config{Select: withSecurity()}).Read(t.Context(), asking(id(1)))[0]
		expectFault(t, reading.Err, provision.Unauthorized, 0, "read user "+id(1)+" from Entra: 403 Authorization_RequestDenied: why (it needs"+
			" the application permission User.Read.All, and for custom security attributes CustomSecAttributeAssignment.Read.All, with admin consent)")
	})
	t.Run("nobody in the recycle bin takes the permission", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.deleted[id(1)] = map[string]any{"id": id(1), "deletedDateTime": "2026-05-01T00:00:00Z"}
		reading := g.client(t, Config{Select: withSecurity()}).Read(t.Context(), asking(id(1)))[0]
		if reading.Presence != provision.SoftDeleted || reading.Err != nil {
			t.Errorf("%+v", reading)
		}
	})
}

func TestADeltaQueryIsNotAskedForCustomSecurityAttributes(t *testing.T) {
	t.Parallel()
	tenant, c := newTenant(t, simgraph.Config{})
	_, err := tenant.Create(simgraph.User{
		"userPrincipalName": "ada@contoso.example", "displayName": "Ada", securityAttributes: map[string]any{"HR": map[string]any{"Grade": "7"}},
	})
	must(t, err)
	c = c.Selecting(withSecurity())
	objects, _, _ := round(t, c, change.User, "")
	if _, shown := objects[0].Attributes[securityAttributes]; shown {
		t.Errorf("the delta shows %v", objects[0].Attributes)
	}
	if got := c.query(request{place: userDelta}).Select; strings.Contains(strings.Join(got, " "), securityAttributes) {
		t.Errorf("it is asked for %v", got)
	}
	if got := c.Read(t.Context(), []provision.Query{{Object: objects[0].Object}})[0].Attributes[securityAttributes]; got == nil {
		t.Error("reading the user shows none")
	}
}
