package provision_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

func afresh(id string) change.Change {
	c := changed(id)
	c.Afresh = true
	return c
}

// webexID is the Webex id of a person.
func (w *world) webexID(person string) string {
	w.t.Helper()
	id, _ := w.org.of(person)["id"].(string)
	if id == "" {
		w.t.Fatalf("%s has no account", person)
	}
	return id
}

func TestWhoJoinsAndLeavesATeamOfTwoTimeAndAgainIsNoMass(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	g, ids := w.crowded(2)
	for round := range 12 {
		g.members = ids[:1]
		if a := w.converge(changed(sales, ids[1]))[0]; a.Fault != nil {
			t.Fatalf("leaving for the %dth time: %s", round+1, a.Reason)
		}
		g.members = ids
		if a := w.converge(changed(sales, ids[1]))[0]; a.Fault != nil {
			t.Fatal(a.Reason)
		}
	}
	if r := w.record(groupObject(sales)).Removals; r == nil || r.Count != 0 {
		t.Errorf("%+v count, and all are back", r)
	}
	// Who is taken out twice, because somebody put him back by hand, counts once.
	g.members = nil
	for range 6 {
		w.org.members[w.org.group(sales)] = []string{w.webexID(ids[0])}
		w.converge(changed(sales, ids[0]))
	}
	if r := w.record(groupObject(sales)).Removals; r == nil || r.Count != 1 {
		t.Errorf("%+v count, and one was removed", r)
	}
}

// A member who was taken out and came back makes room for another.
func TestWhoCameBackToAGroupMakesRoomForAnother(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	g, ids := w.crowded(12)
	g.members = ids[5:]
	w.converge(changed(sales, ids[:5]...))
	g.members = ids[4:]
	w.converge(changed(sales, ids[4]))
	g.members = ids[4:11]
	if a := w.converge(changed(sales, ids[11]))[0]; a.Fault != nil {
		t.Error(a.Reason)
	}
	w.wantMembers(sales, g.members...)
	g.members = ids[5:11]
	w.wantHeld(w.converge(changed(sales, ids[4]))[0], provision.Removing)
}

// The floor of the accounts stands beside the share: 20 members of a group of 24
// are more than a fifth of it, and no mass.
func TestTheFloorStandsBesideTheShareOfAGroup(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		removed int
		held    bool
	}{{20, false}, {21, true}} {
		w := setup(t, guarded)
		g, ids := w.crowded(24)
		g.members = ids[test.removed:]
		a := w.converge(changed(sales, ids[:test.removed]...))[0]
		if test.held {
			w.wantHeld(a, provision.Removing)
			w.wantMembers(sales, ids...)
		} else {
			w.wantMembers(sales, g.members...)
		}
	}
}

func TestAnApprovalLetsExactlyThoseMembersGo(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	g, ids := w.crowded(40)
	g.members = ids[10:]
	w.wantHeld(w.converge(changed(sales, ids[:10]...))[0], provision.Removing)
	w.approve(groupObject(sales), provision.Removing)
	g.members = ids[20:]
	w.wantHeld(w.converge(changed(sales, ids[10:20]...))[0], provision.Removing)
	w.wantMembers(sales, ids[10:]...)
	r := w.record(groupObject(sales))
	if diff := cmp.Diff(ids[10:20], r.Hold.Who); diff != "" || r.Approval != nil {
		t.Errorf("held are %s; the approval is %+v", diff, r.Approval)
	}
}

func TestAnApprovedRemovalThatEndsInAFaultIsUsedUpAsFarAsItWent(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	g, ids := w.crowded(40)
	g.members = ids[10:]
	w.converge(changed(sales, ids[:10]...))
	w.approve(groupObject(sales), provision.Removing)
	w.org.refuse = map[string]error{w.webexID(ids[9]): &provision.Fault{Kind: provision.Transient, Reason: "503"}}
	if a := w.converge(changed(sales))[0]; a.Again == 0 {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	w.wantMembers(sales, ids[9:]...)
	left := w.record(groupObject(sales)).Approval
	if left == nil || !slices.Equal(left.Who, ids[9:10]) || left.Members != 1 {
		t.Fatalf("what is left of the approval is %+v", left)
	}
	// Those who were let go and are put back by hand are not let go again.
	w.org.refuse = nil
	for _, id := range ids[:9] {
		w.org.members[w.org.group(sales)] = append(w.org.members[w.org.group(sales)], w.webexID(id))
	}
	w.wantHeld(w.converge(changed(sales))[0], provision.Removing)
	w.wantMembers(sales, slices.Concat(ids[:9], ids[10:])...)
}

// An approval as an earlier version kept it, which named nobody.
func TestAnApprovalThatNamesNobodyIsForAsManyAsWereHeld(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		members int
		held    bool
	}{{10, false}, {9, true}} {
		w := setup(t, lowFloor)
		g, ids := w.crowded(40)
		g.members = ids[10:]
		w.converge(changed(sales, ids[:10]...))
		before, err := w.ledger.Claim(t.Context(), groupObject(sales), "operator", w.now, w.now.Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		after := before
		after.Claim, after.Approval = provision.Claim{}, &provision.Approval{Operation: provision.Removing, At: w.now, Members: test.members}
		if err := w.ledger.Save(t.Context(), "operator", before, after); err != nil {
			t.Fatal(err)
		}
		a := w.converge(changed(sales))[0]
		if test.held {
			w.wantHeld(a, provision.Removing)
		} else if r := w.record(groupObject(sales)); a.Fault != nil || r.Approval != nil || r.Removals != nil {
			t.Errorf("%s; left behind: %+v", a.Reason, r)
		}
	}
}

func TestAnApprovalOutlivesAFaultThatWroteNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids...)
	w.approve(user(ids[1]), provision.Disabling)
	w.org.answer = func(provision.Operation, bool) error {
		return &provision.Fault{Kind: provision.Permanent, Reason: "400"}
	}
	w.converge(updated(ids[1]))
	w.wantActive(ids[1], true)
	w.org.answer = nil
	w.converge(updated(ids[1])) // replayed, after the mend
	w.wantActive(ids[1], false)
	if a := w.record(user(ids[1])).Approval; a != nil {
		t.Errorf("left behind: %+v", a)
	}
}

