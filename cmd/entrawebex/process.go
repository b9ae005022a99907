package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"entrawebex/infra"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/notification"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/renew"
	"entrawebex/internal/replay"
	"entrawebex/internal/webex"
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
	job                  *renew.Job
	listener             net.Listener
	server               *http.Server
	operator             net.Listener // nil if there can be none
}

// open makes a process that listens already, and does nothing yet. load reads
// the settings again; observe is told every attempt, and may be nil.
func open(
	ctx context.Context, s config.Settings, load func(context.Context) (config.Settings, error), log *slog.Logger, observe func(provision.Attempt),
) (*process, error) {
	p := &process{settings: s, log: log}
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
	directory, err := entra.OpenRotating(s.Entra, rules.Select(), latest.Entra)
	if err != nil {
		return err
	}
	target, err := webex.OpenRotating(s.Webex, latest.Webex)
	if err != nil {
		return err
	}
	if err := p.openQueues(); err != nil {
		return err
	}
	if err := p.listen(ctx); err != nil {
		return err
	}
	engine := provision.New(provision.Config{
		Directory: directory, Target: target, Ledger: kept, Queue: queue.Changes{Queue: p.changes},
		Mapping: rules, TenantID: s.Entra.TenantID, Protected: s.Protected, ConfirmAfter: s.ConfirmAfter,
		SkipGroups: !s.ProvisionGroups, Nested: s.NestedGroups, DeleteBinned: s.GroupSoftDelete == "delete",
		UpsertOnly: s.UpsertOnly,
		Guard: &provision.Guard{
			Documents: kept, Provisioned: kept.Provisioned,
			Floor: s.Guard.Floor, Share: s.Guard.Share, GroupShare: s.Guard.GroupShare, Window: s.Guard.Window,
		},
		Jitter: rand.N[time.Duration], Observe: observe, Log: p.log,
	})
	sides := pause.New(kept, directory, target, p.log)
	letters := &replay.Job{Dead: p.deadLetters, Main: p.changes, Log: p.log}
	p.recovery = &pause.Recovery{Switch: sides, Replay: letters.Transient}
	p.worker = &worker.Worker{
		Queue: p.changes, DeadLetters: p.deadLetters, Converge: engine.Converge, Pause: sides, Log: p.log,
	}
	p.job = &renew.Job{
		Graph: directory, Documents: kept, Resources: renew.Resources(),
		WebhookURL: s.Webhook.URL, ClientState: s.Webhook.ClientState,
		Now: time.Now, Log: p.log,
	}
	if p.job.WebhookURL == "" {
		p.job.WebhookURL = "http://" + p.listener.Addr().String()
	}
	// Once at the start, so that a wrong token or organization is told now and
	// not with the first change.
	return errors.Join(checkTenant(ctx, directory, s.Entra.TenantID), checkWebex(ctx, target))
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
	handler, err := notification.New(notification.Config{
		ClientState:         p.settings.Webhook.ClientState,
		PreviousClientState: p.settings.Webhook.PreviousClientState,
		TenantID:            p.settings.Entra.TenantID,
		Queue:               queue.Changes{Queue: p.changes},
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
		Handler: handler, ReadTimeout: slowest, WriteTimeout: slowest, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	return nil
}

// Run serves until ctx ends: the webhook, the workers, renew at its interval, and
// operators' commands.
func (p *process) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
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
	group.Go(func() error {
		if err := p.worker.Run(ctx, pollers); ctx.Err() == nil {
			return err
		}
		return nil
	})
	group.Go(func() error { return p.renew(ctx) })
	group.Go(func() error { return p.serveOperator(ctx) })
	return group.Wait()
}

// renew runs the job at its interval. Its failures are told and tried again.
func (p *process) renew(ctx context.Context) error {
	ticker := time.NewTicker(p.settings.RenewInterval)
	defer ticker.Stop()
	for {
		if err := errors.Join(p.recovery.Settle(ctx), p.job.Run(ctx), p.recovery.CatchUp(ctx)); err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "renew", "error", err)
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
