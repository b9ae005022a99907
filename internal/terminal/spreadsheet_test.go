package terminal

import (
	"os"
	"strings"
	"testing"
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
	for _, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM"} {
		if got := harmless(name); got != "'"+name {
			t.Errorf("%q is written %q", name, got)
		}
	}
	for _, name := range []string{"", "ada", "'=1", "é=1", "a-b"} {
		if got := harmless(name); got != name {
			t.Errorf("%q is written %q", name, got)
		}
	}
}
