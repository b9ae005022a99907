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
