package webex_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

func TestOneRefusalHoldsBackEveryCallOfAProcess(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(server.Close)
	c, err := webex.Open(config.Webex{SCIMURL: server.URL, AccessToken: "token"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{
		"read Webex user " + adasID + ": Webex answered 429 Too Many Requests",
		"read Webex user " + adasID + ": Webex answered 429 Too Many Requests, not sent: the server asked for a pause",
	} {
		_, err := c.Read(t.Context(), change.User, adasID)
		f := provision.AsFault(err)
		if f == nil || f.Kind != provision.Throttled || f.Uncertain || f.After < 59*time.Second || f.Reason != want {
			t.Errorf("fault %+v, want throttled for a minute: %s", f, want)
		}
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls reached Webex, want one", calls.Load())
	}
}

// Before the first start of one machine nobody has made an access token: whoever looks is
// told what to do.
func TestWhoLooksBeforeTheFirstTokenIsToldWhereOneIs(t *testing.T) {
	t.Parallel()
	c, err := webex.Open(config.Webex{SCIMURL: "http://127.0.0.1:1", RefreshToken: "r"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(t.Context(), change.User, adasID); err == nil || !strings.Contains(err.Error(), "until then set WEBEX_ACCESS_TOKEN") {
		t.Error(err)
	}
}

// tokens is a Webex that takes one token, and what it was sent.
type tokens struct {
	valid string
	seen  []string
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.seen = append(s.seen, r.Method+" "+r.Header.Get("Authorization")+" "+string(body))
	if r.Header.Get("Authorization") != "Bearer "+s.valid {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// disable makes a call with a body.
func disable(t *testing.T, c *webex.Client) error {
	t.Helper()
	return c.Apply(t.Context(), []provision.Operation{{
		Object: object(), ID: adasID, Patch: []mapping.PatchOperation{{Op: "replace", Path: "active", Value: false}},
	}})[0].Err
}

func TestARotatedTokenIsTakenUpWithoutAFailedAttempt(t *testing.T) {
	t.Parallel()
	s := &tokens{valid: "new"}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	settings, reads := config.Webex{SCIMURL: server.URL, AccessToken: "old"}, 0
	c, err := webex.OpenRotating(settings, func(context.Context) config.Webex {
		reads++
		return config.Webex{SCIMURL: server.URL, AccessToken: s.valid}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := disable(t, c); err != nil {
			t.Error(err)
		}
	}
	const body = `{"Operations":[{"op":"replace","path":"active","value":false}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`
	want := []string{"PATCH Bearer old " + body, "PATCH Bearer new " + body, "PATCH Bearer new " + body}
	if diff := cmp.Diff(want, s.seen); diff != "" || reads != 1 {
		t.Errorf("%d readings, calls (-want +got):\n%s", reads, diff)
	}
}

func TestATokenThatIsNotMadeYetIsWaitedForWithoutACall(t *testing.T) {
	t.Parallel()
	s := &tokens{valid: "first"}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	made := ""
	c, err := webex.OpenRotating(config.Webex{SCIMURL: server.URL, RefreshToken: "r"}, func(context.Context) config.Webex {
		return config.Webex{SCIMURL: server.URL, AccessToken: made}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := provision.AsFault(disable(t, c)); f == nil || f.Kind != provision.Unauthorized || len(s.seen) > 0 {
		t.Errorf("fault %v after the calls %v", f, s.seen)
	}
	made = "first"
	if err := disable(t, c); err != nil || len(s.seen) != 1 {
		t.Errorf("%v after the calls %v", err, s.seen)
	}
}

func TestARefreshUsesTheSettingsAsTheyAreThen(t *testing.T) {
	t.Parallel()
	var form url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form = r.PostForm
		_, _ = io.WriteString(w, `{"access_token":"a","expires_in":1209600,"refresh_token":"r2","refresh_token_expires_in":7776000}`)
	}))
	t.Cleanup(server.Close)
	refresh := webex.OpenRefresh(func(context.Context) config.Webex {
		return config.Webex{ClientID: "c", ClientSecret: "s", RefreshToken: "not this", TokenURL: server.URL}
	})
	got, err := refresh(t.Context(), "r1")
	if err != nil || got.Access != "a" || got.Refresh != "r2" || got.RefreshExpiresAt.Sub(got.ExpiresAt) != 76*24*time.Hour {
		t.Errorf("%+v, %v", got, err)
	}
	want := url.Values{"grant_type": {"refresh_token"}, "client_id": {"c"}, "client_secret": {"s"}, "refresh_token": {"r1"}}
	if diff := cmp.Diff(want, form); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestATokenThatNobodyRotatedIsRefusedAfterOneReading(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		latest string
		calls  int
	}{
		"where the secret has the same":    {"old", 3},
		"where the secret has another bad": {"worse", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &tokens{valid: "new"}
			server := httptest.NewServer(s)
			t.Cleanup(server.Close)
			reads := 0
			settings := config.Settings{Webex: config.Webex{SCIMURL: server.URL, AccessToken: "old"}}
			latest := config.NewLatest(settings, func(context.Context) (config.Settings, error) {
				reads++
				return config.Settings{Webex: config.Webex{AccessToken: test.latest}}, nil
			}, func() time.Time { return now }, slog.New(slog.DiscardHandler))
			c, err := webex.OpenRotating(settings.Webex, latest.Webex, nil)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // a row of refusals
				if f := provision.AsFault(disable(t, c)); f == nil || f.Kind != provision.Unauthorized {
					t.Errorf("fault %+v", f)
				}
			}
			if reads != 1 || len(s.seen) != test.calls {
				t.Errorf("%d readings, calls %v", reads, s.seen)
			}
		})
	}
}

func TestAFixedTokenIsReadFromNowhereAgain(t *testing.T) {
	t.Parallel()
	s := &tokens{valid: "new"}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := webex.Open(config.Webex{SCIMURL: server.URL, AccessToken: "old"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := provision.AsFault(disable(t, c)); f == nil || f.Kind != provision.Unauthorized || len(s.seen) != 1 {
		t.Errorf("fault %+v after the calls %v", f, s.seen)
	}
}
