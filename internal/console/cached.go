package console

import (
	"context"
	"sync"
	"time"
)

// cached is a reading that is made again when it is no longer fresh, however many ask. It
// is safe for concurrent use.
type cached[T any] struct {
	read func(ctx context.Context) (T, error)
	now  func() time.Time
	// fresh is for how long a reading stands. Who only watches has it stand for so many
	// times of what it took: a part of the time, and no more, is spent on watching.
	fresh time.Duration
	times int

	mu    sync.Mutex
	last  T
	err   error
	began time.Time // zero if there is none
	took  time.Duration
}

// asked is a reading for a person who asks for it.
func (v *cached[T]) asked(ctx context.Context) (T, error) { return v.within(ctx, 0) }

// watched is a reading for a page that asks again and again.
func (v *cached[T]) watched(ctx context.Context) (T, error) { return v.within(ctx, v.times) }

func (v *cached[T]) within(ctx context.Context, times int) (T, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	stands := max(v.fresh, v.took*time.Duration(times))
	if !v.began.IsZero() && now.Before(v.began.Add(stands)) {
		return v.last, v.err
	}
	last, err := v.read(ctx)
	if ctx.Err() != nil { // that is whoever asked, and no reading
		return last, err
	}
	v.last, v.err, v.began, v.took = last, err, now, v.now().Sub(now)
	return last, err
}

// forget has it read again: something was ordered.
func (v *cached[T]) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.began = time.Time{}
}
