package mapping

import (
	"encoding/json"
	"slices"
	"strconv"

	"entrawebex/internal/mapping/expression"
)

// Print is a short form of the values of a user or group, eight bytes for each
// mapped path, by which many of them can be compared without keeping them.
type Print []uint64

// Print returns the short form of values.
func (m Mapping) Print(values map[string]any) Print {
	p := make(Print, len(m.rules))
	for i, r := range m.rules {
		p[i] = r.hash(values[r.target.text])
	}
	return p
}

// PrintOf returns the Print of the Values of a SCIM resource, which are not made for
// it.
func (m Mapping) PrintOf(resource map[string]any) Print {
	p := make(Print, len(m.rules))
	for i, r := range m.rules {
		if v, ok := r.target.get(resource); ok {
			p[i] = r.hash(v)
		}
	}
	return p
}

// Has reports whether Diff finds nothing to change for want in what the print is
// of.
func (m Mapping) Has(have Print, want map[string]any) bool {
	if len(have) != len(m.rules) {
		return false
	}
	for i, r := range m.rules {
		if v, ok := want[r.target.text]; ok && have[i] != r.hash(v) {
			return false
		}
	}
	return true
}

// MayClear reports whether something that was written, of which the print is, may have
// to be cleared, and the attributes do not show whether Entra has it no more: a page of
// a delta query leaves out what is null, and custom security attributes and app roles
// altogether: these may be anything.
func (m Mapping) MayClear(have Print, attributes map[string]any) bool {
	for i := range m.rules {
		r := &m.rules[i]
		if r.isHidden(attributes) || r.clears && i < len(have) && have[i] != 0 && !r.isShown(attributes) {
			return true
		}
	}
	return false
}

// ClearsAt reports whether a null clears what is at a place of a Print, whoever wrote it.
func (m Mapping) ClearsAt(place int) bool {
	r := &m.rules[place]
	return r.clears && !r.onCreate && !r.withdrawn
}

// Withdraws reports whether something was written, of which the print is, that is mapped
// no more and goes.
func (m Mapping) Withdraws(have Print) bool {
	for i := range m.rules {
		if m.rules[i].withdrawn && i < len(have) && have[i] != 0 {
			return true
		}
	}
	return false
}

// Clears reports whether the values clear what is at one of the places, and whether that
// is unclear since the attributes do not show whether Entra has a value for it.
func (m Mapping) Clears(places []int, values, attributes map[string]any) (clears, unclear bool) {
	for _, at := range places {
		r := &m.rules[at]
		v, named := values[r.target.text]
		clears = clears || named && v == nil
		unclear = unclear || !named && !r.isShown(attributes)
	}
	return clears, unclear
}

// isHidden reports whether it reads what is not shown, and not null for that.
func (r *rule) isHidden(attributes map[string]any) bool {
	return slices.ContainsFunc(r.source.Attributes(), func(name string) bool {
		name = graphName(name)
		_, shown := attributes[name]
		return !shown && isNeverAbsent(name)
	})
}

// isNeverAbsent reports whether a property of Graph is there wherever it was read, so
// that one that is not there is not known.
func isNeverAbsent(name string) bool {
	return name == securityAttributes || name == expression.DefaultDomain || name == AppRoleAssignments
}

// hash is that of all values that are the same; zero stands for no value. It allocates nothing for a boolean, or a string as it is written.
func (r *rule) hash(v any) uint64 {
	switch v := r.typed(v).(type) {
	case nil:
		return 0
	case string:
		if v = r.plain(v); v == "" {
			return 0
		}
		return fnv1a("s", v)
	case bool:
		return fnv1a("b", strconv.FormatBool(v))
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			encoded = nil // values come from JSON
		}
		return fnv1a("j", string(encoded))
	}
}

// fnv1a is FNV-1a of a text of a kind, of which hash/fnv would allocate both.
func fnv1a(kind, text string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, part := range [...]string{kind, text} {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * prime
		}
	}
	return h | 1
}
