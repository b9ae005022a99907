package plan

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// conclude puts the attempts into the plan.
func (pl *Planner) conclude(ctx context.Context) {
	for _, o := range slices.SortedFunc(maps.Keys(pl.attempts), compareObjects) {
		pl.add(pl.planned(ctx, pl.attempts[o]))
	}
	pl.plan.Summary.References = len(pl.Queued.Changes())
	pl.plan.Sort()
}

// planned tells an attempt as a part of the plan.
func (pl *Planner) planned(ctx context.Context, a provision.Attempt) Object {
	p := Object{Action: Unchanged, Object: a.Object, Name: pl.nameOf(ctx, a), WebexID: a.WebexID, Attributes: pl.shown(a), Reason: a.Reason, Adopted: a.Adopted}
	if provision.IsPlanned(p.WebexID) {
		p.WebexID = ""
	}
	if m := a.Members; m != (provision.MemberCount{}) || pl.Target.Seeds(a.Object) > 0 {
		p.Members = &Members{Added: m.Added + pl.Target.Seeds(a.Object), Removed: m.Removed, Waiting: m.Waiting, Skipped: m.Skipped}
	}
	switch {
	case a.Fault != nil && a.Fault.Kind.Policy().Hold:
		p.Held, p.Action, p.Reason = true, pl.heldAction(ctx, a.Object), because(a, a.Reason)
	case a.Fault != nil:
		p.Action = Fail
		if a.Again > 0 {
			p.Reason += "; a worker tries again"
		}
	case a.Status == provision.Warning && a.Action == provision.None:
		p.Action = Wait
	case a.Action != provision.None:
		p.Action, p.Reason = Action(a.Action), why(a)
	case !a.Redundant:
		p.Action = Skip
	case pl.drifted[a.Object]: // what Webex has was not looked at again
		p.Action, p.Reason = Skip, Drifted
	}
	if pl.Ledger.Busy(a.Object) {
		p.Reason = strings.TrimPrefix(p.Reason+"; the worker is at it now", "; ")
	}
	return p
}

// why is the reason of what would be written.
func why(a provision.Attempt) string {
	if a.Action == provision.Disable || a.Action == provision.Delete {
		return because(a, matched(a))
	}
	return matched(a)
}

// because is why something is taken away, and what else there is to say.
func because(a provision.Attempt, also string) string {
	verdict := a.Verdict
	if verdict.Decision == scoping.Skip { // before the account was found
		verdict.Decision = scoping.Deactivate
	}
	sentence := verdict.Sentence(a.Object.Kind)
	if sentence == "" || also == "" {
		return cmp.Or(sentence, also)
	}
	return sentence + "; " + also
}

// shown are the attributes that an attempt would change, as they may be told.
func (pl *Planner) shown(a provision.Attempt) []provision.Modified {
	rules := pl.Engine.Mapping.Of(a.Object.Kind)
	modified := slices.Clone(a.Modified)
	for i, m := range modified {
		modified[i].Old, modified[i].New = rules.Shown(m.Attribute, m.Old), rules.Shown(m.Attribute, m.New)
	}
	return modified
}

// heldAction is what is held of the object.
func (pl *Planner) heldAction(ctx context.Context, o change.Object) Action {
	r, _, err := pl.Ledger.Record(ctx, o)
	if err != nil || r.Hold == nil {
		return Fail // it was claimed in this very plan, and is in memory
	}
	return Action(r.Hold.Operation)
}

// matched says how an account that was there before is the object's.
func matched(a provision.Attempt) string {
	var why []string
	for _, step := range a.Steps {
		if step.Name == provision.Matching {
			why = append(why, step.Description)
		}
	}
	return strings.Join(why, "; ")
}

// isNameless reports whether the names of a kind are not to be told, since the mapping
// redacts them.
func (pl *Planner) isNameless(kind change.Kind) bool {
	rules := pl.Engine.Mapping.Of(kind)
	return rules.Redacts(rules.Name())
}

// nameOf is what an administrator knows the object by: as Entra has it, or else
// as it was last written.
func (pl *Planner) nameOf(ctx context.Context, a provision.Attempt) string {
	if name := pl.names[a.Object]; name != "" || pl.isNameless(a.Object.Kind) {
		return name
	}
	r, _, err := pl.Stored.Record(ctx, a.Object)
	if err != nil {
		return "" // its id has to do
	}
	for _, path := range []string{"userName", "displayName"} {
		if name, ok := r.LastWritten[path].(string); ok {
			return name
		}
	}
	if pl.Engine.Mapping.Of(a.Object.Kind).RedactsSource("userPrincipalName") {
		return ""
	}
	return a.Names.UserPrincipalName // of whom the mapping has no values
}
