package sweep

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/condition"
	"entrawebex/internal/reconcile"
)

// Schedule runs a sweep when one is due: at the first start, when it is
// requested, and once a day. Of any number of processes one does. It is safe
// for concurrent use.
type Schedule struct {
	Requests *Requests
	// Sweep makes a sweep that tells its progress, and whose classes go where
	// they are wanted.
	Sweep func(progress func(Progress)) *Job
	// Changed returns why those are to be evaluated anew whom another configuration
	// affects, and what does it; nil if there is no other. Where everything is to be
	// compared, that does it. It may be nil.
	Changed func(ctx context.Context) (why string, sweep func(progress func(Progress)) *Job, err error)
	// Every is the time between two sweeps that nobody asked for; a day if it is
	// zero.
	Every time.Duration
	// Observe is told what came of each run. It may be nil.
	Observe func(Finished, error)
	Now     func() time.Time
	Log     *slog.Logger
}

// The further fields of the document that says that a sweep is due.
const (
	// holder is who is at it, until when.
	holder = "holder"
	// progressed is how far it is, finished what the last one came to.
	progressed = "progress"
	finished   = "finished"
	// failing is since when none comes to its end.
	failing = "failing"
)

const (
	// daily is the time between two sweeps that nobody asked for, where no other
	// is set.
	daily = 24 * time.Hour
	// hold is how long a sweep that does not tell its progress keeps others from
	// it: longer than one batch takes at its slowest.
	hold = 10 * time.Minute
	// tellEvery is how often the progress is written down.
	tellEvery = 10 * time.Second
)

// lease is who is at a sweep.
type lease struct {
	Owner string    `json:"owner"`
	Until time.Time `json:"until"`
}

// Finished is what the last sweep came to.
type Finished struct {
	At   time.Time     `json:"at"`
	Took time.Duration `json:"took"`
	Result
}

// State is what there is to tell about sweeps.
type State struct {
	// Due is since when one is, and Why; zero if none is.
	Due time.Time `json:"due,omitzero"`
	Why string    `json:"why,omitempty"`
	// Running says that one is at work, at Progress.
	Running  bool     `json:"running"`
	Progress Progress `json:"progress,omitzero"`
	// Last is the one before; nil if there was none.
	Last *Finished `json:"last,omitempty"`
	// Failing says since when none comes to its end because of an error, and
	// which it was last.
	Failing condition.Failing `json:"failing,omitzero"`
	// Rounds say what there is to tell about the looks for what has changed.
	Rounds []reconcile.RoundState `json:"rounds,omitempty"`
}

// State reads it.
func (s *Schedule) State(ctx context.Context) (State, error) {
	kept, err := s.Requests.open(ctx)
	asked := kept.Value
	if err != nil {
		return State{}, err
	}
	state := State{Due: asked.time(dueSince), Why: asked.why(), Running: asked.lease().Until.After(s.Now())}
	asked.value(progressed, &state.Progress)
	asked.value(finished, &state.Last)
	asked.value(failing, &state.Failing)
	state.Rounds, err = reconcile.Rounds(ctx, s.Requests.Documents)
	return state, err
}

// Asked returns why a sweep was asked for, or another configuration has to be gone by;
// empty if there is no such reason. To ask costs a reading or two of documents.
func (s *Schedule) Asked(ctx context.Context) (string, error) {
	kept, err := s.Requests.open(ctx)
	if err != nil || s.Changed == nil {
		return kept.Value.why(), err
	}
	changed, _, err := s.Changed(ctx)
	return kept.Value.why() + changed, err
}

