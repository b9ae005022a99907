package graph

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/simhttp"
)

// ask makes a GET with a Prefer header and returns the status and the body.
func ask(t *testing.T, tenant *Tenant, link, prefer string) (int, map[string]any) {
	t.Helper()
	return call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if prefer != "" {
			r.Header.Set("Prefer", prefer)
		}
		tenant.ServeHTTP(w, r)
	}), http.MethodGet, link, "")
}

// deltaRound follows a round to its end and returns what is on its pages and
// where the next one begins.
func deltaRound(t *testing.T, tenant *Tenant, link string, size int) (pages [][]map[string]any, next string) {
	t.Helper()
	for {
		status, body := ask(t, tenant, link, fmt.Sprintf("return=representation, odata.maxpagesize=%d", size))
		if status != http.StatusOK {
			t.Fatalf("%s answered %d %v", link, status, body)
		}
		var page []map[string]any
		for _, item := range body["value"].([]any) {
			page = append(page, item.(map[string]any))
		}
		pages = append(pages, page)
		if ends, ok := body["@odata.deltaLink"].(string); ok {
			return pages, ends
		}
		link = body["@odata.nextLink"].(string)
	}
}

// names are the ids on each page, with what was removed marked.
func names(pages [][]map[string]any) [][]string {
	ids := make([][]string, len(pages))
	for i, page := range pages {
		for _, item := range page {
			text := fmt.Sprint(item["id"])
			if removed, ok := item["@removed"].(map[string]any); ok {
				text += " " + fmt.Sprint(removed["reason"])
			}
			ids[i] = append(ids[i], text)
		}
	}
	return ids
}

