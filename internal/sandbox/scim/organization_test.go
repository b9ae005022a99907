package scim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/simhttp"
)

const users = "/identity/scim/" + orgID + "/v2/Users"

// add puts an account into the organization and returns its path.
func add(t *testing.T, org *Organization, attributes map[string]any) string {
	t.Helper()
	id, err := org.Add(attributes)
	must(t, err)
	return users + "/" + id
}

func patchBody(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

func search(filter string) string { return users + "?filter=" + url.QueryEscape(filter) }

func TestPatchFollowsRFC7644(t *testing.T) {
	t.Parallel()
	start := map[string]any{
		"userName": "ann@" + domain, "displayName": "Ann", "userType": "user", "title": "Dr",
		"name":         map[string]any{"givenName": "Ann", "familyName": "Lee"},
		"emails":       []any{map[string]any{"type": "work", "value": "ann@" + domain, "primary": true}},
		"phoneNumbers": []any{map[string]any{"type": "work", "value": "1"}, map[string]any{"type": "mobile", "value": "2"}},
	}
	enterprise := "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	tests := map[string]struct {
		operations string
		status     int
		scimType   string
		path       string // what to look at in the answer
		want       any
	}{
		"replace of a value":                {`{"op":"replace","path":"active","value":false}`, 200, "", "active", false},
		"an attribute's name in any case":   {`{"op":"replace","path":"DisplayName","value":"X"}`, 200, "", "displayName", "X"},
		"replace of a missing value adds":   {`{"op":"replace","path":"nickName","value":"N"}`, 200, "", "nickName", "N"},
		"replace of a sub-attribute":        {`{"op":"replace","path":"name.givenName","value":"Anna"}`, 200, "", "name", map[string]any{"givenName": "Anna", "familyName": "Lee"}},
		"replace of a complex value merges": {`{"op":"replace","path":"name","value":{"familyName":"Ono"}}`, 200, "", "name", map[string]any{"givenName": "Ann", "familyName": "Ono"}},
		"replace without a path":            {`{"op":"replace","value":{"title":"Prof","name.givenName":"Anna"}}`, 200, "", "title", "Prof"},
		"remove of a value":                 {`{"op":"remove","path":"title"}`, 200, "", "title", nil},
		"remove of a sub-attribute":         {`{"op":"remove","path":"name.givenName"}`, 200, "", "name", map[string]any{"familyName": "Lee"}},
		"remove without a path":             {`{"op":"remove"}`, 400, "noTarget", "", nil},
		"an element by a filter": {
			`{"op":"replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"3"}`, 200, "", "phoneNumbers",
			[]any{map[string]any{"type": "work", "value": "1"}, map[string]any{"type": "mobile", "value": "3"}},
		},
		"a whole element by a filter": {
			`{"op":"replace","path":"phoneNumbers[type eq \"mobile\"]","value":{"type":"fax","value":"4"}}`, 200, "", "phoneNumbers",
			[]any{map[string]any{"type": "work", "value": "1"}, map[string]any{"type": "fax", "value": "4"}},
		},
		"remove of an element":              {`{"op":"remove","path":"phoneNumbers[value eq \"1\"]"}`, 200, "", "phoneNumbers", []any{map[string]any{"type": "mobile", "value": "2"}}},
		"remove of every element":           {`{"op":"remove","path":"phoneNumbers[type eq \"work\" or type eq \"mobile\"]"}`, 200, "", "phoneNumbers", nil},
		"remove of a list":                  {`{"op":"remove","path":"phoneNumbers"}`, 200, "", "phoneNumbers", nil},
		"replace of a list":                 {`{"op":"replace","path":"phoneNumbers","value":[{"type":"fax","value":"4"}]}`, 200, "", "phoneNumbers", []any{map[string]any{"type": "fax", "value": "4"}}},
		"add of an element that is there":   {`{"op":"add","path":"phoneNumbers","value":[{"type":"work","value":"1"}]}`, 200, "", "phoneNumbers", start["phoneNumbers"]},
		"replace whose filter finds nobody": {`{"op":"replace","path":"phoneNumbers[type eq \"fax\"].value","value":"3"}`, 400, "noTarget", "", nil},
		"remove whose filter finds nobody":  {`{"op":"remove","path":"phoneNumbers[type eq \"fax\"]"}`, 400, "noTarget", "", nil},
		"a new primary element replaces the old one": {
			`{"op":"add","path":"emails","value":[{"type":"home","value":"h@h.example","primary":true}]}`, 200, "", "emails",
			[]any{
				map[string]any{"type": "work", "value": "ann@" + domain, "primary": false},
				map[string]any{"type": "home", "value": "h@h.example", "primary": true},
			},
		},
		"removed addresses leave the work one": {`{"op":"remove","path":"emails"}`, 200, "", "emails", start["emails"]},
		"an extension's attribute":             {`{"op":"add","path":"` + enterprise + `:department","value":"Sales"}`, 200, "", enterprise, map[string]any{"department": "Sales"}},
		"an extension without a path":          {`{"op":"add","value":{"` + enterprise + `":{"department":"Sales"}}}`, 200, "", enterprise, map[string]any{"department": "Sales"}},
		"userName and work address together": {
			`{"op":"replace","path":"userName","value":"anna@` + domain + `"},{"op":"replace","path":"emails[type eq \"work\"].value","value":"anna@` + domain + `"}`,
			200, "", "userName", "anna@" + domain,
		},
		"userName without the work address": {`{"op":"replace","path":"userName","value":"anna@` + domain + `"}`, 400, "invalidValue", "", nil},
		"userName of another":               {`{"op":"replace","path":"userName","value":"BO@` + domain + `"},{"op":"remove","path":"emails"}`, 409, "uniqueness", "", nil},
		"userName taken away":               {`{"op":"remove","path":"userName"}`, 400, "invalidValue", "", nil},
		"a path that does not exist":        {`{"op":"replace","path":"shoeSize","value":1}`, 400, "invalidPath", "", nil},
		"a sub-attribute of no element":     {`{"op":"replace","path":"emails.value","value":"x"}`, 400, "invalidPath", "", nil},
		"a value of the wrong type":         {`{"op":"replace","path":"active","value":"False"}`, 400, "invalidValue", "", nil},
		"an unknown operation":              {`{"op":"move","path":"title"}`, 400, "invalidValue", "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t, Config{})
			path := add(t, org, start)
			add(t, org, map[string]any{"userName": "bo@" + domain})
			_, before := call(t, org, http.MethodGet, path, "")

			status, body := call(t, org, http.MethodPatch, path, patchBody(test.operations))
			scimType, _ := body["scimType"].(string)
			if status != test.status || scimType != test.scimType {
				t.Fatalf("answered %d %v, want %d %s", status, body, test.status, test.scimType)
			}
			_, after := call(t, org, http.MethodGet, path, "")
			want := after
			if status != http.StatusOK {
				want, body = before, after // nothing was done
			}
			if diff := cmp.Diff(want, body); diff != "" {
				t.Errorf("the account is not the one answered (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, after[test.path]); test.path != "" && diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", test.path, diff)
			}
		})
	}
}

