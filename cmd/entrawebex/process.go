package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"entrawebex/infra"
	"entrawebex/internal/app"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/notification"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/renew"
	"entrawebex/internal/replay"
	"entrawebex/internal/sweep"
	"entrawebex/internal/worker"
)

// pollers is how many batches are worked on at a time. Webex names no rate;
// its other clients keep to a handful of calls at once.
const pollers = 4

// process is all functions in one process, on the embedded queue and ledger.
type process struct {
	settings config.Settings
	latest   *config.Latest
	log      *slog.Logger

	db                   *bbolt.DB
	kept                 *ledger.Bolt
	changes, deadLetters *queue.Bolt
	worker               *worker.Worker
	recovery             *pause.Recovery
	drops                *replay.Drops
	reconcile            *reconcile.Job
	sweeps               *sweep.Schedule
	job                  *renew.Job // nil without a webhook, and so are listener and server
	token                *renew.TokenJob
	told                 bell
	listener             net.Listener
	server               *http.Server
	operator             net.Listener // nil if there can be none
}

// open makes a process that listens already, and does nothing yet. load reads
// the settings again; observe is told every attempt, and may be nil.
func open(
	ctx context.Context, s config.Settings, load func(context.Context) (config.Settings, error), log *slog.Logger, observe func(provision.Attempt),
) (*process, error) {
	p := &process{settings: s, log: log, told: make(bell, 1)}
	if err := p.build(ctx, config.NewLatest(s, load, time.Now, log), observe); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.listenOperator(ctx)
	return p, nil
}

func (p *process) build(ctx context.Context, latest *config.Latest, observe func(provision.Attempt)) error {
	s := p.settings
	p.latest = latest
	if err := p.openData(); err != nil {
		return err
	}
	kept, err := ledger.OpenBolt(p.db)
	if err != nil {
		return err
	}
	p.kept = kept
	if err := ledger.Bind(ctx, kept, s.Entra.TenantID, s.Webex.OrgID); err != nil {
		return err
	}
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		return err
	}
	directory, err := entra.OpenRotating(s.Entra, rules.Select(), latest.Entra, p.log)
	if err != nil {
		return err
	}
	target, err := p.openWebex(latest)
	if err != nil {
		return err
	}
	if err := p.openQueues(); err != nil {
		return err
	}
	if s.Webhook.URL != "" {
		if err := p.listen(ctx); err != nil {
			return err
		}
	}
	sides := pause.New(kept, directory, target, p.log)
	parts := &app.Parts{
		Settings: s, Rules: rules, Graph: directory, Webex: target, Ledger: kept, Queue: queue.Changes{Queue: p.changes},
		Rests: sides.Why, Observe: observe, Log: p.log,
	}
	engine := parts.Engine()
	p.reconcile, p.sweeps = parts.Reconcile(engine), parts.Sweeps(engine)
	if err := p.takeOver(ctx); err != nil {
		return err
	}
	letters := &replay.Job{Dead: p.deadLetters, Main: p.changes, Log: p.log}
	p.recovery = &pause.Recovery{Switch: sides, Replay: letters.Transient, Compare: parts.Requests().Request}
	p.worker = &worker.Worker{
		Queue: p.changes, DeadLetters: p.deadLetters, Converge: engine.Converge, Letters: parts.Letters(), Pause: sides, Log: p.log,
	}
	p.drops = &replay.Drops{Dead: p.deadLetters, Letters: parts.Letters(), Log: p.log}
	if s.Webhook.URL != "" {
		p.job = p.subscriptions(directory)
	}
	p.token = p.tokenJob()
	return p.begin(ctx, directory, target)
}

// checkScope looks for the application whose assignments are the scope.
func (p *process) checkScope(ctx context.Context, directory *entra.Client) error {
	if p.settings.Everybody() {
		return nil
	}
	assigned, err := checkAssignments(ctx, directory, p.settings.Entra.AppID)
	if err == nil {
		p.log.InfoContext(ctx, "scope", "application", p.settings.Entra.AppID, "assigned", assigned)
	}
	return err
}

func (p *process) openQueues() error {
	var err error
	if p.deadLetters, err = queue.OpenBolt(p.db, "dead-letters", queue.BoltOptions{}); err != nil {
		return err
	}
	p.changes, err = queue.OpenBolt(p.db, "changes", queue.BoltOptions{DeadLetters: p.deadLetters})
	return err
}

