package provision

import (
	"slices"
	"time"
)

// Undecided reports whether what is held of the object waits for an operator's
// word: none was said of this very operation, or the approval has run out, or is
// about fewer members or others.
func (r *Record) Undecided(now time.Time) bool {
	h, a := r.Hold, r.Approval
	switch {
	case h == nil || r.Declined():
		return false
	case !a.covers(h.Operation, now) || h.Members > a.Members:
		return true
	default:
		return len(a.Who) > 0 && slices.ContainsFunc(h.Who, func(id string) bool { return !slices.Contains(a.Who, id) })
	}
}

// Declined reports whether an operator rejected what is held of the object. A
// rejection of what Entra says no longer is void; that of removals is about the
// members it names, and gone once others are to be decided on.
func (r *Record) Declined() bool {
	return r.Hold != nil && r.Rejected != nil && r.Rejected.Operation == r.Hold.Operation &&
		(r.Hold.Operation == Removing || r.Rejected.Fingerprint == r.Hold.Fingerprint)
}
