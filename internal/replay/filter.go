package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// Filter chooses dead letters. The zero Filter chooses all.
type Filter struct {
	kinds   []provision.FaultKind
	objects []string
	// before and after bound when a letter was first seen; zero for no bound.
	before, after time.Time
}

// ParseFilter reads a filter from terms, all of which must hold:
//
//	kind=permanent,transient   the fault is of one of these kinds
//	object=<id>,<id>           it is one of these objects, by their Entra ids
//	older=24h                  it was first seen longer ago than that, at now
//	newer=1h                   it was first seen not as long ago
//
// Each key may be there once. An error names the term and what may stand
// there.
func ParseFilter(now time.Time, terms []string) (Filter, error) {
	var f Filter
	var seen []string
	for _, term := range terms {
		key, value, _ := strings.Cut(term, "=")
		if slices.Contains(seen, key) {
			return Filter{}, fmt.Errorf("filter %q: there is another %s: separate several values by commas", term, key)
		}
		seen = append(seen, key)
		if err := parseTerm(&f, now, key, value); err != nil {
			return Filter{}, fmt.Errorf("filter %q: %w", term, err)
		}
	}
	return f, nil
}

// parseTerm reads one term into f.
func parseTerm(f *Filter, now time.Time, key, value string) error {
	var err error
	switch key {
	case "kind":
		f.kinds, err = parseKinds(value)
	case "object":
		f.objects, err = parseObjects(value)
	case "older":
		f.before, err = parseAge(now, value)
	case "newer":
		f.after, err = parseAge(now, value)
	default:
		err = errors.New("it must begin with kind=, object=, older= or newer=")
	}
	return err
}

// kinds are those that a dead letter can be of.
func kinds() []provision.FaultKind {
	return []provision.FaultKind{provision.Permanent, provision.Transient}
}

func parseKinds(value string) ([]provision.FaultKind, error) {
	var parsed []provision.FaultKind
	for name := range strings.SplitSeq(value, ",") {
		kind, _ := provision.ParseFaultKind(strings.TrimSpace(name))
		if !slices.Contains(kinds(), kind) {
			return nil, fmt.Errorf("%q is no kind of a dead letter's fault: permanent or transient", strings.TrimSpace(name))
		}
		parsed = append(parsed, kind)
	}
	return parsed, nil
}

func parseObjects(value string) ([]string, error) {
	var parsed []string
	for text := range strings.SplitSeq(value, ",") {
		id, ok := change.ParseID(strings.TrimSpace(text))
		if !ok {
			return nil, fmt.Errorf("%q is not an Entra object id, a GUID", text)
		}
		parsed = append(parsed, id)
	}
	return parsed, nil
}

func parseAge(now time.Time, value string) (time.Time, error) {
	age, err := time.ParseDuration(value)
	if err != nil || age <= 0 {
		return time.Time{}, fmt.Errorf("%q is not an age such as 90m or 24h", value)
	}
	return now.Add(-age), nil
}

// All reports whether the filter chooses every letter.
func (f Filter) All() bool {
	return f.kinds == nil && f.objects == nil && f.before.IsZero() && f.after.IsZero()
}

// Matches reports whether the filter chooses the letter.
func (f Filter) Matches(l Letter) bool {
	return (f.kinds == nil || slices.Contains(f.kinds, l.Kind)) &&
		(f.objects == nil || slices.Contains(f.objects, l.Object.ID)) &&
		(f.before.IsZero() || l.FirstSeen.Before(f.before)) &&
		(f.after.IsZero() || !l.FirstSeen.Before(f.after))
}
