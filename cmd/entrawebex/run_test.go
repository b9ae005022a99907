package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/sandbox/story"
)

const clean = "Every user, group and membership in Webex is what Entra says."

// anyPort keeps processes of tests that run side by side apart.
func anyPort() []string { return []string{"LISTEN_ADDR=127.0.0.1:0"} }

func TestTheDayInTheSandboxEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := runSandbox(t.Context(), &out, anyPort(), sandboxOptions{Options: sandbox.Options{Seed: seed, Users: 30}, members: 150})
			if err != nil || !strings.Contains(out.String(), clean) {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

func TestTheDayWithNestedGroupsEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	environ := append(anyPort(), "NESTED_GROUPS=true")
	err := runSandbox(t.Context(), &out, environ, sandboxOptions{Options: sandbox.Options{Seed: 4, Users: 10}, members: 20})
	if err != nil || !strings.Contains(out.String(), clean) {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestTheDayInAStormEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	if !*withStorm {
		t.Skip("left out: a day in a storm to its end; -storm plays it")
	}
	var out bytes.Buffer
	err := runSandbox(t.Context(), &out, anyPort(), sandboxOptions{Options: sandbox.Options{Seed: 5, Users: 10, Storm: true}, members: 50})
	if err != nil || !strings.Contains(out.String(), clean) || !strings.Contains(out.String(), "Storm: 502 after the effect") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// A message that is looked at in minutes does not keep the day from its end; a
// side that differs does.
func TestTheDayIsOverWhenOnlySecondLooksAreLeft(t *testing.T) {
	t.Parallel()
	s := setup(t, 6)
	s.run(s.open(), func(context.Context) {})
	p := s.open() // which does nothing
	if err := p.Stores.Changes.Send(t.Context(), []queue.Entry{{Group: first, Body: []byte("{}")}}); err != nil {
		t.Fatal(err)
	}
	differ := 2
	var told []string
	over := s.rested(s.quiet(t.Context(), p), func() int { return differ }, func(line string) { told = append(told, line) })
	const moment, patience = 16 * time.Second, 10 * time.Second
	if err := sandbox.Wait(t.Context(), moment, over); !errors.Is(err, sandbox.ErrTimeout) {
		t.Errorf("it is over while the sides differ: %v", err)
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], "… 2 differences after 15s: ") {
		t.Errorf("told %q", told)
	}
	differ = 0
	if over() {
		t.Error("it is over at once")
	}
	if err := sandbox.Wait(t.Context(), patience, over); err != nil {
		t.Errorf("it is not over while the sides are equal: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// interrupting is a screen whose reader interrupts at a line.
type interrupting struct {
	bytes.Buffer

	at   string
	stop func()
}

func (i *interrupting) Write(data []byte) (int, error) {
	if bytes.Contains(data, []byte(i.at)) {
		i.stop()
	}
	return i.Buffer.Write(data)
}

func TestADayThatIsInterruptedSaysSo(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"New hire 1 of 5", "The storm ends."} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			out := &interrupting{at: line, stop: stop}
			err := runSandbox(ctx, out, anyPort(), sandboxOptions{Options: sandbox.Options{Seed: 5, Users: 10, Storm: true}})
			if got := out.String(); !errors.Is(err, errReported) || !strings.Contains(got, "Stopped before the day was over") ||
				strings.Contains(got, "queue is not empty") || strings.Contains(got, "The day, in") {
				t.Errorf("%v\n%s", err, got)
			}
		})
	}
}

// staged is a process on a stage, not running yet.
type staged struct {
	stage

	t        testing.TB
	data     string
	observed chan provision.Attempt
}

