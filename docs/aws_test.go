package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"entrawebex/internal/golden"
	"entrawebex/internal/metric"
)

func TestThePageNamesEveryMetric(t *testing.T) {
	t.Parallel()
	const page, begin, end = "aws.md", "<!-- metrics: go test ./docs -update -->\n", "<!-- end -->\n"
	before, rest, begun := strings.Cut(contents(t, page), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		t.Fatal("the page has no place for the table of metrics")
	}
	var table strings.Builder
	table.WriteString("| metric | by | unit | what it is |\n|---|---|---|---|\n")
	for _, m := range metric.All() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", m.Metric, strings.Join(m.Dimensions, ", "), m.Unit, m.Help)
	}
	golden.Is(t, page, before+begin+table.String()+end+after)
}
