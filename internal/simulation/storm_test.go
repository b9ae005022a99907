package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/worker"
)

// storm is a land in which faults strike at every call: two workers that die
// and are replaced, a sweep beside them, and a webhook whose deliveries are
// lost, doubled and late. Time is a bubble's, which moves when all wait.
type storm struct {
	*land
	*faults

	changes, dead *queue.Bolt
}

// weather is what may happen in the life of a seed.
type weather struct {
	// lossy loses notifications, stale answers from a replica that lags
	// behind. Only what they cost is mended by a second look at everything.
	lossy, stale bool
}

func newStorm(t *testing.T, seed uint64, path string, w weather) *storm {
	t.Helper()
	s := &storm{faults: &faults{weather: w, dice: newRandomness(seed ^ 0x5f), counts: map[string]int{}, answers: map[string][]byte{}}}
	s.land = newLand(t, seed, path, time.Now, func(n sandbox.Network) http.RoundTripper { return s.deliveries(n) })
	s.dead = try(queue.OpenBolt(s.db, "dead-letters", queue.BoltOptions{}))(t)
	s.changes = try(queue.OpenBolt(s.db, "changes", queue.BoltOptions{DeadLetters: s.dead}))(t)
	if err := sandbox.Seed(s.tenant, s.org, 6, seed); err != nil {
		t.Fatal(err)
	}
	s.subscribe(queue.Changes{Queue: s.changes})
	return s
}

// The faults of a seed: how often each struck is printed with the totals.
type faults struct {
	weather

	dice *randomness

	mu      sync.Mutex
	on      bool
	counts  map[string]int
	kills   int
	expired time.Time         // until when the tokens are
	answers map[string][]byte // by question, for stale ones
	// hidden is a user whom a replica has not heard of, for as long as until.
	hidden string
	until  time.Time
}

// strikes reports whether a fault of that name strikes now, in one of so many
// cases.
func (f *faults) strikes(name string, oneIn int) bool {
	f.mu.Lock()
	on := f.on
	f.mu.Unlock()
	if !on || f.dice.IntN(oneIn) > 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[name]++
	return true
}

func (f *faults) turn(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = on
}

