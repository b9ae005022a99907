package webex_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

func FuzzAnswers(f *testing.F) {
	f.Add(200, []byte(`{"id":"w1","totalResults":2,"Resources":[{"id":"y"},{"id":"z","userName":"ADA@example.com","emails":[7,{"value":"ada@example.com"}]}]}`), "1")
	f.Add(409, []byte(`{"errors":[{"description":"x@y"}],"trackingId":"R"}`), "Mon, 02 Mar 2026 09:00:30 GMT")
	f.Add(404, []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":7}`), "")
	f.Add(404, []byte(`{"schemas":"urn:ietf:params:scim:api:messages:2.0:Error","status":404,"urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error":[]}`), "")
	f.Add(201, []byte(`{"ID":"n","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"meta":{"resourceType":"USER"},"userName":null}`), "")
	f.Add(500, []byte(`[[[[`), "")
	criterion := byNumber(f, "4711")
	f.Fuzz(func(t *testing.T, status int, body []byte, wait string) {
		if status < 100 || status > 999 {
			return
		}
		c := client(t, func(*http.Request) (*http.Response, error) {
			return answer(status, string(body), "Retry-After", wait, "Trackingid", wait), nil
		})
		check := func(err error) { checkFault(t, err, status, body) }
		for _, search := range []func() ([]provision.Resource, error){
			func() ([]provision.Resource, error) { return c.Named(t.Context(), change.User, "ada@example.com") },
			func() ([]provision.Resource, error) { return c.Named(t.Context(), change.Group, "Sales") },
			func() ([]provision.Resource, error) { return c.Addressed(t.Context(), "ada@example.com") },
			func() ([]provision.Resource, error) { return c.Matching(t.Context(), criterion) },
		} {
			found, err := search()
			check(err)
			for _, a := range found {
				if _, err := json.Marshal(a); err != nil || a.ID == "" {
					t.Errorf("account %+v: %v", a, err)
				}
			}
		}
		r, err := c.Read(t.Context(), change.User, "w1")
		check(err)
		if err == nil && r.ID != "w1" {
			t.Errorf("asked for w1, got %q", r.ID)
		}
		check(c.Probe(t.Context()))
		for _, op := range three() {
			a := c.Apply(t.Context(), []provision.Operation{op})[0]
			check(a.Err)
			if id := op.ID; a.Err == nil && (a.ID == "" || id != "" && a.ID != id || status == http.StatusOK && a.Shown == nil) {
				t.Errorf("the answer %d to %q is a success: %+v", status, id, a)
			}
		}
		_, err = c.ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g", Remove: []string{"m"}})
		check(err)
	})
}

// checkFault looks at what an answer became.
func checkFault(t *testing.T, err error, status int, body []byte) {
	t.Helper()
	var fault *provision.Fault
	switch {
	case err == nil && status >= 300:
		t.Errorf("status %d and no error", status)
	case err == nil:
	case !errors.As(err, &fault):
		t.Errorf("error %v is no fault", err)
	case fault.After < 0 || fault.After > time.Hour:
		t.Errorf("a wait of %s", fault.After)
	case fault.Foreign && fault.Kind != provision.Transient:
		t.Errorf("a stranger's answer is %s", fault.Kind)
	case fault.Answer == provision.Gone && !strings.Contains(strings.ToLower(plainJSON(body)), "urn:ietf:params:scim:api:messages:2.0:error"):
		t.Error("gone without a SCIM error")
	case strings.ContainsFunc(fault.RequestID, func(r rune) bool { return !unicode.IsPrint(r) }):
		t.Errorf("request id %q", fault.RequestID)
	}
}

// plainJSON writes JSON without needless escapes.
func plainJSON(body []byte) string {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return ""
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(plain)
}

// The literal of a filter is a JSON string that means what was searched for,
// whatever that is. What is no UTF-8 cannot be written in JSON.
func FuzzFilterLiterals(f *testing.F) {
	for _, name := range []string{"Sales\tEMEA", "Line\nbreak", `o"b\r+x@example.com`, "a\u2028b\x00\x7f", "R&D <x> 100 % ?#", "\xff\xfe", `" or displayName sw "`, "é\u00a0"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		filter := ""
		c := client(t, func(r *http.Request) (*http.Response, error) {
			query, err := url.ParseQuery(r.URL.RawQuery)
			if err != nil {
				t.Error(err)
			}
			filter = query.Get("filter")
			return answer(200, `{"totalResults":0}`), nil
		})
		if _, err := c.Named(t.Context(), change.Group, name); err != nil {
			t.Fatal(err)
		}
		literal, ok := strings.CutPrefix(filter, "displayName eq ")
		var meant string
		if err := json.Unmarshal([]byte(literal), &meant); !ok || err != nil || meant != string([]rune(name)) {
			t.Errorf("%q became the filter %q: %v", name, filter, err)
		}
		if strings.ContainsFunc(literal, func(r rune) bool { return r < ' ' }) {
			t.Errorf("a control character in %q", literal)
		}
	})
}

