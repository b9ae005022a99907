package simulation_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/measurements"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
	"entrawebex/internal/webex"
)

// What a sweep costs: BenchmarkSweep fails above these.
const (
	// graphPage and the others are how much is on a page, or in a Bulk.
	graphPage, memberPage, webexUsers, webexGroups, bulk = 999, 1000, 100, 25, 100
	// mostCalls to both sides together, of an initial sync of 10,000 users and
	// 200 groups of 50.
	mostCalls = 250
	// mostWebexCalls of an initial sync of 100,000 users.
	mostWebexCalls = 2500
	// mostBytes and mostAllocations are for each of 10,000 users and more of whom
	// nothing has changed, in this process: both sides are another one.
	mostBytes, mostAllocations = 4_900, 77
	// mostHeap is how much of the heap is in use at the most, in bytes.
	mostHeap = 256 << 20
)

// large has benchmarks take minutes.
var large = flag.Bool("large", false, "measure a comparison of 100,000 users, too")

// BenchmarkSweep compares both sides as a whole, on sockets and on a ledger that
// is on disk: first while Webex is empty, then when nothing has changed, and
// then when the ledger is lost and Webex is not.
func BenchmarkSweep(b *testing.B) {
	const most = 10_000 // users of an emptied ledger
	// As in production, where the rest of these tests lets garbage lie.
	const percent = 100
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	sizes := []headcount{{1_000, 10, 100}, {10_000, 200, 50}}
	if *large {
		sizes = append(sizes, headcount{100_000, 1_000, 100})
	}
	for _, people := range sizes {
		b.Run(people.String(), func(all *testing.B) {
			var s *swept
			all.Run("initial", func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					s.close()
					s = newSwept(all, people)
					b.StartTimer()
					s.run(b)
				}
				s.report(b)
				s.says(b, fmt.Sprintf("%d users, %d groups of %d: initial", people.Users, people.Groups, people.Members))
				s.checkInitial(b, people)
			})
			all.Run("unchanged", func(b *testing.B) {
				for b.Loop() {
					s.run(b)
				}
				s.report(b)
				s.says(b, "the same, nothing changed")
				s.checkUnchanged(b, people)
			})
			all.Run("a title mapped", func(b *testing.B) {
				if people.Users > most {
					b.Skip("takes as long as the first")
				}
				for b.Loop() {
					b.StopTimer()
					s.close()
					s = newSwept(all, people)
					s.run(b)
					s.goBy(b, titled(string(infra.Provisioning())))
					b.StartTimer()
					s.run(b)
				}
				s.report(b)
				s.checkTitled(b, people)
			})
			all.Run("emptied ledger", func(b *testing.B) {
				if people.Users > most {
					b.Skip("takes as long as the first")
				}
				for b.Loop() {
					b.StopTimer()
					s.forget(b)
					b.StartTimer()
					s.run(b)
				}
				s.report(b)
				if people.Users == most {
					measurements.Saysf(b, "are linked again with %d and %d calls, none of which writes", s.count("Graph", ""), s.count("Webex", ""))
				}
				s.checkWritten(b)
			})
			s.close()
		})
	}
}

// swept is the system as it runs in production, as far as a sweep needs it, and
// what is counted of it.
type swept struct {
	sides *sides
	db    *bbolt.DB
	sweep *sweep.Job
	calls counted
	kept  *writes
	used  usage
	// bytes and allocations are how much was allocated.
	bytes, allocations uint64
	// queued are the Changes it left to the worker.
	queued atomic.Int64
	result sweep.Result
}

// Enqueue implements provision.Enqueuer.
func (s *swept) Enqueue(_ context.Context, changes []change.Change) error {
	s.queued.Add(int64(len(changes)))
	return nil
}

func newSwept(b *testing.B, people headcount) *swept {
	b.Helper()
	s := &swept{sides: newSides(b, people)}
	s.calls = counted{next: webex.NewTransport(), calls: map[string]int{}}
	s.forget(b)
	return s
}

// forget begins anew with an empty ledger.
func (s *swept) forget(b *testing.B) {
	b.Helper()
	s.close()
	s.db = try(bbolt.Open(filepath.Join(b.TempDir(), "ledger.db"), 0o600, nil))(b)
	s.db.MaxBatchDelay = time.Millisecond
	s.kept = &writes{Bolt: try(ledger.OpenBolt(s.db))(b)}
	s.sweep = nil
	s.goBy(b, string(infra.Provisioning()))
}

