package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"entrawebex/infra"
	"entrawebex/internal/app"
	"entrawebex/internal/app/stores"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
	"entrawebex/internal/webex"
)

// planner is the engine and the sweep on both sides as they are, in a rehearsal.
type planner struct {
	settings  config.Settings
	directory *entra.Client
	webex     *webex.Client
	kept      stores.Ledger
	rules     mapping.Rules
	target    *provision.RehearsalTarget
	ledger    *provision.RehearsalLedger
	// healing takes the changes that the engine asks for.
	healing provision.RehearsalQueue
	engine  *provision.Engine
	// progress is nil where nobody watches; classified may be.
	progress   *planProgress
	classified func(sweep.Account)

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
	directory, err := entra.Open(s.Entra, rules.Select(), h.Log)
	if err != nil {
		return nil, err
	}
	client, err := webex.OpenReadOnly(s.Webex, h.Log)
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
		Scoping: app.Scoping(&s, directory), Nested: s.NestedGroups, DeleteBinned: s.GroupSoftDelete == "delete",
		UpsertOnly: s.UpsertOnly,
		Guard: &provision.Guard{
			Documents: provision.NewRehearsalDocuments(h.ledger), Provisioned: h.ledger.Provisioned,
			Floor: s.Guard.Floor, Share: s.Guard.Share, GroupShare: s.Guard.GroupShare, Window: s.Guard.Window,
		},
		TrustGone:    true,
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

// all plans for everything: it sweeps, and then does what the sweep leaves to
// the worker.
func (pl *planner) all(ctx context.Context) error {
	var left provision.RehearsalQueue
	skipped := map[change.Object]scoping.Verdict{}
	accounts := map[change.Object]sweep.Class{}
	comparison := &sweep.Job{
		Graph: pl.directory, Lister: pl.target, Ledger: pl.kept, Queue: &left, Converge: pl.engine.ConvergeSeen,
		Mapping: pl.rules, Scoping: pl.engine.Scoping, Members: pl.directory.Members,
		Nested: pl.engine.Nested, RepairDrift: pl.settings.RepairDrift, Park: true,
		Rests: func(context.Context) (string, error) { return "", nil },
		Depth: func(context.Context) (int, error) { return 0, nil },
		Round: func(context.Context, change.Kind, string) error { return nil },
		Progress: func(p sweep.Progress) {
			pl.progress.show(string(p.Phase), p.Done, p.Total)
		},
		Classified: func(a sweep.Account) {
			if o := (change.Object{Kind: a.Kind, ID: a.ID}); a.ID != "" {
				accounts[o] = a.Class
				pl.called(o, a.Name)
			}
			if pl.classified != nil {
				pl.classified(a)
			}
		},
		Skipped: func(o change.Object, name string, why scoping.Verdict) {
			skipped[o] = why
			pl.called(o, name)
		},
		Now: time.Now,
	}
	result, err := comparison.Run(ctx)
	if err != nil {
		return fmt.Errorf("%w: nothing was written, begin again", err)
	}
	pl.plan.Classes = result.Classes
	if err := pl.follow(ctx, left.Changes()); err != nil {
		return err
	}
	pl.unattempted(accounts, skipped)
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

// called notes the name of an object, if it has one.
func (pl *planner) called(o change.Object, name string) {
	if name != "" {
		pl.names[o] = name
	}
}

// unattempted counts those for whom there is nothing to do, and says why.
func (pl *planner) unattempted(accounts map[change.Object]sweep.Class, skipped map[change.Object]scoping.Verdict) {
	for o, class := range accounts {
		if _, attempted := pl.attempts[o]; attempted {
			continue
		}
		switch class {
		case sweep.Drifted:
			pl.plan.skip(o, pl.names[o], "was changed in Webex since it was written, and is left so")
		case sweep.Unassigned:
			pl.plan.skip(o, pl.names[o], "is no longer assigned to the application, and stays as it is: a group, or inactive already")
		default:
			pl.plan.Summary.Unchanged++
		}
	}
	for o, why := range skipped {
		if _, attempted := pl.attempts[o]; !attempted {
			pl.plan.skip(o, pl.names[o], why.Sentence(o.Kind))
		}
	}
}
