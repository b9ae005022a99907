package renew_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/condition"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/renew"
)

// instead answers what the tenant is asked, or leaves it to the tenant.
type instead func(w http.ResponseWriter, r *http.Request) bool

// between puts answers before those of the tenant.
func (l *life) between(answer instead) {
	l.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			l.tenant.ServeHTTP(w, r)
		}
	}))
	l.t.Cleanup(server.Close)
	graph, err := entra.Open(config.Entra{GraphURL: server.URL, AccessToken: "t"}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		l.t.Fatal(err)
	}
	l.Graph = graph
	l.Resources = renew.Resources(false)
}

func give(w http.ResponseWriter, status int, body []byte) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return true
}

func is(r *http.Request, method, path string) bool {
	return r.Method == method && strings.HasPrefix(r.URL.Path, "/v1.0"+path)
}

// state is what status reads of the subscription to users.
func (l *life) state() renew.SubscriptionState {
	l.t.Helper()
	states, err := renew.ReadSubscriptions(l.t.Context(), l.Documents)
	if err != nil || len(states) != 1 || states[0].Resource != "users" {
		l.t.Fatalf("%+v, %v", states, err)
	}
	return states[0]
}

// each calls test with every file in a folder of testdata.
func each[T any](t *testing.T, folder string, test func(t *testing.T, file T)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var file T
			if err := json.Unmarshal(text, &file); err != nil {
				t.Fatal(err)
			}
			test(t, file)
		})
	}
}

type refusedRenewal struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
}

func TestASubscriptionWhoseRenewalIsRefusedForAnHourIsReplaced(t *testing.T) {
	t.Parallel()
	each(t, "renewals", func(t *testing.T, file refusedRenewal) {
		l := begin(t)
		refuses, made := false, 0
		l.between(func(w http.ResponseWriter, r *http.Request) bool {
			if is(r, http.MethodPost, "/subscriptions") {
				made++
			}
			// The tenant has it no more, and says so in its own way.
			return refuses && is(r, http.MethodPatch, "/subscriptions/") && give(w, file.Status, file.Body)
		})
		l.run()
		first := l.state().ID
		if err := l.graph.DeleteSubscription(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		refuses = true
		for minute := range 60 {
			l.now = l.now.Add(time.Minute)
			if err := l.Run(t.Context()); err == nil {
				t.Fatalf("minute %d: no error", minute)
			}
			if s := l.state(); made != 1 || s.ID != first || s.Failing.Error == "" || s.Failing.Since.IsZero() {
				t.Fatalf("minute %d: %d made, %+v", minute, made, s)
			}
		}
		l.now = l.now.Add(time.Minute)
		l.run()
		if how := l.log.lost(t); !strings.Contains(how, first+" to users was refused for an hour") {
			t.Errorf("lost: %q", how)
		}
		for range 60 {
			l.now = l.now.Add(time.Minute)
			l.run()
		}
		if s := l.state(); made != 2 || s.ID == first || s.Failing != (condition.Failing{}) || l.log.lost(t) != "" {
			t.Errorf("%d made, %+v", made, s)
		}
	})
}

func TestASubscriptionPastItsEndIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	each(t, "renewals", func(t *testing.T, file refusedRenewal) {
		l := begin(t)
		l.between(func(w http.ResponseWriter, r *http.Request) bool {
			return is(r, http.MethodPatch, "/subscriptions/") && give(w, file.Status, file.Body)
		})
		l.run()
		first := l.state().ID
		l.now = l.now.Add(renew.Lifetime + time.Minute)
		l.run()
		if s := l.state(); s.ID == first || !strings.Contains(l.log.lost(t), "had ended") {
			t.Errorf("%+v", s)
		}
	})
}

func TestASubscriptionThatIsInTheWayIsReplacedOrNamed(t *testing.T) {
	t.Parallel()
	type obstacle struct {
		Conflict, There json.RawMessage
		Status          int
		Replaced        bool
		Told            string
	}
	const id = "c0ffee00-0000-4000-8000-000000000001"
	each(t, "obstacles", func(t *testing.T, file obstacle) {
		l := begin(t)
		removed := 0
		l.between(func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case is(r, http.MethodPost, "/subscriptions") && removed == 0:
				return give(w, http.StatusConflict, file.Conflict)
			case is(r, http.MethodGet, "/subscriptions/"+id):
				return give(w, file.Status, bytes.ReplaceAll(file.There, []byte("{ours}"), []byte(l.WebhookURL)))
			case is(r, http.MethodDelete, "/subscriptions/"+id):
				removed++
				w.WriteHeader(http.StatusNoContent)
				return true
			default:
				return false
			}
		})
		err := l.Run(t.Context())
		s := l.state()
		if file.Replaced {
			if err != nil || removed != 1 || s.ID == "" || s.Failing != (condition.Failing{}) || !strings.Contains(l.log.lost(t), id+" to users was in the way") {
				t.Errorf("%v, %d removed, %+v", err, removed, s)
			}
			return
		}
		if err == nil || removed != 0 || s.ID != "" || !strings.Contains(s.Failing.Error, file.Told) || strings.Contains(s.Failing.Error, "secret-path") {
			t.Errorf("%v, %d removed, %+v", err, removed, s)
		}
	})
}

