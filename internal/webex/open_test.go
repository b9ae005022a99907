package webex_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
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
	c, err := webex.Open(config.Webex{SCIMURL: server.URL, AccessToken: "token"})
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
