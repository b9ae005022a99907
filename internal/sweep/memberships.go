package sweep

import (
	"context"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

// readMemberships reads who is in the groups that the scoping filter asks about, each
// once. One that Entra does not have is told; who rests on it waits.
func (r *run) readMemberships(ctx context.Context) error {
	groups := r.Scoping.UserGroups()
	if r.Former != nil {
		for _, was := range r.Former.all() {
			groups = append(groups, was.Scoping.UserGroups()...)
		}
	}
	switch {
	case len(groups) == 0:
		return nil
	case r.read.IsZero():
		r.membersRead = r.Now()
	default:
		r.membersRead = r.read
	}
	for _, g := range groups {
		if r.inGroup[g] != nil {
			continue
		}
		users, err := r.usersOf(ctx, g)
		if provision.Gone.Is(err) {
			r.lose(ctx, g)
			continue
		}
		if err != nil {
			return err
		}
		r.inGroup[g] = make(map[string]bool, len(users))
		for _, id := range users {
			r.inGroup[g][id] = true
		}
	}
	return nil
}

// usersOf returns the users in a group. Fault Gone if it is not there.
func (r *run) usersOf(ctx context.Context, g scoping.Group) ([]string, error) {
	if listed := r.gathered[g.ID]; listed != nil && listed.Removed != reconcile.NotRemoved {
		return nil, provision.Answered(provision.Gone, "Entra lists group "+g.ID+" as deleted", nil)
	}
	return r.usersIn(ctx, change.Object{Kind: change.Group, ID: g.ID}, g.Transitive)
}

// lose tells of a group that is not there.
func (r *run) lose(ctx context.Context, g scoping.Group) {
	r.astray = true
	if r.Log != nil {
		r.Log.WarnContext(ctx, "a group that the scoping filter asks about is not there", "error", provision.NoFilterGroup(g.ID))
	}
}

// memberOf says of the groups whether a user is in them, by the lists.
func (r *run) memberOf(o change.Object) map[scoping.Group]bool {
	if o.Kind != change.User || len(r.inGroup) == 0 {
		return nil
	}
	in := make(map[scoping.Group]bool, len(r.inGroup))
	for g, users := range r.inGroup {
		in[g] = users[o.ID]
	}
	return in
}

// provenMemberOf is what the lists prove, and since when: that somebody is in a group.
// That one is not they only suggest.
func (r *run) provenMemberOf(o change.Object, at time.Time) (map[scoping.Group]bool, time.Time) {
	in := r.memberOf(o)
	for g, is := range in {
		if !is {
			delete(in, g)
		}
	}
	if len(in) > 0 && r.membersRead.Before(at) {
		at = r.membersRead
	}
	return in, at
}

// waits reports whether nothing can be decided for a group that is not there: whoever
// rests on it stays as is, and is told once it is back or no filter names it.
func (r *run) waits(v scoping.Verdict) bool { return r.astray && v.Reason == scoping.FilterUnknown }
