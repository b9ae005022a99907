package standalone_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/runtest"
)

// gate stands before a side: it answers with a status and a page of its own
// while that is not zero.
type gate struct {
	status atomic.Int32
	at     string
}

func newGate(t *testing.T, before string, status int) *gate {
	t.Helper()
	target, err := url.Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	origin := &url.URL{Scheme: target.Scheme, Host: target.Host}
	proxy := httputil.NewSingleHostReverseProxy(origin)
	g := &gate{}
	g.status.Store(int32(status))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := g.status.Load(); status != 0 {
			w.Header().Set("Content-Type", "text/html")
			if status/100 == 3 {
				w.Header().Set("Location", "https://login.proxy.example/")
			}
			w.WriteHeader(int(status))
			fmt.Fprint(w, "<html><body>The proxy says no</body></html>")
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.at = strings.Replace(before, origin.String(), server.URL, 1)
	return g
}

func TestARunThatStartsWhileASideIsDownIsPausedAndCatchesUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		side   pause.Side
		status int
	}{
		{"Webex answers 502", pause.Webex, http.StatusBadGateway},
		{"a proxy before Webex asks to log in", pause.Webex, http.StatusFound},
		{"Graph answers 503", pause.Graph, http.StatusServiceUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := runtest.New(t, 6)
			at := map[pause.Side]*string{pause.Graph: &s.GraphURL, pause.Webex: &s.SCIMURL}[test.side]
			g := newGate(t, *at, test.status)
			*at = g.at
			p := s.Open("RENEW_INTERVAL=1s", "RECONCILE_INTERVAL=1s")
			state, err := p.Recovery.Switch.State(t.Context())
			if _, paused := state[test.side]; err != nil || !paused || len(state) != 1 {
				t.Errorf("%s, %v", state, err)
			}
			g.status.Store(0)
			s.Run(p, func(ctx context.Context) {
				s.Equal(ctx, time.Minute)
				state, err := p.Recovery.Switch.State(ctx)
				if err != nil || len(state) > 0 {
					t.Errorf("%s, %v", state, err)
				}
			})
		})
	}
}

// What is pausing is the first start: a ledger that was resumed stays so.
func TestNothingIsWrittenFromAPausedStartUntilAnOperatorResumes(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	open := func() *standalone.Process {
		return s.Open("START_PAUSED=true", "RECONCILE_INTERVAL=1s", "RENEW_INTERVAL=1s")
	}
	p := open()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	subscribed := func() bool {
		subscriptions := s.Tenant.Calls.Snapshot()["POST /subscriptions"]
		asked, err := p.Sweeps.State(ctx)
		return err == nil && subscriptions == len(p.Subscriptions.Resources) && !asked.Due.IsZero()
	}
	if err := sandbox.Wait(ctx, time.Minute, subscribed); err != nil {
		t.Error(err)
	}
	status, err := p.Operations().Status(ctx)
	if err != nil || !strings.Contains(status.Paused.String(), "look at entrawebex plan --all") {
		t.Errorf("%s, %v", status.Paused, err)
	}
	if calls := s.Org.Calls.Snapshot(); calls.Writes() > 0 {
		t.Errorf("written before anybody said so: %v", calls)
	}
	if _, err := p.Operations().Resume(ctx, operator.ResumeRequest{Side: pause.Webex}); err != nil {
		t.Fatal(err)
	}
	s.Equal(ctx, time.Minute)
	stop()
	running.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	p = open()
	if state, err := p.Recovery.Switch.State(t.Context()); err != nil || len(state) > 0 {
		t.Errorf("the second start: %s, %v", state, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
