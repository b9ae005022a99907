package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
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
	// dropWrites is how often a note that met another is tried.
	dropWrites = 5
)

// Owe notes that there may be letters of an object that has healed.
func (l *Letters) Owe(ctx context.Context) error {
	var failed error
	for range dropWrites {
		d, version, err := l.dropping(ctx)
		if err != nil || !d.Since.IsZero() && !d.Begun {
			return err // noted, and nobody has begun
		}
		if d.Since.IsZero() {
			d.Since = l.Now().UTC()
		}
		d.Begun = false
		if failed = l.put(ctx, d, version); failed == nil {
			return nil
		}
	}
	return failed
}

// Drop calls pass if letters are to be dropped, or none were looked at for a day.
// pass takes those off the queue whose objects are not at fault, and reports
// whether it could look at all. If not, or if another removal was owed meanwhile,
// the next call of Drop calls it again.
func (l *Letters) Drop(ctx context.Context, pass func(ctx context.Context) (all bool, err error)) error {
	d, version, err := l.dropping(ctx)
	now := l.Now().UTC()
	if err != nil || d.Since.IsZero() && now.Sub(d.Looked) < lookEvery {
		return err
	}
	if d.Since.IsZero() {
		d.Since = now
	}
	d.Begun = true
	if err := l.put(ctx, d, version); err != nil {
		return err
	}
	all, err := pass(ctx)
	if err != nil || !all && now.Sub(d.Since) < dropPatience {
		return err
	}
	if _, latest, err := l.dropping(ctx); err != nil || latest != version+1 {
		return err // owed again
	}
	return l.put(ctx, dropping{Looked: now}, version+1)
}

func (l *Letters) dropping(ctx context.Context) (dropping, int64, error) {
	data, version, err := l.Documents.Document(ctx, droppingDocument)
	if err != nil {
		return dropping{}, 0, fmt.Errorf("read whether letters are to be dropped: %w", err)
	}
	var d dropping
	if version > 0 {
		if err := json.Unmarshal(data, &d); err != nil {
			return dropping{}, 0, fmt.Errorf("read whether letters are to be dropped: %w", err)
		}
	}
	return d, version, nil
}

func (l *Letters) put(ctx context.Context, d dropping, version int64) error {
	data, err := json.Marshal(d)
	if err == nil {
		err = l.Documents.PutDocument(ctx, droppingDocument, data, version)
	}
	if err != nil {
		return fmt.Errorf("note whether letters are to be dropped: %w", err)
	}
	return nil
}
