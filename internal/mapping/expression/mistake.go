package expression

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Mistake is what is wrong at a place of an expression, and what to write
// instead.
type Mistake struct {
	Offset       int // bytes of the expression before it
	Line, Column int // from 1, in characters
	Text         string
}

func (m *Mistake) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", m.Line, m.Column, m.Text)
}

// Mistakes are all that are wrong with an expression, in the order of their
// places; at least one.
type Mistakes []*Mistake

func (m Mistakes) Error() string {
	texts := make([]string, len(m))
	for i, mistake := range m {
		texts[i] = mistake.Error()
	}
	return strings.Join(texts, "; ")
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

// nearest is the name that is most like another, of those that could have been
// meant; empty if none could.
func nearest(name string, names []string) string {
	best, least := "", len(name)/2+1
	for _, candidate := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the number of letters to put in, leave out or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
