package standalone_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/change"
	"entrawebex/internal/measurements"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/sandbox/story"
)

func TestASecondRunOverAnUnchangedTenantWritesNothing(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 40)
	address := "127.0.0.1:0"
	for range 2 {
		s.Org.Calls.Reset()
		p := s.Open("LISTEN_ADDR=" + address)
		address = strings.TrimPrefix(p.Subscriptions.WebhookURL, "http://")
		s.Run(p, func(ctx context.Context) {
			s.Touch()
			s.Settle(ctx, p)
		})
		if d := s.Differences(t.Context()); len(d) > 0 {
			t.Fatalf("differences: %v", d)
		}
	}
	if calls := s.Org.Calls.Snapshot(); calls.Writes() > 0 {
		t.Errorf("the second run made the calls %v", calls)
	}
}

func TestWhatAnOperatorAsksForDoesNotWaitForTheInterval(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	p := s.Open("RECONCILE_INTERVAL=1h")
	s.Run(p, func(ctx context.Context) {
		compared := func(since time.Time) func() bool {
			return func() bool {
				state, err := p.Sweeps.State(ctx)
				return err == nil && state.Last != nil && state.Last.At.After(since)
			}
		}
		const patience = 2 * time.Minute
		if err := sandbox.Wait(ctx, patience, compared(time.Time{})); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		if err := p.Operations().Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		if err := sandbox.Wait(ctx, patience, compared(asked)); err != nil {
			t.Errorf("nothing was compared: %v", err)
		}
	})
}

func TestAnEventPostedByHandShowsTheUserInWebex(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "events", "user-updated.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := s.Open()
	s.Run(p, func(ctx context.Context) {
		response, err := http.Post(p.Subscriptions.WebhookURL+"/notifications", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusAccepted {
			t.Fatalf("%s, %v", response.Status, err)
		}
		s.Settle(ctx, p)
	})
	close(s.Observed)
	for a := range s.Observed {
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
		{"a scope without its application", "SCOPE=assigned", `ENTRA_APP_ID is "" and must be a GUID`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := runtest.New(t, 4)
			environ := append(s.Environ(), strings.Replace(test.variable, "{webex}", strings.TrimSuffix(s.SCIMURL, "/identity/scim/"+sandbox.OrgID+"/v2"), 1))
			err := standalone.Serve(t.Context(), environ, slog.New(slog.DiscardHandler), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, test.want)
			}
		})
	}
}

// cost converges a batch of n users, each changed or not, and returns the
// calls that took.
func measure(t testing.TB, s *runtest.Sandbox, p *standalone.Process, n int, changed bool, round int) (toGraph, toWebex simhttp.Counts) {
	t.Helper()
	var changes []change.Change
	for _, u := range s.Tenant.Users() {
		if !u.Enabled() || len(changes) == n {
			continue
		}
		if changed {
			err := s.Tenant.Update(u.Text("id"), func(u graph.User) { u["displayName"] = fmt.Sprint("Changed ", round) })
			if err != nil {
				t.Fatal(err)
			}
		}
		changes = append(changes, runtest.Updated(u.Text("id")))
	}
	s.Tenant.Calls.Reset()
	s.Org.Calls.Reset()
	for _, a := range p.Worker.Converge(t.Context(), changes) {
		if a.Fault != nil {
			t.Fatal(a.Fault)
		}
	}
	return s.Tenant.Calls.Snapshot(), s.Org.Calls.Snapshot()
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
	s := runtest.New(t, 20)
	p := s.Open()
	s.Everybody(p)
	for i, c := range costs() {
		graph, webex := measure(t, s, p, c.users, c.changed, i)
		if graph.HTTP() != c.graph || webex.HTTP() != c.webex {
			t.Errorf("%s: Graph %v, Webex %v, want %d and %d calls", c.name, graph, webex, c.graph, c.webex)
		}
		t.Logf("%-20s Graph %v Webex %v", c.name, graph, webex)
		measurements.Saysf(t, "| %s | %d | %d | %d ", c.name, graph.HTTP(), graph["$batch GET /users/{id}"], webex.HTTP())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkConverge(b *testing.B) {
	for _, c := range costs() {
		b.Run(c.name, func(b *testing.B) {
			s := runtest.New(b, 20)
			p := s.Open()
			s.Everybody(p)
			var graph, inner, webex int
			b.ReportAllocs()
			for round := 0; b.Loop(); round++ {
				g, w := measure(b, s, p, c.users, c.changed, round)
				graph, webex, inner = g.HTTP(), w.HTTP(), g["$batch GET /users/{id}"]
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
	s := runtest.New(b, 20)
	p := s.Open()
	s.Everybody(p)
	for len(s.Observed) > 0 {
		<-s.Observed
	}
	var latencies []time.Duration
	s.Run(p, func(context.Context) {
		const least = 50 // changes; a percentile of one is none
		for round := range max(b.N, least) {
			users := s.Tenant.Users()
			id := users[round%len(users)].Text("id")
			began := time.Now()
			err := s.Tenant.Update(id, func(u graph.User) { u["displayName"] = fmt.Sprint("Round ", round) })
			if err != nil {
				b.Fatal(err)
			}
			for a := range s.Observed { // the one of before may be told only now
				if a.Object.ID != id || a.Started.Before(began) {
					continue
				}
				if !a.Exported.IsZero() {
					latencies = append(latencies, a.Exported.Sub(began))
				}
				break
			}
		}
	})
	slices.Sort(latencies)
	for _, p := range []int{50, 99} { // by the nearest rank
		at := latencies[(len(latencies)*p+99)/100-1]
		b.ReportMetric(float64(at.Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
}
