package terminal

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/migration"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/printable"
)

// Migration prints what moving in would come to, on one screen; written is a sentence about
// its files.
func (t Terminal) Migration(out io.Writer, r *migration.Report, written string) {
	for _, line := range GalleryLines(r) {
		Say(out, line)
	}
	for _, note := range append(lost(r.Findings), append(r.Differing, r.Notes...)...) {
		Say(out, "Note: "+printable.Text(note)+".")
	}
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"What would come of it", "Users", "Groups", ""})
	w.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}, {Number: 3, Align: text.AlignRight}}) //nolint:mnd // the columns
	for _, o := range migration.Outcomes() {
		users, heldUsers := r.Count(o, change.User)
		groups, heldGroups := r.Count(o, change.Group)
		name := string(o)
		if alarming := o == migration.Disable || o == migration.Refused; alarming && users+groups > 0 {
			name = t.red(name)
		}
		w.AppendRow(table.Row{name, users, groups, OutcomeNote(r, o, heldUsers+heldGroups)})
	}
	w.Render()
	if line := AdoptedLine(r); line != "" {
		Say(out, line)
	}
	hindrances(out, r, written)
}

// GalleryLines say what was found of the gallery app, and how much of its schema is taken
// over.
func GalleryLines(r *migration.Report) []string {
	lines := []string{galleryLine(r.Gallery)}
	if len(r.Findings) > 0 {
		lines = append(lines, schemaLine(r.Findings))
	}
	return lines
}

// AdoptedLine says how many accounts and groups would be taken over, by whose id they
// carry; empty if none.
func AdoptedLine(r *migration.Report) string {
	adopted, total := r.Adopted(), 0
	parts := make([]string, 0, len(adopted))
	for _, o := range migration.Origins() {
		if n := adopted[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d with %s", n, o))
			total += n
		}
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("Of what is in Webex %d would be taken over, by the id that it carries: %s.", total, strings.Join(parts, ", "))
}

// hindrances prints that sentence, and why writes to Webex must not begin yet.
func hindrances(out io.Writer, r *migration.Report, written string) {
	Say(out, "Nothing was written to Webex. "+written)
	if against := r.Gallery.Hindrances(); len(against) > 0 {
		Say(out, "Before writes can begin: "+strings.Join(against, "; ")+".")
	}
}

// Begun prints that writes to Webex begin after a migration.
func Begun(out io.Writer, done operator.Resumed) {
	Resumed(out, pause.Webex, done)
	Say(out, "entrawebex status tells how far it is, entrawebex holds what waits for you. The way back: "+
		"entrawebex pause webex, and start the gallery app's job.")
}

// OutcomeNote says what there is to know of an outcome, of whom so many are held.
func OutcomeNote(r *migration.Report, o migration.Outcome, held int) string {
	if held > 0 {
		return fmt.Sprintf("%d wait for your approval", held)
	}
	switch o {
	case migration.Left:
		if n, active := r.OutOfScope(); n > 0 {
			return fmt.Sprintf("%d not in scope, %d of them active", n, active)
		}
		return "in Webex, and never written"
	case migration.Outside:
		return "not in scope, or blocked"
	case migration.Change:
		if n := r.TakenOut(); n > 0 {
			return operator.Counted(n, "member") + " taken out of groups"
		}
	case migration.Same, migration.Create, migration.Disable, migration.Refused:
	}
	return ""
}

// galleryLine says what was found of the gallery app.
func galleryLine(g migration.Gallery) string {
	switch {
	case g.Unread != "":
		return "Gallery app " + g.AppID + ": its job could not be read. " + printable.Text(g.Unread)
	case g.Job == nil:
		return "Enterprise application " + g.AppID + ": it has no provisioning job."
	}
	line := "Gallery app " + g.AppID + ": its job is " + g.State() + "."
	if last := g.Job.Status.Last; last != nil && !last.Ended.IsZero() {
		line += " It ran last until " + last.Ended.UTC().Format("2006-01-02T15:04Z") + ": " + printable.Short(cmp.Or(last.State, "nothing is told of it"), 20) + "."
	}
	if g.Unset != "" {
		line += " Its scope could not be read: say --scope, as Provisioning, Settings has it."
	}
	return line
}

// schemaLine counts what became of the lines of the schema.
func schemaLine(findings []synchronization.Finding) string {
	counts := map[synchronization.Outcome]int{}
	for _, f := range findings {
		counts[f.Outcome]++
	}
	return fmt.Sprintf("Of the %d lines of its schema %d are taken over, %d are different, %d are ignored by Webex, %d are not taken over.",
		len(findings), counts[synchronization.TakenOver], counts[synchronization.Differs], counts[synchronization.Ignored], counts[synchronization.Lost])
}

// mostLost is how many lines that cannot be taken over are told here: a file has all.
const mostLost = 3

// lost are why all actions are off, and the first lines that cannot be taken over.
func lost(findings []synchronization.Finding) []string {
	var lines []string
	for _, f := range findings {
		if f.Outcome == synchronization.Differs && f.Attribute == "actions" { // which decides about all there is
			lines = append(lines, f.Object+": "+f.Text)
		}
	}
	off := len(lines)
	for _, f := range findings {
		if f.Outcome == synchronization.Lost && len(lines) < off+mostLost {
			lines = append(lines, f.Object+" "+f.Attribute+": "+f.Text)
		}
	}
	return lines
}

// changes are the attributes of a plan in one line, for a spreadsheet.
func changes(r migration.Row) string {
	return strings.Join(details(plan.Object{Attributes: r.Attributes, Members: r.Members}), "; ")
}
