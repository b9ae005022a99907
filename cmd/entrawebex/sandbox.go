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
	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/story"
)

// What the sandbox is called by and lets in; events/ uses the same tenant and
// clientState.
const (
	sandboxTenant      = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	sandboxDomain      = "contoso.example"
	sandboxApp         = "c7a1d9a2-6a0e-4d53-9c55-0b8f1f6f7a10" // the enterprise application
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
	// silent has nothing notified: what changes is found by asking.
	silent bool
}

// stage is the simulated tenant and organization, on loopback addresses.
type stage struct {
	tenant          *graph.Tenant
	storm           *story.Storm // nil in fair weather
	org             *scim.Organization
	silent          bool
	graph, webex    *http.Server
	graphAt, scimAt string
}

// runSandbox plays a day and returns nil only if Webex is what Entra says at
// its end.
func runSandbox(ctx context.Context, out io.Writer, environ []string, options sandboxOptions) error {
	if options.silent {
		environ = append([]string{"RECONCILE_INTERVAL=2s"}, environ...)
	}
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
	log := slog.New(slog.NewJSONHandler(logFile, nil))
	p, err := open(ctx, settings, config.NewLatest(settings, load, time.Now, log), log, show.attempt)
	if err != nil {
		return err
	}
	return errors.Join(s.play(ctx, p, show, options), p.Close())
}

func openStage(ctx context.Context, options sandboxOptions) (*stage, error) {
	of := graph.Config{ID: sandboxTenant, Domain: sandboxDomain, AppID: sandboxApp, Token: sandboxToken, Seed: options.seed}
	var storm *story.Storm
	if options.storm {
		storm = story.NewStorm(options.seed)
		of.Transport = storm.Deliveries(http.DefaultTransport)
	}
	tenant, err := graph.New(of)
	if err != nil {
		return nil, err
	}
	org, err := scim.New(scim.Config{ID: sandboxOrg, Token: sandboxToken, Seed: options.seed})
	if err != nil {
		return nil, err
	}
	if err := story.Seed(tenant, org, options.users, options.seed); err != nil {
		return nil, err
	}
	s := &stage{tenant: tenant, org: org, storm: storm, silent: options.silent}
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
		"CLIENT_STATE="+sandboxClientState, "WEBHOOK_URL=http://127.0.0.1:0", "DATA_DIR="+data,
		"DELETE_CONFIRM_AFTER=2s", // ten minutes in life
	)
	if s.silent {
		environ = append(environ, "WEBHOOK_URL=")
	}
	return config.Load(ctx, config.OneProcess, environ, config.Secret)
}

// play subscribes, lets the day happen and tells what came of it.
func (s *stage) play(whole context.Context, p *process, show *screen, options sandboxOptions) error {
	ctx, stop := context.WithCancel(whole)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.Run(ctx) })
	group.Go(func() error {
		s.tenant.Run(ctx)
		return nil
	})
	group.Go(func() error {
		defer stop()
		err := s.day(ctx, p, show, options)
		if err != nil && whole.Err() != nil {
			show.note("Stopped before the day was over: what is in Webex was not compared with Entra.")
			return errReported
		}
		return err
	})
	return group.Wait()
}

func (s *stage) day(ctx context.Context, p *process, show *screen, options sandboxOptions) error {
	show.opening(s, p, options)
	if p.Subscriptions != nil {
		subscribed := func() bool { return s.tenant.Calls.Snapshot()["POST /subscriptions"] == len(p.Subscriptions.Resources) }
		if err := wait(ctx, time.Minute, subscribed); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	if err := s.dawn(ctx, p, show); err != nil {
		return err
	}
	if s.storm != nil {
		s.storm.Blow(true)
	}
	day := story.Day(options.seed)[1:] // everybody is noticed already
	if options.members > 0 {
		day = append(day, story.Takeover(options.seed, options.members)...)
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
	var allowed []compare.Allowance
	if p.Settings.NestedGroups {
		allowed = append(allowed, compare.Nested)
	}
	if err := s.evening(ctx, p, show, func() int { return len(compare.Differences(s.tenant, s.org, allowed...)) }); err != nil {
		return err
	}
	differences := compare.Differences(s.tenant, s.org, allowed...)
	show.summary(s, compare.Memberships(s.tenant, allowed...), differences)
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

// evening waits until the day is over, and says what is left of it. The error is
// that of ctx if it ends before.
func (s *stage) evening(ctx context.Context, p *process, show *screen, differ func() int) error {
	over := s.rested(s.quiet(ctx, p), differ, show.note)
	if s.silent { // nothing on the queue does not say that nothing will be
		over = func() bool { return differ() == 0 }
	}
	const patience = 5 * time.Minute
	began := time.Now()
	switch err := wait(ctx, patience, over); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		show.note("the queue is not empty after " + patience.String())
	case !s.silent && !s.quiet(ctx, p)():
		show.note("Both sides are equal. What stays queued are second looks at writes whose answer was lost, minutes after them.")
	}
	if s.silent {
		show.note(fmt.Sprintf("All was found %s after the last change; Graph is asked every %s.", time.Since(began).Round(100*time.Millisecond), p.Settings.ReconcileInterval))
	}
	return nil
}

// rested returns whether the day is over: nothing is on its way, or both sides
// have been equal for longer than a write takes that is under way. A second look
// comes minutes after a write whose answer was lost, and changes nothing then.
// While they differ it tells now and then by how much.
func (s *stage) rested(quiet func() bool, differ func() int, tell func(string)) func() bool {
	const calm, pause, silence = 3 * time.Second, 100 * time.Millisecond, 15 * time.Second
	began := time.Now()
	equal, looked, told := began, began, began
	return func() bool {
		now := time.Now()
		switch {
		case quiet():
			return true
		case now.Sub(looked) < pause: // to compare takes a while
			return false
		}
		looked = now
		if n := differ(); n > 0 || s.tenant.Undelivered() > 0 {
			equal = now
			if now.Sub(told) >= silence {
				told = now
				tell(fmt.Sprintf("… %s after %s: what failed is tried again, some of it only minutes later",
					operator.Counted(n, "difference"), now.Sub(began).Round(time.Second)))
			}
		}
		return now.Sub(equal) >= calm
	}
}

// quiet reports whether nothing is on its way any more.
func (s *stage) quiet(ctx context.Context, p *process) func() bool {
	return func() bool {
		depth, err := p.Stores.Changes.Depth(ctx)
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
