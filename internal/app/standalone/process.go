// Package standalone is all functions in one process, on a queue and a ledger in a
// file: the webhook, the workers, the jobs at their intervals, and operators' commands.
package standalone

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
	"entrawebex/internal/console"
	"entrawebex/internal/monitor"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/renew"
)

// pollers is how many batches are worked on at a time. Webex names no rate;
// its other clients keep to a handful of calls at once.
const pollers = 4

// Process is the system in this process.
type Process struct {
	*app.App

	log      *slog.Logger
	told     lifecycle
	listener net.Listener // nil without a webhook, and so is server
	server   *http.Server
	operator net.Listener // nil if there can be none
	monitor  *monitor.Monitor
	metrics  net.Listener     // nil if nobody is to ask
	console  *console.Console // nil if there is none
}

// Open makes a process that listens already, and does nothing yet. latest reads
// the settings again; observe is told every attempt, and may be nil.
func Open(
	ctx context.Context, s config.Settings, latest *config.Latest, log *slog.Logger, observe func(provision.Attempt),
) (*Process, error) {
	counted := monitor.New()
	a, err := app.OpenEmbedded(ctx, s, latest, func(made provision.Attempt) {
		counted.Attempt(made)
		if observe != nil {
			observe(made)
		}
	}, log)
	if err != nil {
		return nil, err
	}
	p := &Process{App: a, log: log, told: make(lifecycle, 1), monitor: counted}
	if s.Webhook.URL != "" {
		err = p.listen(ctx)
	}
	if err == nil {
		err = p.listenMetrics(ctx)
	}
	if err == nil {
		err = p.listenConsole(ctx)
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

// Serve serves the tenant and organization of the environment until ctx ends. invite is
// told the address of the console, if there is one, and may be nil.
func Serve(ctx context.Context, environ []string, log *slog.Logger, invite func(url string)) error {
	settings, latest, err := config.Begin(ctx, config.OneProcess, environ, log)
	if err != nil {
		return err
	}
	p, err := Open(ctx, settings, latest, log, nil)
	if err != nil {
		return err
	}
	if p.Subscriptions != nil {
		log.InfoContext(ctx, "serving", "address", p.listener.Addr().String(), "webhook", p.Subscriptions.WebhookURL)
	} else {
		log.InfoContext(ctx, "asking Graph for changes", "every", settings.ReconcileInterval)
	}
	if url := p.ConsoleURL(); url != "" && invite != nil {
		invite(url)
	}
	if err := p.Run(ctx); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return p.Close()
}

func (p *Process) listen(ctx context.Context) error {
	handler, err := webhook.Handler(&p.Settings, p.Latest, queue.Changes{Queue: p.Stores.Changes}, p.told, nil, p.log)
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
		Handler: p.monitor.Deliveries(handler), ReadTimeout: slowest, WriteTimeout: slowest, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	return nil
}

// Run serves until ctx ends: the webhook if there is one, the workers, renew and
// reconcile at their intervals, and operators' commands.
func (p *Process) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if p.server != nil {
		group.Go(func() error { return serve(ctx, p.server, p.listener) })
	}
	if p.metrics != nil {
		group.Go(func() error { return serve(ctx, p.metricsServer(), p.metrics) })
	}
	group.Go(func() error {
		if err := p.Worker.Run(ctx, pollers); ctx.Err() == nil {
			return err
		}
		return nil
	})
	group.Go(func() error { return p.renew(ctx) })
	group.Go(func() error { return p.dropLetters(ctx) })
	never := func() bool { return false }
	group.Go(func() error { return p.repeat(ctx, "look for changes", p.Look, never) })
	group.Go(func() error { return p.repeat(ctx, "compare everything", p.Sweeps.Run, p.asked(ctx)) })
	group.Go(func() error { return p.ServeOperators(ctx) })
	if p.console != nil {
		group.Go(func() error { return p.console.Serve(ctx) })
	}
	return group.Wait()
}

// serve serves until ctx ends.
func serve(ctx context.Context, server *http.Server, on net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(on); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		const last = 5 * time.Second
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
		defer cancel()
		if server.Shutdown(ending) == nil {
			return nil
		}
		return server.Close() // what a client holds open is no failure: Graph sends again
	})
	return group.Wait()
}

// lookEvery is how soon the letters of an object are gone that has healed, and
// what an operator asks for begins: to look whether there is any is a read of the file.
const lookEvery = 250 * time.Millisecond

// dropLetters takes the letters of objects that have healed off their queue, until
// ctx ends.
func (p *Process) dropLetters(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if err := p.Drops.Settle(ctx); err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "dead letters", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// renew runs the jobs at its interval, and when Graph says something of a
// subscription. Their failures are told and tried again.
func (p *Process) renew(ctx context.Context) error {
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

// repeat does it at the interval of reconcile, and soon after it was asked for. What
// fails is told and done again.
func (p *Process) repeat(ctx context.Context, what string, do func(context.Context) error, asked func() bool) error {
	ticker, look := time.NewTicker(p.Settings.ReconcileInterval), time.NewTicker(lookEvery)
	defer ticker.Stop()
	defer look.Stop()
	for due := true; ; {
		if due {
			if err := do(ctx); err != nil && ctx.Err() == nil {
				p.log.ErrorContext(ctx, "reconcile", "what", what, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			due = true
		case <-look.C:
			due = asked()
		}
	}
}

// asked reports whether there is another reason to compare than there was a moment ago.
// One that stays since a comparison failed waits for the interval.
func (p *Process) asked(ctx context.Context) func() bool {
	var before string
	return func() bool {
		why, err := p.Sweeps.Asked(ctx)
		if err != nil { // Run meets it, too, and tells it
			return false
		}
		another := why != "" && why != before
		before = why
		return another
	}
}

// Close gives back what Open took.
func (p *Process) Close() error {
	var err error
	for _, listener := range []net.Listener{p.listener, p.operator, p.metrics} {
		if listener == nil {
			continue
		}
		if closeErr := listener.Close(); !errors.Is(closeErr, net.ErrClosed) {
			err = errors.Join(err, closeErr)
		}
	}
	if p.console != nil {
		err = errors.Join(err, p.console.Close())
	}
	return errors.Join(err, p.App.Close())
}
