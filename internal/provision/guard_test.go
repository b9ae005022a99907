package provision_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
)

// guarded gives the engine a guard as it is by default.
func guarded(c *provision.Config) {
	kept, _ := c.Ledger.(*faultyLedger).Ledger.(*ledger.Bolt)
	c.Guard = &provision.Guard{
		Documents: kept, Provisioned: kept.Provisioned, Floor: 20, Share: 1, GroupShare: 20, Window: time.Hour,
	}
}

// lowFloor is guarded, and two operations are too many.
func lowFloor(c *provision.Config) {
	guarded(c)
	c.Guard.Floor = 1
}

func someone(n int) string { return fmt.Sprintf("5b6e7a8c-1d2e-4f30-9a41-%012d", n) }

func groupObject(id string) change.Object { return change.Object{Kind: change.Group, ID: id} }

// crowd provisions that many people.
func (w *world) crowd(n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = someone(i)
		w.hire(ids[i], fmt.Sprintf("p%d@example.com", i))
		w.provisioned(ids[i])
	}
	return ids
}

// crowded is a group of so many who are in Webex, as it is.
func (w *world) crowded(n int) (g *group, ids []string) {
	w.t.Helper()
	ids = w.crowd(n)
	g = w.team(sales, "Sales", ids...)
	w.formed(sales)
	return g, ids
}

func (w *world) block(ids ...string) provision.Attempt {
	w.t.Helper()
	var last provision.Attempt
	for _, id := range ids {
		w.tenant.users[id].enabled = false
		last = w.converge(updated(id))[0]
	}
	return last
}

func (w *world) logged() *bytes.Buffer {
	out := &bytes.Buffer{}
	w.config.Log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelError}))
	w.renew()
	return out
}

func (w *world) approve(o change.Object, d provision.Destruction) {
	w.t.Helper()
	c, err := provision.Approve(w.t.Context(), w.ledger, o, d, w.now)
	if err == nil {
		err = w.queue.Enqueue(w.t.Context(), []change.Change{c})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) reject(o change.Object, d provision.Destruction) {
	w.t.Helper()
	if err := provision.Reject(w.t.Context(), w.ledger, o, d, w.now); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantHeld(a provision.Attempt, d provision.Destruction) {
	w.t.Helper()
	if a.Fault == nil || a.Fault.Kind != provision.Held || a.Again != 0 {
		w.t.Errorf("%s: %s: %s; want it held", a.Object, a.Status, a.Reason)
	}
	if h := w.record(a.Object).Hold; h == nil || h.Operation != d {
		w.t.Errorf("the hold of %s is %+v; want one to %s", a.Object, h, d)
	}
}

func (w *world) wantActive(id string, want bool) {
	w.t.Helper()
	if got := w.org.of(id)["active"]; got != want {
		w.t.Errorf("%s: active is %v, want %v", id, got, want)
	}
}

func TestTheTwentyFirstDisableInAnHourIsHeldAndAllElseFlows(t *testing.T) {
	t.Parallel()
	w := setup(t, guarded)
	ids := w.crowd(24)
	log := w.logged()
	if a := w.block(ids[:20]...); a.Fault != nil {
		t.Fatal(a.Reason)
	}
	w.wantHeld(w.block(ids[20]), provision.Disabling)
	w.wantHeld(w.block(ids[21]), provision.Disabling)
	w.wantActive(ids[20], true)

	w.tenant.users[ids[22]].surname = "Married"
	w.tenant.users[ids[0]].enabled = true
	w.hire(ada, "ada@example.com")
	for _, a := range w.converge(updated(ids[22]), updated(ids[0]), updated(ada)) {
		if a.Status != provision.Success {
			t.Errorf("%s: %s", a.Object, a.Reason)
		}
	}
	if n := strings.Count(log.String(), "guard latched"); n != 1 {
		t.Errorf("%d alarms that it latched:\n%s", n, log)
	}
	for _, id := range ids[20:22] {
		if n := strings.Count(log.String(), `msg="security block held" object="user `+id); n != 1 {
			t.Errorf("%d alarms that %s is not locked out:\n%s", n, id, log)
		}
	}
}

func TestTheLatchOutlivesTheWindowAndTheProcess(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(3)
	w.block(ids[:2]...)
	w.now = w.now.Add(48 * time.Hour)
	w.config.Guard = &provision.Guard{Documents: w.config.Guard.Documents, Floor: 1, Window: time.Hour}
	w.renew()
	w.wantHeld(w.block(ids[2]), provision.Disabling)

	since, err := w.config.Guard.Clear(t.Context())
	if err != nil || since.IsZero() {
		t.Fatal(since, err)
	}
	if a := w.converge(updated(ids[2]))[0]; a.Action != provision.Disable {
		t.Errorf("after it was cleared: %s", a.Reason)
	}
}

func TestWhatLeftTheWindowDoesNotCount(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	for _, id := range w.crowd(3) {
		if a := w.block(id); a.Fault != nil {
			t.Error(a.Reason)
		}
		w.now = w.now.Add(time.Hour)
	}
}

func TestOneObjectCountsOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(1)
	for range 3 {
		if a := w.block(ids[0]); a.Fault != nil {
			t.Fatal(a.Reason)
		}
		w.tenant.users[ids[0]].enabled = true
		w.provisioned(ids[0])
	}
}

func TestACrashBetweenCountAndWriteCountsOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(1)
	w.ledger.cut = true // the guard's document is written, the record is not
	if a := w.block(ids[0]); a.Fault == nil {
		t.Fatal("it went on without its ledger")
	}
	w.ledger.cut = false
	w.now = w.now.Add(2 * provision.Lease)
	w.renew()
	if a := w.converge(updated(ids[0]))[0]; a.Action != provision.Disable {
		t.Error(a.Reason)
	}
}

