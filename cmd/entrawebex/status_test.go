package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/terminal"
)

func TestStatusTellsEveryAlarmForAsLongAsItIsTrue(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t, second, first))
	operate(t, environ, "pause", "webex", "--why", "maintenance")
	status := operate(t, environ, "status")
	for _, want := range []string{
		"Graph", "not paused", "until entrawebex", "resume: maintenance", "latched since 2026-03-02T09:00:00Z",
		"2 objects, 2 to decide on", "Linked to Webex",
		"\nNeeds you: no process serves this data: start entrawebex run;\n           webex is paused until entrawebex resume webex: maintenance;\n           the guard is latched: look at entrawebex holds, then entrawebex\n           guard clear;\n           2 accounts blocked in Entra and still open in Webex: entrawebex\n           holds;\n           2 holds to decide on: entrawebex holds\n",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("there is no %q in\n%s", want, status)
		}
	}
	fits(t, status)
	if strings.Index(status, first) > strings.Index(status, second) {
		t.Errorf("those blocked are not told by their ids:\n%s", status)
	}
	operate(t, environ, "resume", "webex")
	operate(t, environ, "guard", "clear")
	operate(t, environ, "holds", "reject", "--all")
	if status := operate(t, environ, "status"); !strings.HasSuffix(status, "\nNeeds you: no process serves this data: start entrawebex run;\n           2 accounts blocked in Entra and still open in Webex: entrawebex\n           holds\n") {
		t.Errorf("after all was decided:\n%s", status)
	}
}

// refusable is what is reached through it until it refuses the paths that begin so.
type refusable struct {
	// address is where it is reached instead.
	address string
	refused atomic.Pointer[string]
}

func (r *refusable) refuse(prefix string) {
	if prefix != "" {
		r.refused.Store(&prefix)
	}
}

func through(t *testing.T, address string) *refusable {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	r := &refusable{}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: at.Scheme, Host: at.Host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if prefix := r.refused.Load(); prefix != nil && strings.HasPrefix(request.URL.Path, *prefix) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		forward.ServeHTTP(w, request)
	}))
	t.Cleanup(server.Close)
	r.address = server.URL + at.Path
	return r
}

// Whatever is wrong, that all is well is said only of what was proven of late.
func TestAllIsWellIsNeverSaidInTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]struct {
		graph, webex, webhook string // the paths that are refused
		also                  func(*staged, []string)
		want                  string
	}{
		"the subscriptions are deleted":      {webhook: "/", also: func(s *staged, _ []string) { s.Tenant.DropSubscriptions() }, want: "the subscription to users is missing"},
		"a comparison latches the guard":     {also: letIn, want: "the guard is latched"},
		"Graph refuses everything":           {graph: "/", want: "looking for changes of users fails"},
		"the token has expired":              {webex: "/", want: "webex is paused"},
		"subscriptions cannot be seen":       {graph: "/v1.0/subscriptions", want: "to renew fails"},
		"the webhook can be reached by none": {webhook: "/", want: "to reach the webhook fails"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, 4)
			graph, webex := through(t, s.GraphURL), through(t, s.SCIMURL)
			s.GraphURL, s.SCIMURL = graph.address, webex.address
			p := s.Open("RECONCILE_INTERVAL=1s", "RENEW_INTERVAL=1s", "GUARD_FLOOR=1", "GUARD_SHARE=0")
			webhook := through(t, p.Subscriptions.WebhookURL)
			p.Subscriptions.WebhookURL = webhook.address
			s.serve(p)
			environ := []string{"DATA_DIR=" + s.DataDir}
			says := func(want string, exit int) func() bool {
				return func() bool {
					out, _, got := outcome(t, environ, "status", "--exit-code")
					return got == exit && strings.Contains(out, want)
				}
			}
			if err := sandbox.Wait(t.Context(), time.Minute, says("\nall is well\n", 0)); err != nil {
				t.Fatalf("%v: it is never well\n%s", err, operate(t, environ, "status"))
			}
			graph.refuse(trouble.graph)
			webex.refuse(trouble.webex)
			webhook.refuse(trouble.webhook)
			if trouble.also != nil {
				trouble.also(s, environ)
			}
			if err := sandbox.Wait(t.Context(), time.Minute, says(trouble.want, 1)); err != nil {
				t.Errorf("%v: it does not say %q\n%s", err, trouble.want, operate(t, environ, "status"))
			}
			fits(t, operate(t, environ, "status"))
		})
	}
}

