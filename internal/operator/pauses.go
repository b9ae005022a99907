package operator

import (
	"context"
	"fmt"
	"slices"

	"entrawebex/internal/pause"
)

// PauseRequest names the side that is to rest, and why.
type PauseRequest struct {
	Side pause.Side `json:"side"`
	Why  string     `json:"why"`
}

// ResumeRequest names the side that is to go on.
type ResumeRequest struct {
	Side pause.Side `json:"side"`
}

// Resumed is what came of it.
type Resumed struct {
	// Was is the pause that ended; nil if there was none.
	Was *pause.Pause `json:"was,omitempty"`
	// Owed is what follows within a minute; empty if nothing does.
	Owed string `json:"owed,omitempty"`
	// Paused is what is still paused.
	Paused pause.State `json:"paused"`
}

// Pause stops all work on a side until it is resumed, and returns what is paused.
func (o *Operator) Pause(ctx context.Context, r PauseRequest) (pause.State, error) {
	if err := o.side(ctx, r.Side); err != nil {
		return nil, err
	}
	began := o.Now()
	err := o.pauses().Pause(ctx, r.Side, pause.Pause{Since: began, Why: r.Why, ByOperator: true})
	if o.act(ctx, actPause, began, string(r.Side)+": "+r.Why, err); err != nil {
		return nil, err
	}
	return o.pauses().State(ctx)
}

// Resume lets the work on a side go on, whoever paused it.
func (o *Operator) Resume(ctx context.Context, r ResumeRequest) (Resumed, error) {
	if err := o.side(ctx, r.Side); err != nil {
		return Resumed{}, err
	}
	before, err := o.pauses().State(ctx)
	if err != nil {
		return Resumed{}, err
	}
	began := o.Now()
	err = o.pauses().Resume(ctx, r.Side)
	if o.act(ctx, actResume, began, string(r.Side), err); err != nil {
		return Resumed{}, err
	}
	var done Resumed
	if was, paused := before[r.Side]; paused {
		done.Was = &was
		if done.Owed, err = o.pauses().Owed(ctx); err != nil {
			return Resumed{}, err
		}
	}
	done.Paused, err = o.pauses().State(ctx)
	return done, err
}

// side makes sure that the side is one of this ledger.
func (o *Operator) side(ctx context.Context, side pause.Side) error {
	if !slices.Contains(pause.Sides(), side) {
		return invalid(fmt.Errorf("%.40q is no side: name graph or webex", string(side)))
	}
	return o.bound(ctx)
}
