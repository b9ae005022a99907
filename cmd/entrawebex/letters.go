package main

import (
	"context"
	"time"
)

// dropEvery is how soon the letters of an object are gone that has healed: to
// look whether any are to go is a read of the file.
const dropEvery = 2 * time.Second

// dropLetters takes the letters of objects that have healed off their queue, until
// ctx ends.
func (p *process) dropLetters(ctx context.Context) error {
	ticker := time.NewTicker(dropEvery)
	defer ticker.Stop()
	for {
		if err := p.Drops.Settle(ctx); err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "dead letters", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
