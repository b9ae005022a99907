package sweep

import (
	"context"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

// Former is the configuration by which everybody was evaluated last.
type Former struct {
	Mapping mapping.Rules
	Scoping scoping.Rules
	// Then are those that came into force after it and before the present one, and by
	// which some were evaluated.
	Then []Former
}

// all are the configurations by which anybody may have been evaluated last.
func (f *Former) all() []Former { return append([]Former{*f}, f.Then...) }

// kinds are those of which one of the configurations says something else.
func (f *Former) kinds(now mapping.Rules) []change.Kind {
	var kinds []change.Kind
	for _, kind := range change.Kinds() {
		if slices.ContainsFunc(f.all(), func(was Former) bool { return was.Mapping.Of(kind).Sum() != now.Of(kind).Sum() }) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// mapsManagers reports whether all of them mapped managers.
func (f *Former) mapsManagers() bool {
	return !slices.ContainsFunc(f.all(), func(was Former) bool { return was.Mapping.Users.Manager() == "" })
}

// affected evaluates anew those whom another configuration affects, and nobody else:
// Entra is read, and of Webex what was last written. Who is assigned is the same
// under both, and not read but for the app roles that are mapped; who is in the groups
// that a filter asks about is.
func (r *run) affected(ctx context.Context) error {
	if err := r.readMemberships(ctx); err != nil {
		return err
	}
	if r.Scoping.Mapped != nil {
		for _, read := range []func(context.Context) error{r.readAssignments, r.readScope, r.readRoles} {
			if err := read(ctx); err != nil {
				return err
			}
		}
	}
	for _, kind := range r.Former.kinds(r.Mapping) {
		phase := Users
		if kind == change.Group {
			phase = Groups
		}
		if err := r.round(ctx, kind, phase, func(o reconcile.Object, at time.Time) error { return r.evaluate(ctx, o, at) }); err != nil {
			return err
		}
	}
	return r.takeBack(ctx)
}

// evaluate deals with one that Entra lists if the configurations differ about it.
// Who is removed is told by other means. Whose account is open goes to the engine with
// what was read; of anybody else, who may be out of scope besides, the worker finds
// out. Where something is taken back the engine here does, since the worker's takes
// nothing back.
func (r *run) evaluate(ctx context.Context, o reconcile.Object, at time.Time) error {
	if o.Removed != reconcile.NotRemoved {
		return nil
	}
	k := r.known[o.Object]
	if k == nil {
		k = &known{object: o.Object}
	}
	o = r.withRoles(o)
	if v := r.decide(r.Scoping, o, k.webexID != ""); r.waits(v) {
		r.skip(o.Object, nameOf(o.Attributes), v)
		return nil
	}
	is := r.effect(o, k)
	switch {
	case !is.noticed():
		return nil
	case is.settled():
		r.class(InSync, o.Object, k.webexID, is.name)
		return nil
	case is.clear():
		r.class(Behind, o.Object, k.webexID, is.name)
		return r.hand(ctx, o, at, nil, false, false)
	case is.withdrawn:
		r.class(Behind, o.Object, k.webexID, is.name)
		return r.give(ctx, provision.Snapshot{Object: o.Object, At: at})
	case is.linked:
		r.class(Behind, o.Object, k.webexID, is.name)
	default:
		r.class(New, o.Object, "", is.name)
	}
	return r.leave(ctx, r.look(o.Object))
}

// takeBack gives to the engine once more what takes something back and failed for now.
// What fails again and again is left to the worker, and what it has stays.
func (r *run) takeBack(ctx context.Context) error {
	const more = 3 // passes: a side that is down ends the sweep before that
	for range more {
		r.batch, r.failed = r.failed, nil
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	for _, s := range r.failed {
		if err := r.leave(ctx, r.look(s.Object)); err != nil {
			return err
		}
	}
	return r.flush(ctx)
}

// effect is what the change of configuration means for one.
type effect struct {
	name         string
	linked, open bool // there is an account, and it is active
	same, known  bool // whether all decide alike, and the present one decides at all
	fits, steady bool // whether the present mapping has values for it, and each before alike
	written      bool // Webex was last given what it should have now
	unclear      bool // whether a null clears something cannot be told from what was written
	withdrawn    bool // Webex was given what is mapped no more, and goes
}

// effect decides about one by all of the configurations.
func (r *run) effect(o reconcile.Object, k *known) effect {
	e := effect{linked: k.webexID != ""}
	e.open = e.linked && k.active && o.Kind == change.User
	rules := r.Mapping.Of(o.Kind)
	now := r.decide(r.Scoping, o, e.linked)
	e.known = now.Decision != scoping.Unknown && !now.Unlisted
	e.same, e.steady = true, true
	_, err := r.wants(rules, o, k, now)
	e.fits = err == nil
	for _, was := range r.Former.all() {
		before := r.decide(was.Scoping, o, e.linked)
		e.same = e.same && before.Decision == now.Decision && before.Reason == now.Reason
		_, unfit := r.wants(was.Mapping.Of(o.Kind), o, k, before)
		e.steady = e.steady && (unfit == nil) == e.fits
	}
	values, _ := r.wants(rules, o, k, now) // which the ones before have written over
	e.name = nameOf(values)
	if !e.open {
		delete(values, "active") // which follows from assignments, too
	}
	e.written = e.fits && rules.Has(k.written, values)
	e.unclear, e.withdrawn = rules.MayClear(k.written, o.Attributes), rules.Withdraws(k.written)
	return e
}

// noticed reports whether the change matters: what somebody without an account would
// have in Webex matters to nobody.
func (e effect) noticed() bool { return e.linked || !e.same || !e.steady }

// settled reports whether nothing is to be done.
func (e effect) settled() bool {
	return e.written && !e.unclear && (e.open || e.same) || e.same && !e.fits && e.steady
}

// clear reports whether the engine can decide on what was read.
func (e effect) clear() bool { return e.open && e.fits && !e.unclear && e.known }

// decide says what is to become of one, whoever is assigned.
func (r *run) decide(rules scoping.Rules, o reconcile.Object, linked bool) scoping.Verdict {
	return rules.WithoutAssignments().Decide(scoping.Subject{
		Kind: o.Kind, Attributes: o.Attributes, MemberOf: r.memberOf(o.Object), Provisioned: linked,
	})
}