// goBy has a configuration in force: after another one, only those are evaluated whom
// it affects.
func (s *swept) goBy(b *testing.B, configuration string) {
	b.Helper()
	rules := try(mapping.Parse([]byte(configuration)))(b)
	directory := try(entra.New(entra.Config{
		BaseURL: "http://" + s.sides.host, Credential: entra.StaticToken("t"), Transport: &s.calls, Select: rules.Select(),
	}))(b)
	target := try(webex.New(webex.Config{
		URL: "http://" + s.sides.host + "/identity/scim/" + orgID + "/v2", Transport: &s.calls,
		Token: func(context.Context) (string, error) { return "t", nil },
	}))(b)
	const parallel = 100 // as many as go to Webex together: they share a commit of the ledger
	engine := provision.New(provision.Config{
		Directory: directory, Target: target, Ledger: s.kept, Queue: s, Mapping: rules, TenantID: tenantID,
		Parallel: parallel, OneClock: true, Log: slog.New(slog.DiscardHandler),
	})
	var former *sweep.Former
	if s.sweep != nil {
		former = &sweep.Former{Mapping: s.sweep.Mapping}
	}
	s.sweep = &sweep.Job{
		Former: former,
		Graph:  directory, Lister: target, Ledger: s.kept, Queue: s, Converge: engine.ConvergeSeen, Mapping: rules,
		Park: true, Members: directory.Members,
		Rests: func(context.Context) (string, error) { return "", nil },
		Depth: func(context.Context) (int, error) { return 0, nil },
		Round: func(context.Context, change.Kind, string) error { return nil },
		Now:   time.Now,
	}
}

func (s *swept) close() {
	if s != nil && s.db != nil {
		_ = s.db.Close() // it is thrown away
	}
}

// run sweeps once and counts from zero.
func (s *swept) run(b *testing.B) {
	b.Helper()
	clear(s.calls.calls)
	s.kept.count.Store(0)
	s.queued.Store(0)
	stop := s.used.watch()
	defer stop()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.result = try(s.sweep.Run(b.Context()))(b)
	runtime.ReadMemStats(&after)
	s.bytes, s.allocations = after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
}

// count is how many calls of that method went to a side; of any if it is empty.
func (s *swept) count(side, method string) int {
	total := 0
	for kind, n := range s.calls.calls {
		if strings.HasPrefix(kind, side+" "+method) {
			total += n
		}
	}
	return total
}

// says has the page say of a run what was called.
func (s *swept) says(b *testing.B, run string) {
	b.Helper()
	webex := s.count("Webex", "")
	measurements.Saysf(b, "| %s | %d | %d | %d |", run, s.count("Graph", ""), webex, webex-s.count("Webex", "GET"))
}

func (s *swept) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(s.count("Graph", "")), "graph-calls/op")
	b.ReportMetric(float64(s.count("Webex", "GET")), "webex-GETs/op")
	b.ReportMetric(float64(s.calls.calls["Webex POST Bulk"]), "webex-Bulks/op")
	b.ReportMetric(float64(s.count("Webex", "")-s.count("Webex", "GET")-s.calls.calls["Webex POST Bulk"]), "webex-others/op")
	b.ReportMetric(float64(s.kept.count.Load()), "ledger-writes/op")
	b.ReportMetric(float64(s.used.heap)/(1<<20), "heap-MB")
	b.ReportMetric(float64(s.used.live)/(1<<20), "live-MB")
}

func pages(n, size int) int { return (n + size - 1) / size }

// check fails where something is left to do, or more was needed than is on the
// pages of both sides: what is read, and Bulks for what is written.
func (s *swept) check(b *testing.B, webexCalls int, people headcount) {
	b.Helper()
	graph := pages(people.Users, graphPage) + max(pages(people.Groups, graphPage), pages(people.Groups*people.Members, memberPage)) + 1
	if n := s.count("Graph", ""); n > graph {
		b.Errorf("%d calls to Graph, more than its pages, %d", n, graph)
	}
	if n := s.count("Webex", ""); n > webexCalls {
		b.Errorf("%d calls to Webex, more than %d: %v", n, webexCalls, s.calls.calls)
	}
	if s.used.heap > mostHeap {
		b.Errorf("%d bytes of the heap in use, more than %d", s.used.heap, mostHeap)
	}
	if n := s.queued.Load(); n > 0 {
		b.Errorf("%d changes left to the worker", n)
	}
	if d := s.sides.differences(b); d != "0 []" {
		b.Errorf("differences: %s", d)
	}
}

