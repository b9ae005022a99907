package webex_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
)

// pagesOf is a server that answers each call with the next of the bodies.
func pagesOf(asked *[]string, bodies ...string) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		*asked = append(*asked, r.URL.Query().Get("startIndex"))
		return answer(200, bodies[len(*asked)-1]), nil
	}
}

func TestASearchFollowsEveryPage(t *testing.T) {
	t.Parallel()
	for _, kind := range change.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			var asked []string
			found, err := client(t, pagesOf(
				&asked,
				`{"totalResults":5,"itemsPerPage":2,"startIndex":1,"Resources":[{"id":"a","displayName":"X","userName":"X"},{"id":"b","displayName":"X","userName":"X"}]}`,
				// b moved to the second page, which is shorter than it says.
				`{"totalResults":5,"itemsPerPage":3,"startIndex":3,"Resources":[{"id":"b","displayName":"X","userName":"X"},{"id":"c","displayName":"X","userName":"X"}]}`,
				`{"totalResults":5,"itemsPerPage":2,"startIndex":5,"Resources":[{"id":"d","displayName":"X","userName":"X"}]}`,
			)).Named(t.Context(), kind, "X")
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, r := range found {
				ids = append(ids, r.ID)
			}
			if diff := cmp.Diff([]string{"a", "b", "c", "d"}, ids); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"", "3", "5"}, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASearchThatEndsBeforeItsOwnCountIsAFault(t *testing.T) {
	t.Parallel()
	for _, second := range []string{
		`{"totalResults":9}`, `{"totalResults":9,"Resources":[]}`,
		// Only the first page was made without a look at the filter.
		`{"totalResults":1,"Resources":[]}`, `{"totalResults":0}`, `{"totalResults":2,"Resources":[{"id":"b","userName":"Y"}]}`,
	} {
		var asked []string
		found, err := client(t, pagesOf(&asked, `{"totalResults":9,"Resources":[{"id":"a","userName":"X"}]}`, second)).
			Named(t.Context(), change.User, "X")
		if f := provision.AsFault(err); f == nil || f.Kind != provision.Transient || found != nil || len(asked) != 2 {
			t.Errorf("found %v in %d calls, fault %v", found, len(asked), f)
		}
	}
}

// A server that does not look at the filter shows everybody.
func TestASearchWithoutEndIsAFault(t *testing.T) {
	t.Parallel()
	calls := 0
	_, err := client(t, func(*http.Request) (*http.Response, error) {
		calls++
		return answer(200, fmt.Sprintf(`{"totalResults":1000000,"Resources":[{"id":"u%d","userName":"u%[1]d"}]}`, calls)), nil
	}).Named(t.Context(), change.User, "X")
	if f := provision.AsFault(err); f == nil || f.Kind != provision.Transient || calls != 100 {
		t.Errorf("fault %v after %d calls", f, calls)
	}
}

func TestASearchForGroupsKeepsThoseOfTheNameOnly(t *testing.T) {
	t.Parallel()
	var asked []string
	found, err := client(t, pagesOf(&asked, `{"totalResults":4,"Resources":[
		{"id":"a","displayName":"Finance"},{"id":"b","displayName":"FINANCE"},{"id":"c","displayName":"Finance 2"},{"id":"d","displayName":null}]}`, `{"id":"d","displayName":"Legal"}`)).
		Named(t.Context(), change.Group, "finance")
	if err != nil {
		t.Fatal(err)
	}
	want := []provision.Resource{
		{ID: "a", Attributes: map[string]any{"id": "a", "displayName": "Finance"}},
		{ID: "b", Attributes: map[string]any{"id": "b", "displayName": "FINANCE"}},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

// byNumber is the criterion of a mapping that matches users by their number.
func byNumber(t testing.TB, value string) mapping.Criterion {
	t.Helper()
	const number = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"
	rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
		"users:\n  mappings:\n    - { target: '"+number+"', source: employeeId, matching: 2 }\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return rules.Users.Criteria(map[string]any{number: value})[0]
}

// Whoever shows another number is not believed, and whoever shows none is looked at.
func TestASearchByAnAttributeKeepsThoseWithTheValueOnly(t *testing.T) {
	t.Parallel()
	const enterprise = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":`
	var asked []string
	found, err := client(t, pagesOf(&asked, `{"totalResults":4,"Resources":[
		{"id":"a",`+enterprise+`"E-1"}},{"id":"b",`+enterprise+`"E-11"}},{"id":"c"},{"id":"d"}]}`,
		`{"id":"c",`+enterprise+`"e-1"}}`, `{"id":"d"}`)).Matching(t.Context(), byNumber(t, "E-1"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"a", "c"}, ids); diff != "" || len(asked) != 3 {
		t.Errorf("%d calls: %s", len(asked), diff)
	}
}

func TestAGroupComesWithoutItsMembersWhateverTheServer(t *testing.T) {
	t.Parallel()
	var asked []string
	got, err := client(t, pagesOf(&asked, `{"id":"a","displayName":"X","members":[{"value":"m"}]}`)).
		Read(t.Context(), change.Group, "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"id": "a", "displayName": "X"}, got.Attributes); diff != "" {
		t.Error(diff)
	}
}

func TestAGroupThatOthersManageIsReserved(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, extension, want string }{
		{"X", `{}`, ""},
		{"X", `{"usage":"policy","groupType":"unique_flat_static","provisionSource":"SCIM"}`, ""},
		{"X", `{"provisionSource":"aad"}`, ""},
		{"X", `{"provisionSource":""}`, ""},
		{"X", `{"provisionSource":"AD"}`, "it is managed by AD"},
		{"X", `{"provisionSource":["SCIM","OKTA"]}`, "it is managed by OKTA"},
		{"X", `{"usage":"Location","provisionSource":"BROADWORKS"}`, "it is the group of a location"},
		{"X", `{"groupType":"dynamic"}`, "its members follow from a rule in Webex"},
		{"X", `{"usage":{"location":true},"groupType":7,"provisionSource":[1,null]}`, ""},
		{"X", `"location"`, ""},
		{"X", `null`, ""},
		{"all org users", `{}`, "it is Webex's own"},
	} {
		t.Run(test.name+" "+test.extension, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"id":"a","displayName":%q,"urn:scim:schemas:extension:cisco:webexidentity:2.0:Group":%s}`, test.name, test.extension)
			var asked []string
			got, err := client(t, pagesOf(&asked, body)).Read(t.Context(), change.Group, "a")
			if err != nil || got.Reserved != test.want {
				t.Errorf("reserved %q, want %q; error %v", got.Reserved, test.want, err)
			}
		})
	}
}
