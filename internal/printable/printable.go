// Package printable makes text from outside fit for a terminal, a log or a message
// attribute, which control characters and broken UTF-8 are not.
package printable

import (
	"strings"
	"unicode"
)

// Text is s as one line that no terminal obeys: what cannot be printed is a blank,
// what is no UTF-8 a question mark.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
}

// Short is Text of at most longest characters, with an ellipsis where it was cut and
// single blanks.
func Short(s string, longest int) string {
	s = Text(s)
	if characters := []rune(s); len(characters) > longest {
		s = string(characters[:longest-1]) + "…"
	}
	return strings.Join(strings.Fields(s), " ")
}
