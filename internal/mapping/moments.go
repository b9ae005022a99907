package mapping

import (
	"time"

	"entrawebex/internal/mapping/expression"
)

// Moments are when the values of an object were computed that are made of the present
// time, by their targets. They stay as long as all else does that the expression reads,
// and the values with them: they are not written at each look.
type Moments map[string]Moment

// Moment is when a value was computed, and from what. Its JSON form is kept in the
// ledger.
type Moment struct {
	// Arguments is a fingerprint of the expression and of all that it reads.
	Arguments string    `json:"arguments"`
	At        time.Time `json:"at"`
}

// Moments returns those of an object that has these attributes now, and had the moments
// kept at the last look; nil if no value is made of the present time.
func (m Mapping) Moments(kept Moments, attributes map[string]any, now time.Time) Moments {
	if !m.timed {
		return nil
	}
	get := func(name string) any { return source(attributes, name) }
	moments := make(Moments, len(kept))
	for i := range m.rules {
		r := &m.rules[i]
		if !r.source.Timed() {
			continue
		}
		moment := Moment{Arguments: r.source.Arguments(get), At: now.UTC().Round(0)}
		if before := kept[r.target.text]; before.Arguments == moment.Arguments {
			moment = before
		}
		moments[r.target.text] = moment
	}
	return moments
}

// At is the mapping for the object that has these moments.
func (m Mapping) At(moments Moments) Mapping {
	m.moments = moments
	return m
}

// clock has the rule evaluated at its moment, if it has one.
func (r *rule) clock(env *expression.Environment, moments Moments) {
	if moment, ok := moments[r.target.text]; ok {
		env.Now = func() time.Time { return moment.At }
	}
}