// openData opens the file that queue and ledger live in.
func (p *process) openData() error { return p.openDataWithin(time.Second) }

// openDataWithin waits so long for another process to close the file;
// bbolt's ErrTimeout if it does not.
func (p *process) openDataWithin(patience time.Duration) error {
	if err := os.MkdirAll(p.settings.DataDir, 0o700); err != nil {
		return fmt.Errorf("make DATA_DIR: %w", err)
	}
	path := filepath.Join(p.settings.DataDir, "entrawebex.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: patience})
	if err != nil {
		return fmt.Errorf("open %s: %w (is another process using it?)", path, err)
	}
	db.MaxBatchDelay = time.Millisecond
	p.db = db
	return nil
}

func (p *process) listen(ctx context.Context) error {
	receiver, err := notification.New(notification.Config{
		ClientState:         p.settings.Webhook.ClientState,
		PreviousClientState: p.settings.Webhook.PreviousClientState,
		TenantID:            p.settings.Entra.TenantID,
		Queue:               queue.Changes{Queue: p.changes},
		Renew:               p.told,
		Log:                 p.log,
	})
	if err != nil {
		return err
	}
	p.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", p.settings.ListenAddr)
	if err != nil {
		return fmt.Errorf("listen on LISTEN_ADDR: %w", err)
	}
	const slowest = 10 * time.Second
	p.server = &http.Server{
		Handler: notification.Handler(receiver), ReadTimeout: slowest, WriteTimeout: slowest, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	return nil
}

// subscriptions keeps those to changes of users and groups.
func (p *process) subscriptions(graph *entra.Client) *renew.Job {
	url := p.settings.Webhook.URL
	if strings.HasSuffix(url, ":0") { // wherever it came to listen
		url = "http://" + p.listener.Addr().String()
	}
	return &renew.Job{
		Graph: graph, Documents: p.kept, Resources: renew.Resources(p.settings.GroupsMatter()),
		WebhookURL: url, ClientState: p.settings.Webhook.ClientState,
		Interval: p.settings.RenewInterval, Now: time.Now, Log: p.log,
	}
}

// Run serves until ctx ends: the webhook if there is one, the workers, renew and
// reconcile at their intervals, and operators' commands.
func (p *process) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if p.server != nil {
		group.Go(func() error {
			if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			const last = 5 * time.Second
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
			defer cancel()
			return p.server.Shutdown(ending)
		})
	}
	group.Go(func() error {
		if err := p.worker.Run(ctx, pollers); ctx.Err() == nil {
			return err
		}
		return nil
	})
	group.Go(func() error { return p.renew(ctx) })
	group.Go(func() error { return p.dropLetters(ctx) })
	group.Go(func() error { return p.repeat(ctx, "look for changes", p.reconcile.Run) })
	group.Go(func() error { return p.repeat(ctx, "compare everything", p.sweeps.Run) })
	group.Go(func() error { return p.serveOperator(ctx) })
	return group.Wait()
}

// renew runs the jobs at its interval, and when Graph says something of a
// subscription. Their failures are told and tried again.
func (p *process) renew(ctx context.Context) error {
	ticker := time.NewTicker(p.settings.RenewInterval)
	defer ticker.Stop()
	var told []renew.Lifecycle
	for {
		refreshed := p.token.Run(ctx)
		settled := p.recovery.Settle(ctx)
		var subscribed error
		if p.job != nil {
			subscribed = p.job.Run(ctx, told...)
		}
		if err := errors.Join(refreshed, settled, subscribed, p.recovery.CatchUp(ctx)); err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "renew", "error", err)
		}
		told = nil
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case told = <-p.told:
		}
	}
}

// repeat does it at the interval of reconcile. What fails is told and done again.
func (p *process) repeat(ctx context.Context, what string, do func(context.Context) error) error {
	ticker := time.NewTicker(p.settings.ReconcileInterval)
	defer ticker.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "reconcile", "what", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Close gives back what open took.
func (p *process) Close() error {
	var err error
	for _, listener := range []net.Listener{p.listener, p.operator} {
		if listener == nil {
			continue
		}
		if closeErr := listener.Close(); !errors.Is(closeErr, net.ErrClosed) {
			err = errors.Join(err, closeErr)
		}
	}
	if p.db != nil {
		err = errors.Join(err, p.db.Close())
	}
	return err
}
