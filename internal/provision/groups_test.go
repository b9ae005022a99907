package provision_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// formed converges a group that shall succeed, and what follows from it.
func (w *world) formed(id string) provision.Attempt {
	w.t.Helper()
	a := w.converge(changed(id))[0]
	if a.Status != provision.Success {
		w.t.Fatalf("%s: %s: %s", a.Object, a.Status, a.Reason)
	}
	w.drain()
	return a
}

func (w *world) wantMembers(id string, people ...string) {
	w.t.Helper()
	slices.Sort(people)
	if diff := cmp.Diff(append([]string{}, people...), w.org.in(id)); diff != "" {
		w.t.Error(diff)
	}
}

// staff is a world in which Ada and Bob are provisioned, and Cyd is in Entra
// only.
func staff(t *testing.T, options ...func(*provision.Config)) *world {
	t.Helper()
	w := setup(t, options...)
	w.assign(ada, bob, cyd, sales)
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	w.hire(cyd, "cyd@example.com")
	w.provisioned(ada)
	w.provisioned(bob)
	return w
}

// assign assigns them to the application.
func (w *world) assign(ids ...string) {
	for _, id := range ids {
		w.tenant.roles[id] = []string{role}
	}
}

func nested(c *provision.Config) { c.Nested = true }

func TestAGroupIsCreatedWithItsMembers(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, `Sales "EU" \ all`, ada, bob)
	var a provision.Attempt
	if got := w.calls(func() { a = w.formed(sales) }); got != "SEARCH POST MEMBERS+2-0" {
		t.Errorf("called %s", got)
	}
	want := map[string]any{"id": w.org.group(sales), "displayName": `Sales "EU" \ all`, "externalId": sales}
	if diff := cmp.Diff(want, w.org.groups[w.org.group(sales)]); diff != "" {
		t.Error(diff)
	}
	w.wantMembers(sales, ada, bob)
	if diff := cmp.Diff(provision.MemberCount{Added: 2}, a.Members); diff != "" || a.Action != provision.Create {
		t.Error(a.Action, diff)
	}
	if got := w.calls(func() { w.converge(changed(sales)) }); got != "" {
		t.Errorf("a second look called %s", got)
	}
}

// Each case is about a group of Ada that is in Webex, and says what the hint
// costs.
func TestAHintNamesWhomToLookAt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		members []string
		hints   []string
		calls   string
		want    []string
	}{
		{"who joined is added", []string{ada, bob}, []string{bob}, "MEMBERS+1-0", []string{ada, bob}},
		{"who left is removed", nil, []string{ada}, "MEMBERS+0-1", nil},
		{"joins and leaves are one call", []string{bob}, []string{ada, bob}, "MEMBERS+1-1", []string{bob}},
		{"who is named twice counts once", []string{ada, bob}, []string{bob, bob}, "MEMBERS+1-0", []string{ada, bob}},
		{"no hint, no call", []string{ada, bob}, nil, "", []string{ada}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := staff(t)
			g := w.team(sales, "Sales", ada)
			w.formed(sales)
			g.members = test.members
			reads := w.tenant.reads
			if got := w.calls(func() { w.converge(changed(sales, test.hints...)) }); got != test.calls {
				t.Errorf("called %q, want %q", got, test.calls)
			}
			if n := w.tenant.reads - reads; n != 1 {
				t.Errorf("Entra was read %d times", n)
			}
			w.wantMembers(sales, test.want...)
		})
	}
}

func TestARenamedGroupIsPatched(t *testing.T) {
	t.Parallel()
	w := staff(t)
	g := w.team(sales, "Sales", ada)
	w.formed(sales)
	g.name = "Sales and Service"
	if got := w.calls(func() { w.formed(sales) }); got != "PATCH" {
		t.Errorf("called %s", got)
	}
	if got := w.org.groups[w.org.group(sales)]["displayName"]; got != g.name {
		t.Errorf("it is called %v", got)
	}
	w.wantMembers(sales, ada)
}

