// Package operations opens what an operator can do: in the stores that an environment
// names, or in the process that has them.
package operations

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	bbolterrors "go.etcd.io/bbolt/errors"

	"entrawebex/internal/app"
	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/ledger"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/renew"
)

// Opened are Operations that were opened.
type Opened struct {
	operator.Operations

	close func() error
	// lasts says that they may be held open: a file is another's turn, too, and a run
	// ends.
	lasts bool
}

// Last reports whether they may be held open for long.
func (o *Opened) Last() bool { return o.lasts }

// Close gives back what they took.
func (o *Opened) Close() error { return o.close() }

// Planner returns the settings of a config.Planner, as they are now.
type Planner = func(context.Context) (config.Settings, error)

// Open opens the stores that the environment names, on AWS, else in DATA_DIR; or the
// process that has those. The error is fs.ErrNotExist before a first start.
func Open(ctx context.Context, environ []string, log *slog.Logger) (*Opened, error) {
	settings, err := config.Load(ctx, config.Operator, environ, config.Secret)
	if err != nil {
		return nil, err
	}
	planner := func(ctx context.Context) (config.Settings, error) {
		settings, _, err := config.Begin(ctx, config.Planner, environ, log)
		return settings, err
	}
	return OpenWith(ctx, settings, planner, log)
}

// OpenWith opens the stores that the settings name; see Open.
func OpenWith(ctx context.Context, settings config.Settings, planner Planner, log *slog.Logger) (*Opened, error) {
	if settings.AWS == (config.AWS{}) {
		return openFile(ctx, &settings, planner, log)
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	o := New(stores.OnAWS(aws, &settings, log), &settings, planner, log)
	o.Subscribed = renew.Resources(true) // the stack has a webhook
	o.Oldest = oldest(aws, settings.AWS.ChangeQueueURL, time.Now)
	return &Opened{Operations: o, lasts: true, close: func() error { return nil }}, nil
}

// New returns what an operator can do in these stores.
func New(kept *stores.Stores, s *config.Settings, planner Planner, log *slog.Logger) *operator.Operator {
	return &operator.Operator{
		Ledger: kept.Ledger, Changes: kept.Changes, DeadLetters: kept.DeadLetters, Kept: kept.History, Replayer: kept.Replay(log),
		Binding: func(ctx context.Context, tenantID, orgID string) error {
			return ledger.CheckBinding(ctx, kept.Ledger, tenantID, orgID)
		},
		TenantID: s.Entra.TenantID, OrgID: s.Webex.OrgID,
		Configured: func() (*configuration.Store, error) { return app.Configurations(s, kept.Ledger) },
		Settings:   planner, Now: time.Now, Log: log,
	}
}

// openFile opens the file in DATA_DIR if nobody has it, or whoever has it takes no
// commands and is soon done: another operator, or a run that begins or ends. A run
// that has it is asked instead.
func openFile(ctx context.Context, s *config.Settings, planner Planner, log *slog.Logger) (*Opened, error) {
	if _, err := os.Stat(stores.Path(s.DataDir)); err != nil {
		return nil, fmt.Errorf("%w: set DATA_DIR to the folder that entrawebex run uses, or name the stack on AWS with --stack", err)
	}
	const moment = time.Millisecond
	for _, patience := range []time.Duration{moment, time.Second} {
		file, err := stores.OpenFile(s, patience)
		switch {
		case err == nil:
			o := New(file.Stores, s, planner, log)
			o.Served = new(bool) // whoever serves it has the file
			return &Opened{Operations: o, close: file.Close}, nil
		case !errors.Is(err, bbolterrors.ErrTimeout):
			return nil, err
		}
		if socket := Socket(s.DataDir); answers(ctx, socket) {
			client := operator.NewClient(socket)
			client.TenantID, client.OrgID = s.Entra.TenantID, s.Webex.OrgID
			return &Opened{Operations: client, close: func() error { return nil }}, nil
		}
	}
	return nil, fmt.Errorf("another process has the file in %s and takes no commands: if it is entrawebex run, its log says why; else try again when it is done", s.DataDir)
}

// Socket is the path at which a run with this DATA_DIR takes commands.
func Socket(dataDir string) string { return filepath.Join(dataDir, "entrawebex.sock") }

// answers reports whether a process listens on the socket; one that a crash
// left refuses.
func answers(ctx context.Context, socket string) bool {
	const within = 5 * time.Second
	conn, err := (&net.Dialer{Timeout: within}).DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	_ = conn.Close() // it was only asked
	return true
}

// OpenOrEmpty opens the stores; before the first start, when there are none, it
// returns others in which nothing is kept, and whose plan says so.
func OpenOrEmpty(ctx context.Context, environ []string, log *slog.Logger) (*Opened, error) {
	found, err := Open(ctx, environ, log)
	if !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	settings, _, err := config.Begin(ctx, config.Planner, environ, log)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "entrawebex-plan-")
	if err != nil {
		return nil, err
	}
	file, err := stores.OpenFile(&config.Settings{DataDir: folder}, time.Second)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	planner := func(context.Context) (config.Settings, error) { return settings, nil }
	o := New(file.Stores, &settings, planner, slog.New(slog.DiscardHandler))
	return &Opened{
		Operations: firstStart{Operator: o, dataDir: settings.DataDir},
		close:      func() error { return errors.Join(file.Close(), os.RemoveAll(folder)) },
	}, nil
}

// firstStart says of a plan that it is that of a first start.
type firstStart struct {
	*operator.Operator

	dataDir string
}

// Plan implements operator.Operations.
func (f firstStart) Plan(ctx context.Context, r plan.Request, watcher plan.Watcher) (*plan.Plan, error) {
	made, err := f.Operator.Plan(ctx, r, watcher)
	if err == nil {
		made.Notes = append(made.Notes, fmt.Sprintf("there is no ledger in DATA_DIR (%s): this is the plan of a first start", f.dataDir))
	}
	return made, err
}
