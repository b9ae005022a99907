package provision

import (
	"context"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// verdict says what is to become of the object as it was read.
func (v *view) verdict() scoping.Verdict {
	return v.scoping.Decide(scoping.Subject{
		Kind: v.object.Kind, SoftDeleted: v.reading.Presence == SoftDeleted, Attributes: v.reading.Attributes,
		Roles: v.reading.Roles, RolesUnknown: v.reading.RolesErr != nil, MemberOf: v.reading.MemberOf, Provisioned: v.record.WebexID != "",
	})
}

// NoFilterGroup is the fault of whoever rests on a group that Entra does not have.
func NoFilterGroup(groupID string) *Fault {
	return transientf("the scoping filter asks about group %s, which Entra does not have: nobody leaves the scope for that;"+
		" restore the group, or apply a mapping that does not name it", groupID)
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
	case verdict.Reason == scoping.FilterUnknown && d.reading.MemberOfErr != nil:
		d.fail(Scoping, d.reading.MemberOfErr)
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
	// assignments, or in none of the groups that let pass, without an answer to the
	// contrary or none, to have left the scope; Config.ConfirmAfter where that is less.
	// Graph shows an empty list also of an enterprise application that is gone, and the
	// replica that says whether it is may be behind; so may that which lists the groups
	// of a user.
	unassignedFor = 5 * time.Minute
	// unassignedLook is the longest time between two looks meanwhile: what else
	// happens to the user waits behind the next one.
	unassignedLook = time.Minute
)

// dateUnassigned keeps since when every list of assignments of a user with an open
// account has been empty, and when one last was not although something else said that
// the user is out of scope.
func (d *decision) dateUnassigned() {
	r := &d.record
	shown := d.scoping.AssignmentsMatter() && d.isActive() && d.reading.Presence == Present && d.reading.RolesErr == nil
	r.Unassigned = d.since(shown && len(d.reading.Roles) == 0, r.Unassigned)
	switch {
	case shown && d.scoping.InScope(d.reading.Roles) && !d.nominatedOut().IsZero():
		r.Contradicted = d.now
	case d.now.Sub(r.Contradicted) >= unassignedFor:
		r.Contradicted = time.Time{}
	}
}

// dateUnlisted keeps since when a user with an open account has been in none of the
// groups that the scoping filter asks for, as every look at its list has shown.
func (d *decision) dateUnlisted() {
	unlisted := d.isActive() && d.reading.Presence == Present && d.verdict().Unlisted
	d.record.Unlisted = d.since(unlisted, d.record.Unlisted)
}

// since is when something began that is so now, or not.
func (d *decision) since(is bool, before time.Time) time.Time {
	switch {
	case !is:
		return time.Time{}
	case before.IsZero():
		return d.now
	default:
		return before
	}
}

// mayLeave reports whether the account may be closed: nothing that closes it rests on a
// list that lacks something, or the lists have lacked it for long enough. If not, the
// attempt has ended.
func (d *decision) mayLeave() bool {
	since, long, lacks := d.lackedSince()
	left := min(long, d.confirmAfter) - d.now.Sub(since)
	if since.IsZero() || left <= 0 {
		return true
	}
	d.again(min(left, unassignedLook), "Entra lists "+lacks+": looked at again before the account is closed for that")
	return false
}

// lackedSince is since when a list has lacked what would keep the account open, for how
// long it must, and what that is; zero if the account is closed for something else: its
// user is blocked, has other app roles, or does not satisfy the scoping filter by its
// attributes.
func (d *decision) lackedSince() (since time.Time, long time.Duration, lacks string) {
	switch {
	case scoping.IsBlocked(d.reading.Attributes):
		return time.Time{}, 0, ""
	case d.verdict().IsFiltered():
		return d.record.Unlisted, unassignedFor, "the user in no group that the scoping filter asks for"
	default:
		return d.record.Unassigned, d.emptyFor(), "no assignment"
	}
}

// emptyFor is how long the lists of assignments must have been empty: no time where
// something else says that the user is out of scope, too, and where later looks said the
// contrary, as long as they did. Then it is another list or group that had the user in
// scope, or a replica that was behind; and the application may have gone since.
func (d *decision) emptyFor() time.Duration {
	said := d.nominatedOut()
	if said.IsZero() {
		return unassignedFor
	}
	return min(max(d.record.Contradicted.Sub(said), 0), unassignedFor)
}

// nominatedOut is when a cause last said that the user is out of scope: the list
// of all assignments, which names others, or a group that is assigned and has the
// user no more. That the application is there was known when it was said, and for no
// longer than a list must be empty without a word; zero if none said so since.
func (d *decision) nominatedOut() (last time.Time) {
	for _, c := range d.causes {
		if c.Nominated == change.Out && d.now.Sub(c.SeenAt) < unassignedFor && c.SeenAt.After(last) {
			last = c.SeenAt
		}
	}
	return last
}

// rescope queues those users who entered or left the scope, or got or lost an app role,
// with a membership in the group: with that of a group within it, where those count, all users in
// that, however deep. Those the engine itself named are known to it.
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
		case b.Nested || b.Scoping.AsksTransitively():
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
	switch {
	case !v.isGroup() || v.reading.Presence != Present:
		return false
	case v.scoping.AsksAbout(v.object.ID):
		return true
	case !v.scoping.AssignmentsRead():
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
	_, err := b.memberPages(ctx, id, b.Nested || b.Scoping.AsksTransitively(), "", func(members MemberPage) (bool, error) {
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