// The creation showed all that was asked for, and the list shows null.
func TestWhatAListDoesNotShowReplacesNothing(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "list-with-nulls.json"))
	if err != nil {
		t.Fatal(err)
	}
	l := begin(t)
	calls, id := 0, ""
	l.between(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			calls++
			return false
		}
		list := bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("{id}"), []byte(id)), []byte("{ours}"), []byte(l.WebhookURL))
		return id != "" && give(w, http.StatusOK, list)
	})
	l.run()
	id, calls = l.state().ID, 0
	for range 10 {
		l.now = l.now.Add(time.Minute)
		l.run()
	}
	if calls != 0 {
		t.Errorf("%d calls beside the list", calls)
	}
}

// showing changes what the tenant shows of subscriptions, and counts the calls by
// their methods.
func (l *life) showing(show func(s map[string]any, created bool)) map[string]int {
	calls := map[string]int{}
	l.between(func(w http.ResponseWriter, r *http.Request) bool {
		recorder := httptest.NewRecorder()
		l.tenant.ServeHTTP(recorder, r)
		calls[r.Method]++
		var answer map[string]any
		if body, err := io.ReadAll(recorder.Body); err != nil || json.Unmarshal(body, &answer) != nil {
			w.WriteHeader(recorder.Code)
			return true
		}
		list, isList := answer["value"].([]any)
		for _, s := range list {
			show(s.(map[string]any), false)
		}
		if !isList {
			show(answer, true)
		}
		text, err := json.Marshal(answer)
		return err == nil && give(w, recorder.Code, text)
	})
	return calls
}

// Each of these was replaced, or renewed, at every run.
func TestASubscriptionThatIsShownOtherwiseThanAskedIsNotReplacedForEver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		show func(s map[string]any, created bool)
		made int
	}{
		"Graph adds a kind of change when it makes it": {func(s map[string]any, _ bool) { s["changeType"] = "created,updated,deleted" }, 1},
		"Graph shows the address in its own form":      {func(s map[string]any, _ bool) { s["notificationUrl"] = "https://hook.example:443/" }, 1},
		"the list contradicts the creation": {func(s map[string]any, created bool) {
			if !created {
				s["lifecycleNotificationUrl"] = "https://elsewhere.example/"
			}
		}, 8},
		"the list shows no end": {func(s map[string]any, created bool) {
			if !created {
				s["expirationDateTime"] = nil
			}
		}, 1},
		"Graph gives a day of life": {func(s map[string]any, _ bool) { s["expirationDateTime"] = "2026-03-03T09:00:00Z" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := begin(t)
			calls := l.showing(test.show)
			var failed error
			for range 120 {
				if err := l.Run(t.Context()); err != nil {
					failed = err
				}
				l.now = l.now.Add(time.Minute)
			}
			if calls[http.MethodPost] != test.made || calls[http.MethodPatch] > 0 {
				t.Errorf("within two hours: %v", calls)
			}
			braked := test.made > 1
			if s := l.state(); braked != (failed != nil) || braked != strings.Contains(s.Failing.Error, "4 times within an hour") {
				t.Errorf("%v, %+v", failed, s)
			}
			if how := l.log.lost(t); how != "" || !l.hears() {
				t.Errorf("a change does not come through, or one was lost: %q", how)
			}
		})
	}
}

func TestASubscriptionToWhatMeansNothingAnyMoreIsRemoved(t *testing.T) {
	t.Parallel()
	l := begin(t)
	l.run()
	l.Resources = renew.Resources(false)
	for range 2 {
		l.run()
		if list, err := l.graph.Subscriptions(t.Context()); err != nil || len(list) != 1 || list[0].Resource != "users" {
			t.Errorf("left are %+v, %v", list, err)
		}
		l.state()
	}
	l.Resources = renew.Resources(true)
	l.run()
	l.subscriptions()
}
