package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"entrawebex/internal/config"
	"entrawebex/internal/sandbox"
)

// What the sandbox is called by and lets in; events/ uses the same tenant and
// clientState.
const (
	sandboxTenant      = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	sandboxDomain      = "contoso.example"
	sandboxApp         = "a6b7c8d9-0000-4000-8000-000000000001"
	sandboxOrg         = "3b2a1c00-7d4e-4bbb-8ccc-1234567890ab"
	sandboxToken       = "sandbox"
	sandboxClientState = "secretClientValue"
)

type sandboxOptions struct {
	seed    uint64
	users   int
	members int
	storm   bool
	stay    bool
}

// stage is the simulated tenant and organization, on loopback addresses.
type stage struct {
	tenant          *sandbox.Tenant
	storm           *sandbox.Storm // nil in fair weather
	org             *sandbox.Org
	graph, webex    *http.Server
	graphAt, scimAt string
}

// runSandbox plays a day and returns nil only if Webex is what Entra says at
// its end.
func runSandbox(ctx context.Context, out io.Writer, environ []string, options sandboxOptions) error {
	s, err := openStage(ctx, options)
	if err != nil {
		return err
	}
	defer s.close()
	data, err := os.MkdirTemp("", "entrawebex-sandbox-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }() // the system empties that folder anyway
	settings, err := s.settings(ctx, environ, data)
	if err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }() // it goes with its folder
	show := newScreen(out, s.tenant)
	load := func(ctx context.Context) (config.Settings, error) { return s.settings(ctx, environ, data) }
	p, err := open(ctx, settings, load, slog.New(slog.NewJSONHandler(logFile, nil)), show.attempt)
	if err != nil {
		return err
	}
	return errors.Join(s.play(ctx, p, show, options), p.Close())
}

func openStage(ctx context.Context, options sandboxOptions) (*stage, error) {
	of := sandbox.TenantConfig{ID: sandboxTenant, Domain: sandboxDomain, Token: sandboxToken, Seed: options.seed, AppID: sandboxApp}
	var storm *sandbox.Storm
	if options.storm {
		storm = sandbox.NewStorm(options.seed)
		of.Transport = storm.Deliveries(http.DefaultTransport)
	}
	tenant, err := sandbox.NewTenant(of)
	if err != nil {
		return nil, err
	}
	org, err := sandbox.NewOrg(sandbox.OrgConfig{ID: sandboxOrg, Token: sandboxToken, Seed: options.seed})
	if err != nil {
		return nil, err
	}
	if err := sandbox.Seed(tenant, org, options.users, options.seed); err != nil {
		return nil, err
	}
	s := &stage{tenant: tenant, org: org, storm: storm}
	if s.graph, s.graphAt, err = serveLoopback(ctx, s.weather(tenant)); err != nil {
		return nil, err
	}
	if s.webex, s.scimAt, err = serveLoopback(ctx, s.weather(org)); err != nil {
		s.close()
		return nil, err
	}
	s.scimAt += "/identity/scim/" + sandboxOrg + "/v2"
	return s, nil
}

// weather is a service as it is reached.
func (s *stage) weather(service http.Handler) http.Handler {
	if s.storm == nil {
		return service
	}
	return s.storm.Around(service)
}

func serveLoopback(ctx context.Context, handler http.Handler) (*http.Server, string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("listen on loopback: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return server, "http://" + listener.Addr().String(), nil
}

func (s *stage) close() {
	for _, server := range []*http.Server{s.graph, s.webex} {
		if server != nil {
			_ = server.Close() // nothing is left to lose
		}
	}
}

// settings are those of a real run, pointed at the stage. What the environment
// says about the rest holds.
func (s *stage) settings(ctx context.Context, environ []string, data string) (config.Settings, error) {
	environ = append(environ,
		"SCOPE=all", "ENTRA_TENANT_ID="+sandboxTenant, "GRAPH_URL="+s.graphAt, "GRAPH_ACCESS_TOKEN="+sandboxToken,
		"WEBEX_ORG_ID="+sandboxOrg, "WEBEX_SCIM_URL="+s.scimAt, "WEBEX_ACCESS_TOKEN="+sandboxToken,
		"CLIENT_STATE="+sandboxClientState, "WEBHOOK_URL=http://127.0.0.1", "DATA_DIR="+data,
		"DELETE_CONFIRM_AFTER=2s", // ten minutes in life
	)
	settings, err := config.Load(ctx, config.OneProcess, environ, config.Secret)
	settings.Webhook.URL = "" // where the process comes to listen
	return settings, err
}

// play subscribes, lets the day happen and tells what came of it.
func (s *stage) play(ctx context.Context, p *process, show *screen, options sandboxOptions) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.Run(ctx) })
	group.Go(func() error {
		s.tenant.Run(ctx)
		return nil
	})
	group.Go(func() error {
		defer stop()
		return s.day(ctx, p, show, options)
	})
	return group.Wait()
}

func (s *stage) day(ctx context.Context, p *process, show *screen, options sandboxOptions) error {
	show.opening(s, p, options)
	subscribed := func() bool { return s.tenant.Calls.Snapshot()["POST /subscriptions"] == len(p.job.Resources) }
	if err := wait(ctx, time.Minute, subscribed); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if s.storm != nil {
		s.storm.Blow(true)
	}
	day := sandbox.Day(options.seed)
	if options.members > 0 {
		day = append(day, sandbox.Takeover(options.seed, options.members)...)
	}
	for _, step := range day {
		show.step(step.Title)
		if err := step.Apply(s.tenant); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
		// Not every change has to land before the next step: a life does not
		// wait either.
		const breath = 400 * time.Millisecond
		if err := wait(ctx, breath, s.quiet(ctx, p)); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if s.storm != nil {
		s.storm.Blow(false)
		show.note("The storm ends.")
	}
	const evening = 5 * time.Minute
	if err := wait(ctx, evening, s.quiet(ctx, p)); err != nil {
		show.note("the queue is not empty after " + evening.String())
	}
	var allowed []sandbox.Allowance
	if p.settings.NestedGroups {
		allowed = append(allowed, sandbox.Nested)
	}
	differences := sandbox.Compare(s.tenant, s.org, allowed...)
	show.summary(s, sandbox.Memberships(s.tenant, allowed...), differences)
	if options.stay {
		show.note("Serving until interrupted (Ctrl-C).")
		<-ctx.Done()
		return nil
	}
	if len(differences) > 0 {
		return errReported
	}
	return nil
}

// quiet reports whether nothing is on its way any more.
func (s *stage) quiet(ctx context.Context, p *process) func() bool {
	return func() bool {
		depth, err := p.changes.Depth(ctx)
		return err == nil && depth.Visible+depth.InFlight == 0 && s.tenant.Undelivered() == 0
	}
}

var errPatience = errors.New("not within the time given")

// wait looks until the condition holds, but not longer than patience.
func wait(ctx context.Context, patience time.Duration, condition func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
	return nil
}
