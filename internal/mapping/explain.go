package mapping

import (
	"time"

	"entrawebex/internal/mapping/expression"
)

// Explanation is what a mapping makes of the attributes of one object, and how. In
// this form it is JSON.
type Explanation struct {
	// Mappings are those of the file, in its order.
	Mappings []Explained `json:"mappings"`
	// Values are those with which the object would be created, as far as they may be
	// shown; nil if it would not, for a fault.
	Values map[string]any `json:"-"`
}

// Explained is what becomes of one target attribute.
type Explained struct {
	Target string `json:"target"`
	// Type is direct, constant or expression; Expression is how it is written, [name]
	// for a direct mapping.
	Type       string   `json:"type"`
	Expression string   `json:"expression"`
	Sources    []Source `json:"sources,omitempty"`
	// Steps are the functions of the expression that were evaluated, inner ones first.
	Steps []Step `json:"steps,omitempty"`
	// Creation is what comes of it when the object is created, Update later.
	Creation Fate `json:"creation"`
	Update   Fate `json:"update"`
}

// Source is the value of a source attribute.
type Source struct {
	Attribute string `json:"attribute"`
	// Graph is the property of Graph that it is read from.
	Graph string `json:"graph"`
	State State  `json:"state"`
	Value any    `json:"value,omitempty"`
}

// State says whether a source attribute has a value.
type State string

// The states.
const (
	Valued State = "value"
	Null   State = "null"
	// Absent: Graph does not show it, so whether it has a value is not known.
	Absent State = "absent"
)

// Step is the evaluation of one function.
type Step struct {
	// Depth counts the functions around it.
	Depth int `json:"depth"`
	// Call is the function with the values of its arguments, and … for what was not
	// looked at.
	Call      string     `json:"call"`
	Arguments []Argument `json:"arguments"`
	Result    any        `json:"result"`
	// Ignored says that the result is that the attribute does not flow.
	Ignored bool   `json:"ignored,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Argument is the value of an argument.
type Argument struct {
	Value any `json:"value"`
	// Unused says that it was not looked at.
	Unused bool `json:"unused,omitempty"`
}

// Fate is an outcome with its value, and with why where that is not plain.
type Fate struct {
	Outcome Outcome `json:"outcome"`
	Value   any     `json:"value,omitempty"`
	Why     string  `json:"why,omitempty"`
}

// Explain is MapNew and Map for the same attributes, with how they come to their
// values. Values that an expression redacts are not told.
func (m Mapping) Explain(attributes map[string]any, now time.Time) Explanation {
	get := func(name string) any { return source(attributes, name) }
	var env expression.Environment
	e := Explanation{Mappings: make([]Explained, len(m.rules))}
	created, updated := make([]settled, len(m.rules)), make([]settled, len(m.rules))
	for i := range m.rules {
		r, told := &m.rules[i], &e.Mappings[i]
		*told = Explained{Target: r.target.text, Type: r.source.Type(), Expression: r.source.String(), Sources: r.sources(attributes, get)}
		env.Trace = func(s expression.Step) { told.Steps = append(told.Steps, stepOf(s)) }
		env.Now = func() time.Time { return now }
		r.clock(&env, m.moments)
		v, err := r.value(env, get)
		created[i], updated[i] = r.settle(v, err, attributes, true), r.settle(v, err, attributes, false)
	}
	m.idle(created)
	m.idle(updated)
	faulty := false
	values := map[string]any{}
	for i := range m.rules {
		r, told := &m.rules[i], &e.Mappings[i]
		told.Creation, told.Update = r.fate(created[i]), r.fate(updated[i])
		faulty = faulty || told.Creation.Outcome == Faulty
		if told.Creation.Value != nil {
			values[told.Target] = told.Creation.Value
		}
	}
	if !faulty {
		e.Values = values
	}
	return e
}

// idle leaves those alone that only describe the value of an element that has none.
func (m Mapping) idle(all []settled) {
	values := map[string]any{}
	for i, s := range all {
		values[m.rules[i].target.text] = s.value
	}
	for i := range m.rules {
		if m.rules[i].isIdle(values) && all[i].outcome != Faulty {
			all[i] = settled{outcome: LeftAlone, why: "what it describes has no value: " + m.rules[i].describes}
		}
	}
}

// fate is the outcome of the rule as it may be told.
func (r *rule) fate(s settled) Fate {
	f := Fate{Outcome: s.outcome, Value: s.value, Why: s.why}
	if s.err != nil {
		f.Why = s.err.Error()
	}
	if f.Value != nil && r.source.Redacted() {
		f.Value = expression.Redaction
	}
	return f
}

// sources are the values of the attributes that the rule reads, as they may be told.
func (r *rule) sources(attributes map[string]any, get func(name string) any) []Source {
	names := r.source.Attributes()
	all := make([]Source, len(names))
	for i, name := range names {
		s := Source{Attribute: name, Graph: graphName(name), State: Valued, Value: get(name)}
		_, computed := attributes[name]
		_, there := attributes[s.Graph]
		switch {
		case !there && !computed:
			s.State, s.Value = Absent, nil
		case s.Value == nil:
			s.State = Null
		case r.source.Redacted():
			s.Value = expression.Redaction
		}
		all[i] = s
	}
	return all
}

// stepOf is a step in its form for JSON.
func stepOf(s expression.Step) Step {
	told := Step{Depth: s.Depth, Call: s.Call(), Arguments: make([]Argument, len(s.Arguments)), Result: s.Result}
	for i, v := range s.Arguments {
		if _, unused := v.(expression.Unused); unused {
			told.Arguments[i].Unused = true
		} else {
			told.Arguments[i].Value = v
		}
	}
	if _, ignored := s.Result.(expression.Ignored); ignored {
		told.Result, told.Ignored = nil, true
	}
	if s.Err != nil {
		told.Error = s.Err.Error()
	}
	return told
}
