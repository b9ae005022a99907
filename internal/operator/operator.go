// Package operator is what an operator can do, as typed methods, and over HTTP for
// whoever is in another process. The command line is a face of it.
package operator

import (
	"context"
	"log/slog"
	"time"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/history"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
	"entrawebex/internal/sweep"
	"entrawebex/internal/throttle"
)

// Operator looks into the ledger and the queues, and says what is to be done. A
// Client does the same in another process.
type Operator struct {
	Ledger               stores.Ledger
	Changes, DeadLetters queue.Queue
	// Oldest tells since when the oldest of the changes is there; nil where the queue does.
	Oldest func(ctx context.Context) (Oldest, error)
	// Kept is the provisioning log. It may be nil: then no act is kept, and History must
	// not be called.
	Kept history.Store
	// Replayer puts dead letters back.
	Replayer *replay.Job
	// Subscribed are the resources to which there may have to be a subscription;
	// empty where there need be none, nil where only the ledger tells.
	Subscribed []string
	// Served says whether a process works on these stores now; nil where that is not
	// known.
	Served *bool
	// Requests are those to each side in this process; nil where another makes them.
	Requests func() map[pause.Side]throttle.Traffic
	// Binding returns why the ledger is not that of a tenant and an organization:
	// then nothing is told or done.
	Binding func(ctx context.Context, tenantID, orgID string) error
	// TenantID and OrgID are those that are configured; empty where none are.
	TenantID, OrgID string
	// Configured opens what keeps the configurations.
	Configured func() (*configuration.Store, error)
	// Settings are those of a config.Planner, with the credentials as they are now.
	Settings func(ctx context.Context) (config.Settings, error)
	Now      func() time.Time
	Log      *slog.Logger
}

// bound returns why the ledger is not that of the configured tenant and organization, as
// every method does. One that is not bound yet refuses nobody.
func (o *Operator) bound(ctx context.Context) error { return o.boundTo(ctx, o.TenantID, o.OrgID) }

func (o *Operator) boundTo(ctx context.Context, tenantID, orgID string) error {
	if tenantID == "" || orgID == "" {
		return nil
	}
	if err := o.Binding(ctx, tenantID, orgID); err != nil {
		return &Error{Kind: Refused, Message: err.Error()}
	}
	return nil
}

func (o *Operator) pauses() *pause.Switch {
	return &pause.Switch{Documents: o.Ledger, Now: o.Now, Log: o.Log}
}

func (o *Operator) guard() *provision.Guard { return &provision.Guard{Documents: o.Ledger} }

func (o *Operator) requests() *sweep.Requests {
	return &sweep.Requests{Documents: o.Ledger, Now: o.Now, Log: o.Log}
}

// Latch is the state of the guard against mass destruction.
type Latch struct {
	// Since is when the guard was latched; zero if it is not, or was not.
	Since time.Time `json:"since,omitzero"`
}

// Guard tells whether the guard is latched.
func (o *Operator) Guard(ctx context.Context) (Latch, error) {
	if err := o.bound(ctx); err != nil {
		return Latch{}, err
	}
	since, err := o.guard().Latched(ctx)
	return Latch{Since: since}, err
}

// ClearGuard takes the latch off, and returns what it was.
func (o *Operator) ClearGuard(ctx context.Context) (Latch, error) {
	if err := o.bound(ctx); err != nil {
		return Latch{}, err
	}
	began := o.Now()
	since, err := o.guard().Clear(ctx)
	reason := "it was not latched"
	if !since.IsZero() {
		reason = "it was latched since " + since.UTC().Format(time.RFC3339)
	}
	o.act(ctx, actClear, began, reason, err)
	return Latch{Since: since}, err
}

// Reconcile asks for a comparison of everything, which begins within a minute.
func (o *Operator) Reconcile(ctx context.Context) error {
	if err := o.bound(ctx); err != nil {
		return err
	}
	began := o.Now()
	err := o.requests().Request(ctx, "an operator asked for it")
	o.act(ctx, actCompare, began, "everything is to be compared", err)
	return err
}

// Environment tells the settings in force, and where each comes from: never a secret.
func (o *Operator) Environment(ctx context.Context) ([]config.Value, error) {
	if err := o.bound(ctx); err != nil {
		return nil, err
	}
	settings, err := o.Settings(ctx)
	if err != nil {
		return nil, err
	}
	return settings.Values(), nil
}

// Plan makes the plan; the watcher is told what comes before that.
func (o *Operator) Plan(ctx context.Context, r plan.Request, watcher plan.Watcher) (*plan.Plan, error) {
	if err := r.Validate(); err != nil {
		return nil, invalid(err)
	}
	if err := o.bound(ctx); err != nil {
		return nil, err
	}
	planner, err := o.planner(ctx, r, watcher)
	if err != nil {
		return nil, err
	}
	made, err := planner.Make(ctx, r)
	if id := o.former(ctx, r.Name, err); id != "" {
		r.Name = id
		return planner.Make(ctx, r)
	}
	return made, err
}

// planner opens what plans under the configuration in force, or under the one of the
// request.
func (o *Operator) planner(ctx context.Context, r plan.Request, watcher plan.Watcher) (*plan.Planner, error) {
	settings, err := o.Settings(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := o.rulesOf(ctx, &settings, r)
	if err != nil {
		return nil, err
	}
	return plan.Open(ctx, r.Under(settings), rules, o.Ledger, watcher, o.Log)
}
