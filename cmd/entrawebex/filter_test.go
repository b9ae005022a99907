package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/graph"
)

// oneIn of so many users is left out by the filter: 5 %.
const oneIn = 20

func TestAFilterIsHeldByTheGuardAndTakenBack(t *testing.T) {
	t.Parallel()
	const users, guardFloor = 600, 20 // more than 1 % of them
	newFiltering(t, users).takeOutAndBack(guardFloor)
}

// BenchmarkFilter does the same with 10,000 users, of whom the guard lets 1 % go.
func BenchmarkFilter(b *testing.B) {
	const users, onePercent = 10_000, 100
	for b.Loop() {
		b.StopTimer()
		f := newFiltering(b, users)
		b.StartTimer()
		f.takeOutAndBack(onePercent)
	}
}

// filtering is a stage on which everybody is in Webex, and a filter that leaves some
// out.
type filtering struct {
	*stageOf

	file string
	out  []string
}

func newFiltering(t testing.TB, users int) *filtering {
	t.Helper()
	s := setup(t, users)
	f := &filtering{file: mine(t, "users:\n", "users:\n  scope: [[{ attribute: employeeType, operator: NOT EQUALS, value: Contractor }]]\n")}
	for i, u := range s.Tenant.Users() {
		s.update(u.Text("id"), func(u graph.User) {
			u["accountEnabled"], u["employeeType"] = true, "Employee"
			if i%oneIn == 0 {
				u["employeeType"] = "Contractor"
				f.out = append(f.out, u.Text("id"))
			}
		})
	}
	f.stageOf = s.provision()
	return f
}

// takeOutAndBack applies the filter, approves what the guard holds, and takes the
// filter back.
func (f *filtering) takeOutAndBack(limit int) {
	f.t.Helper()
	before := f.shown()

	f.begin()
	f.says("mapping apply "+f.file+" --yes", fmt.Sprintf("%d to disable", limit), fmt.Sprintf("%d held", len(f.out)-limit), "Version 1 is in force")
	f.await("let go or held", func(a provision.Attempt) bool { return a.Action == provision.Disable || held(a) }, len(f.out))
	f.cost("apply", limit)
	out := f.inactive()
	if len(out) != limit {
		f.t.Fatalf("%d are disabled without a word, want %d", len(out), limit)
	}
	f.isHeld(len(f.out) - limit)
	f.says("guard", "The guard is latched since")

	f.begin()
	f.says("holds approve --all")
	f.await("disabled", func(a provision.Attempt) bool { return a.Action == provision.Disable }, len(f.out)-limit)
	f.cost("approve", len(f.out)-limit)
	const atATime = 10 // as many as the queue gives a worker
	if n, most := f.Org.Calls.Snapshot().HTTP(), (len(f.out)-limit)/atATime; n > most {
		f.t.Errorf("what was approved takes %d calls to Webex, want %d at most", n, most)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(f.out)), f.inactive()); diff != "" {
		f.t.Errorf("who is disabled (-want +got):\n%s", diff)
	}
	f.isHeld(0)

	f.begin()
	f.says("mapping rollback --yes", "Version 2 is in force")
	f.await("enabled", func(a provision.Attempt) bool { return a.Action == provision.Enable }, len(f.out))
	f.cost("rollback", len(f.out))
	if diff := cmp.Diff(before, f.shown()); diff != "" {
		f.t.Errorf("Webex is not what it was:\n%s", diff)
	}
	f.isHeld(0)
}

func held(a provision.Attempt) bool { return a.Fault != nil && a.Fault.Kind == provision.Held }

// begin forgets what was done until now.
func (f *filtering) begin() {
	for len(f.Observed) > 0 {
		<-f.Observed
	}
	f.Tenant.Calls.Reset()
	f.Org.Calls.Reset()
}

// await waits until that has become of so many objects.
func (f *filtering) await(what string, is func(provision.Attempt) bool, many int) {
	f.t.Helper()
	const patience = 5 * time.Minute
	late, seen := time.After(patience), map[change.Object]bool{}
	for len(seen) < many {
		select {
		case a := <-f.Observed:
			if is(a) {
				seen[a.Object] = true
			}
		case <-late:
			f.t.Fatalf("%d of %d are %s after %v", len(seen), many, what, patience)
		}
	}
}

// inactive are the Entra ids of those who are disabled in Webex.
func (f *filtering) inactive() []string {
	var ids []string
	for _, account := range f.Org.Users() {
		if account["active"] == false {
			ids = append(ids, account["externalId"].(string))
		}
	}
	slices.Sort(ids)
	return ids
}

// isHeld fails if not so many are held.
func (f *filtering) isHeld(want int) {
	f.t.Helper()
	var status operator.Status
	if err := json.Unmarshal([]byte(operate(f.t, f.environ, "status", "--json")), &status); err != nil {
		f.t.Fatal(err)
	}
	if n := strings.Count(operate(f.t, f.environ, "holds"), "│ user"); n != want || status.Holds.Undecided != want {
		f.t.Errorf("%d are listed as held, and %d in the status, want %d", n, status.Holds.Undecided, want)
	}
}

// cost reports what was called since begin, and fails if Webex was not written to so
// often. A look each second is among the calls to Graph.
func (f *filtering) cost(what string, writes int) {
	f.t.Helper()
	graph, webex := f.Tenant.Calls.Snapshot(), f.Org.Calls.Snapshot()
	f.t.Logf("%s: Graph %v, Webex %v", what, graph, webex)
	if n := webex.Writes(); n != writes {
		f.t.Errorf("%s: %d writes to Webex, want %d", what, n, writes)
	}
	if b, is := f.t.(*testing.B); is {
		b.ReportMetric(float64(webex.HTTP()), what+"-webex-calls/op")
	}
}
