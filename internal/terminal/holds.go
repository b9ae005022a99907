package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
)

// Holds prints what is held.
func (t Terminal) Holds(out io.Writer, held []operator.Held) {
	if len(held) == 0 {
		fmt.Fprintln(out, "Nothing is held.")
		return
	}
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	const idWidth = len("group 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607")
	widest := t.columns() - 7 - idWidth // which the frame takes
	w.AppendHeader(table.Row{"Object", "Held"})
	for _, h := range held {
		lines := []string{Operation(h) + " since " + h.Since.UTC().Format("2006-01-02T15:04Z")}
		if state := state(h); state != "" {
			lines = append(lines, state)
		}
		w.AppendRow(table.Row{fold(idWidth, objectLines(h.Name, h.Object)...), fold(widest, lines...)})
	}
	w.Render()
}

// Operation is what is held.
func Operation(h operator.Held) string {
	if h.Operation == provision.Removing {
		return fmt.Sprintf("%s (%d of %d)", h.Operation, h.Members, h.Of)
	}
	return string(h.Operation)
}

func state(h operator.Held) string {
	var states []string
	if h.Blocked {
		states = append(states, "blocked")
	}
	switch h.Decision {
	case operator.Undecided:
	case operator.Rejected:
		states = append(states, "rejected")
	case operator.Approved:
		states = append(states, "approved, on its way")
	case operator.Expired:
		states = append(states, "approved, no longer valid")
	}
	return strings.Join(states, ", ")
}

// Decided prints what was decided on; done is the word for it.
func Decided(out io.Writer, decided operator.Decided, done string) {
	for _, h := range decided.Done {
		Say(out, fmt.Sprintf("%s: %s of %s", done, Operation(h), strings.Join(objectLines(h.Name, h.Object), ", ")))
	}
	if decided.LeftAlone > 0 {
		Say(out, fmt.Sprintf("left alone: %s rejected before; name an object to approve it all the same", operator.Counted(decided.LeftAlone, "hold")))
	}
}

// Latch prints whether the guard is latched, or was; latched is the sentence for that,
// with a verb for the time.
func Latch(out io.Writer, latch operator.Latch, latched string) {
	if latch.Since.IsZero() {
		fmt.Fprintln(out, "The guard is not latched.")
		return
	}
	fmt.Fprintf(out, latched, latch.Since.UTC().Format(time.RFC3339))
}
