package provision_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// fragile stands between an engine and its ports. It calls at, where it is
// set, before every call about an object, with the call's name.
type fragile struct {
	provision.Directory
	provision.Target
	provision.Ledger

	at func(call string, o change.Object)
}

// The ports of a fragile: their methods share names.
type (
	fragileDirectory struct{ *fragile }
	fragileTarget    struct{ *fragile }
	fragileLedger    struct{ *fragile }
)

// weaken puts a fragile between the world's engine and its ports.
func (w *world) weaken() *fragile {
	f := &fragile{Directory: w.tenant, Target: w.org, Ledger: w.ledger}
	w.config.Directory, w.config.Target, w.config.Ledger = fragileDirectory{f}, fragileTarget{f}, fragileLedger{f}
	w.renew()
	return f
}

func (f *fragile) call(name string, o change.Object) {
	if f.at != nil {
		f.at(name, o)
	}
}

func (f fragileDirectory) Organization(ctx context.Context) (string, error) {
	return f.Directory.Organization(ctx)
}

func (f fragileDirectory) Read(ctx context.Context, queries []provision.Query) []provision.Reading {
	for _, q := range queries {
		f.call("read", q.Object)
	}
	return f.Directory.Read(ctx, queries)
}

func (f fragileDirectory) Members(ctx context.Context, id string, transitive bool, page string) (provision.MemberPage, error) {
	f.call("members", change.Object{Kind: change.Group, ID: id})
	return f.Directory.Members(ctx, id, transitive, page)
}

func (f fragileDirectory) GroupsOf(ctx context.Context, o change.Object, transitive bool) ([]string, error) {
	return f.Directory.GroupsOf(ctx, o, transitive)
}

func (f fragileTarget) Read(ctx context.Context, kind change.Kind, id string) (provision.Resource, error) {
	return f.Target.Read(ctx, kind, id)
}

func (f fragileTarget) Named(ctx context.Context, kind change.Kind, name string) ([]provision.Resource, error) {
	return f.Target.Named(ctx, kind, name)
}

func (f fragileTarget) Addressed(ctx context.Context, address string) ([]provision.Resource, error) {
	return f.Target.Addressed(ctx, address)
}

func (f fragileTarget) Apply(ctx context.Context, ops []provision.Operation) []provision.Answer {
	for _, op := range ops {
		f.call("apply", op.Object)
	}
	answers := f.Target.Apply(ctx, ops)
	for _, op := range ops {
		f.call("applied", op.Object)
	}
	return answers
}

func (f fragileTarget) ChangeMembers(ctx context.Context, c provision.MemberChange) (map[string]error, error) {
	f.call("change members", c.Group)
	return f.Target.ChangeMembers(ctx, c)
}

func (f fragileTarget) Members(ctx context.Context, id string, each func([]string) error) error {
	return f.Target.Members(ctx, id, each)
}

func (f fragileLedger) Claim(ctx context.Context, o change.Object, owner string, now, until time.Time) (provision.Record, error) {
	f.call("claim", o)
	return f.Ledger.Claim(ctx, o, owner, now, until)
}

func (f fragileLedger) Save(ctx context.Context, owner string, before, after provision.Record) error {
	name := "save"
	if after.Claim.Owner == "" {
		name = "conclude"
	}
	f.call(name, after.Object)
	return f.Ledger.Save(ctx, owner, before, after)
}

func (f fragileLedger) Awaiting(ctx context.Context, o change.Object) ([]change.Object, error) {
	f.call("awaiting", o)
	return f.Ledger.Awaiting(ctx, o)
}

func user(id string) change.Object { return change.Object{Kind: change.User, ID: id} }

func (w *world) record(o change.Object) provision.Record {
	w.t.Helper()
	r, _, err := w.ledger.Record(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// In each case a call for the object panics, whoever it is made together with.
func TestAPanicFailsTheObjectAloneAndGivesItsClaimUp(t *testing.T) {
	t.Parallel()
	for call, object := range map[string]change.Object{
		"claim": user(bob), "read": user(bob), "save": user(bob), "apply": user(bob), "awaiting": user(bob),
		"members":        {Kind: change.Group, ID: sales},
		"change members": {Kind: change.Group, ID: sales},
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			panics(t, call, object)
		})
	}
}

