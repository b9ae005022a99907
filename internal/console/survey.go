package console

import (
	"context"
	"sync"
	"time"

	"entrawebex/internal/operator"
)

// survey is a status that is read again when it is no longer fresh: it reads every
// record. It is safe for concurrent use.
type survey struct {
	read func(ctx context.Context) (operator.Status, error)
	now  func() time.Time

	mu    sync.Mutex
	last  operator.Status
	err   error
	until time.Time
}

const (
	// fresh is for how long a status stands, at least.
	fresh = 2 * time.Second
	// share is what part of the time may be spent on reading, at most: one in so many.
	share = 20
)

// lately is how things stand, as of a moment ago.
func (v *survey) lately(ctx context.Context) (operator.Status, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	began := v.now()
	if began.Before(v.until) {
		return v.last, v.err
	}
	v.last, v.err = v.read(ctx)
	if ctx.Err() != nil { // that is whoever asked
		return v.last, v.err
	}
	ended := v.now()
	v.until = ended.Add(max(fresh, share*ended.Sub(began)))
	return v.last, v.err
}

// forget has it read again: something was ordered.
func (v *survey) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.until = time.Time{}
}

func (p *pages) readStatus(ctx context.Context) (s operator.Status, err error) {
	err = p.With(ctx, func(o operator.Operations) (err error) {
		s, err = o.Status(ctx)
		return err
	})
	return s, err
}
