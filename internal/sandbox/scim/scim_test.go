package scim

import (
	"net/http"
	"testing"

	"entrawebex/internal/sandbox/sandboxtest"
)

const (
	orgID  = "0ae87ade-8c8a-4952-af08-318798958d0c"
	deadID = "00000000-0000-4000-8000-00000000dead"
	domain = "contoso.example"
)

var (
	must, call = sandboxtest.Must, sandboxtest.Call
	newClock   = sandboxtest.NewClock
)

func newOrg(t *testing.T, cfg Config) *Organization {
	t.Helper()
	cfg.ID = orgID
	if cfg.Now == nil {
		cfg.Now = newClock().Now
	}
	org, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func TestWebexAnswersInWebexsShapes(t *testing.T) {
	t.Parallel()
	sandboxtest.Replay(t, "testdata/answers", func(t *testing.T) http.Handler {
		t.Helper()
		org := newOrg(t, Config{TakenElsewhere: []string{"Gone@elsewhere.example"}})
		for _, a := range []map[string]any{
			{"userName": "ann@" + domain, "displayName": "Ann", "userType": "user", "name": map[string]any{"givenName": "Ann", "familyName": "Lee"}},
			{"userName": "bo@" + domain, "displayName": "Bo", "active": false},
		} {
			if _, err := org.Add(a); err != nil {
				t.Fatal(err)
			}
		}
		return org
	})
}