func setup(t testing.TB, users int) *staged {
	t.Helper()
	s, err := sandbox.Open(t.Context(), sandbox.Options{Seed: 1, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	const many = 100_000
	return &staged{stage: stage{s}, t: t, data: t.TempDir(), observed: make(chan provision.Attempt, many)}
}

func (s *staged) open(environ ...string) *process {
	s.t.Helper()
	load := func(ctx context.Context) (config.Settings, error) {
		return s.settings(ctx, append(anyPort(), environ...), s.data)
	}
	settings, err := load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := open(s.t.Context(), settings, config.NewLatest(settings, load, time.Now, slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler), func(a provision.Attempt) { s.observed <- a })
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// run runs the process, and the tenant's notifications, while f does.
func (s *staged) run(p *process, f func(context.Context)) {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	running.Go(func() { s.Tenant.Run(ctx) })
	subscribed := func() bool {
		return p.Subscriptions == nil || s.Tenant.Calls.Snapshot()["GET /subscriptions"] > 0 && s.Tenant.Calls.Snapshot()["POST /subscriptions"] == len(p.Subscriptions.Resources)
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

// settle waits until nothing is on its way.
func (s *staged) settle(ctx context.Context, p *process) {
	s.t.Helper()
	if err := sandbox.Wait(ctx, time.Minute, s.quiet(ctx, p)); err != nil {
		s.t.Fatal(err)
	}
}

// touch makes Graph notify of everybody, though nothing changed.
func (s *staged) touch() {
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

func TestASecondRunOverAnUnchangedTenantWritesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t, 40)
	address := "127.0.0.1:0"
	for range 2 {
		s.Org.Calls.Reset()
		p := s.open("LISTEN_ADDR=" + address)
		address = p.listener.Addr().String()
		s.run(p, func(ctx context.Context) {
			s.touch()
			s.settle(ctx, p)
		})
		if d := compare.Differences(s.Tenant, s.Org); len(d) > 0 {
			t.Fatalf("differences: %v", d)
		}
	}
	if calls := s.Org.Calls.Snapshot(); calls.Writes() > 0 {
		t.Errorf("the second run made the calls %v", calls)
	}
}

func TestAnEventPostedByHandShowsTheUserInWebex(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	body, err := os.ReadFile(filepath.Join("..", "..", "events", "user-updated.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := s.open()
	s.run(p, func(ctx context.Context) {
		response, err := http.Post(p.Subscriptions.WebhookURL+"/notifications", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusAccepted {
			t.Fatalf("%s, %v", response.Status, err)
		}
		s.settle(ctx, p)
	})
	close(s.observed)
	for a := range s.observed {
		if a.Object.ID == story.WellKnownID && a.Causes[0].Source == change.Notification && a.Fault == nil {
			return
		}
	}
	t.Error("nobody looked at the user")
}

func TestAMistakeIsToldInOneLineWithItsMend(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, variable, want string }{
		{"a dead Webex token", "WEBEX_ACCESS_TOKEN=old", "renew WEBEX_ACCESS_TOKEN"},
		{"another organization", "WEBEX_SCIM_URL={webex}/identity/scim/" + sandbox.TenantID + "/v2", "WEBEX_ORG_ID must be its organization"},
		{"a dead Graph token", "GRAPH_ACCESS_TOKEN=old", "401"},
		{"another tenant", "ENTRA_TENANT_ID=11111111-1111-4111-8111-111111111111", "correct one of them"},
		{"a webhook without TLS", "WEBHOOK_URL=http://hooks.example.com", "must begin with https://"},
		{"a scope without its application", "SCOPE=assigned", "ENTRA_APP_ID is not a GUID"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, 4)
			environ := append(append(anyPort(), s.Environ(s.data)...),
				strings.Replace(test.variable, "{webex}", strings.TrimSuffix(s.SCIMURL, "/identity/scim/"+sandbox.OrgID+"/v2"), 1))
			err := serve(t.Context(), environ)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, test.want)
			}
		})
	}
}

func TestCheckHasALineForEverythingARunNeeds(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	p := s.open()
	s.run(p, func(ctx context.Context) {
		settings := p.Settings
		settings.Webhook.URL = p.Subscriptions.WebhookURL
		var out bytes.Buffer
		if err := check(ctx, &out, settings); err != nil || strings.Contains(out.String(), "FAIL") {
			t.Errorf("%v\n%s", err, out.String())
		}
		for _, mistake := range []struct {
			make  func(*config.Settings)
			lines int
			want  string
		}{
			{func(c *config.Settings) { c.Webex.AccessToken = "old" }, 1, "renew WEBEX_ACCESS_TOKEN"},
			{func(c *config.Settings) { c.Entra.AccessToken = "old" }, 4, "401"},
			{func(c *config.Settings) { c.Webhook.URL = s.GraphURL }, 2, "without authentication"},
			{func(c *config.Settings) { c.Webhook.URL = "http://127.0.0.1:1" }, 2, "start the webhook"},
		} {
			wrong := settings
			mistake.make(&wrong)
			out.Reset()
			err := check(ctx, &out, wrong)
			if err == nil || strings.Count(out.String(), "FAIL") != mistake.lines || !strings.Contains(out.String(), mistake.want) {
				t.Errorf("%v, want %d failures with %q\n%s", err, mistake.lines, mistake.want, out.String())
			}
		}
	})
}

func updated(id string) change.Change {
	return change.Change{Object: change.Object{Kind: change.User, ID: id}, Source: change.Notification, SeenAt: time.Now()}
}

// cost converges a batch of n users, each changed or not, and returns the
// calls that took.
func (s *staged) cost(p *process, n int, changed bool, round int) (toGraph, toWebex simhttp.Counts) {
	s.t.Helper()
	var changes []change.Change
	for _, u := range s.Tenant.Users() {
		if !u.Enabled() || len(changes) == n {
			continue
		}
		if changed {
			err := s.Tenant.Update(u.Text("id"), func(u graph.User) { u["displayName"] = fmt.Sprint("Changed ", round) })
			if err != nil {
				s.t.Fatal(err)
			}
		}
		changes = append(changes, updated(u.Text("id")))
	}
	s.Tenant.Calls.Reset()
	s.Org.Calls.Reset()
	for _, a := range p.Worker.Converge(s.t.Context(), changes) {
		if a.Fault != nil {
			s.t.Fatal(a.Fault)
		}
	}
	return s.Tenant.Calls.Snapshot(), s.Org.Calls.Snapshot()
}

// everybody creates the accounts that the cost of a change is measured on.
func (s *staged) everybody(p *process) {
	s.t.Helper()
	for batch := range slices.Chunk(s.Tenant.Users(), 10) {
		var changes []change.Change
		for _, u := range batch {
			changes = append(changes, updated(u.Text("id")))
		}
		p.Worker.Converge(s.t.Context(), changes)
	}
}

// costs are the gates: HTTP calls to either side for a batch.
func costs() []cost {
	return []cost{
		{"1 changed user", 1, true, 1, 1},
		{"10 changed users", 10, true, 1, 1},
		{"1 unchanged user", 1, false, 1, 0},
		{"10 unchanged users", 10, false, 1, 0},
	}
}

type cost struct {
	name         string
	users        int
	changed      bool
	graph, webex int
}

func TestWhatAChangeCosts(t *testing.T) {
	t.Parallel()
	s := setup(t, 20)
	p := s.open()
	s.everybody(p)
	for i, c := range costs() {
		graph, webex := s.cost(p, c.users, c.changed, i)
		if calls(graph) != c.graph || calls(webex) != c.webex {
			t.Errorf("%s: Graph %v, Webex %v, want %d and %d calls", c.name, graph, webex, c.graph, c.webex)
		}
		t.Logf("%-20s Graph %v Webex %v", c.name, graph, webex)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkConverge(b *testing.B) {
	for _, c := range costs() {
		b.Run(c.name, func(b *testing.B) {
			s := setup(b, 20)
			p := s.open()
			s.everybody(p)
			var graph, inner, webex int
			b.ReportAllocs()
			for round := 0; b.Loop(); round++ {
				g, w := s.cost(p, c.users, c.changed, round)
				graph, webex, inner = calls(g), calls(w), g["$batch GET /users/{id}"]
			}
			b.ReportMetric(float64(graph), "graph-calls/op")
			b.ReportMetric(float64(inner), "graph-subrequests/op")
			b.ReportMetric(float64(webex), "webex-calls/op")
			if err := p.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}

// BenchmarkChangeToWebex measures the whole road in one process: a change in
// the tenant, its notification over HTTP, queue, worker, and Webex's answer.
func BenchmarkChangeToWebex(b *testing.B) {
	b.Logf("%s, %d processors", runtime.GOARCH, runtime.NumCPU())
	s := setup(b, 20)
	p := s.open()
	s.everybody(p)
	for len(s.observed) > 0 {
		<-s.observed
	}
	var latencies []time.Duration
	s.run(p, func(context.Context) {
		const least = 50 // changes; a percentile of one is none
		for round := range max(b.N, least) {
			users := s.Tenant.Users()
			id := users[round%len(users)].Text("id")
			began := time.Now()
			err := s.Tenant.Update(id, func(u graph.User) { u["displayName"] = fmt.Sprint("Round ", round) })
			if err != nil {
				b.Fatal(err)
			}
			if a := <-s.observed; !a.Exported.IsZero() {
				latencies = append(latencies, a.Exported.Sub(began))
			}
		}
	})
	b.ReportMetric(float64(percentile(latencies, 50).Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(percentile(latencies, 99).Microseconds())/1000, "p99-ms")
}
