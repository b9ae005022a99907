package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/paging"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// delta queues what has changed of a kind, and keeps since when that fails.
func (j *Job) delta(ctx context.Context, kind change.Kind) error {
	cursor, err := j.Cursors.Load(ctx, kind)
	if err != nil {
		return err
	}
	if cursor.Void != "" {
		return j.Sweeps.Lacks(ctx, cursor.Void)
	}
	if err := j.follow(ctx, cursor); err != nil {
		return errors.Join(err, j.refused(ctx, kind, err))
	}
	return nil
}

// follow reads on from the cursor. Whether it comes to the round's end, runs out
// of time or is refused a page: what it has read is queued, and the cursor is
// where it got to.
func (j *Job) follow(ctx context.Context, cursor Cursor) error {
	kind := cursor.Kind
	link, held := cursor.Link, newRound()
	pages := paging.New("changes of "+string(kind)+"s", j.Log)
	for {
		page, err := j.Graph.Delta(ctx, kind, link)
		if err == nil {
			held.add(page.Objects)
			link = page.Next + page.Delta
			err = pages.Follow(ctx, page.Next, page.Fresh(pages))
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
		case provision.Gone.Is(err):
			return j.forget(ctx, moved, fmt.Sprintf("Graph no longer knows the cursor of %ss", kind))
		case ends:
			return err
		}
		cursor, held = moved, newRound()
	}
}

// refused notes that a round failed. A link that Graph refuses for an hour, in
// whatever way, while it answers otherwise is void.
func (j *Job) refused(ctx context.Context, kind change.Kind, failed error) error {
	cursor, err := j.Cursors.Load(ctx, kind)
	if err != nil || cursor.Void != "" {
		return err
	}
	fault, ours := errors.AsType[*provision.Fault](failed)
	switch {
	case !ours || fault.Kind.Policy().Retry == provision.AsAsked: // says nothing of the link
	case j.Probe == nil || j.Probe(ctx) != nil:
		cursor.RefusedSince = time.Time{}
	case cursor.RefusedSince.IsZero():
		cursor.RefusedSince = j.Now().UTC()
	case j.Now().Sub(cursor.RefusedSince) >= patience:
		return j.forget(ctx, cursor, fmt.Sprintf("Graph has refused the cursor of %ss for an hour", kind))
	}
	_, err = j.Cursors.fail(ctx, cursor, failed)
	return err
}

// patience is how long Graph may refuse a link.
const patience = time.Hour

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
	if unanswered {
		return j.Cursors.move(ctx, cursor, link)
	}
	return j.Cursors.Advance(ctx, cursor, link)
}

// askForMembers asks for a sweep if a group is gone that may have been between
// users and an assigned group, or one that a filter asks about: Graph does not tell who
// was in it.
func (j *Job) askForMembers(ctx context.Context, held *round, kind change.Kind) error {
	between := j.Scoping.AssignmentsRead() && j.Nested || j.Scoping.AsksTransitively()
	if !between || kind != change.Group {
		return nil
	}
	for _, t := range held.objects {
		if t.away {
			return j.Sweeps.Request(ctx, "a group was deleted, and who was in it may be in scope no more")
		}
	}
	return nil
}

// forget ends a cursor that is of no use any more.
func (j *Job) forget(ctx context.Context, cursor Cursor, why string) error {
	if ok, err := j.Cursors.Void(ctx, cursor, why); !ok || err != nil {
		return err
	}
	return j.Sweeps.Lacks(ctx, why)
}

// changes makes Changes of what was told.
func (j *Job) changes(ctx context.Context, held *round) []change.Change {
	var changes []change.Change
	var unknown error
	for _, t := range held.objects {
		plain := j.change(t.Object.Object)
		plain.Nominated = j.word(t)
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

// word is what the round says of a person: one who is blocked, in the recycle bin or
// not in the scoping filter is out, and where nobody needs an assignment, everybody
// else is in.
func (j *Job) word(t *told) change.Nomination {
	verdict := j.Scoping.WithoutAssignments().Decide(scoping.Subject{Kind: t.Kind, Attributes: t.Attributes})
	shown := verdict.Decision != scoping.Unknown
	switch {
	case t.Kind != change.User || t.away && shown: // it went and came, in whatever order
		return ""
	case t.away, shown && verdict.Decision != scoping.Provision:
		return change.Out
	case shown && !j.Scoping.AssignmentsMatter():
		return change.In
	default:
		return ""
	}
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
