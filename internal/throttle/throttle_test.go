package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/throttle"
)

func newRequest() *http.Request {
	r, err := http.NewRequest(http.MethodGet, "https://example.com/Users/1", nil)
	if err != nil {
		panic(err)
	}
	return r
}

func response(r *http.Request, status int, retryAfter string) *http.Response {
	response := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}
	if retryAfter != "" {
		response.Header.Set("Retry-After", retryAfter)
	}
	return response
}

// script answers as it is told, 200 when it is told nothing more, and counts.
type script struct {
	mu      sync.Mutex
	answers []func(*http.Request) *http.Response
	calls   atomic.Int64
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls.Add(1)
	s.mu.Lock()
	answer := func(r *http.Request) *http.Response { return response(r, http.StatusOK, "") }
	if len(s.answers) > 0 {
		answer, s.answers = s.answers[0], s.answers[1:]
	}
	s.mu.Unlock()
	return answer(r), nil
}

// answering makes a script of a status and a Retry-After.
func answering(status int, retryAfter string) *script {
	return &script{answers: []func(*http.Request) *http.Response{
		func(r *http.Request) *http.Response { return response(r, status, retryAfter) },
	}}
}

// call makes a request and returns status and Retry-After: "429 1".
func call(t *testing.T, transport http.RoundTripper) string {
	t.Helper()
	r, err := transport.RoundTrip(newRequest())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(fmt.Sprint(r.StatusCode, " ", r.Header.Get("Retry-After")))
}

func TestLetsEverythingThroughUntilItIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		transport := throttle.New(&script{}, throttle.Options{})
		for range 10_000 {
			if got := call(t, transport); got != "200" {
				t.Fatalf("answered %s", got)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("waited for %v", took)
		}
	})
}

func TestAPauseHoldsForEveryRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		retryAfter func() string
		want       string
	}{
		"in seconds":          {429, func() string { return "30" }, "429 30"},
		"until a date":        {429, func() string { return time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat) }, "429 30"},
		"of an overload":      {503, func() string { return "30" }, "429 30"},
		"of more than a day":  {429, func() string { return "99999" }, "429 3600"},
		"until the past":      {429, func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, "200"},
		"in nonsense":         {429, func() string { return "soon" }, "200"},
		"not of a locked one": {423, func() string { return "30" }, "200"},
		"not of an outage":    {500, func() string { return "30" }, "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := answering(c.status, c.retryAfter())
				transport := throttle.New(server, throttle.Options{})
				call(t, transport)
				if got := call(t, transport); got != c.want {
					t.Errorf("the next request was answered %s, want %s", got, c.want)
				}
				if sent := server.calls.Load(); (sent == 2) != (c.want == "200") {
					t.Errorf("%d requests were sent", sent)
				}
			})
		})
	}
}

