package entra

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// belongs asks whether each of the users is in the groups.
func belongs(groups []scoping.Group, users ...string) []provision.Query {
	queries := asking(users...)
	for i := range queries {
		queries[i].Groups = groups
	}
	return queries
}

// One more request for each user, one for each group, and no further call.
func TestGroupsOfAFilterAreReadWithTheUsers(t *testing.T) {
	t.Parallel()
	g := newGraph(ids(9)...)
	g.group(id(50), id(0))
	g.group(id(51))
	g.nest(id(51), id(50))
	direct, within := scoping.Group{ID: id(50)}, scoping.Group{ID: id(51), Transitive: true}
	readings := g.client(t, Config{}).Read(t.Context(), belongs([]scoping.Group{direct}, ids(9)...))
	if len(g.calls) != 1 { // 9 users, 9 lists, 1 group
		t.Errorf("%d calls: %v", len(g.calls), g.calls)
	}
	for i, r := range readings {
		if diff := cmp.Diff(map[scoping.Group]bool{direct: i == 0}, r.MemberOf); diff != "" || r.MemberOfErr != nil {
			t.Errorf("%d: %s, %v", i, diff, r.MemberOfErr)
		}
	}
	r := g.client(t, Config{}).Read(t.Context(), belongs([]scoping.Group{direct, within}, id(0)))[0]
	if diff := cmp.Diff(map[scoping.Group]bool{direct: true, within: true}, r.MemberOf); diff != "" || r.MemberOfErr != nil {
		t.Error(diff, r.MemberOfErr)
	}
}

// A list that goes on is read to its end once, whatever it is asked for.
func TestAListOfGroupsIsReadOnceForAllThatAreAskedAbout(t *testing.T) {
	t.Parallel()
	g := newGraph(id(0))
	g.pageSize = 1 // a directory role, and then a group a page
	for n := range 3 {
		g.group(id(50 + n))
	}
	g.group(id(60), id(0))
	asked := []scoping.Group{{ID: id(50)}, {ID: id(51)}, {ID: id(52)}}
	r := g.client(t, Config{}).Read(t.Context(), belongs(asked, id(0)))[0]
	if len(r.MemberOf) != len(asked) || r.MemberOfErr != nil || len(g.calls) != 2 {
		t.Errorf("%v, %v after %v", r.MemberOf, r.MemberOfErr, g.calls)
	}
}

// What is not known of a group is a fault that says what to do, and leaves the user and
// the other groups alone.
func TestAGroupOfAFilterThatIsNotKnown(t *testing.T) {
	t.Parallel()
	const why = "which a scoping filter asks about, from Entra: "
	for name, test := range map[string]struct {
		change func(g *graph)
		kind   provision.FaultKind
		want   string
	}{
		"it is not there": {
			func(g *graph) { delete(g.groups, id(50)) }, provision.Transient,
			"the scoping filter asks about group " + id(50) + ", which Entra does not have: nobody leaves the scope for that; restore the group",
		},
		"it is refused": {
			func(g *graph) { g.inner["/groups/"+id(50)] = refusing(403, "Authorization_RequestDenied", "") }, provision.Unauthorized,
			why + "403 Authorization_RequestDenied: why (it needs the application permission Group.Read.All",
		},
		"somebody else answers for it": {
			func(g *graph) { g.inner["/groups/"+id(50)] = raw(404, "text/html", "<html>") }, provision.Transient, why + "404",
		},
		"it is another": {
			func(g *graph) { g.inner["/groups/"+id(50)] = raw(200, "application/json", `{"id":"`+id(51)+`"}`) }, provision.Transient, why + "the answer is about another object",
		},
		"its members are hidden": {
			func(g *graph) { g.hide(id(50)) }, provision.Transient, "its membership is hidden, and the access token does not show the application permission Member.Read.Hidden",
		},
		"the user's list is refused": {
			func(g *graph) { g.inner["/users/"+id(1)+"/memberOf"] = refusing(503, "ServiceUnavailable", "") }, provision.Transient,
			"read the groups of user " + id(1) + " from Entra: 503",
		},
		"the user's list is not there": {
			func(g *graph) { g.inner["/users/"+id(1)+"/memberOf"] = refusing(404, notFound, "") }, provision.Transient,
			"read the groups of user " + id(1) + " from Entra: 404",
		},
		"a group on it cannot be read": {
			func(g *graph) {
				g.inner["/users/"+id(1)+"/memberOf"] = raw(http.StatusOK, "application/json", `{"value":[{"@odata.type":"#microsoft.graph.group","id":"x"}]}`)
			}, provision.Transient, "the answer lists a group whose id is not a GUID",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1))
			g.group(id(50))
			g.group(id(51), id(1))
			test.change(g)
			known := scoping.Group{ID: id(51), Transitive: true}
			r := g.client(t, Config{}).Read(t.Context(), belongs([]scoping.Group{{ID: id(50)}, known}, id(1)))[0]
			if f := provision.AsFault(r.MemberOfErr); f == nil || f.Kind != test.kind || !strings.Contains(f.Error(), test.want) {
				t.Errorf("fault %v, want one that is %s: %s", f, test.kind, test.want)
			}
			if r.Presence != provision.Present || r.Err != nil {
				t.Errorf("%+v", r)
			}
			if diff := cmp.Diff(map[scoping.Group]bool{known: true}, r.MemberOf); diff != "" {
				t.Error(diff)
			}
		})
	}
}
