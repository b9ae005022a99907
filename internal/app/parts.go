package app

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/history"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
)

// Graph is Entra, as the engine and the comparison read it.
type Graph interface {
	provision.Directory
	reconcile.Graph
	// ServicePrincipal returns the object id of the enterprise application
	// with an application (client) id. Fault Permanent if there is none.
	ServicePrincipal(ctx context.Context, appID string) (id string, err error)
	// AppRoles returns what the app roles of an application are called, by their ids.
	AppRoles(ctx context.Context, servicePrincipalID string, wanted []string) (map[string]string, error)
}

// Webex is Webex, as both read it and the engine writes it.
type Webex interface {
	provision.Target
	provision.Lister
}

// Queue takes Changes and knows how many wait.
type Queue interface {
	provision.Enqueuer
	// Waiting is how many Changes can be received now.
	Waiting(ctx context.Context) (int, error)
}

// Parts are what the engine and the jobs that find work for it are made of,
// wherever that is kept.
type Parts struct {
	Settings config.Settings
	Rules    mapping.Rules
	Graph    Graph
	Webex    Webex
	Ledger   stores.Ledger
	Queue    Queue
	// Rests returns why nothing is to be written now; empty if something is.
	Rests func(ctx context.Context) (string, error)
	// OneClock says that one process writes the ledger.
	OneClock bool
	// Observe is told every attempt. It may be nil.
	Observe func(provision.Attempt)
	// History keeps what was done. It may be nil: then nothing is kept.
	History *history.Log
	Log     *slog.Logger
}

// parallel is how many objects are claimed, decided and concluded at a time: as
// many as a sweep hands over together. A ledger on another machine answers each in
// milliseconds, and one on this one writes them together.
const parallel = 100

// Engine returns the engine.
func (p *Parts) Engine() *provision.Engine { return provision.New(p.config()) }

func (p *Parts) config() provision.Config {
	s := p.Settings
	var keep func(context.Context, []provision.Attempt)
	if p.History != nil {
		keep = func(ctx context.Context, attempts []provision.Attempt) {
			p.History.Keep(ctx, p.Rules, attempts)
			if err := holds(p.Ledger).Note(ctx, attempts); err != nil {
				p.Log.WarnContext(ctx, "it is not noted what is held", "error", err)
			}
		}
	}
	return provision.Config{
		Directory:    p.Graph,
		Target:       p.Webex,
		Ledger:       p.Ledger,
		Queue:        p.Queue,
		Mapping:      p.Rules,
		TenantID:     s.Entra.TenantID,
		Scoping:      p.scoping(),
		Nested:       s.NestedGroups,
		DeleteBinned: s.GroupSoftDelete == "delete",
		Protected:    s.Protected,
		UpsertOnly:   s.UpsertOnly,
		Guard: &provision.Guard{
			Documents: p.Ledger, Provisioned: p.Ledger.Provisioned,
			Floor: s.Guard.Floor, Share: s.Guard.Share, GroupShare: s.Guard.GroupShare, Window: s.Guard.Window,
		},
		Later:        &provision.Later{Documents: p.Ledger},
		ConfirmAfter: s.ConfirmAfter,
		Parallel:     parallel,
		OneClock:     p.OneClock,
		Jitter:       rand.N[time.Duration],
		Healed:       p.Letters().Owe,
		Observe:      p.Observe,
		Keep:         keep,
		Log:          p.Log,
	}
}

// holds are what waits for an operator's word.
func holds(kept stores.Ledger) *provision.Holds {
	return &provision.Holds{Ledger: kept, Documents: kept}
}

// scoping says who is provisioned.
func (p *Parts) scoping() scoping.Rules {
	s := &p.Settings
	rules := scoping.Rules{
		Roles:      scoping.Roles{ExcludeDefault: s.DefaultAccess == "exclude"},
		SkipGroups: !s.ProvisionGroups, SkipOutOfScope: s.SkipOutOfScopeDeletions,
		Filters: p.Rules.Filters(),
	}
	mapped := p.Rules.Users.ReadsRoles()
	if s.Everybody() && !mapped {
		return rules
	}
	application := &scoping.Application{AppID: s.Entra.AppID, Find: p.Graph.ServicePrincipal}
	if !s.Everybody() {
		rules.Application = application
	}
	if mapped {
		rules.Mapped = application
	}
	return rules
}

func (p *Parts) cursors() *reconcile.Cursors {
	return reconcile.NewCursors(p.Ledger, p.basis(p.Rules), time.Now)
}

// basis is what delta queries rest on under these rules.
func (p *Parts) basis(rules mapping.Rules) reconcile.Basis {
	b := reconcile.Basis{Select: rules.Select(), Rules: map[change.Kind]string{}}
	for _, kind := range change.Kinds() {
		b.Rules[kind] = p.Settings.Rules() + "\n" + rules.Of(kind).Sum()
	}
	return b
}

// Letters is what the ledger knows of the dead-letter queue.
func (p *Parts) Letters() *provision.Letters {
	return &provision.Letters{Ledger: p.Ledger, Documents: p.Ledger, Now: time.Now}
}

// Requests are what asks for a sweep.
func (p *Parts) Requests() *sweep.Requests {
	return &sweep.Requests{Documents: p.Ledger, Now: time.Now, Log: p.Log}
}

// Reconcile returns what looks every minute for what no notification told.
func (p *Parts) Reconcile(engine *provision.Engine) *reconcile.Job {
	return &reconcile.Job{
		Graph:     p.Graph,
		Members:   p.Graph,
		Queue:     p.Queue,
		Documents: p.Ledger,
		Cursors:   p.cursors(),
		Sweeps:    p.Requests(),
		Probe: func(ctx context.Context) error {
			_, err := p.Graph.Organization(ctx)
			return err
		},
		Scoping: p.scoping(),
		Nested:  p.Settings.NestedGroups,
		Unchanged: func(ctx context.Context, o reconcile.Object) (bool, error) {
			return engine.Unchanged(ctx, o.Object, o.Attributes)
		},
		Now: time.Now,
		Log: p.Log,
	}
}

// Sweeps returns what compares both sides as a whole when that is due.
func (p *Parts) Sweeps(engine *provision.Engine) *sweep.Schedule {
	return &sweep.Schedule{
		Requests: p.Requests(),
		Sweep:    func(progress func(sweep.Progress)) *sweep.Job { return p.sweep(engine, progress) },
		Every:    p.Settings.CompareInterval,
		Now:      time.Now,
		Log:      p.Log,
	}
}

// sweep returns what compares both sides as a whole, once.
func (p *Parts) sweep(engine *provision.Engine, progress func(sweep.Progress)) *sweep.Job {
	return &sweep.Job{
		Graph:       p.Graph,
		Lister:      p.Webex,
		Ledger:      p.Ledger,
		Queue:       p.Queue,
		Converge:    engine.ConvergeSeen,
		Mapping:     p.Rules,
		Scoping:     p.scoping(),
		Members:     p.Graph.Members,
		AppRoles:    p.Graph.AppRoles,
		Nested:      p.Settings.NestedGroups,
		RepairDrift: p.Settings.RepairDrift,
		Park:        true,
		Rests:       p.Rests,
		Depth:       p.Queue.Waiting,
		Lost: func(ctx context.Context) (bool, error) {
			cursor, err := p.cursors().Load(ctx, change.Group)
			return cursor.Link == "", err
		},
		Round: func(ctx context.Context, kind change.Kind, link string) error {
			return p.cursors().Save(ctx, kind, link)
		},
		Progress: progress,
		Now:      time.Now,
		Log:      p.Log,
	}
}
