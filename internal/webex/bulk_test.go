package webex_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
	"entrawebex/internal/webex"
)

// three are one write of each method.
func three() []provision.Operation {
	return []provision.Operation{
		{Object: object(), Resource: map[string]any{"userName": "a@b.c"}},
		{Object: object(), ID: "u", Patch: []mapping.PatchOperation{{Op: "replace", Path: "active", Value: false}}},
		{Object: team(), ID: "g", Delete: true},
	}
}

// always is a server that answers a Bulk so; nothing else may be sent.
func always(t *testing.T, status int, body string) roundTrip {
	t.Helper()
	return func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "/Bulk") {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		return answer(status, body, "Retry-After", "7"), nil
	}
}

// summary is what matters of an answer.
func summary(answers []provision.Answer) []string {
	list := make([]string, len(answers))
	for i, a := range answers {
		switch f := provision.AsFault(a.Err); {
		case f == nil:
			list[i] = "done " + a.ID
		case f.Uncertain:
			list[i] = "doubt"
		default:
			list[i] = f.Label()
		}
	}
	return list
}

// Every status means within a Bulk what it means alone.
func TestAnAnswerWithinABulkMeansWhatItMeansAlone(t *testing.T) {
	t.Parallel()
	const body = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"noTarget",` +
		`"urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error":{"trackingId":"T","errorCode":"4091","details":"ada@example.com exists"}}`
	for _, status := range []int{200, 201, 202, 204, 302, 400, 401, 403, 404, 405, 409, 410, 412, 415, 423, 428, 429, 500, 501, 502, 503, 504} {
		for i, op := range three() {
			t.Run(fmt.Sprintf("%d, operation %d", status, i+1), func(t *testing.T) {
				t.Parallel()
				content := body
				if status < 300 {
					content = `{"id":"new"}`
				}
				alone := client(t, func(*http.Request) (*http.Response, error) { return answer(status, content), nil }).
					Apply(t.Context(), []provision.Operation{op})[0]
				within := client(t, always(t, 200, fmt.Sprintf(
					`{"operations":[{"bulkId":"op1","status":"%d","response":%s},{"bulkId":"op2","status":"%[1]d","response":%[2]s}]}`, status, content,
				))).Apply(t.Context(), []provision.Operation{op, op})
				if diff := cmp.Diff([]provision.Answer{alone, alone}, within); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestWhatABulkAnswersGoesToItsOperation(t *testing.T) {
	t.Parallel()
	const location = `"location":"https://elsewhere.example/v2/Users/new"`
	done := []string{"done new", "done u", "done g"}
	for _, test := range []struct {
		name, answer string
		want         []string
	}{
		{
			"as Webex writes it",
			`{"operations":[{"bulkId":"op1","status":"201",` + location + `},{"bulkId":"op2","status":"200"},{"bulkId":"op3","status":"204"}]}`, done,
		},
		{
			"as the RFC writes it, with numbers",
			`{"Operations":[{"bulkId":"op1","status":201,` + location + `},{"bulkId":"op2","status":204},{"bulkId":"op3","status":200}]}`, done,
		},
		{
			"in another order",
			`{"operations":[{"bulkId":"op3","status":"204"},{"bulkId":"op1","status":"201",` + location + `},{"bulkId":"op2","status":"200"}]}`, done,
		},
		{
			"the id in the response",
			`{"operations":[{"bulkId":"op1","status":"201","response":{"id":"new"}},{"bulkId":"op2","status":"200"},{"bulkId":"op3","status":"204"}]}`, done,
		},
		{
			"without any bulkId, in order",
			`{"operations":[{"method":"POST","status":"201",` + location + `},{"status":"200"},{"method":"delete","status":"204"}]}`, done,
		},
		{
			"without any bulkId, in another order",
			`{"operations":[{"method":"DELETE","status":"204"},{"method":"POST","status":"201",` + location + `},{"method":"PATCH","status":"200"}]}`,
			[]string{"doubt", "doubt", "doubt"},
		},
		{
			"without any bulkId, one less",
			`{"operations":[{"status":"201",` + location + `},{"status":"200"}]}`,
			[]string{"doubt", "doubt", "doubt"},
		},
		{
			"bulkIds of creates only, as in Cisco's example",
			`{"operations":[{"method":"DELETE","status":"204","location":"https://x.example/v2/Groups/g"},{"method":"PATCH","status":"200","location":"/Users/u"},` +
				`{"method":"POST","bulkId":"op1","status":"201",` + location + `}]}`, done,
		},
		{
			"one left out",
			`{"operations":[{"bulkId":"op1","status":"409"},{"bulkId":"op3","status":"404","response":` + scimError404 + `}]}`,
			[]string{"exists", "doubt", "gone"},
		},
		{
			"one answered twice",
			`{"operations":[{"bulkId":"op1","status":"409"},{"bulkId":"op2","status":"200"},{"bulkId":"op2","status":"409"},{"bulkId":"op3","status":"204"}]}`,
			[]string{"exists", "doubt", "done g"},
		},
		{
			"statuses that are none",
			`{"operations":[{"bulkId":"op1"},{"bulkId":"op2","status":null},{"bulkId":"op3","status":"2xx"}]}`,
			[]string{"doubt", "doubt", "doubt"},
		},
		{
			"an answer that cannot be read",
			`{"operations":[{"bulkId":"op1","status":"409"},{"bulkId":"op2","status":{"code":200}},7]}`,
			[]string{"exists", "doubt", "doubt"},
		},
		{
			"a create that says 200",
			`{"operations":[{"bulkId":"op1","status":"200",` + location + `},{"bulkId":"op2","status":"200"},{"bulkId":"op3","status":"204"}]}`,
			[]string{"doubt", "done u", "done g"},
		},
		{
			"a create that was of something else",
			`{"operations":[{"bulkId":"op1","status":"201","location":"https://x.example/v2/Groups/new"},{"bulkId":"op2","status":"200"},{"bulkId":"op3","status":"204"}]}`,
			[]string{"doubt", "done u", "done g"},
		},
		{
			"a throttled one",
			`{"operations":[{"bulkId":"op1","status":"429"},{"bulkId":"op2","status":"429"},{"bulkId":"op3","status":"423"}]}`,
			[]string{"throttled", "throttled", "throttled"},
		},
		{"operations that were never asked for", `{"operations":[{"bulkId":"op9","status":"200"}]}`, []string{"doubt", "doubt", "doubt"}},
		{"no operations", `{}`, []string{"doubt", "doubt", "doubt"}},
		{"nothing", ``, []string{"doubt", "doubt", "doubt"}},
		{"no JSON", `<html>`, []string{"doubt", "doubt", "doubt"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := client(t, always(t, 200, test.answer)).Apply(t.Context(), three())
			if diff := cmp.Diff(test.want, summary(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func scimRefusal(status int) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%d"}`, status)
}

