package standalone_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/renew"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/runtest"
)

func TestALifecycleNotificationIsFollowedBeforeTheNextMinute(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	p := s.Open("RENEW_INTERVAL=1h")
	s.Run(p, func(ctx context.Context) {
		states, err := renew.ReadSubscriptions(ctx, p.Stores.Ledger)
		if err != nil || len(states) == 0 {
			t.Fatalf("%+v, %v", states, err)
		}
		response, err := http.Post(p.Subscriptions.WebhookURL+"/lifecycle", "application/json", strings.NewReader(
			`{"value":[{"lifecycleEvent":"reauthorizationRequired","subscriptionId":"`+states[0].ID+`","clientState":"`+sandbox.ClientState+`"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusAccepted {
			t.Fatalf("%s, %v", response.Status, err)
		}
		if err := sandbox.Wait(ctx, time.Minute, func() bool { return s.Tenant.Calls.Snapshot()["PATCH /subscriptions/{id}"] == 1 }); err != nil {
			t.Errorf("it is renewed: %v", err)
		}
	})
}

func TestTheTokenOfAServiceAppIsMadeAndKeptInTheDataFolder(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	var refreshed atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refreshed.Add(1)
		if err := r.ParseForm(); err != nil || r.PostForm.Get("refresh_token") != "r3fresh" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"`+sandbox.Token+`","expires_in":1209600,"refresh_token":"another","refresh_token_expires_in":7776000}`)
	}))
	t.Cleanup(endpoint.Close)
	for range 2 { // the second start goes on with what the first kept
		if err := s.OpenWith(serviceApp(s, endpoint.URL, "old")).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := refreshed.Load(); n != 1 {
		t.Errorf("refreshed %d times", n)
	}
	info, err := os.Stat(filepath.Join(s.DataDir, "webex-token.json"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestARefreshTokenThatIsRefusedIsToldAtTheStart(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
	}))
	t.Cleanup(endpoint.Close)
	if _, err := s.TryOpen(serviceApp(s, endpoint.URL, "")); err == nil || !strings.Contains(err.Error(), "developer.webex.com") {
		t.Errorf("error %v", err)
	}
}

// serviceApp loads settings with a service app, and the access token there was before.
func serviceApp(s *runtest.Sandbox, endpoint, accessToken string) func(context.Context) (config.Settings, error) {
	load := s.Load("WEBEX_CLIENT_ID=C1", "WEBEX_CLIENT_SECRET=s3cret", "WEBEX_REFRESH_TOKEN=r3fresh", "WEBEX_TOKEN_URL="+endpoint)
	return func(ctx context.Context) (config.Settings, error) {
		settings, err := load(ctx)
		settings.Webex.AccessToken = accessToken
		return settings, err
	}
}
