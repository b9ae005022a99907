package simulation_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/measurements"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/simhttp"
)

// population makes n users who are in Webex and linked, without the calls that
// would take.
func (w *world) population(n int) []string {
	w.t.Helper()
	ctx := w.t.Context()
	ids := make([]string, n)
	for i := range n {
		name := fmt.Sprintf("user%d@%s", i, domain)
		ids[i] = try(w.tenant.Create(graph.User{"userPrincipalName": name, "displayName": "User"}))(w.t)
		webexID := try(w.org.Add(map[string]any{"userName": name, "displayName": "User", "externalId": ids[i], "userType": "user"}))(w.t)
		o := change.Object{Kind: change.User, ID: ids[i]}
		before := try(w.ledger.Claim(ctx, o, "population", w.now, w.now))(w.t)
		after := before
		after.WebexID, after.Claim, after.Unconcluded = webexID, provision.Claim{}, 0
		if err := w.ledger.Save(ctx, "population", before, after); err != nil {
			w.t.Fatal(err)
		}
	}
	return ids
}

// calls counts HTTP calls: what was asked inside a $batch or a Bulk was one of
// them.
func calls(counts simhttp.Counts) int {
	total := 0
	for kind, n := range counts {
		if !strings.HasPrefix(kind, "$batch ") && !strings.HasPrefix(kind, "Bulk ") {
			total += n
		}
	}
	return total
}

// one converges one Change of a group, to its end.
func (w *world) one(c change.Change) {
	w.t.Helper()
	for {
		a := w.engine.Converge(w.t.Context(), []change.Change{c})[0]
		if a.Fault != nil {
			w.t.Fatal(a.Reason)
		}
		if a.Again == 0 {
			return
		}
		w.now = w.now.Add(a.Again)
	}
}

// measured counts what goes over the wire, and now and then how much memory is
// in use.
type measured struct {
	http.RoundTripper

	bytes int64
	calls int
	heap  uint64
	every int // calls between two looks at the heap; 0 for none
}

func (m *measured) RoundTrip(r *http.Request) (*http.Response, error) {
	m.bytes += max(r.ContentLength, 0)
	if m.calls++; m.every > 0 && m.calls%m.every == 0 {
		m.heap = max(m.heap, liveHeap())
	}
	response, err := m.RoundTripper.RoundTrip(r)
	if err == nil {
		m.bytes += max(response.ContentLength, 0)
	}
	return response, err
}

// liveHeap is the size of what is in use on the heap, in bytes.
func liveHeap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// A membership change costs the same in a large group as in a small one:
// BenchmarkMembershipChange fails if it does not.
func BenchmarkMembershipChange(b *testing.B) {
	const most = 2 // calls: one to Graph, one to Webex
	var bytes []int64
	for _, size := range []int{10, 1_000, 50_000} {
		b.Run(fmt.Sprintf("%d members", size), func(b *testing.B) {
			w := newWorld(b, 1, file(b.TempDir(), 1))
			defer w.close()
			ids := w.population(size + 1)
			group := try(w.tenant.CreateGroup(graph.Group{"displayName": "Large"}))(b)
			if err := w.tenant.AddMembers(group, ids[1:]...); err != nil {
				b.Fatal(err)
			}
			c := change.Change{Object: change.Object{Kind: change.Group, ID: group}, Source: change.Notification, CorrelationID: "c"}
			w.one(c)
			c.Members = ids[:1]
			b.ReportAllocs()
			joins := false
			for b.Loop() {
				joins = !joins
				err := w.tenant.RemoveMembers(group, ids[0])
				if joins {
					err = w.tenant.AddMembers(group, ids[0])
				}
				if err != nil {
					b.Fatal(err)
				}
				w.tenant.Calls.Reset()
				w.org.Calls.Reset()
				w.wire.bytes = 0
				w.one(c)
			}
			graph, webex := calls(w.tenant.Calls.Snapshot()), calls(w.org.Calls.Snapshot())
			b.ReportMetric(float64(graph), "graph-calls/op")
			b.ReportMetric(float64(webex), "webex-calls/op")
			b.ReportMetric(float64(w.wire.bytes), "wire-bytes/op")
			measurements.Saysf(b, "| in a group of %d | %d | %d |", size, graph, webex)
			if graph+webex > most {
				b.Errorf("%d calls to Graph and %d to Webex, more than %d", graph, webex, most)
			}
			bytes = append(bytes, w.wire.bytes)
		})
	}
	// What Webex answers to a PATCH has up to 500 of the members in it.
	const answer = 200 << 10
	if last := bytes[len(bytes)-1]; last > bytes[0]+answer {
		b.Errorf("%v bytes: it grows with the group", bytes)
	}
}

// BenchmarkFirstProvisioning provisions a group of 50,000. It fails above 505
// PATCHes, the calls its pages take, or 64 MB of memory in use.
func BenchmarkFirstProvisioning(b *testing.B) {
	const (
		size        = 50_000
		mostPatches = 505
		graphPages  = size/999 + 1
		mostHeap    = 64 << 20
	)
	w := newWorld(b, 1, file(b.TempDir(), 1))
	defer w.close()
	ids := w.population(size)
	for round := 0; b.Loop(); round++ {
		group := try(w.tenant.CreateGroup(graph.Group{"displayName": fmt.Sprint("Large ", round)}))(b)
		if err := w.tenant.AddMembers(group, ids...); err != nil {
			b.Fatal(err)
		}
		w.tenant.Calls.Reset()
		w.org.Calls.Reset()
		baseline := liveHeap()
		w.wire.heap, w.wire.every = 0, 25
		w.one(change.Change{Object: change.Object{Kind: change.Group, ID: group}, Source: change.Notification, CorrelationID: "c"})
		w.wire.every = 0
		graph, webex := w.tenant.Calls.Snapshot(), w.org.Calls.Snapshot()
		patches := webex["PATCH /Groups/{id}"]
		heap := w.wire.heap - min(baseline, w.wire.heap)
		b.ReportMetric(float64(patches), "webex-patches/op")
		b.ReportMetric(float64(calls(webex)), "webex-calls/op")
		b.ReportMetric(float64(calls(graph)), "graph-calls/op")
		b.ReportMetric(float64(heap)/(1<<20), "heap-MB")
		measurements.Saysf(b, "First provisioning of a group of %d: %d PATCHes of 100 members, %d Webex and %d Graph calls", size, patches, calls(webex), calls(graph))
		if patches > mostPatches || calls(graph) > graphPages+2 || calls(webex) > mostPatches+3 || heap > mostHeap {
			b.Errorf("%d PATCHes, Webex %v, Graph %v, %d bytes", patches, webex, graph, heap)
		}
		if n := len(w.org.Members(w.webexGroup(group))); n != size {
			b.Errorf("%d members", n)
		}
	}
}

// webexGroup is the Webex id of a group.
func (w *world) webexGroup(id string) string {
	w.t.Helper()
	webexIDs := try(w.ledger.WebexIDs(w.t.Context(), []change.Object{{Kind: change.Group, ID: id}}))(w.t)
	return webexIDs[0]
}
