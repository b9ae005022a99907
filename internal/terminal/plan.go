package terminal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
)

// fewPlanned is how many of a kind a table has of which there may be thousands:
// creates, and those skipped for the same reason. All else is told in full.
const fewPlanned = 20

// Plan prints a plan as a table and a summary.
func (t Terminal) Plan(out io.Writer, p *plan.Plan) {
	for _, note := range p.Notes {
		Say(out, "Note: "+printable.Text(note))
	}
	if len(p.Objects) > 0 {
		t.planTable(out, p)
	}
	s := p.Summary
	Say(out, fmt.Sprintf("%d to create, %d to change, %s, %s, %s held, %s fail, %d to look at again, %d unchanged, %d skipped.",
		s.Create, s.Change, t.alarm(s.Disable, "to disable"), t.alarm(s.Delete, "to delete"), t.alarm(s.Held, ""), t.alarm(s.Fail, "would"),
		s.Wait, s.Unchanged, total(s.Skipped)))
	for _, reason := range slices.Sorted(maps.Keys(s.Skipped)) {
		Say(out, fmt.Sprintf("  %d skipped: %s", s.Skipped[reason], printable.Text(reason)))
	}
	if s.References > 0 {
		fmt.Fprintf(out, "%s would follow at what refers to these.\n", operator.Counted(s.References, "further look"))
	}
	if len(p.Classes) > 0 {
		classes := make([]string, 0, len(p.Classes))
		for _, class := range slices.Sorted(maps.Keys(p.Classes)) {
			classes = append(classes, fmt.Sprintf("%d %s", p.Classes[class], class))
		}
		Say(out, fmt.Sprintf("Accounts and groups: %s.", strings.Join(classes, ", ")))
	}
	fmt.Fprintln(out, "Nothing was written.")
}

func total(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// alarm paints a number of what needs a look.
func (t Terminal) alarm(n int, what string) string {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", n, what))
	if n == 0 {
		return text
	}
	return t.red(text)
}

func (t Terminal) red(what string) string { return t.paint(text.FgRed, what) }

func (t Terminal) planTable(out io.Writer, p *plan.Plan) {
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"Action", "Object, and what of it"})
	alike := map[string]int{}
	for _, one := range p.Objects {
		if of := numerous(one); of != "" {
			if alike[of]++; alike[of] > fewPlanned {
				continue
			}
		}
		w.AppendRow(t.planRow(one))
		w.AppendSeparator()
	}
	w.Render()
	for _, of := range slices.Sorted(maps.Keys(alike)) {
		if more := alike[of] - fewPlanned; more > 0 {
			Say(out, fmt.Sprintf("And %d more to %s; --json has all.", more, of))
		}
	}
}

// numerous names the kind of which there may be thousands; empty if it is told in
// full.
func numerous(p plan.Object) string {
	switch p.Action {
	case plan.Action(provision.Create):
		return string(p.Action)
	case plan.Skip:
		return "skip that: " + printable.Text(p.Reason)
	default:
		return ""
	}
}

// planRow says what would be done, to what, and what there is to say about it.
func (t Terminal) planRow(one plan.Object) table.Row {
	action := string(one.Action)
	if one.Held {
		action += " (held)"
	}
	if one.Alarming() {
		action = t.red(action)
	}
	var lines []string
	if one.Name != "" {
		lines = append(lines, printable.Text(one.Name))
	}
	lines = append(append(lines, one.Object.String()), details(one)...)
	widest := t.columns() - 7 - len("remove members (held)") // which the frame and the longest action take
	return table.Row{action, fold(widest, lines...)}
}

// details are the lines about an object that say more than what it is.
func details(p plan.Object) []string {
	var lines []string
	for _, m := range p.Attributes {
		line := m.Attribute + ": " + display(m.New)
		if old := display(m.Old); old != "" {
			line = m.Attribute + ": " + old + " → " + cmp.Or(display(m.New), "nothing")
		}
		lines = append(lines, line)
	}
	if m := p.Members; m != nil {
		var parts []string
		for _, part := range []struct {
			n    int
			what string
		}{{m.Added, "added"}, {m.Removed, "removed"}, {m.Waiting, "waiting for an account"}, {m.Skipped, "no users"}} {
			if part.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
			}
		}
		lines = append(lines, "members: "+strings.Join(parts, ", "))
	}
	if p.Reason != "" {
		lines = append(lines, printable.Text(p.Reason))
	}
	return lines
}

// display is a value of an attribute as people read it.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return printable.Text(v)
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			return "?" // it came from JSON
		}
		return printable.Text(string(encoded))
	}
}
