package config

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// rotated is a Latest over a secret that can be rotated, and a clock.
type rotated struct {
	*Latest

	token string
	err   error
	reads int
	now   time.Time
	log   strings.Builder
}

func rotating(t *testing.T) *rotated {
	t.Helper()
	r := &rotated{token: "old", now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	load := func(context.Context) (Settings, error) {
		r.reads++
		return Settings{Webex: Webex{AccessToken: r.token}, Entra: Entra{ClientSecret: "of " + r.token}}, r.err
	}
	first, err := load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.reads = 0
	r.Latest = NewLatest(first, load, func() time.Time { return r.now }, slog.New(slog.NewTextHandler(&r.log, nil)))
	return r
}

func TestWhateverBeginsTellsWhatShouldBeMended(t *testing.T) {
	t.Parallel()
	environ := []string{
		"SCOPE=all", "ENTRA_TENANT_ID=84bd8158-6d4d-4958-8b9f-9d6445542f95", "GRAPH_URL=http://127.0.0.1:1", "GRAPH_ACCESS_TOKEN=t",
		"WEBEX_SCIM_URL=https://api.ciscospark.com/v1/scim/3b2a1c00-aaaa-4bbb-8ccc-1234567890ab", "WEBEX_ACCESS_TOKEN=t",
	}
	var log strings.Builder
	settings, latest, err := Begin(t.Context(), OneProcess, environ, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || len(settings.Warnings) != 1 || strings.Count(log.String(), "msg=settings warning=") != 1 {
		t.Fatalf("%v: %s", err, log.String())
	}
	log.Reset()
	if w := latest.Webex(t.Context()); w != settings.Webex || strings.Contains(log.String(), "WARN") {
		t.Errorf("read again %+v: %s", w, log.String())
	}
}

func TestARowOfRefusalsReadsTheSecretOnceAMinute(t *testing.T) {
	t.Parallel()
	r := rotating(t)
	r.token = "new"
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if w, e := r.Webex(t.Context()), r.Entra(t.Context()); w.AccessToken != "new" || e.ClientSecret != "of new" {
				t.Errorf("token %q, secret %q", w.AccessToken, e.ClientSecret)
			}
		})
	}
	wg.Wait()
	r.now = r.now.Add(59 * time.Second)
	r.Webex(t.Context())
	if r.reads != 1 {
		t.Errorf("%d reads within a minute", r.reads)
	}
	r.now = r.now.Add(time.Second)
	if r.Webex(t.Context()); r.reads != 2 {
		t.Errorf("%d reads after a minute; want 2", r.reads)
	}
	if strings.Contains(r.log.String(), "old") || strings.Contains(r.log.String(), "of new") {
		t.Errorf("the log tells a secret: %s", &r.log)
	}
}

func TestASecretThatCannotBeReadLeavesWhatWasThere(t *testing.T) {
	t.Parallel()
	r := rotating(t)
	r.token, r.err = "half", errors.New("no access")
	for range 3 {
		if token := r.Webex(t.Context()).AccessToken; token != "old" {
			t.Errorf("token %q", token)
		}
	}
	if r.reads != 1 || strings.Count(r.log.String(), "no access") != 1 {
		t.Errorf("%d reads, log %s", r.reads, &r.log)
	}
}
