package provision_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/provision"
)

// sighted is a user as a sweep saw it now.
func (w *world) sighted(id string, matches ...provision.Resource) provision.Snapshot {
	return provision.Snapshot{
		Object: user(id), Reading: w.tenant.reading(id), At: w.now.Add(time.Hour), Matches: matches, Listed: true,
	}
}

func (w *world) see(snapshots ...provision.Snapshot) []provision.Attempt {
	w.t.Helper()
	attempts := w.ConvergeSeen(w.t.Context(), snapshots)
	w.org.check(w.t)
	return attempts
}

func TestWhatASweepSawIsNotReadAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	if a := w.see(w.sighted(ada))[0]; a.Action != provision.Create || w.tenant.reads != 0 {
		t.Errorf("%s: %s; Entra was read %d times", a.Action, a.Reason, w.tenant.reads)
	}
}

func TestWhatSomebodyTouchedSinceIsReadAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	old := w.sighted(ada)
	old.At = w.now
	p.display = "Ada the Second"
	w.provisioned(ada)
	reads := w.tenant.reads
	if a := w.see(old)[0]; a.Status != provision.Skipped || w.org.of(ada)["displayName"] != "Ada the Second" || w.tenant.reads == reads {
		t.Errorf("%s: %s: %v", a.Action, a.Reason, w.org.of(ada))
	}
}

// account is what Webex has of somebody.
func (w *world) account(id string) provision.Resource {
	w.t.Helper()
	for webexID, attributes := range w.org.accounts {
		if attributes["externalId"] == id {
			return provision.Resource{ID: webexID, Attributes: attributes}
		}
	}
	w.t.Fatalf("%s has no account", id)
	return provision.Resource{}
}

// forget empties the ledger of a world.
func (w *world) forget() *world {
	w.t.Helper()
	other := setup(w.t)
	other.tenant, other.org = w.tenant, w.org
	other.config.Directory, other.config.Target = w.tenant, w.org
	other.Engine = provision.New(other.config)
	return other
}

func TestAnEmptiedLedgerLearnsItsLinksAndWritesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	w = w.forget()
	calls := w.calls(func() { w.see(w.sighted(ada, w.account(ada))) })
	if r := w.record(user(ada)); calls != "" || r.WebexID == "" {
		t.Errorf("called %s, linked to %q", calls, r.WebexID)
	}
}

func TestAFirstComparisonParksWhatItWouldTakeAway(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	w = w.forget()
	p.enabled = false
	s := w.sighted(ada, w.account(ada))
	s.Park = true
	if a := w.see(s)[0]; a.Fault == nil || a.Fault.Kind != provision.Held || w.org.of(ada)["active"] != true {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Fault.Kind != provision.Held || w.org.of(ada)["active"] != true {
		t.Errorf("a change went past the hold: %s: %s", a.Status, a.Reason)
	}
	w.approve(user(ada), provision.Disabling)
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
		t.Errorf("approved: %s: %s", a.Status, a.Reason)
	}
}

func TestSomebodyWhoIsDisabledIsNotMatchedByNameAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	found := w.account(ada)
	found.Attributes["externalId"] = "left by another system"
	w = w.forget()
	w.tenant.users[ada].enabled = false
	if a := w.see(w.sighted(ada, found))[0]; a.Status != provision.Skipped {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestAGroupOfASweepIsCreatedWithItsMembers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	w.team(sales, "Sales", ada, bob)
	w.provisioned(ada)
	s := provision.Snapshot{
		Object: groupObject(sales), At: w.now.Add(time.Hour), Members: []string{ada, bob}, Whole: true, Listed: true,
		Reading: w.tenant.readGroup(provision.Query{Object: groupObject(sales)}),
	}
	calls := w.calls(func() {
		if a := w.see(s)[0]; a.Action != provision.Create || a.Members.Waiting != 1 {
			t.Errorf("%s: %s: %+v", a.Action, a.Reason, a.Members)
		}
	})
	if strings.Contains(calls, "MEMBERS") || strings.Contains(calls, "SEARCH") {
		t.Errorf("called %s", calls)
	}
	w.wantMembers(sales, ada)
	w.provisioned(bob)
	w.drain()
	w.wantMembers(sales, ada, bob)
}

