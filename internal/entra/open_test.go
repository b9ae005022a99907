package entra

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/provision"
)

func TestOneRefusalHoldsBackEveryCallOfAProcess(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	refuse := refusing(http.StatusTooManyRequests, "TooManyRequests", "60")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		refuse(w, r)
	}))
	t.Cleanup(server.Close)
	c, err := Open(config.Entra{GraphURL: server.URL, AccessToken: "token"}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{
		"read organization: 429 TooManyRequests: why",
		"read organization: 429 heldBack: not sent: the server asked for a pause",
	} {
		_, err := c.Organization(t.Context())
		f := provision.AsFault(err)
		if f == nil || f.Kind != provision.Throttled || f.After < 59*time.Second || f.Reason != want {
			t.Errorf("fault %+v, want throttled for a minute: %s", f, want)
		}
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls reached Graph, want one", calls.Load())
	}
}

func TestWhatIsOddInAnAnswerIsLoggedWhereTheProgramLogs(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"value":[{"id":"s1","resource":"users","notificationUrl":7}]}`)
	}))
	t.Cleanup(server.Close)
	for name, open := range map[string]func(config.Entra, *slog.Logger) (*Client, error){
		"with settings that stay": func(s config.Entra, log *slog.Logger) (*Client, error) { return Open(s, nil, log) },
		"with a credential that is rotated": func(s config.Entra, log *slog.Logger) (*Client, error) {
			return OpenRotating(s, nil, func(context.Context) config.Entra { return s }, log)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log countingWriter
			c, err := open(config.Entra{GraphURL: server.URL, AccessToken: "token"}, log.logger())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := c.Subscriptions(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if log.lines != 1 {
				t.Errorf("%d lines, want one", log.lines)
			}
		})
	}
}
