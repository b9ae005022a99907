package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

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
		s.org.ServeHTTP(w, r)
	}))
	t.Cleanup(unsorted.Close)
	p := s.open()
	s.run(p, func(ctx context.Context) {
		settings := p.Settings
		settings.Webhook.URL = p.Subscriptions.WebhookURL
		settings.Webex.SCIMURL = unsorted.URL + "/identity/scim/" + sandboxOrg + "/v2"
		var out bytes.Buffer
		err := check(ctx, &out, settings)
		for _, want := range []string{"list the users of Webex: Webex answered 400", "list the groups of Webex: Webex answered 400"} {
			if err == nil || strings.Count(out.String(), "FAIL") != 2 || !strings.Contains(out.String(), want) {
				t.Errorf("%v, want two failures, one with %q\n%s", err, want, out.String())
			}
		}
	})
}
