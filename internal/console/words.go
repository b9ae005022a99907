package console

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/printable"
	"entrawebex/internal/terminal"
)

// functions are those of templates, which escape what they return.
func (p *pages) functions() template.FuncMap {
	return template.FuncMap{
		"clock": clock, "stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"since":  func(t time.Time) string { return length(p.Now().Sub(t)) + " ago" },
		"until":  func(t time.Time) string { return days(t.Sub(p.Now())) },
		"length": length, "millis": func(n int64) string { return length(time.Duration(n) * time.Millisecond) },
		"text": printable.Text, "lines": lines, "value": terminal.Value, "called": called, "operation": operation,
		"counted": operator.Counted, "sideName": sideName, "lower": strings.ToLower,
		"dict": dict, "who": func(n int) []string { return []string{"Who", "With whom"}[:n] }, "part": func(s shown, body any) shown { s.Body = body; return s },
		"hour": func(t time.Time) string { return t.UTC().Format(time.TimeOnly) }, "firstPlanned": firstPlanned, "beyondPlanned": beyondPlanned, "deref": func(b *bool) bool { return b != nil && *b },
		"scope": terminal.ScopeLines, "nav": p.nav, "settingValue": terminal.SettingValue, "settingSource": terminal.SettingSource, "has": func(v any) bool { return v != nil },
	}
}

// lines is a text of several lines.
func lines(text string) string {
	var shown strings.Builder
	for line := range strings.Lines(text) {
		shown.WriteString(printable.Text(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return shown.String()
}

// dict is a map for a template within a template.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// called is what people call an object, and its id where nobody knows that.
func called(name string, o change.Object) string { return cmp.Or(printable.Text(name), o.String()) }

// mostPlanned is how many objects of a plan are on a page: what takes away comes first.
const mostPlanned = 200

func firstPlanned(p *plan.Plan) []plan.Object { return p.Objects[:min(mostPlanned, len(p.Objects))] }

func beyondPlanned(p *plan.Plan) int { return len(p.Objects) - len(firstPlanned(p)) }

// operation is what a hold holds.
func operation(h operator.Held) string { return terminal.Operation(h) }

// clock is a time for a person, in UTC as everywhere.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// length is a time as people say it, with two digits that count.
func length(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d/day))
	}
}

// days is how long is left, in days.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d <= 0:
		return "ended"
	case d < 2*day:
		return length(d) + " left"
	default:
		return fmt.Sprintf("%d days left", int(d/day))
	}
}
