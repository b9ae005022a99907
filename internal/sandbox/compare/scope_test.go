package compare

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/graph"
)

const seller = "0000000b-0000-4000-8000-000000000001"

// differences are what Differences finds, by who it is.
func (w world) differences(allowed ...Allowance) []string {
	var found []string
	for _, d := range Differences(w.tenant, w.org, w.rules, allowed...) {
		found = append(found, w.who(d)+": "+d.Attribute)
	}
	slices.Sort(found)
	return found
}

func TestCompareKnowsTheScope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(*testing.T, world)
		allowed []Allowance
		want    []string
	}{
		// Nobody was ever assigned, and there are accounts.
		"nobody assigned": {
			func(*testing.T, world) {}, nil,
			[]string{"blocked: account", "deleted: account", "guest: active", "live: active", "other: group", "team: group"},
		},
		"all assigned": {func(t *testing.T, w world) { w.assign(t) }, nil, nil},
		"a user left the scope and is inactive": {func(t *testing.T, w world) {
			w.assign(t)
			must(t, w.tenant.Unassign(w.ids["guest"], graph.DefaultAccess))
			w.patch(t, "guest", replacement("active", "false"))
		}, nil, nil},
		"a user left the scope and is active": {func(t *testing.T, w world) {
			w.assign(t)
			must(t, w.tenant.Unassign(w.ids["guest"], graph.DefaultAccess))
		}, nil, []string{"guest: active"}},
		"a user in scope is missing": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
			must(t, w.tenant.Assign(w.ids["new"], seller))
		}, nil, []string{"new: account"}},
		"a user in scope by a group is missing": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
			must(t, w.tenant.AddMembers(w.ids["other"], w.ids["new"]))
		}, nil, []string{"new: account"}},
		"a user in scope by a group within a group, where these do not count": {func(t *testing.T, w world) {
			w.assign(t)
			w.nest(t)
		}, nil, nil},
		"a user in scope by a group within a group, where these count": {func(t *testing.T, w world) {
			w.assign(t)
			w.nest(t)
		}, []Allowance{Nested}, []string{"new: account"}},
		"a user out of scope has a new account": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
			w.provision(t, "new", "new@"+domain, false)
		}, nil, []string{"new: account"}},
		"a user out of scope has a new account, as a stale list said": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
			w.provision(t, "new", "new@"+domain, false)
		}, []Allowance{StaleScope}, nil},
		"a user out of scope has a new account, as a stale list said, and keeps it": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
			w.provision(t, "new", "new@"+domain, true)
		}, []Allowance{StaleScope}, []string{"new: active"}},
		"a user out of scope has an account from before": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
			w.accounts["new"] = add(t, w.org, map[string]any{"userName": "new@" + domain, "externalId": w.ids["new"]})
		}, nil, nil},
		"an account from before of a user out of scope was written": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
			w.accounts["new"] = add(t, w.org, map[string]any{"userName": "new@" + domain, "externalId": w.ids["new"]})
			w.patch(t, "new", replacement("title", `"X"`))
		}, nil, []string{"new: active"}},
		"a user joined an assigned group and left it": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
			must(t, w.tenant.AddMembers(w.ids["other"], w.ids["new"]))
			must(t, w.tenant.RemoveMembers(w.ids["other"], w.ids["new"]))
			w.provision(t, "new", "new@"+domain, false)
		}, nil, nil},
		"a group around a user's group was assigned, where these count": {func(t *testing.T, w world) {
			w.assign(t)
			w.nest(t)
			must(t, w.tenant.RemoveMembers(w.ids["other"], w.ids["inner"]))
			w.provision(t, "new", "new@"+domain, false)
		}, []Allowance{Nested}, nil},
		"a group around a user's group was assigned, where these do not count": {func(t *testing.T, w world) {
			w.assign(t)
			w.nest(t)
			must(t, w.tenant.RemoveMembers(w.ids["other"], w.ids["inner"]))
			w.provision(t, "new", "new@"+domain, false)
		}, nil, []string{"new: account"}},
		"a user was only assigned while blocked": {func(t *testing.T, w world) {
			w.assign(t)
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New", "accountEnabled": false})
			must(t, w.tenant.Assign(w.ids["new"], seller))
			must(t, w.tenant.Unassign(w.ids["new"], seller))
			must(t, w.tenant.Update(w.ids["new"], func(u graph.User) { u["accountEnabled"] = true }))
			w.provision(t, "new", "new@"+domain, false)
		}, nil, []string{"new: account"}},
		"a group left the scope": {func(t *testing.T, w world) {
			w.assign(t)
			must(t, w.tenant.Assign(w.ids["blocked"], seller))
			must(t, w.tenant.Unassign(w.ids["other"], seller))
			w.removeGroup(t, "other")
		}, nil, nil},
		"a group in scope is missing": {func(t *testing.T, w world) {
			w.assign(t)
			w.removeGroup(t, "other")
		}, nil, []string{"other: group"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := teamed(t)
			test.change(t, w)
			if diff := cmp.Diff(test.want, w.differences(append(test.allowed, Assigned)...)); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

// assign puts all in scope that the organization has: each was, or could have
// been, provisioned at some time.
func (w world) assign(t *testing.T) {
	t.Helper()
	must(t, w.tenant.Assign(w.ids["guest"], graph.DefaultAccess))
	must(t, w.tenant.Assign(w.ids["team"], seller))
	must(t, w.tenant.Assign(w.ids["other"], seller))
	must(t, w.tenant.Update(w.ids["blocked"], func(u graph.User) { u["accountEnabled"] = true }))
	must(t, w.tenant.Update(w.ids["blocked"], func(u graph.User) { u["accountEnabled"] = false }))
	must(t, w.tenant.Restore(w.ids["deleted"]))
	must(t, w.tenant.Assign(w.ids["deleted"], graph.DefaultAccess))
	must(t, w.tenant.Delete(w.ids["deleted"]))
}

// nest makes a user "new" a member of a group within "other".
func (w world) nest(t *testing.T) {
	t.Helper()
	w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New"})
	w.ids["inner"] = createGroup(t, w.tenant, graph.Group{"displayName": "Inner"})
	must(t, w.tenant.AddMembers(w.ids["inner"], w.ids["new"]))
	must(t, w.tenant.AddMembers(w.ids["other"], w.ids["inner"]))
}
