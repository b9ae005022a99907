package mapping

import (
	"slices"

	"entrawebex/internal/mapping/expression"
)

// Clearing are the rules that also take from Webex what the others map and these do
// not.
func (r Rules) Clearing(others Rules) Rules {
	return Rules{Users: r.Users.clearing(others.Users), Groups: r.Groups.clearing(others.Groups)}
}

func (m Mapping) clearing(other Mapping) Mapping {
	m.rules = slices.Clone(m.rules)
	for _, theirs := range other.rules {
		mapped := slices.ContainsFunc(m.rules, func(r rule) bool { return r.target.text == theirs.target.text })
		if !mapped && !theirs.onCreate {
			m.rules = append(m.rules, rule{target: theirs.target, form: theirs.form, source: expression.Constant(nil), clears: true, withdrawn: true})
		}
	}
	return m
}
