package sweep

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
)

// emptied is a Webex without anybody in it, and a ledger that knows nobody.
type emptied struct{}

func (emptied) Users(context.Context, func([]provision.Resource) error) error     { return nil }
func (emptied) Groups(context.Context, func([]provision.ListedGroup) error) error { return nil }
func (emptied) Records(context.Context, func(provision.Record) error) error       { return nil }

// schedule returns one whose sweeps find nobody anywhere, and call during, if
// there is one, while they are at it.
func (w *world) schedule(during func()) *Schedule {
	return &Schedule{
		Requests: w.Requests, Now: w.Now, Log: w.Log,
		Sweep: func(progress func(Progress)) *Job {
			return &Job{
				Graph: &firstRounds{w.graph, during}, Lister: emptied{}, Ledger: emptied{}, Queue: w.queue, Mapping: mapping.Rules{},
				Converge: func(context.Context, []provision.Snapshot) []provision.Attempt { return nil },
				Rests:    func(context.Context) (string, error) { return "", nil },
				Depth:    func(context.Context) (int, error) { return 0, nil },
				Round:    func(context.Context, change.Kind, string) error { return nil },
				Progress: progress, Now: w.Now,
			}
		},
	}
}

// firstRounds are first rounds without anything in them.
type firstRounds struct {
	*graph

	during func()
}

func (f *firstRounds) Delta(ctx context.Context, kind change.Kind, link string) (reconcile.Page, error) {
	if f.during != nil {
		f.during()
	}
	if err := f.faults[string(kind)+" "+link]; err != nil {
		return reconcile.Page{}, err
	}
	if provision.PriorityOf(ctx) != provision.Low {
		return reconcile.Page{}, errors.New("a comparison goes first")
	}
	return reconcile.Page{Delta: string(kind) + " 1"}, nil
}

