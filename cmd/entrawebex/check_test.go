package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entrawebex/internal/config"
	"entrawebex/internal/sandbox"
)

func TestCheckTellsWhoseTheLedgerIs(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	line := func(tenantID string) string {
		t.Helper()
		settings, err := config.Load(t.Context(), config.Planner, s.planEnviron("ENTRA_TENANT_ID="+tenantID), config.Secret)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		_ = check(t.Context(), &out, settings) // what else fails is another test's
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "  Ledger ") {
				return line
			}
		}
		return ""
	}
	const other = "99999999-6d4d-4958-8b9f-9d6445542f95"
	if got := line(sandbox.TenantID); !strings.HasPrefix(got, "ok ") || !strings.Contains(got, "the first start makes it") {
		t.Errorf("before the first start: %q", got)
	}
	if err := s.Open().Close(); err != nil {
		t.Fatal(err)
	}
	if got := line(sandbox.TenantID); !strings.HasPrefix(got, "ok ") || !strings.Contains(got, "of this tenant and organization") {
		t.Errorf("ours: %q", got)
	}
	if got := line(other); !strings.HasPrefix(got, "FAIL ") || !strings.Contains(got, "the ledger is bound to") {
		t.Errorf("another's: %q", got)
	}
}

func TestCheckTellsOfAListThatIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	unsorted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("check sends %s %s", r.Method, r.URL.Path)
		}
		if r.URL.Query().Has("sortBy") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.Org.ServeHTTP(w, r)
	}))
	t.Cleanup(unsorted.Close)
	p := s.Open()
	s.Run(p, func(ctx context.Context) {
		settings := p.Settings
		settings.Webhook.URL = p.Subscriptions.WebhookURL
		settings.Webex.SCIMURL = unsorted.URL + "/identity/scim/" + sandbox.OrgID + "/v2"
		var out bytes.Buffer
		err := check(ctx, &out, settings)
		for _, want := range []string{"list the users of Webex: Webex answered 400", "list the groups of Webex: Webex answered 400"} {
			if err == nil || strings.Count(out.String(), "FAIL") != 2 || !strings.Contains(out.String(), want) {
				t.Errorf("%v, want two failures, one with %q\n%s", err, want, out.String())
			}
		}
	})
}
