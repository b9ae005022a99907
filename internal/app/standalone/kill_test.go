package standalone_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
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

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
)

// asRun makes this binary entrawebex run, so that a process can be killed.
const asRun = "ENTRAWEBEX_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asRun) == "" {
		flag.Parse()
		runtest.Waiting()
		os.Exit(m.Run())
	}
	if err := standalone.Serve(context.Background(), os.Environ(), slog.New(slog.NewTextHandler(os.Stderr, nil)), nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
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
	s := runtest.New(t, 6)
	s.Silent = true
	p := s.Open("RECONCILE_INTERVAL=1s")
	s.Run(p, func(context.Context) {}) // everybody is there
	if d := s.Differences(t.Context()); len(d) > 0 {
		t.Fatal(d)
	}

	scim, writes := stalling(t, s.SCIMURL)
	killed := exec.CommandContext(t.Context(), os.Args[0])
	killed.Env = append(s.Environ(), "WEBEX_SCIM_URL="+scim, "RECONCILE_INTERVAL=1s", asRun+"=1", "HOME="+os.Getenv("HOME"))
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

	p = s.Open("RECONCILE_INTERVAL=1s")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	const atOnce = 30 * time.Second
	// The queue is not empty yet: what was being written when the process was
	// killed is read once more when no such write can be under way any more.
	s.Equal(ctx, atOnce)
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
	s := runtest.New(t, 6)
	p := s.Open()
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
	s.Run(s.Open(), func(context.Context) {})
}
