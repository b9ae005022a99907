package entra

import (
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
	c, err := Open(config.Entra{GraphURL: server.URL, AccessToken: "token"}, nil)
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
