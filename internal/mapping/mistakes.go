package mapping

import (
	"fmt"
	"slices"
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

// nearest is the one of the names that somebody who wrote this most likely meant;
// empty if none is near.
func nearest(written string, names []string) string {
	for _, name := range names { // in another case, or by its end
		if strings.EqualFold(written, name) || strings.EqualFold(written, ending(name)) {
			return name
		}
	}
	best, least := "", max(2, len(written)/3)+1
	for _, name := range names {
		if d := distance(strings.ToLower(written), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	if best != "" || written == "" {
		return best
	}
	if i := slices.IndexFunc(names, func(name string) bool { return hasPrefixFold(name, written) }); i >= 0 {
		return names[i]
	}
	return ""
}

// ending is the last part of the path of an attribute.
func ending(name string) string { return name[strings.LastIndexAny(name, ".:")+1:] }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// distance is how many letters have to be put in, taken out or changed to make b of
// a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
