package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/plan"
	"entrawebex/internal/printable"
	"entrawebex/internal/scoping"
)

// Trial prints what a mapping makes of one object. Nothing in it is cut: what is
// too long goes on in the next line.
func (t Terminal) Trial(out io.Writer, made plan.Trial) {
	t.verbatim(out, strings.TrimSpace(fmt.Sprintf("%s %s", made.Object.String(), made.Name)))
	for _, note := range made.Notes {
		Say(out, "Note: "+printable.Text(note))
	}
	t.trialTable(out, "On creation", "Attribute of Webex, and what it is made of", t.mappingRows(made.Mappings))
	if len(made.Filter) == 0 {
		Say(out, "There is no scoping filter: everybody passes.")
	} else {
		t.trialTable(out, "Outcome", "Scoping filter: one group is enough, with all its clauses", t.filterRows(made.Filter))
	}
	Say(out, printable.Text("Verdict: "+verdictText(made)))
	t.showBody(out, made)
}

// verdictText says what is to become of the object, and why.
func verdictText(made plan.Trial) string {
	if made.Verdict.Sentence == "" {
		return string(made.Verdict.Decision)
	}
	return fmt.Sprintf("%s, since the %s %s", made.Verdict.Decision, made.Object.Kind, made.Verdict.Sentence)
}

// outcomeWidth is the width of the column of outcomes.
const outcomeWidth = len("undetermined")

// made is the width of the other column, which the frame leaves.
func (t Terminal) made() int { return t.columns() - 7 - outcomeWidth }

func (t Terminal) trialTable(out io.Writer, outcome, what string, rows [][2]string) {
	w := table.NewWriter()
	w.SetOutputMirror(out)
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	w.SetStyle(style)
	w.SetColumnConfigs([]table.ColumnConfig{{Number: 1, WidthMin: outcomeWidth}, {Number: 2, WidthMin: t.made()}})
	w.AppendHeader(table.Row{outcome, what})
	for _, row := range rows {
		w.AppendRow(table.Row{row[0], row[1]})
		w.AppendSeparator()
	}
	w.Render()
}

// mappingRows are the outcomes of mappings on creation, with the lines of each.
func (t Terminal) mappingRows(all []mapping.Explained) [][2]string {
	rows := make([][2]string, len(all))
	for i, m := range all {
		lines := []string{m.Target}
		if m.Type == "expression" {
			lines = append(lines, "  "+m.Expression)
		}
		for _, s := range m.Sources {
			lines = append(lines, fmt.Sprintf("  [%s] %s", s.Attribute, valued(s.State, s.Value)))
		}
		for _, s := range m.Steps {
			lines = append(lines, "  "+s.Call+" → "+result(s))
		}
		lines = append(lines, fateLines("", m.Creation)...)
		if later := fateLines("later ", m.Update); m.Update.Outcome != m.Creation.Outcome {
			lines = append(lines, later...)
		}
		outcome := string(m.Creation.Outcome)
		if m.Creation.Outcome == mapping.Faulty {
			outcome = t.red(outcome)
		}
		rows[i] = [2]string{outcome, printed(t.made(), lines)}
	}
	return rows
}

// fateLines tell an outcome with its value and why.
func fateLines(when string, f mapping.Fate) []string {
	line := when
	if when != "" {
		line += string(f.Outcome)
	}
	if f.Value != nil {
		line = strings.TrimSpace(line + " = " + expression.Literal(f.Value))
	}
	switch {
	case f.Why == "":
	case line == "":
		line = f.Why
	default:
		line = strings.TrimSpace(line) + ": " + f.Why
	}
	return []string{line}
}

// valued is a value, or that there is none.
func valued(state mapping.State, v any) string {
	if state == mapping.Absent {
		return "is not shown by Graph"
	}
	return "is " + expression.Literal(v)
}

// result is what a step gives.
func result(s mapping.Step) string {
	switch {
	case s.Error != "":
		return "fault: " + s.Error
	case s.Ignored:
		return "does not flow"
	default:
		return expression.Literal(s.Result)
	}
}

// filterRows are the outcomes of groups, with those of their clauses.
func (t Terminal) filterRows(groups []plan.FilterGroup) [][2]string {
	rows := make([][2]string, len(groups))
	for i, g := range groups {
		lines := []string{fmt.Sprintf("group %d", i+1)}
		for _, c := range g.Clauses {
			clause := strings.TrimSpace(c.Attribute + " " + c.Operator)
			if c.Value != "" {
				clause += " " + expression.Literal(c.Value)
			}
			clause += ": " + c.Outcome
			if c.Decides {
				clause += ", which decides"
			}
			lines = append(lines, "  "+clause)
			if c.Attribute != "" {
				lines = append(lines, fmt.Sprintf("    [%s] %s", c.Attribute, valued(c.State, c.Actual)))
			}
		}
		rows[i] = [2]string{g.Outcome, printed(t.made(), lines)}
	}
	return rows
}

// printed are lines from outside as a terminal may show them, none wider than that.
func printed(width int, lines []string) string {
	shown := make([]string, len(lines))
	for i, line := range lines {
		shown[i] = wrap(width, printable.Text(line))
	}
	return strings.Join(shown, "\n")
}

// showBody prints the body of the creation as JSON.
func (t Terminal) showBody(out io.Writer, made plan.Trial) {
	if made.Body == nil {
		Say(out, "There is no body: the mapping has a fault.")
		return
	}
	if made.Verdict.Decision == scoping.Provision {
		Say(out, "The body that creates it:")
	} else {
		Say(out, "It would not be created now. The body, if it were:")
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(made.Body) // it came from JSON
	t.verbatim(out, strings.Split(strings.TrimSuffix(body.String(), "\n"), "\n")...)
}

// verbatim prints lines as they are, but for what no terminal may be told.
func (t Terminal) verbatim(out io.Writer, lines ...string) {
	fmt.Fprintln(out, printed(t.columns(), lines))
}
