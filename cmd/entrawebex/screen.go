package main

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
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sweep"
)

// screen shows a day in the sandbox to a person.
type screen struct {
	tenant   *graph.Tenant
	terminal bool

	mu        sync.Mutex
	out       io.Writer
	started   time.Time
	changes   int
	actions   map[provision.Action]int
	statuses  map[provision.Status]int
	latencies []time.Duration
	blocks    []time.Duration   // from the block of a sign-in to the inactive account
	syncs     bool              // an initial sync runs: what it does is not shown one by one
	names     map[string]string // by object id
}

func newScreen(out io.Writer, tenant *graph.Tenant) *screen {
	return &screen{
		out: out, tenant: tenant, terminal: isTerminal(out), started: time.Now(),
		actions: map[provision.Action]int{}, statuses: map[provision.Status]int{}, names: map[string]string{},
	}
}

// paint colours a text for a terminal, and for nothing else.
func (s *screen) paint(colour text.Color, what string) string {
	if !s.terminal {
		return what
	}
	return colour.Sprint(what)
}

func (s *screen) printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, args...)
}

func (s *screen) note(line string) { s.printf("\n%s\n", line) }

func (s *screen) opening(st stage, p *standalone.Process, options sandboxOptions) {
	s.printf(`A simulated tenant of %d users and a simulated Webex organization, seed %d.

  Entra     %s/v1.0/users       Authorization: Bearer %s
  Webex     %s/Users  Authorization: Bearer %s
  Webhook   %s
  Pages     %s
  Operate   DATA_DIR=%s entrawebex status
`, options.Users, options.Seed, st.GraphURL, sandbox.Token, st.SCIMURL, sandbox.Token, notifiedAt(p), graph.Pages()+"; "+scim.Pages(), p.Settings.DataDir)
}

// notifiedAt says where notifications arrive.
func notifiedAt(p *standalone.Process) string {
	if p.Subscriptions == nil {
		return "none: Graph is asked every " + p.Settings.ReconcileInterval.String()
	}
	return p.Subscriptions.WebhookURL + "/notifications"
}

func (s *screen) sync(runs bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncs = runs
}

// syncing tells how far an initial sync is, on a terminal.
func (s *screen) syncing(p sweep.Progress) {
	if !s.terminal {
		return
	}
	line := fmt.Sprintf("%s, %d", p.Phase, p.Done)
	if p.Total > 0 {
		line += fmt.Sprintf(" of %d", p.Total)
	}
	s.printf("\r\x1b[K  %s", line)
}

// synced tells what the initial sync came to.
func (s *screen) synced(r sweep.Result, took time.Duration) {
	s.sync(false)
	if s.terminal {
		s.printf("\r\x1b[K")
	}
	var did []string
	for _, action := range slices.Sorted(maps.Keys(r.Actions)) {
		if action != provision.None {
			did = append(did, fmt.Sprintf("%d %sd", r.Actions[action], action))
		}
	}
	s.printf("  %s %s in %s\n", s.paint(text.FgGreen, "✓"), strings.Join(did, ", "), took.Round(100*time.Millisecond))
}

func (s *screen) step(title string) { s.printf("\n%s\n", s.paint(text.Bold, title)) }

// attempt shows an attempt that wrote or failed. It is called by the workers.
func (s *screen) attempt(a provision.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes += len(a.Causes)
	s.statuses[a.Status]++
	switch {
	case a.Fault != nil && a.Again > 0:
		fmt.Fprintf(s.out, "  %s %-8s %-28s %s; again in %s\n", s.paint(text.FgYellow, "↻"), "retry", s.name(a), a.Fault.Reason, a.Again.Round(time.Second))
		return
	case a.Fault != nil:
		fmt.Fprintf(s.out, "  %s %-8s %-28s %s\n", s.paint(text.FgRed, "✗"), a.Fault.Kind, s.name(a), a.Fault.Reason)
		return
	}
	if a.Action == provision.None {
		return
	}
	s.actions[a.Action]++
	latency := a.Exported.Sub(noticed(a))
	if a.Action == provision.Disable {
		s.blocks = append(s.blocks, latency)
	}
	if s.syncs {
		return
	}
	s.latencies = append(s.latencies, latency)
	const width = 44
	fmt.Fprintf(s.out, "  %s %-8s %-28s %s %6d ms\n", s.paint(text.FgGreen, "✓"), a.Action, s.name(a),
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
func (s *screen) name(a provision.Attempt) string {
	if user, err := s.tenant.User(a.Object.ID); err == nil {
		s.names[a.Object.ID] = user.Text("displayName")
	} else if group, err := s.tenant.Group(a.Object.ID); err == nil {
		s.names[a.Object.ID] = group.Text("displayName")
	}
	if name := s.names[a.Object.ID]; name != "" {
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
func (s *screen) summary(st stage, memberships int, differences []compare.Difference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	graph, webex := st.Tenant.Calls.Snapshot(), st.Org.Calls.Snapshot()

	t := table.NewWriter()
	t.SetOutputMirror(s.out)
	t.SetStyle(table.StyleLight)
	t.SetTitle("The day, in %s", time.Since(s.started).Round(100*time.Millisecond))
	row := func(what string, value any) { t.AppendRow(table.Row{what, value}) }
	row("Changes noticed", s.changes)
	for _, action := range slices.Sorted(maps.Keys(s.actions)) {
		row("  "+string(action)+"d in Webex", s.actions[action])
	}
	row("  nothing to write", s.statuses[provision.Skipped])
	row("  failed attempts", s.statuses[provision.Failure])
	t.AppendSeparator()
	row("Change in Entra → Webex, p50", percentile(s.latencies, 50))
	row("Change in Entra → Webex, p99", percentile(s.latencies, 99))
	row(fmt.Sprintf("Blocked sign-in → inactive, p50 (%d)", len(s.blocks)), percentile(s.blocks, 50))
	row("Blocked sign-in → inactive, p99", percentile(s.blocks, 99))
	t.AppendSeparator()
	for _, kind := range slices.Sorted(maps.Keys(graph)) {
		row("Graph "+kind, graph[kind])
	}
	for _, kind := range slices.Sorted(maps.Keys(webex)) {
		row("Webex "+kind, webex[kind])
	}
	if st.Storm != nil {
		t.AppendSeparator()
		struck := st.Storm.Counts()
		for _, kind := range slices.Sorted(maps.Keys(struck)) {
			row("Storm: "+kind, struck[kind])
		}
		t.AppendSeparator()
	}
	row("Calls a change, both sides", fmt.Sprintf("%.2f", float64(graph.HTTP()+webex.HTTP())/float64(max(s.changes, 1))))
	t.AppendSeparator()
	row("Users in Entra", len(st.Tenant.Users()))
	row("Groups in Entra", len(st.Tenant.Groups()))
	row("Memberships in Entra", memberships)
	row("Differences in Webex", len(differences))
	fmt.Fprintln(s.out)
	t.Render()
	for _, d := range differences {
		fmt.Fprintf(s.out, "%s %s\n", s.paint(text.FgRed, "✗"), d)
	}
	if len(differences) == 0 {
		fmt.Fprintf(s.out, "%s Every user, group and membership in Webex is what Entra says.\n", s.paint(text.FgGreen, "✓"))
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