func TestAGroupThatIsThereIsAdoptedOnlyIfItIsEvidentlyMeant(t *testing.T) {
	t.Parallel()
	type there struct {
		externalID any
		reserved   string
	}
	for _, test := range []struct {
		name    string
		there   []there
		adopted bool
		reason  string
	}{
		{"a free one", []there{{}}, true, ""},
		{"what an earlier system left", []there{{externalID: "grp-17"}}, true, ""},
		{"its own among others", []there{{}, {externalID: sales}, {reserved: "location"}}, true, ""},
		{"two free ones", []there{{}, {}}, false, "could be any of the Webex groups"},
		{"one that Webex manages", []there{{reserved: "it is the group of a location"}}, false, "it is the group of a location"},
		{"a free one beside a reserved one", []there{{}, {reserved: "it is Webex's own"}}, false, "it is Webex's own"},
		{"one of another Entra object", []there{{externalID: cyd}}, false, cyd},
		{"one of an object that no longer is in this tenant", []there{{externalID: europe}}, true, ""},
		{"two with its id", []there{{externalID: sales}, {externalID: sales}}, false, "could be any of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := staff(t)
			w.org.reserved = map[string]string{}
			var ids []string
			for _, g := range test.there {
				id := w.org.addGroup("SALES", g.externalID)
				w.org.reserved[id] = g.reserved
				ids = append(ids, id)
			}
			w.team(sales, "Sales", ada)
			a := w.converge(changed(sales))[0]
			if len(w.org.groups) != len(ids) {
				t.Errorf("there are %d groups", len(w.org.groups))
			}
			if test.adopted {
				if a.Status != provision.Success || !slices.Contains(ids, w.org.group(sales)) {
					t.Errorf("%s: %s", a.Status, a.Reason)
				}
				w.wantMembers(sales, ada)
				return
			}
			if a.Fault == nil || a.Fault.Kind != provision.Permanent || !strings.Contains(a.Reason, test.reason) {
				t.Fatalf("%s: %s", a.Status, a.Reason)
			}
			for _, id := range ids {
				if !strings.Contains(a.Reason, id) {
					t.Errorf("%q does not name %s", a.Reason, id)
				}
			}
		})
	}
}

func TestTwoGroupsOfOneNameInEntraAreTwoInWebex(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada)
	w.team(europe, "Sales", bob)
	w.formed(sales)
	w.formed(europe)
	w.wantMembers(sales, ada)
	w.wantMembers(europe, bob)
}

func TestMembersOfAnAdoptedGroupThatAreNobodysInEntraStay(t *testing.T) {
	t.Parallel()
	w := staff(t)
	local := w.org.add("reception@example.com", "svc")
	bobs := ""
	for id, a := range w.org.accounts {
		if a["externalId"] == bob {
			bobs = id
		}
	}
	w.org.addGroup("Sales", nil, local, bobs)
	w.team(sales, "Sales", ada)
	w.formed(sales)
	w.wantMembers(sales, ada, "svc")
}

// A reference to somebody who is not in Webex yet heals in either order, also
// where the engine was started anew in between.
func TestAMemberWhoComesLaterIsAddedThen(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada, cyd)
	a := w.formed(sales)
	w.wantMembers(sales, ada)
	if a.Members.Waiting != 1 {
		t.Errorf("%d members are waited for", a.Members.Waiting)
	}
	w.renew()
	w.provisioned(cyd)
	w.drain()
	w.wantMembers(sales, ada, cyd)
	if got := w.calls(func() { w.converge(updated(cyd)); w.drain() }); got != "" {
		t.Errorf("it is told again: %s", got)
	}
}

func TestWhoIsMadeAgainGetsTheMembershipsBack(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada, bob)
	w.formed(sales)
	for id, a := range w.org.accounts { // by hand, in Control Hub
		if a["externalId"] == ada {
			delete(w.org.accounts, id)
			w.org.members[w.org.group(sales)] = slices.DeleteFunc(w.org.members[w.org.group(sales)], func(m string) bool { return m == id })
		}
	}
	w.tenant.users[ada].surname = "Byron"
	if a := w.settled(updated(ada), time.Hour); a.Status != provision.Success {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	w.drain()
	w.wantMembers(sales, ada, bob)
}

func TestAMemberWhoseAccountIsGoneIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := staff(t)
	g := w.team(sales, "Sales", ada)
	w.formed(sales)
	for id, a := range w.org.accounts {
		if a["externalId"] == bob {
			delete(w.org.accounts, id)
		}
	}
	g.members = []string{ada, bob}
	w.converge(changed(sales, bob))
	w.drain()
	w.wantMembers(sales, ada, bob)
}

