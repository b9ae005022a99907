package sweep

import (
	"context"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

// Former is the configuration by which everybody was evaluated last.
type Former struct {
	Mapping mapping.Rules
	Scoping scoping.Rules
}

// kinds are those of which the configurations say something else.
func (f *Former) kinds(now mapping.Rules) []change.Kind {
	var kinds []change.Kind
	if f.Mapping.Users.Sum() != now.Users.Sum() {
		kinds = append(kinds, change.User)
	}
	if f.Mapping.Groups.Sum() != now.Groups.Sum() {
		kinds = append(kinds, change.Group)
	}
	return kinds
}

// affected evaluates anew those whom another configuration affects, and nobody else:
// Entra is read, and of Webex what was last written. Who is assigned is the same
// under both, and not read.
func (r *run) affected(ctx context.Context) error {
	for _, kind := range r.Former.kinds(r.Mapping) {
		phase := Users
		if kind == change.Group {
			phase = Groups
		}
		if err := r.round(ctx, kind, phase, func(o reconcile.Object, at time.Time) error { return r.evaluate(ctx, o, at) }); err != nil {
			return err
		}
	}
	return nil
}

// evaluate deals with one that Entra lists if the configurations differ about it.
// Who is removed is told by other means. Whose account is open goes to the engine with
// what was read; of anybody else, who may be out of scope besides, the worker finds
// out.
func (r *run) evaluate(ctx context.Context, o reconcile.Object, at time.Time) error {
	if o.Removed != reconcile.NotRemoved {
		return nil
	}
	k := r.known[o.Object]
	if k == nil {
		k = &known{object: o.Object}
	}
	linked := k.webexID != ""
	before, now := decide(r.Former.Scoping, o, linked), decide(r.Scoping, o, linked)
	_, fitted := mapped(r.former, r.Former.Mapping.Of(o.Kind), o, before)
	is, fits := mapped(r.wanted, r.Mapping.Of(o.Kind), o, now)
	name := nameOf(is)
	open := linked && k.active && o.Kind == change.User
	if !open {
		delete(is, "active") // which follows from assignments, too
	}
	written := fits && r.Mapping.Of(o.Kind).Has(k.written, is)
	unclear := r.Mapping.Of(o.Kind).MayClear(k.written, o.Attributes)
	same := before.Decision == now.Decision && before.Reason == now.Reason
	switch {
	case !linked && same && fits == fitted:
		return nil // what it would have in Webex matters to nobody
	case written && !unclear && (open || same), same && !fits && !fitted:
		r.class(InSync, o.Object, k.webexID, name)
		return nil
	case open && fits && !unclear && now.Decision != scoping.Unknown:
		r.class(Behind, o.Object, k.webexID, name)
		r.assigned[o.Object] = []string{scoping.AsBefore}
		return r.hand(ctx, o, at, nil, false, name, false)
	case linked:
		r.class(Behind, o.Object, k.webexID, name)
	default:
		r.class(New, o.Object, "", name)
	}
	return r.leave(ctx, r.look(o.Object))
}

// mapped is what Webex should have of one, and whether it can be mapped at all.
func mapped(into map[string]any, m mapping.Mapping, o reconcile.Object, v scoping.Verdict) (values map[string]any, fits bool) {
	values, err := wanted(into, m, o, v)
	return values, err == nil
}

// decide says what is to become of one, whoever is assigned.
func decide(rules scoping.Rules, o reconcile.Object, linked bool) scoping.Verdict {
	return rules.WithoutAssignments().Decide(scoping.Subject{Kind: o.Kind, Attributes: o.Attributes, Provisioned: linked})
}
