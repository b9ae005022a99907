package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/webex"
)

// planner is the engine and the sweep on both sides as they are, in a rehearsal.
type planner struct {
	settings  config.Settings
	directory *entra.Client
	webex     *webex.Client
	kept      operatorLedger
	rules     mapping.Rules
	target    *provision.RehearsalTarget
	ledger    *provision.RehearsalLedger
	// healing takes the changes that the engine asks for.
	healing provision.RehearsalQueue
	engine  *provision.Engine
	// progress is nil where nobody watches; classified may be.
	progress   *planProgress
	classified func(reconcile.Account)

	plan *plan
	// attempts are the last of each object.
	attempts map[change.Object]provision.Attempt
	names    map[change.Object]string
}

func newPlanner(h *homes, s config.Settings) (*planner, error) {
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		return nil, err
	}
	directory, err := entra.Open(s.Entra, rules.Select())
	if err != nil {
		return nil, err
	}
	client, err := webex.OpenReadOnly(s.Webex)
	if err != nil {
		return nil, err
	}
	pl := &planner{
		settings: s, directory: directory, webex: client, kept: h.ledger, rules: rules,
		target: provision.NewRehearsalTarget(client, rules), ledger: provision.NewRehearsalLedger(h.ledger),
		plan: newPlan(), attempts: map[change.Object]provision.Attempt{}, names: map[change.Object]string{},
	}
	pl.engine = provision.New(provision.Config{
		Directory: directory, Target: pl.target, Ledger: pl.ledger, Queue: &pl.healing,
		Mapping: rules, TenantID: s.Entra.TenantID, Protected: s.Protected,
		SkipGroups: !s.ProvisionGroups, Nested: s.NestedGroups, DeleteBinned: s.GroupSoftDelete == "delete",
		UpsertOnly: s.UpsertOnly,
		Guard: &provision.Guard{
			Documents: provision.NewRehearsalDocuments(h.ledger), Provisioned: h.ledger.Provisioned,
			Floor: s.Guard.Floor, Share: s.Guard.Share, GroupShare: s.Guard.GroupShare, Window: s.Guard.Window,
		},
		ConfirmAfter: -1, // the second reading is taken for the first: a plan tells the end
		// One after another: so the guard counts in the same order every time.
		Parallel: 1, Observe: pl.observe, Log: slog.New(slog.DiscardHandler),
	})
	return pl, nil
}

// check makes sure that these are the sides whose ledger this is.
func (pl *planner) check(ctx context.Context) error {
	return errors.Join(checkTenant(ctx, pl.directory, pl.settings.Entra.TenantID), checkWebex(ctx, pl.webex))
}

// observe keeps an attempt, with what those before changed.
func (pl *planner) observe(a provision.Attempt) {
	before, again := pl.attempts[a.Object]
	if again {
		a.Modified = append(slices.Clone(before.Modified), a.Modified...)
		if a.Action == provision.None {
			a.Action = before.Action
		}
	}
	pl.attempts[a.Object] = a
}

// one plans for the one that has the name or id.
func (pl *planner) one(ctx context.Context, name string) error {
	found, err := pl.find(ctx, name)
	if err != nil {
		return err
	}
	pl.names[found.Object] = found.Name
	pl.engine.Converge(ctx, []change.Change{{
		Object: found.Object, Source: change.Reconcile, SeenAt: time.Now(), CorrelationID: uuid.NewString(), Afresh: true,
	}})
	pl.conclude(ctx)
	return nil
}

// find returns the one that has the name or id.
func (pl *planner) find(ctx context.Context, name string) (entra.Found, error) {
	if id, ok := change.ParseID(name); ok {
		return pl.findID(ctx, id)
	}
	found, err := pl.directory.Find(ctx, name)
	if err == nil && len(found) == 0 {
		found, err = pl.findInWebex(ctx, name)
	}
	switch {
	case err != nil:
		return entra.Found{}, err
	case len(found) == 0:
		return entra.Found{}, fmt.Errorf("%q is nobody's userPrincipalName, userName or displayName: give the name as a whole, or the object id", name)
	case len(found) > 1:
		lines := make([]string, len(found))
		for i, f := range found {
			lines[i] = fmt.Sprintf("\n  %s %s", f.Object, plain(f.Name))
		}
		return entra.Found{}, fmt.Errorf("%q is the name of %d objects: name one by its id%s", name, len(found), strings.Join(lines, ""))
	}
	return found[0], nil
}

