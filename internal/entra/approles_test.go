package entra

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	simgraph "entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/simhttp"
)

// role2 is another role of an application that has some.
const role2 = "0000000b-0000-4000-8000-000000000002"

// namedRoles reads the names of the roles of users.
func namedRoles(t *testing.T, c *Client, app string, transitive bool, ids ...string) []provision.Reading {
	t.Helper()
	queries := asking(ids...)
	for i := range queries {
		queries[i].App, queries[i].RoleNames, queries[i].Transitive = app, true, transitive
	}
	return c.Read(t.Context(), queries)
}

func TestRoleNamesAreReadWithTheUsers(t *testing.T) {
	t.Parallel()
	now := testNow()
	tenant, _ := newTenant(t, simgraph.Config{})
	c := newGraph().client(t, Config{
		Transport: simhttp.Network{"graph.microsoft.com": tenant}, Now: func() time.Time { return now },
		Select: map[change.Kind][]string{change.User: {"accountEnabled"}},
	})
	_, app := tenant.EnterpriseApp()
	tenant.SetAppRoles(simgraph.AppRole{ID: role1, DisplayName: "Agent", Value: "agent"}, simgraph.AppRole{ID: role2, DisplayName: "Admin"})
	ann, bo, cy := named(t, tenant, "ann"), named(t, tenant, "bo"), named(t, tenant, "cy")
	inner := team(t, tenant, "inner", ann)
	outer := team(t, tenant, "outer", inner)
	for user, role := range map[string]string{ann: role1, outer: role2, bo: simgraph.DefaultAccess} {
		must(t, tenant.Assign(user, role))
	}
	expect := func(transitive bool, want [][]string) {
		t.Helper()
		var got [][]string
		for _, r := range namedRoles(t, c, app, transitive, ann, bo, cy) {
			if r.Err != nil || r.RolesErr != nil || r.RoleNamesErr != nil {
				t.Fatal(r.Err, r.RolesErr, r.RoleNamesErr)
			}
			got = append(got, r.RoleNames)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	read := func() int {
		t.Helper()
		n := 0
		for call, times := range tenant.Calls.Snapshot() {
			if call == "GET /servicePrincipals/{id}" {
				n += times
			}
		}
		return n
	}
	expect(false, [][]string{{"Agent"}, {}, {}})
	expect(true, [][]string{{"Admin", "Agent"}, {}, {}})
	before := read()
	tenant.SetAppRoles(simgraph.AppRole{ID: role1, DisplayName: "Renamed"}, simgraph.AppRole{ID: role2, DisplayName: "Admin"})
	now = now.Add(rolesFor - time.Second)
	expect(false, [][]string{{"Agent"}, {}, {}})
	if n := read() - before; n != 1 { // whether the application is there, since cy has no role
		t.Errorf("%d more readings of the application", n)
	}
	now = now.Add(time.Second)
	expect(false, [][]string{{"Renamed"}, {}, {}})
}

// A role may be newer than what is known of the application.
func TestARoleThatIsNotKnownIsLookedForOnceMore(t *testing.T) {
	t.Parallel()
	now := testNow()
	tenant, _ := newTenant(t, simgraph.Config{})
	c := newGraph().client(t, Config{
		Transport: simhttp.Network{"graph.microsoft.com": tenant}, Now: func() time.Time { return now },
		Select: map[change.Kind][]string{change.User: {"accountEnabled"}},
	})
	_, app := tenant.EnterpriseApp()
	ann, bo := named(t, tenant, "ann"), named(t, tenant, "bo")
	must(t, tenant.Assign(ann, role1))
	must(t, tenant.Assign(bo, role2))
	tenant.SetAppRoles(simgraph.AppRole{ID: role2, DisplayName: "Admin"})
	for i := range 3 {
		readings := namedRoles(t, c, app, false, ann, bo)
		expectFault(t, readings[0].RoleNamesErr, provision.Transient, 0, "somebody is assigned in the app role "+role1+", which the enterprise application"+
			" does not have (any more): take that assignment away in the Entra admin center")
		if diff := cmp.Diff([]string{"Admin"}, readings[1].RoleNames); diff != "" || readings[1].RoleNamesErr != nil || readings[0].RolesErr != nil {
			t.Errorf("%d: %v %v %s", i, readings[1].RoleNamesErr, readings[0].RolesErr, diff)
		}
	}
	if n := tenant.Calls.Snapshot()["GET /servicePrincipals/{id}"]; n != 1 {
		t.Errorf("it is looked for %d times at once", n)
	}
	tenant.SetAppRoles(simgraph.AppRole{ID: role1, DisplayName: "New"}, simgraph.AppRole{ID: role2, DisplayName: "Admin"})
	now = now.Add(rolesAgain)
	if r := namedRoles(t, c, app, false, ann)[0]; r.RoleNamesErr != nil || fmt.Sprint(r.RoleNames) != "[New]" {
		t.Errorf("%q, %v", r.RoleNames, r.RoleNamesErr)
	}
}

func TestRolesOfAnotherAnswerHaveNoNames(t *testing.T) {
	t.Parallel()
	const operation = "read app roles of enterprise application "
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		kind   provision.FaultKind
		want   string
	}{
		"forbidden": {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, "403 Authorization_RequestDenied: why (it needs the application permission Application.Read.All, with admin consent)"},
		"gone":      {refusing(404, "Request_ResourceNotFound", ""), provision.Transient, "it is not there"},
		"another":   {raw(200, "application/json", `{"id":"`+id(61)+`","appRoles":[]}`), provision.Transient, "the answer is not that enterprise application"},
		"no list":   {raw(200, "application/json", `{"id":"`+id(60)+`","appRoles":{}}`), provision.Transient, "the answer is not that enterprise application"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1))
			g.inner["/users/"+id(1)+"/appRoleAssignments"] = listing(assigned("User", id(1), role1, id(60)))
			g.outer["/servicePrincipals/"+id(60)] = tt.answer
			r := namedRoles(t, g.client(t, Config{}), id(60), false, id(1))[0]
			if r.Err != nil || r.RolesErr != nil || r.RoleNames != nil {
				t.Errorf("%+v", r)
			}
			expectFault(t, r.RoleNamesErr, tt.kind, 0, operation+id(60)+" from Entra: "+tt.want)
		})
	}
	t.Run("with one that cannot be read", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.inner["/users/"+id(1)+"/appRoleAssignments"] = listing(assigned("User", id(1), role1, id(60)))
		g.outer["/servicePrincipals/"+id(60)] = raw(200, "application/json", `{"id":"`+id(60)+`","appRoles":[7,{"id":"x"},{"id":"`+role2+`"},{"id":"`+role1+`","displayName":null,"value":"agent"}]}`)
		if r := namedRoles(t, g.client(t, Config{}), id(60), false, id(1))[0]; r.RoleNamesErr != nil || fmt.Sprint(r.RoleNames) != "[agent]" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("where another assignment cannot be read", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.inner["/users/"+id(1)+"/appRoleAssignments"] = listing(assigned("User", id(1), role1, id(60)), assigned("Group", id(2), "x", id(60)))
		r := namedRoles(t, g.client(t, Config{}), id(60), false, id(1))[0]
		expectFault(t, r.RoleNamesErr, provision.Transient, 0, "read assignments of user "+id(1)+" from Entra: the answer lists an assignment that cannot be read, and all are wanted")
	})
}
