// Package stores opens what a part of the system keeps: the ledger, the
// provisioning log, the change queue and the dead-letter queue, on AWS or in a file on one machine. It links
// neither side's client.
package stores

import (
	"context"
	"log/slog"
	"time"

	"entrawebex/internal/document"
	"entrawebex/internal/history"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
)

// Ledger is the ledger, wherever it is.
type Ledger interface {
	provision.Ledger
	document.Store
	Provisioned(ctx context.Context) (int, error)
	Records(ctx context.Context, each func(provision.Record) error) error
}

// Stores are what a part keeps, and what is done with it where it is.
type Stores struct {
	Ledger               Ledger
	Changes, DeadLetters queue.Queue
	// History is the provisioning log.
	History history.Store
	// Redrive has SQS move all dead letters; see replay.Job.
	Redrive func(ctx context.Context, rate int) (task string, err error)
	// Feed switches what feeds the worker; see pause.Recovery.
	Feed func(ctx context.Context, on bool) error
	// Look is how long a look into the dead-letter queue waits; see replay.Drops.
	Look time.Duration
}

// Replay returns what puts dead letters back.
func (s *Stores) Replay(log *slog.Logger) *replay.Job {
	return &replay.Job{Dead: s.DeadLetters, Main: s.Changes, Redrive: s.Redrive, Log: log}
}

// Recovery returns what a pause and its end ask for. compare asks for a comparison
// of everything.
func (s *Stores) Recovery(sides *pause.Switch, compare func(ctx context.Context, why string) error, log *slog.Logger) *pause.Recovery {
	return &pause.Recovery{Switch: sides, Feed: s.Feed, Replay: s.Replay(log).Transient, Compare: compare}
}
