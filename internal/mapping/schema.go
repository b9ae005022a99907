package mapping

import (
	"cmp"
	"strings"

	"entrawebex/internal/change"
)

// Target is an attribute of Webex's schema.
type Target struct {
	// Path is its SCIM path, as a mapping file has it.
	Path string
	// Boolean says that its values are true and false, Needed that each mapping has to
	// have it.
	Boolean, Needed bool
	// Several says that it is in an element of an attribute that has several.
	Several bool
	// Type is text, e-mail address, language, boolean or list of texts, and Longest how
	// many characters Webex takes of it; 0 if it does not say.
	Type    string
	Longest int
	// Note is what there is to know before it is mapped.
	Note string
	// Refused says why it cannot be mapped, and what to do instead; empty if it can be.
	Refused string
}

// TargetOf finds the target attribute of a kind of object that a path names, in any
// case, which does not count in SCIM (RFC 7643 section 2.1); false if Webex has none.
func TargetOf(kind change.Kind, path string) (Target, bool) {
	for _, t := range Targets(kind) {
		if strings.EqualFold(t.Path, path) {
			return t, true
		}
	}
	return Target{}, false
}

// Targets are the target attributes of a kind of object.
func Targets(kind change.Kind) []Target {
	targets := userTargets()
	if kind == change.Group {
		targets = groupTargets()
	}
	all := make([]Target, len(targets))
	for i, t := range targets {
		all[i] = Target{
			Path: t.path, Boolean: t.form == boolean, Needed: t.needed, Several: strings.Contains(t.path, "["),
			Type: t.form.String(), Longest: t.longest, Note: t.note, Refused: t.refused,
		}
	}
	return all
}

// SourceAttribute is an attribute of Entra, as a mapping file names it.
type SourceAttribute struct {
	Name string
	// Graph is the property of Graph that it is read from.
	Graph string
	// Type is text, boolean, date or list of texts; empty if the tenant decides.
	Type string
	// Note says how it is read, where that is not plain.
	Note string
	// Refused says why it cannot be a source, and what to do instead; empty if it can be.
	Refused string
}

// SourceAttributes are those of a kind of object. The last are the forms of those that
// a tenant makes itself.
func SourceAttributes(kind change.Kind) []SourceAttribute {
	origins := userOrigins()
	if kind == change.Group {
		origins = groupOrigins()
	}
	var all []SourceAttribute
	for _, o := range origins {
		one := SourceAttribute{Name: o.name, Graph: graphName(o.name), Type: cmp.Or(o.kind, "text"), Note: o.note, Refused: o.refused}
		if o.several {
			one.Type = "list of texts"
		}
		if o.parts == nil {
			all = append(all, one)
		}
		for _, part := range o.parts {
			one.Name = o.name + "." + part
			all = append(all, one)
		}
	}
	for _, p := range patterns() {
		if o, _ := originOf(p.form, origins); o.refused == "" {
			all = append(all, SourceAttribute{Name: p.form, Graph: graphName(p.form), Note: p.note})
		}
	}
	return all
}
