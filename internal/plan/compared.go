package plan

import (
	"maps"
	"slices"
	"time"

	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// Compared is a mapped attribute on both sides. Values that the mapping redacts are not
// told.
type Compared struct {
	Attribute string `json:"attribute"`
	// Entra is what the mapping makes of what Entra has, Webex what Webex has, Written
	// what was last written and confirmed.
	Entra   any `json:"entra,omitempty"`
	Webex   any `json:"webex,omitempty"`
	Written any `json:"lastWritten,omitempty"`
	// Outcome is what becomes of the attribute, with why where that is not plain.
	Outcome mapping.Outcome `json:"outcome,omitempty"`
	Why     string          `json:"why,omitempty"`
	// Differs says that Webex has something else than it is to have, Drifted that it has
	// something else than was last written.
	Differs bool `json:"differs"`
	Drifted bool `json:"drifted"`
}

// compare puts the mapped attributes of both sides side by side. Attributes are Entra's,
// nil where it does not show the object; resource is Webex's, nil where there is none.
func (pl *Planner) compare(r provision.Record, attributes map[string]any, verdict scoping.Verdict, resource map[string]any) []Compared {
	now := time.Now()
	m := pl.Engine.Mapping.Of(r.Object.Kind)
	attributes = maps.Clone(attributes)
	if attributes != nil {
		attributes["IsSoftDeleted"] = verdict.IsSoftDeleted()
	}
	m = m.At(m.Moments(r.Moments, attributes, now))
	wants, fates := map[string]any{}, map[string]mapping.Fate{}
	if attributes != nil && verdict.Reason != scoping.SoftDeleted { // whose name there is another
		wants, fates = mapped(m, attributes, now, r.WebexID == "")
	}
	due, have := dueOf(verdict, wants), m.Values(resource)
	all := []Compared{}
	for _, e := range m.Explain(attributes, now).Mappings {
		path := e.Target
		fate := fates[path]
		c := Compared{
			Attribute: path, Entra: m.Shown(path, wants[path]), Webex: m.Shown(path, have[path]), Written: m.Shown(path, r.LastWritten[path]),
			Outcome: fate.Outcome, Why: fate.Why,
		}
		if resource != nil && !imposed(r, path) {
			given, asked := r.Given[path]
			want, isDue := due[path]
			c.Differs = isDue && !m.Same(path, have[path], want) && (!asked || !m.Same(path, given, want))
			written, isWritten := r.LastWritten[path]
			c.Drifted = isWritten && !m.Same(path, have[path], written)
		}
		if c.Entra != nil || c.Webex != nil || c.Written != nil || c.Outcome == mapping.Faulty {
			all = append(all, c)
		}
	}
	return all
}

// mapped is what a mapping makes of attributes, and what becomes of each target. Where
// one is at fault there are no values.
func mapped(m mapping.Mapping, attributes map[string]any, now time.Time, creation bool) (map[string]any, map[string]mapping.Fate) {
	values, err := m.Map(attributes)
	if creation {
		values, err = m.MapNew(attributes)
	}
	if err != nil {
		values = map[string]any{}
	}
	fates := map[string]mapping.Fate{}
	for _, e := range m.Explain(attributes, now).Mappings {
		fates[e.Target] = e.Update
		if creation {
			fates[e.Target] = e.Creation
		}
	}
	return values, fates
}

// dueOf is what Webex is to have by the verdict: of who is deleted or out of scope it is
// told no more than that the account is closed.
func dueOf(verdict scoping.Verdict, wants map[string]any) map[string]any {
	switch {
	case verdict.Decision == scoping.Provision || verdict.Reason == scoping.Blocked && verdict.Decision == scoping.Deactivate:
		return wants
	case verdict.Decision == scoping.Deactivate:
		return map[string]any{"active": false}
	default:
		return nil
	}
}

// imposed reports whether Webex itself has changed the attribute when the account was
// closed: that is put back when it is open again.
func imposed(r provision.Record, path string) bool {
	return r.LastWritten["active"] == false && slices.Contains(r.Imposed, path)
}