// findID finds out whether an id is that of a user or of a group: as Entra says,
// or if it has neither, as the ledger does.
func (pl *planner) findID(ctx context.Context, id string) (entra.Found, error) {
	queries := make([]provision.Query, 0, len(change.Kinds()))
	for _, kind := range change.Kinds() {
		queries = append(queries, provision.Query{Object: change.Object{Kind: kind, ID: id}})
	}
	readings := pl.directory.Read(ctx, queries)
	for i, r := range readings {
		if r.Presence == provision.Present {
			return entra.Found{Object: queries[i].Object, Name: nameOf(r.Attributes)}, nil
		}
	}
	for i, r := range readings {
		_, kept, err := pl.kept.Record(ctx, queries[i].Object)
		switch {
		case err != nil || r.Err != nil:
			return entra.Found{}, errors.Join(err, r.Err)
		case kept || r.Presence == provision.SoftDeleted:
			return entra.Found{Object: queries[i].Object}, nil
		}
	}
	return entra.Found{}, fmt.Errorf("neither Entra nor the ledger has a user or a group with the id %s", id)
}

// findInWebex returns whose account or group in Webex has the name: that of a
// guest is another one in Entra.
func (pl *planner) findInWebex(ctx context.Context, name string) ([]entra.Found, error) {
	var found []entra.Found
	for _, kind := range change.Kinds() {
		resources, err := pl.webex.Named(ctx, kind, name)
		if err != nil {
			return nil, err
		}
		for _, r := range resources {
			o, linked, err := pl.kept.LinkedTo(ctx, r.ID)
			if err != nil {
				return nil, err
			}
			if linked {
				found = append(found, entra.Found{Object: o, Name: name})
			}
		}
	}
	return found, nil
}

// nameOf is the userPrincipalName of a user, the displayName of a group.
func nameOf(attributes map[string]any) string {
	if name, ok := attributes["userPrincipalName"].(string); ok {
		return name
	}
	name, _ := attributes["displayName"].(string)
	return name
}

