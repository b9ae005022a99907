package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/change"
	"entrawebex/internal/progress"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sweep"
)

// report shows a day in the sandbox to a person.
type report struct {
	tenant   *graph.Tenant
	terminal bool

	mu        sync.Mutex
	out       io.Writer
	line      progress.Line // how far the initial sync is
	started   time.Time
	changes   int
	actions   map[provision.Action]int
	statuses  map[provision.Status]int
	latencies []time.Duration
	blocks    []time.Duration   // from the block of a sign-in to the inactive account
	syncs     bool              // many are synced: what is done is not shown one by one
	names     map[string]string // by object id
}

func newReport(out io.Writer, tenant *graph.Tenant, terminal bool) *report {
	return &report{
		out: out, line: progress.Line{Out: out}, tenant: tenant, terminal: terminal, started: time.Now(),
		actions: map[provision.Action]int{}, statuses: map[provision.Status]int{}, names: map[string]string{},
	}
}

// paint colours a text for a terminal, and for nothing else.
func (r *report) paint(colour text.Color, what string) string {
	if !r.terminal {
		return what
	}
	return colour.Sprint(what)
}

func (r *report) printf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format, args...)
}

func (r *report) note(line string) { r.printf("\n%s\n", line) }

func (r *report) opening(d *demo) {
	r.printf(`A simulated tenant of %d users and a simulated Webex organization, seed %d.

  Entra     %s/v1.0/users       Authorization: Bearer %s
  Webex     %s/Users  Authorization: Bearer %s
  Webhook   %s
  Pages     %s
  Operate   DATA_DIR=%s entrawebex status
`, d.options.Users, d.options.Seed, d.GraphURL, sandbox.Token, d.SCIMURL, sandbox.Token, notifiedAt(d.process), graph.Pages()+"; "+scim.Pages(), d.process.Settings.DataDir)
}

// notifiedAt says where notifications arrive.
func notifiedAt(p *standalone.Process) string {
	if p.Subscriptions == nil {
		return "none: Graph is asked every " + p.Settings.ReconcileInterval.String()
	}
	return p.Subscriptions.WebhookURL + "/notifications"
}

func (r *report) sync(runs bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.syncs = runs
	r.line.Clear()
}

// syncing tells how far an initial sync is, on a terminal.
func (r *report) syncing(p sweep.Progress) {
	if !r.terminal {
		return
	}
	text := fmt.Sprintf("  %s, %d", p.Phase, p.Done)
	if p.Total > 0 {
		text += fmt.Sprintf(" of %d", p.Total)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Show(string(p.Phase), text)
}

// done is how often each action was done so far.
func (r *report) done() map[provision.Action]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.actions)
}

// synced tells what a sync of many came to.
func (r *report) synced(actions map[provision.Action]int, took time.Duration) {
	r.sync(false)
	var did []string
	for _, action := range slices.Sorted(maps.Keys(actions)) {
		if n := actions[action]; n > 0 && action != provision.None {
			did = append(did, fmt.Sprintf("%d %sd", n, action))
		}
	}
	r.printf("  %s %s in %s\n", r.paint(text.FgGreen, "✓"), strings.Join(did, ", "), took.Round(100*time.Millisecond))
}

func (r *report) step(title string) { r.printf("\n%s\n", r.paint(text.Bold, title)) }

// attempt shows an attempt that wrote or failed. It is called by the workers.
func (r *report) attempt(a provision.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes += len(a.Causes)
	r.statuses[a.Status]++
	switch {
	case a.Fault != nil && a.Again > 0:
		fmt.Fprintf(r.out, "  %s %-8s %-28s %s; again in %s\n", r.paint(text.FgYellow, "↻"), "retry", r.name(a), a.Fault.Reason, a.Again.Round(time.Second))
		return
	case a.Fault != nil:
		fmt.Fprintf(r.out, "  %s %-8s %-28s %s\n", r.paint(text.FgRed, "✗"), a.Fault.Kind, r.name(a), a.Fault.Reason)
		return
	}
	if a.Action == provision.None {
		return
	}
	r.actions[a.Action]++
	latency := a.Exported.Sub(noticed(a))
	if a.Action == provision.Disable {
		r.blocks = append(r.blocks, latency)
	}
	if r.syncs {
		return
	}
	r.latencies = append(r.latencies, latency)
	const width = 44
	fmt.Fprintf(r.out, "  %s %-8s %-28s %s %6d ms\n", r.paint(text.FgGreen, "✓"), a.Action, r.name(a),
		text.Pad(text.Snip(modified(a), width, "…"), width, ' '), latency.Milliseconds())
}

