package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/throttle"
	"entrawebex/internal/worker"
)

// model is what a server allows: so many a second, and that many at once.
type model struct {
	perSecond float64
	burst     int
	// operations says that each operation of a Bulk counts.
	operations bool
	// groups is how many PATCHes of groups it allows a minute, which then are a
	// class of their own, and at once as many as groupsBurst; zero for as many as of
	// anything else.
	groups      float64
	groupsBurst int
	// noBulk has no Bulk.
	noBulk bool
}

// class is one limit of a server, and what was answered under it since it came
// back.
type class struct {
	perSecond float64
	burst     int
	tokens    *rate.Limiter
	answered  []time.Time
}

func newClass(perSecond float64, burst int) *class {
	return &class{perSecond: perSecond, burst: burst, tokens: rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// server is Webex as it is reached: down at times, with limits above which it
// answers 429, and with or without Bulk.
type server struct {
	next http.RoundTripper
	model
	all, groupPatches *class

	mu    sync.Mutex
	down  bool
	calls int
}

func newServer(next http.RoundTripper, m model) *server {
	s := &server{next: next, model: m, all: newClass(m.perSecond, m.burst)}
	if m.groups > 0 {
		s.groupPatches = newClass(m.groups/60, m.groupsBurst)
	}
	return s
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
	limit, cost, err := s.weigh(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	switch {
	case down:
		return answered(r, http.StatusServiceUnavailable, nil, ""), nil
	case s.noBulk && strings.HasSuffix(r.URL.Path, "/Bulk"):
		return answered(r, http.StatusNotImplemented, nil, ""), nil
	case !limit.tokens.AllowN(time.Now(), cost):
		return answered(r, http.StatusTooManyRequests, nil, strconv.Itoa(1)), nil
	}
	s.mu.Lock()
	s.calls++
	for range cost {
		limit.answered = append(limit.answered, time.Now())
	}
	s.mu.Unlock()
	return s.next.RoundTrip(r)
}

// weigh is which limit a call comes under, and how much of it it takes.
func (s *server) weigh(r *http.Request) (*class, int, error) {
	switch {
	case s.groupPatches != nil && r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/Groups/"):
		return s.groupPatches, 1, nil
	case !s.operations || !strings.HasSuffix(r.URL.Path, "/Bulk"):
		return s.all, 1, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, 0, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var bulk struct {
		Operations []json.RawMessage `json:"operations"`
	}
	if err := json.Unmarshal(body, &bulk); err != nil {
		return nil, 0, err
	}
	return s.all, len(bulk.Operations), nil
}

func (s *server) goes(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.calls, s.all.answered = down, 0, nil
	if s.groupPatches != nil {
		s.groupPatches.answered = nil
	}
}

// kept is which share of what a limit allows was made use of since the server
// came back, until nine tenths of it were answered. It begins with the first, the
// probe that finds it back: that one comes within a minute, however long the queue
// is. And it ends before the last: those are the stragglers that a refusal put off
// for ten seconds, while nothing else is left to do. Between the two, what is
// refused, waited for or left idle lowers it.
func (c *class) kept() float64 {
	most := len(c.answered) * 9 / 10
	took := c.answered[most].Sub(c.answered[0]).Seconds()
	return float64(most) / (float64(c.burst) + c.perSecond*took)
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
	users, groups      int
	model              model
	each               int // changes that one call carries at most
}

// Webex is down for a day, in which everybody changes. Nothing is given up,
// and once it is back all of it is drained by itself, at nine tenths of the rate
// that it allows or more, whatever it is that it limits.
func TestSimulationOfAnOutageOfADayIsDrainedWithoutAnOperator(t *testing.T) {
	t.Parallel()
	many := func(processes, workers int, m model) drain {
		d := drain{processes: processes, workers: workers, users: 2000, model: m, each: 10}
		switch {
		case m.noBulk:
			d.each = 1
		case !m.operations:
			d.users = 4000 // few calls: a second at the beginning is hundredths of all
		}
		if m.groups > 0 {
			d.groups = 100
		}
		return d
	}
	slow, fast := model{perSecond: 4, burst: 4}, model{perSecond: 25, burst: 25, noBulk: true}
	operations := model{perSecond: 7, burst: 20, operations: true}
	classes := model{perSecond: 6, burst: 6, groups: 10, groupsBurst: 10, noBulk: true}
	even := model{perSecond: 6, burst: 6, groups: 10, groupsBurst: 1, noBulk: true}
	drains := []drain{
		many(1, 1, slow), many(1, 1, fast), many(8, 1, slow), many(8, 1, fast), many(1, 8, slow), many(1, 8, fast),
		many(1, 8, model{perSecond: 3, burst: 20}),
		many(1, 8, model{perSecond: 10, burst: 180, noBulk: true}),
		many(1, 1, operations), many(1, 8, operations), many(8, 1, operations),
		many(1, 1, classes), many(1, 8, classes), many(8, 1, classes),
		many(1, 1, even),
	}
	if *seeds < thorough {
		drains = drains[:2] // with Bulk and without
	}
	for n, d := range drains {
		seed := uint64(n + 1)
		t.Run(fmt.Sprintf("processes %d, workers %d, %+v", d.processes, d.workers, d.model), func(t *testing.T) {
			t.Parallel()
			path := file(t.TempDir(), seed)
			synctest.Test(t, func(t *testing.T) { d.outage(t, seed, path) })
		})
	}
}

func (d drain) outage(t *testing.T, seed uint64, path string) {
	l := newLand(t, seed, path, time.Now, nil)
	defer l.close()
	dead := try(queue.OpenBolt(l.db, "dead-letters", queue.BoltOptions{}))(t)
	changes := try(queue.OpenBolt(l.db, "changes", queue.BoltOptions{DeadLetters: dead}))(t)
	l.subscribe(queue.Changes{Queue: changes})
	webexServer := newServer(l.network, d.model)

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
		ids[i] = try(l.tenant.Create(graph.User{"userPrincipalName": fmt.Sprintf("user%d@%s", i, domain), "displayName": "User"}))(t)
	}
	teams := make([]string, d.groups)
	for i := range teams {
		teams[i] = try(l.tenant.CreateGroup(graph.Group{"displayName": fmt.Sprint("Team ", i)}))(t)
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
		if err := l.tenant.Update(id, func(u graph.User) { u["displayName"] = fmt.Sprint("Changed ", n) }); err != nil {
			t.Fatal(err)
		}
		if n < d.groups {
			if err := l.tenant.UpdateGroup(teams[n], func(g graph.Group) { g["displayName"] = fmt.Sprint("Renamed ", n) }); err != nil {
				t.Fatal(err)
			}
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
	d.judge(t, webexServer)
}

// judge fails the test if less of what the limits allow was made use of than should
// be, or with more calls than it takes.
func (d drain) judge(t *testing.T, s *server) {
	t.Helper()
	d.kept(t, s, s.all, 0.9)
	switch {
	case s.groupPatches == nil:
	case d.model.groupsBurst == 1:
		// Most of the time nobody is there when the one turn in six seconds comes:
		// nothing waits that long for it, what is held back comes again after ten
		// seconds or more, and a turn that was missed is lost.
		d.kept(t, s, s.groupPatches, 0.5)
	default:
		d.kept(t, s, s.groupPatches, 0.9)
	}
	// Calls that do nothing would make a high rate, too.
	if most := (d.users + d.groups) / d.each * 3 / 2; s.calls > most {
		t.Errorf("%d calls, more than %d", s.calls, most)
	}
}

func (d drain) kept(t *testing.T, s *server, c *class, least float64) {
	t.Helper()
	kept := c.kept()
	t.Logf("drained %d changes with %d calls, at %.2f of what the limit of %.2f a second allows", d.users+d.groups, s.calls, kept, c.perSecond)
	if kept < least {
		t.Errorf("less than %.2f of what the limit of %.2f a second allows", least, c.perSecond)
	}
}
