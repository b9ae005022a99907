package terminal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/history"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// Show prints all there is to know of one user or group.
func (t Terminal) Show(out io.Writer, s operator.Shown) {
	if s.Object == nil {
		t.say(out, fmt.Sprintf("%q belongs to nobody in Entra. Webex has under it:", s.Asked))
		t.facts(out, underFacts(s.Under))
		return
	}
	t.say(out, strings.TrimSpace(string(s.Object.Kind)+" "+s.Name))
	t.facts(out, shownFacts(s))
	t.sides(out, s.Attributes)
	if len(s.Attempts) == 0 {
		t.say(out, "The provisioning log has nothing of it.")
		return
	}
	t.say(out, "What was done last, of which entrawebex log tells more:")
	t.historyTable(out, s.Attempts)
}

// say prints a line, folded to the terminal.
func (t Terminal) say(out io.Writer, line string) {
	fmt.Fprintln(out, fold(t.columns(), printable.Text(line)))
}

// fact is something to know, in lines, and whether it is trouble.
type fact struct {
	what    string
	lines   []string
	trouble bool
}

// facts prints a table of them; nothing if there are none.
func (t Terminal) facts(out io.Writer, facts []fact) {
	const frame, name = 7, len("Last written")
	rest := t.columns() - frame - name
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	w.SetColumnConfigs([]table.ColumnConfig{{Number: 1, WidthMin: name, WidthMax: name}, {Number: 2, WidthMin: rest}})
	told := 0
	for _, f := range facts {
		if len(f.lines) == 0 {
			continue
		}
		lines := make([]string, len(f.lines))
		for i, line := range f.lines {
			lines[i] = printable.Text(line)
		}
		value := fold(rest, lines...)
		if f.trouble {
			value = t.red(value)
		}
		w.AppendRow(table.Row{f.what, value})
		w.AppendSeparator()
		told++
	}
	if told > 0 {
		w.Render()
	}
}

// sideLines say what a side has.
func sideLines(s plan.Side) []string {
	state := string(s.Presence)
	if s.Enabled != nil {
		state = map[bool]string{true: "active", false: "inactive"}[*s.Enabled]
	}
	lines := []string{strings.TrimSpace(s.ID + "  " + state)}
	var names []string
	for _, name := range []string{s.Name, s.DisplayName, s.Mail} {
		if name != "" && !slices.ContainsFunc(names, func(told string) bool { return strings.EqualFold(told, name) }) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		lines = append(lines, strings.Join(names, ", "))
	}
	if s.Modified != "" {
		lines = append(lines, "last changed "+s.Modified)
	}
	if s.Error != "" {
		lines = append(lines, s.Error)
	}
	return lines
}

// The marks of attributes of which the sides have not the same.
const (
	differs = "≠ "
	drifts  = "* "
)

// sides prints the mapped attributes of both sides beside each other.
func (t Terminal) sides(out io.Writer, attributes []plan.Compared) {
	if len(attributes) == 0 {
		return
	}
	const frame, cells = 10, 3
	width := (t.columns() - frame) / cells
	w := table.NewWriter()
	w.SetOutputMirror(out)
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	w.SetStyle(style)
	w.SetColumnConfigs([]table.ColumnConfig{{Number: 1, WidthMin: t.columns() - frame - 2*width}, {Number: 2, WidthMin: width}, {Number: 3, WidthMin: width}})
	w.AppendHeader(table.Row{"Attribute", "by Entra", "in Webex"})
	for _, a := range attributes {
		name := a.Attribute
		if a.Drifted {
			name = drifts + name
		}
		if a.Differs {
			name = differs + name
		}
		inWebex := wrap(width, display(a.Webex))
		if a.Differs || a.Drifted {
			inWebex = t.red(inWebex)
		}
		w.AppendRow(table.Row{wrap(width, printable.Text(name)), wrap(width, byEntra(a)), inWebex})
	}
	w.Render()
	if slices.ContainsFunc(attributes, func(a plan.Compared) bool { return a.Differs }) {
		t.say(out, differs+"Webex has something else than it is to have.")
	}
	if slices.ContainsFunc(attributes, func(a plan.Compared) bool { return a.Drifted }) {
		t.say(out, drifts+"Webex has something else than was last written: somebody changed it there.")
	}
}

