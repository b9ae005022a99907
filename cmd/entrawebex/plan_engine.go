package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/app"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
)

// planner is a dry run, and what it finds.
type planner struct {
	*app.DryRun

	tenantID string
	// progress is nil where nobody watches; classified may be.
	progress   *planProgress
	classified func(sweep.Account)

	plan *plan
	// attempts are the last of each object.
	attempts map[change.Object]provision.Attempt
	names    map[change.Object]string
}

func newPlanner(ctx context.Context, h *homes, s config.Settings) (*planner, error) {
	pl := &planner{
		tenantID: s.Entra.TenantID,
		plan:     newPlan(), attempts: map[change.Object]provision.Attempt{}, names: map[change.Object]string{},
	}
	var err error
	pl.DryRun, err = app.OpenDryRun(ctx, s, h.ledger, pl.observe, h.Log)
	return pl, err
}

// check makes sure that these are the sides whose ledger this is.
func (pl *planner) check(ctx context.Context) error {
	return errors.Join(checkTenant(ctx, pl.Graph, pl.tenantID), checkWebex(ctx, pl.Webex))
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
	pl.Engine.Converge(ctx, []change.Change{{
		Object: found.Object, Source: change.Reconcile, SeenAt: time.Now(), CorrelationID: uuid.NewString(), Afresh: true,
	}})
	pl.conclude(ctx)
	return nil
}

// all plans for everything: it sweeps, and then does what the sweep leaves to
// the worker.
func (pl *planner) all(ctx context.Context) error {
	var left provision.DryRunQueue
	skipped := map[change.Object]scoping.Verdict{}
	accounts := map[change.Object]sweep.Class{}
	comparison := pl.Sweep(&left, func(p sweep.Progress) { pl.progress.show(string(p.Phase), p.Done, p.Total) })
	comparison.Classified = func(a sweep.Account) {
		if o := (change.Object{Kind: a.Kind, ID: a.ID}); a.ID != "" {
			accounts[o] = a.Class
			pl.called(o, a.Name)
		}
		if pl.classified != nil {
			pl.classified(a)
		}
	}
	comparison.Skipped = func(o change.Object, name string, why scoping.Verdict) {
		skipped[o] = why
		pl.called(o, name)
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
		pl.Engine.Converge(ctx, changes[begin:min(begin+together, len(changes))])
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
