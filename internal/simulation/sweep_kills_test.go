package simulation_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// life is that of a process, which ends in the middle of a call: to Graph, to
// Webex or to the ledger.
type life struct {
	// left is how many calls it still makes; the last one is lost. It has had its
	// effect if after is set.
	left  atomic.Int64
	after bool
	// cancel ends the context instead of the process, so that nothing of what the
	// process still wants to do succeeds. Nil for an end that nobody notices.
	cancel context.CancelFunc
}

// reach makes one call, or ends the life.
func (l *life) reach(call func() error) error {
	switch left := l.left.Add(-1); {
	case left > 0:
		return call()
	case left == 0 && l.after:
		_ = call() // nobody hears of it
	}
	if l.cancel == nil {
		runtime.Goexit()
	}
	l.cancel()
	return context.Canceled
}

// newLife is one of so many calls.
func newLife(calls int, after bool) *life {
	l := &life{after: after}
	l.left.Store(int64(calls))
	return l
}

// lethal is the way of a process's calls to both sides.
type lethal struct {
	*life

	next http.RoundTripper
}

func (w lethal) RoundTrip(r *http.Request) (response *http.Response, err error) {
	err = w.reach(func() error {
		response, err = w.next.RoundTrip(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

// mortal is the ledger of a process. It dies at what it writes: what is only
// read is the same again.
type mortal struct {
	provision.Ledger
	*life
}

func (m mortal) Claim(ctx context.Context, o change.Object, owner string, now, until time.Time) (r provision.Record, err error) {
	err = m.reach(func() error {
		r, err = m.Ledger.Claim(ctx, o, owner, now, until)
		return err
	})
	return r, err
}

func (m mortal) Save(ctx context.Context, owner string, before, after provision.Record) error {
	return m.reach(func() error { return m.Ledger.Save(ctx, owner, before, after) })
}

func (m mortal) Forget(ctx context.Context, owner string, r provision.Record) error {
	return m.reach(func() error { return m.Ledger.Forget(ctx, owner, r) })
}

// live runs the sweep in a process until it dies, and reports whether it came to
// its end first.
func (s *sweeper) live(l *life) (finished bool) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	if l.cancel != nil {
		l.cancel = cancel
	}
	s.begin(lethal{l, s.wire}, mortal{s.ledger, l})
	if l.cancel != nil {
		s.engine.Parallel = 16
	}
	var process sync.WaitGroup
	process.Go(func() {
		_, err := s.sweep.Run(ctx)
		finished = err == nil && ctx.Err() == nil
	})
	process.Wait()
	return finished
}

// An initial sync dies at twenty moments one after the other, in the middle of a
// call, before or after its effect, and is begun again each time: everybody is
// created once, and nothing is written twice. A group may come before a member
// whose turn was lost too often, who then joins it.
func TestAnInitialSyncThatIsKilledTwentyTimesWritesNothingTwice(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	s := newSweeper(t, 1)
	defer s.close()
	people := headcount{1500, 20, 50}
	try(people.settle(s.tenant))(t)
	const kills, calls = 20, 600 // each life is long enough to get on
	died := 0
	for range kills {
		l := newLife(1+random.IntN(calls), random.IntN(2) == 0)
		if random.IntN(2) == 0 {
			l.cancel = func() {}
		}
		if s.live(l) {
			break
		}
		died++
		s.tellf("— died: %+v, %v", l.cancel != nil, l.after)
	}
	if died < kills {
		t.Logf("seed %d: it was over after %d deaths", seed, died)
	}
	s.begin(s.wire, s.ledger)
	s.run()
	s.drain()
	s.equal()
	counts := s.org.Calls.Snapshot()
	users := counts["POST /Users"] + counts["Bulk POST /Users"]
	groups := counts["POST /Groups"] + counts["Bulk POST /Groups"]
	if users != people.Users || groups != people.Groups || counts.Writes() != users+groups+counts["PATCH /Groups/{id}"] || len(s.dead) > 0 {
		s.failf("seed %d: %d users and %d groups created, %d writes: %v, dead letters %v", seed, users, groups, counts.Writes(), counts, s.dead)
	}
	s.again()
	if result := s.run(); s.writes() > 0 || len(s.queued) > 0 {
		t.Errorf("seed %d: once more: %v, %d writes, %d queued", seed, result, s.writes(), len(s.queued))
	}
	t.Logf("seed %d: %d deaths, %v", seed, died, counts)
}

// Each moment of a small sync is as good as any other to die at.
func TestAnInitialSyncCanDieAtEveryMoment(t *testing.T) {
	t.Parallel()
	people := headcount{6, 2, 4}
	for _, after := range []bool{false, true} {
		for left := 1; ; left++ {
			s := newSweeper(t, 1)
			try(people.settle(s.tenant))(t)
			finished := s.live(newLife(left, after))
			s.begin(s.wire, s.ledger)
			s.run()
			s.drain()
			s.equal()
			// A group whose first attempt is in doubt is made by the worker, and its
			// members come with a write of their own.
			if n := s.writes() - s.org.Calls.Snapshot()["PATCH /Groups/{id}"]; n != people.Users+people.Groups {
				t.Errorf("dead at call %d, its effect %v: %d writes", left, after, n)
			}
			s.close()
			if finished {
				break
			}
		}
	}
}
