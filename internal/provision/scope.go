package provision

import (
	"context"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// verdict says what is to become of the object as it was read.
func (b *batch) verdict(w *work) scoping.Verdict {
	return b.Scoping.Decide(scoping.Subject{
		Kind: w.attempt.Object.Kind, SoftDeleted: w.reading.Presence == SoftDeleted, Attributes: w.reading.Attributes,
		Roles: w.reading.Roles, RolesUnknown: w.reading.RolesErr != nil, Provisioned: w.record.WebexID != "",
	})
}

// application returns the service principal whose assignments are to be read;
// empty if everybody is in scope.
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

// isScopeKnown reports whether the object's assignments are known; if not, the
// attempt has ended. They are not asked of what is not there.
func (b *batch) isScopeKnown(w *work) bool {
	if w.reading.Presence != Present || b.verdict(w).Reason != scoping.AssignmentsUnknown {
		return true
	}
	b.fail(w, Scoping, w.reading.RolesErr)
	return false
}

// leftScope reports whether the object is there and out of scope.
func (b *batch) leftScope(w *work) bool {
	return w.reading.Presence == Present && b.verdict(w).OutOfScope()
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
func (b *batch) dateUnassigned(w *work) {
	empty := !b.Scoping.Everybody() && w.isActive() && w.reading.Presence == Present && w.reading.RolesErr == nil && len(w.reading.Roles) == 0
	switch r := &w.record; {
	case !empty:
		r.Unassigned = time.Time{}
	case r.Unassigned.IsZero():
		r.Unassigned = b.Now()
	}
}

// mayLeave reports whether the account may be closed: its user is in a list of
// assignments, has been in none for long enough, is blocked, or something else than
// that list says so, too. If not, the attempt has ended.
func (b *batch) mayLeave(w *work) bool {
	since := w.record.Unassigned
	if since.IsZero() || scoping.IsBlocked(w.reading.Attributes) || b.nominatedOut(w) {
		return true
	}
	left := min(unassignedFor, b.ConfirmAfter) - b.Now().Sub(since)
	if left <= 0 {
		return true
	}
	b.again(w, min(left, unassignedLook), "Entra lists no assignment: looked at again before the account is closed for that")
	return false
}

// nominatedOut reports whether a cause says that the user is out of scope: the list
// of all assignments, which names others, or a group that is assigned and has the
// user no more. That the application is there the group knew when it said so, and
// for no longer than a list must be empty without a word.
func (b *batch) nominatedOut(w *work) bool {
	return slices.ContainsFunc(w.attempt.Causes, func(c change.Change) bool {
		return c.Nominated == change.Out && (c.Source != change.Engine || b.Now().Sub(c.SeenAt) < unassignedFor)
	})
}

// rescope queues those users who entered or left the scope with a membership in
// the group: with that of a group within it, where those count, all users in
// that. Those the engine itself named are known to it.
func (b *batch) rescope(ctx context.Context, w *work) error {
	if b.Scoping.Everybody() || !w.isGroup() || w.reading.Presence != Present {
		return nil
	}
	// Who leaves a group after it was unassigned, and before the list shows that, is
	// nobody's member by then. A group that is in Webex was assigned; where none
	// are, any may have been.
	if !b.Nested && !b.Scoping.SkipGroups && b.verdict(w).Reason == scoping.NotAssigned {
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
			if m.Standing == NotMember && b.Scoping.InScope(w.reading.Roles) && w.reading.RolesErr == nil {
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

// rescopeWithin queues all users in what may be a group within the group. Of one
// that is deleted nobody tells who was in it.
func (b *batch) rescopeWithin(ctx context.Context, w *work, id string) error {
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

// named reports whether one from outside named the member.
func (w *work) named(id string) bool {
	return slices.ContainsFunc(w.attempt.Causes, func(c change.Change) bool {
		return c.Source != change.Engine && slices.Contains(c.Members, id)
	})
}
