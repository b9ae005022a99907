package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"entrawebex/internal/pause"
	"entrawebex/internal/queue"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/throttle"
	"entrawebex/internal/worker"
)

// server is Webex as it is reached: down at times, and with a rate above which
// it answers 429.
type server struct {
	next    http.RoundTripper
	limiter *rate.Limiter

	mu       sync.Mutex
	down     bool
	answered []time.Time // since it came back
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
	if r.URL.Host != webexHost {
		return s.next.RoundTrip(r)
	}
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	switch {
	case down:
		return answered(r, http.StatusServiceUnavailable, nil, ""), nil
	case !s.limiter.Allow():
		return answered(r, http.StatusTooManyRequests, nil, strconv.Itoa(1)), nil
	}
	s.mu.Lock()
	s.answered = append(s.answered, time.Now())
	s.mu.Unlock()
	return s.next.RoundTrip(r)
}

func (s *server) goes(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.answered = down, nil
}

// rate is how many calls a second were answered since it came back, until
// nine tenths of them were: the rest are stragglers that wait for their time.
func (s *server) rate() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := len(s.answered) * 9 / 10
	return float64(most) / s.answered[most].Sub(s.answered[0]).Seconds()
}

// Webex is down for a day, in which everybody changes. Nothing is given up,
// and once it is back all of it is drained by itself.
func TestSimulationOfAnOutageOfADayIsDrainedWithoutAnOperator(t *testing.T) {
	t.Parallel()
	// More workers are refused more often at a rate this low, and what is held
	// back comes again ten seconds later.
	for workers, share := range map[int]float64{1: 0.8, 8: 0.6} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			t.Parallel()
			path := file(t.TempDir(), 1)
			synctest.Test(t, func(t *testing.T) { outage(t, path, workers, share) })
		})
	}
}

func outage(t *testing.T, path string, workers int, share float64) {
	const (
		users  = 3000
		allows = 4 // calls a second, each of which is a Bulk of ten
	)
	l := newLand(t, 1, path, time.Now, nil)
	defer l.close()
	dead := try(queue.OpenBolt(l.db, "dead-letters", queue.BoltOptions{}))(t)
	changes := try(queue.OpenBolt(l.db, "changes", queue.BoltOptions{DeadLetters: dead}))(t)
	l.subscribe(queue.Changes{Queue: changes})
	webexServer := &server{next: l.network, limiter: rate.NewLimiter(allows, allows)}
	limited := throttle.New(webexServer, throttle.Options{})
	engine := l.engine(limited, l.ledger, queue.Changes{Queue: changes})
	sides := pause.New(l.ledger, l.directory(limited), l.target(limited), slog.New(slog.DiscardHandler))
	w := &worker.Worker{Queue: changes, DeadLetters: dead, Converge: engine.Converge, Pause: sides, Log: slog.New(slog.DiscardHandler)}

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { l.tenant.Run(ctx) })
	running.Go(func() { _ = w.Run(ctx, workers) }) // which returns why ctx ended
	running.Go(func() {
		for ctx.Err() == nil {
			if _, err := sides.Probe(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
			}
		}
	})
	ids := make([]string, users)
	for i := range ids {
		ids[i] = try(l.tenant.Create(sandbox.User{"userPrincipalName": fmt.Sprintf("user%d@%s", i, domain), "displayName": "User"}))(t)
	}
	rest := func() {
		t.Helper()
		for range 600 {
			time.Sleep(10 * time.Second)
			if depth := try(changes.Depth(ctx))(t); depth.Visible+depth.InFlight == 0 && l.tenant.Undelivered() == 0 {
				return
			}
		}
		t.Fatal("not at rest")
	}
	rest()

	webexServer.goes(true)
	for n, id := range ids {
		if err := l.tenant.Update(id, func(u sandbox.User) { u["displayName"] = fmt.Sprint("Changed ", n) }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour / users)
	}
	if why := try(sides.Why(ctx))(t); why == "" {
		t.Error("Webex is not paused")
	}
	webexServer.goes(false)
	rest()
	if why := try(sides.Why(ctx))(t); why != "" {
		t.Error(why)
	}
	if depth := try(dead.Depth(ctx))(t); depth.Visible > 0 {
		t.Errorf("%d dead letters", depth.Visible)
	}
	l.equal()
	t.Logf("%d workers drained %d changes at %.2f calls a second, of %d", workers, users, webexServer.rate(), allows)
	if webexServer.rate() < share*allows {
		t.Errorf("drained at %.2f calls a second, less than %.2f", webexServer.rate(), share*allows)
	}
}
