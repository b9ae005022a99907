package renew_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/notification"
	"entrawebex/internal/renew"
	simgraph "entrawebex/internal/sandbox/graph"
)

const sandboxTenant = "84bd8158-6d4d-4958-8b9f-9d6445542f95"

// life is a tenant, a webhook that it reaches and the job, over HTTP.
type life struct {
	*renew.Job

	t      *testing.T
	tenant *simgraph.Tenant
	graph  *entra.Client
	hook   http.Handler
	told   []renew.Lifecycle
	log    journal
	queued []change.Change
	now    time.Time
	secret string
}

func (l *life) Enqueue(_ context.Context, changes []change.Change) error {
	l.queued = append(l.queued, changes...)
	return nil
}

func (l *life) Wake(_ context.Context, events []notification.Lifecycle) error {
	for _, event := range events {
		l.told = append(l.told, renew.Lifecycle(event))
	}
	return nil
}

func begin(t *testing.T) *life {
	t.Helper()
	l := &life{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return l.now }
	var err error
	if l.tenant, err = simgraph.New(simgraph.Config{ID: sandboxTenant, Domain: "contoso.example", Token: "t", Now: clock}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(l.tenant)
	t.Cleanup(server.Close)
	if l.graph, err = entra.Open(config.Entra{GraphURL: server.URL, AccessToken: "t"}, nil, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	kept, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	l.Job = &renew.Job{
		Graph: l.graph, Documents: kept, Resources: renew.Resources(true), Now: clock, Log: l.log.logger(),
		ClientState: func(context.Context) string { return l.secret },
	}
	l.move("first secret")
	return l
}

// move is a webhook at another address with another secret.
func (l *life) move(secret string) {
	l.t.Helper()
	receiver, err := notification.New(notification.Config{
		ClientState: secret, TenantID: sandboxTenant, Queue: l, Renew: l, Now: func() time.Time { return l.now },
	})
	if err != nil {
		l.t.Fatal(err)
	}
	hook := notification.Handler(receiver)
	server := httptest.NewServer(hook)
	l.t.Cleanup(server.Close)
	l.hook, l.WebhookURL, l.secret = hook, server.URL, secret
}

// run runs the job with what the webhook was told, and returns the calls that
// took.
func (l *life) run() map[string]int {
	l.t.Helper()
	l.tenant.Calls.Reset()
	told := l.told
	l.told = nil
	if err := l.Run(l.t.Context(), told...); err != nil {
		l.t.Fatal(err)
	}
	return l.tenant.Calls.Snapshot()
}

func (l *life) want(want map[string]int) {
	l.t.Helper()
	if diff := cmp.Diff(want, l.run()); diff != "" {
		l.t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// subscriptions are those of the tenant, which must be one to each resource that
// delivers here.
func (l *life) subscriptions() []renew.Subscription {
	l.t.Helper()
	list, err := l.graph.Subscriptions(l.t.Context())
	if err != nil || len(list) != 2 {
		l.t.Fatalf("%d subscriptions, %v", len(list), err)
	}
	for i, resource := range renew.Resources(true) {
		if list[i].Resource != resource || !strings.HasPrefix(list[i].NotificationURL, l.WebhookURL) {
			l.t.Errorf("subscription %+v", list[i])
		}
	}
	return list
}

// lifecycle delivers what Graph says of a subscription.
func (l *life) lifecycle(event, id string) {
	l.t.Helper()
	body := fmt.Sprintf(`{"value":[{"lifecycleEvent":%q,"subscriptionId":%q,"clientState":%q,"tenantId":%q}]}`, event, id, l.secret, sandboxTenant)
	w := httptest.NewRecorder()
	l.hook.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/lifecycle", bytes.NewReader([]byte(body))))
	if w.Code != http.StatusAccepted {
		l.t.Errorf("answer %d", w.Code)
	}
}

// hears reports whether a change in the tenant comes through the webhook.
func (l *life) hears() bool {
	l.t.Helper()
	l.queued = nil
	if _, err := l.tenant.Create(simgraph.User{
		"userPrincipalName": fmt.Sprintf("u%d@contoso.example", l.now.UnixNano()), "displayName": "U",
	}); err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.tenant.Deliver(l.t.Context()); err != nil {
		l.t.Error(err)
	}
	return len(l.queued) > 0
}

// They are renewed at half of their life, 25 times, and never made again.
func TestSubscriptionsLiveForAYear(t *testing.T) {
	t.Parallel()
	l := begin(t)
	l.want(map[string]int{"GET /subscriptions": 1, "POST /subscriptions": 2})
	first := l.subscriptions()
	renewed := 0
	for range 365 * 4 {
		l.now = l.now.Add(6 * time.Hour)
		calls := l.run()
		if calls["GET /subscriptions"] != 1 || calls["POST /subscriptions"] > 0 {
			t.Fatalf("at %s: calls %v", l.now, calls)
		}
		renewed += calls["PATCH /subscriptions/{id}"]
	}
	if now := l.subscriptions(); now[0].ID != first[0].ID || now[1].ID != first[1].ID || renewed != 2*25 {
		t.Errorf("renewed %d times, from %v to %v", renewed, first, now)
	}
	if how := l.log.lost(t); !l.hears() || how != "" {
		t.Errorf("a change does not come through, or one was lost: %q", how)
	}
}

func TestSubscriptionsSurviveWhatHappensToThem(t *testing.T) {
	t.Parallel()
	l := begin(t)
	l.run()
	const list, create, patch, remove = "GET /subscriptions", "POST /subscriptions", "PATCH /subscriptions/{id}", "DELETE /subscriptions/{id}"
	for _, step := range []struct {
		name    string
		happens func()
		want    map[string]int
		lost    string
	}{
		{"nothing", func() {}, map[string]int{list: 1}, ""},
		{"Graph asks for a renewal", func() {
			l.lifecycle(renew.ReauthorizationRequired, l.subscriptions()[1].ID)
		}, map[string]int{list: 1, patch: 1}, ""},
		{"Graph says that it missed some", func() {
			l.lifecycle(simgraph.Missed, l.subscriptions()[0].ID)
		}, map[string]int{list: 1}, ""},
		{"Graph drops one in silence", func() {
			if err := l.graph.DeleteSubscription(t.Context(), l.subscriptions()[0].ID); err != nil {
				t.Fatal(err)
			}
		}, map[string]int{list: 1, patch: 1, create: 1}, "was gone"},
		{"the webhook moves with another secret", func() { l.move("second secret") }, map[string]int{list: 1, create: 2, remove: 2}, ""},
		{"both run out", func() { l.now = l.now.Add(2 * renew.Lifetime) }, map[string]int{list: 1, patch: 2, create: 2}, "was gone"},
	} {
		l.now = l.now.Add(time.Minute)
		step.happens()
		if diff := cmp.Diff(step.want, l.run()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", step.name, diff)
		}
		if how := l.log.lost(t); !strings.Contains(how, step.lost) || (how == "") != (step.lost == "") {
			t.Errorf("%s: lost: %q, want %q", step.name, how, step.lost)
		}
		if !l.hears() {
			t.Errorf("%s: a change does not come through", step.name)
		}
	}
	l.want(map[string]int{list: 1})
}

func TestAWebhookThatDoesNotAnswerIsToldWithTheMend(t *testing.T) {
	t.Parallel()
	l := begin(t)
	l.WebhookURL = "http://127.0.0.1:1"
	err := l.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "entrawebex check tries them") {
		t.Errorf("error %v", err)
	}
}