// pause lets time pass, so that no two go on at the same moment.
func (f *faults) pause(ctx context.Context, longest time.Duration) error {
	select {
	case <-time.After(time.Duration(1 + f.dice.IntN(int(longest)))):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// maxKills is how often a process dies in a life: an object that five of them
// die on is given up, as it should be.
const maxKills = 4

// mayDie ends the process that is at a call, now and then.
func (f *faults) mayDie() {
	f.mu.Lock()
	spent := f.kills >= maxKills
	f.mu.Unlock()
	if spent || !f.strikes("worker killed", 150) {
		return
	}
	f.mu.Lock()
	f.kills++
	f.mu.Unlock()
	runtime.Goexit()
}

// wire is the way of a worker's calls to both sides.
type wire struct {
	*faults

	next http.RoundTripper
}

var errConnection = errors.New("connection reset by peer")

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mayDie()
	if err := w.pause(r.Context(), 80*time.Millisecond); err != nil {
		return nil, err
	}
	body := []byte{}
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	if fault := w.before(r.Context(), r); fault != nil {
		return fault()
	}
	question := r.Method + r.URL.String() + string(body)
	reads := r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/$batch")
	if old := w.answer(question); reads && old != nil && w.stale && r.URL.Host == graphHost && w.strikes("stale read", 25) {
		return answered(r, http.StatusOK, old, ""), nil
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	response, err := w.next.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if id := w.unheardOf(); id != "" && strings.HasSuffix(r.URL.Path, "/$batch") {
		answer = hide(body, answer, id)
	}
	if reads && response.StatusCode == http.StatusOK {
		w.remember(question, answer)
	}
	switch {
	case w.strikes("answer lost after the effect", 60):
		return nil, errConnection
	case w.strikes("time-out after the effect", 120):
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	case w.strikes("502 after the effect", 80):
		return answered(r, http.StatusBadGateway, nil, ""), nil
	case strings.HasSuffix(r.URL.Path, "/$batch") && w.strikes("429 inside a $batch", 30):
		answer = w.spoil(answer, http.StatusTooManyRequests, `{"error":{"code":"TooManyRequests","message":"x"}}`)
	case strings.HasSuffix(r.URL.Path, "/$batch") && w.stale && w.strikes("404 of a replica", 60):
		answer = w.spoil(answer, http.StatusNotFound, `{"error":{"code":"Request_ResourceNotFound","message":"x"}}`)
	}
	w.mayDie()
	response.Body = io.NopCloser(bytes.NewReader(answer))
	response.ContentLength = int64(len(answer))
	return response, nil
}

// before is a fault that strikes before anything has an effect; nil for none.
func (w wire) before(ctx context.Context, r *http.Request) func() (*http.Response, error) {
	refuse := func(status int, retryAfter string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return answered(r, status, nil, retryAfter), nil }
	}
	w.mu.Lock()
	expired := w.on && time.Now().Before(w.expired)
	w.mu.Unlock()
	switch {
	case expired:
		return refuse(http.StatusUnauthorized, "")
	case w.strikes("token expired", 1500):
		w.mu.Lock()
		w.expired = time.Now().Add(time.Duration(w.dice.IntN(int(10 * time.Minute))))
		w.mu.Unlock()
		return refuse(http.StatusUnauthorized, "")
	case w.strikes("429", 60):
		return refuse(http.StatusTooManyRequests, strconv.Itoa(1+w.dice.IntN(60)))
	case w.strikes("423", 300):
		return refuse(http.StatusLocked, "5")
	case w.strikes("503", 120):
		return refuse(http.StatusServiceUnavailable, "")
	case w.strikes("500", 120):
		return refuse(http.StatusInternalServerError, "")
	case w.strikes("connection lost", 80):
		return func() (*http.Response, error) { return nil, errConnection }
	case w.strikes("time-out", 150):
		return func() (*http.Response, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
	default:
		return nil
	}
}

func answered(r *http.Request, status int, body []byte, retryAfter string) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	if retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

func (f *faults) answer(question string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answers[question]
}

func (f *faults) remember(question string, answer []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[question] = answer
}

// unheardOf returns the user whom replicas have not heard of now; empty for
// none.
func (f *faults) unheardOf() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().After(f.until) {
		return ""
	}
	return f.hidden
}

// hideUser lets replicas forget a live user for up to half an hour.
func (s *storm) hideUser() {
	users := s.tenant.Users()
	if len(users) == 0 || !s.strikes("404 for half an hour", 10) {
		return
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.hidden, s.until = users[s.dice.IntN(len(users))].Text("id"), time.Now().Add(time.Duration(s.dice.IntN(int(30*time.Minute))))
}

// hide makes 404s of the answers about a user in a $batch.
func hide(request, answer []byte, id string) []byte {
	var asked struct {
		Requests []struct{ ID, URL string }
	}
	var batch struct {
		Responses []map[string]any `json:"responses"`
	}
	if json.Unmarshal(request, &asked) != nil || json.Unmarshal(answer, &batch) != nil {
		return answer
	}
	for _, q := range asked.Requests {
		if !strings.Contains(q.URL, "users/"+id) && !strings.Contains(q.URL, "deletedItems/"+id) {
			continue
		}
		for _, one := range batch.Responses {
			if one["id"] == q.ID {
				one["status"], one["body"] = http.StatusNotFound, json.RawMessage(`{"error":{"code":"Request_ResourceNotFound","message":"x"}}`)
			}
		}
	}
	hidden, err := json.Marshal(batch)
	if err != nil {
		return answer
	}
	return hidden
}

// witness is the way to both sides past somebody who tells of every account
// that is deleted before its user is deleted for good: a later attempt would
// make it again, and nobody would know.
func (s *storm) witness(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != webexHost || r.Body == nil && r.Method != http.MethodDelete {
			return next.RoundTrip(r)
		}
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		for _, id := range deletions(r, body) {
			s.mayDelete(id)
		}
		return next.RoundTrip(r)
	})
}

