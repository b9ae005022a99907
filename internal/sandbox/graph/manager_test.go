package graph

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// managed is a tenant of two users, of whom the second manages the first.
func managed(t *testing.T) (tenant *Tenant, report, manager string) {
	t.Helper()
	tenant, _, _ = subscribed(t, "updated", "users")
	people := crowd(t, tenant, 2)
	must(t, tenant.SetManager(people[0], people[1]))
	return tenant, people[0], people[1]
}

func TestAManagerIsReadWhileItLives(t *testing.T) {
	t.Parallel()
	tenant, report, manager := managed(t)
	is := func(what string, want int) {
		t.Helper()
		status, body := call(t, tenant, http.MethodGet, "/v1.0/users/"+report+"/manager?$select=id", "")
		if status != want || want == http.StatusOK && (body["id"] != manager || body["@odata.type"] != "#microsoft.graph.user") {
			t.Errorf("%s: %d %v", what, status, body)
		}
		if shown := tenant.Manager(report); (shown == manager) != (want == http.StatusOK) {
			t.Errorf("%s: %s", what, shown)
		}
	}
	is("who has one", http.StatusOK)
	must(t, tenant.Delete(manager))
	is("while it is in the recycle bin", http.StatusNotFound)
	must(t, tenant.Restore(manager))
	is("once it is back", http.StatusOK)
	must(t, tenant.SetManager(report, ""))
	is("who has none", http.StatusNotFound)
	if status, body := call(t, tenant, http.MethodGet, "/v1.0/users/"+report+"?$select=id,manager", ""); status != http.StatusBadRequest {
		t.Errorf("selected as a property it is answered %d %v", status, body)
	}
	if tenant.SetManager(report, report[1:]) == nil || tenant.SetManager(report[1:], manager) == nil {
		t.Error("somebody who is not there manages, or is managed")
	}
}

func TestADeltaQueryTellsOfManagersAndNoNotificationDoes(t *testing.T) {
	t.Parallel()
	tenant, report, manager := managed(t)
	third := create(t, tenant, person1())
	waiting := len(tenant.outbox)
	pages, link := deltaRound(t, tenant, "/v1.0/users/delta?$select=displayName,manager", 999)
	user := func(id string) map[string]any {
		return map[string]any{"@odata.type": "#microsoft.graph.user", "id": id}
	}
	gone := func(id string) map[string]any {
		return map[string]any{"@odata.type": "#microsoft.graph.user", "id": id, "@removed": map[string]any{"reason": "deleted"}}
	}
	told := func(what string, page []map[string]any, want ...any) {
		t.Helper()
		for _, item := range page {
			shown, told := item["manager@delta"]
			if item["id"] != report && told {
				t.Errorf("%s: of another it shows %v", what, shown)
			}
			if item["id"] != report {
				continue
			}
			if diff := cmp.Diff(want, shown); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			return
		}
		t.Errorf("%s: nothing is told in %v", what, page)
	}
	told("the first round", pages[0], user(manager))
	without, other := deltaRound(t, tenant, "/v1.0/users/delta?$select=displayName", 999)
	for _, item := range without[0] {
		if shown, told := item["manager@delta"]; told {
			t.Errorf("nobody selected managers, and it shows %v", shown)
		}
	}
	for _, step := range []struct {
		what string
		do   func() error
		want []any
	}{
		{"another one", func() error { return tenant.SetManager(report, third) }, []any{user(third), gone(manager)}},
		{"who goes to the recycle bin", func() error { return tenant.Delete(third) }, []any{gone(third)}},
		{"who is back", func() error { return tenant.Restore(third) }, []any{user(third)}},
		{"none", func() error { return tenant.SetManager(report, "") }, []any{gone(third)}},
	} {
		must(t, step.do())
		pages, link = deltaRound(t, tenant, link, 999)
		told(step.what, pages[0], step.want...)
	}
	pages, _ = deltaRound(t, tenant, other, 999)
	expectRound(t, "a round that does not select managers", pages, []string{third})
	if told := len(tenant.outbox) - waiting; told != 2 {
		t.Errorf("%d notifications; want those of a deletion and a restoration", told)
	}
}
