package entra

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	simgraph "entrawebex/internal/sandbox/graph"
)

// role1 is a role of an application that has some.
const role1 = "0000000b-0000-4000-8000-000000000001"

func TestServicePrincipal(t *testing.T) {
	t.Parallel()

	t.Run("is found by its application id", func(t *testing.T) {
		t.Parallel()
		tenant, c := newTenant(t, simgraph.Config{})
		got, err := c.ServicePrincipal(t.Context(), strings.ToUpper(testApp))
		if _, want := tenant.EnterpriseApp(); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	})

	t.Run("that is not there says where to look", func(t *testing.T) {
		t.Parallel()
		_, c := newTenant(t, simgraph.Config{})
		_, err := c.ServicePrincipal(t.Context(), id(7))
		expectFault(t, err, provision.Permanent, 0, "find enterprise application "+id(7)+" in Entra: there is none with this application"+
			" (client) id in the tenant (it is the Application ID under Enterprise applications, Properties; not the Object ID)")
	})

	t.Run("whose id is none is not asked for", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		_, err := g.client(t, Config{}).ServicePrincipal(t.Context(), "webex')/x")
		expectFault(t, err, provision.Permanent, 0, "find enterprise application webex')/x in Entra: an application (client) id is a GUID")
		if len(g.calls) > 0 {
			t.Errorf("calls %v", g.calls)
		}
	})

	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		kind   provision.FaultKind
		want   string
	}{
		"forbidden":   {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, "403 Authorization_RequestDenied: why (it needs the application permission Application.Read.All, with admin consent)"},
		"another 404": {refusing(404, "UnknownError", ""), provision.Transient, "404 UnknownError: why"},
		"nothing":     {raw(204, "", ""), provision.Transient, "the answer is empty"},
		"another one": {raw(200, "application/json", `{"id":"`+id(5)+`","appId":"`+id(6)+`"}`), provision.Transient, "the answer is not that enterprise application"},
		"no id":       {raw(200, "application/json", `{"id":null,"appId":"`+testApp+`"}`), provision.Transient, "the answer is not that enterprise application"},
		"HTML":        {raw(200, "text/html", `<html>`), provision.Transient, "the answer is not that enterprise application"},
	} {
		t.Run("answered with "+name+" is a fault", func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.outer["/servicePrincipals(appId='"+testApp+"')"] = tt.answer
			_, err := g.client(t, Config{}).ServicePrincipal(t.Context(), testApp)
			expectFault(t, err, tt.kind, 0, "find enterprise application "+testApp+" in Entra: "+tt.want)
		})
	}
}

