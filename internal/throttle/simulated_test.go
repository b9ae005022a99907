package throttle_test

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/internal/throttle"
)

// roundTrip is how long the simulated server takes to answer.
const roundTrip = 10 * time.Millisecond

// server refuses what a token bucket has no token for, with a Retry-After of
// a second. A refusal costs no token.
type server struct {
	mu     sync.Mutex
	rate   float64 // tokens a second
	burst  float64 // tokens that the bucket holds
	tokens float64
	filled time.Time

	served, refused int
}

func newServer(rate, burst float64) *server {
	return &server{rate: rate, burst: burst, tokens: burst, filled: time.Now()}
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(roundTrip / 2)
	response := s.answer(r)
	time.Sleep(roundTrip / 2)
	return response, nil
}

func (s *server) answer(r *http.Request) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fill()
	if s.tokens < 1 {
		s.refused++
		return response(r, http.StatusTooManyRequests, "1")
	}
	s.tokens--
	s.served++
	return response(r, http.StatusOK, "")
}

func (s *server) fill() {
	now := time.Now()
	s.tokens = min(s.burst, s.tokens+s.rate*now.Sub(s.filled).Seconds())
	s.filled = now
}

// become gives the server another rate, with a bucket of as many tokens.
func (s *server) become(rate float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fill()
	s.rate, s.burst = rate, rate
}

// take returns what was counted since it was last called.
func (s *server) take() (served, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	served, refused = s.served, s.refused
	s.served, s.refused = 0, 0
	return served, refused
}

// load is eight workers that call a server one request after the other, and
// come back after a Retry-After as the queue would.
type load struct {
	stop chan struct{}
	done sync.WaitGroup
	// went are the answers other than 429, and held the 429, whether the
	// server's or not.
	went, held atomic.Int64
}

func begin(transport http.RoundTripper) *load {
	l := &load{stop: make(chan struct{})}
	for range 8 {
		l.done.Go(func() { l.work(transport) })
	}
	return l
}

func (l *load) work(transport http.RoundTripper) {
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		r, err := transport.RoundTrip(newRequest())
		if err != nil {
			panic(err)
		}
		if r.StatusCode == http.StatusTooManyRequests {
			l.held.Add(1)
		} else {
			l.went.Add(1)
		}
		seconds, _ := strconv.Atoi(r.Header.Get("Retry-After")) // 0 if there is none
		time.Sleep(time.Duration(seconds) * time.Second)
	}
}

// take returns what was counted since it was last called.
func (l *load) take() (went, held int) {
	return int(l.went.Swap(0)), int(l.held.Swap(0))
}

func (l *load) end() {
	close(l.stop)
	l.done.Wait()
}

func TestFindsAndKeepsTheRateOfAServer(t *testing.T) {
	t.Parallel()
	// A bucket that holds a second's worth is full again after the second that
	// a refusal asks for. With less, that second is lost of every fifteen or
	// so, and the recovery after it.
	for name, c := range map[string]struct{ rate, burst, use float64 }{
		"5 a second":                          {5, 5, 0.9},
		"50 a second":                         {50, 50, 0.9},
		"300 a second":                        {300, 300, 0.9},
		"50 a second, a tenth of it at once":  {50, 5, 0.8},
		"300 a second, a tenth of it at once": {300, 30, 0.8},
		"5 a second, one by one":              {5, 1, 0.8},
		"50 a second, one by one":             {50, 1, 0.8},
		"300 a second, one by one":            {300, 1, 0.8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(c.rate, c.burst)
				l := begin(throttle.New(s, throttle.Options{}))
				time.Sleep(30 * time.Second)
				early, earlyRefused := s.take()
				_, earlyHeld := l.take()
				time.Sleep(270 * time.Second)
				served, refused := s.take()
				_, held := l.take()
				l.end()

				use := float64(served) / (c.rate * 270)
				lost := float64(refused) / float64(served+refused)
				t.Logf("first 30 s: served %d, refused %d, held back %d; then served %.1f %% of the rate, refused %.2f %% (%d), held back %d",
					early, earlyRefused, earlyHeld-earlyRefused, 100*use, 100*lost, refused, held-refused)
				if use < c.use || lost > 0.05 {
					t.Errorf("served %.1f %%, want %.0f; refused %.2f %%, want at most 5", 100*use, 100*c.use, 100*lost)
				}
			})
		})
	}
}

func TestTwoProcessesShareAServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(50, 50)
		mine, other := begin(throttle.New(s, throttle.Options{})), begin(throttle.New(s, throttle.Options{}))
		time.Sleep(30 * time.Second)
		s.take()
		mine.take()
		other.take()
		time.Sleep(270 * time.Second)
		served, refused := s.take()
		went, _ := mine.take()
		share := float64(went) / 270
		mine.end()
		other.end()
		t.Logf("served %.1f a second, of it %.1f to the one, refused %d", float64(served)/270, share, refused)
		if float64(served) < 0.9*50*270 || float64(refused) > 0.05*float64(served) || share < 10 || share > 40 {
			t.Error("want 45 a second, ten at least to each, and one of twenty refused at most")
		}
	})
}

func TestFollowsAServerWhoseRateChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(50, 50)
		l := begin(throttle.New(s, throttle.Options{}))
		time.Sleep(120 * time.Second)
		for _, rate := range []float64{10, 50} {
			s.become(rate)
			s.take()
			for at := 10; at <= 120; at += 10 {
				time.Sleep(10 * time.Second)
				served, refused := s.take()
				_, held := l.take()
				t.Logf("rate %v, after %3d s: served %5.1f a second, refused %d, held back %d", rate, at, float64(served)/10, refused, held-refused)
				if at >= 60 && (float64(served) < 0.9*10*rate || float64(refused) > 0.05*float64(served)) {
					t.Errorf("%d s after the rate became %v: served %d, refused %d in ten seconds", at, rate, served, refused)
				}
			}
		}
		l.end()
	})
}