// deletions are the ids of the accounts that a request deletes.
func deletions(r *http.Request, body []byte) []string {
	if _, id, ok := strings.Cut(r.URL.Path, "/Users/"); ok && r.Method == http.MethodDelete {
		return []string{id}
	}
	var bulk struct {
		Operations []struct{ Method, Path string }
	}
	if !strings.HasSuffix(r.URL.Path, "/Bulk") || json.Unmarshal(body, &bulk) != nil {
		return nil
	}
	var ids []string
	for _, op := range bulk.Operations {
		if id, ok := strings.CutPrefix(op.Path, "/Users/"); ok && op.Method == http.MethodDelete {
			ids = append(ids, id)
		}
	}
	return ids
}

// mayDelete fails the test unless the account's user is deleted for good.
func (s *storm) mayDelete(webexID string) {
	externalID, _ := s.org.Users()[webexID]["externalId"].(string)
	if externalID == "" {
		return // there is no such account
	}
	binned, _ := s.tenant.Deleted()
	if _, err := s.tenant.User(externalID); err == nil || slices.Contains(binned, externalID) {
		s.failf("the account of user %s is deleted, who is not", externalID)
	}
}

// spoil replaces one of the answers in a $batch.
func (f *faults) spoil(answer []byte, status int, body string) []byte {
	var batch struct {
		Responses []map[string]any `json:"responses"`
	}
	if json.Unmarshal(answer, &batch) != nil || len(batch.Responses) == 0 {
		return answer
	}
	one := batch.Responses[f.dice.IntN(len(batch.Responses))]
	one["status"], one["body"] = status, json.RawMessage(body)
	spoiled, err := json.Marshal(batch)
	if err != nil {
		return answer
	}
	return spoiled
}

