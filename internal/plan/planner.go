package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/app"
	"entrawebex/internal/app/stores"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
)

// Request is what is planned for: All, or what has this name or id.
type Request struct {
	Name string `json:"name,omitempty"`
	All  bool   `json:"all,omitempty"`
	// Accounts asks for each account and its class too; see Watcher.
	Accounts bool `json:"accounts,omitempty"`
	// Watched says that somebody sees how far it is: then the users are counted first.
	Watched bool `json:"watched,omitempty"`
	// Configuration is the one to plan by; empty for the one in force. Restores says
	// that what is in force and not in it goes from Webex.
	Configuration string `json:"configuration,omitempty"`
	Restores      bool   `json:"restores,omitempty"`
	// Scope, GuardFloor and GuardShare take the place of the settings SCOPE,
	// GUARD_FLOOR and GUARD_SHARE, if they are not zero.
	Scope      string `json:"scope,omitempty"`
	GuardFloor int    `json:"guardFloor,omitempty"`
	GuardShare int    `json:"guardShare,omitempty"`
	// AppID, SkipOutOfScopeDeletions and ProvisionGroups take the place of ENTRA_APP_ID,
	// SKIP_OUT_OF_SCOPE_DELETIONS and PROVISION_GROUPS, if they are given.
	AppID                   string `json:"appId,omitempty"`
	SkipOutOfScopeDeletions *bool  `json:"skipOutOfScopeDeletions,omitempty"`
	ProvisionGroups         *bool  `json:"provisionGroups,omitempty"`
}

// Validate returns what is wrong with the request.
func (r Request) Validate() error {
	switch {
	case r.All == (r.Name != ""):
		return errors.New("name one user or group, or say --all")
	case r.Accounts && !r.All:
		return errors.New("--accounts is for --all: one object is no list of accounts")
	case r.Scope != "" && r.Scope != "all" && r.Scope != "assigned":
		return fmt.Errorf("the scope is %q and must be assigned or all", r.Scope)
	case r.GuardFloor < 0 || r.GuardShare < 0 || r.GuardShare > 100:
		return errors.New("the guard's floor is a number of objects, its share a percentage from 0 to 100")
	default:
		return nil
	}
}

// Under are the settings with those of the request in their places.
func (r Request) Under(s config.Settings) config.Settings {
	s.Scope = cmp.Or(r.Scope, s.Scope)
	s.Guard.Floor = cmp.Or(r.GuardFloor, s.Guard.Floor)
	s.Guard.Share = cmp.Or(r.GuardShare, s.Guard.Share)
	s.Entra.AppID = cmp.Or(r.AppID, s.Entra.AppID)
	if r.SkipOutOfScopeDeletions != nil {
		s.SkipOutOfScopeDeletions = *r.SkipOutOfScopeDeletions
	}
	if r.ProvisionGroups != nil {
		s.ProvisionGroups = *r.ProvisionGroups
	}
	return s
}

// Watcher is told what comes before the plan is there. Any of it may be nil.
type Watcher struct {
	// Progress is told how many of how many are done; of 0 is of nobody knows how
	// many.
	Progress func(phase string, done, of int)
	// Account is told each account of either side, and its class.
	Account func(sweep.Account)
	// Object is told what would come of each object, of those that stay as they are
	// too.
	Object func(Object)
}

func (w Watcher) progress(phase string, done, of int) {
	if w.Progress != nil {
		w.Progress(phase, done, of)
	}
}

// Planner is a dry run, and what it finds.
type Planner struct {
	*app.DryRun

	tenantID string
	watcher  Watcher
	// users is how many there are in Entra; 0 if nobody knows.
	users int

	plan *Plan
	// attempts are the last of each object.
	attempts map[change.Object]provision.Attempt
	names    map[change.Object]string
	// drifted are those of whom the comparison says so.
	drifted map[change.Object]bool
}

// Open opens what makes one plan, which begins with what is stored.
func Open(ctx context.Context, s config.Settings, rules mapping.Rules, stored stores.Ledger, watcher Watcher, log *slog.Logger) (*Planner, error) {
	pl := &Planner{
		tenantID: s.Entra.TenantID, watcher: watcher,
		plan: New(), attempts: map[change.Object]provision.Attempt{}, names: map[change.Object]string{}, drifted: map[change.Object]bool{},
	}
	var err error
	pl.DryRun, err = app.OpenDryRun(ctx, s, rules, stored, pl.observe, log)
	return pl, err
}

// Make makes the plan, once it is sure that these are the sides whose ledger this
// is.
func (pl *Planner) Make(ctx context.Context, r Request) (*Plan, error) {
	if err := pl.check(ctx); err != nil {
		return nil, err
	}
	if !r.All {
		return pl.one(ctx, r.Name)
	}
	if r.Watched {
		pl.users = pl.count(ctx)
	}
	return pl.All(ctx)
}

// count returns how many users there are; 0 if Graph does not say so at once: a plan
// can do without it.
func (pl *Planner) count(ctx context.Context) int {
	const patience = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	users, _ := pl.Graph.CountUsers(ctx)
	return users
}

