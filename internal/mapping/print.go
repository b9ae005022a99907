package mapping

import (
	"encoding/json"
	"hash/fnv"
)

// Print is a short form of the values of a user or group, eight bytes for each
// mapped path, by which many of them can be compared without keeping them.
type Print []uint64

// Print returns the short form of values.
func (m Mapping) Print(values map[string]any) Print {
	p := make(Print, len(m.rules))
	for i, r := range m.rules {
		if v, ok := values[r.target.text]; ok {
			p[i] = hash(r.canonical(v))
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
		if v, ok := want[r.target.text]; ok && have[i] != hash(r.canonical(v)) {
			return false
		}
	}
	return true
}

// Covers reports whether the print has everything that the other one has.
func (p Print) Covers(other Print) bool {
	for i, h := range other {
		if h != 0 && (i >= len(p) || p[i] != h) {
			return false
		}
	}
	return true
}

// hash is never zero, which stands for no value.
func hash(v any) uint64 {
	h := fnv.New64a()
	encoded, err := json.Marshal(v)
	if err != nil {
		encoded = nil // values come from JSON
	}
	_, _ = h.Write(encoded) // which returns no error
	return h.Sum64() | 1
}
