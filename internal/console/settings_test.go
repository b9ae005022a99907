package console_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/condition"
	"entrawebex/internal/config"
	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/renew"
	"entrawebex/internal/sandbox"
)

// ending are operations of a system of which much ends.
type ending struct {
	operator.Operations

	at time.Time
}

func (e ending) Status(ctx context.Context) (operator.Status, error) {
	s, err := e.Operations.Status(ctx)
	in := func(days int) time.Time { return e.at.AddDate(0, 0, days).Add(time.Hour) }
	s.Token = operator.Token{Access: in(3), Refresh: in(20), Warning: "authorize <b>again"}
	s.Secret = operator.Secret{Ends: in(200)}
	s.Subscriptions = []renew.SubscriptionState{{Resource: "groups", Failing: condition.Failing{Since: e.at, Error: "<script>refused"}}}
	return s, err
}

func TestWhatEndsIsOnAPageAndNoSecretIs(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	now := time.Now()
	b := served(t, p, func(o *console.Options) {
		o.ReadOnly, o.Now = true, func() time.Time { return now }
		o.With = func(_ context.Context, do func(operator.Operations) error) error {
			return do(ending{p.Operations(), now})
		}
	}).enter()
	page := b.get("/settings")
	for _, want := range []string{
		"Webex access token", ">3 days left", "Webex refresh token", ">20 days left", "authorize &lt;b&gt;again", "client secret", ">200 days left",
		"Subscription to groups", "there is none yet", "&lt;script&gt;refused", "read only",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if n := strings.Count(page, `class="differs"`); n != 2 {
		t.Errorf("%d need somebody, not the refresh token and the subscription\n%s", n, page)
	}
	r := b.request(http.MethodGet, "/settings", nil)
	r.Header.Set("Origin", "https://attacker.example")
	if code, page := b.ask(r); code != http.StatusForbidden || strings.Contains(page, "days left") {
		t.Errorf("for another origin: %d\n%s", code, page)
	}
}

func TestNoPageHasASecret(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	page := b.get("/settings")
	if !strings.Contains(page, "WEBEX_TOKEN_EXPIRES says it") || !strings.Contains(page, "ENTRA_SECRET_EXPIRES says it") {
		t.Errorf("what nobody knows\n%s", page)
	}
	for _, want := range []string{
		"<code>SCOPE</code>", "<b><code>all</code></b>", "environment, else assigned", "<code>GUARD_WINDOW</code>", "<code>60m</code>",
		"<code>WEBEX_ACCESS_TOKEN</code>", "a secret, not shown", "Not given, and without a default:",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	for _, path := range []string{"/settings", "/", "/plan", "/comparison", "/mapping", "/log"} {
		if page := b.get(path); strings.Contains(page, sandbox.Token) || strings.Contains(page, sandbox.ClientState) {
			t.Errorf("%s has a secret", path)
		}
	}
}

// closed are operations that may not read the settings.
type closed struct{ operator.Operations }

func (closed) Environment(context.Context) ([]config.Value, error) {
	return nil, errors.New("<b>AccessDenied")
}

func TestWhatEndsIsToldWhereTheSettingsCannotBe(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, func(o *console.Options) {
		o.With = func(_ context.Context, do func(operator.Operations) error) error { return do(closed{p.Operations()}) }
	}).enter()
	if page := b.get("/settings"); !strings.Contains(page, "They cannot be told: &lt;b&gt;AccessDenied") || !strings.Contains(page, "Webex access token") {
		t.Error(page)
	}
}
