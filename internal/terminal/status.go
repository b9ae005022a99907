package terminal

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/condition"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/printable"
	"entrawebex/internal/renew"
	"entrawebex/internal/sweep"
)

// Status prints how things stand as a table and a last line.
func (t Terminal) Status(out io.Writer, s operator.Status) {
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	const others = 30 // columns of what is told, and of the frame
	widest := t.columns() - others
	w.SetColumnConfigs([]table.ColumnConfig{{Number: 2, WidthMax: widest, WidthMaxEnforcer: text.WrapSoft}})
	row := func(what string, value any) { w.AppendRow(table.Row{what, value}) }
	// alarm paints what needs a person.
	alarm := func(yes bool, value string) string {
		if !yes {
			return value
		}
		return t.paint(text.FgRed, value)
	}
	for _, side := range pause.Sides() {
		p, paused := s.Paused[side]
		row(strings.ToUpper(string(side[:1]))+string(side[1:]), alarm(paused, pauseState(p, paused)))
	}
	row("Guard", alarm(!s.GuardLatchedSince.IsZero(), guardState(s.GuardLatchedSince)))
	w.AppendSeparator()
	row("Held", alarm(s.Holds.Undecided > 0, holdState(s.Holds)))
	for i, o := range s.Holds.Blocked {
		if i == most {
			row("", fmt.Sprintf("and %d more: entrawebex holds", len(s.Holds.Blocked)-most))
			break
		}
		row("  blocked, still open", alarm(true, called(s, o.ID, o.String())))
	}
	w.AppendSeparator()
	row("Changes waiting", s.Waiting)
	row("Changes in flight", s.InFlight)
	row("  the oldest", oldestState(s))
	row("Latency, last hour", latencyState(s))
	row("Dead letters", alarm(s.DeadLetters > 0, letterState(s.DeadLetters)))
	w.AppendSeparator()
	t.watched(w, s, row, alarm)
	row("Webex token", alarm(s.Token.Warning != "", tokenState(s.Token, s.At)))
	row(s.Secret.Name(), alarm(s.Secret.Warning != "", secretState(s.Secret, s.At)))
	row("Linked to Webex", operator.Counted(s.Linked, "object"))
	row("Open faults", s.OpenFaults())
	for _, f := range s.Worst {
		row("  "+f.Label(), alarm(f.Urgent(), fmt.Sprintf("%s, at %s, since %s, %s: %s",
			called(s, f.Object.ID, f.Object.String()), f.Step, f.Since.UTC().Format(time.RFC3339), operator.Counted(f.Attempts, "attempt"), f.Reason)))
	}
	row("Removed by Webex soon", removedState(s.Removed))
	w.Render()
	if len(s.Retried) > 0 {
		fmt.Fprintln(out, t.paint(text.FgYellow, t.listed("Tried again: ", s.Retried)))
	}
	switch {
	case s.AllIsWell:
		fmt.Fprintln(out, t.paint(text.FgGreen, "all is well"))
	case len(s.Attention) == 0:
		fmt.Fprintln(out, "nothing needs you yet")
	default:
		fmt.Fprintln(out, t.paint(text.FgRed, t.listed("Needs you: ", s.Attention)))
	}
}

// watched adds what is done again and again, and what that found.
func (t Terminal) watched(w table.Writer, s operator.Status, row func(what string, value any), alarm func(yes bool, value string) string) {
	row("Compared", alarm(!s.Compared.Failing.Since.IsZero(), comparedState(s.Compared)))
	for _, round := range s.Compared.Rounds {
		if failing := round.Failing; !failing.Since.IsZero() {
			row("  finding "+round.Of, alarm(true, failingState(failing.Since, failing.Error)))
		} else if round.Void != "" {
			row("  finding "+round.Of, "after a comparison: "+round.Void)
		}
	}
	t.named(w, "  open, must not be", s, s.Open, true)
	t.spared(w, "  open, must not be", s)
	t.named(w, "  shut out by hand", s, s.ShutOut, false)
	for _, subscription := range s.Subscriptions {
		bad := !subscription.LeftUntil.IsZero() || !subscription.Failing.Since.IsZero() || !subscription.ExpiresAt.IsZero() && subscription.ExpiresAt.Before(s.At)
		row("Subscribed to "+subscription.Resource, alarm(bad, subscriptionState(subscription, s.At)))
	}
	if s.Subscribed {
		row("  all of them", alarm(s.Unwatched(s.At), s.SeenAlive()))
	}
	for _, j := range s.Jobs {
		bad := !j.Known() || j.Late(s.At) || !j.Failing.Since.IsZero()
		row("Last "+jobName(j.Name), alarm(bad, jobState(j)))
	}
}

