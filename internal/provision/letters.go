package provision

import (
	"context"
	"errors"
	"time"

	"entrawebex/internal/document"
)

// dropping says that letters are to be taken off the dead-letter queue.
type dropping struct {
	// Since is when that became due; zero if it is not.
	Since time.Time `json:"since,omitzero"`
	// Begun says that somebody is at it, who may have looked at some already.
	Begun bool `json:"begun,omitempty"`
	// Looked is when all letters were last looked at.
	Looked time.Time `json:"looked,omitzero"`
}

const (
	droppingDocument = "letters to drop"
	// lookEvery is how often all letters are looked at, whatever is due: what was
	// missed is as old as that at most.
	lookEvery = 24 * time.Hour
	// dropPatience is how long it is tried again where not all letters could be
	// looked at. A replay that was killed holds them for five minutes, a claim
	// lasts for two.
	dropPatience = 15 * time.Minute
)

// Owe notes that there may be letters of an object that has healed.
func (l *Letters) Owe(ctx context.Context) error {
	return l.dropping().Update(ctx, func(d *dropping) (bool, error) {
		if !d.Since.IsZero() && !d.Begun {
			return false, nil // noted, and nobody has begun
		}
		if d.Since.IsZero() {
			d.Since = l.Now().UTC()
		}
		d.Begun = false
		return true, nil
	})
}

// Drop calls pass if letters are to be dropped, or none were looked at for a day.
// pass takes those off the queue whose objects are not at fault, and reports
// whether it could look at all. If not, or if another removal was owed meanwhile,
// the next call of Drop calls it again.
func (l *Letters) Drop(ctx context.Context, pass func(ctx context.Context) (all bool, err error)) error {
	note, err := l.dropping().Open(ctx)
	d, now := &note.Value, l.Now().UTC()
	if err != nil || d.Since.IsZero() && now.Sub(d.Looked) < lookEvery {
		return err
	}
	if d.Since.IsZero() {
		d.Since = now
	}
	d.Begun = true
	if err := note.Save(ctx); err != nil {
		return err
	}
	all, err := pass(ctx)
	if err != nil || !all && now.Sub(d.Since) < dropPatience {
		return err
	}
	note.Value = dropping{Looked: now}
	if err := note.Save(ctx); !errors.Is(err, document.ErrChanged) {
		return err
	}
	return nil // owed again
}

func (l *Letters) dropping() document.Document[dropping] {
	return document.Document[dropping]{Store: l.Documents, Name: droppingDocument}
}