// byEntra is what Webex is to have by Entra, or why that is nothing.
func byEntra(a plan.Compared) string {
	switch {
	case a.Entra != nil:
		return display(a.Entra)
	case a.Outcome == mapping.Faulty:
		return printable.Text("fault: " + a.Why)
	case a.Outcome == "" || a.Outcome == mapping.Written || a.Outcome == mapping.Defaulted:
		return ""
	default:
		return "(" + string(a.Outcome) + ")"
	}
}

// shownFacts are what there is to know beside the attributes.
func shownFacts(s operator.Shown) []fact {
	facts := []fact{
		{"In Entra", sideLines(s.Entra), false},
		{"In Webex", sideLines(s.Webex), false},
		{"Scope", ScopeLines(s), false},
	}
	facts = slices.Concat(facts[:2], underFacts(s.Under), facts[2:])
	if s.Webex.Presence == plan.There {
		facts = append(facts, driftFact(s.Attributes))
	}
	facts = append(facts, fact{"Last written", writtenLines(s.Written), false})
	if f := s.Fault; f != nil {
		facts = append(facts, fact{"Open fault", faultLines(s.Object.ID, f), true})
	}
	if h := s.Hold; h != nil {
		facts = append(facts, fact{"Held", []string{
			Operation(*h) + " since " + h.Since.UTC().Format(time.RFC3339), cmp.Or(state(*h), "waits for your word"),
			fmt.Sprintf("entrawebex holds approve %s, or reject", s.Object.ID),
		}, true})
	}
	if p := s.Spared; p != nil {
		facts = append(facts, fact{"Left open", []string{fmt.Sprintf("since %s: %s", p.Since.UTC().Format(time.RFC3339), p.Why)}, true})
	}
	if !s.Removal.IsZero() {
		facts = append(facts, fact{"Removal", []string{"Webex removes the inactive account on " + s.Removal.UTC().Format(time.DateOnly)}, false})
	}
	return append(facts, rosterFact(s.Members), fact{"Next", nextLines(s), s.Next != nil && s.Next.Alarming()}, fact{"Note", s.Notes, false})
}

// ScopeLines say whether one is in scope, and by which path.
func ScopeLines(s operator.Shown) []string {
	scope := s.Scope
	if scope == nil {
		return nil
	}
	lines := []string{"in scope"}
	if scope.Verdict.Decision != scoping.Provision || scope.Verdict.Sentence != "" {
		lines[0] = fmt.Sprintf("%s: the %s %s", scope.Verdict.Decision, s.Object.Kind, scope.Verdict.Sentence)
	}
	switch {
	case scope.Everybody:
		lines = append(lines, "nobody needs an assignment (SCOPE=all)")
	case scope.Unknown != "":
		lines = append(lines, "the assignments are not known: "+scope.Unknown)
	case len(scope.Assignments) == 0:
		lines = append(lines, "no assignment to the application "+scope.Application)
	}
	for _, a := range scope.Assignments {
		through := "itself"
		if a.To != *s.Object {
			through = "through " + strings.TrimSpace(fmt.Sprintf("%s, %s", a.Name, a.To))
		}
		line := fmt.Sprintf("assigned %s, as %s", through, cmp.Or(a.Role, a.RoleID))
		if !a.Counts {
			line += ", which does not count (DEFAULT_ACCESS)"
		}
		lines = append(lines, line)
	}
	for i, g := range scope.Filter {
		for _, c := range g.Clauses {
			if c.Decides {
				lines = append(lines, fmt.Sprintf("filter group %d %s: %s", i+1, g.Outcome, clauseText(c)))
			}
		}
	}
	return lines
}

// clauseText is a clause of the scoping filter with the value that it is put to.
func clauseText(c plan.FilterClause) string {
	said := strings.TrimSpace(c.Attribute + " " + c.Operator)
	if c.Value != "" {
		said += " " + expression.Literal(c.Value)
	}
	if c.Attribute == "" {
		return said
	}
	return fmt.Sprintf("%s, and it %s", said, valued(c.State, c.Actual))
}

// driftFact says what was changed in Webex since it was written.
func driftFact(attributes []plan.Compared) fact {
	var names []string
	for _, a := range attributes {
		if a.Drifted {
			names = append(names, a.Attribute)
		}
	}
	if len(names) == 0 {
		return fact{"Drift", []string{"none: Webex has what was last written"}, false}
	}
	return fact{"Drift", []string{"changed in Webex since it was written: " + strings.Join(names, ", ")}, true}
}

