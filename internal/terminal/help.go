package terminal

import (
	"regexp"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// gap is what lies between a term and what is said of it.
var gap = regexp.MustCompile(`^( *)\S+( \S+)*( {2,})\S`)

// Help is the help of a command in lines of no more than Columns. Paragraphs, and what
// is said of a flag or a variable, are filled anew; what is indented otherwise is an
// example, which is typed as it stands.
func Help(help string) string {
	var filled []string
	hang := -1 // the column at which the line before goes on, if it may
	for line := range strings.SplitSeq(help, "\n") {
		line = strings.TrimRight(line, " ")
		words := strings.TrimLeft(line, " ")
		indent := len(line) - len(words)
		found := gap.FindString(line)
		switch last := len(filled) - 1; {
		case words == "":
			hang = -1
		case hang == indent && found == "":
			filled[last] += " " + words
			continue
		case found != "":
			hang = text.StringWidthWithoutEscSequences(found) - 1
		case indent == 0 || indent > len("    "):
			hang = indent
		default:
			hang = -1
		}
		filled = append(filled, line)
	}
	for i, line := range filled {
		filled[i] = fill(line)
	}
	return strings.Join(filled, "\n")
}

// fill folds a paragraph, or what is said of a term below where that begins.
func fill(line string) string {
	if text.StringWidthWithoutEscSequences(line) <= Columns {
		return line
	}
	at := len(line) - len(strings.TrimLeft(line, " "))
	if found := gap.FindString(line); found != "" {
		at = len(found) - 1
	} else if at > 0 && at <= len("    ") {
		return line
	}
	hang := text.StringWidthWithoutEscSequences(line[:at])
	return line[:at] + strings.ReplaceAll(fold(Columns-hang, line[at:]), "\n", "\n"+strings.Repeat(" ", hang))
}
