package throttle_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/internal/throttle"
)

// warning is a server with a token bucket of ten seconds' worth, as Graph's identity
// and access service has, that says from 0.8 on how much of it is used up
// (https://learn.microsoft.com/graph/throttling-limits).
type warning struct{ *server }

func (w warning) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.server.RoundTrip(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if share := 1 - w.tokens/w.burst; share >= 0.8 && answer.StatusCode == http.StatusOK {
		answer.Header.Set("X-Ms-Throttle-Limit-Percentage", strconv.FormatFloat(share, 'f', 2, 64))
	}
	return answer, err
}

func TestAServerThatWarnsHardlyNeedsToRefuse(t *testing.T) {
	t.Parallel()
	// Where eight requests at once are a sixth of the bucket some are refused all
	// the same, a third of as many.
	for name, c := range map[string]struct {
		rate    float64
		refused int
	}{"5 a second": {5, 25}, "20 a second": {20, 0}, "100 a second": {100, 0}, "300 a second": {300, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				silent, warns := newServer(c.rate, 10*c.rate), warning{newServer(c.rate, 10*c.rate)}
				for server, transport := range map[*server]http.RoundTripper{silent: silent, warns.server: warns} {
					l := begin(throttle.New(transport, throttle.Options{}))
					time.Sleep(5 * time.Minute)
					l.end()
					use := float64(server.served) / (c.rate * 300)
					t.Logf("warns %v: served %.1f %%, refused %d", server == warns.server, 100*use, server.refused)
					if server == warns.server && (server.refused > c.refused || use < 0.95) {
						t.Errorf("served %.1f %%, refused %d; want 95 at least, and %d at most", 100*use, server.refused, c.refused)
					}
					if server == silent && server.refused <= c.refused {
						t.Error("it is not asked for more than it serves")
					}
				}
			})
		})
	}
}

func TestTheMoreOfALimitIsUsedUpTheLongerIsThePauseAfter(t *testing.T) {
	t.Parallel()
	for share, want := range map[string]time.Duration{
		"": 0, "0.5": 0, "0.8": 0, "0.9": 500 * time.Millisecond, "1": time.Second, "1.20": 2 * time.Second, "1.8": 2 * time.Second,
		"90": 2 * time.Second, "1e300": 2 * time.Second, "+Inf": 2 * time.Second, "NaN": 0, "-1": 0, "much": 0,
	} {
		t.Run("used "+share, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []func(*http.Request) *http.Response{func(r *http.Request) *http.Response {
					answer := response(r, http.StatusOK, "")
					answer.Header.Set("X-Ms-Throttle-Limit-Percentage", share)
					return answer
				}}}
				transport := throttle.New(s, throttle.Options{})
				call(t, transport)
				begun := time.Now()
				call(t, transport)
				call(t, transport)
				if waited := time.Since(begun).Round(time.Millisecond); waited != want {
					t.Errorf("waited %s, want %s", waited, want)
				}
			})
		})
	}
}

func TestAWarningWithinABatchSlowsEveryCallDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := throttle.New(&script{}, throttle.Options{})
		transport.UsedWithin(0)
		begun := time.Now()
		call(t, transport)
		transport.UsedWithin(1)
		call(t, transport)
		if waited := time.Since(begun).Round(time.Millisecond); waited != time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}
