package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
)

// Failing is a condition that lasts: since when something fails, and why by the
// last answer.
type Failing struct {
	// Since is zero if it does not fail.
	Since time.Time `json:"since,omitzero"`
	Error string    `json:"error,omitempty"`
}

// RoundState is what there is to tell about the looks every minute for what has
// changed in one kind of things.
type RoundState struct {
	// Of is users, groups or assignments.
	Of string `json:"of"`
	// At is when Graph last answered, to within an hour; zero if that is not
	// known.
	At time.Time `json:"at,omitzero"`
	// Void says why a comparison must come first; empty if none must.
	Void    string  `json:"void,omitempty"`
	Failing Failing `json:"failing,omitzero"`
}

// with returns the condition after something that ended with err, or with none.
func (f Failing) with(err error, now time.Time) Failing {
	if err == nil {
		return Failing{}
	}
	const longest = 500 // bytes; a fault says it in one sentence
	text := err.Error()
	if f.Since.IsZero() {
		f.Since = now.UTC()
	}
	f.Error = strings.ToValidUTF8(text[:min(len(text), longest)], "")
	return f
}

// rounds reads what there is to tell about the looks for what has changed: those
// that were ever made.
func (r *Requests) rounds(ctx context.Context) ([]RoundState, error) {
	var states []RoundState
	for _, kind := range change.Kinds() {
		kept, err := cursorDocument(r.Documents, kind).Open(ctx)
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
	kept, err := manifestDocument(r.Documents).Open(ctx)
	m := kept.Value
	switch malformed := errors.Is(err, document.ErrMalformed); {
	case err != nil && !malformed:
		return nil, fmt.Errorf("read which assignments were seen: %w", err)
	case kept.Version == 0:
		return states, nil
	case malformed:
		m.Failing = Failing{Error: err.Error()}
	}
	return append(states, RoundState{Of: "assignments", Failing: m.Failing}), nil
}
