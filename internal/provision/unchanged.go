package provision

import (
	"context"
	"maps"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// Unchanged reports whether nothing would come of looking at a live object that
// has these attributes, by Graph's names: Webex was last written what they map
// to, and nothing is open about it; or it has no account and is to have none. What
// the attributes do not show decides nothing, and neither does a record that
// another worker may be about to change.
func (e *Engine) Unchanged(ctx context.Context, o change.Object, attributes map[string]any) (bool, error) {
	r, _, err := e.Ledger.Record(ctx, o)
	if err != nil || r.isOpen() || r.Claim.Until.After(e.Now().Add(-e.skew())) {
		return false, err
	}
	attributes = maps.Clone(attributes)
	if attributes == nil {
		attributes = map[string]any{}
	}
	attributes["id"] = o.ID
	rules := e.Mapping.Users.WithoutRoles()
	if o.Kind == change.Group {
		rules = e.Mapping.Groups
	}
	verdict := e.Scoping.WithoutAssignments().WithoutMemberships().Decide(scoping.Subject{Kind: o.Kind, Attributes: attributes, Provisioned: r.WebexID != ""})
	if len(rules.Lacks(attributes)) > 0 || verdict.Decision == scoping.Unknown {
		return false, nil
	}
	if r.WebexID == "" {
		return verdict.Decision == scoping.Skip, nil
	}
	if o.Kind == change.User {
		attributes["IsSoftDeleted"] = verdict.IsSoftDeleted()
	}
	if same, err := e.sameManager(ctx, r, attributes); !same || err != nil {
		return false, err
	}
	want, faulty := rules.At(rules.Moments(r.Moments, attributes, e.Now())).Map(attributes)
	patch, _ := rules.Diff(r.LastWritten, r.writable(rules, want), nil)
	return faulty == nil && len(patch) == 0, nil // an attempt says what is faulty
}

// isOpen reports whether something about the object is not settled.
func (r *Record) isOpen() bool {
	return r.PendingWrite != nil || r.OpenFault != nil || r.Absence != nil || r.Missing != nil || r.MemberSync != nil
}
