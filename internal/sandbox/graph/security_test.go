package graph

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCustomSecurityAttributesTakeTheirPermission(t *testing.T) {
	t.Parallel()
	for permission, want := range map[string]int{"Group.Read.All": http.StatusForbidden, "CustomSecAttributeAssignment.Read.All": http.StatusOK} {
		tenant := newTenant(t, Config{Permissions: []string{"User.Read.All", permission}})
		user := person1()
		user[securityAttributes] = map[string]any{"HR": map[string]any{"Grade": "7"}}
		id := create(t, tenant, user)
		for _, path := range []string{"/v1.0/users/" + id, "/v1.0/users"} {
			if got, body := call(t, tenant, http.MethodGet, path+"?$select=id,customSecurityAttributes", ""); got != want {
				t.Errorf("%s with %s answered %d %v", path, permission, got, body)
			}
			if got, body := call(t, tenant, http.MethodGet, path+"?$select=id", ""); got != http.StatusOK {
				t.Errorf("%s without them answered %d %v", path, got, body)
			}
		}
	}
}

func TestNothingTellsOfCustomSecurityAttributes(t *testing.T) {
	t.Parallel()
	tenant, _, _ := subscribed(t, "updated", "users")
	id := create(t, tenant, person1())
	waiting := len(tenant.outbox)
	_, link := deltaRound(t, tenant, "/v1.0/users/delta?$select=displayName,customSecurityAttributes", 999)
	_, all := deltaRound(t, tenant, "/v1.0/users/delta", 999)
	grade := map[string]any{"HR": map[string]any{"Grade": "7"}}
	must(t, tenant.Update(id, func(u User) { u[securityAttributes] = grade }))
	for _, from := range []string{link, all} {
		pages, _ := deltaRound(t, tenant, from, 999)
		expectRound(t, "they alone have changed", pages, nil)
	}
	if len(tenant.outbox) != waiting {
		t.Error("a notification tells of them")
	}
	must(t, tenant.Update(id, func(u User) { u["displayName"] = "Ann" }))
	pages, _ := deltaRound(t, tenant, link, 999)
	expectRound(t, "the name has changed", pages, []string{id})
	if _, shown := pages[0][0][securityAttributes]; shown || len(tenant.outbox) == waiting {
		t.Errorf("the round shows %v, %d notifications", pages, len(tenant.outbox)-waiting)
	}
	user, err := tenant.User(id)
	if diff := cmp.Diff(grade, user[securityAttributes]); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
