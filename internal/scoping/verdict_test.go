package scoping_test

import (
	"context"
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// Each row is a sentence: who, by which rules, is to become what.
func TestWhoIsProvisioned(t *testing.T) {
	t.Parallel()
	const (
		everybody = iota
		assigned
		withoutDefault
		sparing
		groupless
		filtered
		assignedFiltered
		sparingFiltered
		grouplessFiltered
	)
	const sales, teams = `department EQUALS "Sales"`, `displayName ENDS_WITH "Team"`
	filters := scoping.Filters{
		Users:  newFilter(t, []scoping.Clause{{"department", "EQUALS", "Sales"}}),
		Groups: newFilter(t, []scoping.Clause{{"displayName", "ENDS_WITH", "Team"}}),
	}
	role := []string{"8fb0a9a5-6f0e-4c8f-9d43-4c2a1a8a1f11"}
	user := func(enabled any) scoping.Subject {
		return scoping.Subject{Kind: change.User, Attributes: map[string]any{"accountEnabled": enabled}}
	}
	group := func(secure any) scoping.Subject {
		return scoping.Subject{Kind: change.Group, Attributes: map[string]any{"securityEnabled": secure}}
	}
	in := func(s scoping.Subject) scoping.Subject { s.Roles = role; return s }
	byDefault := func(s scoping.Subject) scoping.Subject { s.Roles = []string{scoping.DefaultAccess}; return s }
	linked := func(s scoping.Subject) scoping.Subject { s.Provisioned = true; return s }
	binned := func(s scoping.Subject) scoping.Subject { s.SoftDeleted = true; return s }
	with := func(name string, v any, s scoping.Subject) scoping.Subject { s.Attributes[name] = v; return s }
	seller := func(s scoping.Subject) scoping.Subject { return with("department", "Sales", s) }
	hr := func(s scoping.Subject) scoping.Subject { return with("department", "HR", s) }
	unasked := func(s scoping.Subject) scoping.Subject { s.RolesUnknown = true; return s }

	for _, test := range []struct {
		name    string
		rules   int
		subject scoping.Subject
		want    scoping.Verdict
	}{
		{"a person who may sign in is provisioned", everybody, user(true), scoping.Verdict{Decision: scoping.Provision}},
		{"a blocked person is not created", everybody, user(false), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.Blocked}},
		{"a blocked person's account is closed", everybody, linked(user(false)), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Blocked}},
		{"whoever is in the recycle bin is not created", everybody, binned(user(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.SoftDeleted}},
		{"the account of whoever is in the recycle bin is closed", everybody, binned(linked(user(true))), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.SoftDeleted}},
		{"also where assignments decide, which nobody reads of the recycle bin", assigned, unasked(binned(linked(user(true)))), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.SoftDeleted}},
		{"a state that is not shown decides nothing", everybody, user(nil), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.StateUnknown}},
		{"a state that is a text decides nothing", everybody, linked(user("false")), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.StateUnknown}},
		{"no assignment counts where everybody is in scope", everybody, unasked(user(true)), scoping.Verdict{Decision: scoping.Provision}},

		{"whoever is assigned is provisioned", assigned, in(user(true)), scoping.Verdict{Decision: scoping.Provision}},
		{"the default access is an assignment", assigned, byDefault(user(true)), scoping.Verdict{Decision: scoping.Provision}},
		{"unless it is excluded", withoutDefault, byDefault(user(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotAssigned}},
		{"a stranger is not created", assigned, user(true), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotAssigned}},
		{"a blocked stranger is a stranger first", assigned, user(false), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotAssigned}},
		{"a stranger of whom nothing is shown is one, too", assigned, user(nil), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotAssigned}},
		{"whoever left the scope is closed", assigned, linked(user(true)), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Unassigned}},
		{"or stays, if that is wanted", sparing, linked(user(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.Unassigned}},
		{"but a blocked person in scope does not", sparing, in(linked(user(false))), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Blocked}},
		{"assignments that could not be read decide nothing", assigned, unasked(linked(user(true))), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.AssignmentsUnknown}},
		{"not even of a blocked person", assigned, unasked(linked(user(false))), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.AssignmentsUnknown}},

		{"a security group is provisioned", everybody, group(true), scoping.Verdict{Decision: scoping.Provision}},
		{"another group is not", everybody, group(false), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotSecurityEnabled}},
		{"and stays in Webex when it stops to be one", everybody, linked(group(false)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotSecurityEnabled}},
		{"a group of which that is not shown is looked at", everybody, linked(group(nil)), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.StateUnknown}},
		{"a group in the recycle bin stays", everybody, binned(linked(group(true))), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.SoftDeleted}},
		{"no group is provisioned where none are to be", groupless, linked(in(group(true))), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.GroupsOff}},
		{"nor touched in the recycle bin", groupless, binned(linked(group(true))), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.GroupsOff}},
		{"an assigned group is provisioned", assigned, in(group(true)), scoping.Verdict{Decision: scoping.Provision}},
		{"another is not", assigned, group(true), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotAssigned}},
		{"and stays in Webex when it is assigned no more", assigned, linked(group(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.Unassigned}},
		{"whoever satisfies the filter is provisioned", filtered, seller(user(true)), scoping.Verdict{Decision: scoping.Provision}},
		{"whoever does not is not created", filtered, hr(user(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotInFilter, Clauses: sales}},
		{"nor whoever has no department", filtered, with("department", nil, user(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotInFilter, Clauses: sales}},
		{"whoever satisfies it no longer is closed", filtered, linked(hr(user(true))), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.LeftFilter, Clauses: sales}},
		{"or stays, if that is wanted of those who leave the scope", sparingFiltered, in(linked(hr(user(true)))), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.LeftFilter, Clauses: sales}},
		{"what the filter asks for and nobody shows is looked at", filtered, linked(user(true)), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.FilterUnknown, Clauses: sales}},
		{"also of a blocked person, who may be left alone", filtered, linked(user(false)), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.FilterUnknown, Clauses: sales}},
		{"a blocked person who satisfies the filter is closed", filtered, linked(seller(user(false))), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Blocked}},
		{"whoever is in the recycle bin is closed whatever the filter says", filtered, binned(linked(user(true))), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.SoftDeleted}},
		{"whoever is assigned must satisfy the filter, too", assignedFiltered, in(hr(user(true))), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotInFilter, Clauses: sales}},
		{"and whoever satisfies it must be assigned", assignedFiltered, seller(user(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotAssigned}},
		{"whoever is both is provisioned", assignedFiltered, in(seller(user(true))), scoping.Verdict{Decision: scoping.Provision}},
		{"a stranger is a stranger before the filter is asked", assignedFiltered, hr(user(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotAssigned}},
		{"whoever left both is closed by the filter, which rests on no list", assignedFiltered, linked(hr(user(true))), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.LeftFilter, Clauses: sales}},
		{"whoever left the assignment is closed whatever the filter would say", assignedFiltered, linked(user(true)), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Unassigned}},
		{"whoever does not satisfy the filter is out of scope though the assignments are not known", assignedFiltered, unasked(linked(hr(user(true)))), scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.LeftFilter, Clauses: sales}},
		{"whoever satisfies it is looked at then", assignedFiltered, unasked(seller(user(true))), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.AssignmentsUnknown}},
		{"a group that satisfies its filter is provisioned", filtered, with("displayName", "A-Team", group(true)), scoping.Verdict{Decision: scoping.Provision}},
		{"another is not", filtered, with("displayName", "All", group(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotInFilter, Clauses: teams}},
		{"and stays in Webex when it does so no longer", filtered, linked(with("displayName", "All", group(true))), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.LeftFilter, Clauses: teams}},
		{"a group whose name is not shown is looked at", filtered, group(true), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.FilterUnknown, Clauses: teams}},
		{"a filter of groups that are not provisioned says nothing", grouplessFiltered, with("displayName", "All", group(true)), scoping.Verdict{Decision: scoping.Skip, Reason: scoping.GroupsOff}},

		{"a group whose assignments could not be read is looked at", assigned, unasked(group(true)), scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.AssignmentsUnknown}},
	} {
		application := &scoping.Application{Find: func(context.Context, string) (string, error) { return "app", nil }}
		rules := map[int]scoping.Rules{
			everybody:      {},
			assigned:       {Application: application},
			withoutDefault: {Application: application, Roles: scoping.Roles{ExcludeDefault: true}},
			sparing:        {Application: application, SkipOutOfScope: true},
			groupless:      {Application: application, SkipGroups: true},

			filtered:          {Filters: filters},
			assignedFiltered:  {Application: application, Filters: filters},
			sparingFiltered:   {Application: application, SkipOutOfScope: true, Filters: filters},
			grouplessFiltered: {SkipGroups: true, Filters: filters},
		}[test.rules]
		got := rules.Decide(test.subject)
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
		if got.IsSoftDeleted() != (got.Decision != scoping.Provision) || (got.Sentence(test.subject.Kind) == "") != (got.Reason == "") {
			t.Errorf("%s: %q, IsSoftDeleted %t", test.name, got.Sentence(test.subject.Kind), got.IsSoftDeleted())
		}
	}
}

