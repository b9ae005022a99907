package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/notification"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/scoping"
	"entrawebex/internal/webex"
)

const (
	tenantID    = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	orgID       = "3b2a1c00-7d4e-4bbb-8ccc-1234567890ab"
	domain      = "contoso.example"
	clientState = "secretClientValue"
	appID       = "4f0cbb36-6a8e-4a39-8f51-8a0d7e3f6c12" // of the enterprise application

	graphHost   = "localhost:1" // a loopback host, to which a token may go
	webexHost   = "webex.example"
	webhookHost = "localhost:2"
)

// land is a simulated tenant and organization, and what of the system holds
// its state: no sockets, and a clock that is not the machine's.
type land struct {
	t      testing.TB
	seed   uint64
	random *randomness
	clock  func() time.Time
	nested bool
	// assigned makes those the scope who are assigned to the enterprise
	// application.
	assigned bool
	// turned is when an assignment, or a group that may be assigned, last came or
	// went, listed when assignments last were: see mayTurn.
	turned map[string]time.Time
	listed time.Time
	guard  *provision.Guard
	// upper gives those who are hired names with capitals, and blanks around.
	upper bool
	// gone are the userPrincipalNames of those who were deleted for good.
	gone []string

	network simhttp.Network
	tenant  *graph.Tenant
	org     *scim.Organization
	rules   mapping.Rules
	ledger  *ledger.Bolt
	db      *bbolt.DB

	mu     sync.Mutex
	story  []string
	failed int
}

// habits are what the sides of a land do otherwise than most.
type habits struct {
	tenant graph.Config
	org    scim.Config
}

// newLand returns a land whose webhook puts Changes on the queue given. post
// carries what the tenant delivers; nil for nothing between.
func newLand(t testing.TB, seed uint64, path string, clock func() time.Time, post func(simhttp.Network) http.RoundTripper) *land {
	t.Helper()
	return newLandOf(t, seed, path, clock, post, habits{})
}

func newLandOf(t testing.TB, seed uint64, path string, clock func() time.Time, post func(simhttp.Network) http.RoundTripper, h habits) *land {
	t.Helper()
	l := &land{
		t: t, seed: seed, random: newRandomness(seed), clock: clock, nested: seed%3 == 0, network: simhttp.Network{},
		turned: map[string]time.Time{},
	}
	var transport http.RoundTripper = l.network
	if post != nil {
		transport = post(l.network)
	}
	h.tenant.ID, h.tenant.Domain, h.tenant.Token, h.tenant.AppID = tenantID, domain, "t", appID
	h.tenant.Transport, h.tenant.Now, h.tenant.Seed = transport, clock, seed
	l.tenant = try(graph.New(h.tenant))(t)
	h.org.ID, h.org.Token, h.org.Now, h.org.Seed = orgID, "t", clock, seed
	l.org = try(scim.New(h.org))(t)
	l.network[graphHost], l.network[webexHost] = l.tenant, l.org
	l.rules = try(mapping.Parse(infra.Provisioning()))(t)
	l.db = try(bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true, NoFreelistSync: true}))(t)
	l.db.MaxBatchSize = 1 // nobody else writes: no waiting for company
	l.ledger = try(ledger.OpenBolt(l.db))(t)
	return l
}