// letIn has one who is blocked let in again in Webex by hand, which only a comparison
// sees: to close the account again is one more than the guard lets go.
func letIn(s *staged, environ []string) {
	s.t.Helper()
	blocked := s.enabled()[:2]
	for _, u := range blocked {
		operate(s.t, environ, "guard", "clear") // and what was let go is not counted any more
		s.update(u.Text("id"), func(u graph.User) { u["accountEnabled"] = false })
		account := s.accountOf(u.Text("userPrincipalName"))
		if err := sandbox.Wait(s.t.Context(), time.Minute, func() bool { return s.Org.Users()[account]["active"] == false }); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.Org.Edit(s.accountOf(blocked[0].Text("userPrincipalName")), func(a map[string]any) { a["active"] = true }); err != nil {
		s.t.Fatal(err)
	}
	operate(s.t, environ, "reconcile")
}

// A process that is killed says nothing any more, and leaves its socket.
func TestAProcessThatWasKilledIsMissed(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	var said bytes.Buffer
	run := exec.CommandContext(t.Context(), os.Args[0], "run")
	run.Env, run.Stderr = append(s.Environ("RECONCILE_INTERVAL=1s", "RENEW_INTERVAL=1s"), asMain+"=1"), &said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	environ := []string{"DATA_DIR=" + s.DataDir}
	well := func() bool {
		out, _, exit := outcome(t, environ, "status", "--exit-code")
		return exit == 0 && strings.HasSuffix(out, "\nall is well\n")
	}
	err := sandbox.Wait(t.Context(), time.Minute, well)
	if err := errors.Join(err, run.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	if err := run.Wait(); err == nil {
		t.Error("it ended by itself")
	}
	if _, err := os.Lstat(operations.Socket(s.DataDir)); err != nil {
		t.Errorf("it had the time to clean up: %v", err)
	}
	out, _, exit := outcome(t, environ, "status", "--exit-code")
	if exit != exitFailed || strings.Contains(out, "all is well") || !strings.Contains(out, "Needs you: no process serves this data: start entrawebex run") {
		t.Errorf("exit code %d\n%s", exit, out)
	}
	if t.Failed() {
		t.Log(said.String())
	}
}

func TestNothingIsWellThatNoProcessServes(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t))
	operate(t, environ, "guard", "clear")
	status := operate(t, environ, "status")
	if !strings.HasSuffix(status, "\nNeeds you: no process serves this data: start entrawebex run\n") {
		t.Errorf("status:\n%s", status)
	}
	var s operator.Status
	if err := json.Unmarshal([]byte(operate(t, environ, "status", "--json")), &s); err != nil || s.AllIsWell || len(s.Attention) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestStatusTellsDeadLettersAndTheirReason(t *testing.T) {
	t.Parallel()
	status := operate(t, kept(t), "status")
	for _, want := range []string{
		"1: entrawebex dead-letters", "1 permanent, 1 transient", "the userName is taken",
		"Needs you: no process serves this data: start entrawebex run;\n           1 dead letter: entrawebex dead-letters;\n           1 fault that trying again does not mend: entrawebex log --status\n           failure;\n           1 fault tried again for more than an hour: entrawebex log --status\n           failure\n",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("there is no %q in\n%s", want, status)
		}
	}
}

func TestStatusTellsWhichSettingLeavesAnAccountOpen(t *testing.T) {
	t.Parallel()
	s := operator.Status{Spared: operator.Spared{Count: 12}}
	for i := range 11 {
		s.Spared.First = append(s.Spared.First, operator.SparedAccount{
			ID: fmt.Sprintf("5b6e7a8c-1d2e-4f30-9a41-%012d", i), Spared: provision.Spared{Since: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Why: "UPSERT_ONLY is set"},
		})
	}
	var out bytes.Buffer
	terminal.Terminal{}.Status(&out, s)
	for _, want := range []string{"open, must not be", "5b6e7a8c-1d2e-4f30-9a41-000000000009, since", "2026-03-02T09:00:00Z: UPSERT_ONLY is set", "and 2 more that a setting leaves open"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "5b6e7a8c-1d2e-4f30-9a41-000000000010") {
		t.Errorf("more are named than fit:\n%s", out.String())
	}
	fits(t, out.String())
}
