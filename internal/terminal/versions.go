package terminal

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/configuration"
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