// writtenLines say what was last written.
func writtenLines(w *operator.Written) []string {
	if w == nil {
		return []string{"nothing that the provisioning log has"}
	}
	what := string(w.Action)
	if w.Action == history.None {
		what = "members"
	}
	lines := []string{fmt.Sprintf("%s: %s", w.At.UTC().Format(time.RFC3339), what)}
	if len(w.Modified) > 0 {
		lines = append(lines, properties(w.Modified))
	}
	if w.Added+w.Removed > 0 {
		lines = append(lines, fmt.Sprintf("%s added, %d removed", operator.Counted(w.Added, "member"), w.Removed))
	}
	return lines
}

// faultLines tell an open fault, and when it is tried again.
func faultLines(id string, f *operator.ShownFault) []string {
	met := f.Kind
	if f.Step != "" {
		met += ", at " + f.Step
	}
	lines := []string{fmt.Sprintf("%s, since %s, %s", met, f.Since.UTC().Format(time.RFC3339), operator.Counted(f.Attempts, "attempt")), f.Reason}
	switch {
	case f.DeadLetter:
		return append(lines, "a dead letter, which is not tried again: mend it, then entrawebex replay --filter object="+id)
	case f.Kind == provision.Held.String():
		return append(lines, "waits for your word")
	case !f.RetryAt.IsZero():
		return append(lines, "tried again at "+f.RetryAt.UTC().Format(time.RFC3339))
	default:
		return append(lines, "tried again by itself")
	}
}

// rosterFact says who is in a group on one side alone.
func rosterFact(r *plan.Roster) fact {
	if r == nil {
		return fact{}
	}
	lines := []string{fmt.Sprintf("%d in Entra, %d in Webex", r.Entra, r.Webex)}
	if r.Others > 0 {
		lines[0] += fmt.Sprintf(", and %d in Entra that are no users", r.Others)
	}
	people := func(p plan.People, what string) {
		if p.Count > 0 {
			lines = append(lines, fmt.Sprintf("%d %s: %s", p.Count, what, strings.Join(personNames(p), ", ")))
		}
	}
	people(r.Missing, "missing in Webex")
	people(r.Extra, "in Webex and not in Entra's group")
	people(r.Pending, "pending, without an account yet")
	people(r.Local, "in Webex who are nobody in Entra, and stay")
	if r.Error != "" {
		lines = append(lines, "not all could be read: "+r.Error)
	}
	return fact{"Members", lines, r.Missing.Count+r.Extra.Count > 0}
}

// personNames are those that are told one by one, and how many there are beside.
func personNames(p plan.People) []string {
	names := make([]string, 0, most+1)
	for _, one := range p.First[:min(most, len(p.First))] {
		names = append(names, cmp.Or(one.Name, one.ID, one.WebexID))
	}
	if more := p.Count - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return names
}

// nextLines say what would be done now.
func nextLines(s operator.Shown) []string {
	var lines []string
	if n := s.Next; n != nil {
		lines = append([]string{string(n.Action)}, details(*n)...)
		switch {
		case n.Action == plan.Unchanged:
			lines = []string{"nothing: Webex has what it is to have"}
		case n.Held:
			lines[0] += ", which is held"
		}
	}
	if s.Rests != "" {
		lines = append(lines, "not for now: "+s.Rests)
	}
	return lines
}

// underFacts say what Webex has under a name.
func underFacts(accounts []plan.Account) []fact {
	facts := make([]fact, len(accounts))
	for i, a := range accounts {
		lines := sideLines(a.Side)
		switch {
		case a.Linked != nil:
			lines = append(lines, "it belongs to "+a.Linked.String())
		default:
			lines = append(lines, "nobody's, by the ledger")
		}
		if a.ExternalID != "" {
			lines = append(lines, "externalId "+a.ExternalID)
		}
		if a.Reserved != "" {
			lines = append(lines, "not taken over: "+a.Reserved)
		}
		lines[0] = string(a.Kind) + " " + lines[0]
		facts[i] = fact{"Has the name", lines, false}
	}
	return facts
}