func panics(t *testing.T, call string, object change.Object) {
	t.Helper()
	w := setup(t)
	for _, id := range []string{ada, bob, cyd} {
		w.hire(id, id+"@example.com")
	}
	g := w.team(sales, "Sales")
	w.converge(changed(sales))
	g.name, g.members = "Sales and more", []string{ada}
	look := changed(sales)
	look.Afresh = true
	f := w.weaken()
	f.at = func(name string, o change.Object) {
		if name == call && o == object {
			panic("boom\n" + strings.Repeat("x", 1000))
		}
	}
	for _, a := range w.converge(updated(ada), updated(bob), updated(cyd), look) {
		if a.Object == object {
			wantPanicked(t, a)
		} else if a.Status != provision.Success {
			t.Errorf("%s: %s: %s", a.Object, a.Status, a.Reason)
		}
	}
	if r := w.record(object); r.Claim.Owner != "" || call != "claim" && r.Unconcluded != 1 {
		t.Errorf("record %+v", r)
	}
	f.at = nil
	for _, a := range w.converge(updated(bob), look) {
		if a.Fault != nil {
			t.Errorf("then: %s: %s", a.Object, a.Reason)
		}
	}
	if len(w.org.accounts) != 3 || len(w.org.groups) != 1 || !cmp.Equal(w.org.in(sales), []string{ada}) {
		t.Errorf("accounts %v, groups %v of %v", w.org.accounts, w.org.groups, w.org.in(sales))
	}
	if r := w.record(object); r.Unconcluded != 0 || r.OpenFault != nil {
		t.Errorf("record %+v", r)
	}
}

// wantPanicked wants a fault that is tried again, of bounded length on one line.
func wantPanicked(t *testing.T, a provision.Attempt) {
	t.Helper()
	if a.Fault == nil || a.Fault.Kind != provision.Transient || a.Again != 10*time.Second {
		t.Errorf("the one at fault: %s, again %s", a.Status, a.Again)
	}
	if want := "work on " + a.Object.String() + " panicked: boom " + strings.Repeat("x", 194) + "…"; a.Reason != want {
		t.Errorf("the reason is %q", a.Reason)
	}
}

func TestARecordThatCannotBeSavedIsSavedAsItWas(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	f := w.weaken()
	f.at = func(name string, _ change.Object) {
		if name == "conclude" {
			f.at = nil
			panic("boom")
		}
	}
	if a := w.converge(updated(ada))[0]; a.Fault == nil || !strings.Contains(a.Reason, "panicked: boom") {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	if r := w.record(user(ada)); r.Claim.Owner != "" || r.Unconcluded != 1 {
		t.Errorf("record %+v", r)
	}
}

// Nobody knows what a write that panicked has done, so nothing is created that
// may be there.
func TestAfterAPanicOfAWholeWriteWebexIsReadBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(bob, "bob@example.com")
	w.provisioned(bob)
	p.surname = "Byron"
	w.hire(ada, "ada@example.com")
	w.team(sales, "Sales")
	f := w.weaken()
	f.at = func(name string, _ change.Object) {
		if name == "applied" {
			f.at = nil
			panic("boom")
		}
	}
	for _, a := range w.converge(updated(ada), updated(bob), changed(sales)) {
		if a.Fault != nil {
			t.Errorf("%s: %s", a.Object, a.Reason)
		}
	}
	if len(w.org.accounts) != 2 || len(w.org.groups) != 1 {
		t.Errorf("accounts %v, groups %v", w.org.accounts, w.org.groups)
	}
}