func TestSearchKnowsWebexsAttributesAndOperators(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	add(t, org, map[string]any{
		"userName": "ann+x@" + domain, "displayName": "Ann Lee", "name": map[string]any{"givenName": "Ann", "familyName": "Lee"},
		"phoneNumbers": []any{map[string]any{"type": "mobile", "value": "1417"}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{"department": "Sales"},
	})
	add(t, org, map[string]any{"userName": "bo@" + domain, "displayName": "Bo Lee"})
	for filter, want := range map[string]int{
		`userName eq "ANN+X@` + domain + `"`:                             1,
		`userName Eq "ann+x@` + domain + `" or userName eq "bo@contoso"`: 1,
		`userName sw "ann"`:                                           1,
		`userName ew "` + domain + `"`:                                2,
		`displayName ew "lee"`:                                        2,
		`displayName ew "lee" and name.givenName sw "A"`:              1,
		`name.familyName eq "lee"`:                                    1,
		`emails.value eq "bo@` + domain + `"`:                         1,
		`emails[type eq "work" and value sw "bo"]`:                    1,
		`phoneNumbers [ type eq "mobile" and value eq "1417" ]`:       1,
		`department eq "sales"`:                                       1,
		`id eq "11111111-1111-4111-8111-111111111111"`:                0,
		`externalId eq "x"`:                                           -1,
		`active eq true`:                                              -1,
		`userName co "ann"`:                                           -1,
		`userName pr`:                                                 -1,
		`userName ne "ann"`:                                           -1,
		`name.givenName ew "n"`:                                       -1,
		`not (userName eq "x")`:                                       -1,
		`userName eq "x" and meta.lastModified gt "2011-05-13T04:42"`: -1,
		`userName eq`:                                                 -1,
	} {
		status, body := call(t, org, http.MethodGet, search(filter), "")
		switch {
		case want < 0 && (status != http.StatusBadRequest || body["scimType"] != "invalidFilter"):
			t.Errorf("%s answered %d %v, want 400 invalidFilter", filter, status, body)
		case want >= 0 && (status != http.StatusOK || fmt.Sprint(body["totalResults"]) != fmt.Sprint(want)):
			t.Errorf("%s answered %d with %v results, want %d", filter, status, body["totalResults"], want)
		}
	}
}

func TestAPageHasAtMost100Accounts(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	for i := range 130 {
		add(t, org, map[string]any{"userName": fmt.Sprintf("u%d@%s", i, domain)})
	}
	for query, want := range map[string]int{"": 100, "?count=500": 100, "?startIndex=101": 30, "?count=0": 0, "?startIndex=500": 0, "?startIndex=3&count=7": 7} {
		status, body := call(t, org, http.MethodGet, users+query, "")
		resources, _ := body["Resources"].([]any)
		if status != http.StatusOK || len(resources) != want || body["totalResults"] != 130.0 {
			t.Errorf("%q answered %d with %d of %v, want %d of 130", query, status, len(resources), body["totalResults"], want)
		}
	}
}

func TestAnAccountIsDeletedOnce(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	path := add(t, org, map[string]any{"userName": "ann@" + domain})
	for i, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		if status, body := call(t, org, http.MethodDelete, path, ""); status != want {
			t.Errorf("DELETE %d answered %d %v, want %d", i+1, status, body, want)
		}
	}
	if _, err := org.Add(map[string]any{"userName": "ann@" + domain}); err != nil {
		t.Errorf("the name of a deleted account is not free: %v", err)
	}
}

