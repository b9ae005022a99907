package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrawebex/internal/change"
)

// delta queues what has changed of a kind. Whether it comes to the round's end,
// runs out of time or is refused a page: what it has read is queued, and the
// cursor is where it got to.
func (j *Job) delta(ctx context.Context, kind change.Kind) error {
	cursor, err := j.Cursors.Load(ctx, kind)
	if err != nil {
		return err
	}
	if cursor.Void != "" {
		return j.Sweeps.Request(ctx, cursor.Void)
	}
	link, held := cursor.Link, newRound()
	for {
		page, err := j.Graph.Delta(ctx, kind, link)
		if err == nil {
			held.add(page.Objects)
			link = page.Next + page.Delta
		}
		ends := err != nil || page.Delta != "" || late(ctx)
		if !ends && held.size < most {
			continue
		}
		moved, ok, failed := j.flush(ctx, held, cursor, link, err != nil)
		switch {
		case failed != nil:
			return errors.Join(err, failed)
		case !ok:
			j.Log.InfoContext(ctx, "another run is reading the same changes", "kind", string(kind))
			return nil
		case isGone(err):
			return j.forget(ctx, moved)
		case ends:
			return err
		}
		cursor, held = moved, newRound()
	}
}

// flush queues what is held and moves the cursor, in this order: a run that
// ends between the two is repeated. A page that was not answered moves the
// cursor only to where it was asked for.
func (j *Job) flush(ctx context.Context, held *round, cursor Cursor, link string, unanswered bool) (Cursor, bool, error) {
	if err := j.askForMembers(ctx, held, cursor.Kind); err != nil {
		return cursor, false, err
	}
	changes := j.changes(ctx, held)
	if err := j.enqueue(ctx, changes); err != nil {
		return cursor, false, err
	}
	if len(changes) > 0 {
		j.Log.InfoContext(ctx, "queued what has changed", "kind", string(cursor.Kind), "objects", len(held.objects), "changes", len(changes))
	}
	if unanswered && link == cursor.Link {
		return cursor, true, nil
	}
	return j.Cursors.Advance(ctx, cursor, link)
}

// askForMembers asks for a sweep if a group is gone that may have been between
// users and an assigned group: Graph does not tell who was in it.
func (j *Job) askForMembers(ctx context.Context, held *round, kind change.Kind) error {
	if j.App == nil || !j.Nested || kind != change.Group {
		return nil
	}
	for _, t := range held.objects {
		if t.away {
			return j.Sweeps.Request(ctx, "a group was deleted, and who was in it may be in scope no more")
		}
	}
	return nil
}

// forget ends a cursor that Graph no longer knows.
func (j *Job) forget(ctx context.Context, cursor Cursor) error {
	why := fmt.Sprintf("Graph no longer knows the cursor of %ss", cursor.Kind)
	if ok, err := j.Cursors.Void(ctx, cursor, why); !ok || err != nil {
		return err
	}
	return j.Sweeps.Request(ctx, why)
}

// changes makes Changes of what was told.
func (j *Job) changes(ctx context.Context, held *round) []change.Change {
	var changes []change.Change
	var unknown error
	for _, t := range held.objects {
		plain := j.change(t.Object.Object)
		if t.deleted {
			plain.Deleted = true
			changes = append(changes, plain)
			continue
		}
		unchanged, err := j.unchanged(ctx, t)
		if err != nil && unknown == nil {
			unknown = err
		}
		if t.tellsItself() && !unchanged {
			changes = append(changes, plain)
		}
		for hints := range slices.Chunk(t.members, change.MaxMembers) {
			about := plain
			about.Members = hints
			changes = append(changes, about)
		}
	}
	if unknown != nil { // a look too many does no harm, one too few does
		j.Log.WarnContext(ctx, "whether all of them have changed is not known, so they are queued", "error", unknown)
	}
	return changes
}

// unchanged reports whether the object itself needs no look: it was there all
// the time, and what it has was written. False if that is not known.
func (j *Job) unchanged(ctx context.Context, t *told) (bool, error) {
	if j.Unchanged == nil || t.away || !t.tellsItself() {
		return false, nil
	}
	unchanged, err := j.Unchanged(ctx, t.Object)
	return unchanged && err == nil, err
}
