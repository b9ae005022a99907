package docs_test

import (
	"regexp"
	"strings"
	"testing"
)

// The few numbers of the README are those of the page of measurements.
func TestTheNumbersThatDecideAreThoseThatWereMeasured(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(contents(t, "../README.md"), "## The numbers that decide\n")
	section, _, _ = strings.Cut(section, "\n## ")
	page := contents(t, "measurements.md")
	checked := 0
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$`).FindAllStringSubmatch(section, -1) {
		for _, number := range regexp.MustCompile(`\d[\d,]*`).FindAllString(row[1]+" "+row[2], -1) {
			number = strings.TrimSuffix(number, ",")
			checked++
			if !regexp.MustCompile(`(^|[^\d,])` + number + `($|[^\d,]|,\D)`).MatchString(page) {
				t.Errorf("of %q nobody has measured %s", row[1], number)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d numbers were found", checked)
	}
}