func expectRound(t *testing.T, what string, pages [][]map[string]any, want ...[]string) {
	t.Helper()
	if diff := cmp.Diff(want, names(pages)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAFirstRoundListsWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, function := range []string{"delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"} {
		t.Run("under the name "+function, func(t *testing.T) {
			t.Parallel()
			tenant := newTenant(t, Config{})
			people := crowd(t, tenant, 5)
			must(t, tenant.Delete(people[1]))
			pages, _ := deltaRound(t, tenant, "/v1.0/users/"+function+"?$select=displayName,jobTitle", 2)
			expectRound(t, "first round", pages, []string{people[0], people[2]}, []string{people[3], people[4]})
			want := map[string]any{"id": people[0], "displayName": "U"} // jobTitle was never set
			if diff := cmp.Diff(want, pages[0][0]); diff != "" {
				t.Errorf("item (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALaterRoundListsWhatHasChanged(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	people := crowd(t, tenant, 6)
	_, link := deltaRound(t, tenant, "/v1.0/users/delta?$select=displayName", 999)
	must(t, tenant.Update(people[0], func(u User) { u["displayName"] = "Ann" }))
	must(t, tenant.Update(people[1], func(u User) { u["jobTitle"] = "not tracked" }))
	must(t, tenant.Update(people[2], func(User) {}))
	must(t, tenant.Delete(people[3]))
	must(t, tenant.Delete(people[4]))
	must(t, tenant.Purge(people[4]))
	must(t, tenant.Delete(people[5]))
	must(t, tenant.Restore(people[5]))
	born := create(t, tenant, person1())
	pages, link := deltaRound(t, tenant, link, 999)
	expectRound(t, "second round", pages, []string{people[0], people[3] + " changed", people[4] + " deleted", people[5], born})
	if pages[0][0]["displayName"] != "Ann" {
		t.Errorf("first item %v", pages[0][0])
	}
	pages, _ = deltaRound(t, tenant, link, 999)
	expectRound(t, "third round", pages, nil)
}

// An object that changes between two pages is on both.
func TestWhatHappensDuringARoundIsTold(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	people := crowd(t, tenant, 4)
	status, body := ask(t, tenant, "/v1.0/users/delta", "odata.maxpagesize=2")
	if status != http.StatusOK {
		t.Fatalf("answered %d %v", status, body)
	}
	must(t, tenant.Update(people[0], func(u User) { u["displayName"] = "Ann" }))
	must(t, tenant.Update(people[3], func(u User) { u["displayName"] = "Di" }))
	must(t, tenant.Delete(people[2]))
	pages, link := deltaRound(t, tenant, fmt.Sprint(body["@odata.nextLink"]), 2)
	expectRound(t, "rest of the first round", pages, []string{people[3]})
	pages, link = deltaRound(t, tenant, link, 1)
	expectRound(t, "second round", pages, []string{people[0]}, []string{people[3]}, []string{people[2] + " changed"})
	pages, _ = deltaRound(t, tenant, link, 1)
	expectRound(t, "third round", pages, nil)
}

// The same link is good for as often as it is used.
func TestARoundCanBeReadAgain(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	people := crowd(t, tenant, 1)
	_, link := deltaRound(t, tenant, "/v1.0/users/delta?$deltatoken=latest", 999)
	for range 2 {
		must(t, tenant.Update(people[0], func(u User) { u["displayName"] = u.Text("displayName") + "!" }))
		pages, _ := deltaRound(t, tenant, link, 999)
		expectRound(t, "round", pages, []string{people[0]})
	}
}

func TestDeltaFromNowOnListsNothingFirst(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	people := crowd(t, tenant, 2)
	pages, link := deltaRound(t, tenant, "/v1.0/users/delta?$select=displayName&$deltatoken=latest", 999)
	expectRound(t, "first round", pages, nil)
	must(t, tenant.Update(people[1], func(u User) { u["displayName"] = "Bo" }))
	pages, _ = deltaRound(t, tenant, link, 999)
	expectRound(t, "second round", pages, []string{people[1]})
}

// memberDeltas are a group's members in a round, page by page, with those who
// left marked.
func memberDeltas(pages [][]map[string]any, group string) [][]string {
	lists := make([][]string, len(pages))
	for i, page := range pages {
		for _, item := range page {
			list, _ := item["members@delta"].([]any)
			for _, element := range list {
				member := element.(map[string]any)
				text := strings.TrimPrefix(fmt.Sprint(member["@odata.type"]), "#microsoft.graph.") + " " + fmt.Sprint(member["id"])
				if member["@removed"] != nil {
					text += " removed"
				}
				if item["id"] == group {
					lists[i] = append(lists[i], text)
				}
			}
		}
	}
	return lists
}

func TestTheMembersOfALargeGroupComeOnSeveralPages(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{DeltaMembers: 2})
	people := crowd(t, tenant, 5)
	small, large := createGroup(t, tenant, Group{"displayName": "Small"}), createGroup(t, tenant, Group{"displayName": "Large"})
	empty := createGroup(t, tenant, Group{"displayName": "Empty"})
	must(t, tenant.AddMembers(small, people[0]))
	must(t, tenant.AddMembers(large, people...))
	pages, link := deltaRound(t, tenant, "/v1.0/groups/delta?$select=displayName,members", 999)
	expectRound(t, "first round", pages, []string{small, large}, []string{large}, []string{large, empty})
	want := [][]string{{"user " + people[0]}, {"user " + people[1], "user " + people[2]}, {"user " + people[3], "user " + people[4]}}
	if diff := cmp.Diff(want, memberDeltas(pages, large)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}

	must(t, tenant.RemoveMembers(large, people[0], people[1], people[2]))
	must(t, tenant.AddMembers(large, people[1], small))
	must(t, tenant.Delete(people[3]))
	pages, _ = deltaRound(t, tenant, link, 999)
	want = [][]string{
		{"user " + people[0] + " removed", "user " + people[1]},
		{"user " + people[2] + " removed", "user " + people[1]},
		{"group " + small, "user " + people[3] + " removed"},
	}
	if diff := cmp.Diff(want, memberDeltas(pages, large)); diff != "" {
		t.Errorf("later members (-want +got):\n%s", diff)
	}
}

// The rest of a group that is deleted between two pages is not listed, and no
// other group loses the beginning of its own.
func TestAGroupMayGoWhileItsMembersAreListed(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{DeltaMembers: 2})
	people := crowd(t, tenant, 3)
	first, second := createGroup(t, tenant, Group{"displayName": "First"}), createGroup(t, tenant, Group{"displayName": "Second"})
	must(t, tenant.AddMembers(first, people...))
	must(t, tenant.AddMembers(second, people[0]))
	_, body := ask(t, tenant, "/v1.0/groups/delta", "")
	must(t, tenant.DeleteGroup(first))
	pages, link := deltaRound(t, tenant, fmt.Sprint(body["@odata.nextLink"]), 999)
	if diff := cmp.Diff([][]string{{"user " + people[0]}}, memberDeltas(pages, second)); diff != "" {
		t.Errorf("members of the second (-want +got):\n%s", diff)
	}
	pages, _ = deltaRound(t, tenant, link, 999)
	expectRound(t, "second round", pages, []string{first + " changed"})
}

func TestAMembershipThatChangesTwiceIsToldOnceAPage(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	people := crowd(t, tenant, 1)
	group := createGroup(t, tenant, Group{"displayName": "Sales"})
	_, link := deltaRound(t, tenant, "/v1.0/groups/delta", 999)
	must(t, tenant.AddMembers(group, people[0]))
	must(t, tenant.RemoveMembers(group, people[0]))
	must(t, tenant.AddMembers(group, people[0]))
	pages, _ := deltaRound(t, tenant, link, 999)
	if diff := cmp.Diff([][]string{{"user " + people[0]}}, memberDeltas(pages, group)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestMembersAreTrackedOnlyIfSelected(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	people := crowd(t, tenant, 1)
	group := createGroup(t, tenant, Group{"displayName": "Sales"})
	_, properties := deltaRound(t, tenant, "/v1.0/groups/delta?$select=displayName", 999)
	_, everything := deltaRound(t, tenant, "/v1.0/groups/delta", 999)
	must(t, tenant.AddMembers(group, people[0]))
	pages, _ := deltaRound(t, tenant, properties, 999)
	expectRound(t, "without members", pages, nil)
	pages, _ = deltaRound(t, tenant, everything, 999)
	expectRound(t, "without a selection", pages, []string{group})
}

func TestAHiddenMembershipIsLeftOutOfADelta(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{Permissions: []string{"GroupMember.Read.All"}})
	people := crowd(t, tenant, 2)
	group := createGroup(t, tenant, Group{"displayName": "Sales", "groupTypes": []string{unifiedType}, "visibility": hiddenMembership})
	must(t, tenant.AddMembers(group, people[0]))
	pages, link := deltaRound(t, tenant, "/v1.0/groups/delta", 999)
	must(t, tenant.AddMembers(group, people[1]))
	later, _ := deltaRound(t, tenant, link, 999)
	expectRound(t, "first round", pages, []string{group})
	expectRound(t, "second round", later, nil)
	if members := memberDeltas(pages, group); members[0] != nil {
		t.Errorf("members %v", members)
	}
}

// What comes back from the recycle bin brings its memberships.
func TestADeltaTellsOfMembershipsThatComeBack(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	people := crowd(t, tenant, 1)
	group := createGroup(t, tenant, Group{"displayName": "Sales"})
	must(t, tenant.AddMembers(group, people[0]))
	must(t, tenant.Delete(people[0]))
	_, link := deltaRound(t, tenant, "/v1.0/groups/delta", 999)
	must(t, tenant.Restore(people[0]))
	pages, link := deltaRound(t, tenant, link, 999)
	if diff := cmp.Diff([][]string{{"user " + people[0]}}, memberDeltas(pages, group)); diff != "" {
		t.Errorf("a user comes back:\n%s", diff)
	}
	must(t, tenant.DeleteGroup(group))
	pages, link = deltaRound(t, tenant, link, 999)
	expectRound(t, "the group goes", pages, []string{group + " changed"})
	must(t, tenant.RestoreGroup(group))
	pages, link = deltaRound(t, tenant, link, 999)
	if diff := cmp.Diff([][]string{{"user " + people[0]}}, memberDeltas(pages, group)); diff != "" {
		t.Errorf("a group comes back:\n%s", diff)
	}
	must(t, tenant.DeleteGroup(group))
	must(t, tenant.PurgeGroup(group))
	pages, _ = deltaRound(t, tenant, link, 999)
	expectRound(t, "the group is purged", pages, []string{group + " deleted"})
}

func TestADeltaTokenThatIsVoidIsGone(t *testing.T) {
	t.Parallel()
	expectGone := func(t *testing.T, tenant *Tenant, link string) {
		t.Helper()
		status, body := ask(t, tenant, link, "")
		problem, _ := body["error"].(map[string]any)
		if status != http.StatusGone || problem["code"] != "syncStateNotFound" {
			t.Errorf("answered %d %v", status, body)
		}
	}

	t.Run("after its lifetime", func(t *testing.T) {
		t.Parallel()
		clock := newClock()
		tenant := newTenant(t, Config{Now: clock.Now, DeltaLifetime: time.Hour})
		people := crowd(t, tenant, 3)
		_, link := deltaRound(t, tenant, "/v1.0/users/delta", 999)
		must(t, tenant.Update(people[0], func(u User) { u["displayName"] = "Ann" }))
		clock.At = clock.At.Add(time.Hour)
		pages, next := deltaRound(t, tenant, link, 999)
		expectRound(t, "just in time", pages, []string{people[0]})
		clock.At = clock.At.Add(time.Second)
		expectGone(t, tenant, link)
		pages, _ = deltaRound(t, tenant, next, 999)
		expectRound(t, "a newer one", pages, nil)
	})

	t.Run("after a round so long that the journal has forgotten its beginning", func(t *testing.T) {
		t.Parallel()
		clock := newClock()
		tenant := newTenant(t, Config{Now: clock.Now, DeltaLifetime: time.Hour})
		people := crowd(t, tenant, 2)
		_, body := ask(t, tenant, "/v1.0/users/delta", "odata.maxpagesize=1")
		must(t, tenant.Update(people[0], func(u User) { u["displayName"] = "Ann" }))
		clock.At = clock.At.Add(50 * time.Minute)
		_, link := deltaRound(t, tenant, fmt.Sprint(body["@odata.nextLink"]), 1)
		clock.At = clock.At.Add(50 * time.Minute)
		expectGone(t, tenant, link)
	})

	t.Run("once all are lost", func(t *testing.T) {
		t.Parallel()
		tenant := newTenant(t, Config{})
		_, link := deltaRound(t, tenant, "/v1.0/users/delta", 999)
		tenant.LoseCursors()
		expectGone(t, tenant, link)
		deltaRound(t, tenant, "/v1.0/users/delta", 999)
	})
}

func TestADeltaTokenThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	crowd(t, tenant, 2)
	_, body := ask(t, tenant, "/v1.0/users/delta", "odata.maxpagesize=1")
	_, foreign, _ := strings.Cut(fmt.Sprint(body["@odata.nextLink"]), "skiptoken=")
	token := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for name, query := range map[string]string{
		"garbage":                "/users/delta?$deltatoken=garbage!",
		"no cursor":              "/users/delta?$deltatoken=" + token("[]"),
		"one of users on groups": "/groups/delta?$skiptoken=" + foreign,
		"one of the future":      "/users/delta?$deltatoken=" + token(`{"set":"users","until":7,"done":true}`),
		"one that goes back":     "/users/delta?$skiptoken=" + token(`{"set":"users","at":1,"until":0}`),
		"a size in the query":    "/users/delta?$top=5",
		"an unknown property":    "/users/delta?$select=members",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if status, body := ask(t, tenant, "/v1.0"+query, ""); status != http.StatusBadRequest {
				t.Errorf("answered %d %v", status, body)
			}
		})
	}
}

// Every page costs what is on it, however large the tenant is.
func BenchmarkDelta(b *testing.B) {
	tenant, err := New(Config{ID: tenantID, Domain: domain, Transport: simhttp.Network{}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100_000 {
		if _, err := tenant.Create(User{"userPrincipalName": fmt.Sprintf("u%d@%s", i, domain), "displayName": "U"}); err != nil {
			b.Fatal(err)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/v1.0/users/delta?$select=displayName", nil)
	r.Header.Set("Prefer", "odata.maxpagesize=999")
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

func TestChangedNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	got := changed(
		map[string]any{"a": "1", "b": nil, "c": []string{"x"}, "d": true, "e": "gone"},
		map[string]any{"a": "2", "c": []string{"x"}, "d": true, "f": nil, "g": false},
	)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a", "e", "g"}, got); diff != "" {
		t.Error(diff)
	}
}