func TestTheShareCountsWhereItIsMore(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor, func(c *provision.Config) {
		c.Guard.Provisioned = func(context.Context) (int, error) { return 300, nil }
	})
	ids := w.crowd(4)
	if a := w.block(ids[:3]...); a.Fault != nil {
		t.Fatal(a.Reason)
	}
	w.wantHeld(w.block(ids[3]), provision.Disabling)
}

func TestADeleteIsHeldToo(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.team(sales, "Sales")
	w.formed(sales)
	w.block(ids[0])
	w.tenant.groups[sales].gone = true
	word := changed(sales)
	word.Deleted = true
	w.converge(word)
	w.now = w.now.Add(11 * time.Minute)
	w.wantHeld(w.converge(changed(sales))[0], provision.Deleting)
	w.approve(groupObject(sales), provision.Deleting)
	w.drain()
	if w.org.group(sales) != "" {
		t.Error("the approved delete did not happen")
	}
	// It is used up.
	w.team(sales, "Sales")
	w.formed(sales)
	w.tenant.groups[sales].gone = true
	w.converge(word)
	w.now = w.now.Add(11 * time.Minute)
	w.wantHeld(w.converge(changed(sales))[0], provision.Deleting)
}

func TestAnApprovalLetsExactlyThatThrough(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(3)
	w.block(ids...)
	w.approve(user(ids[1]), provision.Disabling)
	w.drain()
	w.wantActive(ids[1], false)
	w.wantActive(ids[2], true)
	if r := w.record(user(ids[1])); r.Hold != nil || r.Approval != nil || r.OpenFault != nil {
		t.Errorf("left behind: %+v", r)
	}
	// It is used up.
	w.tenant.users[ids[1]].enabled = true
	w.provisioned(ids[1])
	w.wantHeld(w.block(ids[1]), provision.Disabling)
}

func TestADisableThatWasApprovedIsHeldNoMoreWhileTheDeleteIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids[0])
	w.tenant.users[ids[1]].gone = true
	w.wantHeld(w.converge(deleted(ids[1]))[0], provision.Disabling)
	w.approve(user(ids[1]), provision.Disabling)
	if a := w.converge(updated(ids[1]))[0]; a.Action != provision.Disable || a.Again == 0 {
		t.Fatalf("%s: %s", a.Action, a.Reason)
	}
	if r := w.record(user(ids[1])); r.Hold != nil || r.Approval != nil {
		t.Errorf("left behind: %+v", r)
	}
	w.now = w.now.Add(11 * time.Minute)
	w.wantHeld(w.converge(updated(ids[1]))[0], provision.Deleting)
}