func TestAssignments(t *testing.T) {
	t.Parallel()

	t.Run("are of users and groups, and others are counted", func(t *testing.T) {
		t.Parallel()
		tenant, c := newTenant(t, simgraph.Config{})
		_, app := tenant.EnterpriseApp()
		ann := named(t, tenant, "ann")
		sales := team(t, tenant, "sales", ann)
		must(t, tenant.Assign(ann, simgraph.DefaultAccess))
		must(t, tenant.Assign(ann, role1))
		must(t, tenant.Assign(sales, role1))
		must(t, tenant.Assign(tenant.AddOther("servicePrincipal"), role1))
		page, err := c.Assignments(t.Context(), app, "")
		must(t, err)
		user, group := change.Object{Kind: change.User, ID: ann}, change.Object{Kind: change.Group, ID: sales}
		want := reconcile.AssignmentPage{
			Assignments: []reconcile.Assignment{{Principal: user, Role: simgraph.DefaultAccess}, {Principal: user, Role: role1}, {Principal: group, Role: role1}},
			Others:      1,
		}
		if diff := cmp.Diff(want, page); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("come page by page", func(t *testing.T) {
		t.Parallel()
		const people = 1000 // one more than on a page
		tenant, c := newTenant(t, simgraph.Config{})
		_, app := tenant.EnterpriseApp()
		for i := range people {
			must(t, tenant.Assign(named(t, tenant, fmt.Sprint("u", i)), simgraph.DefaultAccess))
		}
		var sizes []int
		for next, first := "", true; first || next != ""; first = false {
			page, err := c.Assignments(t.Context(), app, next)
			must(t, err)
			sizes, next = append(sizes, len(page.Assignments)), page.Next
		}
		if diff := cmp.Diff([]int{999, 1}, sizes); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("to an enterprise application that is not there are Gone", func(t *testing.T) {
		t.Parallel()
		_, c := newTenant(t, simgraph.Config{})
		_, err := c.Assignments(t.Context(), id(7), "")
		if f := provision.AsFault(err); f == nil || f.Answer != provision.Gone {
			t.Errorf("error %v", err)
		}
	})
}

// listing answers with a page of assignments.
func listing(assignments ...string) http.HandlerFunc {
	return raw(200, "application/json", `{"value":[`+strings.Join(assignments, ",")+`]}`)
}

// assigned is an assignment on a page.
func assigned(kind, principal, role, resource string) string {
	text, err := json.Marshal(map[string]string{"principalType": kind, "principalId": principal, "appRoleId": role, "resourceId": resource})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// hostileAssignments are answers that are no list of assignments to id(60), and
// why.
func hostileAssignments() map[string]struct {
	answer http.HandlerFunc
	kind   provision.FaultKind
	after  time.Duration
	want   string
} {
	return map[string]struct {
		answer http.HandlerFunc
		kind   provision.FaultKind
		after  time.Duration
		want   string
	}{
		"for a while":    {refusing(429, "TooManyRequests", "17"), provision.Throttled, 17 * time.Second, "429 TooManyRequests: why"},
		"by a failure":   {refusing(500, "x", ""), provision.Transient, 0, "500 x: why"},
		"by another 404": {refusing(404, "UnknownError", ""), provision.Transient, 0, "404 UnknownError: why"},
		"with no list":   {raw(200, "application/json", `{}`), provision.Transient, 0, "the answer has no list of assignments"},
		"with null":      {raw(200, "application/json", `{"value":null}`), provision.Transient, 0, "the answer has no list of assignments"},
		"with no object": {raw(200, "application/json", `{"value":{}}`), provision.Transient, 0, "the answer is not a page of assignments"},
		"with those to another application": {
			listing(assigned("User", id(1), role1, id(61))), provision.Transient, 0, "the answer lists an assignment to something else",
		},
		"with a foreign end": {raw(200, "application/json", `{"value":[],"@odata.nextLink":"https://evil.example/v1.0/x"}`), provision.Permanent, 0, "refused to send the token to another host: https://evil.example"},
	}
}

func TestAssignmentsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range hostileAssignments() {
		t.Run("a page refused "+name+" is a fault", func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.outer["/servicePrincipals/"+id(60)+"/appRoleAssignedTo"] = tt.answer
			got, err := g.client(t, Config{}).Assignments(t.Context(), id(60), "")
			expectFault(t, err, tt.kind, tt.after, "read assignments to enterprise application "+id(60)+" from Entra: "+tt.want)
			if diff := cmp.Diff(reconcile.AssignmentPage{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}

	t.Run("a page that has expired, or leads elsewhere, is gone", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.outer["/next"] = refusing(400, "Directory_ExpiredPageToken", "")
		c := g.client(t, Config{})
		_, err := c.Assignments(t.Context(), id(60), "https://graph.microsoft.com/v1.0/next")
		expectFault(t, err, provision.Gone, 0, "read assignments to enterprise application "+id(60)+" from Entra: 400 Directory_ExpiredPageToken: why")
		_, err = c.Assignments(t.Context(), id(60), "https://evil.example/v1.0/next")
		expectFault(t, err, provision.Gone, 0, "read assignments to enterprise application "+id(60)+" from Entra: refused to send the token to another host: https://evil.example")
		if len(g.calls) != 1 {
			t.Errorf("calls %v", g.calls)
		}
	})
}

// expectRoles reads objects with their roles and compares these.
func expectRoles(t *testing.T, tenant *simgraph.Tenant, c *Client, transitive bool, want map[change.Object][]string) {
	t.Helper()
	_, app := tenant.EnterpriseApp()
	var queries []provision.Query
	for o := range want {
		queries = append(queries, provision.Query{Object: o, App: app, Transitive: transitive})
	}
	for i, r := range c.Read(t.Context(), queries) {
		o := queries[i].Object
		if r.Err != nil || r.RolesErr != nil {
			t.Errorf("%s: %v, %v", o, r.Err, r.RolesErr)
		}
		if diff := cmp.Diff(want[o], r.Roles); diff != "" {
			t.Errorf("roles of %s (-want +got):\n%s", o, diff)
		}
	}
}

func user(id string) change.Object { return change.Object{Kind: change.User, ID: id} }

func group(id string) change.Object { return change.Object{Kind: change.Group, ID: id} }

func TestReadRoles(t *testing.T) {
	t.Parallel()

	t.Run("are a user's own and those of its groups", func(t *testing.T) {
		t.Parallel()
		tenant, c := newTenant(t, simgraph.Config{})
		ann, bo, cy := named(t, tenant, "ann"), named(t, tenant, "bo"), named(t, tenant, "cy")
		sales, other := team(t, tenant, "sales", ann, bo), team(t, tenant, "other", cy)
		must(t, tenant.Assign(ann, simgraph.DefaultAccess))
		must(t, tenant.Assign(ann, role1))
		must(t, tenant.Assign(sales, role1))
		expectRoles(t, tenant, c, false, map[change.Object][]string{
			user(ann): {simgraph.DefaultAccess, role1}, user(bo): {role1}, user(cy): nil, group(sales): {role1}, group(other): nil,
		})
		if calls := tenant.Calls.Snapshot(); calls["POST /$batch"] != 1 {
			t.Errorf("calls %v", calls)
		}
	})

	t.Run("come through groups within groups only if that is asked", func(t *testing.T) {
		t.Parallel()
		tenant, c := newTenant(t, simgraph.Config{})
		ann, bo := named(t, tenant, "ann"), named(t, tenant, "bo")
		inner := team(t, tenant, "inner", ann)
		outer := team(t, tenant, "outer", inner)
		must(t, tenant.Assign(outer, role1))
		direct := map[change.Object][]string{user(ann): nil, user(bo): nil, group(inner): nil, group(outer): {role1}}
		expectRoles(t, tenant, c, false, direct)
		if calls := tenant.Calls.Snapshot(); calls["GET /servicePrincipals/{id}/appRoleAssignedTo"] != 0 {
			t.Errorf("calls %v", calls)
		}
		nested := map[change.Object][]string{user(ann): {role1}, user(bo): nil, group(inner): nil, group(outer): {role1}}
		expectRoles(t, tenant, c, true, nested)
		if calls := tenant.Calls.Snapshot(); calls["GET /servicePrincipals/{id}/appRoleAssignedTo"] != 1 {
			t.Errorf("calls %v", calls)
		}
	})

	t.Run("take no list of all assignments while everybody has one of their own", func(t *testing.T) {
		t.Parallel()
		tenant, c := newTenant(t, simgraph.Config{})
		ann := named(t, tenant, "ann")
		must(t, tenant.Assign(ann, role1))
		expectRoles(t, tenant, c, true, map[change.Object][]string{user(ann): {role1}})
		if calls := tenant.Calls.Snapshot(); calls["GET /servicePrincipals/{id}/appRoleAssignedTo"] != 0 {
			t.Errorf("calls %v", calls)
		}
	})

	t.Run("are nothing of what is not live", func(t *testing.T) {
		t.Parallel()
		tenant, c := newTenant(t, simgraph.Config{})
		ann := named(t, tenant, "ann")
		must(t, tenant.Assign(ann, role1))
		must(t, tenant.Delete(ann))
		expectRoles(t, tenant, c, true, map[change.Object][]string{user(ann): nil, user(id(5)): nil})
	})

	t.Run("are not asked for unless an App is named", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		readings := g.client(t, Config{}).Read(t.Context(), []provision.Query{{Object: user(id(1)), Transitive: true}})
		if readings[0].Err != nil || readings[0].Roles != nil || readings[0].RolesErr != nil || len(g.calls) != 1 {
			t.Errorf("%+v, calls %v", readings, g.calls)
		}
	})

	t.Run("go on over pages", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.inner["/users/"+id(1)+"/appRoleAssignments"] = raw(200, "application/json", `{"value":[],"@odata.nextLink":"https://graph.microsoft.com/v1.0/next"}`)
		g.outer["/next"] = listing(assigned("group", id(50), role1, id(60)), assigned("user", id(1), role1, id(60)))
		readings := g.client(t, Config{}).Read(t.Context(), []provision.Query{{Object: user(id(1)), App: id(60)}})
		if diff := cmp.Diff([]string{role1}, readings[0].Roles); diff != "" || readings[0].RolesErr != nil {
			t.Errorf("error %v\n%s", readings[0].RolesErr, diff)
		}
	})
}

func TestReadRolesRefused(t *testing.T) {
	t.Parallel()
	hostile := hostileAssignments()
	hostile["to another user"] = struct {
		answer http.HandlerFunc
		kind   provision.FaultKind
		after  time.Duration
		want   string
	}{listing(assigned("User", id(2), role1, id(60))), provision.Transient, 0, "the answer is about another object"}
	hostile["as forbidden"] = struct {
		answer http.HandlerFunc
		kind   provision.FaultKind
		after  time.Duration
		want   string
	}{
		refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, 0,
		"403 Authorization_RequestDenied: why (it needs the application permission Directory.Read.All, with admin consent)",
	}
	for name, tt := range hostile {
		t.Run("assignments refused "+name+" are a fault, and the user is read", func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1))
			g.inner["/users/"+id(1)+"/appRoleAssignments"] = tt.answer
			r := g.client(t, Config{}).Read(t.Context(), []provision.Query{{Object: user(id(1)), App: id(60), Transitive: true}})[0]
			if r.Err != nil || r.Presence != provision.Present || r.Roles != nil {
				t.Errorf("%+v", r)
			}
			expectFault(t, r.RolesErr, tt.kind, tt.after, "read assignments of user "+id(1)+" from Entra: "+tt.want)
		})
	}

	t.Run("assignments left out of the batch are a fault", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.inner["/users/"+id(1)+"/appRoleAssignments"] = raw(http.StatusTeapot, "", "")
		r := g.client(t, Config{}).Read(t.Context(), []provision.Query{{Object: user(id(1)), App: id(60)}})[0]
		expectFault(t, r.RolesErr, provision.Transient, 0, "read assignments of user "+id(1)+" from Entra: it is left out of the answer")
	})

	t.Run("no assignments to an enterprise application that is not there are a fault", func(t *testing.T) {
		t.Parallel()
		operation := "read assignments to enterprise application " + id(60) + " from Entra: "
		for name, tt := range map[string]struct {
			app  http.HandlerFunc
			kind provision.FaultKind
			want string
		}{
			"deleted":   {refusing(404, notFound, ""), provision.Transient, operation + "it is not there"},
			"hidden":    {refusing(403, "x", ""), provision.Unauthorized, operation + "403 x: why (it needs the application permission Application.Read.All, with admin consent)"},
			"throttled": {refusing(429, "x", ""), provision.Throttled, operation + "429 x: why"},
			"another":   {raw(200, "application/json", `{"id":"`+id(61)+`"}`), provision.Transient, operation + "the answer is not that enterprise application"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := newGraph(id(1), id(2), id(3))
				g.group(id(50))
				g.inner["/users/"+id(1)+"/appRoleAssignments"] = listing()
				g.inner["/users/"+id(2)+"/appRoleAssignments"] = listing(assigned("User", id(2), role1, id(60)))
				g.inner["/groups/"+id(50)+"/appRoleAssignments"] = listing()
				g.outer["/servicePrincipals/"+id(60)] = tt.app
				readings := g.client(t, Config{}).Read(t.Context(), []provision.Query{
					{Object: user(id(1)), App: id(60)}, {Object: user(id(2)), App: id(60)}, {Object: group(id(50)), App: id(60), Transitive: true},
				})
				for _, i := range []int{0, 2} {
					expectFault(t, readings[i].RolesErr, tt.kind, 0, tt.want)
				}
				if readings[1].RolesErr != nil || len(g.calls) != 2 {
					t.Errorf("error %v, calls %v", readings[1].RolesErr, g.calls)
				}
			})
		}
	})

	t.Run("what is missing of the way through groups is a fault for those who need it", func(t *testing.T) {
		t.Parallel()
		const operation = "read assignments of user 00000000-0000-4000-8000-000000000001 from Entra: "
		list := "read assignments to enterprise application " + id(60) + " from Entra: "
		for name, tt := range map[string]struct {
			all, groups http.HandlerFunc
			kind        provision.FaultKind
			want        string
		}{
			"all assignments": {refusing(500, "x", ""), nil, provision.Transient, list + "500 x: why"},
			"the second page of them": {
				raw(200, "application/json", `{"value":[],"@odata.nextLink":"https://graph.microsoft.com/v1.0/missing?$select=id"}`), nil,
				provision.Transient, list + "404 Request_ResourceNotFound: Resource '' does not exist.",
			},
			"the groups":              {listing(assigned("Group", id(50), role1, id(60))), refusing(429, "x", "5"), provision.Throttled, operation + "429 x: why"},
			"the groups' second page": {listing(assigned("Group", id(50), role1, id(60))), raw(200, "application/json", `{"value":[],"@odata.nextLink":"https://evil.example/v1.0/x"}`), provision.Permanent, operation + "refused to send the token to another host: https://evil.example"},
			"which groups they are":   {listing(assigned("Group", id(50), role1, id(60))), raw(200, "application/json", `{"value":[{"@odata.type":"#microsoft.graph.group"}]}`), provision.Transient, operation + "the answer lists no assignment but such as cannot be read"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := newGraph(id(1), id(2))
				g.inner["/users/"+id(1)+"/appRoleAssignments"] = listing()
				g.inner["/users/"+id(2)+"/appRoleAssignments"] = listing(assigned("User", id(2), role1, id(60)))
				g.outer["/servicePrincipals/"+id(60)+"/appRoleAssignedTo"] = tt.all
				if tt.groups != nil {
					g.inner["/users/"+id(1)+"/transitiveMemberOf"] = tt.groups
				}
				readings := g.client(t, Config{}).Read(t.Context(), []provision.Query{
					{Object: user(id(1)), App: id(60), Transitive: true}, {Object: user(id(2)), App: id(60), Transitive: true},
				})
				after := map[provision.FaultKind]time.Duration{provision.Throttled: 5 * time.Second}
				expectFault(t, readings[0].RolesErr, tt.kind, after[tt.kind], tt.want)
				if readings[0].Roles != nil || readings[1].RolesErr != nil || !slices.Equal(readings[1].Roles, []string{role1}) {
					t.Errorf("%+v", readings)
				}
			})
		}
	})
}

