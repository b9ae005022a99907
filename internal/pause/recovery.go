package pause

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/document"
)

// Recovery does every minute what a pause and its end ask for.
type Recovery struct {
	Switch *Switch
	// Feed switches what feeds the worker on or off, unless it is so already.
	// Nil where the worker fetches its messages itself.
	Feed func(ctx context.Context, on bool) error
	// Compare asks for a comparison of everything, and says why. It may be nil.
	Compare func(ctx context.Context, why string) error
	// Replay puts back the dead letters whose fault was transient. It returns
	// how many that were, and of how many more it cannot tell.
	Replay func(ctx context.Context) (moved, left int, err error)
}

// Settle makes the feed agree with what is paused, and resumes the sides that
// work again. The feed comes first: the probes of two sides that do not answer
// take what is left of a function's minute.
func (r *Recovery) Settle(ctx context.Context) error {
	fed := r.feed(ctx)
	resumed, err := r.Switch.Probe(ctx)
	if len(resumed) > 0 {
		err = errors.Join(err, r.feed(ctx))
	}
	return errors.Join(fed, err)
}

// feed lets the worker be fed while nothing is paused. What is paused is a
// matter of record: where that cannot be read, nothing is switched.
func (r *Recovery) feed(ctx context.Context) error {
	if r.Feed == nil {
		return nil
	}
	state, err := r.Switch.State(ctx)
	if err != nil {
		return err
	}
	return r.Feed(ctx, len(state) == 0)
}

// patience is how long a replay is repeated that leaves letters and moves none:
// those that a replay held which was killed are out of sight for five minutes.
// What is left then waits behind a letter of the same object that stays.
const patience = 15 * time.Minute

// CatchUp replays what became a dead letter by a trouble that is over. It is
// due from the end of an automatic pause until a replay has come to its end, in
// this process or another; while something is paused it waits. One that time
// cuts short goes on with the next call.
func (r *Recovery) CatchUp(ctx context.Context) error {
	note, err := r.Switch.due().Open(ctx)
	d := &note.Value
	if err != nil || d.Since.IsZero() {
		return err
	}
	state, err := r.Switch.State(ctx)
	if err != nil || len(state) > 0 {
		return err
	}
	if d.Compare != "" && r.Compare != nil {
		if err := r.Compare(ctx, d.Compare); err != nil {
			return err
		}
		d.Compare = "" // asked for once, however often the replay goes on
		if err := note.Save(ctx); err != nil {
			return err
		}
	}
	moved, left, err := r.Replay(ctx)
	if err != nil {
		return fmt.Errorf("replay after a pause: %w", err)
	}
	now := r.Switch.Now()
	switch {
	case left == 0:
		*d = due{}
	case moved > 0:
		d.Since = now
	case now.Sub(d.Since) < patience:
		return nil
	default:
		r.Switch.Log.WarnContext(ctx, "dead letters are left after a pause", "left", left)
		*d = due{}
	}
	return note.Save(ctx)
}

// due says that a replay is due, and since when; not if it is zero. It is a
// document of its own: what is paused is read with every batch.
type due struct {
	Since time.Time `json:"since,omitzero"`
	// Compare is why everything is to be compared, too; empty if it is not.
	Compare string `json:"compare,omitempty"`
}

const dueDocument = "replay due"

func (s *Switch) due() document.Document[due] {
	return document.Document[due]{Store: s.Documents, Name: dueDocument}
}

// Owed says in one line what the end of a pause owes that has not been done yet;
// empty if that is nothing.
func (s *Switch) Owed(ctx context.Context) (string, error) {
	d, err := s.due().Read(ctx)
	switch {
	case err != nil || d.Since.IsZero():
		return "", err
	case d.Compare != "":
		return "a replay of the dead letters whose fault was transient, and a comparison of everything, since " + d.Compare, nil
	default:
		return "a replay of the dead letters whose fault was transient", nil
	}
}

// owe notes that a replay is due from now on, and a comparison if there is a
// reason.
func (s *Switch) owe(ctx context.Context, compare string) error {
	return s.due().Update(ctx, func(d *due) (bool, error) {
		d.Since = s.Now()
		if compare != "" {
			d.Compare = compare
		}
		return true, nil
	})
}
