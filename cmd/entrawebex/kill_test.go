package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
)

// asRun makes this binary entrawebex run, so that a process can be killed.
const asRun = "ENTRAWEBEX_TEST_RUN"

// withStorm plays a day in a storm, too. It lasts half a minute, or as many minutes
// as a write waits whose answer was lost.
var withStorm = flag.Bool("storm", false, "play a day in a storm to its end")

func TestMain(m *testing.M) {
	if os.Getenv(asRun) == "" {
		flag.Parse()
		waiting()
		os.Exit(m.Run())
	}
	if err := serve(context.Background(), os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// waiting has more tests run at a time than there are processors, unless -parallel
// says how many: most of them wait for a scripted day to pass.
func waiting() {
	const many = "6"
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(many) // a number
	}
	if !*withStorm {
		fmt.Fprintln(os.Stderr, "NOT RUN: a day in a storm to its end, since -storm is not set (make sets it)")
	}
}

// stalling is a service that answers nothing that writes, and counts what would.
func stalling(t *testing.T, service string) (address string, writes *atomic.Int64) {
	t.Helper()
	at, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	writes = &atomic.Int64{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: at.Scheme, Host: at.Host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			proxy.ServeHTTP(w, r)
			return
		}
		writes.Add(1)
		<-t.Context().Done()
	}))
	t.Cleanup(server.Close)
	return server.URL + at.Path, writes
}

// Messages are invisible for five minutes and claims last for two: whoever waited
// for that would not be done here.
func TestAfterARunIsKilledTheNextGoesOnAtOnceWithWhatWasInFlight(t *testing.T) {
	t.Parallel()
	s := setup(t, 6)
	s.Silent = true
	p := s.open("RECONCILE_INTERVAL=1s")
	s.run(p, func(context.Context) {}) // everybody is there
	if d := compare.Differences(s.Tenant, s.Org); len(d) > 0 {
		t.Fatal(d)
	}

	scim, writes := stalling(t, s.SCIMURL)
	killed := exec.CommandContext(t.Context(), os.Args[0])
	killed.Env = append(append(anyPort(), s.Environ(s.data)...),
		"WEBEX_SCIM_URL="+scim, "RECONCILE_INTERVAL=1s", asRun+"=1", "HOME="+os.Getenv("HOME"))
	var said strings.Builder
	killed.Stderr = &said
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	for i, u := range s.Tenant.Users() {
		err := s.Tenant.Update(u.Text("id"), func(u graph.User) { u["displayName"] = fmt.Sprint("Renamed ", i) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := sandbox.Wait(t.Context(), time.Minute, func() bool { return writes.Load() > 0 }); err != nil {
		t.Errorf("nothing was written: %v", err)
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := killed.Wait(); err == nil {
		t.Error("it ended by itself")
	}
	if t.Failed() {
		t.Fatal(said.String())
	}

	p = s.open("RECONCILE_INTERVAL=1s")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	const atOnce = 30 * time.Second
	// The queue is not empty yet: what was being written when the process was
	// killed is read once more when no such write can be under way any more.
	if err := sandbox.Wait(ctx, atOnce, func() bool { return len(compare.Differences(s.Tenant, s.Org)) == 0 }); err != nil {
		t.Errorf("%v: %v", err, compare.Differences(s.Tenant, s.Org))
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// A comparison's lease lasts for ten minutes: run gives up after one.
func TestAfterARunIsKilledTheNextGoesOnAtOnceWithTheComparison(t *testing.T) {
	t.Parallel()
	s := setup(t, 6)
	p := s.open()
	killed := fmt.Sprintf(`{"dueSince":%q,"holder":{"owner":"killed","until":%q}}`,
		time.Now().Format(time.RFC3339), time.Now().Add(10*time.Minute).Format(time.RFC3339))
	if err := p.Stores.Ledger.PutDocument(t.Context(), "sweep", []byte(killed), 0); err != nil {
		t.Fatal(err)
	}
	if state, err := p.Sweeps.State(t.Context()); err != nil || !state.Running {
		t.Fatalf("%+v, %v", state, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	s.run(s.open(), func(context.Context) {})
}