func (w *world) compare(s *Schedule) {
	w.t.Helper()
	if err := s.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) state(s *Schedule) State {
	w.t.Helper()
	state, err := s.State(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return state
}

func TestEverythingIsComparedAtFirstAndThenOnceADay(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{0, 36 * time.Hour} {
		w := start(t)
		s := w.schedule(nil)
		s.Every = interval
		w.compare(s)
		first := w.state(s).Last
		if first == nil || !first.At.Equal(w.now) {
			t.Fatalf("the first is %+v", first)
		}
		between := max(interval, daily)
		w.now = w.now.Add(between - time.Second)
		w.compare(s)
		if got := w.state(s).Last; !got.At.Equal(first.At) {
			t.Errorf("another one at %s", got.At)
		}
		w.now = w.now.Add(time.Second)
		w.compare(s)
		if got := w.state(s).Last; !got.At.Equal(w.now) {
			t.Errorf("the last one is of %s, want %s", got.At, w.now)
		}
	}
}

// Also for the very reason for which the one that is going on was asked for: it
// may be past what the second was about.
func TestWhatIsAskedForDuringAComparisonIsDoneAfterIt(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.request("one")
	calls := 0
	s := w.schedule(func() {
		if calls++; calls == 1 {
			w.request("one")
			w.request("another")
			if err := w.Lacks(t.Context(), "there is no cursor of users yet"); err != nil {
				t.Error(err)
			}
		}
	})
	w.compare(s)
	if state := w.state(s); state.Last == nil || state.Why != "one; another" || !w.waiting() {
		t.Errorf("%+v", state)
	}
	w.compare(s)
	if state := w.state(s); state.Why != "" || w.waiting() || calls != 4 {
		t.Errorf("%d calls, %+v", calls, state)
	}
}

// The one that begins anew sees it.
func TestWhatIsAskedForDuringAComparisonThatIsCutShortIsDoneByTheNext(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.request("one")
	s := w.schedule(func() { w.request("another") })
	w.graph.faults["user "] = throttled()
	if err := s.Run(t.Context()); err == nil {
		t.Fatal("no error")
	}
	clear(w.graph.faults)
	s = w.schedule(nil)
	w.compare(s)
	if state := w.state(s); state.Why != "" || w.waiting() {
		t.Errorf("%+v", state)
	}
}

func TestAfterAComparisonIsKilledTheNextNeedNotWaitForItsLease(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.schedule(nil)
	if _, err := s.begin(t.Context(), "killed"); err != nil {
		t.Fatal(err)
	}
	w.compare(s)
	if state := w.state(s); state.Last != nil || !state.Running {
		t.Fatalf("it is at work no more: %+v", state)
	}
	for _, want := range []bool{true, false} {
		if held, err := s.Release(t.Context()); held != want || err != nil {
			t.Errorf("held: %v, %v", held, err)
		}
	}
	w.compare(s)
	if state := w.state(s); state.Last == nil {
		t.Errorf("%+v", state)
	}
}

func TestOnlyItsOwnerEndsAComparison(t *testing.T) {
	t.Parallel()
	w := start(t)
	calls := 0
	s := w.schedule(nil)
	s = w.schedule(func() {
		if calls++; calls > 1 {
			return
		}
		// It says nothing for so long that another takes over, and is at it still.
		w.now = w.now.Add(hold)
		if mine, err := s.begin(t.Context(), "another"); err != nil || mine == nil {
			t.Errorf("another has it: %v, %v", mine, err)
		}
	})
	w.compare(s)
	if state := w.state(s); !state.Running || state.Last != nil || state.Due.IsZero() {
		t.Errorf("the first one ended the second: %+v", state)
	}
	if err := s.end(t.Context(), "another", w.now, true, Result{}, nil); err != nil {
		t.Fatal(err)
	}
	if state := w.state(s); state.Running || state.Last == nil || !state.Due.IsZero() {
		t.Errorf("the second one did not end itself: %+v", state)
	}
}

func TestAComparisonThatFailsIsToldUntilOneComesToItsEnd(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.schedule(nil)
	w.graph.faults["group "] = &provision.Fault{Kind: provision.Unauthorized, Reason: "403 Authorization_RequestDenied"}
	began := w.now
	for range 3 {
		if err := s.Run(t.Context()); err == nil {
			t.Fatal("no error")
		}
		w.now = w.now.Add(time.Minute)
	}
	if f := w.state(s).Failing; !f.Since.Equal(began) || !strings.Contains(f.Error, "403 Authorization_RequestDenied") {
		t.Errorf("%+v", f)
	}
	clear(w.graph.faults)
	w.compare(s)
	if f := w.state(s).Failing; f != (condition.Failing{}) {
		t.Errorf("%+v", f)
	}
}

// What a delta query told before stays told until the worker has it.
func TestTheCursorIsSavedAfterWhatIsLeftIsQueued(t *testing.T) {
	t.Parallel()
	w := start(t)
	sweep := w.schedule(nil).Sweep(nil)
	var queued []int
	sweep.Round = func(context.Context, change.Kind, string) error {
		queued = append(queued, len(w.queue.changes))
		return nil
	}
	r := &run{Job: sweep, left: []change.Change{{Object: person(ada).Object}}}
	if err := r.conclude(t.Context(), change.User, "user 1"); err != nil || len(queued) != 1 || queued[0] != 1 || r.left != nil {
		t.Errorf("queued %v, %v", queued, err)
	}
	r.left = []change.Change{{Object: person(bob).Object}}
	w.queue.fails = true
	if err := r.conclude(t.Context(), change.User, "user 2"); !errors.Is(err, errQueue) || len(queued) != 1 || len(r.left) != 1 {
		t.Errorf("queued %v, left %v, %v", queued, r.left, err)
	}
}

// Whom another configuration affects is evaluated when nothing else is due; what
// compares everything does it, too.
func TestWhomAChangeAffectsIsEvaluatedUnlessEverythingIsCompared(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.schedule(nil)
	all, some := 0, 0
	compare := s.Sweep
	s.Sweep = func(progress func(Progress)) *Job {
		all++
		return compare(progress)
	}
	s.Changed = func(context.Context) (string, func(func(Progress)) *Job, error) {
		return "another configuration", func(progress func(Progress)) *Job {
			some++
			job := compare(progress)
			job.Former = &Former{}
			return job
		}, nil
	}
	if why, err := s.Asked(t.Context()); err != nil || why != "another configuration" {
		t.Errorf("asked for: %q, %v", why, err)
	}
	w.compare(s)
	if all != 1 || some != 0 {
		t.Errorf("first %d sweeps of all and %d of some", all, some)
	}
	last := w.state(s).Last
	w.compare(s)
	if all != 1 || some != 1 {
		t.Errorf("then %d sweeps of all and %d of some", all, some)
	}
	if state := w.state(s); state.Running || state.Last == nil || !state.Last.At.Equal(last.At) {
		t.Errorf("what evaluates some counts as a comparison of everything: %+v", state)
	}
}

func TestWhatCameOfARunIsTold(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.schedule(nil)
	var told []error
	s.Observe = func(f Finished, err error) {
		told = append(told, err)
		if f.At.IsZero() || err == nil && f.Classes == nil {
			t.Errorf("told %+v", f)
		}
	}
	refused := errors.New("502")
	w.graph.faults["user "] = refused
	if err := s.Run(t.Context()); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	delete(w.graph.faults, "user ")
	w.compare(s)
	w.compare(s) // nothing is due
	if len(told) != 2 || !errors.Is(told[0], refused) || told[1] != nil {
		t.Errorf("told %v", told)
	}
}