// A group that such a write may have created is not looked for in vain: once
// Webex would show it, it is created.
func TestAfterAPanicOfAWholeWriteAGroupIsCreatedWhenItWouldBeSeen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.team(sales, "Sales")
	f := w.weaken()
	f.at = func(name string, _ change.Object) {
		if name == "apply" {
			f.at = nil
			panic("boom")
		}
	}
	attempts := w.converge(updated(ada), changed(sales))
	if attempts[0].Fault != nil {
		t.Errorf("%s: %s", attempts[0].Object, attempts[0].Reason)
	}
	began := w.now
	for a := attempts[1]; a.Again > 0; a = w.converge(changed(sales))[0] {
		if w.now = w.now.Add(a.Again); a.Fault.Kind != provision.Transient {
			t.Fatal(a.Fault)
		}
	}
	if w.org.group(sales) == "" {
		t.Error("there is no group")
	}
	if waited := w.now.Sub(began); waited > 5*time.Minute+2*time.Second {
		t.Errorf("it was created after %s", waited)
	}
}

func TestTheStackOfAPanicIsLoggedAndIsNotInTheFault(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	var log bytes.Buffer
	w.config.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	w.weaken().at = func(string, change.Object) { panic("boom") }
	a := w.converge(updated(ada))[0]
	if !strings.Contains(log.String(), "recover_test.go") || strings.Contains(a.Reason, "recover_test.go") {
		t.Errorf("the fault is %q, the log %s", a.Reason, &log)
	}
}

func TestAnObserverThatPanicsSpoilsNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, func(c *provision.Config) { c.Observe = func(provision.Attempt) { panic("boom") } })
	w.hire(ada, "ada@example.com")
	w.provisioned(ada)
}

