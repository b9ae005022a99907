package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
)

// overview is the first page: what needs a person, with what can be done about it.
func (p *pages) overview(r *http.Request, o operator.Operations) (view, error) {
	n, err := p.readNeeds(r.Context(), o)
	return view{Title: "Now", Here: "/", Template: "overview", Body: n}, err
}

// needs is what needs a person.
type needs struct {
	operator.Status

	Sides []restingSide
	// Undecided are the holds that wait for a person's word, Decided the others.
	Undecided, Decided []operator.Held
	Letters            operator.Letters
}

// restingSide is a side that is paused.
type restingSide struct {
	Side pause.Side
	pause.Pause
}

func (p *pages) readNeeds(ctx context.Context, o operator.Operations) (needs, error) {
	s, err := p.status.lately(ctx)
	if err != nil {
		return needs{}, err
	}
	n := needs{Status: s}
	for _, side := range pause.Sides() {
		if resting, ok := s.Paused[side]; ok {
			n.Sides = append(n.Sides, restingSide{side, resting})
		}
	}
	if s.Holds.Total > 0 {
		held, err := o.Holds(ctx)
		if err != nil {
			return needs{}, err
		}
		for _, h := range held {
			if undecided(h) {
				n.Undecided = append(n.Undecided, h)
			} else {
				n.Decided = append(n.Decided, h)
			}
		}
		// Whoever is blocked and still let in waits for nobody.
		slices.SortStableFunc(n.Undecided, func(a, b operator.Held) int { return order(b.Blocked) - order(a.Blocked) })
	}
	if s.DeadLetters > 0 {
		n.Letters, err = o.Letters(ctx, operator.LettersRequest{})
	}
	return n, err
}

func order(first bool) int {
	if first {
		return 1
	}
	return 0
}

// undecided reports whether a hold waits for a person's word.
func undecided(h operator.Held) bool {
	return h.Decision == operator.Undecided || h.Decision == operator.Expired
}

// Age is for how long the oldest change waits; 0 if none does, or nobody knows.
func (n needs) Age() time.Duration {
	if n.Oldest.IsZero() {
		return 0
	}
	return n.At.Sub(n.Oldest)
}