func TestPutReplacesEverything(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	path := add(t, org, map[string]any{"userName": "ann@" + domain, "title": "Dr", "externalId": "x"})
	status, body := call(t, org, http.MethodPut, path, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann@`+domain+`","userType":"user"}`)
	if status != http.StatusOK || body["title"] != nil || body["externalId"] != nil {
		t.Errorf("answered %d %v", status, body)
	}
}

func TestWebexRemovesAccountsThatWereInactiveFor30Days(t *testing.T) {
	t.Parallel()
	c := newClock()
	org := newOrg(t, Config{Now: c.Now})
	inactive := add(t, org, map[string]any{"userName": "ann@" + domain, "active": false})
	revived := add(t, org, map[string]any{"userName": "bo@" + domain, "active": false})
	c.At = c.At.Add(inactiveLifetime - time.Second)
	call(t, org, http.MethodPatch, inactive, patchBody(`{"op":"replace","path":"title","value":"X"}`)) // starts nothing anew
	call(t, org, http.MethodPatch, revived, patchBody(`{"op":"replace","path":"active","value":true}`))
	if n := org.Expire(); n != 0 {
		t.Errorf("%d expired a second too early", n)
	}
	c.At = c.At.Add(time.Second)
	if status, _ := call(t, org, http.MethodGet, inactive, ""); status != http.StatusNotFound {
		t.Errorf("the inactive account answered %d, want 404", status)
	}
	if status, _ := call(t, org, http.MethodGet, revived, ""); status != http.StatusOK {
		t.Errorf("the revived account answered %d, want 200", status)
	}
}

func TestTheOrganizationCountsCallsByKind(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	path := add(t, org, map[string]any{"userName": "ann@" + domain})
	call(t, org, http.MethodGet, path, "")
	call(t, org, http.MethodGet, users, "")
	call(t, org, http.MethodDelete, path, "")
	want := simhttp.Counts{"GET /Users": 1, "GET /Users/{id}": 1, "DELETE /Users/{id}": 1}
	got := org.Calls.Snapshot()
	if diff := cmp.Diff(want, got); diff != "" || got.Writes() != 1 {
		t.Errorf("%d writes, counts differ (-want +got):\n%s", got.Writes(), diff)
	}
}

func FuzzPatch(f *testing.F) {
	for _, operations := range []string{
		`{"op":"replace","path":"active","value":false}`,
		`{"op":"add","value":{"name.givenName":"A","emails":[{"type":"work"}]}}`,
		`{"op":"replace","path":"emails[type eq \"work\" and not (primary eq true)].value","value":"x@y.example"}`,
		`{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"}`,
		`{"op":"add","path":"emails","value":{"value":1}}`,
		`{"op":"add","path":"roles[","value":null}`,
		`{"op":"add","path":"x509Certificates","value":["AA=="]}`,
	} {
		f.Add(patchBody(operations))
	}
	f.Fuzz(func(t *testing.T, body string) {
		org := newOrg(t, Config{})
		path := add(t, org, map[string]any{"userName": "ann@" + domain, "roles": []any{map[string]any{"value": "x"}}})
		if status, answer := call(t, org, http.MethodPatch, path, body); status >= http.StatusInternalServerError {
			t.Errorf("answered %d %v", status, answer)
		}
		for id, attributes := range org.Users() {
			if at(attributes, "userName") == "" || !hasWork(attributes) {
				t.Errorf("account %s is %v", id, attributes)
			}
		}
	})
}

func hasWork(attributes map[string]any) bool {
	text, err := json.Marshal(attributes["emails"])
	return err == nil && strings.Contains(string(text), `"work"`)
}

func FuzzSearch(f *testing.F) {
	for _, filter := range []string{
		`userName eq "x"`, `emails[type eq "work"]`, `not (id eq 1)`, `emails.value eq true`, `name eq "x"`,
		`(((userName eq "x")))`, `manager.value eq "x"`, `department sw 1.5`,
	} {
		f.Add(filter)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		org := newOrg(t, Config{})
		add(t, org, map[string]any{"userName": "ann@" + domain, "name": map[string]any{"givenName": "A"}})
		if status, answer := call(t, org, http.MethodGet, search(filter), ""); status >= http.StatusInternalServerError {
			t.Errorf("%q answered %d %v", filter, status, answer)
		}
	})
}