func TestADeletedMemberKeepsTheMembershipForTheRestore(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]bool{"who comes back": false, "who left the group before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := staff(t)
			g := w.team(sales, "Sales", ada, bob)
			w.formed(sales)
			if left {
				g.members = []string{ada}
			}
			w.tenant.users[bob].binned = true
			w.converge(updated(bob), changed(sales, bob))
			w.wantMembers(sales, ada, bob)
			w.tenant.users[bob].binned = false
			w.converge(updated(bob))
			w.drain()
			if left {
				w.wantMembers(sales, ada)
			} else {
				w.wantMembers(sales, ada, bob)
			}
		})
	}
}

func TestAGroupInTheRecycleBinIsKept(t *testing.T) {
	t.Parallel()
	w := staff(t)
	g := w.team(sales, "Sales", ada)
	w.formed(sales)
	g.binned = true
	if a := w.converge(changed(sales))[0]; a.Status != provision.Skipped {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	w.wantMembers(sales, ada)
	g.binned = false
	w.converge(changed(sales))
	w.wantMembers(sales, ada)
}

func TestAGroupInTheRecycleBinIsDeletedIfThatIsAskedFor(t *testing.T) {
	t.Parallel()
	w := staff(t, func(c *provision.Config) { c.DeleteBinned = true })
	g := w.team(sales, "Sales", ada)
	w.formed(sales)
	g.binned = true
	if a := w.converge(changed(sales))[0]; a.Action != provision.Delete || w.org.group(sales) != "" {
		t.Errorf("%s: %s", a.Action, a.Reason)
	}
	g.binned = false
	w.formed(sales)
	w.wantMembers(sales, ada)
}

func TestAGroupIsDeletedOnlyWithGraphsWordAndTwoReadings(t *testing.T) {
	t.Parallel()
	w := staff(t)
	g := w.team(sales, "Sales", ada)
	w.formed(sales)
	g.gone = true
	for range 3 { // without the word, however often
		w.converge(changed(sales))
		w.now = w.now.Add(time.Hour)
	}
	if w.org.group(sales) == "" {
		t.Fatal("it is deleted for its absence")
	}
	word := changed(sales)
	word.Deleted = true
	w.converge(word)
	w.now = w.now.Add(11 * time.Minute)
	w.converge(changed(sales))
	if w.org.group(sales) != "" {
		t.Error("it is not deleted")
	}
}

// Each case finds it in another way: members are changed, listed, or the group is
// read.
func TestAGroupThatVanishedFromWebexIsMadeAgainWithItsMembers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]change.Change{
		"by a change of its members": changed(sales, bob), "by their comparison": changed(sales), "by reading it": afresh(sales),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := staff(t)
			g := w.team(sales, "Sales", ada, bob)
			w.formed(sales)
			if name == "by their comparison" {
				g.insecure = true
				w.converge(changed(sales))
				g.insecure = false
			}
			delete(w.org.groups, w.org.group(sales))
			g.members = []string{ada}
			began := w.now
			a := w.settled(c, time.Hour)
			if a.Status != provision.Success || a.Action != provision.Create || w.now.Sub(began) < 5*time.Minute {
				t.Fatalf("%s after %s: %s", a.Status, w.now.Sub(began), a.Reason)
			}
			w.drain()
			w.wantMembers(sales, ada)
		})
	}
}

// One 404 to a change of members, or to their list, is no proof.
func TestAGroupOutlivesA404(t *testing.T) {
	t.Parallel()
	for name, compared := range map[string]bool{"to a change of its members": false, "to their comparison": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := staff(t)
			g := w.team(sales, "Sales", ada)
			w.formed(sales)
			webexID := w.org.group(sales)
			if compared {
				g.insecure = true
				w.converge(changed(sales))
				g.insecure = false
			}
			g.members = []string{bob}
			w.org.down = provision.Answered(provision.Gone, "404", nil)
			a := w.converge(changed(sales, ada, bob))[0]
			if a.Fault == nil || a.Fault.Kind != provision.Transient || a.WebexID != webexID {
				t.Fatalf("%s: %s", a.Status, a.Reason)
			}
			w.org.down = nil
			w.settled(changed(sales, ada, bob), time.Hour)
			w.wantMembers(sales, bob)
			if r := w.record(groupObject(sales)); r.WebexID != webexID || r.Missing != nil || len(w.org.groups) != 1 {
				t.Errorf("linked to %s; %+v; %d groups", r.WebexID, r.Missing, len(w.org.groups))
			}
		})
	}
}

func TestOneMemberThatFailsIsOneFaultAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	w := staff(t)
	g := w.team(sales, "Sales")
	w.formed(sales)
	g.members = []string{ada, bob}
	for id, a := range w.org.accounts {
		if a["externalId"] == ada {
			w.org.refuse = map[string]error{id: &provision.Fault{Kind: provision.Permanent, Reason: "400"}}
		}
	}
	a := w.converge(changed(sales, ada, bob))[0]
	if a.Fault == nil || a.Fault.Kind != provision.Permanent || !strings.Contains(a.Reason, ada) {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	w.wantMembers(sales, bob)
}

func TestAnAnswerThatIsMissingRemovesNobody(t *testing.T) {
	t.Parallel()
	w := staff(t)
	g := w.team(sales, "Sales", ada, bob)
	w.formed(sales)
	g.fault[ada] = &provision.Fault{Kind: provision.Throttled, Reason: "429", After: time.Minute}
	g.members = nil
	a := w.converge(changed(sales, ada, bob))[0]
	if a.Fault == nil || a.Again == 0 {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	w.wantMembers(sales, ada)
}

// A page that is empty, or only a part, nominates; who is nominated is asked
// about.
func TestAnEmptyPageOfMembersRemovesNobody(t *testing.T) {
	t.Parallel()
	w := staff(t)
	g := w.team(sales, "Sales", ada, bob)
	w.formed(sales)
	w.tenant.blank = true
	g.members = []string{ada}
	c := changed(sales)
	c.Afresh = true
	w.converge(c)
	w.wantMembers(sales, ada)
}

func TestGroupsThatCannotBeProvisioned(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		group   group
		options []func(*provision.Config)
		status  provision.Status
		reason  string
	}{
		{"whose name Entra does not show", group{name: "Sales", lacks: "displayName"}, nil, provision.Failure, "lacks displayName"},
		{"of which Entra does not show whether it is secure", group{name: "Sales", lacks: "securityEnabled"}, nil, provision.Failure, "lacks securityEnabled"},
		{"without a name", group{}, nil, provision.Failure, "no value for displayName"},
		{"with a name too long", group{name: strings.Repeat("x", 513)}, nil, provision.Failure, "513 characters"},
		{"not security-enabled", group{name: "List", insecure: true}, nil, provision.Skipped, "is not security-enabled"},
		{"where groups are not wanted", group{name: "Sales"}, []func(*provision.Config){func(c *provision.Config) { c.Scoping.SkipGroups = true }}, provision.Skipped, "PROVISION_GROUPS"},
		{"soft-deleted before it ever was", group{name: "Sales", binned: true}, nil, provision.Skipped, "recycle bin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := staff(t, test.options...)
			w.tenant.groups[sales] = &test.group
			a := w.converge(changed(sales), updated(cyd))
			if a[0].Status != test.status || !strings.Contains(a[0].Reason, test.reason) {
				t.Errorf("%s: %s", a[0].Status, a[0].Reason)
			}
			if a[1].Status != provision.Success || len(w.org.groups) > 0 {
				t.Errorf("%s; %d groups", a[1].Reason, len(w.org.groups))
			}
		})
	}
}

// formedSlowly converges a group over a Webex that is slow for four attempts,
// until it need not come again, and returns the number of attempts.
func (w *world) formedSlowly(id string) int {
	w.t.Helper()
	w.org.slow = func() { w.now = w.now.Add(100 * time.Second) }
	attempts := 0
	for again := true; again; attempts++ {
		a := w.converge(changed(id))[0]
		if a.Fault != nil || attempts > 10 {
			w.t.Fatalf("attempt %d: %s", attempts, a.Reason)
		}
		if again = a.Again > 0; again {
			w.now = w.now.Add(a.Again)
		}
		if attempts > 2 {
			w.org.slow = nil
		}
	}
	return attempts
}

func TestAComparisonThatRunsOutOfTimeGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	for name, adopted := range map[string]bool{"of a new group": false, "of an adopted one": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			var members []string
			for i := range 250 {
				id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
				w.hire(id, fmt.Sprintf("u%d@example.com", i))
				w.provisioned(id)
				members = append(members, id)
			}
			stranger := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			if adopted {
				for id, a := range w.org.accounts {
					if a["externalId"] == ada {
						w.org.addGroup("Sales", nil, id)
					}
				}
			}
			stranger.surname = "Byron"
			w.team(sales, "Sales", members...)
			if attempts := w.formedSlowly(sales); attempts < 2 {
				t.Errorf("%d attempts", attempts)
			}
			w.wantMembers(sales, members...)
		})
	}
}

