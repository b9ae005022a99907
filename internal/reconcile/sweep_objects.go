package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// users deals with Entra's users, page by page.
func (r *run) users(ctx context.Context) error {
	return r.round(ctx, change.User, Users, func(o Object, at time.Time) error {
		if o.Removed != NotRemoved {
			return r.removed(ctx, o)
		}
		return r.deal(ctx, o, at, nil, false)
	})
}

// readGroups reads Entra's groups and who is in them. The members of a large one
// are spread over pages: all are read before any is dealt with.
func (r *run) readGroups(ctx context.Context) error {
	r.read = r.Now()
	var page Page
	for page.Delta == "" {
		var err error
		if page, err = r.Graph.Delta(ctx, change.Group, page.Next); err != nil {
			return err
		}
		for _, o := range page.Objects {
			g := r.gathered[o.ID]
			if g == nil {
				g = &gathered{}
				r.gathered[o.ID] = g
				r.order = append(r.order, g)
			}
			g.merge(o)
		}
		r.tell(Progress{Phase: ReadGroups, Done: len(r.order)})
	}
	r.next = page.Delta
	return nil
}

// groups deals with Entra's groups.
func (r *run) groups(ctx context.Context) error {
	for i, g := range r.order {
		switch {
		case r.SkipGroups:
		case g.Removed != NotRemoved:
			if err := r.removed(ctx, g.Object); err != nil {
				return err
			}
		default:
			members, whole := g.users(r.gathered, r.Nested)
			if err := r.deal(ctx, g.Object, r.read, members, whole); err != nil {
				return err
			}
		}
		r.tell(Progress{Phase: Groups, Done: i + 1, Total: len(r.order)})
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.Round(ctx, change.Group, r.next)
}

// removed leaves what is in the recycle bin, or gone, to the worker, if it is
// known.
func (r *run) removed(ctx context.Context, o Object) error {
	k := r.known[o.Object]
	if k == nil {
		return nil
	}
	k.seen = true
	c := r.look(o.Object)
	c.Deleted = o.Removed == Deleted
	return r.enqueue(ctx, c)
}

// round reads all of a first round and calls each with what lives in it.
func (r *run) round(ctx context.Context, kind change.Kind, phase Phase, each func(Object, time.Time) error) error {
	r.tell(Progress{Phase: phase})
	var page Page
	for page.Delta == "" {
		at := r.Now()
		var err error
		if page, err = r.Graph.Delta(ctx, kind, page.Next); err != nil {
			return err
		}
		for _, o := range page.Objects {
			if err := each(o, at); err != nil {
				return err
			}
		}
		r.tell(Progress{Phase: phase, Done: r.progress.Done + len(page.Objects)})
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.Round(ctx, kind, page.Delta)
}

// deal classes one that lives in Entra and hands it to the engine if there is
// something to do.
func (r *run) deal(ctx context.Context, o Object, at time.Time, members []string, whole bool) error {
	k := r.known[o.Object]
	if k != nil {
		k.seen = true
	}
	want, err := r.want(o)
	name := nameOf(want)
	switch {
	case k != nil && k.webexID != "" && !r.inScope(o.Object):
		return r.outside(ctx, k, name)
	case !r.inScope(o.Object):
		return nil
	case k == nil || k.webexID == "":
		if err == nil && !r.entitled(o) && !r.strays.has(o.Object) {
			return nil // there is none, and none is to be
		}
		r.class(New, o.Object, "", name)
		return r.hand(ctx, o, at, members, whole, name, false)
	case !k.listed:
		r.class(Missing, o.Object, k.webexID, name)
		return r.hand(ctx, o, at, members, whole, name, true)
	case err != nil || !k.settled || !r.mapping(o.Kind).Has(k.written, want):
		r.class(Behind, o.Object, k.webexID, name)
		if err := r.hand(ctx, o, at, members, whole, name, k.drifted && r.RepairDrift); err != nil {
			return err
		}
		return r.lookAtMembers(ctx, k, members, whole)
	case k.drifted && r.RepairDrift:
		r.class(Drifted, o.Object, k.webexID, name)
		return r.hand(ctx, o, at, members, whole, name, true)
	}
	class := InSync
	if k.drifted {
		class = Drifted
	} else if c := r.compareMembers(k, members, whole); c != nil {
		class = Behind
	}
	r.class(class, o.Object, k.webexID, name)
	return r.lookAtMembers(ctx, k, members, whole)
}

// outside looks at one that is linked, and in no list of those in scope.
func (r *run) outside(ctx context.Context, k *known, name string) error {
	r.class(Unassigned, k.object, k.webexID, name)
	if k.object.Kind == change.User && !k.active || k.object.Kind == change.Group {
		return nil
	}
	return r.enqueue(ctx, r.look(k.object))
}

// entitled reports whether the object may be in Webex.
func (r *run) entitled(o Object) bool {
	if o.Kind == change.Group {
		return o.Attributes["securityEnabled"] == true
	}
	return o.Attributes["accountEnabled"] == true
}

// want is what Webex should have.
func (r *run) want(o Object) (map[string]any, error) {
	attributes := maps.Clone(o.Attributes)
	if attributes == nil {
		attributes = map[string]any{}
	}
	attributes["id"] = o.ID
	if o.Kind == change.User {
		attributes["IsSoftDeleted"] = !r.entitled(o)
	}
	return r.mapping(o.Kind).Map(attributes)
}

// hand gives an object to the engine, with others.
func (r *run) hand(ctx context.Context, o Object, at time.Time, members []string, whole bool, name string, afresh bool) error {
	attributes := maps.Clone(o.Attributes)
	attributes["id"] = o.ID
	r.batch = append(r.batch, provision.Sighting{
		Object: o.Object, At: at, Members: members, Whole: whole, Afresh: afresh, Park: r.park, Listed: true,
		Matches: r.strays.matches(o.Object, name),
		Reading: provision.Reading{Presence: provision.Present, Attributes: attributes, Roles: r.assigned[o.Object]},
	})
	if len(r.batch) < r.size {
		return nil
	}
	return r.flush(ctx)
}

// flush has the engine converge what was handed to it. What is not done is left
// to the worker, which tries it as long as it takes.
func (r *run) flush(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	if why, err := r.Rests(ctx); err != nil || why != "" {
		return unfinished(why, err)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*provision.Margin {
		return unfinished("the deadline is near", nil)
	}
	waiting, err := r.Depth(ctx)
	if err != nil {
		return err
	}
	r.size = batchSize
	if waiting > 0 {
		r.size = politeSize
	}
	attempts := r.Converge(ctx, r.batch)
	taken := map[string]bool{}
	var changes []change.Change
	throttled := ""
	for i, a := range attempts {
		r.result.Actions[a.Action]++
		r.learn(a)
		taken[a.WebexID] = true
		switch {
		case a.Fault != nil && a.Fault.Kind == provision.Held:
		case a.Fault != nil || a.Again > 0:
			c := r.look(a.Object)
			c.Afresh = r.batch[i].Afresh
			changes = append(changes, c)
			r.known[a.Object].left = true
		}
		if a.Fault != nil && a.Fault.Kind == provision.Throttled {
			throttled = a.Fault.Reason
		}
	}
	r.strays.take(taken)
	r.batch = r.batch[:0]
	if err := r.enqueue(ctx, changes...); err != nil {
		return err
	}
	if throttled != "" {
		return unfinished(throttled, nil)
	}
	return nil
}

// learn notes the account that somebody has now.
func (r *run) learn(a provision.Attempt) {
	k := r.known[a.Object]
	if k == nil {
		k = &known{object: a.Object, seen: true}
		r.known[a.Object] = k
	}
	if a.WebexID != "" && k.webexID != a.WebexID {
		k.webexID, k.listed, k.active = a.WebexID, true, true
		r.byWebex[a.WebexID] = k
	}
}

// lookAtMembers has the worker look at the members of a group in which both sides
// differ, whatever else is to be written of it.
func (r *run) lookAtMembers(ctx context.Context, k *known, members []string, whole bool) error {
	c := r.compareMembers(k, members, whole)
	if c == nil {
		return nil
	}
	return r.enqueue(ctx, *c)
}

// compareMembers compares the members of a group that Webex lists. Whoever is in
// one list only is asked about singly. Nil if there is nobody, or it is no group.
func (r *run) compareMembers(k *known, members []string, whole bool) *change.Change {
	if k.object.Kind != change.Group {
		return nil
	}
	c := r.look(k.object)
	if !whole || !k.whole {
		c.Afresh = true
		return &c
	}
	c.Members = r.differences(k, members)
	if len(c.Members) == 0 {
		return nil
	}
	if len(c.Members) > change.MaxMembers {
		c.Members, c.Afresh = nil, true
	}
	return &c
}

// differences are the users who are in a group in one of both only.
func (r *run) differences(k *known, members []string) []string {
	has := make(map[string]bool, len(k.members))
	for _, webexID := range k.members {
		has[webexID] = true
	}
	var differ []string
	for _, id := range members {
		u := r.known[change.Object{Kind: change.User, ID: id}]
		switch {
		case u == nil:
		case u.webexID == "":
			if u.left { // to the worker: so that the group waits for them
				differ = append(differ, id)
			}
		case !has[u.webexID]:
			differ = append(differ, id)
		default:
			delete(has, u.webexID)
		}
	}
	for _, webexID := range slices.Sorted(maps.Keys(has)) {
		if u := r.byWebex[webexID]; u != nil && u.object.Kind == change.User {
			differ = append(differ, u.object.ID)
		}
	}
	return differ
}

func unfinished(why string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", ErrUnfinished, why)
}
