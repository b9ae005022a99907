package provision_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// The enterprise application, and a role of it.
const (
	application = "6f1d2c3b-0000-4000-8000-0000000000aa"
	role        = "8fb0a9a5-6f0e-4c8f-9d43-4c2a1a8a1f11"
)

func assignedOnly(c *provision.Config) {
	c.Scoping.Application = &scoping.Application{Find: func(context.Context, string) (string, error) { return application, nil }}
}

func TestOnlyWhoIsAssignedIsProvisioned(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly)
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	w.tenant.roles[ada] = []string{role}
	attempts := w.converge(updated(ada), updated(bob))
	if attempts[0].Action != provision.Create || attempts[1].Status != provision.Skipped || len(w.org.accounts) != 1 {
		t.Errorf("%s, %s: %s", attempts[0].Action, attempts[1].Status, attempts[1].Reason)
	}
}

func TestWhoLeavesTheScopeIsDisabledAndLaterDeleted(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly)
	p := w.hire(ada, "ada@example.com")
	w.tenant.roles[ada] = []string{role}
	w.provisioned(ada)
	p.display = "Somebody else's business"
	delete(w.tenant.roles, ada)
	w.converge(updated(ada))
	w.now = w.now.Add(5 * time.Minute)
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable || len(a.Modified) != 1 {
		t.Fatalf("%s: %s, %v", a.Action, a.Reason, a.Modified)
	}
	if a := w.converge(updated(ada))[0]; a.Action != provision.None || a.Fault != nil || a.Again > 0 {
		t.Errorf("once more: %s: %s", a.Action, a.Reason)
	}
	w.org.of(ada)["active"] = true // by hand
	found := updated(ada)
	found.Afresh = true
	if a := w.converge(found)[0]; a.Action != provision.None || a.Again == 0 {
		t.Errorf("let in by hand: %s: %s", a.Action, a.Reason)
	}
	w.now = w.now.Add(5 * time.Minute)
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
		t.Errorf("let in by hand, five minutes later: %s: %s", a.Action, a.Reason)
	}
	w.tenant.roles[ada] = []string{role}
	if a := w.converge(updated(ada))[0]; a.Action != provision.Enable {
		t.Errorf("assigned again: %s: %s", a.Action, a.Reason)
	}
	delete(w.tenant.roles, ada)
	if a := w.converge(updated(ada))[0]; a.Action != provision.None || a.Again == 0 {
		t.Errorf("the list was empty before, and not since: %s: %s", a.Action, a.Reason)
	}
	w.now = w.now.Add(5 * time.Minute)
	w.converge(updated(ada))
	p.gone = true
	w.converge(deleted(ada))
	w.now = w.now.Add(10 * time.Minute)
	w.converge(updated(ada))
	if len(w.org.accounts) != 0 {
		t.Errorf("the account of one who was deleted for good is left: %v", w.org.accounts)
	}
}

// Graph shows an empty list also of an application that is gone.
func TestAnEmptyListOfAssignmentsClosesNoAccountUntilItHasLastedMinutes(t *testing.T) {
	t.Parallel()
	unknown := &provision.Fault{Kind: provision.Transient, Reason: "the application is not there"}
	for name, test := range map[string]struct {
		between  func(w *world)
		disabled bool
	}{
		"nothing else is said":          {disabled: true},
		"an assignment was shown since": {between: func(w *world) { w.tenant.roles[ada] = []string{role} }},
		"it was unknown since":          {between: func(w *world) { w.tenant.rolesErr = unknown }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, assignedOnly)
			w.hire(ada, "ada@example.com")
			w.tenant.roles[ada] = []string{role}
			w.provisioned(ada)
			look := func() provision.Attempt { return w.converge(updated(ada))[0] }
			delete(w.tenant.roles, ada)
			if a := look(); a.Action != provision.None || a.Fault != nil || a.Again == 0 || a.Again > 2*time.Minute {
				t.Fatalf("at the first look: %s, again %s: %s", a.Action, a.Again, a.Reason)
			}
			w.now = w.now.Add(4 * time.Minute)
			if a := look(); a.Action != provision.None || a.Again > 2*time.Minute {
				t.Errorf("a minute before: %s: %s", a.Action, a.Reason)
			}
			if test.between != nil {
				test.between(w)
				look()
				w.tenant.rolesErr = nil
				delete(w.tenant.roles, ada)
			}
			w.now = w.now.Add(time.Minute)
			look()
			if disabled := w.org.of(ada)["active"] == false; disabled != test.disabled {
				t.Errorf("disabled: %v", disabled)
			}
		})
	}
}

