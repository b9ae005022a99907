// Package simulation_test plays the whole system, from Graph's notification
// to Webex's answer, over the sandbox's tenant and organization: what is random
// about it follows from a seed.
package simulation_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds = flag.Uint64("seeds", 10, "how many seeds to simulate")
	first = flag.Uint64("seed", 0, "the first seed")
)

// thorough is from how many seeds on what takes minutes is played, too: every server
// after an outage, and the rules that are broken on purpose.
const thorough = 100

// share is a part of the seeds, one at least: a simulation whose lives are all
// much alike plays as many.
func share(part uint64) uint64 { return max(*seeds/part, 1) }

// People join and leave groups, are hired, renamed, deleted and restored, and
// so are groups; notifications are doubled and come in any order. Once all is
// quiet Webex is what Entra says, memberships too.
func TestSimulationOfGroupsEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	workers := uint64(runtime.GOMAXPROCS(0))
	var steps, attempts atomic.Int64
	var next atomic.Uint64 // seeds are not all as long
	next.Store(*first)
	begun := time.Now()
	t.Cleanup(func() { // once the parallel subtests are done
		t.Logf("seeds %d to %d: %d batches, %d lines of story, %s",
			*first, *first+share(2)-1, steps.Load(), attempts.Load(), time.Since(begun).Round(time.Second))
	})
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for seed := next.Add(1) - 1; seed < *first+share(2) && !t.Failed(); seed = next.Add(1) - 1 {
				w := newWorld(t, seed, file(dir, seed))
				w.life()
				steps.Add(int64(w.steps))
				attempts.Add(int64(len(w.story)))
				w.close()
			}
		})
	}
}

// life lets things happen in the tenant, with the system at work now and then.
func (w *world) life() {
	w.t.Helper()
	events := 20 + w.random.IntN(40)
	for range events {
		w.event()
		if w.random.IntN(3) == 0 {
			w.deliver()
		}
		for range w.random.IntN(3) {
			w.work()
		}
		w.now = w.now.Add(time.Duration(w.random.IntN(30)) * time.Second)
	}
	w.settle()
	w.equal()
	for _, a := range w.dead {
		if !strings.Contains(a.Reason, "map displayName") { // the only thing that cannot be provisioned here
			w.failf("dead letter: %s: %s", a.Object, a.Reason)
		}
	}
}
