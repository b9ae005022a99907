package main

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"entrawebex/internal/measurements"
	"entrawebex/internal/plan"
	"entrawebex/internal/sandbox/graph"
)

// BenchmarkPlan plans for 10,000 users and the group of all of them: before the first
// start, and when all of them are in Webex. Both sides are read in pages.
func BenchmarkPlan(b *testing.B) {
	const users, group, adopted = 10_000, 1, 2 // the sandbox has two accounts already
	s := setup(b, users)
	for _, u := range s.Tenant.Users() {
		s.update(u.Text("id"), func(u graph.User) { u["accountEnabled"] = true })
	}
	// Pages of Graph are of 999 users and of 1000 members, those of Webex of 100 users,
	// and of 500 members, which are read twice where nobody is to be added or removed.
	const userPages, memberPages, graphOthers = 11, 10, 3
	b.Run("before the first start", func(b *testing.B) {
		for b.Loop() {
			s.planAtScale(b, plan.Summary{Create: users - adopted + group, Change: adopted}, userPages+2*memberPages+graphOthers, 3)
			measurements.Saysf(b, "%d calls to Graph and %d to Webex before the first start", s.Tenant.Calls.Snapshot().HTTP(), s.Org.Calls.Snapshot().HTTP())
		}
	})
	p := s.Open()
	s.Run(p, func(ctx context.Context) { s.Settle(ctx, p) })
	b.Run("provisioned", func(b *testing.B) {
		for b.Loop() {
			s.planAtScale(b, plan.Summary{Unchanged: users + group}, userPages+2*memberPages+graphOthers, 124)
			measurements.Saysf(b, "%d and %d with everybody in Webex", s.Tenant.Calls.Snapshot().HTTP(), s.Org.Calls.Snapshot().HTTP())
		}
	})
}

// planAtScale fails if another plan is made, if more calls are made than those, or if
// one of them writes.
func (s *staged) planAtScale(b *testing.B, want plan.Summary, graphCalls, webexCalls int) {
	b.Helper()
	s.Tenant.Calls.Reset()
	s.Org.Calls.Reset()
	var made plan.Plan
	if err := json.Unmarshal([]byte(operate(b, s.planEnviron(), "plan", "--all", "--json")), &made); err != nil {
		b.Fatal(err)
	}
	if diff := cmp.Diff(want, made.Summary, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("-want +got:\n%s", diff)
	}
	graph, webex := s.Tenant.Calls.Snapshot(), s.Org.Calls.Snapshot()
	if graph.HTTP() > graphCalls || webex.HTTP() > webexCalls || graph.Writes()+webex.Writes() > 0 {
		b.Errorf("Graph %v, Webex %v: want at most %d and %d calls, and no write", graph, webex, graphCalls, webexCalls)
	}
	b.ReportMetric(float64(graph.HTTP()), "graph-calls/op")
	b.ReportMetric(float64(webex.HTTP()), "webex-calls/op")
}