func TestNestedGroups(t *testing.T) {
	t.Parallel()
	t.Run("make their users members", func(t *testing.T) {
		t.Parallel()
		w := staff(t, nested)
		w.team(sales, "Sales", bob)
		w.team(europe, "Europe", ada, sales)
		w.formed(europe)
		w.wantMembers(europe, ada, bob)
	})
	t.Run("pass a change on to the groups around them", func(t *testing.T) {
		t.Parallel()
		w := staff(t, nested)
		inner := w.team(sales, "Sales")
		w.team(europe, "Europe", ada, sales)
		w.formed(sales)
		w.formed(europe)
		inner.members = []string{bob}
		w.converge(changed(sales, bob))
		w.drain()
		w.wantMembers(sales, bob)
		w.wantMembers(europe, ada, bob)
		inner.members = nil
		w.converge(changed(sales, bob))
		w.drain()
		w.wantMembers(europe, ada)
	})
	t.Run("may come, go and come back", func(t *testing.T) {
		t.Parallel()
		w := staff(t, nested)
		inner := w.team(sales, "Sales", bob)
		outer := w.team(europe, "Europe", ada)
		w.formed(sales)
		w.formed(europe)
		outer.members = []string{ada, sales}
		w.converge(changed(europe, sales))
		w.drain()
		w.wantMembers(europe, ada, bob)
		inner.binned = true
		w.converge(changed(europe, sales), changed(sales))
		w.drain()
		w.wantMembers(europe, ada)
		inner.binned = false
		w.converge(changed(sales))
		w.drain()
		w.wantMembers(europe, ada, bob)
		outer.members = []string{ada}
		w.converge(changed(europe, sales))
		w.drain()
		w.wantMembers(europe, ada)
	})
	t.Run("are no members while nesting is off", func(t *testing.T) {
		t.Parallel()
		w := staff(t)
		w.team(sales, "Sales", bob)
		w.team(europe, "Europe", ada, sales)
		if a := w.formed(europe); a.Members.Skipped != 1 {
			t.Errorf("%d members are skipped", a.Members.Skipped)
		}
		w.wantMembers(europe, ada)
	})
}

func TestAWholeComparisonMendsWhatWasChangedByHand(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada)
	w.formed(sales)
	for id, a := range w.org.accounts {
		if a["externalId"] == bob {
			w.org.members[w.org.group(sales)] = []string{id}
		}
	}
	c := changed(sales)
	c.Afresh = true
	w.converge(c)
	w.wantMembers(sales, ada)
	if got := w.calls(func() { w.converge(c) }); got != "GET LIST" {
		t.Errorf("a second comparison called %s", got)
	}
}

func TestAChangeOfAUserNeverWritesAGroup(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada, cyd)
	w.formed(sales)
	if got := w.calls(func() { w.provisioned(cyd) }); got != "POST" {
		t.Errorf("called %s", got)
	}
	want := []change.Change{{
		Object: change.Object{Kind: change.Group, ID: sales}, Members: []string{cyd},
		Source: change.Engine, SeenAt: w.now, CorrelationID: "c-" + cyd,
	}}
	if diff := cmp.Diff(want, w.queue.queued); diff != "" {
		t.Error(diff)
	}
}

// Somebody who joined and is deleted before the group is compared, is on no list
// of members. Nobody hears of the deletion before the restore, which gives the
// membership back.
func TestWhoIsNamedAndNotListedComesBackAMember(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	w.team(sales, "Sales", ada)
	p.binned = true
	w.converge(changed(sales, ada))
	w.wantMembers(sales)
	p.binned = false
	w.converge(updated(ada))
	w.drain()
	w.wantMembers(sales, ada)
}

// arriving is a ledger in which something happens just before a note is written.
type arriving struct {
	provision.Ledger

	before func()
}

func (a arriving) Await(ctx context.Context, group change.Object, users []change.Object) error {
	a.before()
	return a.Ledger.Await(ctx, group, users)
}

// Whoever gets an account between the group's look and its note that it waits
// found no note, and told nobody.
func TestWhoArrivesJustBeforeTheNoteIsAMember(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.team(sales, "Sales", ada)
	worker := provision.New(w.config)
	w.config.Ledger = arriving{w.ledger, func() { worker.Converge(t.Context(), []change.Change{updated(ada)}) }}
	w.renew()
	w.converge(changed(sales, ada))
	w.wantMembers(sales, ada)
}
