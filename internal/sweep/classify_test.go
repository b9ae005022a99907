package sweep

import (
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// row is one rule: how somebody stands and what follows.
type row struct {
	name string
	standing
	repair bool
	want   outcome
}

// Each row begins with one whom both sides list, as was written, and says what is
// different.
func TestWhatFollowsFromHowSomebodyStands(t *testing.T) {
	t.Parallel()
	but := func(edit func(*standing)) standing {
		s := standing{
			kind: change.User, verdict: scoping.Verdict{Decision: scoping.Provision},
			linked: true, active: true, settled: true, listed: true, open: true, mapped: true, same: true, entitled: true,
		}
		edit(&s)
		return s
	}
	for _, test := range append(rowsOfUsers(but), rowsOfGroups(but)...) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := classify(test.standing, test.repair); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func rowsOfUsers(but func(func(*standing)) standing) []row {
	unknown := scoping.Verdict{Decision: scoping.Unknown, Reason: scoping.StateUnknown}
	blocked := scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Blocked}
	unassigned := scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Unassigned}
	skipped := scoping.Verdict{Decision: scoping.Skip, Reason: scoping.Blocked}
	return []row{
		{"nothing is done where both sides are the same", but(func(*standing) {}), true, outcome{class: InSync}},
		{"what Entra has changed is written", but(func(s *standing) { s.same = false }), false, outcome{class: Behind, deed: converge}},
		{"what Entra has changed is written unread where Webex has what was written", but(func(s *standing) { s.same = false }), true, outcome{class: Behind, deed: converge}},
		{"what is open about somebody is gone on with", but(func(s *standing) { s.settled = false }), false, outcome{class: Behind, deed: converge}},
		{"what is written is held against what Webex has where drift is put back", but(func(s *standing) { s.same, s.drifted = false, true }), true, outcome{class: Behind, deed: converge, afresh: true}},
		{"what was changed in Webex stays where drift is told only", but(func(s *standing) { s.drifted = true }), false, outcome{class: Drifted}},
		{"what was changed in Webex is put back where drift is", but(func(s *standing) { s.drifted = true }), true, outcome{class: Drifted, deed: converge, afresh: true}},
		{"what Webex had before it was mapped is read and cleared", but(func(s *standing) { s.leftover = true }), false, outcome{class: Behind, deed: converge, afresh: true}},
		{"so it is with what else Entra has changed", but(func(s *standing) { s.same, s.leftover = false, true }), false, outcome{class: Behind, deed: converge, afresh: true}},
		{"where the page leaves out whether it is to be cleared, the worker looks", but(func(s *standing) { s.mapped, s.leftover = false, true }), false, outcome{class: Behind, deed: look, afresh: true}},
		{"who has no account gets one", but(func(s *standing) { s.linked, s.listed = false, false }), false, outcome{class: New, deed: converge}},
		{"an account that Webex does not list is read before it is made again", but(func(s *standing) { s.listed = false }), false, outcome{class: Missing, deed: converge, afresh: true}},
		{"of whom the verdict is not known, the worker looks", but(func(s *standing) { s.verdict = unknown }), false, outcome{class: Behind, deed: look}},
		{"of whom the page leaves out what is mapped, the worker looks", but(func(s *standing) { s.mapped = false }), false, outcome{class: Behind, deed: look}},
		{"so it does where there is no account yet", but(func(s *standing) { s.mapped, s.linked = false, false }), false, outcome{class: New, deed: look}},
		{"who may not sign in is closed", but(func(s *standing) { s.verdict = blocked }), false, outcome{class: Behind, deed: converge, open: true}},
		{"who may not sign in and was let in by hand is read first and closed", but(func(s *standing) { s.verdict, s.active, s.drifted = blocked, false, true }), false, outcome{class: Behind, deed: converge, afresh: true, open: true}},
		{"who may not sign in is closed where the list does not show it", but(func(s *standing) { s.verdict, s.active, s.open, s.hidden = blocked, false, false, true }), false, outcome{class: Behind, deed: converge, afresh: true}},
		{"who may not sign in and is closed stays so", but(func(s *standing) { s.verdict, s.active, s.open, s.shut = blocked, false, false, true }), false, outcome{class: InSync}},
		{"who is entitled and was shut out by hand is named", but(func(s *standing) { s.open, s.shut, s.drifted = false, true, true }), false, outcome{class: Drifted, shutOut: true}},
		{"who was closed by us and is to be open is not shut out", but(func(s *standing) { s.active, s.open, s.shut, s.same = false, false, true, false }), false, outcome{class: Behind, deed: converge}},
		{"who is to be inactive is not shut out", but(func(s *standing) { s.open, s.shut, s.entitled = false, true, false }), false, outcome{class: InSync}},
		{"who left the scope is looked at", but(func(s *standing) { s.verdict, s.open = unassigned, false }), false, outcome{class: Unassigned, deed: look}},
		{"who left the scope and is let in is named", but(func(s *standing) { s.verdict = unassigned }), false, outcome{class: Unassigned, deed: look, open: true}},
		{"who left the scope, was closed and let in by hand is looked at", but(func(s *standing) { s.verdict, s.active = unassigned, false }), false, outcome{class: Unassigned, deed: look, open: true}},
		{"who left the scope and was closed needs nothing", but(func(s *standing) { s.verdict, s.active, s.open = unassigned, false, false }), false, outcome{class: Unassigned}},
		{"who is out of scope and was never in Webex is left out", but(func(s *standing) { s.verdict, s.linked = unassigned, false }), false, outcome{deed: skip}},
		{"who is out of scope and whose account was given up and is there is looked at", but(func(s *standing) { s.verdict, s.linked, s.stray, s.away = unassigned, false, true, true }), false, outcome{deed: look}},
		{"who is out of scope and whose account another system made is left out", but(func(s *standing) { s.verdict, s.linked, s.stray = unassigned, false, true }), false, outcome{deed: skip}},
		{"who is out of scope, without an account and not settled is looked at", but(func(s *standing) { s.verdict, s.linked, s.settled = unassigned, false, false }), false, outcome{deed: look}},
		{"who is blocked and has no account is left out", but(func(s *standing) { s.verdict, s.linked = skipped, false }), false, outcome{deed: skip}},
		{"who is blocked and whose account nobody has is matched with it", but(func(s *standing) { s.verdict, s.linked, s.stray = skipped, false, true }), false, outcome{class: New, deed: converge}},
	}
}

