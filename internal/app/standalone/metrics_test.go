package standalone_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
)

func TestMetricsAndHealthAreToldAtAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	p := s.Open("METRICS_ADDR=127.0.0.1:0", "RENEW_INTERVAL=1s", "RECONCILE_INTERVAL=1s")
	s.Run(p, func(ctx context.Context) {
		get := func(address, path string) (int, string) {
			t.Helper()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return response.StatusCode, string(body)
		}
		at := "http://" + p.MetricsAddr()
		if err := s.Tenant.Update(s.Tenant.Users()[0].Text("id"), func(u graph.User) { u["displayName"] = "Renamed" }); err != nil {
			t.Fatal(err)
		}
		var health, metrics string
		told := func() bool {
			code, said := get(at, "/healthz")
			health = said
			_, metrics = get(at, "/metrics")
			for _, want := range []string{
				"\nentrawebex_healthy 1\n", `entrawebex_deliveries_total{code="202"} `, `entrawebex_attempts_total{action="create",status="success"} `,
				"\nentrawebex_linked_objects 4\n", "\ngo_goroutines ",
			} {
				if !strings.Contains(metrics, want) {
					return false
				}
			}
			return code == http.StatusOK && said == "all is well\n" && !strings.Contains(metrics, `requests_total{side="graph"} 0`) &&
				!strings.Contains(metrics, `source="notification"} 0`) && !strings.Contains(metrics, "latency_seconds_count 0")
		}
		if err := sandbox.Wait(ctx, time.Minute, told); err != nil {
			t.Errorf("%v: it is told\n%s%s", err, health, metrics)
		}
		for _, path := range []string{"/healthz", "/metrics"} {
			if code, _ := get(p.Subscriptions.WebhookURL, path); code != http.StatusNotFound {
				t.Errorf("where Graph delivers, %s is answered %d", path, code)
			}
		}
	})
}

func TestAnAddressThatIsTakenIsNamedWithItsSetting(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	s := runtest.New(t, 4)
	if _, err := s.TryOpen(s.Load("METRICS_ADDR=" + taken.Addr().String())); err == nil || !strings.Contains(err.Error(), "listen on METRICS_ADDR: ") {
		t.Error(err)
	}
}
