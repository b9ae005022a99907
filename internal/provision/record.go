package provision

import (
	"encoding/json"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision/membership"
)

// Record is what the ledger keeps of one object. Its JSON form is what is
// stored; fields may be added, never renamed.
type Record struct {
	Object change.Object `json:"object"`
	// WebexID is the account or group this object is linked to; empty if none.
	WebexID string `json:"webexId,omitempty"`
	// LastWritten is what was last written to Webex and confirmed: SCIM path to
	// value.
	LastWritten map[string]any `json:"written,omitempty"`
	// Given is what was asked where Webex has made something else of it: to ask the
	// same again changes nothing.
	Given map[string]any `json:"given,omitempty"`
	// Moments are when the values were computed that are made of the present time:
	// they stay as long as what else they are made of.
	Moments mapping.Moments `json:"moments,omitempty"`
	// Imposed are the paths of what Webex itself changed when the account was
	// deactivated, such as its name: they are put back when it is active again.
	Imposed []string `json:"imposed,omitempty"`
	// Unseen says that the account was deactivated and the answer did not show what
	// Webex made of it: it is read before it is active again.
	Unseen bool `json:"unseen,omitempty"`
	// Picks tell the element that is ours from others like it.
	Picks mapping.Picks `json:"picks,omitempty"`
	// PendingWrite is a write that was begun and whose end is not known.
	PendingWrite *PendingWrite `json:"doubt,omitempty"`
	// Claim is who works on the object now.
	Claim Claim `json:"claim,omitzero"`
	// Unconcluded counts the attempts that began since one last came to an
	// end. A crash leaves it raised.
	Unconcluded int `json:"unconcluded,omitempty"`
	// Concluded is when the last attempt came to its end.
	Concluded time.Time `json:"concluded,omitzero"`
	// OpenFault is the open fault; nil once an attempt succeeded.
	OpenFault *OpenFault `json:"trouble,omitempty"`
	// Letters are those of the object on the dead-letter queue.
	Letters []Letter `json:"letters,omitempty"`
	// Absence is kept while Entra says the object is gone.
	Absence *Absence `json:"absence,omitempty"`
	// Unassigned is since when Entra has shown an empty list of assignments of a user
	// whose account is open; zero if it has not.
	Unassigned time.Time `json:"unassigned,omitzero"`
	// Contradicted is when a look last found a user in scope of whom a list or a group
	// had said the contrary minutes before; zero if none did.
	Contradicted time.Time `json:"contradicted,omitzero"`
	// Unlisted is since when Entra has shown a user whose account is open in none of the
	// groups that the scoping filter asks for; zero if it has not.
	Unlisted time.Time `json:"unlisted,omitzero"`
	// Spared is kept while a setting leaves an account open that is to be closed.
	Spared *Spared `json:"spared,omitempty"`
	// Missing is kept while Webex says that what is linked is not there.
	Missing *Missing `json:"missing,omitempty"`
	// Away says that a user, or a nested group, was in the recycle bin, or had
	// an account that is no more: groups may have been compared without them.
	// On the return its groups are asked of Entra, and told.
	Away bool `json:"away,omitempty"`
	// Manager is the id of the user's manager in Entra, on whom it is noted that this one
	// is to be told when that one's account is another; empty if none was mapped yet.
	Manager string `json:"manager,omitempty"`
	// Moved says that the user has another account than those were told whose manager it
	// is, or none, or went to the recycle bin.
	Moved bool `json:"moved,omitempty"`
	// MemberSync is what is left to do before a group's members are known to
	// have been compared as a whole; nil if nothing is.
	MemberSync *membership.Sync `json:"comparison,omitempty"`
	// InactiveSince is when the account was deactivated; Webex removes it
	// 30 days later.
	InactiveSince time.Time `json:"inactiveSince,omitzero"`
	// Hold is what waits for an operator; nil if nothing does.
	Hold *Hold `json:"hold,omitempty"`
	// Approval and Rejected are what an operator said about it.
	Approval *Approval  `json:"approval,omitempty"`
	Rejected *Rejection `json:"rejected,omitempty"`
	// Stays are the ids of members whose removal an operator rejected, where the
	// removal of others is held now.
	Stays []string `json:"stays,omitempty"`
	// Members is how many members a group had in Webex when they were last
	// compared, less those removed since. Those added since are left out, so
	// that a share of it is rather too small; those whose accounts were deleted
	// since are not.
	Members int `json:"members,omitempty"`
	// Removals counts the members of a group removed lately.
	Removals *membership.Removals `json:"removals,omitempty"`
	// Unknown is what a later version of this program keeps of the object. It comes
	// back as it was; of what is nested in a field, such is lost with the next write.
	Unknown map[string]json.RawMessage `json:"-"`
}

