package entra

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

func TestARefusalWithinABatchHoldsBackEveryCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		held   bool
	}{
		"throttled":   {refusing(http.StatusTooManyRequests, "TooManyRequests", "60"), true},
		"unavailable": {refusing(http.StatusServiceUnavailable, "ServiceUnavailable", "60"), true},
		"locked":      {refusing(http.StatusLocked, "Locked", "60"), false},
		"forbidden":   {refusing(http.StatusForbidden, "Authorization_RequestDenied", "60"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1), id(2))
			g.inner["/users/"+id(1)] = c.answer
			client := g.client(t, Config{Transport: throttle.New(g, throttle.Options{Now: testNow})})
			if readings := client.Read(t.Context(), asking(id(1), id(2))); readings[1].Presence != provision.Present {
				t.Errorf("the other reading is %+v", readings[1])
			}
			reading := client.Read(t.Context(), asking(id(2)))[0]
			if !c.held {
				if reading.Presence != provision.Present {
					t.Errorf("the next reading is %+v", reading)
				}
				return
			}
			expectFault(t, reading.Err, provision.Throttled, time.Minute, "read user "+id(2)+" from Entra: 429 heldBack: not sent: the server asked for a pause")
		})
	}
}

// Whatever a batch answers, there is an answer or an error for each request, and
// a share of a limit that is a number.
func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"responses":[{"id":"0","status":429,"headers":{"Retry-After":17},"body":{"error":{"code":"TooManyRequests"}}}]}`))
	f.Add([]byte(`{"responses":[{"id":1,"status":"200","headers":{"x-ms-throttle-limit-percentage":["0.9"]},"body":{"id":"x"}},null,7]}`))
	f.Add([]byte(`{"responses":[{"id":"0","status":404,"headers":null,"body":{"error":{"code":"Request_ResourceNotFound","message":["x"],"innerError":7}}}]}`))
	f.Add([]byte(`{"responses":null}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		answers, used := decodeAnswers(body, 2, testNow())
		if len(answers) != 2 || !(used >= 0) {
			t.Errorf("%q is %+v, %v", body, answers, used)
		}
		for _, a := range answers {
			if a.err == nil {
				_, _ = a.attributes(user(id(1)))
				continue
			}
			if f := fault("read", readUsers, concerning(a.err, id(1))); f.Kind == 0 || f.After < 0 {
				t.Errorf("%q is %+v", body, f)
			}
		}
	})
}

// A scalar in JSON is read as what it says, and anything else as nothing.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`"x"`, `7`, `["a",1]`, `[[1]]`, `{}`, `null`, `true`, `[]`, `[{}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		got := text(bytes.TrimSpace(raw))
		if strings.HasPrefix(got, "{") && !strings.HasPrefix(strings.TrimLeft(string(raw), " \t\r\n["), `"`) {
			t.Errorf("%q is %q", raw, got)
		}
	})
}
