package queue

import (
	"context"
	"errors"
	"fmt"

	"entrawebex/internal/change"
)

// Changes puts Changes on a queue, each in the message group of its object.
// It implements provision.Enqueuer.
type Changes struct {
	Queue Queue
}

// Enqueue returns nil only if every Change is on the queue. One that cannot
// be encoded does not hold up the others.
func (c Changes) Enqueue(ctx context.Context, changes []change.Change) error {
	entries := make([]Entry, 0, len(changes))
	var errs []error
	for _, ch := range changes {
		body, err := ch.Encode()
		if err != nil {
			errs = append(errs, fmt.Errorf("enqueue %s: %w", ch.Object, err))
			continue
		}
		entries = append(entries, Entry{Group: ch.ID, Body: body})
	}
	if err := c.Queue.Send(ctx, entries); err != nil {
		errs = append(errs, fmt.Errorf("enqueue changes: %w", err))
	}
	return errors.Join(errs...)
}

// Waiting is about how many Changes can be received now.
func (c Changes) Waiting(ctx context.Context) (int, error) {
	d, err := c.Queue.Depth(ctx)
	return d.Visible, err
}
