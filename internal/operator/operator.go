// Package operator is what an operator can do, as typed methods. The command
// line is a face of it.
package operator

import (
	"context"
	"log/slog"
	"time"

	"entrawebex/internal/document"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/sweep"
)

// Ledger is what an operator reads of it. Pauses, the latch of the guard, and
// how comparisons and subscriptions stand are among its documents.
type Ledger interface {
	document.Store
	// Records calls each with every record there is.
	Records(ctx context.Context, each func(provision.Record) error) error
}

// Queue is a queue of which it is asked how much waits.
type Queue interface {
	Depth(ctx context.Context) (queue.Depth, error)
}

// Operator looks into the ledger and the queues.
type Operator struct {
	Ledger               Ledger
	Changes, DeadLetters Queue
	// Subscribed are the resources to which there may have to be a subscription;
	// empty where there need be none, nil where only the ledger tells.
	Subscribed []string
	Now        func() time.Time
	Log        *slog.Logger
}

// Pauses are those of both sides.
func (o *Operator) Pauses() *pause.Switch {
	return &pause.Switch{Documents: o.Ledger, Now: o.Now, Log: o.Log}
}

// Guard can say whether it is latched, and be cleared.
func (o *Operator) Guard() *provision.Guard { return &provision.Guard{Documents: o.Ledger} }

// Comparisons can say how they stand, and be asked for.
func (o *Operator) Comparisons() *sweep.Schedule {
	return &sweep.Schedule{
		Requests: &sweep.Requests{Documents: o.Ledger, Now: o.Now, Log: o.Log}, Now: o.Now, Log: o.Log,
	}
}
