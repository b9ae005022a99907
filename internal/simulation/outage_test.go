package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
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

// server is Webex as it is reached: down at times, with a rate above which it
// answers 429, and with or without Bulk.
type server struct {
	next    http.RoundTripper
	limiter *rate.Limiter
	noBulk  bool

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
	case s.noBulk && strings.HasSuffix(r.URL.Path, "/Bulk"):
		return answered(r, http.StatusNotImplemented, nil, ""), nil
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
// nine tenths of them were, and how many there were in all. It begins with the
// first, the probe that finds it back: that one comes within a minute, however
// long the queue is. And it ends before the last: those are the stragglers that
// a refusal put off for ten seconds, while nothing else is left to do. Between
// the two, what is refused, waited for or left idle lowers it.
func (s *server) rate() (perSecond float64, calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := len(s.answered) * 9 / 10
	return float64(most) / s.answered[most].Sub(s.answered[0]).Seconds(), len(s.answered)
}

// limited carries the requests of one process to each host at the rate that
// host serves, as entra.Open and webex.Open do.
type limited map[string]*throttle.Transport

func newLimited(next http.RoundTripper) limited {
	return limited{graphHost: throttle.New(next, throttle.Options{}), webexHost: throttle.New(next, throttle.Options{})}
}

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	return l[r.URL.Host].RoundTrip(r)
}

// drain is an outage and those who work on what it leaves. Processes don't know
// of each other, as those of a Lambda function don't; the workers of one share
// what it has learned of the server's rate.
type drain struct {
	processes, workers int
	users              int
	allows             rate.Limit // calls a second, and that many at once
	each               int        // changes that one call carries at most
}

// Webex is down for a day, in which everybody changes. Nothing is given up,
// and once it is back all of it is drained by itself, at nine tenths of the rate
// that it allows or more.
func TestSimulationOfAnOutageOfADayIsDrainedWithoutAnOperator(t *testing.T) {
	t.Parallel()
	var seeds uint64
	for _, who := range []struct{ processes, workers int }{{1, 1}, {1, 8}, {8, 1}} {
		for _, d := range []drain{{users: 2000, allows: 4, each: 10}, {users: 2000, allows: 25, each: 1}} {
			d.processes, d.workers = who.processes, who.workers
			seeds++
			seed := seeds
			t.Run(fmt.Sprintf("processes %d, workers %d, calls a second %v", d.processes, d.workers, d.allows), func(t *testing.T) {
				t.Parallel()
				path := file(t.TempDir(), seed)
				synctest.Test(t, func(t *testing.T) { d.outage(t, seed, path) })
			})
		}
	}
}

func (d drain) outage(t *testing.T, seed uint64, path string) {
	l := newLand(t, seed, path, time.Now, nil)
	defer l.close()
	dead := try(queue.OpenBolt(l.db, "dead-letters", queue.BoltOptions{}))(t)
	changes := try(queue.OpenBolt(l.db, "changes", queue.BoltOptions{DeadLetters: dead}))(t)
	l.subscribe(queue.Changes{Queue: changes})
	webexServer := &server{next: l.network, limiter: rate.NewLimiter(d.allows, int(d.allows)), noBulk: d.each == 1}

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { l.tenant.Run(ctx) })
	log := slog.New(slog.DiscardHandler)
	var sides *pause.Switch
	for range d.processes {
		wire := newLimited(webexServer)
		sides = pause.New(l.ledger, l.directory(wire), l.target(wire), log)
		engine := l.engine(wire, l.ledger, queue.Changes{Queue: changes})
		w := &worker.Worker{Queue: changes, DeadLetters: dead, Converge: engine.Converge, Pause: sides, Log: log}
		running.Go(func() { _ = w.Run(ctx, d.workers) }) // which returns why ctx ended
	}
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
	ids := make([]string, d.users)
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
		time.Sleep(24 * time.Hour / time.Duration(d.users))
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
	perSecond, calls := webexServer.rate()
	t.Logf("drained %d changes with %d calls at %.2f a second, of %v", d.users, calls, perSecond, d.allows)
	if perSecond < 0.9*float64(d.allows) {
		t.Errorf("drained at %.2f calls a second, less than nine tenths of %v", perSecond, d.allows)
	}
	// Calls that do nothing would make a high rate, too.
	if most := d.users / d.each * 3 / 2; calls > most {
		t.Errorf("%d calls, more than %d", calls, most)
	}
}
