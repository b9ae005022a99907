package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"entrawebex/internal/app"
	"entrawebex/internal/app/webhook"
	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/renew"
)

// pollers is how many batches are worked on at a time. Webex names no rate;
// its other clients keep to a handful of calls at once.
const pollers = 4

// process is all functions in one process, on the embedded queue and ledger.
type process struct {
	*app.App

	log      *slog.Logger
	told     bell
	listener net.Listener // nil without a webhook, and so is server
	server   *http.Server
	operator net.Listener // nil if there can be none
}

// open makes a process that listens already, and does nothing yet. latest reads
// the settings again; observe is told every attempt, and may be nil.
func open(
	ctx context.Context, s config.Settings, latest *config.Latest, log *slog.Logger, observe func(provision.Attempt),
) (*process, error) {
	a, err := app.OpenEmbedded(ctx, s, latest, observe, log)
	if err != nil {
		return nil, err
	}
	p := &process{App: a, log: log, told: make(bell, 1)}
	if s.Webhook.URL != "" {
		err = p.listen(ctx)
	}
	if err == nil {
		err = p.begin(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.listenOperator(ctx)
	return p, nil
}

// checkScope looks for the application whose assignments are the scope.
func (p *process) checkScope(ctx context.Context) error {
	if p.Settings.Everybody() {
		return nil
	}
	assigned, err := checkAssignments(ctx, p.Graph, p.Settings.Entra.AppID)
	if err == nil {
		p.log.InfoContext(ctx, "scope", "application", p.Settings.Entra.AppID, "assigned", assigned)
	}
	return err
}

func (p *process) listen(ctx context.Context) error {
	handler, err := webhook.Handler(&p.Settings, queue.Changes{Queue: p.Stores.Changes}, p.told, p.log)
	if err != nil {
		return err
	}
	p.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", p.Settings.ListenAddr)
	if err != nil {
		return fmt.Errorf("listen on LISTEN_ADDR: %w", err)
	}
	if strings.HasSuffix(p.Settings.Webhook.URL, ":0") { // wherever it came to listen
		p.Subscriptions.WebhookURL = "http://" + p.listener.Addr().String()
	}
	const slowest = 10 * time.Second
	p.server = &http.Server{
		Handler: handler, ReadTimeout: slowest, WriteTimeout: slowest, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	return nil
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
		if err := p.Worker.Run(ctx, pollers); ctx.Err() == nil {
			return err
		}
		return nil
	})
	group.Go(func() error { return p.renew(ctx) })
	group.Go(func() error { return p.dropLetters(ctx) })
	group.Go(func() error { return p.repeat(ctx, "look for changes", p.Reconcile.Run) })
	group.Go(func() error { return p.repeat(ctx, "compare everything", p.Sweeps.Run) })
	group.Go(func() error { return p.serveOperator(ctx) })
	return group.Wait()
}

// renew runs the jobs at its interval, and when Graph says something of a
// subscription. Their failures are told and tried again.
func (p *process) renew(ctx context.Context) error {
	ticker := time.NewTicker(p.Settings.RenewInterval)
	defer ticker.Stop()
	var told []renew.Lifecycle
	for {
		if err := p.Renew(ctx, told...); err != nil && ctx.Err() == nil {
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
	ticker := time.NewTicker(p.Settings.ReconcileInterval)
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
	return errors.Join(err, p.App.Close())
}
