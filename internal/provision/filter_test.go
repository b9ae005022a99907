package provision_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// membersOnly has only those in scope who satisfy one of the clauses.
func membersOnly(t *testing.T, clauses ...scoping.Clause) func(*provision.Config) {
	t.Helper()
	groups := make([][]scoping.Clause, len(clauses))
	for i, c := range clauses {
		groups[i] = []scoping.Clause{c}
	}
	filter, mistakes := scoping.NewFilter(groups)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return func(c *provision.Config) { c.Scoping.Filters.Users = filter }
}

func memberOf(id string) scoping.Clause {
	return scoping.Clause{Attribute: "memberOf", Operator: "IsMemberOf", Value: id}
}

func memberSomehow(id string) scoping.Clause {
	return scoping.Clause{Attribute: "transitiveMemberOf", Operator: "IsMemberOf", Value: id}
}

func TestOnlyMembersOfAGroupThatTheFilterAsksAboutAreProvisioned(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		clause scoping.Clause
		within provision.Action // what becomes of who is in it through another group
	}{
		"directly":          {memberOf(europe), provision.None},
		"also transitively": {memberSomehow(europe), provision.Create},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, membersOnly(t, test.clause))
			w.hire(ada, "ada@example.com")
			w.hire(bob, "bob@example.com")
			w.hire(cyd, "cyd@example.com")
			w.team(sales, "Sales", bob)
			w.team(europe, "Europe", ada, sales)
			var actions []provision.Action
			for _, a := range w.converge(updated(ada), updated(bob), updated(cyd)) {
				actions = append(actions, a.Action)
			}
			if diff := cmp.Diff([]provision.Action{provision.Create, test.within, provision.None}, actions); diff != "" {
				t.Error(diff)
			}
			w.tenant.groups[europe].members = []string{ada, sales, cyd}
			if a := w.converge(updated(cyd))[0]; a.Action != provision.Create {
				t.Errorf("who joins is let in at once: %s: %s", a.Action, a.Reason)
			}
		})
	}
}

// One answer that does not name the group is no proof: a replica may be behind.
func TestWhoLeavesTheGroupOfAFilterIsClosedAfterMinutesOfNothingElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		between  func(w *world)
		disabled bool
	}{
		"nothing else is shown":       {disabled: true},
		"the group was shown since":   {between: func(w *world) { w.tenant.groups[sales].members = []string{ada} }},
		"the group was away since":    {between: func(w *world) { w.tenant.groups[sales].binned = true }},
		"another group lets pass now": {between: func(w *world) { w.team(europe, "Europe", ada) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, membersOnly(t, memberOf(sales), memberOf(europe)))
			w.hire(ada, "ada@example.com")
			w.team(sales, "Sales", ada)
			w.team(europe, "Europe")
			w.provisioned(ada)
			look := func() provision.Attempt { return w.converge(updated(ada))[0] }
			w.tenant.groups[sales].members = nil
			out := updated(ada)
			out.Nominated = change.Out // by which it is not seen on two looks
			if a := w.converge(out)[0]; a.Action != provision.None || a.Fault != nil || a.Again == 0 || a.Again > 2*time.Minute {
				t.Fatalf("at the first look: %s, again %s: %s", a.Action, a.Again, a.Reason)
			}
			w.now = w.now.Add(4 * time.Minute)
			if a := look(); a.Action != provision.None || a.Again > 2*time.Minute {
				t.Errorf("a minute before: %s: %s", a.Action, a.Reason)
			}
			if test.between != nil {
				test.between(w)
				look()
				w.tenant.groups[sales].binned, w.tenant.groups[sales].members = false, nil
				w.tenant.groups[europe].members = nil
			}
			w.now = w.now.Add(time.Minute)
			look()
			if disabled := w.org.of(ada)["active"] == false; disabled != test.disabled {
				t.Errorf("disabled: %v", disabled)
			}
			w.tenant.groups[sales].members = []string{ada}
			if look(); w.org.of(ada)["active"] != true {
				t.Error("who is back is not let in at once")
			}
		})
	}
}

func TestWhoIsBlockedAndInNoGroupOfAFilterIsClosedAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, membersOnly(t, memberOf(sales)))
	p := w.hire(ada, "ada@example.com")
	w.team(sales, "Sales", ada)
	w.provisioned(ada)
	w.tenant.groups[sales].members = nil
	p.enabled = false
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
		t.Errorf("%s: %s", a.Action, a.Reason)
	}
}

