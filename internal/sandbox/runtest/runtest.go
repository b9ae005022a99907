// Package runtest has a process serve a sandbox, for the tests of all that is done with
// one.
package runtest

import (
	"context"
	"flag"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
)

// Waiting has more tests run at a time than there are processors, unless -parallel
// says how many: most of them wait for what is scripted to pass. It is for a TestMain.
func Waiting() {
	const many = "6"
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(many) // a number
	}
}

// Sandbox is a sandbox and the folder of the process that serves it.
type Sandbox struct {
	*sandbox.Sandbox

	DataDir string
	// Observed has each attempt of the processes that Open opens.
	Observed chan provision.Attempt

	t     testing.TB
	rules func(context.Context) mapping.Rules // of the process that was opened last
}

// New returns a sandbox that ends with the test.
func New(t testing.TB, users int) *Sandbox {
	t.Helper()
	s, err := sandbox.Open(t.Context(), sandbox.Options{Seed: 1, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	const many = 100_000
	return &Sandbox{Sandbox: s, t: t, DataDir: t.TempDir(), Observed: make(chan provision.Attempt, many)}
}

// Environ is the environment of a process, on a port of its own: those of tests run
// side by side.
func (s *Sandbox) Environ(more ...string) []string {
	return slices.Concat([]string{"LISTEN_ADDR=127.0.0.1:0", "CONSOLE_ADDR=off"}, more, s.Sandbox.Environ(s.DataDir))
}

// Load reads the settings of a process.
func (s *Sandbox) Load(environ ...string) func(context.Context) (config.Settings, error) {
	return func(ctx context.Context) (config.Settings, error) {
		return config.Load(ctx, config.OneProcess, s.Environ(environ...), config.Secret)
	}
}

// Open opens a process.
func (s *Sandbox) Open(environ ...string) *standalone.Process {
	s.t.Helper()
	return s.OpenWith(s.Load(environ...))
}

// OpenWith opens a process with the settings that are loaded.
func (s *Sandbox) OpenWith(load func(context.Context) (config.Settings, error)) *standalone.Process {
	s.t.Helper()
	p, err := s.TryOpen(load)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// TryOpen opens a process that may refuse the settings.
func (s *Sandbox) TryOpen(load func(context.Context) (config.Settings, error)) (*standalone.Process, error) {
	s.t.Helper()
	settings, err := load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	latest := config.NewLatest(settings, load, time.Now, log)
	p, err := standalone.Open(s.t.Context(), settings, latest, log, func(a provision.Attempt) { s.Observed <- a })
	if err == nil {
		s.rules = p.Rules
	}
	return p, err
}

// Run runs the process, and the tenant's notifications, while f does; f is called when
// all is subscribed to and everybody is there. Then it closes the process.
func (s *Sandbox) Run(p *standalone.Process, f func(context.Context)) {
	s.t.Helper()
	ctx, stop := context.WithCancel(operator.As(s.t.Context(), "ada@host"))
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	running.Go(func() { s.Tenant.Run(ctx) })
	subscribed := func() bool {
		calls := s.Tenant.Calls.Snapshot()
		return p.Subscriptions == nil || calls["GET /subscriptions"] > 0 && calls["POST /subscriptions"] == len(p.Subscriptions.Resources)
	}
	if err := sandbox.Wait(ctx, time.Minute, subscribed); err != nil {
		s.t.Error(err)
	}
	synced := func() bool {
		state, err := p.Sweeps.State(ctx)
		return err == nil && state.Last != nil
	}
	if err := sandbox.Wait(ctx, time.Minute, synced); err != nil {
		s.t.Error(err)
	}
	f(ctx)
	stop()
	running.Wait()
	if err := p.Close(); err != nil {
		s.t.Error(err)
	}
}

// Start has the process run until the test ends, and returns when everybody is there.
func (s *Sandbox) Start(p *standalone.Process) {
	s.t.Helper()
	there, over := make(chan struct{}), make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		s.Run(p, func(context.Context) {
			close(there)
			<-over
		})
	})
	s.t.Cleanup(func() {
		close(over)
		running.Wait()
	})
	<-there
}

// Settle waits until nothing is on its way.
func (s *Sandbox) Settle(ctx context.Context, p *standalone.Process) {
	s.t.Helper()
	quiet := func() bool {
		depth, err := p.Stores.Changes.Depth(ctx)
		return err == nil && depth.Visible+depth.InFlight == 0 && s.Tenant.Undelivered() == 0
	}
	if err := sandbox.Wait(ctx, time.Minute, quiet); err != nil {
		s.t.Fatal(err)
	}
}

// Differences are those of Webex from what Entra says, by the mappings in force.
func (s *Sandbox) Differences(ctx context.Context, allowed ...compare.Allowance) []compare.Difference {
	return compare.Differences(s.Tenant, s.Org, s.rules(ctx), allowed...)
}

// Equal waits until both sides are.
func (s *Sandbox) Equal(ctx context.Context, patience time.Duration, allowed ...compare.Allowance) {
	s.t.Helper()
	equal := func() bool { return len(s.Differences(ctx, allowed...)) == 0 }
	if err := sandbox.Wait(ctx, patience, equal); err != nil {
		s.t.Errorf("%v: %v", err, s.Differences(ctx, allowed...))
	}
}

// Touch makes Graph notify of everybody, though nothing changed.
func (s *Sandbox) Touch() {
	s.t.Helper()
	for _, u := range s.Tenant.Users() {
		if err := s.Tenant.Update(u.Text("id"), func(graph.User) {}); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, g := range s.Tenant.Groups() {
		if err := s.Tenant.UpdateGroup(g.Text("id"), func(graph.Group) {}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Everybody converges all users, ten at a time, in a process that does not run.
func (s *Sandbox) Everybody(p *standalone.Process) {
	s.t.Helper()
	const few = 10
	for batch := range slices.Chunk(s.Tenant.Users(), few) {
		changes := make([]change.Change, len(batch))
		for i, u := range batch {
			changes[i] = Updated(u.Text("id"))
		}
		p.Worker.Converge(s.t.Context(), changes)
	}
}

// Updated is the Change of a notification about a user.
func Updated(id string) change.Change {
	return change.Change{Object: change.Object{Kind: change.User, ID: id}, Source: change.Notification, SeenAt: time.Now()}
}
