package sandbox

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the answers to testdata instead of comparing them")

const (
	tenantID = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	orgID    = "0ae87ade-8c8a-4952-af08-318798958d0c"
	deadID   = "00000000-0000-4000-8000-00000000dead"
	salesID  = "00000000-0000-4000-8000-0000000000a1"
	subID    = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"
	appID    = "acacacac-0000-4000-8000-000000000001"
	domain   = "contoso.example"
)

// clock is a clock that stands still unless it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{at: time.Date(2026, 3, 2, 9, 41, 7, 306290100, time.UTC)} }

func newTenant(t *testing.T, cfg TenantConfig) *Tenant {
	t.Helper()
	cfg.ID, cfg.Domain = tenantID, domain
	if cfg.Now == nil {
		cfg.Now = newClock().now
	}
	if cfg.Transport == nil {
		cfg.Transport = Network{}
	}
	tenant, err := NewTenant(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func newOrg(t *testing.T, cfg OrgConfig) *Org {
	t.Helper()
	cfg.ID = orgID
	if cfg.Now == nil {
		cfg.Now = newClock().now
	}
	org, err := NewOrg(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func person1() User {
	return User{
		"userPrincipalName": "ann.lee@" + domain, "displayName": "Ann Lee", "givenName": "Ann", "surname": "Lee",
	}
}

func create(t *testing.T, tenant *Tenant, u User) string {
	t.Helper()
	id, err := tenant.Create(u)
	must(t, err)
	return id
}

func createGroup(t *testing.T, tenant *Tenant, g Group) string {
	t.Helper()
	id, err := tenant.CreateGroup(g)
	must(t, err)
	return id
}

// call makes a request without a socket and returns the status and the body.
func call(t *testing.T, h http.Handler, method, path, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var decoded map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &decoded); err != nil {
			t.Fatalf("%s %s answered %q: %v", method, path, w.Body, err)
		}
	}
	return w.Code, decoded
}

// exchange is a call and its answer, as a file in testdata.
type exchange struct {
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Request  json.RawMessage `json:"request,omitempty"`
	Status   int             `json:"status"`
	Response any             `json:"response,omitempty"`
}

// replay makes the call of every file in a folder, each to a handler of its
// own.
func replay(t *testing.T, folder string, handler func(*testing.T) http.Handler) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			must(t, err)
			var want exchange
			must(t, json.Unmarshal(text, &want))
			got := want
			status, body := call(t, handler(t), want.Method, want.Path, string(want.Request))
			got.Status, got.Response = status, nil
			if body != nil {
				got.Response = any(body)
			}
			if *update {
				text, err := json.MarshalIndent(got, "", "  ")
				must(t, err)
				must(t, os.WriteFile(file, append(text, '\n'), 0o600))
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGraphAnswersInGraphsShapes(t *testing.T) {
	t.Parallel()
	replay(t, "testdata/graph", func(t *testing.T) http.Handler {
		t.Helper()
		c := newClock()
		network := Network{"hook.example": echo}
		tenant := newTenant(t, TenantConfig{Now: c.now, Transport: network})
		for _, u := range []User{
			{"id": WellKnownID, "userPrincipalName": "wanda@" + domain, "displayName": "Wanda Wellknown", "givenName": "Wanda", "surname": "Wellknown", "businessPhones": []string{"+1 555 0100"}},
			{"id": deadID, "userPrincipalName": "dora@" + domain, "displayName": "Dora Dead"},
			{"id": "00000000-0000-4000-8000-0000000000b1", "userPrincipalName": "bo@" + domain, "displayName": "Bo", "accountEnabled": false},
		} {
			create(t, tenant, u)
		}
		for _, g := range []Group{
			{"id": salesID, "displayName": "Sales", "description": "Who sells", "mailNickname": "sales"},
			{"id": "00000000-0000-4000-8000-0000000000a2", "displayName": "Sales abroad"},
			{"id": "00000000-0000-4000-8000-0000000000a3", "displayName": "Council", "groupTypes": []any{"Unified"}, "visibility": "HiddenMembership"},
			{"id": "00000000-0000-4000-8000-0000000000ad", "displayName": "Deleted"},
		} {
			createGroup(t, tenant, g)
		}
		must(t, tenant.AddMembers(salesID, WellKnownID, deadID, tenant.AddOther("device"), "00000000-0000-4000-8000-0000000000a2"))
		must(t, tenant.AddMembers("00000000-0000-4000-8000-0000000000a2", "00000000-0000-4000-8000-0000000000b1"))
		must(t, tenant.AddMembers("00000000-0000-4000-8000-0000000000a3", "00000000-0000-4000-8000-0000000000b1"))
		must(t, tenant.DeleteGroup("00000000-0000-4000-8000-0000000000ad"))
		must(t, tenant.Delete(deadID))
		tenant.subscriptions = []*subscription{{
			id: subID, resource: "/users", changeType: "updated,deleted", clientState: "secret",
			url: "https://hook.example/notifications", expires: c.at.Add(time.Hour),
		}}
		return tenant
	})
}

func TestWebexAnswersInWebexsShapes(t *testing.T) {
	t.Parallel()
	replay(t, "testdata/webex", func(t *testing.T) http.Handler {
		t.Helper()
		org := newOrg(t, OrgConfig{TakenElsewhere: []string{"Gone@elsewhere.example"}})
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

func TestNetworkReturnsWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	defer close(stuck)
	network := Network{"slow.example": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck })}
	ctx, cancel := contextWithDeadline(t)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://slow.example/", http.NoBody)
	must(t, err)
	response, err := network.RoundTrip(r)
	if err == nil {
		_ = response.Body.Close()
		t.Error("RoundTrip returned no error")
	}
}

func TestWritesAreCallsThatAskForAChange(t *testing.T) {
	t.Parallel()
	counts := Counts{"GET /Users": 7, "POST /Users": 1, "PATCH /Users/{id}": 2, "POST /$batch": 4, "$batch GET /users/{id}": 9, "$batch DELETE /users/{id}": 3}
	if got := counts.Writes(); got != 6 {
		t.Errorf("Writes() = %d, want 6", got)
	}
}