// What follows the write that was approved is a fault, and the approval is used
// up all the same.
func TestAnApprovalIsUsedUpByTheWriteAlsoIfTheAttemptFails(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(2)
	w.block(ids...)
	w.approve(user(ids[1]), provision.Disabling)
	w.tenant.users[ids[1]].surname = "Married"
	writes := 0
	w.org.answer = func(_ provision.Operation, done bool) error {
		if writes++; !done && writes > 1 {
			return &provision.Fault{Kind: provision.Permanent, Reason: "400"}
		}
		return nil
	}
	if a := w.converge(updated(ids[1]))[0]; a.Fault == nil {
		t.Fatal("it did not fail")
	}
	w.wantActive(ids[1], false)
	if r := w.record(user(ids[1])); r.Approval != nil || r.Hold != nil {
		t.Errorf("left behind: %+v", r)
	}
}

// The window ends, others leave, one comes back: whoever an operator wanted to
// stay stays, as long as Entra says the same of them.
func TestARejectedRemovalStandsForEachMember(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	g, ids := w.crowded(40)
	g.members = ids[5:]
	w.converge(changed(sales, ids[:5]...))
	g.members = ids[9:]
	w.wantHeld(w.converge(changed(sales, ids[5:9]...))[0], provision.Removing)
	w.reject(groupObject(sales), provision.Removing)
	log := w.logged()
	w.now = w.now.Add(2 * time.Hour)
	w.wantHeld(w.converge(changed(sales, ids[6]))[0], provision.Removing)
	w.wantHeld(w.converge(afresh(sales))[0], provision.Removing)
	w.wantMembers(sales, ids[5:]...)

	g.members = ids[10:]
	w.wantHeld(w.converge(changed(sales, ids[9]))[0], provision.Removing)
	w.wantMembers(sales, slices.Concat(ids[5:9], ids[10:])...)
	if r := w.record(groupObject(sales)); r.Rejected == nil || r.Hold.Members != 4 || log.Len() > 0 {
		t.Errorf("rejected are %+v, held %+v; alarms: %s", r.Rejected, r.Hold, log)
	}

	g.members = slices.Concat(ids[5:9], ids[10:])
	w.converge(changed(sales, ids[5:9]...))
	if r := w.record(groupObject(sales)); r.Rejected != nil || r.Hold != nil {
		t.Errorf("all are back, and left behind is %+v", r)
	}
	g.members = ids[10:]
	w.converge(changed(sales, ids[5:9]...))
	w.wantMembers(sales, g.members...)
}

// A mass that leaves after some were rejected is a hold of its own, which is
// decided on without them.
func TestAMassBesideARejectedRemovalIsDecidedOnByItself(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	g, ids := w.crowded(40)
	g.members = ids[9:]
	w.converge(changed(sales, ids[:9]...))
	w.reject(groupObject(sales), provision.Removing)
	log := w.logged()
	g.members = ids[19:]
	w.wantHeld(w.converge(changed(sales, ids[9:19]...))[0], provision.Removing)
	if r := w.record(groupObject(sales)); r.Rejected != nil || !slices.Equal(r.Hold.Who, ids[9:19]) {
		t.Errorf("to be decided on is %+v, rejected %+v", r.Hold, r.Rejected)
	}
	if n := strings.Count(log.String(), "removals held"); n != 1 {
		t.Errorf("%d alarms:\n%s", n, log)
	}
	w.approve(groupObject(sales), provision.Removing)
	w.drain()
	w.wantMembers(sales, slices.Concat(ids[:9], ids[19:])...)
	if r := w.record(groupObject(sales)); r.Rejected == nil || !slices.Equal(r.Rejected.Who, ids[:9]) {
		t.Errorf("rejected are %+v", r.Rejected)
	}
}
