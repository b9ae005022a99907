package terminal

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/golden"
	"entrawebex/internal/history"
	"entrawebex/internal/operator"
)

// aNight is what a log may have to tell.
func aNight() operator.History {
	at := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	ada := &history.Identity{Type: "User", ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607", DisplayName: "Ada Byron", UserPrincipalName: "ada@contoso.example"}
	account := &history.Identity{Type: "User", ID: "6f1d2c3b-0000-4000-8000-000000000001", DisplayName: "ada@contoso.example"}
	return operator.History{
		More: true, Idle: map[string]int{"RedundantExport": 12, "not assigned": 3},
		Entries: []history.Entry{
			{
				At: at, Action: history.Disable, Source: ada, Target: account, Cause: history.Notification, Latency: new(int64(2340)), RetryAt: at.Add(15 * time.Second),
				Status:   history.StatusInfo{Status: history.Success, Error: &history.ErrorInfo{Code: "NotEffectivelyEntitled", Reason: "blocked"}},
				Modified: []history.Property{{DisplayName: "active", Old: true, New: false}, {DisplayName: "title", New: "Countess\x1b[2J"}, {DisplayName: "nickName"}},
			},
			{
				At: at.Add(-time.Minute), Action: history.Other, Act: "approve", Source: ada, Target: account,
				InitiatedBy: history.Initiator{DisplayName: "bob@host", Type: "user"}, Status: history.StatusInfo{Status: history.Success},
				Steps: []history.Step{{Type: "processing", Status: history.Success, Description: "disable"}},
			},
			{
				At: at.Add(-2 * time.Minute), Action: history.None, Source: ada, Cause: history.Delta, Fault: "throttled",
				Status: history.StatusInfo{Status: history.Failure, Error: &history.ErrorInfo{
					Code: "TooManyRequests", Reason: "patch Webex user 6f1d2c3b-0000-4000-8000-000000000001: Webex answered 429 Too Many Requests", Recommended: "nothing: it is tried again by itself",
				}},
				Refusals: []history.Refusal{{System: "Webex", RequestID: "ATLAS_5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607_0"}}, RetryAt: at.Add(time.Minute),
			},
			{
				At: at.Add(-3 * time.Minute), Action: history.Update, Cause: history.Comparison,
				Source: &history.Identity{Type: "Group", ID: "0d9b5c77-6a41-4c2e-8f13-2a7de01b94c6", DisplayName: "Finance"},
				Status: history.StatusInfo{Status: history.Warning, Error: &history.ErrorInfo{Code: "EntrySynchronizationSkipped", Reason: "is a large group: the comparison of its members goes on"}},
				Members: &history.Members{
					Added: 1, Removed: 12, Waiting: 2, Joined: []history.Member{{ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"}},
					Left: twelve(),
				},
			},
			{
				At: at.Add(-4 * time.Minute), Action: history.Other, Act: "mapping rollback", InitiatedBy: history.Initiator{DisplayName: "bob@host"},
				Status: history.StatusInfo{Status: history.Failure, Error: &history.ErrorInfo{Code: "InternalError", Reason: "the ledger fails"}},
			},
		},
	}
}

func twelve() []history.Member {
	var members []history.Member
	for i := range 12 {
		members = append(members, history.Member{ID: fmt.Sprint(i), DisplayName: fmt.Sprintf("user%d@contoso.example", i)})
	}
	return members
}

func TestTheLogFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{80, 160} {
		at := Terminal{Width: columns}
		var table, followed bytes.Buffer
		at.History(&table, aNight())
		for _, e := range aNight().Entries {
			at.HistoryLine(&followed, e)
		}
		golden.Is(t, filepath.Join("testdata", fmt.Sprintf("history-%d.txt", columns)), table.String()+"\n"+followed.String())
		for line := range strings.Lines(table.String() + followed.String()) {
			if n := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%d columns of %d: %s", n, columns, line)
			}
		}
	}
}

func TestATerminalIsUsedUpToWhatIsReadAtAGlance(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]int{0: 80, 40: 80, 80: 80, 120: 120, 500: 160} {
		if got := (Terminal{Width: width}).columns(); got != want {
			t.Errorf("of %d columns %d are used, want %d", width, got, want)
		}
	}
}

func TestTroubleIsColouredAtATerminalAndNowhereElse(t *testing.T) {
	t.Parallel()
	for colour, want := range map[bool]int{true: 3, false: 0} { // two failures and a warning
		var out bytes.Buffer
		Terminal{Colour: colour}.History(&out, aNight())
		if n := strings.Count(out.String(), "\x1b[3"); n != want {
			t.Errorf("colours %t: %d are coloured, want %d", colour, n, want)
		}
	}
}

func TestACodeThatTheReasonHasIsToldOnce(t *testing.T) {
	t.Parallel()
	e := history.Entry{Status: history.StatusInfo{Status: history.Skipped, Error: &history.ErrorInfo{
		Code: "RedundantExport", Reason: "Webex already has this state (RedundantExport)",
	}}}
	if told := strings.Join(why(e), "; "); strings.Count(told, "RedundantExport") != 1 {
		t.Error(told)
	}
}
