package sweep

import (
	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// standing is how one that lives in Entra stands in the ledger, in Webex and to the
// mapping, by what was read of both sides.
type standing struct {
	kind    change.Kind
	verdict scoping.Verdict
	// linked says that the ledger knows an account, active that it was written
	// active, settled that nothing is open about it.
	linked, active, settled bool
	// listed says that Webex lists the account, drifted that it has something else
	// than was written, open and shut that it shows it active or inactive, hidden
	// that it shows which of others and not of this one.
	listed, drifted, open, shut, hidden bool
	// stray says that an account which is nobody's has the object's id, away that the
	// object had one which was given up.
	stray, away bool
	// mapped says that it is known what Webex should have, same that it was
	// written, entitled that it is to be active.
	mapped, same, entitled bool
	// leftover says that Webex has what was never written, and what Entra clears, or
	// may: its page does not show.
	leftover bool
}

// deed is what is done about one.
type deed int

const (
	// nothing is to be done.
	nothing deed = iota
	// skip: there is none, and none is to be.
	skip
	// look: the worker looks at the object itself.
	look
	// converge: the engine writes what differs.
	converge
)

// outcome is what follows from a standing.
type outcome struct {
	// class is empty for one that is in none.
	class Class
	deed  deed
	// afresh says that the engine reads the account before it writes.
	afresh bool
	// members says that the members of the group are compared here; the engine
	// compares those of a group that it reads afresh. Where the class is InSync,
	// it follows from them.
	members bool
	// open says that the account is open and must not be, shutOut that it is shut
	// and somebody entitled is without it.
	open, shutOut bool
}

// classify decides about one that lives in Entra. Repair puts back what was changed
// in Webex.
func classify(s standing, repair bool) outcome {
	decision := s.verdict.Decision
	switch {
	case s.verdict.OutOfScope() || s.isNoTeam():
		return outside(s)
	case decision == scoping.Skip && s.settled && !s.stray:
		return outcome{deed: skip}
	case decision == scoping.Unknown || !s.mapped: // what a page does not show, the object itself may
		return unknown(s)
	case !s.linked:
		return outcome{class: New, deed: converge}
	case !s.listed:
		return outcome{class: Missing, deed: converge, afresh: true}
	case decision == scoping.Deactivate && (s.open || s.hidden):
		// Whoever may not sign in is closed, whatever becomes of drift; also where
		// the list does not show it.
		return outcome{class: Behind, deed: converge, afresh: !s.active, open: s.open}
	default:
		return differing(s, repair)
	}
}

// isNoTeam reports whether it is a group that is no security group any more.
func (s standing) isNoTeam() bool {
	return s.verdict.Decision == scoping.Skip && s.kind == change.Group && s.linked
}

// unknown decides about one of which the page does not show all that decides.
func unknown(s standing) outcome {
	if s.linked {
		return outcome{class: Behind, deed: look, afresh: s.leftover}
	}
	return outcome{class: New, deed: look}
}

// outside decides about one that is in no list of those in scope, if there may be
// something to take away.
func outside(s standing) outcome {
	switch {
	case !s.linked && s.settled && (!s.stray || !s.away):
		return outcome{deed: skip}
	case !s.linked:
		return outcome{deed: look}
	}
	o := outcome{class: Unassigned, deed: look, open: s.open && s.verdict.Decision == scoping.Deactivate}
	if s.settled && s.kind == change.User && !s.active && !s.open {
		o.deed = nothing
	}
	return o
}

// differing decides about one that both sides list.
func differing(s standing, repair bool) outcome {
	o := outcome{class: InSync, shutOut: s.shut && s.active && s.verdict.Decision == scoping.Provision && s.entitled}
	switch {
	case !s.settled || !s.same:
		o.class, o.deed, o.afresh = Behind, converge, s.drifted && repair || s.leftover
	case s.leftover:
		o.class, o.deed, o.afresh = Behind, converge, true
	case s.drifted && repair:
		o.class, o.deed, o.afresh = Drifted, converge, true
	case s.drifted:
		o.class = Drifted
	}
	o.members = s.kind == change.Group && !o.afresh
	return o
}
