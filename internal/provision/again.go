package provision

import (
	"context"
	"time"

	"entrawebex/internal/change"
)

// lookAgain sees to it that the object is looked at once more, whatever came of
// this attempt, where what it rests on may still change without a word.
func (b *batch) lookAgain(ctx context.Context, w *imported) {
	if at := w.attempt.Later; !at.IsZero() {
		if err := b.Later.Put(ctx, w.object, at); err != nil {
			w.attempt.Later, w.attempt.Again = time.Time{}, longestRetry
		}
	}
	if r := &w.record; w.early != nil && r.PendingWrite == nil && r.WebexID != "" {
		// The write may come to its effect after all that was read and written.
		r.PendingWrite = w.early
		w.lookAfter(effectAfter - b.Now().Sub(w.early.Since))
	}
	if after, contradicted := b.contradicted(w); contradicted {
		w.lookAfter(after)
	}
}

// lookAfter has the messages come again after that long, or sooner.
func (v *view) lookAfter(d time.Duration) {
	d = max(d, soon)
	if v.attempt.Again == 0 || d < v.attempt.Again {
		v.attempt.Again, v.attempt.Later = d, time.Time{}
	}
}

const (
	// contradictedFor is how long a list and a reading may contradict each other
	// before the reading is believed. Between two looks is as much time as has
	// passed, so that a later change waits behind none of them for long. Whoever is
	// said to be out of scope and is not is mostly in by another group: of them there
	// may be as many as a group has that lost its assignment, and they are looked at
	// half as often.
	contradictedFor  = 5 * time.Minute
	contradictedSoon = 2 * time.Second
	contradictedLate = 15 * time.Second
)

// contradicted reports whether a list of assignments named the object a moment
// ago, and that the reading says otherwise: one of them comes of a replica that is
// behind. Then it is looked at again after that long.
func (b *batch) contradicted(w *imported) (after time.Duration, yes bool) {
	if !b.Scoping.AssignmentsMatter() || w.reading.Presence != Present || w.reading.Err != nil || w.reading.RolesErr != nil {
		return 0, false
	}
	in := b.Scoping.InScope(w.reading.Roles)
	for _, c := range w.causes {
		age := b.Now().Sub(c.SeenAt)
		says, late := c.Nominated == change.In, contradictedLate
		if !says {
			late = unassignedLook
		}
		if !says && w.verdict().IsFiltered() {
			continue // which is out of scope, too
		}
		// A group says that somebody left it, and not whether another has him.
		if c.Nominated != "" && c.Source != change.Engine && age < contradictedFor && in != says {
			return min(max(age, contradictedSoon), late), true
		}
	}
	return 0, false
}
