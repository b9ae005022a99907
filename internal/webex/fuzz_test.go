package webex_test

import (
	"errors"
	"net/http"
	"testing"

	"entrawebex/internal/provision"
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