// unassignedNow is a world in which ada has an account, and has just lost her assignment.
func unassignedNow(t *testing.T) *world {
	t.Helper()
	w := setup(t, assignedOnly)
	w.hire(ada, "ada@example.com")
	w.assign(ada)
	w.provisioned(ada)
	delete(w.tenant.roles, ada)
	return w
}

// The list of all assignments, which names others, is that of an application that
// is there.
func TestWhoIsOutByAnotherSourceTooIsClosedAtOnce(t *testing.T) {
	t.Parallel()
	for word, want := range map[change.Nomination]provision.Action{change.Out: provision.Disable, change.In: provision.None, "": provision.None} {
		w := unassignedNow(t)
		c := updated(ada)
		c.Nominated = word
		if a := w.converge(c)[0]; a.Action != want || (a.Again == 0) != (want == provision.Disable) {
			t.Errorf("nominated %q: %s, again %s: %s", word, a.Action, a.Again, a.Reason)
		}
	}
}

// What a list or a group said minutes ago is not what the application's list says now:
// that may be empty because the application is away.
func TestAWordOfLongAgoIsNoSecondSource(t *testing.T) {
	t.Parallel()
	for _, source := range []change.Source{change.Engine, change.Reconcile} {
		for age, want := range map[time.Duration]provision.Action{time.Minute: provision.Disable, 5 * time.Minute: provision.None} {
			w := unassignedNow(t)
			c := updated(ada)
			c.Source, c.Nominated, c.SeenAt = source, change.Out, w.now.Add(-age)
			if a := w.Converge(t.Context(), []change.Change{c})[0]; a.Action != want || (a.Again == 0) != (want == provision.Disable) {
				t.Errorf("%s, %s ago: %s, again %s: %s", source, age, a.Action, a.Again, a.Reason)
			}
		}
	}
}

func TestWhoLeavesAnAssignedGroupIsClosedAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		also []string // in which ada is assigned by something else
		want provision.Action
	}{"and is in no other": {nil, provision.Disable}, "and is assigned as well": {[]string{role}, provision.None}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, assignedOnly)
			w.hire(ada, "ada@example.com")
			w.assign(ada, sales)
			w.provisioned(ada)
			w.team(sales, "Team", bob) // ada has left it
			w.tenant.roles[ada] = test.also
			w.queue.queued = nil
			w.converge(change.Change{
				Object: change.Object{Kind: change.Group, ID: sales}, Members: []string{ada}, Source: change.Notification,
			})
			if len(w.queue.queued) != 1 || w.queue.queued[0].ID != ada {
				t.Fatalf("queued %v", w.queue.queued)
			}
			if a := w.converge(w.queue.queued[0])[0]; a.Action != test.want || a.Again > 0 {
				t.Errorf("%s, again %s: %s", a.Action, a.Again, a.Reason)
			}
		})
	}
}

func TestWhoIsBlockedIsClosedAtOnceWhetherAssignedOrNot(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly)
	p := w.hire(ada, "ada@example.com")
	w.tenant.roles[ada] = []string{role}
	w.provisioned(ada)
	delete(w.tenant.roles, ada)
	p.enabled = false
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
		t.Errorf("%s: %s", a.Action, a.Reason)
	}
}

func TestWhoHasAnotherRoleThanThoseThatCountLeavesTheScopeAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly, func(c *provision.Config) { c.Scoping.Roles.ExcludeDefault = true })
	w.hire(ada, "ada@example.com")
	w.tenant.roles[ada] = []string{role}
	w.provisioned(ada)
	w.tenant.roles[ada] = []string{scoping.DefaultAccess}
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
		t.Errorf("%s: %s", a.Action, a.Reason)
	}
}

func TestWhoLeavesTheScopeStaysIfThatIsAskedFor(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly, func(c *provision.Config) { c.Scoping.SkipOutOfScope = true })
	p := w.hire(ada, "ada@example.com")
	w.tenant.roles[ada] = []string{role}
	w.provisioned(ada)
	delete(w.tenant.roles, ada)
	if a := w.converge(updated(ada))[0]; a.Status != provision.Skipped || w.org.of(ada)["active"] != true {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	p.binned = true
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
		t.Errorf("deleted: %s: %s", a.Action, a.Reason)
	}
}

