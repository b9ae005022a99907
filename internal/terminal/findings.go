package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/printable"
)

// Findings prints what became of each line, and how many there are of each.
func Findings(out io.Writer, findings []synchronization.Finding) {
	const aboutWidth, outcomeWidth, textWidth = 26, 10, 34 // and 10 columns of lines between
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"Line", "Outcome", "What there is to it"})
	counts := map[synchronization.Outcome]int{}
	object := ""
	for _, f := range findings {
		if f.Object != object {
			object = f.Object
			w.AppendSeparator()
		}
		about := printable.Text(strings.TrimSuffix(object+": "+f.Attribute, ": "))
		w.AppendRow(table.Row{
			fold(aboutWidth, strings.TrimPrefix(about, ": ")), fold(outcomeWidth, f.Outcome.String()), fold(textWidth, printable.Text(f.Text)),
		})
		counts[f.Outcome]++
	}
	w.Render()
	Say(out, fmt.Sprintf("%d taken over, %d different, %d ignored by Webex, %d not taken over.", counts[synchronization.TakenOver],
		counts[synchronization.Differs], counts[synchronization.Ignored], counts[synchronization.Lost]))
}
