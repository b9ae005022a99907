package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/sandbox/story"
	"entrawebex/internal/terminal"
)

// opening says what is played, and how the lines read.
func opening(o Options) []string {
	how := "how long it took."
	if o.Silent {
		how = "how long it took: Entra tells nothing, and is asked every second."
	}
	return []string{fmt.Sprintf("A simulated Entra tenant of %d users and a simulated Webex organization, seed %d. "+
		"Each line: a change in Entra, what came of it in Webex, and %s", o.Users, o.Seed, how), ""}
}

// ending is what the day came to.
type ending struct {
	took                       time.Duration
	users, groups, memberships int
	differences                []compare.Difference
	graph, webex               simhttp.Counts
	// struck is how often each kind of trouble of a storm struck; nil in fair weather.
	struck simhttp.Counts
	// calls asks for a table of them.
	calls bool
}

// summary shows what the day came to.
func (r *report) summary(e ending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Clear()
	fmt.Fprintln(r.out)
	if e.struck != nil {
		r.storm(e.struck)
	}
	r.compared(e)
	fmt.Fprintln(r.out)
	r.quantiles("changes that came by themselves", r.singles)
	r.quantiles("sign-ins blocked → inactive in Webex", r.blocks)
	calls := e.graph.HTTP() + e.webex.HTTP()
	terminal.Say(r.out, fmt.Sprintf("  In Webex: %s.", byNumber(r.actions)))
	line := fmt.Sprintf("  %d changes noticed in %s, with %.2f calls for each", r.changes, terminal.Lasted(e.took), float64(calls)/float64(max(r.changes, 1)))
	if !e.calls {
		terminal.Say(r.out, line+" (see --calls).")
		return
	}
	terminal.Say(r.out, line+":")
	r.calls(e)
}

// compared says whether both sides are the same.
func (r *report) compared(e ending) {
	if len(e.differences) == 0 {
		r.at.Verdict(r.out, terminal.Landed, fmt.Sprintf(
			"Both sides are the same. Every user, group and membership in Webex is what Entra says: %s, %s, %s.",
			operator.Counted(e.users, "user"), operator.Counted(e.groups, "group"), operator.Counted(e.memberships, "membership")))
		return
	}
	r.at.Verdict(r.out, terminal.Refused, fmt.Sprintf("The sides are not the same. %s of Webex from what Entra says:",
		operator.Counted(len(e.differences), "difference")))
	const most = 20
	for _, difference := range e.differences[:min(most, len(e.differences))] {
		terminal.Say(r.out, "  "+difference.String())
	}
	if more := len(e.differences) - most; more > 0 {
		terminal.Say(r.out, fmt.Sprintf("  … and %d more", more))
	}
}

func (r *report) quantiles(what string, took []time.Duration) {
	if len(took) > 0 {
		fmt.Fprintf(r.out, "  %4d %-37s  p50 %-8s p99 %s\n", len(took), what, terminal.Lasted(percentile(took, 50)), terminal.Lasted(percentile(took, 99)))
	}
}

// storm says what struck, and what came of it.
func (r *report) storm(struck simhttp.Counts) {
	kinds := make([]string, 0, len(struck))
	for _, kind := range slices.Sorted(maps.Keys(struck)) {
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, struck[kind]))
	}
	terminal.Say(r.out, fmt.Sprintf("The storm struck %d times: %s.", total(struck), strings.Join(kinds, ", ")))
	if len(r.troubles) > 0 {
		t := r.table()
		t.AppendHeader(table.Row{"Attempts that failed", "Times", "Objects", "Landed since", "Tried again in"})
		for _, cause := range slices.Sorted(maps.Keys(r.troubles)) {
			of := r.troubles[cause]
			t.AppendRow(table.Row{cause, of.times, of.objects, of.landed, "≤ " + terminal.Lasted(of.again)})
		}
		t.Render()
	}
	fmt.Fprintln(r.out)
}

func (r *report) table() table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(r.out)
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	return t
}

// calls is the table of all calls to either side.
func (r *report) calls(e ending) {
	t := r.table()
	t.AppendHeader(table.Row{"Call", "Times"})
	for _, side := range []struct {
		name  string
		calls simhttp.Counts
	}{{"Graph ", e.graph}, {"Webex ", e.webex}} {
		for _, kind := range slices.Sorted(maps.Keys(side.calls)) {
			t.AppendRow(table.Row{side.name + kind, side.calls[kind]})
		}
		t.AppendSeparator()
	}
	t.Render()
	terminal.Say(r.out, graph.Pages()+".")
	terminal.Say(r.out, scim.Pages()+".")
}

// next names commands to try next, which command begins. What each is for stands beside
// it, or above where that is too wide.
func next(command string) []string {
	tries := [][2]string{
		{"run --sandbox --storm", "one call in eight fails"},
		{"run --sandbox --silent", "Entra notifies nothing"},
		{"run --sandbox --console", "see it live, change it"},
		{"check", "ready for a real tenant?"},
	}
	wide, what := 0, 0
	for _, try := range tries {
		wide, what = max(wide, len(command+" "+try[0])), max(what, len(try[1]))
	}
	lines := []string{"", "Try next:"}
	for _, try := range tries {
		if beside := fmt.Sprintf("  %-*s  # %-*s", wide, command+" "+try[0], what, try[1]); len(beside) <= terminal.Columns {
			lines = append(lines, strings.TrimRight(beside, " "))
		} else {
			lines = append(lines, "  # "+try[1], "  "+command+" "+try[0])
		}
	}
	return lines
}

// serving says what can be done while the sandbox is served.
func serving(command string, s *sandbox.Sandbox, p *standalone.Process) []string {
	webhook := "none: Graph is asked every " + p.Settings.ReconcileInterval.String()
	if p.Subscriptions != nil {
		webhook = p.Subscriptions.WebhookURL + "/notifications"
	}
	return []string{
		"", "Serving until interrupted (Ctrl-C). In another terminal, as an operator:", "",
		"  export DATA_DIR=" + p.Settings.DataDir,
		"  " + command + " status",
		"  " + command + " plan --all",
		"  " + command + " log --since 1h",
		"  " + command + " show wanda.wellknown@" + sandbox.Domain,
		"", "Change somebody in Entra, and see it land here:", "",
		"  curl -X PATCH -H 'Authorization: Bearer " + sandbox.Token + `' \`,
		`    -H 'Content-Type: application/json' --data '{"surname":"Renamed"}' \`,
		"    " + s.GraphURL + "/v1.0/users/" + story.WellKnownID,
		"", "  Entra    " + s.GraphURL + "/v1.0",
		"  Webex    " + s.SCIMURL,
		"  Webhook  " + webhook, "",
	}
}
