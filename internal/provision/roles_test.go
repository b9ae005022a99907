package provision_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// rolesMapped has the title be an app role, of whoever is in scope.
func rolesMapped(t *testing.T) func(*provision.Config) {
	t.Helper()
	lines := mapped(t, "", "    - { target: title, expression: 'SingleAppRoleAssignment([appRoleAssignments])', whenNull: clear }\n", "")
	return func(c *provision.Config) {
		lines(c)
		c.Scoping.Mapped = &scoping.Application{Find: func(context.Context, string) (string, error) { return application, nil }}
	}
}

func unknownRoles() error {
	return &provision.Fault{Kind: provision.Throttled, Reason: "429 for the roles", After: time.Minute}
}

func TestAnAppRoleIsMappedWhoeverIsInScope(t *testing.T) {
	t.Parallel()
	w := setup(t, rolesMapped(t))
	w.hire(ada, "ada@example.com")
	for _, roles := range [][]string{{"Admin"}, {"Agent"}, nil, {"Agent"}} {
		w.tenant.roles[ada] = roles
		if a := w.converge(updated(ada))[0]; a.Fault != nil {
			t.Fatal(a.Reason)
		}
		if got, _ := w.account(ada).Attributes["title"].(string); got != strings.Join(roles, "") {
			t.Errorf("in the roles %q the title is %q", roles, got)
		}
	}
}

// Unknown is never null: nothing is written of it, and it is asked for again.
func TestAppRolesThatAreNotKnownChangeNothing(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*tenant){
		"the assignments": func(t *tenant) { t.rolesErr = unknownRoles() },
		"the names":       func(t *tenant) { t.namesErr = unknownRoles() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, rolesMapped(t))
			p := w.hire(ada, "ada@example.com")
			w.tenant.roles[ada] = []string{"Admin"}
			w.provisioned(ada)
			fail(w.tenant)
			w.hire(bob, "bob@example.com")
			attempts := w.converge(updated(ada), updated(bob))
			for _, a := range attempts {
				if a.Fault == nil || a.Fault.Kind != provision.Throttled || a.Again == 0 {
					t.Errorf("%s: %+v, again %v", a.Object, a.Fault, a.Again)
				}
			}
			if got := w.account(ada).Attributes["title"]; got != "Admin" || len(w.org.accounts) != 1 {
				t.Errorf("the title is %v, of %d accounts", got, len(w.org.accounts))
			}
			p.enabled = false
			if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
				t.Errorf("somebody blocked waits for the roles: %s", a.Reason)
			}
		})
	}
}

// What a delta query tells of says nothing of roles, whose changes the list of
// assignments tells.
func TestAppRolesAreNoReasonToLookAtWhoeverADeltaQueryTellsOf(t *testing.T) {
	t.Parallel()
	w := setup(t, rolesMapped(t))
	w.hire(ada, "ada@example.com")
	w.tenant.roles[ada] = []string{"Admin"}
	w.provisioned(ada)
	w.now = w.now.Add(time.Hour)
	for display, want := range map[string]bool{"Given Surname": true, "Another": false} {
		attributes := map[string]any{"userPrincipalName": "ada@example.com", "displayName": display, "accountEnabled": true}
		if got, err := w.Unchanged(t.Context(), change.Object{Kind: change.User, ID: ada}, attributes); got != want || err != nil {
			t.Errorf("%s: unchanged %t, %v", display, got, err)
		}
	}
}

// A membership gives app roles and takes them away, whoever is in scope.
func TestWhoeverJoinsOrLeavesAGroupIsLookedAtForTheAppRoles(t *testing.T) {
	t.Parallel()
	w := setup(t, rolesMapped(t))
	w.hire(ada, "ada@example.com")
	w.team(sales, "Sales", ada)
	c := change.Change{Object: change.Object{Kind: change.Group, ID: sales}, Members: []string{ada, bob}, Source: change.Notification}
	w.hire(bob, "bob@example.com")
	w.converge(c)
	var told []string
	for _, c := range w.queue.queued {
		if c.Nominated != "" {
			t.Errorf("%s is said to be %s", c, c.Nominated)
		}
		told = append(told, c.ID)
	}
	if asked := w.tenant.asked[0]; strings.Join(told, " ") != ada+" "+bob || asked.App != "" || asked.RoleNames {
		t.Errorf("queued %v, asked %+v", told, asked)
	}
}