// listed is what status ends with where not all is well: one below the other.
func (t Terminal) listed(before string, sentences []string) string {
	list := make([]string, len(sentences))
	for i, sentence := range sentences {
		list[i] = fold(t.columns()-len(before)-len(";"), printable.Text(sentence))
	}
	return before + strings.ReplaceAll(strings.Join(list, ";\n"), "\n", "\n"+strings.Repeat(" ", len(before)))
}

// most is how many are named of those that are told one by one.
const most = 10

// named adds a row for each of those that are named, and one for the others.
func (t Terminal) named(w table.Writer, what string, s operator.Status, people sweep.Named, urgent bool) {
	show := people.IDs[:min(most, len(people.IDs))]
	for _, id := range show {
		who := called(s, id, id)
		if urgent {
			who = t.paint(text.FgRed, who)
		}
		w.AppendRow(table.Row{what, who})
	}
	if more := people.Count - len(show); more > 0 {
		w.AppendRow(table.Row{what, fmt.Sprintf("and %d more", more)})
	}
}

// spared adds a row for each of the first that a setting leaves open, with which,
// and one for the others.
func (t Terminal) spared(w table.Writer, what string, s operator.Status) {
	show := s.Spared.First[:min(most, len(s.Spared.First))]
	for _, one := range show {
		w.AppendRow(table.Row{what, t.paint(text.FgRed, fmt.Sprintf("%s, since %s: %s", called(s, one.ID, one.ID), one.Since.UTC().Format(time.RFC3339), one.Why))})
	}
	if more := s.Spared.Count - len(show); more > 0 {
		w.AppendRow(table.Row{what, fmt.Sprintf("and %d more that a setting leaves open", more)})
	}
}

// called is an object's name, if it is known, before what else it is told as.
func called(s operator.Status, id, text string) string {
	if name := s.Names[id]; name != "" {
		return printable.Short(name, longestCalled) + " (" + text + ")"
	}
	return text
}

// longestCalled is how many characters of a name are told.
const longestCalled = 60

// oldestState says since when the oldest change is there.
func oldestState(s operator.Status) string {
	switch {
	case s.Waiting+s.InFlight == 0:
		return "none"
	case s.Oldest.IsZero():
		return "not known: " + s.OldestUnknown
	case !s.OldestAsOf.IsZero():
		return sinceState(s) + ", as CloudWatch had it at " + s.OldestAsOf.UTC().Format("15:04Z")
	default:
		return sinceState(s)
	}
}

func sinceState(s operator.Status) string {
	return fmt.Sprintf("since %s, %s ago", s.Oldest.UTC().Format(time.RFC3339), s.At.Sub(s.Oldest).Round(time.Second))
}

// latencyState says how long changes took of late.
func latencyState(s operator.Status) string {
	l := s.Latency
	if l.Count == 0 {
		return "nothing that Graph notified was written"
	}
	state := fmt.Sprintf("p50 %s, p99 %s, of %s", milliseconds(l.P50), milliseconds(l.P99), operator.Counted(l.Count, "change"))
	if covered := s.At.Sub(l.Since); covered < time.Hour-time.Second {
		state += ", of the last " + covered.Round(time.Second).String()
	}
	return state
}

func milliseconds(n int64) string { return (time.Duration(n) * time.Millisecond).String() }

// jobName is what is told of a job.
func jobName(name string) string {
	switch name {
	case condition.Renewing:
		return "renewal"
	case condition.ReachingWebex:
		return "sign of Webex"
	case condition.ReachingWebhook:
		return "sign of webhook"
	default:
		return name
	}
}

func jobState(j operator.Job) string {
	state := "never"
	if !j.Last.IsZero() {
		state = j.Last.UTC().Format(time.RFC3339)
	}
	if failing := j.Failing; !failing.Since.IsZero() {
		state += "; " + failingState(failing.Since, failing.Error)
	}
	return state
}

func failingState(since time.Time, why string) string {
	return fmt.Sprintf("fails since %s: %s", since.UTC().Format(time.RFC3339), why)
}

func subscriptionState(s renew.SubscriptionState, now time.Time) string {
	var parts []string
	switch {
	case !s.LeftUntil.IsZero():
		parts = append(parts, "not before "+s.LeftUntil.UTC().Format(time.RFC3339))
	case s.ID == "":
		parts = append(parts, "not yet")
	case s.ExpiresAt.IsZero():
		parts = append(parts, "yes")
	case s.ExpiresAt.Before(now):
		parts = append(parts, "ended on "+s.ExpiresAt.UTC().Format(time.RFC3339))
	default:
		parts = append(parts, "until "+s.ExpiresAt.UTC().Format(time.DateOnly))
	}
	switch {
	case !s.LastDelivery.IsZero():
		parts = append(parts, "last delivery "+s.LastDelivery.UTC().Format(time.RFC3339))
	case s.ID != "":
		parts = append(parts, "nothing delivered yet")
	}
	if !s.Failing.Since.IsZero() {
		parts = append(parts, failingState(s.Failing.Since, s.Failing.Error))
	}
	return strings.Join(parts, "; ")
}

