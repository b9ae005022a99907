package provision

import (
	"context"
	"fmt"
	"slices"

	"entrawebex/internal/change"
)

// follow is a Change of the engine's own that follows from this attempt.
func (v *view) follow(o change.Object) change.Change {
	return change.Change{
		Object: o, Source: change.Engine, SeenAt: v.attempt.Started, CorrelationID: v.causes[0].CorrelationID,
	}
}

// tellOuter queues the groups that this one is within, so that a change of its
// members reaches theirs. Those the engine itself queued are told already.
func (b *batch) tellOuter(ctx context.Context, w *imported) error {
	var hints []string
	for _, c := range w.causes {
		if c.Source != change.Engine {
			hints = append(hints, c.Members...)
		}
	}
	if len(hints) == 0 {
		return nil
	}
	outer, err := b.provisionedGroupsOf(ctx, w.object)
	if err != nil || len(outer) == 0 {
		return err
	}
	var changes []change.Change
	for _, g := range outer {
		for chunk := range slices.Chunk(hints, change.MaxMembers) {
			c := w.follow(g)
			c.Members = chunk
			changes = append(changes, c)
		}
	}
	return b.enqueue(ctx, changes)
}

// announce tells the groups that wait for the object that it is here. One that
// was away is announced to all groups that Entra says. Those whose manager it is are
// told when they knew another account, or none.
func (b *batch) announce(ctx context.Context, w *imported) error {
	r := &w.record
	switch {
	case !w.isMember() && !w.isReferredTo():
		return nil
	case w.isGroup():
		if err := b.tellOuter(ctx, w); err != nil {
			return err
		}
	}
	if r.WebexID != w.stored.WebexID {
		// Before the notes are read: whoever writes one reads the link after.
		if err := b.save(ctx, &w.claimed); err != nil {
			return err
		}
	}
	if !w.isMember() && !r.Moved {
		return nil
	}
	return b.tellWaiting(ctx, w)
}

// tellWaiting queues those that are noted on the object, as far as they are to be told,
// and takes off what is over.
func (b *batch) tellWaiting(ctx context.Context, w *imported) error {
	waiting, err := b.Ledger.Awaiting(ctx, w.object)
	if err != nil {
		return err
	}
	groups, reports := ofKind(change.Group, waiting), ofKind(change.User, waiting)
	changes := w.retold(reports)
	if w.isMember() {
		arrival, err := b.arrival(ctx, w, groups)
		if err != nil {
			return err
		}
		changes = append(arrival, changes...)
	}
	if err := b.enqueue(ctx, changes); err != nil {
		return err
	}
	var over []change.Object
	if w.isMember() {
		over = groups
	}
	if w.attempt.Action == Delete { // for good
		over = append(over, reports...)
	}
	if len(over) > 0 {
		if err := b.Ledger.Arrived(ctx, w.object, over); err != nil {
			return err
		}
	}
	w.record.Away, w.record.Moved = w.record.Away && !w.isMember(), false
	return nil
}

// ofKind are those of the objects that are of the kind.
func ofKind(kind change.Kind, objects []change.Object) []change.Object {
	var those []change.Object
	for _, o := range objects {
		if o.Kind == kind {
			those = append(those, o)
		}
	}
	return those
}

// arrival are the Changes of the groups that wait for the object, or that Entra says
// it is in after it was away.
func (b *batch) arrival(ctx context.Context, w *imported, waiting []change.Object) ([]change.Change, error) {
	groups := slices.Clone(waiting)
	if w.record.Away {
		all, err := b.provisionedGroupsOf(ctx, w.object)
		if err != nil {
			return nil, err
		}
		groups = append(groups, slices.DeleteFunc(all, func(g change.Object) bool { return slices.Contains(groups, g) })...)
	}
	return w.arrival(groups), nil
}

// isMember reports whether the object can be a member of a group in Webex, itself or
// by the users in it.
func (v *view) isMember() bool {
	if v.reading.Presence != Present {
		return false
	}
	if v.isGroup() {
		return v.nested
	}
	return v.record.WebexID != "" && v.record.Missing == nil
}

// arrival are the Changes of the groups that the object is to be a member of.
func (v *view) arrival(groups []change.Object) []change.Change {
	changes := make([]change.Change, len(groups))
	for i, g := range groups {
		changes[i] = v.follow(g)
		if v.isGroup() {
			changes[i].Afresh = true
		} else {
			changes[i].Members = []string{v.object.ID}
		}
	}
	return changes
}

// provisionedGroupsOf returns the groups that Entra says the object is in, as
// far as they are in Webex.
func (b *batch) provisionedGroupsOf(ctx context.Context, o change.Object) ([]change.Object, error) {
	ids, err := b.Directory.GroupsOf(ctx, o, b.Nested)
	if Gone.Is(err) {
		return nil, nil // it left since; that will be notified
	}
	if err != nil {
		return nil, err
	}
	groups := make([]change.Object, len(ids))
	for i, id := range ids {
		groups[i] = change.Object{Kind: change.Group, ID: id}
	}
	webexIDs, err := b.Ledger.WebexIDs(ctx, groups)
	if err != nil {
		return nil, err
	}
	var provisioned []change.Object
	for i, g := range groups {
		if webexIDs[i] != "" {
			provisioned = append(provisioned, g)
		}
	}
	return provisioned, nil
}

func (b *batch) enqueue(ctx context.Context, changes []change.Change) error {
	if len(changes) == 0 {
		return nil
	}
	if err := b.Queue.Enqueue(ctx, changes); err != nil {
		return &Fault{Kind: Transient, Reason: fmt.Sprintf("%d changes could not be queued", len(changes)), Err: err}
	}
	return nil
}
