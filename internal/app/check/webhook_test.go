package check_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"entrawebex/internal/app/check"
	"entrawebex/internal/config"
	"entrawebex/internal/sandbox/runtest"
)

// about are the results about one thing.
func about(all []check.Result, what string) []check.Result {
	var some []check.Result
	for _, r := range all {
		if strings.HasPrefix(r.What, what) {
			some = append(some, r)
		}
	}
	return some
}

// free is an address on which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// proxy leads to an address, less the prefix of its own.
func proxy(t *testing.T, prefix, address string) string {
	t.Helper()
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	server := httptest.NewServer(http.StripPrefix(prefix, to))
	t.Cleanup(server.Close)
	return server.URL + prefix
}

// settingsOf are those of a run that does not run, whose webhook is reached there.
func settingsOf(ctx context.Context, t *testing.T, s *runtest.Sandbox, listen, webhook string) config.Settings {
	t.Helper()
	settings, err := config.Load(ctx, config.OneProcess, append(s.Environ("LISTEN_ADDR="+listen), "WEBHOOK_URL="+webhook, "CLIENT_STATE=secret"), config.Secret)
	if err != nil {
		t.Fatal(err)
	}
	settings.ListenAddr = listen
	return settings
}

func TestCheckAnswersTheHandshakeItselfWhereNothingServesYet(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	address := free(t)
	found := about(results(t.Context(), t, settingsOf(t.Context(), t, s, address, proxy(t, "", address))), "Webhook")
	if len(found) != 2 || len(failed(found)) > 0 {
		t.Fatalf("%+v", found)
	}
	for _, r := range found {
		if !strings.Contains(r.Detail, "which leads to LISTEN_ADDR: this check answered there itself") {
			t.Errorf("%+v", r)
		}
	}
	if l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address); err != nil {
		t.Errorf("the check listens on: %v", err)
	} else {
		_ = l.Close()
	}
}

func TestCheckSaysThatNothingCameToWhereItListened(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	address := free(t)
	want := "nothing came to LISTEN_ADDR (" + address + "), where this check listened meanwhile: lead http://127.0.0.1:1 there"
	failures := failed(about(results(t.Context(), t, settingsOf(t.Context(), t, s, address, "http://127.0.0.1:1")), "Webhook"))
	if len(failures) != 2 || !strings.Contains(failures[0], want) {
		t.Errorf("%q", failures)
	}
}

func TestCheckDoesNotListenForAFunction(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	address := free(t)
	settings := settingsOf(t.Context(), t, s, address, proxy(t, "", address))
	settings.AWS.LedgerTable, settings.Webhook.ClientState = "t", ""
	failures := failed(about(results(t.Context(), t, settings), "Webhook"))
	if len(failures) != 2 || strings.Contains(failures[0], "LISTEN_ADDR") {
		t.Errorf("%q", failures)
	}
}

func TestARunThatServesAnswersTheHandshake(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	p := s.Open()
	s.Run(p, func(ctx context.Context) {
		listen := strings.TrimPrefix(p.Subscriptions.WebhookURL, "http://")
		found := about(results(ctx, t, settingsOf(ctx, t, s, listen, p.Subscriptions.WebhookURL)), "Webhook")
		if len(found) != 2 || len(failed(found)) > 0 || strings.Contains(found[0].Detail, "this check") {
			t.Errorf("%+v", found)
		}
	})
}

func TestAWebhookAddressWithAPathIsExplained(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	address := free(t)
	base := proxy(t, "/hooks/entra", address)
	found := about(results(t.Context(), t, settingsOf(t.Context(), t, s, address, base)), "Webhook")
	note := "WEBHOOK_URL has the path /hooks/entra: Graph calls " + base + "/notifications, and the proxy has to take /hooks/entra away, since run answers at /notifications and /lifecycle"
	if len(found) != 3 || len(failed(found)) > 0 || !found[0].Note || found[0].Detail != note {
		t.Errorf("%+v", found)
	}
	for _, path := range []string{"/notifications", "/lifecycle"} {
		want := "WEBHOOK_URL is https://h.example" + path + " and must be the base: give https://h.example, to which /notifications and /lifecycle are added"
		failures := failed(about(results(t.Context(), t, settingsOf(t.Context(), t, s, address, "https://h.example"+path)), "Webhook"))
		if len(failures) != 1 || failures[0] != want {
			t.Errorf("%q", failures)
		}
	}
}
