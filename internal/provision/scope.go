package provision

import (
	"context"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// verdict says what is to become of the object as it was read.
func (v *view) verdict() scoping.Verdict {
	return v.scoping.Decide(scoping.Subject{
		Kind: v.object.Kind, SoftDeleted: v.reading.Presence == SoftDeleted, Attributes: v.reading.Attributes,
		Roles: v.reading.Roles, RolesUnknown: v.reading.RolesErr != nil, Provisioned: v.record.WebexID != "",
	})
}

// application returns the service principal whose assignments are to be read;
// empty if nobody needs one.
func (b *batch) application(ctx context.Context) (string, error) {
	id, err := b.Scoping.App(ctx)
	if err != nil {
		f := *AsFault(err)
		if f.Kind == Permanent { // of the settings, and not of the objects
			f.Kind = Transient
		}
		return "", &f
	}
	return id, nil
}

// isScopeKnown reports whether it is known if the object is in scope; if not, the
// attempt has ended. That is not asked of what is not there.
func (d *decision) isScopeKnown() bool {
	verdict := d.attempt.Verdict
	switch {
	case d.reading.Presence != Present:
		return true
	case verdict.Reason == scoping.AssignmentsUnknown:
		d.fail(Scoping, d.reading.RolesErr)
		return false
	case verdict.Reason == scoping.FilterUnknown:
		d.fail(Scoping, transientf("%s %s", d.object, verdict.Sentence(d.object.Kind)))
		return false
	default:
		return true
	}
}

// leftScope reports whether the object is there and out of scope.
func (v *view) leftScope() bool {
	return v.reading.Presence == Present && v.verdict().OutOfScope()
}

const (
	// unassignedFor is how long an open account's user must have been in no list of
	// assignments, without an answer to the contrary or none, to have left the scope;
	// Config.ConfirmAfter where that is less. Graph shows an empty list also of an
	// enterprise application that is gone, and the replica that says whether it is may
	// be behind.
	unassignedFor = 5 * time.Minute
	// unassignedLook is the longest time between two looks meanwhile: what else
	// happens to the user waits behind the next one.
	unassignedLook = time.Minute
)

// dateUnassigned keeps since when every list of assignments of a user with an open
// account has been empty.
func (d *decision) dateUnassigned() {
	empty := d.scoping.AssignmentsMatter() && d.isActive() && d.reading.Presence == Present && d.reading.RolesErr == nil && len(d.reading.Roles) == 0
	switch r := &d.record; {
	case !empty:
		r.Unassigned = time.Time{}
	case r.Unassigned.IsZero():
		r.Unassigned = d.now
	}
}

// mayLeave reports whether the account may be closed: its user is in a list of
// assignments, has been in none for long enough, is blocked, does not satisfy the
// scoping filter, or something else than that list says so, too. If not, the attempt
// has ended.
func (d *decision) mayLeave() bool {
	since := d.record.Unassigned
	if since.IsZero() || scoping.IsBlocked(d.reading.Attributes) || d.verdict().IsFiltered() || d.nominatedOut() {
		return true
	}
	left := min(unassignedFor, d.confirmAfter) - d.now.Sub(since)
	if left <= 0 {
		return true
	}
	d.again(min(left, unassignedLook), "Entra lists no assignment: looked at again before the account is closed for that")
	return false
}

// nominatedOut reports whether a cause says that the user is out of scope: the list
// of all assignments, which names others, or a group that is assigned and has the
// user no more. That the application is there the group knew when it said so, and
// for no longer than a list must be empty without a word.
func (d *decision) nominatedOut() bool {
	return slices.ContainsFunc(d.causes, func(c change.Change) bool {
		return c.Nominated == change.Out && (c.Source != change.Engine || d.now.Sub(c.SeenAt) < unassignedFor)
	})
}

// rescope queues those users who entered or left the scope, or got or lost an app role,
// with a membership in the group: with that of a group within it, where those count, all users in
// that. Those the engine itself named are known to it.
func (b *batch) rescope(ctx context.Context, w *imported) error {
	if !w.decidesScope() {
		return nil
	}
	var changes []change.Change
	for i, m := range w.reading.Memberships {
		if m.Err != nil {
			return m.Err
		}
		switch {
		case i >= len(w.hints) || !w.named(w.hints[i]):
		case m.Standing != NoUser:
			c := w.follow(change.Object{Kind: change.User, ID: w.hints[i]})
			if m.Standing == NotMember && b.Scoping.AssignmentsMatter() && b.Scoping.InScope(w.reading.Roles) && w.reading.RolesErr == nil {
				c.Nominated = change.Out
			}
			changes = append(changes, c)
		case b.Nested:
			if err := b.rescopeWithin(ctx, w, w.hints[i]); err != nil {
				return err
			}
		}
	}
	return b.enqueue(ctx, changes)
}

// decidesScope reports whether who is in the group may be in scope by that, or have app
// roles.
func (v *view) decidesScope() bool {
	if !v.scoping.AssignmentsRead() || !v.isGroup() || v.reading.Presence != Present {
		return false
	}
	// Who leaves a group after it was unassigned, and before the list shows that, is
	// nobody's member by then. A group that is in Webex was assigned; where none
	// are, any may have been.
	return v.nested || v.scoping.SkipGroups || v.verdict().Reason != scoping.NotAssigned
}

// rescopeWithin queues all users in what may be a group within the group. Of one
// that is deleted nobody tells who was in it.
func (b *batch) rescopeWithin(ctx context.Context, w *imported, id string) error {
	read := false
	_, err := b.memberPages(ctx, id, "", func(members MemberPage) (bool, error) {
		read = true
		changes := make([]change.Change, len(members.Users))
		for i, user := range members.Users {
			changes[i] = w.follow(change.Object{Kind: change.User, ID: user})
		}
		return true, b.enqueue(ctx, changes)
	})
	if Gone.Is(err) && !read {
		return nil
	}
	return err
}