func TestAnUnknownAssignmentIsNoneAndNoReason(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly)
	w.hire(ada, "ada@example.com")
	w.tenant.roles[ada] = []string{role}
	w.provisioned(ada)
	w.tenant.roles, w.tenant.rolesErr = nil, &provision.Fault{Kind: provision.Throttled, Reason: "429"}
	if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Again == 0 || w.org.of(ada)["active"] != true {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestAnApplicationNobodyKnowsFailsNoObjectForGood(t *testing.T) {
	t.Parallel()
	w := setup(t, func(c *provision.Config) {
		c.Scoping.Application = &scoping.Application{Find: func(context.Context, string) (string, error) {
			return "", &provision.Fault{Kind: provision.Permanent, Reason: "no such application"}
		}}
	})
	w.hire(ada, "ada@example.com")
	if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Again == 0 || w.tenant.reads != 0 {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

// Whoever joins or leaves an assigned group enters or leaves the scope, and is
// looked at.
func TestAMembershipInAnAssignedGroupIsAMatterOfTheMembersScope(t *testing.T) {
	t.Parallel()
	for name, skip := range map[string]bool{"groups are provisioned": false, "groups only decide": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, assignedOnly, func(c *provision.Config) { c.Scoping.SkipGroups = skip })
			w.hire(ada, "ada@example.com")
			w.hire(bob, "bob@example.com")
			w.team(sales, "Team", ada)
			c := change.Change{
				Object: change.Object{Kind: change.Group, ID: sales}, Members: []string{ada, bob}, Source: change.Notification,
			}
			w.converge(c)
			if !skip && len(w.queue.queued) > 0 {
				t.Fatalf("queued of a group that never was in scope: %v", w.queue.queued)
			}
			w.queue.queued = nil
			w.tenant.roles[sales] = []string{role}
			w.converge(c)
			var queued []string
			for _, c := range w.queue.queued {
				queued = append(queued, c.ID)
			}
			if diff := cmp.Diff([]string{ada, bob}, queued); diff != "" {
				t.Error(diff)
			}
			if (len(w.org.groups) == 0) != skip {
				t.Errorf("groups in Webex: %v", w.org.groups)
			}
		})
	}
}

// With a group that joins an assigned group, or leaves it, all who are in that
// one enter the scope or leave it.
func TestAGroupWithinAnAssignedGroupIsAMatterOfTheScopeOfAllInIt(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly, func(c *provision.Config) { c.Nested = true })
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	w.team(sales, "Team", ada, bob)
	w.team(europe, "All", sales)
	w.tenant.roles[europe] = []string{role}
	w.converge(change.Change{
		Object: change.Object{Kind: change.Group, ID: europe}, Members: []string{sales}, Source: change.Notification,
	})
	var queued []string
	for _, c := range w.queue.queued {
		if c.Kind == change.User {
			queued = append(queued, c.ID)
		}
	}
	if diff := cmp.Diff([]string{ada, bob}, queued); diff != "" {
		t.Error(diff)
	}
}

func TestWhoLeavesAGroupThatWasAssignedIsLookedAt(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly)
	w.hire(ada, "ada@example.com")
	w.team(sales, "Team", ada)
	w.tenant.roles[sales] = []string{role}
	w.converge(changed(sales))
	delete(w.tenant.roles, sales)
	w.tenant.groups[sales].members = nil
	w.queue.queued = nil
	w.converge(change.Change{
		Object: change.Object{Kind: change.Group, ID: sales}, Members: []string{ada}, Source: change.Notification,
	})
	if len(w.queue.queued) != 1 || w.queue.queued[0].ID != ada {
		t.Errorf("queued %v", w.queue.queued)
	}
}

func TestAGroupThatIsNoLongerAssignedIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly)
	w.team(sales, "Team")
	w.tenant.roles[sales] = []string{role}
	w.converge(changed(sales))
	delete(w.tenant.roles, sales)
	w.tenant.groups[sales].name = "Another"
	if a := w.converge(changed(sales))[0]; a.Status != provision.Skipped || len(w.org.groups) != 1 {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}