func TestAnApprovalWaitsForATryThatSucceeds(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids...)
	w.approve(user(ids[1]), provision.Disabling)
	w.org.answer = func(provision.Operation, bool) error {
		return &provision.Fault{Kind: provision.Transient, Reason: "503"}
	}
	w.converge(updated(ids[1]))
	w.org.answer = nil
	w.converge(updated(ids[1]))
	w.wantActive(ids[1], false)
}

func TestAnApprovalExpires(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids...)
	w.approve(user(ids[1]), provision.Disabling)
	w.now = w.now.Add(24 * time.Hour)
	w.wantHeld(w.converge(updated(ids[1]))[0], provision.Disabling)
	w.wantActive(ids[1], true)
}

func TestAnApprovalIsUsedOnlyForWhatItNames(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids...)
	_, err := provision.Approve(t.Context(), w.ledger, user(ids[1]), provision.Deleting, w.now)
	if !errors.Is(err, provision.ErrNotHeld) {
		t.Errorf("a delete that is not held: %v", err)
	}
	_, err = provision.Approve(t.Context(), w.ledger, user(bob), provision.Disabling, w.now)
	if _, known, _ := w.ledger.Record(t.Context(), user(bob)); !errors.Is(err, provision.ErrNotHeld) || known {
		t.Errorf("somebody unknown: %v", err)
	}
}

func TestARestoredUserClosesTheHold(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids...)
	w.approve(user(ids[1]), provision.Disabling)
	w.tenant.users[ids[1]].enabled = true
	w.drain()
	w.wantActive(ids[1], true)
	if r := w.record(user(ids[1])); r.Hold != nil || r.Approval != nil || r.OpenFault != nil {
		t.Errorf("left behind: %+v", r)
	}
}

func TestAFaultOnTheWayClosesNoHold(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids...)
	since := w.record(user(ids[1])).Hold.Since
	w.now = w.now.Add(25 * time.Hour)
	w.tenant.users[ids[1]].fault = &provision.Fault{Kind: provision.Transient, Reason: "503"}
	if a := w.converge(updated(ids[1]))[0]; a.Again == 0 {
		t.Errorf("the hold's day counts as a day of trying: %s", a.Reason)
	}
	w.tenant.users[ids[1]].fault = nil
	log := w.logged()
	w.wantHeld(w.converge(updated(ids[1]))[0], provision.Disabling)
	if got := w.record(user(ids[1])).Hold.Since; !got.Equal(since) || log.Len() > 0 {
		t.Errorf("held since %s, want %s; alarms: %s", got, since, log)
	}
}

func TestARejectionStandsUntilTheObjectChangesInEntra(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids...)
	w.reject(user(ids[1]), provision.Disabling)
	if _, err := w.config.Guard.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := w.logged()
	w.wantHeld(w.converge(updated(ids[1]))[0], provision.Disabling)
	if log.Len() > 0 {
		t.Errorf("alarms: %s", log)
	}
	w.tenant.users[ids[1]].surname = "Married"
	if a := w.converge(updated(ids[1]))[0]; a.Status != provision.Success {
		t.Error(a.Reason)
	}
	w.wantActive(ids[1], false)
}

func TestNobodyApprovesWhatIsProtected(t *testing.T) {
	t.Parallel()
	w := setup(t, guarded, func(c *provision.Config) { c.Protected = []string{ada} })
	w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	log := w.logged()
	w.wantHeld(w.block(ada), provision.Disabling)
	w.approve(user(ada), provision.Disabling)
	w.drain()
	w.wantActive(ada, true)
	if n := strings.Count(log.String(), "protected user held"); n != 1 {
		t.Errorf("%d alarms:\n%s", n, log)
	}
	if a := w.record(user(ada)).Approval; a != nil {
		t.Errorf("it counts as approved: %+v", a)
	}
}

func TestUpsertOnlyDestroysNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, guarded, func(c *provision.Config) { c.UpsertOnly = true })
	g, ids := w.crowded(3)
	gone := w.team(europe, "Europe")
	w.formed(europe)
	gone.gone, g.members = true, ids[:2]
	word := changed(europe)
	word.Deleted = true
	w.converge(word)
	w.now = w.now.Add(11 * time.Minute)
	blocked := w.block(ids[0])
	attempts := []provision.Attempt{
		blocked, w.converge(changed(europe))[0],
		w.converge(changed(sales, ids[2]))[0], w.converge(func() change.Change { c := changed(sales); c.Afresh = true; return c }())[0],
	}
	for _, a := range attempts {
		if a.Status != provision.Skipped || !strings.Contains(a.Reason, "UPSERT_ONLY is set") {
			t.Errorf("%s: %s: %s", a.Object, a.Status, a.Reason)
		}
	}
	w.wantActive(ids[0], true)
	w.wantMembers(sales, ids...)
	if w.org.group(europe) == "" {
		t.Error("a group was deleted")
	}
}

// Each case takes so many out of a group of 40, named or found by comparison.
func TestMoreThanAFifthOfAGroupIsNotTakenOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		removed int
		afresh  bool
		held    bool
	}{
		{"a fifth by hints", 8, false, false},
		{"more by hints", 9, false, true},
		{"a fifth by comparison", 8, true, false},
		{"more by comparison", 9, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, lowFloor)
			g, ids := w.crowded(40)
			w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			g.members = append([]string{ada}, ids[test.removed:]...)
			c := changed(sales, append([]string{ada}, ids[:test.removed]...)...)
			c.Afresh = test.afresh
			a := w.converge(c)[0]
			if !test.held {
				w.wantMembers(sales, g.members...)
				return
			}
			w.wantHeld(a, provision.Removing)
			w.wantMembers(sales, append([]string{ada}, ids...)...)

			w.reject(groupObject(sales), provision.Removing)
			w.wantHeld(w.converge(changed(sales))[0], provision.Removing)

			w.approve(groupObject(sales), provision.Removing)
			w.drain()
			w.wantMembers(sales, g.members...)
			g.members = append([]string{ada}, ids[test.removed:39]...)
			if a := w.converge(changed(sales, ids[39]))[0]; a.Fault != nil {
				t.Errorf("what was approved counts against what comes after it: %s", a.Reason)
			}
			w.wantMembers(sales, g.members...)
		})
	}
}

func TestMembersTakenOutOneByOneAddUp(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	g, ids := w.crowded(12)
	for i := range 5 {
		g.members = ids[i+1:]
		if a := w.converge(changed(sales, ids[i]))[0]; a.Fault != nil {
			t.Fatal(a.Reason)
		}
	}
	g.members = ids[6:]
	w.wantHeld(w.converge(changed(sales, ids[5]))[0], provision.Removing)
	w.now = w.now.Add(time.Hour)
	if a := w.converge(changed(sales))[0]; a.Fault != nil || w.record(a.Object).Hold != nil {
		t.Errorf("in the next window: %s", a.Reason)
	}
	w.wantMembers(sales, g.members...)
}

func TestAGroupThatGrewIsCountedAnew(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(60)
	g := w.team(sales, "Sales", ids[:5]...)
	w.formed(sales)
	g.members = ids
	w.converge(changed(sales, ids[5:]...))
	g.members = ids[12:]
	if a := w.converge(changed(sales, ids[:12]...))[0]; a.Fault != nil {
		t.Error(a.Reason)
	}
	w.wantMembers(sales, g.members...)
}

// busy is a document that another worker writes first, once in a while.
type busy struct {
	document.Store

	mu    sync.Mutex
	every int
	puts  int
}

func (b *busy) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	b.mu.Lock()
	b.puts++
	lose := b.puts%b.every != 0
	b.mu.Unlock()
	if lose {
		return document.ErrConflict
	}
	return b.Store.PutDocument(ctx, name, data, version)
}

func TestAGuardThatAnotherWritesIsReadAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		every int
		kind  provision.FaultKind
	}{{3, 0}, {1000, provision.Transient}} {
		w := setup(t, lowFloor)
		w.config.Guard.Documents = &busy{Store: w.config.Guard.Documents, every: test.every}
		ids := w.crowd(1)
		a := w.block(ids[0])
		switch {
		case test.kind == 0 && a.Fault != nil, test.kind != 0 && (a.Fault == nil || a.Fault.Kind != test.kind):
			t.Errorf("one write of %d succeeds: %s: %s", test.every, a.Status, a.Reason)
		}
	}
}

// mute is a document whose writes succeed, while their answers are lost.
type mute struct {
	document.Store

	lost int // answers to come
}

func (m *mute) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	err := m.Store.PutDocument(ctx, name, data, version)
	if m.lost > 0 {
		m.lost--
		return errCut
	}
	return err
}

// Each case loses the answers to so many writes of the guard, from the one that
// latches on; whoever is held next tells.
func TestALatchWhoseAnswerWasLostIsToldAllTheSame(t *testing.T) {
	t.Parallel()
	for _, lost := range []int{0, 1, 2} {
		w := setup(t, lowFloor)
		answerless := &mute{Store: w.config.Guard.Documents}
		w.config.Guard.Documents = answerless
		ids := w.crowd(3)
		log := w.logged()
		w.block(ids[0])
		answerless.lost = lost
		w.wantHeld(w.block(ids[1]), provision.Disabling)
		w.wantHeld(w.block(ids[2]), provision.Disabling)
		if n := strings.Count(log.String(), "guard latched"); n != 1 {
			t.Errorf("%d answers lost: %d alarms that it latched:\n%s", lost, n, log)
		}
	}
}

// A process that died when it had latched the guard told nobody.
func TestALatchOfAProcessThatDiedIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	err := w.config.Guard.Documents.PutDocument(t.Context(), "guard", []byte(`{"latchedAt":"2026-03-02T08:59:00Z"}`), 0)
	if err != nil {
		t.Fatal(err)
	}
	log := w.logged()
	w.block(ids...)
	if n := strings.Count(log.String(), "guard latched"); n != 1 || !strings.Contains(log.String(), "since=2026-03-02T08:59:00") {
		t.Errorf("%d alarms:\n%s", n, log)
	}
}

func TestManyEnginesTogetherDisableAsManyAsTheFloorAllows(t *testing.T) {
	t.Parallel()
	w := setup(t, guarded)
	ids := w.crowd(40)
	for _, id := range ids {
		w.tenant.users[id].enabled = false
	}
	// Each engine has a guard of its own, as each worker has. They share the
	// ledger, and Webex, which takes one write at a time.
	w.config.Target = &oneAtATime{org: w.org}
	w.config.Directory = &oneReader{tenant: w.tenant}
	var wg sync.WaitGroup
	for _, id := range ids {
		c := w.config
		c.Guard = &provision.Guard{Documents: c.Guard.Documents, Floor: 20, Window: time.Hour}
		wg.Go(func() {
			e := provision.New(c)
			for range 20 {
				ch := updated(id)
				ch.SeenAt = w.now
				if a := e.Converge(t.Context(), []change.Change{ch})[0]; a.Again == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	disabled := 0
	for _, id := range ids {
		if w.org.of(id)["active"] == false {
			disabled++
		}
	}
	if disabled != 20 {
		t.Errorf("%d were disabled", disabled)
	}
}

type oneAtATime struct {
	*org

	mu sync.Mutex
}

func (o *oneAtATime) Apply(ctx context.Context, ops []provision.Operation) []provision.Answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.org.Apply(ctx, ops)
}

func (o *oneAtATime) Read(ctx context.Context, kind change.Kind, id string) (provision.Resource, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.org.Read(ctx, kind, id)
}

type oneReader struct {
	*tenant

	mu sync.Mutex
}

func (o *oneReader) Read(ctx context.Context, queries []provision.Query) []provision.Reading {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tenant.Read(ctx, queries)
}
