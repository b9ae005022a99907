// Package measurements holds the page of measurements to what tests count.
package measurements

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Saysf fails the test unless docs/measurements.md has that text, over its ends of lines.
// Numbers may have commas there, as 1,013 has.
func Saysf(t testing.TB, format string, arguments ...any) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root(t), "docs", "measurements.md"))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf(format, arguments...); !says(string(page), text) {
		t.Errorf("docs/measurements.md does not say %q", text)
	}
}

var thousands = regexp.MustCompile(`(\d),(\d{3})\b`)

// says reports whether a page has a text, which does not go on in the middle of a number.
func says(page, text string) bool {
	plain := func(s string) string { return thousands.ReplaceAllString(strings.Join(strings.Fields(s), " "), "$1$2") }
	return regexp.MustCompile(`(^|\D)` + regexp.QuoteMeta(plain(text)) + `($|\D)`).MatchString(plain(page))
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("the tests do not run in the module")
		}
		folder = filepath.Dir(folder)
	}
}
