package provision

import (
	"context"
	"time"

	"entrawebex/internal/change"
)

// lookAgain sees to it that the object is looked at once more, whatever came of
// this attempt, where what it rests on may still change without a word.
func (b *batch) lookAgain(ctx context.Context, w *work) {
	if at := w.attempt.Later; !at.IsZero() {
		if err := b.Later.Put(ctx, w.attempt.Object, at); err != nil {
			w.attempt.Later, w.attempt.Again = time.Time{}, longestRetry
		}
	}
	if r := &w.record; w.early != nil && r.Doubt == nil && r.WebexID != "" {
		// The write may come to its effect after all that was read and written.
		r.Doubt = w.early
		w.lookAfter(effectAfter - b.Now().Sub(w.early.Since))
	}
	if b.contradicted(w) {
		w.lookAfter(contradictedAgain)
	}
}

// lookAfter has the messages come again after that long, or sooner.
func (w *work) lookAfter(d time.Duration) {
	d = max(d, soon)
	if w.attempt.Again == 0 || d < w.attempt.Again {
		w.attempt.Again, w.attempt.Later = d, time.Time{}
	}
}

const (
	// contradictedFor is how long a list and a reading may contradict each other
	// before the reading is believed, contradictedAgain the time between two looks.
	contradictedFor   = 5 * time.Minute
	contradictedAgain = 30 * time.Second
)

// contradicted reports whether a list of assignments named the object a moment
// ago, and the reading says otherwise: one of them comes of a replica that is
// behind.
func (b *batch) contradicted(w *work) bool {
	if b.Scope == nil || w.reading.Presence != Present || w.reading.Err != nil || w.reading.RolesErr != nil {
		return false
	}
	in := b.covers(w.reading)
	for _, c := range w.attempt.Causes {
		if c.Nominated == "" || b.Now().Sub(c.SeenAt) >= contradictedFor {
			continue
		}
		if in != (c.Nominated == change.In) {
			return true
		}
	}
	return false
}