func pauseState(p pause.Pause, paused bool) string {
	if !paused {
		return "not paused"
	}
	by := "by itself, until its probe succeeds"
	if p.ByOperator {
		by = "until entrawebex resume"
	}
	if !p.FailedSince.IsZero() {
		by += fmt.Sprintf(" (it failed by itself since %s)", p.FailedSince.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("paused since %s %s: %s", p.Since.UTC().Format(time.RFC3339), by, p.Why)
}

func guardState(latched time.Time) string {
	if latched.IsZero() {
		return "not latched"
	}
	return fmt.Sprintf("latched since %s: disables and deletes are held until entrawebex guard clear", latched.UTC().Format(time.RFC3339))
}

func holdState(h operator.Holds) string {
	if h.Total == 0 {
		return "nothing"
	}
	state := fmt.Sprintf("%s, %d to decide on", operator.Counted(h.Total, "object"), h.Undecided)
	if h.Rejected > 0 {
		state += fmt.Sprintf(", %d rejected", h.Rejected)
	}
	return state + ": entrawebex holds"
}

func letterState(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%d: entrawebex dead-letters", n)
}

// left says until when something lasts, and how many days that is.
func left(ends, now time.Time) string {
	const day = 24 * time.Hour
	return fmt.Sprintf("until %s, %s", ends.UTC().Format(time.DateOnly), operator.Counted(max(0, int(ends.Sub(now)/day)), "day"))
}

// secretState says how many days the client secret has left.
func secretState(s operator.Secret, now time.Time) string {
	switch {
	case s.Credential == renew.Federation:
		return "does not end"
	case s.Ends.IsZero() && s.Unknown == "":
		return "its end is not known: ENTRA_SECRET_EXPIRES says it"
	case s.Ends.IsZero():
		return "its end is not known, unless ENTRA_SECRET_EXPIRES says it: " + s.Unknown
	case s.Warning == "":
		return left(s.Ends, now)
	default:
		return left(s.Ends, now) + "; " + s.Warning
	}
}

// tokenState says how many days the tokens for Webex have left.
func tokenState(t operator.Token, now time.Time) string {
	var parts []string
	if !t.Access.IsZero() {
		parts = append(parts, "access token "+left(t.Access, now))
	}
	if !t.Refresh.IsZero() {
		parts = append(parts, "refresh token "+left(t.Refresh, now))
	}
	if t.Warning != "" {
		parts = append(parts, t.Warning)
	}
	if len(parts) == 0 {
		return "its end is not known: WEBEX_TOKEN_EXPIRES says it"
	}
	return strings.Join(parts, "; ")
}

// comparedState says how far a comparison of everything is, or what the last one
// found.
func comparedState(c sweep.State) string {
	var parts []string
	switch {
	case c.Running && c.Progress.Total > 0:
		parts = append(parts, fmt.Sprintf("now: %s, %d of %d", c.Progress.Phase, c.Progress.Done, c.Progress.Total))
	case c.Running:
		parts = append(parts, fmt.Sprintf("now: %s, %d", c.Progress.Phase, c.Progress.Done))
	case !c.Due.IsZero():
		parts = append(parts, fmt.Sprintf("due since %s: %s", c.Due.UTC().Format(time.RFC3339), c.Why))
	}
	if !c.Failing.Since.IsZero() {
		parts = append(parts, failingState(c.Failing.Since, c.Failing.Error))
	}
	if c.Last == nil {
		return strings.Join(append(parts, "never to the end yet"), "; ")
	}
	var classes []string
	for _, class := range slices.Sorted(maps.Keys(c.Last.Classes)) {
		classes = append(classes, fmt.Sprintf("%d %s", c.Last.Classes[class], class))
	}
	last := fmt.Sprintf("last at %s, in %s", c.Last.At.UTC().Format(time.RFC3339), c.Last.Took.Round(time.Second))
	if len(classes) > 0 {
		last += ": " + strings.Join(classes, ", ")
	}
	return strings.Join(append(parts, last), "; ")
}

func removedState(r operator.Removed) string {
	if r.Count == 0 {
		return "no account within 7 days"
	}
	return fmt.Sprintf("%s within 7 days, the first on %s", operator.Counted(r.Count, "inactive account"), r.First.UTC().Format(time.DateOnly))
}
