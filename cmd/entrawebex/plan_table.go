package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
)

// fewPlanned is how many of a kind a table has of which there may be thousands:
// creates, and those skipped for the same reason. All else is told in full.
const fewPlanned = 20

// showPlan prints a plan as a table and a summary.
func (t terminal) showPlan(out io.Writer, p *plan) {
	for _, note := range p.Notes {
		fmt.Fprintln(out, "Note: "+plain(note))
	}
	if len(p.Objects) > 0 {
		t.planTable(out, p)
	}
	s := p.Summary
	fmt.Fprintf(out, "%d to create, %d to change, %s, %s, %s held, %s fail, %d to look at again, %d unchanged, %d skipped.\n",
		s.Create, s.Change, t.alarm(s.Disable, "to disable"), t.alarm(s.Delete, "to delete"), t.alarm(s.Held, ""), t.alarm(s.Fail, "would"),
		s.Wait, s.Unchanged, total(s.Skipped))
	for _, reason := range slices.Sorted(maps.Keys(s.Skipped)) {
		fmt.Fprintf(out, "  %d skipped: %s\n", s.Skipped[reason], plain(reason))
	}
	if s.References > 0 {
		fmt.Fprintf(out, "%s would follow at what refers to these.\n", operator.Counted(s.References, "further look"))
	}
	if len(p.Classes) > 0 {
		classes := make([]string, 0, len(p.Classes))
		for _, class := range slices.Sorted(maps.Keys(p.Classes)) {
			classes = append(classes, fmt.Sprintf("%d %s", p.Classes[class], class))
		}
		fmt.Fprintf(out, "Accounts and groups: %s.\n", strings.Join(classes, ", "))
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
func (t terminal) alarm(n int, what string) string {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", n, what))
	if n == 0 {
		return text
	}
	return t.red(text)
}

func (t terminal) red(what string) string { return t.paint(text.FgRed, what) }

func (t terminal) planTable(out io.Writer, p *plan) {
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	const widest, path, value = 44, 31, 36 // columns of the terminal
	w.SetColumnConfigs([]table.ColumnConfig{
		{Number: 2, WidthMax: widest, WidthMaxEnforcer: wrapLines},
		{Number: 3, WidthMax: path, WidthMaxEnforcer: text.WrapHard},
		{Number: 4, WidthMax: value, WidthMaxEnforcer: text.WrapSoft},
		{Number: 5, WidthMax: value, WidthMaxEnforcer: text.WrapSoft},
	})
	w.AppendHeader(table.Row{"Action", "Object", "Attribute", "Old", "New / Reason"})
	alike := map[string]int{}
	for _, one := range p.Objects {
		if of := one.numerous(); of != "" {
			if alike[of]++; alike[of] > fewPlanned {
				continue
			}
		}
		t.planRows(w, one)
		w.AppendSeparator()
	}
	w.Render()
	for _, of := range slices.Sorted(maps.Keys(alike)) {
		if more := alike[of] - fewPlanned; more > 0 {
			fmt.Fprintf(out, "And %d more to %s; --json has all.\n", more, of)
		}
	}
}

// wrapLines is text.WrapHard, which makes one line of several, of each line.
func wrapLines(s string, width int) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = text.WrapHard(line, width)
	}
	return strings.Join(lines, "\n")
}

// numerous names the kind of which there may be thousands; empty if it is told in
// full.
func (p planned) numerous() string {
	switch p.Action {
	case planAction(provision.Create):
		return string(p.Action)
	case planSkip:
		return "skip that: " + plain(p.Reason)
	default:
		return ""
	}
}

// planRows appends the rows of an object: the first says what it is, and each has
// something about it.
func (t terminal) planRows(w table.Writer, one planned) {
	action := string(one.Action)
	if one.Held {
		action += " (held)"
	}
	if one.weight() <= (planned{Action: planFail}).weight() {
		action = t.red(action)
	}
	object := []string{one.Object.String()}
	if one.Name != "" {
		object = []string{plain(one.Name), one.Object.String()}
	}
	rows := one.details()
	if len(rows) < len(object) {
		object = []string{strings.Join(object, "\n")}
	}
	for i, line := range object {
		rows[i][1] = line
	}
	rows[0][0] = action
	w.AppendRows(rows)
}

// details are the rows of an object, at least one, without what it is.
func (p planned) details() []table.Row {
	var rows []table.Row
	for _, m := range p.Attributes {
		rows = append(rows, table.Row{"", "", m.Attribute, display(m.Old), display(m.New)})
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
		rows = append(rows, table.Row{"", "", "members", "", strings.Join(parts, ", ")})
	}
	if p.Reason != "" || len(rows) == 0 {
		rows = append(rows, table.Row{"", "", "", "", plain(p.Reason)})
	}
	return rows
}

// display is a value of an attribute as people read it.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return plain(v)
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			return "?" // it came from JSON
		}
		return plain(string(encoded))
	}
}

// plain is a text from outside as one line that no terminal obeys.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
}
