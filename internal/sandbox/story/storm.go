package story

import (
	"bytes"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"entrawebex/internal/sandbox/seeded"
	"entrawebex/internal/sandbox/simhttp"
)

// Storm makes trouble between the simulated services and whoever calls them,
// as often as its seed says: about one call in eight fails in one of the ways
// in which calls fail. Trouble with calls whose method reads is the same as
// with those that write.
type Storm struct {
	mu     sync.Mutex
	random *rand.Rand
	blows  bool
	counts simhttp.Counts
	// left are the kinds that have not struck since all had, by the first of them.
	left map[string][]string
}

// NewStorm returns a storm that does not blow yet.
func NewStorm(seed uint64) *Storm {
	return &Storm{random: seeded.Random(seed, "storm"), counts: simhttp.Counts{}, left: map[string][]string{}}
}

// Blow begins it, or ends it.
func (s *Storm) Blow(blows bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blows = blows
}

// Counts returns how often each kind of trouble struck.
func (s *Storm) Counts() simhttp.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// The kinds of trouble with a call, each as likely as the others.
const (
	tooMany      = "429 with Retry-After"
	lockedNow    = "423 with Retry-After"
	overloaded   = "503"
	failedBefore = "500 before the effect"
	failedAfter  = "502 after the effect"
	lostAfter    = "answer lost after the effect"
	tokenRefused = "401"
)

// draw returns the kind of trouble that strikes now; empty for none. None comes
// again before all have struck: a short day has each of them, too.
func (s *Storm) draw(oneIn int, kinds ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.blows || s.random.IntN(oneIn) > 0 {
		return ""
	}
	left := s.left[kinds[0]]
	if len(left) == 0 {
		left = slices.Clone(kinds)
		s.random.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	}
	kind := left[0]
	s.left[kinds[0]] = left[1:]
	s.counts[kind]++
	return kind
}

// Around puts the storm before a service.
func (s *Storm) Around(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s.draw(8, tooMany, lockedNow, overloaded, failedBefore, failedAfter, lostAfter, tokenRefused) {
		case tooMany:
			refuseFor(w, http.StatusTooManyRequests, 1)
		case lockedNow:
			refuseFor(w, http.StatusLocked, 1)
		case overloaded:
			w.WriteHeader(http.StatusServiceUnavailable)
		case failedBefore:
			w.WriteHeader(http.StatusInternalServerError)
		case tokenRefused:
			w.WriteHeader(http.StatusUnauthorized)
		case failedAfter:
			service.ServeHTTP(simhttp.NewRecorder(), r)
			w.WriteHeader(http.StatusBadGateway)
		case lostAfter:
			service.ServeHTTP(simhttp.NewRecorder(), r)
			panic(http.ErrAbortHandler) // net/http closes the connection
		default:
			service.ServeHTTP(w, r)
		}
	})
}

func refuseFor(w http.ResponseWriter, status, seconds int) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	w.WriteHeader(status)
}

// The kinds of trouble with a delivery.
const (
	deliveryDoubled = "notification doubled"
	deliveryRefused = "notification refused, and sent again"
)

// Deliveries puts the storm between a tenant and the webhooks it notifies:
// for TenantConfig.Transport. The validation of an endpoint is spared.
func (s *Storm) Deliveries(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.RawQuery, "validationToken=") {
			return next.RoundTrip(r)
		}
		switch s.draw(4, deliveryDoubled, deliveryRefused) {
		case deliveryRefused:
			refused := simhttp.NewRecorder()
			refused.WriteHeader(http.StatusServiceUnavailable)
			return refused.Response(r), nil
		case deliveryDoubled:
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			first := r.Clone(r.Context())
			first.Body = io.NopCloser(bytes.NewReader(body))
			response, err := next.RoundTrip(first)
			if err != nil {
				return nil, err
			}
			_ = response.Body.Close()
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return next.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
