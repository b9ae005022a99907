package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/terminal"
)

func TestStatusTellsEveryAlarmForAsLongAsItIsTrue(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t, second, first))
	operate(t, environ, "pause", "webex", "--why", "maintenance")
	status := operate(t, environ, "status")
	for _, want := range []string{
		"Graph", "not paused", "by an operator,", "until entrawebex resume: maintenance", "latched since 2026-03-02T09:00:00Z",
		"2 objects, 2 to decide on", "Linked to Webex",
		"\nNeeds you: webex is paused;\n           the guard is latched;\n           2 accounts blocked in Entra and still open in Webex;\n           2 holds to decide on\n",
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
	if status := operate(t, environ, "status"); !strings.HasSuffix(status, "\nNeeds you: 2 accounts blocked in Entra and still open in Webex\n") {
		t.Errorf("after all was decided:\n%s", status)
	}
}

func TestTheLastLineOfStatusSaysThatAllIsWell(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t))
	operate(t, environ, "guard", "clear")
	if status := operate(t, environ, "status"); !strings.HasSuffix(status, "\nall is well\n") {
		t.Errorf("status:\n%s", status)
	}
	var s operator.Status
	if err := json.Unmarshal([]byte(operate(t, environ, "status", "--json")), &s); err != nil || !s.AllIsWell || len(s.Attention) > 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestStatusTellsDeadLettersAndTheirReason(t *testing.T) {
	t.Parallel()
	status := operate(t, kept(t), "status")
	for _, want := range []string{
		"1: entrawebex dead-letters", "1 permanent, 1 transient", "the userName is taken",
		"Needs you: 1 dead letter;\n           1 fault that trying again does not mend;\n           1 fault tried again for more than an hour\n",
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

func TestAllIsNotWellUnlessTheSubscriptionsWereSeenAliveOfLate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, subscription, alive, want string
	}{
		{"none was ever asked for", "", "", "all is well"},
		{"none is wanted any more", `{"unwanted":true}`, "", "all is well"},
		{
			"nobody has seen it", `{"id":"s"}`, "",
			"Needs you: the subscriptions were never seen alive: see that a process runs\n           (entrawebex run, or the function renew)",
		},
		{
			"nobody has seen it of late", `{"id":"s"}`, `{"at":"2026-03-02T09:00:00Z","interval":60000000000}`,
			"Needs you: the subscriptions were last seen alive at 2026-03-02T09:00:00Z: see\n           that a process runs (entrawebex run, or the function renew)",
		},
		{"it was just seen", `{"id":"s"}`, `{"at":"` + time.Now().UTC().Format(time.RFC3339) + `","interval":3600000000000}`, "all is well"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			settings := heldHome(t)
			opened, err := operations.Open(t.Context(), operatorEnviron(settings), operatorLog())
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"subscription users": test.subscription, "subscriptions alive": test.alive} {
				if text == "" {
					continue
				}
				if err := opened.Operations.(*operator.Operator).Ledger.PutDocument(t.Context(), name, []byte(text), 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := opened.Close(); err != nil {
				t.Fatal(err)
			}
			operate(t, operatorEnviron(settings), "guard", "clear")
			status := operate(t, operatorEnviron(settings), "status")
			if !strings.HasSuffix(status, "\n"+test.want+"\n") || strings.Contains(status, "seen alive") != strings.Contains(test.subscription, "id") {
				t.Errorf("status:\n%s", status)
			}
			fits(t, status)
		})
	}
}
