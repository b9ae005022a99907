package app

import (
	"context"
	"log/slog"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
	"entrawebex/internal/webex"
)

// DryRun is the engine and the comparison of everything on both sides and the ledger
// as they are, none of which they can write: what they would stays in memory, where
// they find it.
type DryRun struct {
	Graph *entra.Client
	// Webex is as it is, Target as it would be.
	Webex  *webex.Client
	Target *provision.DryRunTarget
	// Stored is the ledger as it is, Ledger as it would be.
	Stored stores.Ledger
	Ledger *provision.DryRunLedger
	// Queued takes the Changes that the engine asks for.
	Queued *provision.DryRunQueue
	Engine *provision.Engine

	parts *Parts
}

// OpenDryRun opens a dry run beginning with what is stored. A ledger that is bound
// to another tenant or organization is refused; one that is not bound stays so. The
// rules are those in force, or others. observe is told every attempt.
func OpenDryRun(ctx context.Context, s config.Settings, rules mapping.Rules, stored stores.Ledger, observe func(provision.Attempt), log *slog.Logger) (*DryRun, error) {
	if err := ledger.CheckBinding(ctx, stored, s.Entra.TenantID, s.Webex.OrgID); err != nil {
		return nil, err
	}
	sides, err := OpenSides(s, rules, log)
	if err != nil {
		return nil, err
	}
	d := &DryRun{
		Graph: sides.Graph, Webex: sides.Webex, Target: provision.NewDryRunTarget(sides.Webex, sides.Rules),
		Stored: stored, Ledger: provision.NewDryRunLedger(stored), Queued: new(provision.DryRunQueue),
	}
	d.parts = &Parts{
		Settings: s, Rules: sides.Rules, Graph: sides.Graph, Webex: d.Target,
		Ledger: dryLedger{d.Ledger, provision.NewDryRunDocuments(stored), stored},
		Queue:  dryQueue{d.Queued}, Observe: observe, Log: slog.New(slog.DiscardHandler),
		Rests: func(context.Context) (string, error) { return "", nil },
	}
	c := d.parts.config()
	// It tells the end and not the way there: the second reading is taken for the
	// first, and nothing is put off.
	c.TrustGone, c.ConfirmAfter = true, -1
	c.Later, c.Healed = nil, nil
	c.Parallel = 1 // one after another: so the guard counts in the same order every time
	d.Engine = provision.New(c)
	return d, nil
}

// Body is what is posted to Webex to create a user or group.
func Body(kind change.Kind, resource map[string]any) map[string]any {
	return webex.Body(kind, resource)
}

// Sweep returns what compares both sides as a whole, and leaves to left what a
// worker would do.
func (d *DryRun) Sweep(left *provision.DryRunQueue, progress func(sweep.Progress)) *sweep.Job {
	job := d.parts.sweep(d.Engine, progress)
	job.Queue, job.Scoping = left, d.Engine.Scoping
	job.Round = func(context.Context, change.Kind, string) error { return nil }
	return job
}

// dryLedger is the ledger as it would be, and whose accounts are there as it is.
type dryLedger struct {
	*provision.DryRunLedger
	*provision.DryRunDocuments

	stored stores.Ledger
}

// Provisioned implements stores.Ledger.
func (l dryLedger) Provisioned(ctx context.Context) (int, error) { return l.stored.Provisioned(ctx) }

// Records implements stores.Ledger.
func (l dryLedger) Records(ctx context.Context, each func(provision.Record) error) error {
	return l.stored.Records(ctx, each)
}

// dryQueue is a queue on which nothing waits.
type dryQueue struct{ *provision.DryRunQueue }

// Waiting implements Queue.
func (dryQueue) Waiting(context.Context) (int, error) { return 0, nil }
