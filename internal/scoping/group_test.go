package scoping_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

const (
	sales = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	legal = "8fb0a9a5-6f0e-4c8f-9d43-4c2a1a8a1f11"
)

func inDirectly(id string) scoping.Clause { return scoping.Clause{"memberOf", "IsMemberOf", id} }

func inSomehow(id string) scoping.Clause {
	return scoping.Clause{"transitiveMemberOf", "IsMemberOf", id}
}

// A clause about a group holds for who is in it, fails for who is not, and of whom that
// is not known decides nothing.
func TestAMembershipIsAskedOfOneGroupInOneWay(t *testing.T) {
	t.Parallel()
	f := newFilter(t, []scoping.Clause{inDirectly(strings.ToUpper(sales))})
	for _, test := range []struct {
		name   string
		member map[scoping.Group]bool
		want   scoping.Outcome
	}{
		{"a member", map[scoping.Group]bool{{ID: sales}: true}, scoping.Holds},
		{"no member", map[scoping.Group]bool{{ID: sales}: false}, scoping.Fails},
		{"of whom nothing is known", nil, scoping.Undetermined},
		{"a member of another", map[scoping.Group]bool{{ID: legal}: true}, scoping.Undetermined},
		{"a member through another", map[scoping.Group]bool{{ID: sales, Transitive: true}: true}, scoping.Undetermined},
	} {
		s := scoping.Subject{MemberOf: test.member}
		e := f.Explain(s)
		c := e.Groups[0].Clauses[0]
		if f.Evaluate(s) != test.want || c.Outcome != test.want || c.Known != (test.want != scoping.Undetermined) || c.Known && c.Value != (test.want == scoping.Holds) {
			t.Errorf("%s: %s, %+v", test.name, f.Evaluate(s), c)
		}
	}
}

func TestWhatAFilterAsksAbout(t *testing.T) {
	t.Parallel()
	f := newFilter(t, []scoping.Clause{inSomehow(legal), {"department", "EQUALS", "Sales"}}, []scoping.Clause{inDirectly(sales)}, []scoping.Clause{inDirectly(sales), inSomehow(sales)})
	if diff := cmp.Diff([]scoping.Group{{ID: sales}, {sales, true}, {legal, true}}, f.Groups()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"department"}, f.Attributes()); diff != "" {
		t.Error(diff)
	}
}

// Of a group that is asked about directly its own members decide; of one that is asked
// about transitively those of any group that may be within it.
func TestWhichGroupsDecide(t *testing.T) {
	t.Parallel()
	rules := func(clauses ...scoping.Clause) scoping.Rules {
		return scoping.Rules{SkipGroups: true, Filters: scoping.Filters{Users: newFilter(t, clauses)}}
	}
	for _, test := range []struct {
		name                                 string
		rules                                scoping.Rules
		named, other, transitively, followed bool
	}{
		{"none", rules(scoping.Clause{"department", "EQUALS", "Sales"}), false, false, false, false},
		{"one", rules(inDirectly(sales)), true, false, false, true},
		{"any", rules(inSomehow(sales)), true, true, true, true},
	} {
		r := test.rules
		if r.AsksAbout(sales) != test.named || r.AsksAbout(legal) != test.other || r.AsksTransitively() != test.transitively ||
			r.UsersFollowGroups() != test.followed || r.GroupsMatter() != test.followed {
			t.Errorf("%s: %t %t %t %t %t", test.name, r.AsksAbout(sales), r.AsksAbout(legal), r.AsksTransitively(), r.UsersFollowGroups(), r.GroupsMatter())
		}
	}
}

// That a list does not name somebody is told, where the filter rests on it.
func TestAnAbsenceIsTold(t *testing.T) {
	t.Parallel()
	filter := newFilter(t, []scoping.Clause{inDirectly(sales), {"department", "EQUALS", "Sales"}}, []scoping.Clause{inDirectly(legal)})
	subject := func(department string, member map[scoping.Group]bool) scoping.Subject {
		return scoping.Subject{
			Kind: change.User, Provisioned: true, MemberOf: member,
			Attributes: map[string]any{"accountEnabled": true, "department": department},
		}
	}
	for _, test := range []struct {
		name    string
		subject scoping.Subject
		want    scoping.Verdict
	}{
		{"who is in a group passes", subject("HR", map[scoping.Group]bool{{ID: sales}: false, {ID: legal}: true}), scoping.Verdict{Decision: scoping.Provision}},
		{"who is in none does not, by what a list lacks", subject("Sales", map[scoping.Group]bool{{ID: sales}: false, {ID: legal}: false}), scoping.Verdict{
			Decision: scoping.Deactivate, Reason: scoping.LeftFilter, Unlisted: true,
			Clauses: `memberOf IsMemberOf "` + sales + `", memberOf IsMemberOf "` + legal + `"`,
		}},
		{"of whom one list is not known, nothing is", subject("Sales", map[scoping.Group]bool{{ID: sales}: false}), scoping.Verdict{
			Decision: scoping.Unknown, Reason: scoping.FilterUnknown, Clauses: `memberOf IsMemberOf "` + legal + `"`,
		}},
	} {
		if diff := cmp.Diff(test.want, scoping.Rules{Filters: scoping.Filters{Users: filter}}.Decide(test.subject)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	only := scoping.Rules{Filters: scoping.Filters{Users: newFilter(t, []scoping.Clause{inDirectly(sales), {"department", "EQUALS", "Sales"}})}}
	if v := only.Decide(subject("HR", map[scoping.Group]bool{{ID: sales}: false})); v.Unlisted || v.Reason != scoping.LeftFilter {
		t.Errorf("an attribute is enough: %+v", v)
	}
}

// Whoever is blocked is out, in the filter or not; unless who leaves it keeps the account.
func TestABlockedPersonIsOutWhateverIsNotKnown(t *testing.T) {
	t.Parallel()
	rules := scoping.Rules{Filters: scoping.Filters{Users: newFilter(t, []scoping.Clause{inDirectly(sales)})}}
	blocked := scoping.Subject{Kind: change.User, Provisioned: true, Attributes: map[string]any{"accountEnabled": false}}
	if v := rules.Decide(blocked); v.Decision != scoping.Deactivate || v.Reason != scoping.Blocked {
		t.Errorf("%+v", v)
	}
	rules.SkipOutOfScope = true
	if v := rules.Decide(blocked); v.Decision != scoping.Unknown {
		t.Errorf("who may have left keeps the account: %+v", v)
	}
}

// A filter of nothing but memberships says nothing of somebody of whom something else
// changed; one that reads attributes, too, does.
func TestRulesWithoutMemberships(t *testing.T) {
	t.Parallel()
	user := scoping.Subject{Kind: change.User, Attributes: map[string]any{"accountEnabled": true, "department": "Sales"}}
	for _, test := range []struct {
		name    string
		clauses []scoping.Clause
		want    scoping.Decision
	}{
		{"memberships alone", []scoping.Clause{inDirectly(sales), inSomehow(legal)}, scoping.Provision},
		{"and an attribute", []scoping.Clause{inDirectly(sales), {"department", "EQUALS", "Sales"}}, scoping.Unknown},
	} {
		rules := scoping.Rules{Filters: scoping.Filters{Users: newFilter(t, test.clauses)}}.WithoutMemberships()
		if v := rules.Decide(user); v.Decision != test.want {
			t.Errorf("%s: %+v", test.name, v)
		}
	}
}
