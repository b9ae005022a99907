package operator

import (
	"context"

	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/migration"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/replay"
)

// Operations are what an operator can do, with the stores at hand (Operator) or in the
// process that has them (Client). Errors are the same from both.
type Operations interface {
	readings
	rulings
	orders
	moves
}

// readings change nothing.
type readings interface {
	Status(ctx context.Context) (Status, error)
	Pipeline(ctx context.Context, r PipelineRequest) (Pipeline, error)
	Holds(ctx context.Context) ([]Held, error)
	Guard(ctx context.Context) (Latch, error)
	Letters(ctx context.Context, r LettersRequest) (Letters, error)
	History(ctx context.Context, r HistoryRequest) (History, error)
	Show(ctx context.Context, r ShowRequest) (Shown, error)
	Search(ctx context.Context, r SearchRequest) (Search, error)
	Plan(ctx context.Context, r plan.Request, watcher plan.Watcher) (*plan.Plan, error)
}

// rulings tell by what everything goes.
type rulings interface {
	Environment(ctx context.Context) ([]config.Value, error)
	TestMapping(ctx context.Context, r TestRequest) (plan.Trial, error)
	Configuration(ctx context.Context, r ConfigurationRequest) (configuration.Stored, error)
	Configurations(ctx context.Context) ([]configuration.Version, error)
}

// orders say what is to be done.
type orders interface {
	Approve(ctx context.Context, r DecideRequest) (Decided, error)
	Reject(ctx context.Context, r DecideRequest) (Decided, error)
	ClearGuard(ctx context.Context) (Latch, error)
	Replay(ctx context.Context, r replay.Request, progress func(done, of int)) (replay.Result, error)
	Pause(ctx context.Context, r PauseRequest) (pause.State, error)
	Resume(ctx context.Context, r ResumeRequest) (Resumed, error)
	Reconcile(ctx context.Context) error
	Provision(ctx context.Context, r ProvisionRequest) (Provisioning, error)
	Apply(ctx context.Context, r ApplyRequest) (configuration.Version, error)
}

// moves are moving in from the gallery app, a look at it and the beginning, and leaving.
type moves interface {
	Migration(ctx context.Context, r MigrationRequest, watcher plan.Watcher) (*migration.Report, error)
	Migrate(ctx context.Context, r MigrateRequest) (Resumed, error)
	Uninstall(ctx context.Context, r UninstallRequest) (Uninstallation, error)
}

var (
	_ Operations = (*Operator)(nil)
	_ Operations = (*Client)(nil)
)
