// Package nearest finds the name that somebody meant who wrote another.
package nearest

import (
	"slices"
	"strings"
)

// Name is the one of the names that somebody who wrote this most likely meant;
// empty if none is near.
func Name(written string, names []string) string {
	for _, name := range names { // in another case, or by its end
		if strings.EqualFold(written, name) || strings.EqualFold(written, ending(name)) {
			return name
		}
	}
	best, least := "", near(len(written))+1
	for _, name := range names {
		if d := distance(strings.ToLower(written), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	if best != "" || written == "" {
		return best
	}
	if i := slices.IndexFunc(names, func(name string) bool {
		return len(name) >= len(written) && strings.EqualFold(name[:len(written)], written)
	}); i >= 0 {
		return names[i]
	}
	return ""
}

// near is how far a name of so many letters may be from what was meant: of three, two
// are most of it.
func near(letters int) int {
	const short = 3
	if letters <= short {
		return 1
	}
	return max(2, letters/3)
}

// ending is the last part of the path of an attribute.
func ending(name string) string { return name[strings.LastIndexAny(name, ".:")+1:] }

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
