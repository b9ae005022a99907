package mapping

import (
	"fmt"
	"strings"
)

// Mistake is what is wrong at one place of a mapping file.
type Mistake struct {
	Line, Column int // from 1
	// Text says what is wrong, and behind a semicolon what to write instead.
	Text string
}

// Mistakes are all that is wrong with a mapping file, in the file's order; at least
// one.
type Mistakes struct {
	File string
	List []Mistake
}

// Error is a line for each, FILE:line:column: what is wrong; what to write instead.
func (m *Mistakes) Error() string {
	lines := make([]string, len(m.List))
	for i, mistake := range m.List {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", m.File, mistake.Line, mistake.Column, mistake.Text)
	}
	return strings.Join(lines, "\n")
}
