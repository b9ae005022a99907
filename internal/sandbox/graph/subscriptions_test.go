package graph

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/internal/sandbox/simhttp"
)

func TestASubscriptionNeedsAnEndpointThatProvesItself(t *testing.T) {
	t.Parallel()
	plain := func(status int, contentType, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	tests := map[string]struct {
		endpoint http.HandlerFunc
		status   int
		message  string
	}{
		"one that repeats the token is accepted": {echo, http.StatusCreated, ""},
		"one that decodes the token twice is refused": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				_, _ = io.WriteString(w, strings.ReplaceAll(r.URL.Query().Get("validationToken"), "+", " "))
			}, http.StatusBadRequest, "not the validation token",
		},
		"one that repeats the token as it is in the URL is refused": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				_, _ = io.WriteString(w, strings.TrimPrefix(r.URL.RawQuery, "validationToken="))
			}, http.StatusBadRequest, "not the validation token",
		},
		"one that answers with JSON is refused": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, r.URL.Query().Get("validationToken"))
			}, http.StatusBadRequest, "text/plain",
		},
		"one that adds to the token is refused": {
			func(w http.ResponseWriter, r *http.Request) { echo(w, r); _, _ = io.WriteString(w, "\n") },
			http.StatusBadRequest, "not the validation token",
		},
		"one that answers something else is refused": {plain(http.StatusOK, "text/plain", "hello"), http.StatusBadRequest, "not the validation token"},
		"one that answers 202 is refused":            {plain(http.StatusAccepted, "text/plain", ""), http.StatusBadRequest, "HTTP status code is 202"},
		"one that redirects is refused": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://hook.example/other?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
			}, http.StatusBadRequest, "HTTP status code is 307",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, message := subscribeTo(t, newTenant(t, Config{Transport: simhttp.Network{"hook.example": test.endpoint}}))
			if status != test.status || !strings.Contains(message, test.message) {
				t.Errorf("answered %d %q, want %d %q", status, message, test.status, test.message)
			}
		})
	}
}

func subscribeTo(t *testing.T, tenant *Tenant) (int, string) {
	t.Helper()
	status, body := call(t, tenant, http.MethodPost, "/v1.0/subscriptions",
		`{"changeType":"updated","resource":"users","notificationUrl":"https://hook.example/","expirationDateTime":"2026-03-03T00:00:00Z"}`)
	problem, _ := body["error"].(map[string]any)
	message, _ := problem["message"].(string)
	return status, message
}

func TestASubscriptionTakesThePermissionToReadWhatItIsFor(t *testing.T) {
	t.Parallel()
	for permission, readable := range map[string]string{"User.Read.All": "users", "Group.Read.All": "groups", "GroupMember.Read.All": "", "Group.ReadWrite.All": ""} {
		for _, resource := range []string{"users", "/groups", "Groups/" + salesID} {
			tenant := newTenant(t, Config{Permissions: []string{permission}, Transport: simhttp.Network{"hook.example": echo}})
			status, _ := call(t, tenant, http.MethodPost, "/v1.0/subscriptions",
				`{"changeType":"updated","resource":"`+resource+`","notificationUrl":"https://hook.example/","expirationDateTime":"2026-03-03T00:00:00Z"}`)
			want := http.StatusForbidden
			if collection, _ := subscribable(resource); collection == readable {
				want = http.StatusCreated
			}
			if status != want {
				t.Errorf("%s with %s answered %d, want %d", resource, permission, status, want)
			}
		}
	}
}

func TestASubscriptionIsRefusedIfItsEndpointIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(validationDeadline + time.Second): // virtual
				echo(w, r)
			case <-r.Context().Done():
			}
		})
		start := time.Now()
		status, message := subscribeTo(t, newTenant(t, Config{Transport: simhttp.Network{"hook.example": slow}}))
		if took := time.Since(start); status != http.StatusBadRequest || !strings.Contains(message, "timed out") || took != validationDeadline {
			t.Errorf("answered %d %q after %v, want 400, timed out, after 10 s", status, message, took)
		}
	})
}

func TestBothURLsOfASubscriptionAreValidated(t *testing.T) {
	t.Parallel()
	var paths []string
	tenant := newTenant(t, Config{Transport: simhttp.Network{"hook.example": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.Path)
		if r.URL.Path == "/lifecycle" {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		echo(w, r)
	})}})
	status, _ := call(t, tenant, http.MethodPost, "/v1.0/subscriptions",
		`{"changeType":"updated","resource":"users","notificationUrl":"https://hook.example/n","lifecycleNotificationUrl":"https://hook.example/lifecycle","expirationDateTime":"2026-03-03T00:00:00Z"}`)
	if got := strings.Join(paths, ", "); status != http.StatusBadRequest || got != "POST /n, POST /lifecycle" {
		t.Errorf("answered %d after %s", status, got)
	}
	if len(tenant.subscriptions) != 0 {
		t.Error("the subscription was made nevertheless")
	}
}

func TestAClientStateHasAtMost128Characters(t *testing.T) {
	t.Parallel()
	for characters, want := range map[int]int{128: http.StatusCreated, 129: http.StatusBadRequest} {
		tenant := newTenant(t, Config{Transport: simhttp.Network{"hook.example": echo}})
		status, _ := call(t, tenant, http.MethodPost, "/v1.0/subscriptions",
			`{"changeType":"updated","resource":"users","clientState":"`+strings.Repeat("ü", characters)+`","notificationUrl":"https://hook.example/","expirationDateTime":"2026-03-03T00:00:00Z"}`)
		if status != want {
			t.Errorf("%d characters answered with %d, want %d", characters, status, want)
		}
	}
}

func TestASubscriptionEndsAtItsTime(t *testing.T) {
	t.Parallel()
	tenant, _, c := subscribed(t, "updated", "users")
	path := "/v1.0/subscriptions/" + tenant.subscriptions[0].id
	c.At = c.At.Add(24 * time.Hour)
	if status, _ := call(t, tenant, http.MethodGet, path, ""); status != http.StatusNotFound {
		t.Errorf("answered %d, want 404", status)
	}
}