// What changes in somebody does not change who is assigned.
func TestAChangeThatIsNoAssignmentIsJudgedWithoutThem(t *testing.T) {
	t.Parallel()
	rules := scoping.Rules{Application: &scoping.Application{}, SkipGroups: true}
	s := scoping.Subject{Kind: change.User, Attributes: map[string]any{"accountEnabled": true}, RolesUnknown: true}
	if v := rules.WithoutAssignments().Decide(s); v.Decision != scoping.Provision || !rules.AssignmentsMatter() {
		t.Errorf("%+v", v)
	}
}

func TestASentenceNamesTheClausesThatDecide(t *testing.T) {
	t.Parallel()
	var groups [][]scoping.Clause
	for _, city := range []string{"Bonn", "Köln", "Ulm", "Kiel", "Hof"} {
		groups = append(groups, []scoping.Clause{{"city", "EQUALS", city}, {"department", "IS NOT NULL", ""}})
	}
	rules := scoping.Rules{Filters: scoping.Filters{Users: newFilter(t, groups...), Groups: newFilter(t, groups...)}}
	decide := func(s scoping.Subject) string {
		s.Attributes = map[string]any{"city": "Bern", "department": "HR"}
		return rules.Decide(s).Sentence(s.Kind)
	}
	const clauses = `by city EQUALS "Bonn", city EQUALS "Köln", city EQUALS "Ulm", and 2 more`
	for got, want := range map[string]string{
		decide(scoping.Subject{Kind: change.User}):                     "does not satisfy the scoping filter, " + clauses + " (NotEffectivelyEntitled)",
		decide(scoping.Subject{Kind: change.User, Provisioned: true}):  "no longer satisfies the scoping filter, " + clauses,
		decide(scoping.Subject{Kind: change.Group, Provisioned: true}): "no longer satisfies the scoping filter, " + clauses + ": the group is kept as it is",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	rules.SkipOutOfScope = true
	if got := decide(scoping.Subject{Kind: change.User, Provisioned: true}); got != "no longer satisfies the scoping filter, "+clauses+", and stays as it is: SKIP_OUT_OF_SCOPE_DELETIONS is set" {
		t.Errorf("%q", got)
	}
	if got := rules.Decide(scoping.Subject{Kind: change.User}).Sentence(change.User); !strings.HasPrefix(got, "may satisfy the scoping filter or not: Entra did not show what decides, city EQUALS") {
		t.Errorf("%q", got)
	}
}

func TestASentenceTellsWhetherAnythingIsTakenAway(t *testing.T) {
	t.Parallel()
	closes := scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Unassigned}
	stays := scoping.Verdict{Decision: scoping.Skip, Reason: scoping.Unassigned}
	for text, want := range map[string]string{
		closes.Sentence(change.User): "no longer assigned", stays.Sentence(change.User): "SKIP_OUT_OF_SCOPE_DELETIONS",
		stays.Sentence(change.Group): "kept as it is",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
}

// Assignments are read where the mapping reads app roles, and decide nothing then.
func TestMappedRolesHaveAssignmentsReadAndDecideNothing(t *testing.T) {
	t.Parallel()
	rules := scoping.Rules{SkipGroups: true, Mapped: &scoping.Application{Find: func(context.Context, string) (string, error) { return "the app", nil }}}
	app, err := rules.App(t.Context())
	if app != "the app" || err != nil || !rules.AssignmentsRead() || !rules.GroupsMatter() || rules.AssignmentsMatter() {
		t.Error(app, err, rules)
	}
	s := scoping.Subject{Kind: change.User, RolesUnknown: true, Attributes: map[string]any{"accountEnabled": true}}
	if v := rules.Decide(s); v.Decision != scoping.Provision {
		t.Error(v)
	}
}
