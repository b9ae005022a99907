package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
)

// Columns is how wide a sentence is at most, and a table in a file: as a terminal that
// nobody has widened. Programs read --json.
const Columns = 80

// fold breaks each of the lines between its words, or within one that is too
// long by itself.
func fold(width int, lines ...string) string {
	var folded []string
	for _, line := range lines {
		for part := range strings.SplitSeq(text.WrapSoft(line, width), "\n") {
			folded = append(folded, strings.TrimRight(part, " ")) // which it fills up
		}
	}
	return strings.Join(folded, "\n")
}

// Say prints a line, folded; what follows of it begins where it does.
func Say(out io.Writer, line string) {
	words := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(words)]
	fmt.Fprintln(out, indent+strings.ReplaceAll(fold(Columns-len(indent), words), "\n", "\n"+indent))
}

// Checked prints what was looked at and what came of it, which goes on below where it
// began.
func Checked(out io.Writer, mark, what, detail string) {
	begin := fmt.Sprintf("%s  %-24s ", mark, what)
	detail = fold(Columns-len(begin), strings.Split(detail, "\n")...)
	fmt.Fprintln(out, begin+strings.ReplaceAll(detail, "\n", "\n"+strings.Repeat(" ", len(begin))))
}

// objectLines are what an object is called, where that is known, and which it is.
func objectLines(name string, o change.Object) []string {
	if name == "" {
		return []string{o.String()}
	}
	return []string{printable.Text(name), o.String()}
}

// wrap breaks a line that is too long behind a blank, or within a word, and keeps every
// character of it: fold makes one of several blanks.
func wrap(width int, line string) string {
	var broken strings.Builder
	used, end := 0, 0 // columns since the last break, and behind the last blank there
	rest := []rune(line)
	for i := 0; i < len(rest); i++ {
		if used += text.StringWidthWithoutEscSequences(string(rest[i])); used > width {
			if end == 0 {
				end = i
			}
			broken.WriteString(string(rest[:end]) + "\n")
			rest, i, used, end = rest[end:], -1, 0, 0
			continue
		}
		if rest[i] == ' ' && strings.TrimLeft(string(rest[:i]), " ") != "" {
			end = i + 1
		}
	}
	broken.WriteString(string(rest))
	return broken.String()
}
