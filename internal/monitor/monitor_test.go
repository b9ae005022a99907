package monitor_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/monitor"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
	"entrawebex/internal/sweep"
	"entrawebex/internal/throttle"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// full is a status with something in every metric.
func full() operator.Status {
	return operator.Status{
		At: noon, AllIsWell: true, Waiting: 3, InFlight: 2, Oldest: noon.Add(-90 * time.Second), DeadLetters: 4, Linked: 1000,
		Holds: operator.Holds{Total: 6, Undecided: 3, Rejected: 2, Blocked: []change.Object{{Kind: change.User, ID: "a-person"}}},
		Open:  sweep.Named{Count: 1}, Spared: operator.Spared{Count: 2}, ShutOut: sweep.Named{Count: 5}, GuardLatchedSince: noon,
		Paused:        pause.State{pause.Webex: {Since: noon, Why: "401"}},
		Faults:        map[string]int{"given up": 7},
		Token:         operator.Token{Access: noon.Add(24 * time.Hour), Refresh: noon.Add(48 * time.Hour)},
		Secret:        operator.Secret{Ends: noon.Add(72 * time.Hour)},
		Subscriptions: []renew.SubscriptionState{{Resource: "users", ExpiresAt: noon.Add(time.Hour), LastDelivery: noon.Add(-time.Hour)}, {Resource: "groups"}},
		Jobs:          []operator.Job{{Name: condition.Looking, Job: condition.Job{Last: noon}}, {Name: condition.Renewing}},
		Compared:      sweep.State{Last: &sweep.Finished{At: noon}},
	}
}

// ask asks a Monitor whose status is s.
func ask(t *testing.T, m *monitor.Monitor, s operator.Status, err error, path string) (int, string) {
	t.Helper()
	handler := m.Handler(func(context.Context) (operator.Status, error) { return s, err }, func() time.Time { return noon }, slog.New(slog.DiscardHandler))
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return answer.Code, answer.Body.String()
}

func TestHealthIsWhatStatusSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status operator.Status
		err    error
		code   int
		want   string
	}{
		"well":            {operator.Status{AllIsWell: true}, nil, 200, "all is well\n"},
		"something needs": {operator.Status{Attention: []string{"1 dead letter", "a\nb"}, Retried: []string{"1 fault"}}, nil, 503, "1 dead letter\na b\ntried again: 1 fault\n"},
		"unknown":         {operator.Status{AllIsWell: true}, errors.New("no ledger"), 503, "the status cannot be read: no ledger\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if code, got := ask(t, monitor.New(), test.status, test.err, "/healthz"); code != test.code || got != test.want {
				t.Errorf("%d %q", code, got)
			}
		})
	}
}

