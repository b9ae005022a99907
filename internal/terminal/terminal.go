// Package terminal shows what an operator reads: lines of 80 columns, and tables as
// wide as the terminal.
package terminal

import (
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Terminal says who reads what a command writes. The zero Terminal is a file or
// a pipe.
type Terminal struct {
	// Colour: standard output is a terminal and colours are not unwanted.
	Colour bool
	// Progress: standard error is a terminal, on which a line can be written
	// over.
	Progress bool
	// Width is how many columns a line of standard output has; 0 for Columns.
	Width int
}

// Of looks at where this process writes. NO_COLOR and TERM=dumb are
// heeded (no-color.org).
func Of(environ []string, out, errOut io.Writer) Terminal {
	plain := false
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		plain = plain || name == "NO_COLOR" && value != "" || name == "TERM" && value == "dumb"
	}
	t := Terminal{Colour: Is(out) && !plain, Progress: Is(errOut)}
	if file, ok := out.(*os.File); ok && Is(out) {
		t.Width, _, _ = term.GetSize(int(file.Fd())) // 0 where it is not known
	}
	return t
}

// columns are those that a table takes: no fewer than Columns, and no more than are
// read at a glance.
func (t Terminal) columns() int {
	const widest = 160
	return min(max(t.Width, Columns), widest)
}

// Is reports whether what is written there is read at a terminal.
func Is(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// paint colours a text. The library's own switch for colours belongs to the
// process and not to the person, who may be at another one's terminal.
func (t Terminal) paint(colour text.Color, what string) string {
	if !t.Colour {
		return what
	}
	return text.Escape(what, colour.EscapeSeq())
}
