package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/document"
)

// RoundState is what there is to tell about the looks every minute for what has
// changed in one kind of things.
type RoundState struct {
	// Of is users, groups or assignments.
	Of string `json:"of"`
	// At is when Graph last answered, to within an hour; zero if that is not
	// known.
	At time.Time `json:"at,omitzero"`
	// Void says why a comparison must come first; empty if none must.
	Void    string            `json:"void,omitempty"`
	Failing condition.Failing `json:"failing,omitzero"`
}

// Rounds reads what there is to tell about the looks for what has changed: those
// that were ever made.
func Rounds(ctx context.Context, documents document.Store) ([]RoundState, error) {
	var states []RoundState
	for _, kind := range change.Kinds() {
		kept, err := cursorDocument(documents, kind).Open(ctx)
		p := kept.Value
		switch malformed := errors.Is(err, document.ErrMalformed); {
		case err != nil && !malformed:
			return nil, fmt.Errorf("read the cursor of %ss: %w", kind, err)
		case kept.Version == 0:
			continue
		case malformed || !p.isWhole():
			p.Void = "the cursor cannot be read"
		}
		states = append(states, RoundState{Of: string(kind) + "s", At: p.At, Void: p.Void, Failing: p.Failing})
	}
	kept, err := manifestDocument(documents).Open(ctx)
	m := kept.Value
	switch malformed := errors.Is(err, document.ErrMalformed); {
	case err != nil && !malformed:
		return nil, fmt.Errorf("read which assignments were seen: %w", err)
	case kept.Version == 0:
		return states, nil
	case malformed:
		m.Failing = condition.Failing{Error: err.Error()}
	}
	return append(states, RoundState{Of: "assignments", Failing: m.Failing}), nil
}
