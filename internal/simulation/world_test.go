package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/notification"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/webex"
)

const (
	tenantID    = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	orgID       = "3b2a1c00-7d4e-4bbb-8ccc-1234567890ab"
	domain      = "contoso.example"
	clientState = "secretClientValue"

	graphHost   = "localhost:1" // a loopback host, to which a token may go
	webexHost   = "webex.example"
	webhookHost = "localhost:2"
)

// world is the whole system over a simulated tenant and organization, in one
// goroutine: no sockets, a clock that stands until it is moved, and a queue
// out of which anything may come next.
type world struct {
	t      testing.TB
	seed   uint64
	random *rand.Rand
	now    time.Time
	nested bool

	tenant *sandbox.Tenant
	org    *sandbox.Org
	engine *provision.Engine
	ledger *ledger.Bolt
	db     *bbolt.DB
	wire   *measured

	queue []message
	dead  []provision.Attempt
	story []string
	steps int
}

// message is a Change on the queue, and when it becomes visible.
type message struct {
	change  change.Change
	visible time.Time
}

func newWorld(t testing.TB, seed uint64, path string) *world {
	t.Helper()
	w := &world{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		nested: seed%3 == 0,
	}
	clock := func() time.Time { return w.now }
	network := sandbox.Network{}
	w.tenant = try(sandbox.NewTenant(sandbox.TenantConfig{ID: tenantID, Domain: domain, Token: "t", Transport: network, Now: clock, Seed: seed}))(t)
	w.org = try(sandbox.NewOrg(sandbox.OrgConfig{ID: orgID, Token: "t", Now: clock, Seed: seed}))(t)
	network[graphHost], network[webexHost] = w.tenant, w.org
	network[webhookHost] = try(notification.New(notification.Config{ClientState: clientState, TenantID: tenantID, Queue: w, Now: clock}))(t)

	w.wire = &measured{RoundTripper: network}
	rules := try(mapping.Parse(infra.Provisioning()))(t)
	directory := try(entra.New(entra.Config{
		BaseURL: "http://" + graphHost, Credential: entra.StaticToken("t"), Transport: w.wire, Select: rules.Select(), Now: clock,
	}))(t)
	target := try(webex.New(webex.Config{
		URL: "http://" + webexHost + "/identity/scim/" + orgID + "/v2", Transport: w.wire, Now: clock,
		Token: func(context.Context) (string, error) { return "t", nil },
	}))(t)
	w.db = try(bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true, NoFreelistSync: true}))(t)
	w.db.MaxBatchSize = 1 // nobody else writes: no waiting for company
	w.ledger = try(ledger.OpenBolt(w.db))(t)
	w.engine = provision.New(provision.Config{
		Directory: directory, Target: target, Ledger: w.ledger, Queue: w, Mapping: rules, Nested: w.nested,
		TenantID: tenantID, Now: clock, Log: slog.New(slog.DiscardHandler),
		Jitter: func(d time.Duration) time.Duration { return time.Duration(w.random.Int64N(int64(d))) },
	})
	job := &renew.Job{
		Graph: directory, Documents: w.ledger, Resources: renew.Resources(), WebhookURL: "http://" + webhookHost,
		ClientState: clientState, Now: clock, Log: slog.New(slog.DiscardHandler),
	}
	if err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
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

func (w *world) close() {
	w.t.Helper()
	path := w.db.Path()
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
	if err := os.Remove(path); err != nil {
		w.t.Error(err)
	}
}

func (w *world) tellf(format string, args ...any) {
	w.story = append(w.story, w.now.Format("15:04:05 ")+fmt.Sprintf(format, args...))
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

// failf tells what happened, to be replayed with the seed.
func (w *world) failf(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("seed %d: %s\n%s", w.seed, fmt.Sprintf(format, args...), strings.Join(w.story, "\n"))
}

// file is where the ledger of a seed lives for as long as it runs.
func file(dir string, seed uint64) string { return filepath.Join(dir, fmt.Sprintf("%d.db", seed)) }