func TestAPauseEndsByTheClockItWasGiven(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	transport := throttle.New(answering(429, "30"), throttle.Options{Now: func() time.Time { return now }})
	call(t, transport)
	var got []string
	for _, passed := range []time.Duration{9900, 9000, 3000, 8100} {
		now = now.Add(passed * time.Millisecond)
		got = append(got, call(t, transport))
	}
	if diff := cmp.Diff([]string{"429 21", "429 12", "429 9", "200"}, got); diff != "" {
		t.Error(diff)
	}
	// What is held back has not reached the server.
	if got, want := transport.Traffic(), (throttle.Traffic{Answered: 2, Refused: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestAnAnswerOfItsOwnIsWholeAndSaysSo(t *testing.T) {
	t.Parallel()
	transport := throttle.New(answering(429, "30"), throttle.Options{})
	call(t, transport)
	body := &closing{Reader: strings.NewReader("{}")}
	request := newRequest()
	request.Body = body
	r, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"message":"not sent: the server asked for a pause","error":{"code":"heldBack","message":"not sent: the server asked for a pause"}}`
	if string(said) != want || r.ContentLength != int64(len(want)) || r.Request != request || r.Status != "429 Too Many Requests" {
		t.Errorf("answered %+v: %s", r, said)
	}
	if !body.closed {
		t.Error("the request's body was not closed")
	}
}

// closing is a body that knows that it was closed.
type closing struct {
	io.Reader

	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

// refusedOnce returns a Transport that has no pause, but a limit of eight
// requests a second: nothing was measured yet. Its first turn is taken.
func refusedOnce(t *testing.T) (*throttle.Transport, *script) {
	t.Helper()
	server := answering(429, "")
	transport := throttle.New(server, throttle.Options{})
	call(t, transport)
	call(t, transport)
	return transport, server
}

func TestRequestsLeaveOneByOneAfterARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport, _ := refusedOnce(t)
		begun := time.Now()
		var together sync.WaitGroup
		var sent, held atomic.Int64
		for range 50 {
			together.Go(func() {
				r, err := transport.RoundTrip(newRequest())
				switch {
				case err != nil:
					t.Error(err)
				case r.StatusCode == http.StatusOK:
					sent.Add(1)
				default:
					if after := r.Header.Get("Retry-After"); after != "6" || time.Since(begun) != 0 {
						t.Errorf("held back for %s after %v", after, time.Since(begun))
					}
					held.Add(1)
				}
			})
		}
		together.Wait()
		if sent.Load() != 40 || held.Load() != 10 || time.Since(begun) != 5*time.Second {
			t.Errorf("%d sent, %d held back within %v, want eight a second for five", sent.Load(), held.Load(), time.Since(begun))
		}
	})
}

func TestDoesNotWaitBeyondADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport, server := refusedOnce(t)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r, err := transport.RoundTrip(newRequest().WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "1" || time.Since(begun) != 0 || server.calls.Load() != 2 {
			t.Errorf("answered %s after %v, %d sent", r.Status, time.Since(begun), server.calls.Load())
		}
	})
}

func TestAWaitThatIsGivenUpLeavesItsTurnToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport, server := refusedOnce(t)
		begun := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		body := &closing{Reader: strings.NewReader("{}")}
		request := newRequest().WithContext(ctx)
		request.Body = body
		if _, err := transport.RoundTrip(request); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if !body.closed {
			t.Error("the request's body was not closed")
		}
		if got := call(t, transport); got != "200" || server.calls.Load() != 3 {
			t.Errorf("answered %s, %d sent", got, server.calls.Load())
		}
		if took := time.Since(begun).Round(time.Millisecond); took != 125*time.Millisecond {
			t.Errorf("the next turn came after %v", took)
		}
	})
}

func TestAPauseHoldsForThoseWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := answering(429, "")
		transport := throttle.New(server, throttle.Options{})
		call(t, transport)
		server.answers = []func(*http.Request) *http.Response{func(r *http.Request) *http.Response {
			time.Sleep(50 * time.Millisecond)
			return response(r, 429, "30")
		}}
		var first sync.WaitGroup
		first.Go(func() { call(t, transport) })
		synctest.Wait()
		// Its turn would come after 125 ms, the pause begins before.
		if got := call(t, transport); got != "429 30" || server.calls.Load() != 2 {
			t.Errorf("answered %s, %d sent", got, server.calls.Load())
		}
		first.Wait()
	})
}

func TestRefusalsOfOneMomentCountOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &script{}
		for range 8 {
			server.answers = append(server.answers, func(r *http.Request) *http.Response {
				time.Sleep(50 * time.Millisecond)
				return response(r, 429, "")
			})
		}
		transport := throttle.New(server, throttle.Options{})
		var together sync.WaitGroup
		for range 8 {
			together.Go(func() { call(t, transport) })
		}
		together.Wait()
		begun := time.Now()
		call(t, transport)
		call(t, transport)
		if took := time.Since(begun).Round(time.Millisecond); took != 125*time.Millisecond {
			t.Errorf("the limit leaves %v between two requests, want that of eight a second", took)
		}
	})
}

func TestARefusalWithinAnAnswerCountsAsOneOfTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := throttle.New(&script{}, throttle.Options{})
		sent := time.Now()
		for range 8 { // calls of one moment, and their answers
			time.Sleep(time.Millisecond)
			transport.RefusedWithin(sent, 0)
		}
		begun := time.Now()
		call(t, transport)
		call(t, transport)
		if took := time.Since(begun).Round(time.Millisecond); took != 125*time.Millisecond {
			t.Errorf("the limit leaves %v between two requests, want that of eight a second", took)
		}
		transport.RefusedWithin(time.Now(), 0)
		call(t, transport)
		begun = time.Now()
		call(t, transport)
		if took := time.Since(begun).Round(time.Millisecond); took != 155*time.Millisecond {
			t.Errorf("the limit leaves %v between two requests, want that of 6.5 a second", took)
		}
		transport.RefusedWithin(sent, 30*time.Second)
		if got := call(t, transport); got != "429 30" {
			t.Errorf("after a refusal that asks for a pause the next request was answered %s", got)
		}
		// What is not sent nobody answers.
		if got, want := transport.Traffic(), (throttle.Traffic{Answered: 4, Refused: 10}); got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
	})
}

func TestForgetsALimitThatNothingComesNear(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport, _ := refusedOnce(t)
		for range 30 { // well beyond the search, at two a second
			time.Sleep(500 * time.Millisecond)
			call(t, transport)
		}
		begun := time.Now()
		for range 1000 {
			call(t, transport)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("waited for %v", took)
		}
	})
}

func TestIdleTimeProvesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport, _ := refusedOnce(t)
		time.Sleep(time.Hour)
		begun := time.Now()
		for range 8 {
			call(t, transport)
		}
		if took := time.Since(begun); took < 800*time.Millisecond {
			t.Errorf("eight requests after an hour took %v, want little less than the second that they had taken before", took)
		}
	})
}