// noticed is when the first of the changes happened, by the clock of whoever
// says so.
func noticed(a provision.Attempt) time.Time {
	if first := a.Causes[0]; !first.EventTime.IsZero() {
		return first.EventTime
	}
	return a.Causes[0].SeenAt
}

// name is what a person calls the object; one who is gone keeps the last name.
func (r *report) name(a provision.Attempt) string {
	if user, err := r.tenant.User(a.Object.ID); err == nil {
		r.names[a.Object.ID] = user.Text("displayName")
	} else if group, err := r.tenant.Group(a.Object.ID); err == nil {
		r.names[a.Object.ID] = group.Text("displayName")
	}
	if name := r.names[a.Object.ID]; name != "" {
		return name
	}
	return a.Object.ID
}

// modified names the attributes an attempt wrote, and the members; for a
// create that is all attributes.
func modified(a provision.Attempt) string {
	var names []string
	switch {
	case a.Action == provision.Create && a.Object.Kind == change.Group:
		names = append(names, "a new group")
	case a.Action == provision.Create:
		return "a new account"
	}
	if n := a.Members.Added; n > 0 {
		names = append(names, fmt.Sprintf("+%d members", n))
	}
	if n := a.Members.Removed; n > 0 {
		names = append(names, fmt.Sprintf("-%d members", n))
	}
	if a.Action == provision.Create {
		return strings.Join(names, ", ")
	}
	for _, m := range a.Modified {
		if !slices.Contains(names, m.Attribute) {
			names = append(names, m.Attribute)
		}
	}
	return strings.Join(names, ", ")
}

// summary shows what the day came to. memberships is how many Entra has.
func (r *report) summary(d *demo, memberships int, differences []compare.Difference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	graph, webex := d.Tenant.Calls.Snapshot(), d.Org.Calls.Snapshot()

	t := table.NewWriter()
	t.SetOutputMirror(r.out)
	t.SetStyle(table.StyleLight)
	t.SetTitle("The day, in %s", time.Since(r.started).Round(100*time.Millisecond))
	row := func(what string, value any) { t.AppendRow(table.Row{what, value}) }
	row("Changes noticed", r.changes)
	for _, action := range slices.Sorted(maps.Keys(r.actions)) {
		row("  "+string(action)+"d in Webex", r.actions[action])
	}
	row("  nothing to write", r.statuses[provision.Skipped])
	row("  failed attempts", r.statuses[provision.Failure])
	t.AppendSeparator()
	row("Change in Entra → Webex, p50", percentile(r.latencies, 50))
	row("Change in Entra → Webex, p99", percentile(r.latencies, 99))
	row(fmt.Sprintf("Blocked sign-in → inactive, p50 (%d)", len(r.blocks)), percentile(r.blocks, 50))
	row("Blocked sign-in → inactive, p99", percentile(r.blocks, 99))
	t.AppendSeparator()
	for _, kind := range slices.Sorted(maps.Keys(graph)) {
		row("Graph "+kind, graph[kind])
	}
	for _, kind := range slices.Sorted(maps.Keys(webex)) {
		row("Webex "+kind, webex[kind])
	}
	if d.Storm != nil {
		t.AppendSeparator()
		struck := d.Storm.Counts()
		for _, kind := range slices.Sorted(maps.Keys(struck)) {
			row("Storm: "+kind, struck[kind])
		}
		t.AppendSeparator()
	}
	row("Calls a change, both sides", fmt.Sprintf("%.2f", float64(graph.HTTP()+webex.HTTP())/float64(max(r.changes, 1))))
	t.AppendSeparator()
	row("Users in Entra", len(d.Tenant.Users()))
	row("Groups in Entra", len(d.Tenant.Groups()))
	row("Memberships in Entra", memberships)
	row("Differences in Webex", len(differences))
	fmt.Fprintln(r.out)
	t.Render()
	for _, difference := range differences {
		fmt.Fprintf(r.out, "%s %s\n", r.paint(text.FgRed, "✗"), difference)
	}
	if len(differences) == 0 {
		fmt.Fprintf(r.out, "%s Every user, group and membership in Webex is what Entra says.\n", r.paint(text.FgGreen, "✓"))
	}
}

// percentile returns the p-th percentile, by the nearest rank.
func percentile(durations []time.Duration, p int) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(durations))
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1].Round(time.Millisecond)
}