func TestAFailureOfTheWholeBulkIsOneOfEachOperation(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		302: "doubt", 401: "unauthorized", 403: "unauthorized", 415: "permanent", 423: "throttled",
		429: "throttled", 500: "doubt", 502: "doubt", 503: "throttled", 504: "doubt",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			got := client(t, always(t, status, scimRefusal(status))).Apply(t.Context(), three())
			if diff := cmp.Diff([]string{want, want, want}, summary(got)); diff != "" {
				t.Error(diff)
			}
			for i, op := range three() {
				if reason := got[i].Err.Error(); !strings.Contains(reason, op.Object.String()) {
					t.Errorf("the reason %q does not name %s", reason, op.Object)
				}
				if f := provision.AsFault(got[i].Err); f.Kind == provision.Throttled && f.After == 0 {
					t.Errorf("the fault %v does not say how long to wait", f)
				}
			}
		})
	}
}

func TestAWriteWhoseAnswerDoesNotArriveIsInDoubt(t *testing.T) {
	t.Parallel()
	for n, ops := range [][]provision.Operation{{}, three()[:1], three()[:2]} {
		got := client(t, func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }).Apply(t.Context(), ops)
		if diff := cmp.Diff([]string{"doubt", "doubt"}[:n], summary(got)); diff != "" {
			t.Error(diff)
		}
	}
}

// singles is a server that refuses a Bulk with the status and takes all else.
func singles(status int, calls map[string]int) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		calls[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/identity/scim/org/v2")]++
		switch {
		case strings.HasSuffix(r.URL.Path, "/Bulk"):
			return answer(status, scimRefusal(status)), nil
		case r.Method == http.MethodPost:
			return answer(201, `{"id":"new"}`), nil
		default:
			return answer(204, ""), nil
		}
	}
}

func TestWithoutABulkAllIsSentOneByOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status     int
		remembered bool
	}{
		{404, true},
		{405, true},
		{501, true},
		{400, false},
		{409, false},
		{410, false},
		{413, false},
	} {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			t.Parallel()
			calls := map[string]int{}
			c := client(t, singles(test.status, calls))
			for range 2 {
				if diff := cmp.Diff([]string{"done new", "done u", "done g"}, summary(c.Apply(t.Context(), three()))); diff != "" {
					t.Error(diff)
				}
			}
			want := map[string]int{"POST /Bulk": 2, "POST /Users": 2, "PATCH /Users/u": 2, "DELETE /Groups/g": 2}
			if test.remembered {
				want["POST /Bulk"] = 1
			}
			if diff := cmp.Diff(want, calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What says that there is no Bulk may be wrong the next hour, and what does not
// say it in SCIM's form may be wrong now.
func TestThatThereIsNoBulkIsNotBelievedForEver(t *testing.T) {
	t.Parallel()
	const general = `{"message":"The requested resource could not be found.","trackingId":"ROUTER_1"}`
	for name, test := range map[string]struct {
		body   string
		status int
		after  time.Duration
		want   int // Bulks of two Applies
	}{
		"within the hour":                 {scimRefusal(404), 404, 59 * time.Minute, 1},
		"after an hour":                   {scimRefusal(404), 404, time.Hour, 2},
		"by the router alone":             {general, 404, 0, 2},
		"of a server that says no more":   {"", 501, 0, 1},
		"nor of one that has only a path": {"", 405, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock, calls := now, map[string]int{}
			server := singles(0, calls)
			c, err := webex.New(webex.Config{
				URL: root, Token: func(context.Context) (string, error) { return "secret-token", nil },
				Now: func() time.Time { return clock },
				Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					response, err := server(r)
					if strings.HasSuffix(r.URL.Path, "/Bulk") {
						response = answer(test.status, test.body)
					}
					return response, err
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if diff := cmp.Diff([]string{"done new", "done u", "done g"}, summary(c.Apply(t.Context(), three()))); diff != "" {
					t.Error(diff)
				}
				clock = clock.Add(test.after)
			}
			if calls["POST /Bulk"] != test.want {
				t.Errorf("%d Bulks, want %d", calls["POST /Bulk"], test.want)
			}
		})
	}
}

func TestAGatewayDoesNotSwitchTheBulkOff(t *testing.T) {
	t.Parallel()
	bulks := 0
	c := client(t, func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "/Bulk") {
			t.Errorf("%s %s: it may have been carried out", r.Method, r.URL.Path)
		}
		if bulks++; bulks == 1 {
			return answer(404, "<html>no route"), nil
		}
		return answer(200, `{"operations":[{"bulkId":"op1","status":"201","location":"/Users/new"},{"bulkId":"op2","status":"200"},{"bulkId":"op3","status":"204"}]}`), nil
	})
	for _, want := range [][]string{{"doubt", "doubt", "doubt"}, {"done new", "done u", "done g"}} {
		if diff := cmp.Diff(want, summary(c.Apply(t.Context(), three()))); diff != "" {
			t.Error(diff)
		}
	}
	if bulks != 2 {
		t.Errorf("%d Bulks", bulks)
	}
}

// deletes is a server that takes deletes, at most a hundred in a Bulk and at
// least two, and counts the Bulks and those sent alone.
func deletes(t *testing.T, bulks, alone *int) roundTrip {
	t.Helper()
	return func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodDelete {
			*alone++
			return answer(204, ""), nil
		}
		*bulks++
		var request struct {
			Operations []struct {
				BulkID string `json:"bulkId"`
			} `json:"operations"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		if n := len(request.Operations); n < 2 || n > 100 {
			t.Errorf("a Bulk of %d", n)
		}
		type one map[string]string
		list := []one{}
		for _, o := range request.Operations {
			list = append(list, one{"bulkId": o.BulkID, "status": "204"})
		}
		body, err := json.Marshal(map[string]any{"operations": list})
		return answer(200, string(body)), err
	}
}

func TestABulkHasAHundredOperationsAndNeverOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ operations, bulks, alone int }{
		{0, 0, 0}, {1, 0, 1}, {2, 1, 0}, {100, 1, 0}, {101, 1, 1}, {250, 3, 0},
	} {
		t.Run(fmt.Sprint(test.operations), func(t *testing.T) {
			t.Parallel()
			bulks, alone := 0, 0
			ops := make([]provision.Operation, test.operations)
			for i := range ops {
				ops[i] = provision.Operation{Object: object(), ID: fmt.Sprintf("u%d", i), Delete: true}
			}
			answers := client(t, deletes(t, &bulks, &alone)).Apply(t.Context(), ops)
			for i, a := range answers {
				if a.Err != nil || a.ID != ops[i].ID {
					t.Errorf("answer %d: %+v", i, a)
				}
			}
			if len(answers) != len(ops) || bulks != test.bulks || alone != test.alone {
				t.Errorf("%d answers, %d Bulks, %d alone", len(answers), bulks, alone)
			}
		})
	}
}

func TestManyWorkersShareOneClient(t *testing.T) {
	t.Parallel()
	c := client(t, func(r *http.Request) (*http.Response, error) { return singles(501, map[string]int{})(r) })
	for range 8 {
		t.Run("worker", func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{"done new", "done u", "done g"}, summary(c.Apply(t.Context(), three()))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARefusalWithinABulkSlowsEveryCallDown(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]time.Duration{`"429"`: 125 * time.Millisecond, `429`: 125 * time.Millisecond, `"423"`: 0} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				status := status
				server := roundTrip(func(*http.Request) (*http.Response, error) {
					defer func() { status = "500" }()
					return answer(http.StatusOK, `{"operations":[{"bulkId":"op1","method":"POST","status":`+status+`}]}`), nil
				})
				c, err := webex.New(webex.Config{
					URL: root, Token: func(context.Context) (string, error) { return "secret-token", nil },
					Transport: throttle.New(server, throttle.Options{}),
				})
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				for range 3 { // the first is refused, the third waits for its turn
					c.Apply(t.Context(), three())
				}
				if took := time.Since(begun).Round(time.Millisecond); took != want {
					t.Errorf("three Bulks took %v, want %v", took, want)
				}
			})
		})
	}
}
