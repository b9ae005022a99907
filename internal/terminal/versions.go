package terminal

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/configuration"
	"entrawebex/internal/plan"
	"entrawebex/internal/printable"
)

// Versions prints the versions of a configuration, the one in force first.
func Versions(out io.Writer, versions []configuration.Version) {
	const byWidth, noteWidth = 22, 24
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	w.SetColumnConfigs([]table.ColumnConfig{{Number: 3, WidthMax: byWidth}, {Number: 4, WidthMax: noteWidth, WidthMaxEnforcer: text.WrapSoft}})
	w.AppendHeader(table.Row{"Version", "Since (UTC)", "By", "Note"})
	for i, v := range versions {
		since, note := "", printable.Text(v.Note)
		switch {
		case v.Number == 0:
			note = "built in"
		case v.Restores != nil && note == "":
			note = fmt.Sprintf("as version %d", *v.Restores)
		}
		if v.Number > 0 {
			since = v.At.UTC().Format(time.DateTime)
		}
		mark := strconv.Itoa(v.Number)
		if i == 0 {
			mark += " *"
		}
		w.AppendRow(table.Row{mark, since, printable.Text(v.By), note})
	}
	w.Render()
	fmt.Fprintln(out, "* is in force.")
}

// Previewed prints the first objects of what a configuration would change, and the counts.
func (t Terminal) Previewed(out io.Writer, made *plan.Plan) {
	const first = 10
	few := *made
	few.Objects = few.Objects[:min(first, len(few.Objects))]
	t.Plan(out, &few)
	s := made.Summary
	if more := s.Create + s.Change + s.Disable + s.Delete + s.Held + s.Fail + s.Wait - len(few.Objects); more > 0 {
		Say(out, fmt.Sprintf("And %d more: entrawebex plan --all --mapping FILE shows all.", more))
	}
}

// Unapplied prints that a version stays in force, and what would apply another.
func Unapplied(out io.Writer, present configuration.Version, again string) {
	Say(out, fmt.Sprintf("%s stays in force. To apply this: %s", named(present), again))
}

// Applied prints that a version is in force.
func Applied(out io.Writer, v configuration.Version) {
	Say(out, named(v)+" is in force: within a minute everything goes by it, and whom it affects is evaluated anew. "+
		"entrawebex status tells how far that is, entrawebex mapping rollback takes it back.")
}

// named is a version by its number.
func named(v configuration.Version) string {
	if v.Number == 0 {
		return "The configuration that is built in"
	}
	return fmt.Sprintf("Version %d", v.Number)
}