func (s *swept) checkInitial(b *testing.B, people headcount) {
	b.Helper()
	s.check(b, 2+pages(people.Users, bulk)+pages(people.Users, graphPage)+2*pages(people.Groups, bulk), people)
	switch all := s.count("Webex", ""); {
	case people == headcount{10_000, 200, 50} && all+s.count("Graph", "") > mostCalls:
		b.Errorf("%v: more than %d calls", s.calls.calls, mostCalls)
	case all > mostWebexCalls:
		b.Errorf("%d calls to Webex, more than %d", all, mostWebexCalls)
	}
	if n := s.result.Actions[provision.Create]; n != people.Users+people.Groups {
		b.Errorf("%d created", n)
	}
}

func (s *swept) checkUnchanged(b *testing.B, people headcount) {
	b.Helper()
	s.checkWritten(b)
	s.check(b, pages(people.Users, webexUsers)+pages(people.Groups, webexGroups), people)
	if n := s.kept.count.Load(); n > 0 {
		b.Errorf("%d writes to the ledger, and nothing has changed", n)
	}
	users := uint64(people.Users)
	bytes, allocations := s.bytes/users, s.allocations/users
	b.ReportMetric(float64(bytes), "B/user")
	b.ReportMetric(float64(allocations), "allocs/user")
	if users >= 10_000 && (bytes > mostBytes || allocations > mostAllocations) {
		b.Errorf("%d bytes and %d allocations for a user of whom nothing has changed, more than %d and %d", bytes, allocations, mostBytes, mostAllocations)
	}
}

// checkTitled fails if a title of everybody took more than Entra's pages of users and
// a Bulk for every hundred.
func (s *swept) checkTitled(b *testing.B, people headcount) {
	b.Helper()
	if n := s.count("Graph", ""); n > pages(people.Users, graphPage) {
		b.Errorf("%d calls to Graph", n)
	}
	if n := s.count("Webex", ""); n > pages(people.Users, bulk)+pages(people.Users, graphPage) {
		b.Errorf("%d calls to Webex", n)
	}
	if n := s.result.Actions[provision.Update]; n != people.Users {
		b.Errorf("%d of %d got a title", n, people.Users)
	}
}

// checkWritten fails if anything was written to Webex.
func (s *swept) checkWritten(b *testing.B) {
	b.Helper()
	if n := s.count("Webex", "") - s.count("Webex", "GET"); n > 0 {
		b.Errorf("%d writes to Webex, and nothing has changed", n)
	}
	if s.used.heap > mostHeap {
		b.Errorf("%d bytes of the heap in use, more than %d", s.used.heap, mostHeap)
	}
}

// writes is a ledger that counts what is written to it.
type writes struct {
	*ledger.Bolt

	count atomic.Int64
}

func (w *writes) Claim(ctx context.Context, o change.Object, owner string, now, until time.Time) (provision.Record, error) {
	w.count.Add(1)
	return w.Bolt.Claim(ctx, o, owner, now, until)
}

func (w *writes) Save(ctx context.Context, owner string, before, after provision.Record) error {
	w.count.Add(1)
	return w.Bolt.Save(ctx, owner, before, after)
}

func (w *writes) Forget(ctx context.Context, owner string, r provision.Record) error {
	w.count.Add(1)
	return w.Bolt.Forget(ctx, owner, r)
}

func (w *writes) Await(ctx context.Context, group change.Object, users []change.Object) error {
	w.count.Add(1)
	return w.Bolt.Await(ctx, group, users)
}

func (w *writes) Arrived(ctx context.Context, user change.Object, groups []change.Object) error {
	w.count.Add(1)
	return w.Bolt.Arrived(ctx, user, groups)
}

// usage is the most that was in use of this process's heap, in bytes: all of it,
// with what is not collected yet, and what a collection found alive.
type usage struct{ heap, live uint64 }

// watch looks again and again until it is stopped.
func (u *usage) watch() (stop func()) {
	runtime.GC()
	*u = usage{}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			metrics.Read(live)
			u.heap, u.live = max(u.heap, stats.HeapAlloc), max(u.live, live[0].Value.Uint64())
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
	})
	return func() {
		close(done)
		watching.Wait()
	}
}
