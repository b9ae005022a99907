package terminal

import (
	"os"
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/migration"
	"entrawebex/internal/plan"
)

func TestEveryColumnForASpreadsheetIsToldOnThePageOfTheLog(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/log.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range historyColumns() {
		if !strings.Contains(string(page), "`"+c.name+"`") {
			t.Errorf("there is no `%s`", c.name)
		}
	}
}

// https://owasp.org/www-community/attacks/CSV_Injection
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1+1", "＋1", "－1", "＠SUM"} {
		if got := harmless(name); got != "'"+name {
			t.Errorf("%q is written %q", name, got)
		}
	}
	for name, want := range map[string]string{"x;=1": "x;'=1", "x;;@A": "x;;'@A", "x\t=1": "x\t'=1", "\t=1": "'\t'=1", "x\n=1": "x\n'=1"} {
		if got := harmless(name); got != want { // cells of their own, where those part them
			t.Errorf("%q is written %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"", "ada", "'=1", "é=1", "a-b", "a; -b"} {
		if got := harmless(name); got != name {
			t.Errorf("%q is written %q", name, got)
		}
	}
}

func TestWhoIsTakenOutOfGroupsIsOnTheScreenOfMovingIn(t *testing.T) {
	t.Parallel()
	r := &migration.Report{Rows: []migration.Row{{Outcome: migration.Change, Kind: change.Group, Members: &plan.Members{Removed: 4}}}}
	if got := OutcomeNote(r, migration.Change, 0); got != "4 members taken out of groups" {
		t.Errorf("%q", got)
	}
	if got := OutcomeNote(&migration.Report{}, migration.Change, 0); got != "" {
		t.Errorf("%q", got)
	}
}