func FuzzBulkAnswers(f *testing.F) {
	f.Add(200, []byte(`{"operations":[{"bulkId":"op1","status":"201","location":"https://x.example/v2/Users/a"},{"bulkId":"op2","status":200},{"bulkId":"op3","status":"204"}]}`))
	f.Add(200, []byte(`{"Operations":[{"status":"409","response":{"scimType":"uniqueness"}},{"method":"PATCH","location":"/Users/u"},{"status":null}]}`))
	f.Add(429, []byte(`{"operations":7}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		bulks := 0
		c := client(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/identity/scim/org/v2/Bulk" {
				return answer(500, ""), nil
			}
			bulks++
			return answer(status, string(body)), nil
		})
		ops := three()
		answers := c.Apply(t.Context(), ops)
		if len(answers) != len(ops) || bulks != 1 {
			t.Fatalf("%d answers, %d Bulks", len(answers), bulks)
		}
		for i, a := range answers {
			var fault *provision.Fault
			switch {
			case a.Err != nil && !errors.As(a.Err, &fault):
				t.Errorf("error %v is no fault", a.Err)
			case a.Err == nil && (a.ID == "" || status < 200 || status > 299):
				t.Errorf("status %d, answer %+v to operation %d", status, a, i)
			case a.Err == nil && ops[i].ID != "" && a.ID != ops[i].ID:
				t.Errorf("the answer to %s is about %s", ops[i].ID, a.ID)
			}
		}
	})
}

func FuzzMemberPages(f *testing.F) {
	f.Add(200, []byte(`{"memberSize":2,"members":[{"value":"a","type":"user"},{"value":"b","type":"group"}]}`))
	f.Add(200, []byte(`{"totalResults":1000000,"Members":[{"value":"a"},{"value":7}]}`))
	f.Add(404, []byte(`[[[[`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		calls := 0
		c := client(t, func(*http.Request) (*http.Response, error) {
			if calls++; calls > 2 {
				return answer(200, `{}`), nil
			}
			return answer(status, string(body)), nil
		})
		err := c.Members(t.Context(), "g", func(ids []string) error {
			for _, id := range ids {
				if id == "" {
					t.Error("a member without an id")
				}
			}
			if len(ids) == 0 {
				t.Error("a page of nobody")
			}
			return nil
		})
		var fault *provision.Fault
		if err != nil && !errors.As(err, &fault) {
			t.Errorf("error %v is no fault", err)
		}
		if err == nil && status >= 300 && status != http.StatusNotFound && status != http.StatusNotImplemented {
			t.Errorf("status %d and no error", status)
		}
	})
}

func FuzzLists(f *testing.F) {
	f.Add([]byte(`{"totalResults":3,"itemsPerPage":0,"Resources":[{"id":"a","members":[{"value":"u","type":"user"},7]},{"id":"b","Members":null}]}`))
	f.Add([]byte(`{"totalResults":0}`))
	f.Add([]byte(`{"totalResults":-1,"resources":[null,{"id":7}]}`))
	f.Add([]byte(`{"Resources":[{"id":"a","urn:scim:schemas:extension:cisco:webexidentity:2.0:Group":[]}]}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		calls := 0
		c := client(t, func(*http.Request) (*http.Response, error) {
			calls++
			return answer(200, string(body)), nil
		})
		check := func(err error, listed int) {
			var fault *provision.Fault
			switch {
			case err != nil && !errors.As(err, &fault):
				t.Errorf("error %v is no fault", err)
			case calls > 2:
				t.Errorf("%d calls, and the same answer each time", calls)
			case err == nil && listed == 0 && calls != 1:
				t.Errorf("nothing in %d calls", calls)
			}
			calls = 0
		}
		seen := map[string]bool{}
		err := c.Users(t.Context(), func(page []provision.Resource) error {
			for _, u := range page {
				if u.ID == "" || seen[u.ID] {
					t.Errorf("the user %q, again: %t", u.ID, seen[u.ID])
				}
				seen[u.ID] = true
			}
			return nil
		})
		check(err, len(seen))
		clear(seen)
		err = c.Groups(t.Context(), func(page []provision.ListedGroup) error {
			for _, g := range page {
				if g.ID == "" || seen[g.ID] || g.Whole && len(g.Members) >= 500 {
					t.Errorf("the group %+v, again: %t", g, seen[g.ID])
				}
				seen[g.ID] = true
			}
			return nil
		})
		check(err, len(seen))
	})
}

func FuzzTokens(f *testing.F) {
	f.Add(200, []byte(`{"token_type":"Bearer","access_token":"a","expires_in":1209600,"refresh_token":"r","refresh_token_expires_in":7776000}`))
	f.Add(400, []byte(`{"error":"invalid_grant","error_description":"s3cret+","trackingId":"r3fresh/"}`))
	f.Add(503, []byte(`[[[[`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		token, err := webex.Refresh(t.Context(), app(roundTrip(func(*http.Request) (*http.Response, error) {
			return answer(status, string(body), "Trackingid", string(body)), nil
		})))
		var fault *provision.Fault
		switch {
		case err == nil && (status > 299 || token.Access == "" || token.Refresh == "" || !token.ExpiresAt.After(now)):
			t.Errorf("status %d, token until %s", status, token.ExpiresAt)
		case err != nil && (!errors.As(err, &fault) || token != (webex.Token{})):
			t.Errorf("error %v is no fault", err)
		case err != nil && (strings.Contains(err.Error(), "s3cret+") || strings.Contains(err.Error(), "r3fresh/")):
			t.Errorf("the error tells a secret: %v", err)
		}
	})
}
