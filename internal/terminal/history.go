package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/history"
	"entrawebex/internal/operator"
	"entrawebex/internal/printable"
)

// History prints entries of the provisioning log as a table, and what else there is.
func (t Terminal) History(out io.Writer, h operator.History) {
	if len(h.Entries) == 0 {
		fmt.Fprintln(out, "Nothing is kept of that.")
	} else {
		t.historyTable(out, h.Entries)
	}
	if h.More {
		Say(out, "There is more, which is older: raise --limit, or say --until.")
	}
	if len(h.Idle) == 0 {
		return
	}
	total, kinds := 0, []string{}
	for _, kind := range slices.Sorted(maps.Keys(h.Idle)) {
		total += h.Idle[kind]
		kinds = append(kinds, fmt.Sprintf("%s %d", printable.Text(kind), h.Idle[kind]))
	}
	Say(out, fmt.Sprintf("Beside these, %s found nothing to do: %s.", operator.Counted(total, "attempt"), strings.Join(kinds, ", ")))
}

func (t Terminal) historyTable(out io.Writer, entries []history.Entry) {
	const whenWidth, whatWidth, frame = 10, 16, 10
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"When (UTC)", "What", "Who, and why"})
	rest := t.columns() - frame - whenWidth - whatWidth
	for _, e := range entries {
		at := e.At.UTC()
		what := []string{did(e), t.coloured(e.Status.Status)}
		w.AppendRow(table.Row{
			at.Format(time.DateOnly) + "\n" + at.Format(time.TimeOnly), fold(whatWidth, what...), fold(rest, why(e)...),
		})
		w.AppendSeparator()
	}
	w.Render()
}

// coloured is a status, in the colour of trouble where it is one.
func (t Terminal) coloured(s history.Status) string {
	switch s {
	case history.Failure:
		return t.paint(text.FgRed, string(s))
	case history.Warning:
		return t.paint(text.FgYellow, string(s))
	case history.Success, history.Skipped:
	}
	return string(s)
}

// HistoryLine prints an entry as it comes, on lines that fit.
func (t Terminal) HistoryLine(out io.Writer, e history.Entry) {
	line := fmt.Sprintf("%s %s %s: %s", e.At.UTC().Format(time.RFC3339), did(e), e.Status.Status, strings.Join(why(e), "; "))
	fmt.Fprintln(out, strings.ReplaceAll(fold(t.columns()-2, line), "\n", "\n  "))
}

// HistorySteps prints an entry with its steps and what was changed, on lines that fit.
func (t Terminal) HistorySteps(out io.Writer, e history.Entry) {
	t.HistoryLine(out, e)
	line := func(format string, args ...any) {
		const indent = "    "
		told := fold(t.columns()-len(indent), fmt.Sprintf(format, args...))
		fmt.Fprintln(out, indent+strings.ReplaceAll(told, "\n", "\n"+indent))
	}
	for _, s := range e.Steps {
		line("%s %s: %s", s.Type, s.Status, printable.Text(s.Description))
	}
}

// did is what was done.
func did(e history.Entry) string {
	if e.Act != "" {
		return e.Act
	}
	return string(e.Action)
}

// why is all that a person asks of an entry: whom it is about, why it was done, what
// was changed, and what comes next.
func why(e history.Entry) []string {
	var lines []string
	line := func(format string, args ...any) { lines = append(lines, printable.Text(fmt.Sprintf(format, args...))) }
	if o, ok := e.Object(); ok {
		if name := e.Name(); name != o.ID {
			line("%s", name)
		}
		line("%s", o)
	}
	if e.Act != "" {
		line("by %s", e.InitiatedBy.DisplayName)
		for _, s := range e.Steps {
			line("%s", s.Description)
		}
	}
	if i := e.Status.Error; i != nil {
		line("%s", explained(i))
	}
	if len(e.Modified) > 0 {
		line("%s", properties(e.Modified))
	}
	if m := e.Members; m != nil {
		lines = append(lines, membersOf(m)...)
	}
	if e.Cause != "" {
		line("%s", noticed(e))
	}
	for _, r := range e.Refusals {
		line("%s refused: %s", r.System, r.RequestID)
	}
	if !e.RetryAt.IsZero() {
		line("%s at %s", again(e.Status.Status), e.RetryAt.UTC().Format(time.RFC3339))
	}
	if i := e.Status.Error; i != nil && i.Recommended != "" && e.RetryAt.IsZero() {
		line("%s", i.Recommended)
	}
	return lines
}

// explained is why an attempt ended so, with its code once.
func explained(i *history.ErrorInfo) string {
	reason := i.Reason
	if i.Details != "" {
		reason += ": " + i.Details
	}
	if code := "(" + i.Code + ")"; !strings.Contains(reason, code) {
		reason += " " + code
	}
	return reason
}

// again is what becomes of an attempt later.
func again(s history.Status) string {
	if s == history.Failure {
		return "tried again"
	}
	return "looked at again"
}

// noticed is what noticed the change, and how long it took.
func noticed(e history.Entry) string {
	said := "cause: " + string(e.Cause)
	if e.Latency != nil {
		said += fmt.Sprintf(", in Webex %.3f s later", (time.Duration(*e.Latency) * time.Millisecond).Seconds())
	}
	return said
}

// properties are attributes with the values that are kept.
func properties(modified []history.Property) string {
	said := make([]string, len(modified))
	for i, p := range modified {
		said[i] = p.DisplayName
		switch {
		case p.Old != nil && p.New != nil:
			said[i] += fmt.Sprintf(": %s, was %s", Value(p.New), Value(p.Old))
		case p.New != nil:
			said[i] += ": " + Value(p.New)
		case p.Old != nil:
			said[i] += ": was " + Value(p.Old)
		}
	}
	return strings.Join(said, "; ")
}

// Value is a value as JSON, a text without its quotes.
func Value(v any) string {
	if s, ok := v.(string); ok {
		return printable.Text(s)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(data)
}

// membersOf says what became of members, and names some of those who came and went.
func membersOf(m *history.Members) []string {
	var lines []string
	line := func(n int, what string, who []history.Member) {
		if n == 0 {
			return
		}
		said := fmt.Sprintf("%s %s", operator.Counted(n, "member"), what)
		var names []string
		for _, one := range who[:min(most, len(who))] {
			name := one.DisplayName
			if name == "" {
				name = one.ID
			}
			names = append(names, printable.Text(name))
		}
		if more := n - len(names); more > 0 && len(names) > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		if len(names) > 0 {
			said += ": " + strings.Join(names, ", ")
		}
		lines = append(lines, said)
	}
	line(m.Added, "added", m.Joined)
	line(m.Removed, "removed", m.Left)
	line(m.Waiting, "not in Webex yet", nil)
	line(m.Skipped, "no user", nil)
	return lines
}
