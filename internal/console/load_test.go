package console_test

import (
	"bufio"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/history"
)

// minute is how many changes pass in a minute, and lasts for how long they do.
const (
	minute = 10_000
	lasts  = 6 * time.Second
)

// entries are so many of the log, of changes that were written.
func entries(n int, at time.Time) []history.Entry {
	made := make([]history.Entry, n)
	for i := range made {
		latency := int64(i)
		made[i] = history.Entry{
			ID: uuid.NewString(), At: at, ChangeID: uuid.NewString(), Action: history.Update, Cause: history.Notification, Latency: &latency,
			Source:   &history.Identity{Type: "User", ID: uuid.NewString(), DisplayName: "Somebody", UserPrincipalName: "somebody@contoso.example"},
			Status:   history.StatusInfo{Status: history.Success},
			Modified: []history.Property{{DisplayName: "title", Old: "before", New: "after"}},
		}
	}
	return made
}

// cost is what was used in a second, of a processor and of memory, and how many bytes of
// that were held at most.
type cost struct {
	processor, allocated float64
	held                 uint64
}

// pass has changes pass, as many in its time as a minute has, and returns what was used
// meanwhile.
func pass(b *testing.B, p *standalone.Process) cost {
	b.Helper()
	const batch = 10 // as a worker keeps them
	ticker := time.NewTicker(time.Minute / minute * batch)
	defer ticker.Stop()
	var used cost
	var first, now runtime.MemStats
	for range 2 { // what is pooled stays for one
		runtime.GC()
	}
	runtime.ReadMemStats(&first)
	began, before, looked := time.Now(), processor(b), time.Now()
	for time.Since(began) < lasts {
		if err := p.Stores.History.Keep(b.Context(), entries(batch, <-ticker.C), nil); err != nil {
			b.Fatal(err)
		}
		if time.Since(looked) >= time.Second {
			looked = time.Now()
			runtime.GC()
			runtime.ReadMemStats(&now)
			used.held = max(used.held, now.HeapAlloc)
		}
	}
	passed := time.Since(began).Seconds()
	used.processor = (processor(b) - before).Seconds() / passed
	used.allocated = float64(now.TotalAlloc-first.TotalAlloc) / passed
	return used
}

// processor is how long this process has used one.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkAPageWhileChangesPass looks at the first page while 10,000 changes pass in a
// minute, and takes what that costs beside a log that is kept while nobody looks. A page
// may cost a worker 5 % of a processor and 32 MB, and is told four times a second at most.
func BenchmarkAPageWhileChangesPass(b *testing.B) {
	_, p := stage(b)
	page := served(b, p, nil).enter()
	if err := p.Stores.History.Keep(b.Context(), entries(minute, time.Now()), nil); err != nil { // of the minute before
		b.Fatal(err)
	}
	for b.Loop() {
		alone := pass(b, p)
		events, err := page.client.Do(page.request(http.MethodGet, "/events", nil))
		if err != nil {
			b.Fatal(err)
		}
		var pushed, told atomic.Int64
		var group sync.WaitGroup
		group.Go(func() {
			for lines := bufio.NewScanner(events.Body); lines.Scan(); {
				if told.Add(int64(len(lines.Bytes()) + 1)); strings.HasPrefix(lines.Text(), "event: pipeline") {
					pushed.Add(1)
				}
			}
		})
		watched := pass(b, p)
		if err := events.Body.Close(); err != nil {
			b.Fatal(err)
		}
		group.Wait()
		const percent, mega = 100, 1 << 20
		cpu, memory, pushes := percent*(watched.processor-alone.processor), (float64(watched.held)-float64(alone.held))/mega, float64(pushed.Load())/lasts.Seconds()
		b.ReportMetric(cpu, "%cpu")
		b.ReportMetric(memory, "MB-held")
		b.ReportMetric((watched.allocated-alone.allocated)/mega, "MB/s")
		b.ReportMetric(pushes, "pushes/s")
		b.ReportMetric(float64(told.Load())/max(1, float64(pushed.Load())), "B/push")
		const most, megabytes, often = 5, 32, 4.2 // the first is told at once
		if cpu > most || memory > megabytes || pushes > often || pushes < 1 {
			b.Errorf("%.1f %% of a processor, %.0f MB, %.1f pushes a second", cpu, memory, pushes)
		}
	}
}