func TestAHundredObjectsAreWorkedOnInParallel(t *testing.T) {
	t.Parallel()
	const parallel = 16
	w := setup(t, func(c *provision.Config) { c.Parallel = parallel })
	var snapshots []provision.Snapshot
	for i := range 100 {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		w.hire(id, fmt.Sprintf("user%d@example.com", i))
		snapshots = append(snapshots, w.sighted(id))
	}
	for _, a := range w.see(snapshots...) {
		if a.Action != provision.Create {
			t.Errorf("%s: %s", a.Object, a.Reason)
		}
	}
}

func TestWhoIsSeenTwiceIsTakenAsSeenLast(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	before := w.sighted(ada)
	p.display = "Ada the Second"
	for _, a := range w.see(before, w.sighted(bob), w.sighted(ada)) {
		if a.Action != provision.Create {
			t.Errorf("%s: %s", a.Object, a.Reason)
		}
	}
	if w.org.of(ada)["displayName"] != "Ada the Second" || w.org.of(bob)["userName"] != "bob@example.com" {
		t.Errorf("%v, %v", w.org.of(ada), w.org.of(bob))
	}
}

func TestAnAccountIsGivenToOneOfTwoWhoWouldAdoptIt(t *testing.T) {
	t.Parallel()
	const parallel = 16
	w := setup(t, func(c *provision.Config) { c.Parallel = parallel })
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	w.provisioned(ada)
	found := w.account(ada)
	found.Attributes["externalId"] = "left by another system"
	other := w.forget()
	other.config.Parallel = parallel
	other.Engine = provision.New(other.config)
	attempts := other.see(other.sighted(ada, found), other.sighted(bob, found))
	if first, second := other.record(user(ada)).WebexID, other.record(user(bob)).WebexID; first == second {
		t.Errorf("both are linked to %q: %s, %s", first, attempts[0].Reason, attempts[1].Reason)
	}
}

// Nor is one whose link was given up because Webex said for long that it is not
// there: it is ours, and somebody may have opened it.
func TestAnAccountThatIsThereAgainIsNotParked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	found := w.account(ada)
	account := w.org.accounts[found.ID]
	delete(w.org.accounts, found.ID)
	p.enabled = false
	for a := w.converge(updated(ada))[0]; a.Again > 0; a = w.converge(updated(ada))[0] {
		w.now = w.now.Add(a.Again)
	}
	if r := w.record(user(ada)); r.WebexID != "" {
		t.Fatalf("still linked to %s", r.WebexID)
	}
	w.org.accounts[found.ID] = account
	w.now = w.now.Add(time.Hour)
	s := w.sighted(ada, found)
	s.Park = true
	if a := w.see(s)[0]; a.Action != provision.Disable {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

// What an attempt of ours created and never learned of was not there before.
func TestAnAccountOfOurOwnIsNotParked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.org.answer = lost()
	w.converge(updated(ada))
	w.org.answer = nil
	p.enabled = false
	w.now = w.now.Add(10 * time.Minute)
	s := w.sighted(ada, w.account(ada))
	s.Park = true
	if a := w.see(s)[0]; a.Action != provision.Disable {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

// However somebody comes to be looked at, and in whatever order Webex lists: a plan shows
// the account that is then taken.
func TestOfTwoAccountsWithTheObjectsIDEveryRoadTakesTheSame(t *testing.T) {
	t.Parallel()
	const name = "ada@example.com"
	for _, test := range []struct {
		does  string
		names [2]string
		want  int
	}{
		{"the second has the name", [2]string{"old@example.com", name}, 1},
		{"the first has the name", [2]string{name, "old@example.com"}, 0},
		{"neither is told from the other by what is matched", [2]string{"old@example.com", "older@example.com"}, 0},
	} {
		for _, swapped := range []bool{false, true} {
			t.Run(fmt.Sprint(test.does, ", swapped ", swapped), func(t *testing.T) {
				t.Parallel()
				w := setup(t, matchedBy(t, "userName", number))
				w.employ(ada, name, "4711")
				var ids []string
				var matches []provision.Resource
				for _, n := range test.names {
					id := w.numbered(n, "4711")
					w.org.accounts[id]["externalId"] = ada
					ids, matches = append(ids, id), append(matches, provision.Resource{ID: id, Attributes: w.org.accounts[id]})
				}
				if swapped {
					slices.Reverse(matches)
				}
				planned := w.dryRun(updated(ada))[0].WebexID
				taken := w.ConvergeSeen(t.Context(), []provision.Snapshot{w.sighted(ada, matches...)})[0].WebexID
				if planned != ids[test.want] || taken != ids[test.want] {
					t.Errorf("planned %s, taken %s, want %s of %v", planned, taken, ids[test.want], ids)
				}
			})
		}
	}
}