// swept tells how far a sweep is. It reads the users page by page, and cannot know how
// many there are.
func (pl *Planner) swept(p sweep.Progress) {
	if p.Phase == sweep.Users {
		p.Total = pl.users
	}
	pl.watcher.progress(string(p.Phase), p.Done, p.Total)
}

func (pl *Planner) check(ctx context.Context) error {
	return errors.Join(app.CheckTenant(ctx, pl.Graph, pl.tenantID), app.CheckWebex(ctx, pl.Webex))
}

// observe keeps an attempt, with what those before changed.
func (pl *Planner) observe(a provision.Attempt) {
	before, again := pl.attempts[a.Object]
	if again {
		a.Modified = append(slices.Clone(before.Modified), a.Modified...)
		if a.Action == provision.None {
			a.Action = before.Action
		}
		a.Adopted = cmp.Or(a.Adopted, before.Adopted)
	}
	pl.attempts[a.Object] = a
}

// one plans for the one that has the name or id.
func (pl *Planner) one(ctx context.Context, name string) (*Plan, error) {
	found, err := pl.find(ctx, name)
	if err != nil {
		return nil, err
	}
	pl.called(found.Object, found.Name)
	pl.converge(ctx, found.Object)
	pl.conclude(ctx)
	return pl.plan, nil
}

// converge has the engine look at the object, and trust nothing.
func (pl *Planner) converge(ctx context.Context, o change.Object) {
	pl.Engine.Converge(ctx, []change.Change{{
		Object: o, Source: change.Reconcile, SeenAt: time.Now(), CorrelationID: uuid.NewString(), Afresh: true,
	}})
}

// All plans for everything: it sweeps, and then does what the sweep leaves to
// the worker.
func (pl *Planner) All(ctx context.Context) (*Plan, error) {
	var left provision.DryRunQueue
	skipped := map[change.Object]scoping.Verdict{}
	accounts := map[change.Object]sweep.Account{}
	comparison := pl.Sweep(&left, pl.swept)
	comparison.Classified = func(a sweep.Account) {
		if pl.isNameless(a.Kind) {
			a.Name = ""
		}
		if o := (change.Object{Kind: a.Kind, ID: a.ID}); a.ID != "" {
			accounts[o] = a
			pl.called(o, a.Name)
		}
		if pl.watcher.Account != nil {
			pl.watcher.Account(a)
		}
	}
	comparison.Skipped = func(o change.Object, name string, why scoping.Verdict) {
		skipped[o] = why
		pl.called(o, name)
	}
	result, err := comparison.Run(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: nothing was written, begin again", err)
	}
	pl.plan.Classes = result.Classes
	if err := pl.follow(ctx, left.Changes()); err != nil {
		return nil, err
	}
	pl.unattempted(accounts, skipped)
	for o, a := range accounts {
		pl.drifted[o] = a.Class == sweep.Drifted
	}
	pl.conclude(ctx)
	return pl.plan, nil
}

// follow does what a sweep leaves to the worker. What it failed with is planned
// already.
func (pl *Planner) follow(ctx context.Context, changes []change.Change) error {
	changes = slices.DeleteFunc(changes, func(c change.Change) bool {
		_, attempted := pl.attempts[c.Object]
		return attempted
	})
	const together = 100
	for begin := 0; begin < len(changes); begin += together {
		pl.watcher.progress("what a sweep leaves to the worker", begin, len(changes))
		if err := ctx.Err(); err != nil {
			return err
		}
		pl.Engine.Converge(ctx, changes[begin:min(begin+together, len(changes))])
	}
	return nil
}

// called notes the name of an object, if it has one that may be told.
func (pl *Planner) called(o change.Object, name string) {
	if name != "" && !pl.isNameless(o.Kind) {
		pl.names[o] = name
	}
}

// Drifted is the Reason of what is left as it is though Webex has something else.
const Drifted = "was changed in Webex since it was written, and is left so"

// unattempted counts those for whom there is nothing to do, and says why.
func (pl *Planner) unattempted(accounts map[change.Object]sweep.Account, skipped map[change.Object]scoping.Verdict) {
	for o, a := range accounts {
		if _, attempted := pl.attempts[o]; attempted {
			continue
		}
		one := Object{Action: Skip, Object: o, Name: pl.names[o], WebexID: a.WebexID}
		switch a.Class {
		case sweep.Drifted:
			one.Reason = Drifted
		case sweep.Unassigned:
			one.Reason = "is no longer in scope, and stays as it is: a group, or inactive already"
		default:
			one.Action = Unchanged
		}
		pl.add(one)
	}
	for o, why := range skipped {
		if _, attempted := pl.attempts[o]; !attempted {
			pl.add(Object{Action: Skip, Object: o, Name: pl.names[o], Reason: why.Sentence(o.Kind)})
		}
	}
}

// add adds what would come of one object to the plan.
func (pl *Planner) add(one Object) {
	pl.plan.Add(one)
	if pl.watcher.Object != nil {
		pl.watcher.Object(one)
	}
}
