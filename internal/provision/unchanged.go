package provision

import (
	"context"
	"maps"

	"entrawebex/internal/change"
)

// Unchanged reports whether nothing would come of looking at a live object that
// has these attributes, by Graph's names: Webex was last written what they map
// to, and nothing is open about it; or it has no account and is to have none.
func (e *Engine) Unchanged(ctx context.Context, o change.Object, attributes map[string]any) (bool, error) {
	r, _, err := e.Ledger.Record(ctx, o)
	if err != nil || r.Doubt != nil || r.Trouble != nil || r.Absence != nil || r.Comparison != nil {
		return false, err
	}
	attributes = maps.Clone(attributes)
	if attributes == nil {
		attributes = map[string]any{}
	}
	attributes["id"] = o.ID
	rules, entitled := e.Mapping.Users, attributes["accountEnabled"] == true
	if o.Kind == change.Group {
		rules, entitled = e.Mapping.Groups, attributes[securityEnabled] == true
	} else {
		attributes["IsSoftDeleted"] = !entitled
	}
	if r.WebexID == "" {
		return !entitled, nil
	}
	want, faulty := rules.Map(attributes)
	patch, _ := rules.Diff(r.Written, want, nil)
	return faulty == nil && len(patch) == 0, nil // an attempt says what is faulty
}
