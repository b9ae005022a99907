package webex_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/webex"
)

// listedUsers returns the ids in the pages that were handed over.
func listedUsers(ctx context.Context, c *webex.Client) (pages [][]string, err error) {
	err = c.Users(ctx, func(page []provision.Resource) error {
		var ids []string
		for _, u := range page {
			ids = append(ids, u.ID)
		}
		pages = append(pages, ids)
		return nil
	})
	return pages, err
}

func TestAListFollowsEveryPageInTheOrderOfTheIDs(t *testing.T) {
	t.Parallel()
	var asked []string
	bodies := []string{
		`{"totalResults":5,"itemsPerPage":2,"startIndex":1,"Resources":[{"id":"a"},{"id":"b"}]}`,
		// Somebody was created before b, and the page is shorter than it says.
		`{"totalResults":6,"itemsPerPage":2,"startIndex":3,"Resources":[{"id":"b"},{"id":"c"}]}`,
		`{"totalResults":6,"itemsPerPage":0,"startIndex":5,"Resources":[{"id":"d"}]}`,
		`{"totalResults":6,"itemsPerPage":2,"startIndex":6,"Resources":[{"id":"e"}]}`,
	}
	got, err := listedUsers(t.Context(), client(t, func(r *http.Request) (*http.Response, error) {
		asked = append(asked, strings.TrimPrefix(r.URL.String(), root))
		return answer(200, bodies[len(asked)-1]), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c"}, {"d"}, {"e"}}, got); diff != "" {
		t.Error(diff)
	}
	var want []string
	for _, start := range []int{1, 3, 5, 6} {
		want = append(want, fmt.Sprintf("/Users?sortBy=id&sortOrder=ascending&startIndex=%d&count=100", start))
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

func TestAListSaysWhenItIsNotWhole(t *testing.T) {
	t.Parallel()
	const first = `{"totalResults":4,"Resources":[{"id":"a"},{"id":"b"}]}`
	for _, test := range []struct {
		name   string
		bodies []string
		pages  int
		want   string // of the error; empty for none
	}{
		{"nothing, as the RFC says it", []string{`{"totalResults":0}`}, 0, ""},
		{"nothing, as Webex says it", []string{`{"totalResults":0,"Resources":[]}`}, 0, ""},
		{"nothing, by a server that does not count", []string{`{"Resources":[]}`}, 0, ""},
		{"the end, by a server that does not count", []string{`{"Resources":[{"id":"a"}]}`, `{"Resources":[]}`}, 1, ""},
		{"fewer than there were", []string{first, `{"totalResults":2,"Resources":[]}`}, 1, ""},
		{"no list", []string{`{}`}, 0, "has no list"},
		{"no answer", []string{``}, 0, "is empty"},
		{"a null list", []string{`{"totalResults":3,"Resources":null}`}, 0, "has no list"},
		{"no list on the second page", []string{first, `{"totalResults":4}`}, 1, "has no list"},
		{"no list and no count on the second page", []string{`{"Resources":[{"id":"a"}]}`, `{}`}, 1, "has no list"},
		{"an empty list before the end", []string{first, `{"totalResults":4,"Resources":[]}`}, 1, "is empty from 3 on, and has 4 by its own count"},
		{"an empty list and a count below nothing", []string{`{"totalResults":-1,"Resources":[]}`}, 0, "is empty from 1 on"},
		{"the same page once more", []string{first, first}, 1, "the page before once more"},
		{"somebody without an id", []string{`{"totalResults":2,"Resources":[{"id":"a"},{"userName":"b"}]}`}, 0, "without an id"},
		{"somebody who is null", []string{`{"totalResults":1,"Resources":[null]}`}, 0, "without an id"},
		{"an id that is a number", []string{`{"totalResults":1,"Resources":[{"id":7}]}`}, 0, "without an id"},
		{"something else", []string{`{"totalResults":1,"Resources":{"id":"a"}}`}, 0, "not the JSON expected"},
		{"no JSON", []string{first, `<html>`}, 1, "not the JSON expected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			pages, err := listedUsers(t.Context(), client(t, pagesOf(&asked, test.bodies...)))
			if len(pages) != test.pages || len(asked) != len(test.bodies) {
				t.Errorf("%d pages in %d calls, want %d in %d", len(pages), len(asked), test.pages, len(test.bodies))
			}
			f := provision.AsFault(err)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (f == nil || f.Kind != provision.Transient || !strings.Contains(f.Reason, test.want)):
				t.Errorf("fault %v, want a transient one with %q", f, test.want)
			}
		})
	}
}

func TestAListWithoutEndIsAFault(t *testing.T) {
	t.Parallel()
	calls := 0
	_, err := listedUsers(t.Context(), client(t, func(*http.Request) (*http.Response, error) {
		calls++
		return answer(200, fmt.Sprintf(`{"totalResults":100000000,"Resources":[{"id":"u%d"}]}`, calls)), nil
	}))
	if f := provision.AsFault(err); f == nil || f.Kind != provision.Permanent || calls != 20_000 {
		t.Errorf("fault %v after %d calls", f, calls)
	}
}

func TestAListEndsWithTheErrorOfItsReader(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	var asked []string
	c := client(t, pagesOf(&asked, `{"totalResults":2,"Resources":[{"id":"a"}]}`, `{"totalResults":2,"Resources":[{"id":"a"}]}`))
	if err := c.Users(t.Context(), func([]provision.Resource) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
	if err := c.Groups(t.Context(), func([]provision.ListedGroup) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
	if len(asked) != 2 {
		t.Errorf("%d calls", len(asked))
	}
}

func TestARefusedListIsTheFaultOfTheRefusal(t *testing.T) {
	t.Parallel()
	_, err := listedUsers(t.Context(), client(t, func(*http.Request) (*http.Response, error) {
		return answer(429, "", "Retry-After", "7"), nil
	}))
	if f := provision.AsFault(err); f == nil || f.Kind != provision.Throttled || f.Reason != "list the users of Webex: Webex answered 429 Too Many Requests" {
		t.Errorf("fault %v", f)
	}
}

// shown is a JSON list of so many members.
func shown(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`{"value":"u%d","type":"user"}`, i)
	}
	return "[" + strings.Join(members, ",") + "]"
}

func TestAListOfGroupsSaysWhoseMembersAreAllThere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		page  []string // the members of the groups; empty for no attribute
		users []int
		whole []bool
	}{
		{"a few members", []string{shown(2)}, []int{2}, []bool{true}},
		{"an empty list", []string{`[]`}, []int{0}, []bool{true}},
		{"no list", []string{``}, []int{0}, []bool{false}},
		{"a null list", []string{`null`}, []int{0}, []bool{false}},
		{"something else", []string{`{"value":"a"}`}, []int{0}, []bool{false}},
		{
			"members that are no users",
			[]string{`[{"value":"a","type":"User"},{"value":"b","type":"group"},{"value":"c","type":"machine"},{"value":"d"}]`},
			[]int{2},
			[]bool{true},
		},
		{"a member without an id", []string{`[{"value":"a"},{"display":"B"}]`}, []int{1}, []bool{false}},
		{"a member that is none", []string{`[7,null,{"value":"a"}]`}, []int{1}, []bool{false}},
		{"as many as fit", []string{shown(500)}, []int{500}, []bool{false}},
		{"one less", []string{shown(499)}, []int{499}, []bool{true}},
		{"as many as fit and others", []string{shown(500), shown(3), ``}, []int{500, 3, 0}, []bool{false, true, false}},
		{"more than fit", []string{shown(501)}, []int{501}, []bool{false}},
		{"as many as would fit into a page", []string{shown(300), shown(200), `[]`}, []int{300, 200, 0}, []bool{false, false, false}},
		{"more than would fit into a page", []string{shown(300), shown(201), `[]`}, []int{300, 201, 0}, []bool{true, true, true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			groups := make([]string, len(test.page))
			for i, members := range test.page {
				if members != "" {
					members = `,"Members":` + members // of no case in particular
				}
				groups[i] = fmt.Sprintf(`{"id":"g%d","displayName":"G"%s}`, i, members)
			}
			var asked exchange
			body := fmt.Sprintf(`{"totalResults":%d,"Resources":[%s]}`, len(groups), strings.Join(groups, ","))
			var listed []provision.ListedGroup
			err := client(t, recorded(t, &asked, 200, body)).Groups(t.Context(), func(page []provision.ListedGroup) error {
				listed = append(listed, page...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if want := root + "/Groups?sortBy=id&sortOrder=ascending&startIndex=1&count=25&includeMembers=true"; asked.URL != want {
				t.Errorf("asked %s, want %s", asked.URL, want)
			}
			var users []int
			var whole []bool
			for i, g := range listed {
				users, whole = append(users, len(g.Members)), append(whole, g.Whole)
				if diff := cmp.Diff(map[string]any{"id": fmt.Sprintf("g%d", i), "displayName": "G"}, g.Attributes); diff != "" {
					t.Error(diff)
				}
			}
			if diff := cmp.Diff(test.users, users); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.whole, whole); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAListedGroupThatOthersManageIsReserved(t *testing.T) {
	t.Parallel()
	var asked []string
	err := client(t, pagesOf(&asked, `{"totalResults":1,"Resources":[{"id":"a","displayName":"All Org Users"}]}`)).
		Groups(t.Context(), func(page []provision.ListedGroup) error {
			if page[0].Reserved != "it is Webex's own" {
				t.Errorf("reserved %q", page[0].Reserved)
			}
			return nil
		})
	if err != nil {
		t.Error(err)
	}
}

const orgID = "0ae87ade-8c8a-4952-af08-318798958d0c"

// organization is a simulated one, and a client of it.
func organization(tb testing.TB, cfg scim.Config, around func(http.RoundTripper) http.RoundTripper) (*scim.Organization, *webex.Client) {
	tb.Helper()
	cfg.ID = orgID
	org, err := scim.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	var wire http.RoundTripper = simhttp.Network{"webexapis.com": org}
	if around != nil {
		wire = around(wire)
	}
	c, err := webex.New(webex.Config{
		URL: "https://webexapis.com/identity/scim/" + orgID + "/v2", Transport: wire,
		Token: func(context.Context) (string, error) { return "t", nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return org, c
}

// populate puts so many users into an organization and returns their ids in
// order.
func populate(tb testing.TB, org *scim.Organization, n int) []string {
	tb.Helper()
	ids := make([]string, n)
	for i := range ids {
		var err error
		ids[i], err = org.Add(map[string]any{
			"userName": fmt.Sprintf("user%d@contoso.example", i), "displayName": fmt.Sprintf("User %d", i), "userType": "user",
			"externalId": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "name": map[string]any{"givenName": "User", "familyName": fmt.Sprint(i)},
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestAWholeOrganizationIsListed(t *testing.T) {
	t.Parallel()
	org, c := organization(t, scim.Config{}, nil)
	ids := populate(t, org, 1234)
	want := map[string][]string{}
	whole := map[string]bool{}
	for i, size := range []int{0, 1, 60, 499, 500, 501} {
		for range 10 {
			id, err := org.AddGroup(map[string]any{"displayName": fmt.Sprint("Group of ", size)}, ids[i:i+size]...)
			if err != nil {
				t.Fatal(err)
			}
			want[id], whole[id] = ids[i:i+min(size, 500)], size > 0 && size < 500
		}
	}
	pages, err := listedUsers(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids, slices.Concat(pages...)); diff != "" || len(pages) != 13 {
		t.Errorf("%d pages, %s", len(pages), diff)
	}
	listed := 0
	err = c.Groups(t.Context(), func(page []provision.ListedGroup) error {
		for _, g := range page {
			listed++
			if !slices.Equal(want[g.ID], g.Members) || g.Whole != whole[g.ID] {
				t.Errorf("group %v has %d members, whole: %t", g.Attributes, len(g.Members), g.Whole)
			}
		}
		return nil
	})
	if err != nil || listed != len(want) {
		t.Errorf("%d groups, error %v", listed, err)
	}
}

// Whoever is there from the first page to the last is listed, and once, while
// others are created between any two pages.
func TestWhoIsThereIsListedWhileOthersCome(t *testing.T) {
	t.Parallel()
	org, c := organization(t, scim.Config{}, nil)
	ids := populate(t, org, 2000)
	listed := map[string]int{}
	come := 0
	err := c.Users(t.Context(), func(page []provision.Resource) error {
		for _, u := range page {
			listed[u.ID]++
		}
		for range 20 {
			come++
			if _, err := org.Add(map[string]any{"userName": fmt.Sprintf("new%d@contoso.example", come)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if listed[id] != 1 {
			t.Errorf("%s was listed %d times", id, listed[id])
		}
	}
}

// The attributes of a page are written over those of the one before, of which
// nothing is left.
func TestAPageShowsNothingOfTheOneBefore(t *testing.T) {
	t.Parallel()
	bodies := []string{
		`{"totalResults":4,"Resources":[{"id":"a","title":"Dr"},{"id":"b","emails":[{"type":"work","primary":true}]}]}`,
		`{"totalResults":4,"Resources":[{"id":"c"},{"id":"d","emails":[{"type":"home"}]}]}`,
	}
	server := roundTrip(func(*http.Request) (*http.Response, error) {
		body := bodies[0]
		bodies = bodies[1:]
		return answer(200, body), nil
	})
	want := []map[string]any{
		{"id": "a", "title": "Dr"},
		{"id": "b", "emails": []any{map[string]any{"type": "work", "primary": true}}},
		{"id": "c"},
		{"id": "d", "emails": []any{map[string]any{"type": "home"}}},
	}
	err := client(t, server).Users(t.Context(), func(page []provision.Resource) error {
		for _, u := range page {
			if diff := cmp.Diff(want[0], u.Attributes); diff != "" {
				t.Error(diff)
			}
			want = want[1:]
		}
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Errorf("%d not listed, error %v", len(want), err)
	}
}

// What a search finds is handed on, and outlives the pages that come after it.
func TestWhatASearchFoundIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	first := make([]string, 100) // a full page, after which another is asked for
	for i := range first {
		first[i] = fmt.Sprintf(`{"id":"a%d","displayName":"Sales","title":"first"}`, i)
	}
	bodies := []string{
		`{"totalResults":101,"Resources":[` + strings.Join(first, ",") + `]}`,
		`{"totalResults":101,"Resources":[{"id":"b","displayName":"Sales"}]}`,
	}
	server := roundTrip(func(*http.Request) (*http.Response, error) {
		body := bodies[0]
		bodies = bodies[1:]
		return answer(200, body), nil
	})
	found, err := client(t, server).Named(t.Context(), change.Group, "Sales")
	if err != nil || len(found) != 101 {
		t.Fatalf("%d found, error %v", len(found), err)
	}
	if diff := cmp.Diff(map[string]any{"id": "a0", "displayName": "Sales", "title": "first"}, found[0].Attributes); diff != "" {
		t.Error(diff)
	}
}

// What a reader pays for a list of 100,000 users, in pages of 100 over HTTP.
func BenchmarkListOf100000Users(b *testing.B) {
	const people = 100_000
	org, _ := organization(b, scim.Config{}, nil)
	populate(b, org, people)
	server := httptest.NewServer(org)
	b.Cleanup(server.Close)
	c, err := webex.New(webex.Config{
		URL:   server.URL + "/identity/scim/" + orgID + "/v2",
		Token: func(context.Context) (string, error) { return "t", nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		listed := 0
		err := c.Users(b.Context(), func(page []provision.Resource) error {
			listed += len(page)
			return nil
		})
		if err != nil || listed != people {
			b.Fatalf("%d listed, error %v", listed, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Seconds())/float64(b.N), "s/list")
}
