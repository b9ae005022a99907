package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/printable"
)

// Outcome is how far it is with what happened.
type Outcome int

// The outcomes.
const (
	// OnItsWay: nothing has come of it yet.
	OnItsWay Outcome = iota
	// Idle: there was nothing to write.
	Idle
	// Landed: it is written.
	Landed
	// Again: some of it failed, and is tried again.
	Again
	// Refused: some of it failed for good.
	Refused
)

// Happening is a line of a day: what happened, and what came of it.
type Happening struct {
	Outcome Outcome
	// What has at most 36 columns; more are cut.
	What string
	// Came says what came of it, in several lengths, the longest first: the first
	// that fits is shown.
	Came []string
	// Took is how long that took; empty where nothing was written.
	Took string
}

// Happening prints such a line, in one row of the terminal.
func (t Terminal) Happening(out io.Writer, h Happening) {
	const mark, what, blank = 2, 36, 1 // columns
	room := t.columns() - mark - what - blank
	if h.Took != "" {
		room -= text.StringWidthWithoutEscSequences(h.Took) + len("  ")
	}
	came := ""
	for _, came = range h.Came {
		if came = printable.Text(came); text.StringWidthWithoutEscSequences(came) <= room {
			break
		}
	}
	line := t.mark(h.Outcome) + " " + cell(printable.Text(h.What), what) + " " + cell(came, room)
	if h.Took != "" {
		line += "  " + h.Took
	}
	fmt.Fprintln(out, strings.TrimRight(line, " "))
}

func (t Terminal) mark(o Outcome) string {
	switch o {
	case Landed:
		return t.paint(text.FgGreen, "✓")
	case Idle:
		return t.paint(text.FgGreen, "·")
	case Again:
		return t.paint(text.FgYellow, "↻")
	case Refused:
		return t.red("✗")
	default:
		return "…"
	}
}

// cell is a text in exactly so many columns.
func cell(s string, columns int) string {
	return text.Pad(text.Snip(s, columns, "…"), columns, ' ')
}

// Lasted is a time as a person reads it at a glance: 16 ms, 2.46 s, 37.5 s, 3m20s.
func Lasted(d time.Duration) string {
	const short, long = 10 * time.Second, 100 * time.Second
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < short:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < long:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}

// Verdict prints a sentence behind its mark, folded.
func (t Terminal) Verdict(out io.Writer, o Outcome, sentence string) {
	const indent = "  "
	folded := fold(Columns-len(indent), sentence)
	fmt.Fprintln(out, t.mark(o)+" "+strings.ReplaceAll(folded, "\n", "\n"+indent))
}