// Run runs a sweep if one is due and nobody is at it. One that is cut short goes
// on with the next call.
func (s *Schedule) Run(ctx context.Context) error {
	owner := uuid.NewString()
	began := s.Now()
	due, err := s.begin(ctx, owner)
	if err != nil || due == nil {
		return err
	}
	s.Log.InfoContext(ctx, "comparing Entra and Webex", "reason", due.why)
	var mu sync.Mutex
	var told time.Time
	sweep := due.sweep(func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		if now := s.Now(); now.Sub(told) >= tellEvery {
			told = now
			if err := s.note(ctx, owner, p); err != nil {
				s.Log.WarnContext(ctx, "the progress cannot be noted", "error", err)
			}
		}
	})
	result, err := sweep.Run(ctx)
	if err := s.end(context.WithoutCancel(ctx), owner, began, sweep.Former == nil, result, err); err != nil {
		return err
	}
	if s.Observe != nil {
		s.Observe(Finished{At: s.Now().UTC(), Took: s.Now().Sub(began), Result: result}, err)
	}
	log := s.Log.With("took", s.Now().Sub(began), "classes", result.Classes, "actions", result.Actions, "queued", result.Queued)
	switch {
	case errors.Is(err, ErrUnfinished):
		log.InfoContext(ctx, "to be continued", "reason", err.Error())
		return nil
	case err != nil:
		return err
	}
	log.InfoContext(ctx, "compared Entra and Webex")
	return nil
}

// due is what is to be done now, and why.
type due struct {
	why   string
	sweep func(progress func(Progress)) *Job
}

// begin takes the lease if a sweep is due, or another configuration is in force, and
// nobody has it.
func (s *Schedule) begin(ctx context.Context, owner string) (*due, error) {
	changed := due{}
	if s.Changed != nil {
		var err error
		if changed.why, changed.sweep, err = s.Changed(ctx); err != nil {
			return nil, err
		}
	}
	var mine *due
	err := s.Requests.change(ctx, func(q request) bool {
		mine = nil
		all := q.comesDue(s.Now(), cmp.Or(s.Every, daily))
		if !all && changed.sweep == nil || q.lease().Until.After(s.Now()) {
			return false
		}
		q.set(holder, lease{owner, s.Now().Add(hold).UTC()})
		if !all {
			mine = &changed
			return true
		}
		q.resume()
		q.set(begun, s.Now().UTC())
		mine = &due{q.why(), s.Sweep}
		return true
	})
	return mine, err
}

// comesDue reports whether a sweep is due, which one is so long after the last.
func (q request) comesDue(now time.Time, every time.Duration) bool {
	var last *Finished
	q.value(finished, &last)
	switch {
	case q.isDue():
	case last == nil:
		q.add("nothing was compared yet", now)
	case now.Sub(last.At) >= every:
		q.add(fmt.Sprintf("the last comparison is %s old", now.Sub(last.At).Round(time.Minute)), now)
	default:
		return false
	}
	return true
}

// note writes the progress down, and keeps the lease.
func (s *Schedule) note(ctx context.Context, owner string, p Progress) error {
	return s.Requests.change(ctx, func(q request) bool {
		if q.lease().Owner != owner {
			return false
		}
		q.set(holder, lease{owner, s.Now().Add(hold).UTC()})
		q.set(progressed, p)
		return true
	})
}

// end gives the lease up; a sweep of everything that came to its end is due no more,
// unless another reason came up meanwhile.
func (s *Schedule) end(ctx context.Context, owner string, began time.Time, everything bool, result Result, err error) error {
	return s.Requests.change(ctx, func(q request) bool {
		if q.lease().Owner != owner {
			return false
		}
		delete(q, holder)
		switch {
		case err == nil && !everything:
			delete(q, progressed)
			delete(q, failing)
		case err == nil:
			for _, field := range []string{dueSince, whyDue, begun, progressed, failing} {
				delete(q, field)
			}
			q.resume()
			q.set(finished, Finished{At: s.Now().UTC(), Took: s.Now().Sub(began), Result: result})
		case !errors.Is(err, ErrUnfinished):
			var f condition.Failing
			q.value(failing, &f)
			q.set(failing, f.With(err, s.Now()))
		}
		return true
	})
}

// Release ends the lease of whoever was at a sweep, and reports whether anybody
// was. The sweep goes on with the next Run. Only who knows that nobody is at it any
// more may call it: see ledger.Bolt.ReleaseClaims.
func (s *Schedule) Release(ctx context.Context) (held bool, err error) {
	err = s.Requests.change(ctx, func(q request) bool {
		_, held = q[holder]
		delete(q, holder)
		return held
	})
	return held && err == nil, err
}

func (q request) lease() (l lease) {
	q.value(holder, &l)
	return l
}

// value reads a field into v; one that is not there, or something else, leaves
// it as it is.
func (q request) value(field string, v any) {
	if raw, ok := q[field]; ok && json.Unmarshal(raw, v) != nil {
		return
	}
}