// subscribe lets the tenant notify a webhook that fills the queue.
func (l *land) subscribe(queue notification.Enqueuer) {
	l.t.Helper()
	l.network[webhookHost] = notification.Handler(try(notification.New(notification.Config{
		ClientState: clientState, TenantID: tenantID, Queue: queue, Now: l.clock,
	}))(l.t))
	if err := l.renewal(l.network, l.ledger).Run(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// renewal is the job that keeps the subscriptions.
func (l *land) renewal(wire http.RoundTripper, documents document.Store) *renew.Job {
	l.t.Helper()
	return &renew.Job{
		Graph: l.directory(wire), Documents: documents, Resources: renew.Resources(true), WebhookURL: "http://" + webhookHost,
		ClientState: func(context.Context) string { return clientState }, Now: l.clock, Log: slog.New(slog.DiscardHandler),
	}
}

func (l *land) directory(wire http.RoundTripper) *entra.Client {
	l.t.Helper()
	return try(entra.New(entra.Config{
		BaseURL: "http://" + graphHost, Credential: entra.StaticToken("t"), Transport: wire, Select: l.rules.Select(), Now: l.clock,
		Log: slog.New(slog.DiscardHandler),
	}))(l.t)
}

func (l *land) target(wire http.RoundTripper) *webex.Client {
	l.t.Helper()
	return try(webex.New(webex.Config{
		URL: "http://" + webexHost + "/identity/scim/" + orgID + "/v2", Transport: wire, Now: l.clock,
		Token: func(context.Context) (string, error) { return "t", nil },
	}))(l.t)
}

// engine returns an engine that reaches both sides over the wire.
func (l *land) engine(wire http.RoundTripper, kept provision.Ledger, queue provision.Enqueuer) *provision.Engine {
	l.t.Helper()
	return provision.New(l.config(wire, kept, queue))
}

func (l *land) config(wire http.RoundTripper, kept provision.Ledger, queue provision.Enqueuer) provision.Config {
	l.t.Helper()
	directory := l.directory(wire)
	return provision.Config{
		Directory: directory, Target: l.target(wire), Ledger: kept, Queue: queue, Mapping: l.rules, Nested: l.nested, Scoping: l.scoping(directory),
		TenantID: tenantID, Guard: l.guard, Now: l.clock, Log: slog.New(slog.DiscardHandler),
		Jitter: func(d time.Duration) time.Duration { return time.Duration(l.random.IntN(int(d))) },
	}
}

// scoping is everybody, or those who are assigned, as a directory finds them.
func (l *land) scoping(directory *entra.Client) scoping.Rules {
	if !l.assigned {
		return scoping.Rules{}
	}
	return scoping.Rules{Application: &scoping.Application{AppID: appID, Find: directory.ServicePrincipal}}
}

func (l *land) close() {
	l.t.Helper()
	path := l.db.Path()
	if err := l.db.Close(); err != nil {
		l.t.Error(err)
	}
	if err := os.Remove(path); err != nil {
		l.t.Error(err)
	}
}

func (l *land) tellf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.story = append(l.story, l.clock().Format("02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// failf tells what happened, to be replayed with the seed.
func (l *land) failf(format string, args ...any) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed++; l.failed > 1 { // the story is told
		l.t.Errorf("seed %d: %s", l.seed, fmt.Sprintf(format, args...))
		return
	}
	l.t.Errorf("seed %d: %s\n%s", l.seed, fmt.Sprintf(format, args...), strings.Join(l.story, "\n"))
}

// equal fails the test unless Webex is what Entra says, give or take what is
// allowed.
func (l *land) equal(allowed ...compare.Allowance) {
	l.t.Helper()
	if differences := l.differences(allowed...); len(differences) > 0 {
		l.failf("%v", differences)
	}
}

func (l *land) differences(allowed ...compare.Allowance) []compare.Difference {
	return compare.Differences(l.tenant, l.org, l.rules, append(l.rulesOfScope(), allowed...)...)
}

// rulesOfScope are the land's settings, as the sandbox names them.
func (l *land) rulesOfScope() []compare.Allowance {
	var rules []compare.Allowance
	if l.nested {
		rules = append(rules, compare.Nested)
	}
	if l.assigned {
		rules = append(rules, compare.Assigned)
	}
	return rules
}

// randomness is a source of random numbers for several goroutines.
type randomness struct {
	mu     sync.Mutex
	random *rand.Rand
}

func newRandomness(seed uint64) *randomness {
	return &randomness{random: rand.New(rand.NewPCG(seed, 1))}
}

// IntN returns a number in [0, n).
func (r *randomness) IntN(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.random.IntN(n)
}

// Shuffle puts n things in any order.
func (r *randomness) Shuffle(n int, swap func(i, j int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.random.Shuffle(n, swap)
}

// world is a land with the system at work in it, in one goroutine, and a queue
// out of which anything may come next.
type world struct {
	*land

	now    time.Time
	engine *provision.Engine
	wire   *measured

	queue []message
	dead  []provision.Attempt
	steps int
}

// message is a Change on the queue, and when it becomes visible.
type message struct {
	change  change.Change
	visible time.Time
}

func newWorld(t testing.TB, seed uint64, path string) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	w.land = newLand(t, seed, path, func() time.Time { return w.now }, nil)
	w.wire = &measured{RoundTripper: w.network}
	w.engine = w.land.engine(w.wire, w.ledger, w)
	w.subscribe(w)
	return w
}

// try returns the value, or ends the test: try(f())(t).
func try[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// Enqueue implements provision.Enqueuer: some Changes come twice.
func (w *world) Enqueue(_ context.Context, changes []change.Change) error {
	for _, c := range changes {
		for range 1 + w.random.IntN(5)/4 {
			w.queue = append(w.queue, message{change: c, visible: w.now})
		}
	}
	return nil
}

// deliver sends the notifications there are.
func (w *world) deliver() {
	w.t.Helper()
	if _, err := w.tenant.Deliver(w.t.Context()); err != nil {
		w.t.Errorf("seed %d: %v", w.seed, err)
	}
}

// work converges up to ten visible Changes, any of them, and reports whether
// there were any.
func (w *world) work() bool {
	w.random.Shuffle(len(w.queue), func(i, j int) { w.queue[i], w.queue[j] = w.queue[j], w.queue[i] })
	var batch []change.Change
	var rest []message
	for _, m := range w.queue {
		if len(batch) < 10 && !m.visible.After(w.now) {
			batch = append(batch, m.change)
		} else {
			rest = append(rest, m)
		}
	}
	w.queue = rest
	if len(batch) == 0 {
		return false
	}
	w.steps++
	for _, a := range w.engine.Converge(w.t.Context(), batch) {
		w.tellf("%s: %s %s: %s", a.Object, a.Action, a.Status, a.Reason)
		switch {
		case a.Again > 0:
			for _, c := range a.Causes {
				w.queue = append(w.queue, message{change: c, visible: w.now.Add(a.Again)})
			}
		case a.Fault != nil:
			w.dead = append(w.dead, a)
		}
	}
	return true
}

// settle lets time pass until nothing is on its way.
func (w *world) settle() {
	w.t.Helper()
	const bound = 10_000
	for range bound {
		w.deliver()
		if w.work() {
			continue
		}
		if len(w.queue) == 0 && w.tenant.Undelivered() == 0 {
			return
		}
		next := w.now.Add(time.Hour)
		for _, m := range w.queue {
			if m.visible.Before(next) {
				next = m.visible
			}
		}
		w.now = next
	}
	w.failf("not at rest after %d steps", bound)
}

// file is where the ledger of a seed lives for as long as it runs.
func file(dir string, seed uint64) string { return filepath.Join(dir, fmt.Sprintf("%d.db", seed)) }
