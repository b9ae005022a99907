package scim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listed returns what a page shows of each resource.
func listed(t *testing.T, org *Organization, path, attribute string) []string {
	t.Helper()
	status, body := call(t, org, http.MethodGet, path, "")
	resources, _ := body["Resources"].([]any)
	if status != http.StatusOK {
		t.Fatalf("%s answered %d %v", path, status, body)
	}
	values := make([]string, len(resources))
	for i, r := range resources {
		values[i] = at(r.(map[string]any), attribute)
	}
	return values
}

func TestAListHasTheOrderAskedFor(t *testing.T) {
	t.Parallel()
	c := newClock()
	org := newOrg(t, Config{Now: c.Now})
	var userIDs, groupIDs []string
	for _, name := range []string{"cy", "Ann", "bob", "dee"} {
		id, err := org.Add(map[string]any{"userName": name + "@" + domain, "displayName": name})
		must(t, err)
		userIDs = append(userIDs, id)
		groupIDs = append(groupIDs, addGroup(t, org, map[string]any{"displayName": name}))
	}
	c.At = c.At.Add(1)
	call(t, org, http.MethodPatch, groupsPath+"/"+groupIDs[0], patchBody(`{"op":"replace","path":"externalId","value":"x"}`))
	call(t, org, http.MethodPatch, users+"/"+userIDs[0], patchBody(`{"op":"replace","path":"active","value":false}`))
	byID := slices.Sorted(slices.Values(userIDs))
	groupsByID := slices.Sorted(slices.Values(groupIDs))
	for _, test := range []struct {
		path, attribute string
		want            []string
	}{
		{users, "id", userIDs},
		{users + "?sortBy=id", "id", byID},
		{users + "?sortBy=ID&sortOrder=Ascending&startIndex=2&count=2", "id", byID[1:3]},
		{users + "?sortBy=id&startIndex=5", "id", []string{}},
		{users + "?sortBy=id&sortOrder=descending&count=3", "id", []string{byID[3], byID[2], byID[1]}},
		{users + "?sortBy=id&sortOrder=descending&startIndex=4", "id", []string{byID[0]}},
		{users + "?sortBy=userName&sortOrder=descending&count=3", "displayName", []string{"dee", "cy", "bob"}},
		{users + "?sortBy=meta.lastModified&sortOrder=descending&count=1", "id", userIDs[:1]},
		{search(`displayName sw "b"`) + "&sortBy=id", "id", userIDs[2:3]},
		{groupsPath, "id", groupIDs},
		{groupsPath + "?sortBy=id", "id", groupsByID},
		{groupsPath + "?sortBy=displayName", "displayName", []string{"Ann", "bob", "cy", "dee"}},
		{groupsPath + "?sortBy=meta.lastModified&startIndex=4", "id", groupIDs[:1]},
		{groupsPath + "?sortOrder=descending&count=1", "id", groupIDs[3:]},
	} {
		if diff := cmp.Diff(test.want, listed(t, org, test.path, test.attribute)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.path, diff)
		}
	}
	for _, path := range []string{
		users + "?sortBy=displayName", users + "?sortBy=id&sortOrder=up", groupsPath + "?sortBy=userName", groupsPath + "?sortBy=externalId",
	} {
		if status, body := call(t, org, http.MethodGet, path, ""); status != http.StatusBadRequest {
			t.Errorf("%s answered %d %v, want 400", path, status, body)
		}
	}
}

func TestTheOrderHoldsWhileAccountsComeAndGo(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	random := rand.New(rand.NewPCG(1, 2))
	var there []string
	for round := range 200 {
		for i := range random.IntN(2 * few) {
			id, err := org.Add(map[string]any{"userName": fmt.Sprintf("u%d-%d@%s", round, i, domain)})
			must(t, err)
			there = append(there, id)
		}
		for range random.IntN(few) {
			if len(there) > 0 {
				i := random.IntN(len(there))
				call(t, org, http.MethodDelete, users+"/"+there[i], "")
				there = slices.Delete(there, i, i+1)
			}
		}
		var got []string
		for _, a := range org.byID.all() {
			got = append(got, a.id)
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(there)), got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestAnAccountExpiresHoweverOthersBecameActive(t *testing.T) {
	t.Parallel()
	c := newClock()
	org := newOrg(t, Config{Now: c.Now})
	ids := addAccounts(t, org, 3)
	set := func(id, active string) {
		call(t, org, http.MethodPatch, users+"/"+id, patchBody(`{"op":"replace","path":"active","value":`+active+`}`))
	}
	for _, id := range ids {
		set(id, "false")
		c.At = c.At.Add(24 * time.Hour)
	}
	set(ids[0], "true")
	c.At = newClock().At.Add(inactiveLifetime)
	if n := org.Expire(); n != 0 {
		t.Errorf("%d expired, and the only one of that age is active", n)
	}
	for i := range 2 {
		c.At = c.At.Add(24 * time.Hour)
		if n := org.Expire(); n != 1 || len(org.Users()) != 2-i {
			t.Errorf("%d expired, %d left", n, len(org.Users()))
		}
	}
	set(ids[0], "false")
	c.At = c.At.Add(inactiveLifetime)
	if n := org.Expire(); n != 1 {
		t.Errorf("%d expired", n)
	}
}

// The work for a page does not grow with the organization.
func BenchmarkPageOfAccounts(b *testing.B) {
	for _, size := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			org, err := New(Config{ID: orgID, Now: newClock().Now})
			if err != nil {
				b.Fatal(err)
			}
			for i := range size {
				if _, err := org.Add(map[string]any{"userName": fmt.Sprintf("u%d@%s", i, domain), "active": i%2 == 0}); err != nil {
					b.Fatal(err)
				}
			}
			path := fmt.Sprintf("%s?sortBy=id&startIndex=%d", users, size-99)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if org.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)); w.Code != http.StatusOK {
					b.Fatalf("answered %d %s", w.Code, w.Body)
				}
			}
		})
	}
}