// A status reads every record.
func TestAStatusStandsForTenSecondsAndForTwentyTimesOfWhatItTook(t *testing.T) {
	t.Parallel()
	now, asked, takes := noon, 0, 200*time.Millisecond
	handler := monitor.New().Handler(func(context.Context) (operator.Status, error) {
		asked++
		now = now.Add(takes)
		return operator.Status{}, nil
	}, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	probe := func(after time.Duration, want int) {
		t.Helper()
		now = now.Add(after)
		for _, path := range []string{"/healthz", "/metrics"} {
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		}
		if asked != want {
			t.Errorf("%v: asked %d times, want %d", now, asked, want)
		}
	}
	probe(0, 1)
	probe(10*time.Second-1, 1)
	takes = 2 * time.Second
	probe(1, 2)
	probe(40*time.Second-1, 2)
	probe(1, 3)
}

// stocked is a Monitor that has counted something in every metric.
func stocked(t *testing.T) *monitor.Monitor {
	t.Helper()
	m := monitor.New()
	for _, source := range []change.Source{change.Notification, change.OnDemand, "somebody else"} {
		m.Taken(change.Change{Source: source})
	}
	attempt := func(source change.Source, took time.Duration, replayed bool) provision.Attempt {
		return provision.Attempt{Status: provision.Success, Action: provision.Create, Exported: noon.Add(took), Causes: []change.Change{{Source: source, SeenAt: noon, Replayed: replayed}}}
	}
	m.Attempt(attempt(change.Notification, 700*time.Millisecond, false))
	m.Attempt(attempt(change.Notification, time.Hour, true))
	m.Attempt(attempt(change.Reconcile, time.Minute, false))
	m.Attempt(provision.Attempt{Status: provision.Failure, Action: provision.None})
	webhook := m.Deliveries(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	webhook.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/notifications", http.NoBody))
	m.Requests(pause.Graph, func() throttle.Traffic { return throttle.Traffic{Answered: 12, Refused: 3} })
	return m
}

func TestMetricsAreInPrometheusTextFormat(t *testing.T) {
	t.Parallel()
	code, text := ask(t, stocked(t), full(), nil, "/metrics")
	var ours []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "entrawebex_") && !strings.Contains(line, "_bucket") {
			ours = append(ours, strings.TrimSpace(line))
		}
	}
	want := []string{
		"entrawebex_accounts_blocked_open 1", "entrawebex_accounts_open 3", "entrawebex_accounts_shut_out 5",
		`entrawebex_attempts_total{action="create",status="success"} 3`, `entrawebex_attempts_total{action="none",status="failure"} 1`,
		"entrawebex_change_latency_seconds_sum 0.7", "entrawebex_change_latency_seconds_count 1",
		`entrawebex_changes_total{source="comparison"} 0`, `entrawebex_changes_total{source="engine"} 0`, `entrawebex_changes_total{source="notification"} 1`,
		`entrawebex_changes_total{source="on_demand"} 1`, `entrawebex_changes_total{source="reconcile"} 0`,
		"entrawebex_comparison_timestamp_seconds 1.7724528e+09",
		`entrawebex_credential_end_timestamp_seconds{credential="entra_client_secret"} 1.772712e+09`,
		`entrawebex_credential_end_timestamp_seconds{credential="webex_access_token"} 1.7725392e+09`,
		`entrawebex_credential_end_timestamp_seconds{credential="webex_refresh_token"} 1.7726256e+09`,
		"entrawebex_dead_letters 4", `entrawebex_deliveries_total{code="202"} 1`, `entrawebex_faults{kind="given_up"} 7`, "entrawebex_guard_latched 1",
		"entrawebex_healthy 1", `entrawebex_holds{state="approved"} 1`, `entrawebex_holds{state="rejected"} 2`, `entrawebex_holds{state="undecided"} 3`,
		`entrawebex_job_success_timestamp_seconds{job="look_for_changes"} 1.7724528e+09`, "entrawebex_linked_objects 1000",
		`entrawebex_paused{side="graph"} 0`, `entrawebex_paused{side="webex"} 1`,
		`entrawebex_queue_changes{state="in_flight"} 2`, `entrawebex_queue_changes{state="waiting"} 3`, "entrawebex_queue_oldest_age_seconds 90",
		`entrawebex_requests_throttled_total{side="graph"} 3`, `entrawebex_requests_total{side="graph"} 12`,
		"entrawebex_status_timestamp_seconds 1.7724528e+09",
		`entrawebex_subscription_delivery_timestamp_seconds{resource="users"} 1.7724492e+09`, `entrawebex_subscription_end_timestamp_seconds{resource="users"} 1.7724564e+09`,
	}
	if diff := cmp.Diff(want, ours); code != http.StatusOK || diff != "" {
		t.Errorf("%d (-want +got):\n%s", code, diff)
	}
}

func TestAStatusThatCannotBeReadIsNotHealthyAndSaysNoMore(t *testing.T) {
	t.Parallel()
	code, text := ask(t, monitor.New(), full(), errors.New("no ledger"), "/metrics")
	if code != http.StatusOK || !strings.Contains(text, "\nentrawebex_healthy 0\n") || strings.Contains(text, "entrawebex_dead_letters") {
		t.Errorf("%d\n%s", code, text)
	}
}

func TestEveryMetricIsToldOnItsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text := ask(t, stocked(t), full(), nil, "/metrics")
	names := regexp.MustCompile(`(?m)^# TYPE (entrawebex_\w+) `).FindAllStringSubmatch(text, -1)
	for _, name := range names {
		if !strings.Contains(string(page), "`"+name[1]+"`") {
			t.Errorf("there is no `%s`", name[1])
		}
	}
	const all = 24
	if len(names) != all {
		t.Errorf("%d metrics are looked for, and there are %d", len(names), all)
	}
	for _, told := range regexp.MustCompile("`(entrawebex_\\w+)`").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(text, "# TYPE "+told[1]+" ") {
			t.Errorf("%s is on the page, and told by none", told[1])
		}
	}
}
