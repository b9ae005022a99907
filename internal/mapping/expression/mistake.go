package expression

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Mistake is what is wrong at a place of an expression.
type Mistake struct {
	Offset       int // bytes of the expression before it
	Line, Column int // from 1, in characters
	// Text says what is wrong, and behind a semicolon what to write instead.
	Text string
}

func (m *Mistake) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", m.Line, m.Column, m.Text)
}

// Mistakes are all that are wrong with an expression, in the order of their
// places; at least one, each a line of the error.
type Mistakes []*Mistake

func (m Mistakes) Error() string {
	texts := make([]string, len(m))
	for i, mistake := range m {
		texts[i] = mistake.Error()
	}
	return strings.Join(texts, "\n")
}

// mistake is one at an offset of a text.
func mistake(text string, offset int, format string, args ...any) *Mistake {
	before := text[:min(offset, len(text))]
	return &Mistake{
		Offset: len(before),
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
		Text:   fmt.Sprintf(format, args...),
	}
}
