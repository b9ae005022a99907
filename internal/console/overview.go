package console

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
)

// now is what the first page shows.
type now struct {
	Needs     needs
	Flow      flow
	Replaying replayed
}

// overview is the first page: what needs a person, with what can be done about it, and
// the way of changes.
func (p *pages) overview(r *http.Request, o operator.Operations) (view, error) {
	v := view{Title: "Now", Here: "/", Template: "overview"}
	status, err := p.status.asked(r.Context())
	if err != nil {
		return v, err
	}
	var made now
	if made.Needs, err = readNeeds(r.Context(), o, status); err != nil {
		return v, err
	}
	made.Flow, err = p.flow.asked(r.Context())
	made.Replaying = p.replaying.now(p.Now())
	v.Body = made
	return v, err
}

// overviewEvents tells the first page what is another one than before.
func (p *pages) overviewEvents(w http.ResponseWriter, r *http.Request) {
	var seen time.Time
	var needed []byte
	p.stream(w, r, func(ctx context.Context) ([]region, error) {
		status, err := p.status.watched(ctx)
		if err != nil {
			return nil, err
		}
		if !status.At.Equal(seen) {
			err := p.With(ctx, func(o operator.Operations) (err error) {
				n, err := readNeeds(ctx, o, status)
				if err == nil {
					needed, err = p.fragment(r, "needs", n)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
			seen = status.At
		}
		passing, err := p.flow.watched(ctx)
		if err != nil {
			return nil, err
		}
		passed, err := p.fragment(r, "pipeline", passing)
		if err != nil {
			return nil, err
		}
		sides, err := p.fragment(r, "sides", passing)
		if err != nil {
			return nil, err
		}
		replaying, err := p.fragment(r, "replaying", p.replaying.now(p.Now()))
		return []region{{"needs", needed}, {"replaying", bytes.TrimSpace(replaying)}, {"pipeline", passed}, {"sides", sides}}, err
	})
}

// needs is what needs a person.
type needs struct {
	operator.Status

	Sides []restingSide
	// Undecided are the holds that wait for a person's word, Decided the others.
	Undecided, Decided []operator.Held
	Letters            operator.Letters
}

// restingSide is a side, and its pause if it is paused.
type restingSide struct {
	Side pause.Side
	pause.Pause
}

func readNeeds(ctx context.Context, o operator.Operations, s operator.Status) (needs, error) {
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
	var err error
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