// Whatever an answer holds, an assignment of a page of it has the id of a user
// or a group and that of a role.
func FuzzAssignments(f *testing.F) {
	for _, seed := range []string{
		`{"value":[` + assigned("User", id(1), role1, id(60)) + `]}`,
		`{"value":[` + assigned("servicePrincipal", id(1), role1, id(60)) + `],"@odata.nextLink":"x"}`,
		`{"value":[null]}`, `{"value":null}`, `{"value":[{"resourceId":"` + id(60) + `"}]}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := decodeAssignments(body, id(60))
		if err != nil {
			return
		}
		for _, a := range page.Assignments {
			_, isID := change.ParseID(a.Principal.ID)
			_, isRole := change.ParseID(a.Role)
			if !isID || !isRole || !slices.Contains(change.Kinds(), a.Principal.Kind) {
				t.Errorf("%q holds %+v", body, a)
			}
		}
	})
}

func TestItIsToldByWhichAssignmentsSomebodyIsInScope(t *testing.T) {
	t.Parallel()
	tenant, c := newTenant(t, simgraph.Config{})
	_, app := tenant.EnterpriseApp()
	ann := named(t, tenant, "ann")
	inner := team(t, tenant, "inner", ann)
	outer := team(t, tenant, "outer", inner)
	stranger := team(t, tenant, "stranger")
	must(t, tenant.Assign(ann, role1))
	must(t, tenant.Assign(inner, simgraph.DefaultAccess))
	must(t, tenant.Assign(outer, role1))
	must(t, tenant.Assign(stranger, role1))
	of := func(kind change.Kind, id, role string) reconcile.Assignment {
		return reconcile.Assignment{Principal: change.Object{Kind: kind, ID: id}, Role: role}
	}
	direct := []reconcile.Assignment{of(change.User, ann, role1), of(change.Group, inner, simgraph.DefaultAccess)}
	for name, tt := range map[string]struct {
		object     change.Object
		transitive bool
		want       []reconcile.Assignment
	}{
		"a user":                         {change.Object{Kind: change.User, ID: ann}, false, direct},
		"a user, through groups' groups": {change.Object{Kind: change.User, ID: ann}, true, append(slices.Clone(direct), of(change.Group, outer, role1))},
		"a group":                        {change.Object{Kind: change.Group, ID: inner}, true, direct[1:]},
	} {
		got, err := c.AssignmentsOf(t.Context(), tt.object, app, tt.transitive)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	_, err := c.AssignmentsOf(t.Context(), change.Object{Kind: change.User, ID: id(99)}, app, true)
	if err == nil {
		t.Error("of somebody whom Entra does not know nothing is wrong")
	}
}