// Spared says since when a setting leaves an account open whose person is blocked
// or gone in Entra, or out of a scope that takes accounts away, and which setting.
type Spared struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// Hold is an operation that waits for an operator's word.
type Hold struct {
	Operation Destruction `json:"operation"`
	Since     time.Time   `json:"since"`
	// Security says that Entra blocked the sign-in, and Webex still has it
	// open.
	Security bool `json:"security,omitempty"`
	// Members are how many are to be removed from a group, Of how many it has.
	// Who are the ids of those members, unless they are more than membership.MaxNamed.
	Members int      `json:"members,omitempty"`
	Of      int      `json:"of,omitempty"`
	Who     []string `json:"who,omitempty"`
	// Parked says that it waits because a first comparison takes nothing away.
	Parked bool `json:"parked,omitempty"`
	// Fingerprint differs when Entra says something else of the object.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Approval lets an operation happen once.
type Approval struct {
	Operation Destruction `json:"operation"`
	At        time.Time   `json:"at"`
	// Members is how many may be removed from a group yet. Who are their ids;
	// none if they are too many to be named.
	Members int      `json:"members,omitempty"`
	Who     []string `json:"who,omitempty"`
}

// Rejection keeps an operation held for as long as Entra says the same of the
// object.
type Rejection struct {
	Operation   Destruction `json:"operation"`
	Fingerprint string      `json:"fingerprint"`
	// Who are the ids of the members that stay in the group; none if they are
	// too many to be named.
	Who []string `json:"who,omitempty"`
}

// Claim is a lease on an object.
type Claim struct {
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// PendingWrite notes what is about to be written, before it is.
type PendingWrite struct {
	// Names are the userNames or displayNames under which Webex may have it.
	Names []string  `json:"userNames,omitempty"`
	Since time.Time `json:"since"`
	// Answered says that an answer came, so that the effect, if there is one, is
	// there by now.
	Answered bool `json:"answered,omitempty"`
}

// OpenFault is a fault that no success has cleared yet.
type OpenFault struct {
	Kind   FaultKind `json:"kind"`
	Step   StepName  `json:"step"`
	Reason string    `json:"reason"`
	// Since is when the first of the attempts failed.
	Since time.Time `json:"since"`
	// Attempts is how many in a row met this very fault, which Code tells from
	// others, and Spent the time between them. Waits is how many have waited since.
	Attempts int           `json:"attempts"`
	Code     Code          `json:"code,omitempty"`
	Spent    time.Duration `json:"spent,omitempty"`
	Waits    int           `json:"waits,omitempty"`
	// Last is when the last of them failed.
	Last time.Time `json:"last,omitzero"`
	// GivenUp is that of the fault.
	GivenUp bool `json:"givenUp,omitempty"`
}

// Dead reports whether the object's messages went to the dead-letter queue.
func (t *OpenFault) Dead() bool { return t != nil && (t.Kind.Policy().Letter || t.GivenUp) }

// goesOn reports whether a fault of this kind is more of the same trouble. What
// was given up and is tried again has a day of its own, and so has what waited
// for an operator, or failed for good for a reason that is none any more.
func (t *OpenFault) goesOn(kind FaultKind) bool {
	switch {
	case t == nil || t.GivenUp:
		return false
	case t.Kind.Policy().Retry == Never:
		return kind == t.Kind
	default:
		return true
	}
}

// longestGap is the most that counts of the time between two attempts: a pause
// of days between them is no attempt.
const longestGap = longestRetry + longestRetry/4

// met returns the trouble after one more attempt that failed.
func (t *OpenFault) met(f *Fault, step StepName, now time.Time) OpenFault {
	next := OpenFault{Since: now}
	goesOn := t.goesOn(f.Kind)
	if goesOn {
		next = *t
	}
	switch {
	case f.waits():
		next.Waits++
	case goesOn && t.Code == f.Code:
		if t.Waits == 0 {
			next.Spent += min(max(now.Sub(t.Last), 0), max(longestGap, f.patience().longest))
		}
		next.Attempts++
		next.Waits = 0
	default:
		next.Attempts, next.Spent, next.Waits, next.Code = 1, 0, 0, f.Code
	}
	next.Kind, next.Step, next.Reason, next.Last = f.Kind, step, f.Error(), now
	return next
}

// tries is how many attempts in a row met the fault of that code.
func (t *OpenFault) tries(c Code) int {
	if t == nil || t.GivenUp || t.Code != c {
		return 0
	}
	return t.Attempts
}

// Absence is Entra's answer that the object is in neither place.
type Absence struct {
	// Since is the time of the first such reading, Last that of the last one; zero if that
	// was not kept.
	Since time.Time `json:"since,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Deleted is Graph's word that this very id was deleted for good.
	Deleted bool `json:"deleted,omitempty"`
}
