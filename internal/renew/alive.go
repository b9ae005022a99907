package renew

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/document"
)

// Alive is when all subscriptions that are wanted were last seen alive, by a run of
// Job that comes at this interval.
type Alive struct {
	// At is zero if they never were.
	At       time.Time     `json:"at,omitzero"`
	Interval time.Duration `json:"interval,omitempty"`
}

// Lately reports whether that still says how they stand: of two runs in a row one
// may come late.
func (a Alive) Lately(now time.Time) bool { return !a.At.IsZero() && now.Sub(a.At) <= 2*a.Interval }

// ReadAlive reads it. A document that cannot be decoded says nothing.
func ReadAlive(ctx context.Context, documents document.Store) (Alive, error) {
	a, err := aliveDocument(documents).Read(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return Alive{}, fmt.Errorf("read when the subscriptions were seen alive: %w", err)
	}
	return a, nil
}

// noteAlive notes that all were seen alive now. Another run that notes it at the
// same time has seen the same.
func (j *Job) noteAlive(ctx context.Context) error {
	kept, err := aliveDocument(j.Documents).Open(ctx)
	if err == nil || errors.Is(err, document.ErrMalformed) {
		kept.Value = Alive{At: j.Now().UTC(), Interval: j.Interval}
		err = kept.Save(ctx)
	}
	if err != nil && !errors.Is(err, document.ErrChanged) {
		return fmt.Errorf("note that the subscriptions are alive: %w", err)
	}
	return nil
}

func aliveDocument(documents document.Store) document.Document[Alive] {
	return document.Document[Alive]{Store: documents, Name: "subscriptions alive"}
}
