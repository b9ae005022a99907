package mapping

import (
	"slices"

	"entrawebex/internal/mapping/expression"
)

// Shown is a value of a target attribute as it may be told: Redact masks it in all that
// is printed and logged, as Entra does in its provisioning log.
func (m Mapping) Shown(path string, v any) any {
	if v != nil && m.Redacts(path) {
		return expression.Redaction
	}
	return v
}

// Redacts reports whether the expression of a target attribute redacts something.
func (m Mapping) Redacts(path string) bool {
	i := slices.IndexFunc(m.rules, func(r rule) bool { return r.target.text == path })
	return i >= 0 && m.rules[i].source.Redacted()
}

// RedactsSource reports whether an expression that redacts something reads the source
// attribute.
func (m Mapping) RedactsSource(attribute string) bool {
	return slices.ContainsFunc(m.rules, func(r rule) bool {
		return r.source.Redacted() && slices.Contains(r.source.Attributes(), attribute)
	})
}