// deliveries is the way of Graph's notifications to the webhook.
func (f *faults) deliveries(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		body := []byte{}
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		post := func() (*http.Response, error) {
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(bytes.NewReader(body))
			return next.RoundTrip(again)
		}
		switch {
		case f.lossy && f.strikes("notification lost", 8):
			return answered(r, http.StatusAccepted, nil, ""), nil
		case f.strikes("notification refused", 12):
			return answered(r, http.StatusServiceUnavailable, nil, ""), nil
		case f.strikes("notification doubled", 6):
			if _, err := post(); err != nil {
				return nil, err
			}
		}
		return post()
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// store is the ledger as a worker reaches it.
type store struct {
	provision.Ledger
	*faults
}

var errLedger = errors.New("the ledger did not answer")

// reach makes one call of the ledger, which may be slow enough for the claim
// to run out, fail, or have its effect and fail all the same.
func (s store) reach(call func() error) error {
	s.mayDie()
	if s.strikes("worker frozen", 300) {
		time.Sleep(time.Duration(s.dice.IntN(int(7 * time.Minute))))
	}
	time.Sleep(time.Duration(1 + s.dice.IntN(int(5*time.Millisecond))))
	if s.strikes("ledger call lost", 150) {
		return errLedger
	}
	err := call()
	if err == nil && s.strikes("ledger answer lost", 150) {
		return errLedger
	}
	s.mayDie()
	return err
}

func (s store) Claim(ctx context.Context, o change.Object, owner string, now, until time.Time) (r provision.Record, err error) {
	err = s.reach(func() error {
		r, err = s.Ledger.Claim(ctx, o, owner, now, until)
		return err
	})
	return r, err
}

func (s store) Save(ctx context.Context, owner string, before, after provision.Record) error {
	return s.reach(func() error { return s.Ledger.Save(ctx, owner, before, after) })
}

func (s store) Forget(ctx context.Context, owner string, r provision.Record) error {
	return s.reach(func() error { return s.Ledger.Forget(ctx, owner, r) })
}

func (s store) WebexIDs(ctx context.Context, objects []change.Object) (ids []string, err error) {
	err = s.reach(func() error {
		ids, err = s.Ledger.WebexIDs(ctx, objects)
		return err
	})
	return ids, err
}

func (s store) LinkedTo(ctx context.Context, webexID string) (o change.Object, linked bool, err error) {
	err = s.reach(func() error {
		o, linked, err = s.Ledger.LinkedTo(ctx, webexID)
		return err
	})
	return o, linked, err
}

func (s store) Await(ctx context.Context, group change.Object, users []change.Object) error {
	return s.reach(func() error { return s.Ledger.Await(ctx, group, users) })
}

func (s store) Awaiting(ctx context.Context, o change.Object) (groups []change.Object, err error) {
	err = s.reach(func() error {
		groups, err = s.Ledger.Awaiting(ctx, o)
		return err
	})
	return groups, err
}

func (s store) Arrived(ctx context.Context, o change.Object, groups []change.Object) error {
	return s.reach(func() error { return s.Ledger.Arrived(ctx, o, groups) })
}

// newEngine is the engine of a process of its own.
func (s *storm) newEngine() *provision.Engine {
	return s.engine(wire{s.faults, s.witness(s.network)}, store{s.ledger, s.faults}, queue.Changes{Queue: s.changes})
}

// process works until the context ends, or until it is killed.
func (s *storm) process(ctx context.Context) {
	engine := s.newEngine()
	w := &worker.Worker{
		Queue: s.changes, DeadLetters: s.dead, Log: slog.New(slog.DiscardHandler),
		Converge: func(ctx context.Context, changes []change.Change) []provision.Attempt {
			attempts := engine.Converge(ctx, changes)
			for _, a := range attempts {
				s.tellf("%s: %s %s: %s", a.Object, a.Action, a.Status, a.Reason)
			}
			return attempts
		},
	}
	const visibility = 5 * time.Minute
	for ctx.Err() == nil {
		msgs, err := s.changes.Receive(ctx, queue.MaxReceive, visibility, queue.MaxWait)
		if err != nil || len(msgs) == 0 {
			continue
		}
		batch, cancel := context.WithTimeout(context.WithoutCancel(ctx), visibility)
		failed := w.Handle(batch, msgs)
		cancel()
		s.mayDie()
		done := slices.DeleteFunc(msgs, func(m queue.Message) bool { return slices.Contains(failed, m.ID) })
		_ = s.changes.Delete(ctx, done) // a stale receipt: it comes again
	}
}

// sweep converges anybody, beside the workers and the queue.
func (s *storm) sweep(ctx context.Context) {
	engine := s.newEngine()
	for s.pause(ctx, 2*time.Minute) == nil {
		var changes []change.Change
		for _, u := range s.tenant.Users() {
			if s.dice.IntN(4) == 0 {
				changes = append(changes, s.look(change.User, u.Text("id")))
			}
		}
		for _, g := range s.tenant.Groups() {
			if s.dice.IntN(4) == 0 {
				changes = append(changes, s.look(change.Group, g.Text("id")))
			}
		}
		for _, a := range engine.Converge(context.WithoutCancel(ctx), changes) {
			s.tellf("sweep: %s: %s %s: %s", a.Object, a.Action, a.Status, a.Reason)
		}
	}
}

func (s *storm) look(kind change.Kind, id string) change.Change {
	return change.Change{
		Object: change.Object{Kind: kind, ID: id}, Source: change.Engine, SeenAt: time.Now(), CorrelationID: "sweep", Afresh: s.dice.IntN(3) == 0,
	}
}

// keep runs f, and runs it anew a second after it died, until the context ends.
func keep(ctx context.Context, running *sync.WaitGroup, f func(context.Context)) {
	running.Go(func() {
		for ctx.Err() == nil {
			var one sync.WaitGroup
			one.Go(func() { f(ctx) })
			one.Wait()
			time.Sleep(time.Second)
		}
	})
}

// live lets things happen while all is at work under faults, then lets the
// faults end, and returns once nothing is on its way.
func (s *storm) live(ctx context.Context) {
	s.t.Helper()
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	for range 2 {
		keep(ctx, &running, s.process)
	}
	keep(ctx, &running, s.sweep)
	running.Go(func() { s.tenant.Run(ctx) })

	// As after a first synchronization: everybody who is there is known.
	s.lookAtAll(ctx)
	s.rest(ctx)
	s.turn(true)
	for range 15 + s.random.IntN(25) {
		s.event()
		if s.stale {
			s.hideUser()
		}
		time.Sleep(time.Duration(s.random.IntN(int(90 * time.Second))))
	}
	s.turn(false)
	if s.lossy || s.stale {
		time.Sleep(time.Hour) // until every replica has heard of everything
		s.lookAtAll(ctx)
	}
	s.rest(ctx)
}

// rest waits until nothing is on its way.
func (s *storm) rest(ctx context.Context) {
	s.t.Helper()
	const bound = 2000 // minutes
	for range bound {
		time.Sleep(time.Minute)
		depth := try(s.changes.Depth(ctx))(s.t)
		if depth.Visible+depth.InFlight == 0 && s.tenant.Undelivered() == 0 {
			return
		}
	}
	s.failf("not at rest after %d minutes", bound)
}

// lookAtAll has everything looked at, as a comparison of both sides would.
func (s *storm) lookAtAll(ctx context.Context) {
	s.t.Helper()
	var changes []change.Change
	add := func(kind change.Kind, id string) {
		c := s.look(kind, id)
		c.Afresh = true
		changes = append(changes, c)
	}
	users, groups := s.tenant.Everybody()
	for _, id := range users {
		add(change.User, id)
	}
	for _, id := range groups {
		add(change.Group, id)
	}
	if err := (queue.Changes{Queue: s.changes}).Enqueue(ctx, changes); err != nil {
		s.t.Fatal(err)
	}
}

// buried returns the reasons on the dead-letter queue.
func (s *storm) buried() []string {
	s.t.Helper()
	var reasons []string
	for {
		msgs := try(s.dead.Receive(s.t.Context(), queue.MaxReceive, time.Hour, 0))(s.t)
		if len(msgs) == 0 {
			return reasons
		}
		for _, m := range msgs {
			reasons = append(reasons, m.Group+": "+m.Attributes[worker.AttributeFaultReason])
		}
	}
}

// Faults strike at every call, workers die, answers are lost before and after
// their effect, notifications are doubled, late and lost. When they end, Webex
// is what Entra says, nothing that is not ours was touched, and what is in the
// dead-letter queue could not succeed.
func TestSimulationOfFaultsLosesNothing(t *testing.T) {
	t.Parallel()
	workers := uint64(runtime.GOMAXPROCS(0))
	var lines atomic.Int64
	var mu sync.Mutex
	totals := map[string]int{}
	begun := time.Now()
	t.Cleanup(func() { // once the parallel subtests are done
		var list []string
		for _, name := range slices.Sorted(maps.Keys(totals)) {
			list = append(list, fmt.Sprintf("%s %d", name, totals[name]))
		}
		t.Logf("seeds %d to %d: %d lines of story, %s\nfaults: %s",
			*first, *first+*seeds-1, lines.Load(), time.Since(begun).Round(time.Second), strings.Join(list, ", "))
	})
	for n := range workers {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for seed := *first + n; seed < *first+*seeds && !t.Failed(); seed += workers {
				synctest.Test(t, func(t *testing.T) {
					s := newStorm(t, seed, file(dir, seed), weather{lossy: seed%4 == 1, stale: seed%4 == 2})
					defer s.close()
					s.live(t.Context())
					if s.lossy {
						// Without Graph's word nobody is deleted; a delta
						// query would have it, too.
						s.equal(sandbox.PendingDelete)
					} else {
						s.equal()
					}
					for _, reason := range s.buried() {
						if !strings.Contains(reason, "map displayName") { // the only thing that cannot be provisioned here
							s.failf("dead letter: %s", reason)
						}
					}
					lines.Add(int64(len(s.story)))
					mu.Lock()
					defer mu.Unlock()
					for name, count := range s.counts {
						totals[name] += count
					}
				})
			}
		})
	}
}
