package entra

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	simgraph "entrawebex/internal/sandbox/graph"
)

// withManager reads who manages users.
func withManager() map[change.Kind][]string {
	return map[change.Kind][]string{change.User: {"accountEnabled", managerRelation}}
}

func TestAManagerIsReadWithTheUser(t *testing.T) {
	t.Parallel()
	answers := func(body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { answer200(w, body) }
	}
	missing := func(what string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, http.StatusNotFound, notFound, "Resource '"+what+"' does not exist or one of its queried reference-property objects are not present.")
		}
	}
	const reading = "read the manager of user 00000000-0000-4000-8000-000000000001 from Entra"
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   any // nil is null
		fault  string
	}{
		"somebody":               {answers(map[string]any{"@odata.type": "#microsoft.graph.user", "id": "00000000-0000-4000-8000-00000000000A"}), "00000000-0000-4000-8000-00000000000a", ""},
		"nobody":                 {missing("manager"), nil, ""},
		"of whom it knows not":   {missing(id(1)), nil, reading + ": 404 Request_ResourceNotFound: Resource '" + id(1) + "' does not exist or one of its queried reference-property objects are not present."},
		"that may not be seen":   {refusing(http.StatusForbidden, "Authorization_RequestDenied", ""), nil, reading + ": 403 Authorization_RequestDenied: why (it needs the application permission User.Read.All, with admin consent)"},
		"that has no id":         {answers(map[string]any{"id": "ada"}), nil, reading + ": the answer has no id that is a GUID"},
		"that is a page of text": {raw(http.StatusOK, "text/html", "<html>"), nil, reading + ": the answer has no id that is a GUID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1))
			g.inner["/users/"+id(1)+"/manager"] = tt.answer
			r := g.client(t, Config{Select: withManager()}).Read(t.Context(), asking(id(1)))[0]
			manager, shown := r.Attributes[managerRelation]
			fault := ""
			if r.ManagerErr != nil {
				fault = r.ManagerErr.Error()
			}
			if r.Err != nil || r.Presence != provision.Present || manager != tt.want || shown == (tt.fault != "") || fault != tt.fault || len(g.calls) != 1 {
				t.Errorf("manager %v, shown %v, fault %q; %+v\n%s", manager, shown, fault, r, g.calls)
			}
		})
	}
}

// Whoever is not where it lives has no manager, and no fault of it. Where managers are
// not read nobody is asked for them.
func TestOnlyOfALiveUserAManagerIsRead(t *testing.T) {
	t.Parallel()
	g := newGraph(id(3))
	g.deleted[id(1)] = map[string]any{"id": id(1), "deletedDateTime": "2026-05-01T00:00:00Z"}
	g.group(id(4))
	g.users[id(5)] = map[string]any{"id": id(5)} // of whom it is not shown whether it may sign in
	g.inner["/users/"+id(5)+"/manager"] = func(w http.ResponseWriter, _ *http.Request) { answer200(w, map[string]any{"id": id(3)}) }
	c := g.client(t, Config{Select: withManager()})
	if r := c.Read(t.Context(), asking(id(5)))[0]; r.Err == nil || r.Attributes != nil {
		t.Errorf("%+v", r)
	}
	queries := append(asking(id(1), id(2)), provision.Query{Object: change.Object{Kind: change.Group, ID: id(4)}})
	for _, r := range c.Read(t.Context(), queries) {
		if _, shown := r.Attributes[managerRelation]; shown || r.Err != nil || r.ManagerErr != nil {
			t.Errorf("%+v", r)
		}
	}
	g.inner["/users/"+id(3)+"/manager"] = func(http.ResponseWriter, *http.Request) {
		t.Error("it is asked who manages a user, and nobody wants to know")
	}
	c.Selecting(map[change.Kind][]string{change.User: {"accountEnabled"}}).Read(t.Context(), asking(id(3)))
}

func TestADeltaQueryTellsWhoManages(t *testing.T) {
	t.Parallel()
	tenant, c := newTenant(t, simgraph.Config{})
	c = c.Selecting(withManager())
	hire := func(n int) string {
		created, err := tenant.Create(simgraph.User{"id": id(n), "userPrincipalName": string(rune('a'+n)) + "@contoso.example", "displayName": "U"})
		must(t, err)
		return created
	}
	report, first, second := hire(1), hire(2), hire(3)
	must(t, tenant.SetManager(report, first))
	told := func(link string, want map[string]any) string {
		t.Helper()
		objects, _, next := round(t, c, change.User, link)
		i := slices.IndexFunc(objects, func(o reconcile.Object) bool { return o.ID == report })
		got := map[string]any{}
		if manager, shown := objects[i].Attributes[managerRelation]; shown {
			got[managerRelation] = manager
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return next
	}
	link := told("", map[string]any{managerRelation: first})
	must(t, tenant.SetManager(report, second))
	link = told(link, map[string]any{managerRelation: second})
	must(t, tenant.Update(report, func(u simgraph.User) { u["accountEnabled"] = false }))
	link = told(link, map[string]any{}) // it is as it was
	must(t, tenant.SetManager(report, ""))
	told(link, map[string]any{managerRelation: nil})
}

// What is not said is not null.
func TestAManagerInADeltaQuery(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		raw  string
		want any
		said bool
	}{
		"one":                       {`[{"@odata.type":"#microsoft.graph.user","id":"` + id(2) + `"}]`, id(2), true},
		"one for another":           {`[{"id":"` + id(2) + `"},{"id":"` + id(3) + `","@removed":{"reason":"deleted"}}]`, id(2), true},
		"one for another, the last": {`[{"id":"` + id(3) + `","@removed":{"reason":"deleted"}},{"id":"` + id(2) + `"}]`, id(2), true},
		"none any more":             {`[{"id":"` + id(3) + `","@removed":{"reason":"deleted"}}]`, nil, true},
		"no entry":                  {`[]`, nil, false},
		"null":                      {`null`, nil, false},
		"what has no id":            {`[{"@odata.type":"#microsoft.graph.user"}]`, nil, false},
		"what is no list":           {`{"id":"` + id(2) + `"}`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, said := decodeManager([]byte(tt.raw)); got != tt.want || said != tt.said {
				t.Errorf("%v, %v", got, said)
			}
		})
	}
}
