package docs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/metric"
)

func TestThePageNamesEveryMetric(t *testing.T) {
	t.Parallel()
	const page, begin, end = "aws.md", "<!-- metrics: go test ./docs -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		t.Fatal("the page has no place for the table of metrics")
	}
	var table strings.Builder
	table.WriteString("| metric | by | unit | what it is |\n|---|---|---|---|\n")
	for _, m := range metric.All() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", m.Metric, strings.Join(m.Dimensions, ", "), m.Unit, m.Help)
	}
	want := before + begin + table.String() + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("the page is behind (-want +got):\n%s", diff)
	}
}