// all plans for everything: it sweeps, and then does what the sweep leaves to
// the worker.
func (pl *planner) all(ctx context.Context) error {
	var left provision.RehearsalQueue
	listed := &roll{Graph: pl.directory, listed: map[change.Object]entry{}}
	accounts := map[change.Object]reconcile.Class{}
	sweep := &reconcile.Sweep{
		Graph: listed, Lister: pl.target, Ledger: pl.kept, Queue: &left, Converge: pl.engine.ConvergeSeen,
		Mapping: pl.rules, Scope: pl.engine.Scope, Members: pl.directory.Members,
		Nested: pl.engine.Nested, SkipGroups: pl.engine.SkipGroups, Park: true,
		Rests: func(context.Context) (string, error) { return "", nil },
		Depth: func(context.Context) (int, error) { return 0, nil },
		Round: func(context.Context, change.Kind, string) error { return nil },
		Progress: func(p reconcile.Progress) {
			pl.progress.show(string(p.Phase), p.Done, p.Total)
		},
		Classified: func(a reconcile.Account) {
			if a.ID != "" {
				accounts[change.Object{Kind: a.Kind, ID: a.ID}] = a.Class
			}
			if pl.classified != nil {
				pl.classified(a)
			}
		},
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	result, err := sweep.Run(ctx)
	if err != nil {
		return fmt.Errorf("%w: nothing was written, begin again", err)
	}
	pl.plan.Classes = result.Classes
	if err := pl.follow(ctx, left.Changes()); err != nil {
		return err
	}
	for o, e := range listed.listed {
		pl.names[o] = e.name
	}
	pl.unattempted(accounts, listed)
	pl.conclude(ctx)
	return nil
}

// follow does what a sweep leaves to the worker. What it failed with is planned
// already.
func (pl *planner) follow(ctx context.Context, changes []change.Change) error {
	changes = slices.DeleteFunc(changes, func(c change.Change) bool {
		_, attempted := pl.attempts[c.Object]
		return attempted
	})
	const together = 100
	for begin := 0; begin < len(changes); begin += together {
		pl.progress.show("what a sweep leaves to the worker", begin, len(changes))
		if err := ctx.Err(); err != nil {
			return err
		}
		pl.engine.Converge(ctx, changes[begin:min(begin+together, len(changes))])
	}
	return nil
}

// unattempted counts those for whom there is nothing to do, and says why.
func (pl *planner) unattempted(accounts map[change.Object]reconcile.Class, listed *roll) {
	for o, class := range accounts {
		if _, attempted := pl.attempts[o]; attempted {
			continue
		}
		switch class {
		case reconcile.Drifted:
			pl.plan.skip(o, pl.names[o], "was changed in Webex since it was written, and is left so")
		case reconcile.Unassigned:
			pl.plan.skip(o, pl.names[o], "is no longer assigned to the application, and stays as it is: a group, or inactive already")
		default:
			pl.plan.Summary.Unchanged++
		}
	}
	for o, e := range listed.listed {
		_, classed := accounts[o]
		if _, attempted := pl.attempts[o]; !attempted && !classed && !e.removed {
			pl.plan.skip(o, e.name, e.whyNot(o.Kind, pl.engine.SkipGroups))
		}
	}
}

// conclude puts the attempts into the plan.
func (pl *planner) conclude(ctx context.Context) {
	for _, o := range slices.SortedFunc(maps.Keys(pl.attempts), compareObjects) {
		pl.plan.add(pl.planned(ctx, pl.attempts[o]))
	}
	pl.plan.Summary.References = len(pl.healing.Changes())
	pl.plan.sort()
}

// planned tells an attempt as a part of the plan.
func (pl *planner) planned(ctx context.Context, a provision.Attempt) planned {
	p := planned{Action: planUnchanged, Object: a.Object, Name: pl.nameOf(ctx, a), WebexID: a.WebexID, Attributes: a.Modified, Reason: a.Reason}
	if provision.IsPlanned(p.WebexID) {
		p.WebexID = ""
	}
	if m := a.Members; m != (provision.MemberCount{}) || pl.target.Seeds(a.Object) > 0 {
		p.Members = &plannedMembers{Added: m.Added + pl.target.Seeds(a.Object), Removed: m.Removed, Waiting: m.Waiting, Skipped: m.Skipped}
	}
	switch {
	case a.Fault != nil && a.Fault.Kind == provision.Held:
		p.Held, p.Action = true, pl.heldAction(ctx, a.Object)
	case a.Fault != nil:
		p.Action = planFail
		if a.Again > 0 {
			p.Reason += "; a worker tries again"
		}
	case a.Status == provision.Warning && a.Action == provision.None:
		p.Action = planWait
	case a.Action != provision.None:
		p.Action = planAction(a.Action)
		p.Reason = matched(a)
	case !strings.Contains(a.Reason, "RedundantExport"):
		p.Action = planSkip
	}
	if pl.ledger.Busy(a.Object) {
		p.Reason = strings.TrimPrefix(p.Reason+"; the worker is at it now", "; ")
	}
	return p
}

// heldAction is what is held of the object.
func (pl *planner) heldAction(ctx context.Context, o change.Object) planAction {
	r, _, err := pl.ledger.Record(ctx, o)
	if err != nil || r.Hold == nil {
		return planFail // it was claimed in this very plan, and is in memory
	}
	return planAction(r.Hold.Operation)
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

// nameOf is what an administrator knows the object by: as Entra has it, or else
// as it was last written.
func (pl *planner) nameOf(ctx context.Context, a provision.Attempt) string {
	if name := pl.names[a.Object]; name != "" {
		return name
	}
	r, _, err := pl.kept.Record(ctx, a.Object)
	if err != nil {
		return "" // its id has to do
	}
	for _, path := range []string{"userName", "displayName"} {
		if name, ok := r.Written[path].(string); ok {
			return name
		}
	}
	return ""
}

// roll is Graph, and keeps whom it lists.
type roll struct {
	reconcile.Graph

	listed map[change.Object]entry
}

// entry is an object as it was listed.
type entry struct {
	name              string
	entitled, removed bool
}

// Delta implements reconcile.Graph.
func (r *roll) Delta(ctx context.Context, kind change.Kind, link string) (reconcile.Page, error) {
	page, err := r.Graph.Delta(ctx, kind, link)
	for _, o := range page.Objects {
		e := r.listed[o.Object]
		if name := nameOf(o.Attributes); name != "" {
			e.name = name
		}
		for _, attribute := range []string{"accountEnabled", "securityEnabled"} {
			e.entitled = e.entitled || o.Attributes[attribute] == true
		}
		e.removed = o.Removed != reconcile.NotRemoved
		r.listed[o.Object] = e
	}
	return page, err
}

// whyNot says, in the words of Entra's log, why one that is in no class is not
// provisioned.
func (e entry) whyNot(kind change.Kind, skipGroups bool) string {
	switch {
	case kind == change.Group && skipGroups:
		return "is a group, and PROVISION_GROUPS is false"
	case e.entitled:
		return "is not assigned to the application, neither itself nor through a group (NotEffectivelyEntitled)"
	case kind == change.Group:
		return "is not security-enabled: only security groups are provisioned (NotEffectivelyEntitled)"
	default:
		return "is disabled or deleted in Entra and was never provisioned (NotEffectivelyEntitled)"
	}
}
