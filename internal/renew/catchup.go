package renew

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/document"
)

// CatchUp is a comparison of everything that is due because changes may have
// been missed.
type CatchUp struct {
	// Since is when it became due; zero if none is.
	Since time.Time `json:"since,omitzero"`
	// Why is one sentence, about the last of the reasons if there are several.
	Why string `json:"why,omitempty"`

	version int64
}

// CatchUps keep whether a catch-up is due. Whoever renews owes it; whoever
// reconciles reads it, catches up and says that it is done.
type CatchUps struct {
	Documents document.Store
	Now       func() time.Time
}

const (
	catchUpDocument = "catch-up"
	// writes is how often a write that met another is tried.
	writes = 5
)

// Owe notes that a catch-up is due, also while one is made: that one may be past
// what is missing.
func (c CatchUps) Owe(ctx context.Context, why string) error {
	var failed error
	for range writes {
		due, err := c.Due(ctx)
		if err != nil {
			return err
		}
		if due.Since.IsZero() {
			due.Since = c.Now().UTC()
		}
		due.Why = why
		if failed = c.put(ctx, due); failed == nil {
			return nil
		}
	}
	return failed
}

// Due returns the catch-up that is due; its Since is zero if none is.
func (c CatchUps) Due(ctx context.Context) (CatchUp, error) {
	data, version, err := c.Documents.Document(ctx, catchUpDocument)
	if err != nil {
		return CatchUp{}, fmt.Errorf("read whether a catch-up is due: %w", err)
	}
	due := CatchUp{version: version}
	if version > 0 {
		if json.Unmarshal(data, &due) != nil { // one too many does no harm
			due.Since, due.Why = c.Now().UTC(), "what was noted cannot be read"
		}
	}
	return due, nil
}

// Done says that the catch-up is done that Due returned before it began. One
// that became due since then stays so.
func (c CatchUps) Done(ctx context.Context, done CatchUp) error {
	due, err := c.Due(ctx)
	if err != nil || due.version != done.version {
		return err
	}
	return c.put(ctx, CatchUp{version: done.version})
}

// Settle does what catches up, and says that a catch-up is done if one was due
// before. Its error is what went wrong.
func (c CatchUps) Settle(ctx context.Context, catchUp func(ctx context.Context) error) error {
	due, err := c.Due(ctx)
	if failed := catchUp(ctx); failed != nil || err != nil || due.Since.IsZero() {
		return errors.Join(failed, err)
	}
	return c.Done(ctx, due)
}

func (c CatchUps) put(ctx context.Context, due CatchUp) error {
	data, err := json.Marshal(due)
	if err == nil {
		err = c.Documents.PutDocument(ctx, catchUpDocument, data, due.version)
	}
	if err != nil {
		return fmt.Errorf("note whether a catch-up is due: %w", err)
	}
	return nil
}
