package terminal

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/change"
	"entrawebex/internal/golden"
	"entrawebex/internal/history"
	"entrawebex/internal/mapping"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

var three = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)

// aPerson is somebody of whom there is much to tell.
func aPerson() operator.Shown {
	ada := change.Object{Kind: change.User, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"}
	const account = "6f1d2c3b-0000-4000-8000-000000000001"
	return operator.Shown{
		Object: &ada, Name: "ada@contoso.example",
		Look: plan.Look{
			Entra: plan.Side{Presence: plan.There, ID: ada.ID, Name: "ada@contoso.example", DisplayName: "Ada\x1b[2J Byron", Mail: "Ada.Byron@contoso.example", Enabled: new(false)},
			Webex: plan.Side{Presence: plan.There, ID: account, Name: "ada@contoso.example", DisplayName: "Ada King", Enabled: new(true), Modified: "2026-03-01T20:00:00Z"},
			Attributes: []plan.Compared{
				{Attribute: "userName", Entra: "ada@contoso.example", Webex: "ada@contoso.example", Outcome: mapping.Written},
				{Attribute: "displayName", Entra: "Ada Byron", Webex: "Ada King", Outcome: mapping.Written, Differs: true, Drifted: true},
				{Attribute: "active", Entra: false, Webex: true, Outcome: mapping.Written, Differs: true},
				{Attribute: "title", Webex: "Countess", Outcome: mapping.LeftAlone},
				{Attribute: "timezone", Outcome: mapping.Faulty, Why: "the value has 300 characters and Webex takes 256"},
				{Attribute: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", Entra: "Mathematics", Webex: "Mathematics", Outcome: mapping.Written},
			},
			Scope: &plan.Scope{
				Verdict:     plan.Verdict{Decision: scoping.Deactivate, Reason: scoping.Blocked, Sentence: "is disabled or deleted in Entra"},
				Application: "c7a1d9a2-6a0e-4d53-9c55-0b8f1f6f7a10",
				Assignments: []plan.Assignment{
					{To: ada, Role: "Default Access", RoleID: scoping.DefaultAccess},
					{To: change.Object{Kind: change.Group, ID: "0d9b5c77-6a41-4c2e-8f13-2a7de01b94c6"}, Name: "Analysts", RoleID: "0000000b-0000-4000-8000-000000000001", Counts: true},
				},
				Filter: []plan.FilterGroup{{Outcome: "holds", Clauses: []plan.FilterClause{
					{Attribute: "department", Operator: "EQUALS", Value: "Mathematics", Outcome: "holds", Decides: true, State: mapping.Valued, Actual: "Mathematics"},
				}}},
			},
			Next:  &plan.Object{Action: "disable", Held: true, Object: ada, Reason: "the guard is latched"},
			Notes: []string{"the manager in Entra has no account in Webex"},
		},
		Written: &operator.Written{At: three.Add(-time.Hour), Action: history.Update, Modified: []history.Property{{DisplayName: "displayName", Old: "Ada", New: "Ada Byron"}}},
		Fault: &operator.ShownFault{
			Kind: "transient", Step: "export", Reason: "patch Webex user " + account + ": Webex answered 503 Service Unavailable", Since: three.Add(-time.Minute), Attempts: 3, RetryAt: three.Add(time.Minute),
		},
		Hold:    &operator.Held{Object: ada, Operation: provision.Disabling, Since: three, Blocked: true},
		Spared:  &provision.Spared{Since: three, Why: "UPSERT_ONLY is set"},
		Removal: three.Add(24 * time.Hour), Rests: "webex is paused: maintenance", Attempts: aNight().Entries[:2],
	}
}

// aGroup is one in which somebody is missing, extra, pending and local.
func aGroup() operator.Shown {
	team := change.Object{Kind: change.Group, ID: "0d9b5c77-6a41-4c2e-8f13-2a7de01b94c6"}
	people := func(n int, name string) plan.People {
		p := plan.People{Count: n}
		for i := range min(n, 20) {
			p.First = append(p.First, plan.Person{ID: fmt.Sprint(i), Name: fmt.Sprintf("%s%d@contoso.example", name, i)})
		}
		return p
	}
	return operator.Shown{
		Object: &team, Name: "Finance",
		Look: plan.Look{
			Entra: plan.Side{Presence: plan.There, ID: team.ID, Name: "Finance", DisplayName: "Finance"}, Webex: plan.Side{Presence: plan.Unsure, ID: "97d1a8fe-e316-419c-9dcb-37f7a66fa673", Error: "read Webex group: no answer"},
			Scope:   &plan.Scope{Verdict: plan.Verdict{Decision: scoping.Provision}, Everybody: true},
			Members: &plan.Roster{Entra: 312, Webex: 300, Others: 2, Missing: people(12, "user"), Extra: people(1, "leaver"), Pending: people(2, "hire"), Local: people(1, "room"), Error: "the pages do not end"},
		},
		Fault: &operator.ShownFault{Kind: "permanent", Step: "export", Reason: "Webex refuses it", Since: three, Attempts: 1, DeadLetter: true},
		Under: []plan.Account{{
			Kind: change.Group, Side: plan.Side{Presence: plan.There, ID: "97d1a8fe-e316-419c-9dcb-37f7a66fa674", Name: "Finance"}, Linked: &team, ExternalID: "another", Reserved: "another system manages it",
		}},
	}
}

func TestWhatIsShownFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{80, 160} {
		at := Terminal{Width: columns}
		var out bytes.Buffer
		at.Show(&out, aPerson())
		at.Show(&out, aGroup())
		at.Show(&out, operator.Shown{Asked: "room@contoso.example", Under: aGroup().Under})
		golden.Is(t, filepath.Join("testdata", fmt.Sprintf("show-%d.txt", columns)), out.String())
		for line := range strings.Lines(out.String()) {
			if n := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%d columns of %d: %s", n, columns, line)
			}
		}
	}
}