func rowsOfGroups(but func(func(*standing)) standing) []row {
	unassigned := scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.Unassigned}
	skipped := scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotSecurityEnabled}
	group := func(edit func(*standing)) standing {
		return but(func(s *standing) {
			s.kind, s.open, s.entitled = change.Group, false, false
			edit(s)
		})
	}
	return []row{
		{"a group that is the same has its members compared", group(func(*standing) {}), false, outcome{class: InSync, members: true}},
		{"a group that is written has its members compared beside it", group(func(s *standing) { s.same = false }), false, outcome{class: Behind, deed: converge, members: true}},
		{"a group that is read afresh has them compared by the engine", group(func(s *standing) { s.drifted = true }), true, outcome{class: Drifted, deed: converge, afresh: true}},
		{"a group that was renamed in Webex has its members compared", group(func(s *standing) { s.drifted = true }), false, outcome{class: Drifted, members: true}},
		{"a group that is no security group any more is looked at", group(func(s *standing) { s.verdict = skipped }), false, outcome{class: Unassigned, deed: look}},
		{"a group that left the scope is looked at, closed or not", group(func(s *standing) { s.verdict, s.active = unassigned, false }), false, outcome{class: Unassigned, deed: look}},
		{"a group that is not to be, without one in Webex and not settled is gone on with", group(func(s *standing) { s.verdict, s.linked, s.settled = skipped, false, false }), false, outcome{class: New, deed: converge}},
		{"a group that never was in Webex and is not to be is left out", group(func(s *standing) { s.verdict, s.linked = skipped, false }), false, outcome{deed: skip}},
	}
}