// A group that is away says nothing of who is in it, and the fault names it.
func TestAGroupOfAFilterThatIsAwayTakesNobodyOut(t *testing.T) {
	t.Parallel()
	w := setup(t, membersOnly(t, memberOf(sales)))
	p := w.hire(ada, "ada@example.com")
	w.team(sales, "Sales", ada)
	w.provisioned(ada)
	w.tenant.groups[sales].gone = true
	for range 30 {
		a := w.converge(updated(ada))[0]
		if a.Fault == nil || a.Fault.Kind != provision.Transient || !strings.Contains(a.Reason, "asks about group "+sales) || !strings.Contains(a.Reason, "restore the group, or apply a mapping") {
			t.Fatalf("%s: %s", a.Status, a.Reason)
		}
		w.now = w.now.Add(time.Hour)
	}
	if w.org.of(ada)["active"] != true {
		t.Error("closed")
	}
	p.enabled = false
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
		t.Errorf("blocked meanwhile: %s: %s", a.Action, a.Reason)
	}
}

// Whoever joins or leaves a group that a filter asks about is looked at, and with a
// group within it all in that one.
func TestAMembershipThatAFilterAsksAboutIsAMatterOfTheMembersScope(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		clause scoping.Clause
		change change.Change
		queued []string
	}{
		"in the group": {memberOf(europe), changed(europe, ada, cyd), []string{ada, cyd}},
		"in another":   {memberOf(europe), changed(sales, ada), nil},
		"of a group, where those in it do not count": {memberOf(europe), changed(europe, sales), nil},
		"of a group, where they do":                  {memberSomehow(europe), changed(europe, sales), []string{bob, cyd}},
		"in a group that may be within it":           {memberSomehow(europe), changed(sales, ada), []string{ada}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, membersOnly(t, test.clause), func(c *provision.Config) { c.Scoping.SkipGroups = true })
			w.hire(ada, "ada@example.com")
			w.hire(bob, "bob@example.com")
			w.hire(cyd, "cyd@example.com")
			const deep = "6c0b1c2d-0000-4000-8000-0000000000a3"
			w.team(deep, "Deep", cyd)
			w.team(sales, "Sales", bob, deep)
			w.team(europe, "Europe", ada, sales)
			w.converge(test.change)
			var queued []string
			for _, c := range w.queue.queued {
				if queued = append(queued, c.ID); c.Kind != change.User || c.Nominated != "" {
					t.Errorf("queued %+v", c)
				}
			}
			if diff := cmp.Diff(test.queued, queued); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Only users are asked about groups, and only about those that a filter names.
func TestNoGroupIsAskedAboutThatNoFilterNames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		clauses []scoping.Clause
		want    []scoping.Group
	}{
		"none": {nil, nil},
		"two":  {[]scoping.Clause{memberOf(sales), memberSomehow(europe), memberOf(sales)}, []scoping.Group{{ID: sales}, {ID: europe, Transitive: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, membersOnly(t, test.clauses...))
			w.hire(ada, "ada@example.com")
			w.team(sales, "Sales", ada)
			w.converge(updated(ada), changed(sales))
			for _, q := range w.tenant.asked {
				want := test.want
				if q.Object.Kind == change.Group {
					want = nil
				}
				if !slices.Equal(q.Groups, want) {
					t.Errorf("%s: %v", q.Object, q.Groups)
				}
			}
		})
	}
}

// A delta query tells nothing of memberships: what it says of a user changes none.
func TestWhoIsToldAndHasNotChangedIsNotLookedAtForAFilterOfGroups(t *testing.T) {
	t.Parallel()
	w := setup(t, membersOnly(t, memberOf(sales)))
	w.hire(ada, "ada@example.com")
	w.team(sales, "Sales", ada)
	w.provisioned(ada)
	same, err := w.Unchanged(t.Context(), aPerson(ada), w.tenant.reading(ada).Attributes)
	if err != nil || !same {
		t.Errorf("unchanged: %v, %v", same, err)
	}
}

// The guard holds those whom an emptied group takes out of scope.
func TestAnEmptiedGroupOfAFilterIsHeldByTheGuard(t *testing.T) {
	t.Parallel()
	w := setup(t, membersOnly(t, memberOf(sales)), lowFloor)
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	w.hire(cyd, "cyd@example.com")
	w.team(sales, "Sales", ada, bob, cyd)
	for _, id := range []string{ada, bob, cyd} {
		w.provisioned(id)
	}
	w.tenant.groups[sales].members = nil
	w.converge(updated(ada), updated(bob), updated(cyd))
	w.now = w.now.Add(5 * time.Minute)
	held := 0
	for _, a := range w.converge(updated(ada), updated(bob), updated(cyd)) {
		if a.Fault != nil && a.Fault.Kind == provision.Held {
			held++
		}
	}
	if held != 2 {
		t.Errorf("%d held of 3", held)
	}
}