func TestAnObjectThatPanicsTimeAndAgainIsGivenUpWithTheReason(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.weaken().at = func(name string, _ change.Object) {
		if name == "read" {
			panic("boom")
		}
	}
	for range 5 {
		a := w.converge(updated(ada))[0]
		if a.Fault == nil || a.Fault.Kind != provision.Transient {
			t.Fatalf("%s: %s", a.Status, a.Reason)
		}
		w.now = w.now.Add(a.Again)
	}
	a := w.converge(updated(ada))[0]
	if a.Fault == nil || a.Fault.Kind != provision.Permanent || a.Again != 0 || !strings.HasSuffix(a.Reason, "panicked: boom") {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

// Ten users come in one batch, and come again, the next batch after a crash
// when the queue shows them again, until each is done or a dead letter. Reading
// one of them kills the process: nothing runs after it, not even a write to the
// ledger.
func TestAnObjectThatKillsTheProcessIsGivenUpAlone(t *testing.T) {
	t.Parallel()
	for _, place := range []int{0, 4, 9} {
		t.Run(fmt.Sprintf("at place %d of the batch", place), func(t *testing.T) {
			t.Parallel()
			kills(t, place)
		})
	}
}

func kills(t *testing.T, place int) {
	t.Helper()
	w := setup(t)
	var left []string
	for i := range 10 {
		left = append(left, fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
		w.hire(left[i], fmt.Sprintf("u%d@example.com", i))
	}
	culprit := left[place]
	w.weaken().at = func(name string, o change.Object) {
		if name == "read" && o.ID == culprit {
			runtime.Goexit()
		}
	}
	var dead []string
	var crashes, late int // late: those after which not all others are done
	for len(left) > 0 && crashes < 20 {
		attempts, lived := w.process(left)
		for _, a := range attempts {
			if a.Fault != nil {
				dead = append(dead, a.Object.ID)
			}
		}
		left = slices.DeleteFunc(left, func(id string) bool { return isDone(attempts, id) })
		w.now = w.now.Add(150 * time.Second)
		if lived {
			continue
		}
		if crashes++; len(w.org.accounts) < 9 {
			late++
		}
	}
	if !cmp.Equal(dead, []string{culprit}) || len(w.org.accounts) != 9 {
		t.Errorf("given up: %v; %d accounts", dead, len(w.org.accounts))
	}
	if crashes != 5 || late > 2 {
		t.Errorf("%d crashes; after %d the others were not all done", crashes, late)
	}
}

func isDone(attempts []provision.Attempt, id string) bool {
	return slices.ContainsFunc(attempts, func(a provision.Attempt) bool { return a.Object.ID == id && a.Again == 0 })
}

// process converges users in a process of its own, so to speak, and reports
// whether it lived to the end.
func (w *world) process(ids []string) (attempts []provision.Attempt, lived bool) {
	var batch []change.Change
	for _, id := range ids {
		batch = append(batch, updated(id))
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		attempts = w.Converge(w.t.Context(), batch)
		lived = true
	}()
	<-ended
	return attempts, lived
}

func TestASuspectIsNotCountedForWaitingAside(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	if _, err := w.ledger.Claim(t.Context(), user(ada), "crashed", w.now, w.now); err != nil {
		t.Fatal(err)
	}
	w.weaken().at = func(name string, o change.Object) {
		if r := w.record(user(ada)); name == "read" && o == user(bob) && (r.Unconcluded != 1 || r.Claim.Owner != "") {
			t.Errorf("while others are worked on: %+v", r)
		}
	}
	var got []string
	for _, a := range w.converge(updated(ada), updated(bob)) {
		got = append(got, a.Object.ID+" "+string(a.Status))
	}
	if diff := cmp.Diff([]string{ada + " Success", bob + " Success"}, got); diff != "" {
		t.Error(diff)
	}
	if w.tenant.reads != 2 {
		t.Errorf("Entra was read %d times, want each alone", w.tenant.reads)
	}
}

func TestASuspectThatHoldsANameIsNotMovedInTheCompanyOfOthers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.hire(ada, "a@example.com")
	w.provisioned(ada)
	w.hire(bob, "a@example.com")
	a.name = "ada@example.com"
	if _, err := w.ledger.Claim(t.Context(), user(ada), "crashed", w.now, w.now); err != nil {
		t.Fatal(err)
	}
	got := w.converge(updated(bob))[0]
	if got.Fault == nil || got.Again == 0 || w.org.of(ada)["userName"] != "a@example.com" {
		t.Errorf("%s: %s", got.Status, got.Reason)
	}
	if want := "user " + ada + " holds the userName of user " + bob + " and cannot be looked at now"; got.Reason != want {
		t.Errorf("the reason is %q", got.Reason)
	}
	if r := w.record(user(ada)); r.Unconcluded != 1 || r.Claim.Owner != "" {
		t.Errorf("the visit counts: %+v", r)
	}
	w.provisioned(ada)
	w.provisioned(bob)
}

func TestASuspectWhoseClaimCannotBeGivenBackIsNotWorkedOn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	if _, err := w.ledger.Claim(t.Context(), user(ada), "crashed", w.now, w.now); err != nil {
		t.Fatal(err)
	}
	w.ledger.cut = true
	w.weaken().at = func(name string, o change.Object) {
		if name == "read" && o == user(ada) {
			t.Error("it was read")
		}
	}
	if a := w.converge(updated(ada), updated(bob))[0]; a.Fault == nil || a.Again == 0 || !errors.Is(a.Fault, errCut) {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestWhatTheDeadlineIsTooNearForIsNotBegunAndComesAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t)
		for _, id := range []string{ada, bob, cyd} {
			w.hire(id, id+"@example.com")
		}
		w.weaken().at = func(name string, _ change.Object) {
			if name == "claim" {
				time.Sleep(40 * time.Second)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second+provision.Margin-time.Millisecond)
		defer cancel()
		var got []string
		for _, a := range w.Converge(ctx, []change.Change{updated(ada), updated(bob), updated(cyd)}) {
			got = append(got, fmt.Sprint(a.Status, " ", a.Again, " ", a.Fault != nil))
		}
		if diff := cmp.Diff([]string{"Success 0s false", "Success 0s false", "Warning 1s false"}, got); diff != "" {
			t.Error(diff)
		}
		if _, known, err := w.ledger.Record(t.Context(), user(cyd)); known || err != nil {
			t.Errorf("what was not begun was claimed; %v", err)
		}
	})
}

