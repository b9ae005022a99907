package webex_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

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