// endless is Entra that never answers.
type endless struct{ provision.Directory }

func (endless) Read(ctx context.Context, queries []provision.Query) []provision.Reading {
	<-ctx.Done()
	readings := make([]provision.Reading, len(queries))
	for i := range readings {
		readings[i].Err = &provision.Fault{Kind: provision.Transient, Reason: "time-out", Err: ctx.Err()}
	}
	return readings
}

// A process that ends at its deadline is a crash to the ledger: whatever takes
// that long is ended, and concluded, before.
func TestWorkThatReachesTheDeadlineIsConcludedBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t)
		w.config.Directory = endless{w.tenant}
		w.renew()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		a := w.Converge(ctx, []change.Change{updated(ada)})[0]
		if a.Fault == nil || a.Again == 0 || ctx.Err() != nil {
			t.Errorf("%s: %s; %v", a.Status, a.Reason, ctx.Err())
		}
		if r := w.record(user(ada)); r.Claim.Owner != "" || r.Unconcluded != 0 {
			t.Errorf("record %+v", r)
		}
	})
}

// The arithmetic of the schedule: how many attempts the time takes, each
// delayed as it asks for or, by chance, a quarter more.
func TestATransientFaultIsTriedTenOrElevenTimesInAnHourAndUpTo150InADay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		jitter    func(time.Duration) time.Duration
		hour, day int
	}{
		{"without jitter", func(time.Duration) time.Duration { return 0 }, 11, 150},
		{"with all of it", func(d time.Duration) time.Duration { return d }, 10, 122},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(c *provision.Config) { c.Jitter = test.jitter })
			w.hire(ada, "ada@example.com").fault = &provision.Fault{Kind: provision.Transient, Reason: "503"}
			began := w.now
			var hour, day int
			for again := time.Second; again > 0; {
				a := w.converge(updated(ada))[0]
				if day++; w.now.Sub(began) <= time.Hour {
					hour++
				}
				again = a.Again
				w.now = w.now.Add(again)
			}
			if hour != test.hour || day != test.day {
				t.Errorf("%d attempts in an hour, %d until it is given up", hour, day)
			}
		})
	}
}

// What was one Bulk comes again together, and is one; what was another comes at
// another time.
func TestABatchIsPutOffAsOne(t *testing.T) {
	t.Parallel()
	var chance time.Duration
	w := setup(t, func(c *provision.Config) {
		c.Jitter = func(d time.Duration) time.Duration {
			chance++
			return d * chance / 10
		}
	})
	fault := &provision.Fault{Kind: provision.Transient, Reason: "503"}
	w.hire(ada, "ada@example.com").fault = fault
	w.hire(bob, "bob@example.com").fault = fault
	w.hire(cyd, "cyd@example.com").fault = fault
	again := func(changes ...change.Change) (delays []time.Duration) {
		for _, a := range w.converge(changes...) {
			delays = append(delays, a.Again)
		}
		return delays
	}
	if diff := cmp.Diff([]time.Duration{10250 * time.Millisecond, 10250 * time.Millisecond}, again(updated(ada), updated(bob))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{10500 * time.Millisecond}, again(updated(cyd))); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotTheObjectsFaultIsNeverPermanent(t *testing.T) {
	t.Parallel()
	for _, kind := range []provision.FaultKind{provision.Throttled, provision.Unauthorized} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.hire(ada, "ada@example.com").fault = &provision.Fault{Kind: kind, Reason: "no"}
			for range 8 {
				a := w.converge(updated(ada))[0]
				if a.Fault == nil || a.Fault.Kind != kind || a.Again == 0 {
					t.Fatalf("%s: %s, again %s", a.Status, a.Reason, a.Again)
				}
				w.now = w.now.Add(24 * time.Hour)
			}
		})
	}
}
