package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/sweep"
)

// How often it is asked whether another configuration is in force, where the ledger is
// on another machine and on this one. Everybody goes by it soon after.
const (
	askEvery     = 20 * time.Second
	askEveryHere = 100 * time.Millisecond
)

// Followed is how long after a configuration came into force nobody goes by the one
// before any more.
func Followed(s *config.Settings) time.Duration {
	if s.AWS == (config.AWS{}) {
		return 2 * askEveryHere
	}
	return 2 * askEvery
}

// inForce is the part of the system that follows the configuration in force. It is
// made anew where another one is, and whatever has begun goes on with what it began
// with: so nothing that is done mixes two.
type inForce struct {
	store *configuration.Store
	every time.Duration
	build func(rules mapping.Rules) *Parts
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	asked   time.Time
	present *system
}

// system is what one configuration is made into.
type system struct {
	version   configuration.Version
	parts     *Parts
	engine    *provision.Engine
	reconcile *reconcile.Job
}

// begin makes the system of the configuration in force.
func (f *inForce) begin(ctx context.Context) error {
	v, err := f.store.InForce(ctx)
	if err != nil {
		return err
	}
	f.asked = f.now()
	f.present, err = f.make(ctx, v)
	return err
}

// system returns that of the configuration in force, as of a moment ago. While that
// cannot be read, it is the one before.
func (f *inForce) system(ctx context.Context) *system {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.asked) < f.every {
		return f.present
	}
	v, err := f.store.InForce(ctx)
	if err == nil && v.Number != f.present.version.Number {
		var next *system
		if next, err = f.make(ctx, v); err == nil {
			f.log.InfoContext(ctx, "another configuration is in force", "version", v.Number, "by", v.By)
			f.present = next
		}
	}
	if err != nil {
		f.log.ErrorContext(ctx, "the configuration in force cannot be read: going on with the one before",
			"version", f.present.version.Number, "error", err)
		return f.present
	}
	f.asked = now
	return f.present
}

func (f *inForce) make(ctx context.Context, v configuration.Version) (*system, error) {
	rules, err := rulesOf(ctx, f.store, v.Number)
	if err != nil {
		return nil, err
	}
	s := &system{version: v, parts: f.build(rules)}
	s.engine = s.parts.Engine()
	s.reconcile = s.parts.Reconcile(s.engine)
	before, pending, err := f.store.Pending(ctx)
	if err != nil {
		return nil, err
	}
	if pending {
		was, err := rulesOf(ctx, f.store, before)
		if err != nil {
			return nil, err
		}
		s.reconcile.Cursors = s.reconcile.Cursors.Succeed(s.parts.basis(was))
	}
	return s, nil
}

// converge is the engine's Converge, under the configuration in force. What ends under
// another one than it began with is looked at again: the evaluation of that may have
// passed it by before it ended.
func (f *inForce) converge(ctx context.Context, changes []change.Change) []provision.Attempt {
	const soon = time.Second
	began := f.system(ctx)
	attempts := began.engine.Converge(ctx, changes)
	if f.system(ctx) == began {
		return attempts
	}
	for i := range attempts {
		if attempts[i].Again == 0 && attempts[i].Fault == nil {
			attempts[i].Again = soon
		}
	}
	return attempts
}

// rules are the mappings in force.
func (f *inForce) rules(ctx context.Context) mapping.Rules { return f.system(ctx).parts.Rules }

// looks is what looks for whatever no notification told, under the configuration in force.
type looks struct{ *inForce }

// Run looks once.
func (l looks) Run(ctx context.Context) error { return l.system(ctx).reconcile.Run(ctx) }

// schedule is what compares both sides, under the configuration in force when that
// begins. It ends when another one is.
func (f *inForce) schedule() *sweep.Schedule {
	s := f.present.parts.Sweeps(f.present.engine)
	s.Sweep = func(progress func(sweep.Progress)) *sweep.Job { return f.sweep(f.last(), progress) }
	s.Changed = f.changed
	return s
}

// last is the system that was asked for last.
func (f *inForce) last() *system {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.present
}

// sweep compares everything, and notes that everybody was evaluated by this
// configuration.
func (f *inForce) sweep(s *system, progress func(sweep.Progress)) *sweep.Job {
	job := s.parts.sweep(s.engine, progress)
	rests := job.Rests
	job.Rests = func(ctx context.Context) (string, error) {
		if now := f.system(ctx).version; now.Number != s.version.Number {
			return fmt.Sprintf("version %d of the configuration is in force now", now.Number), nil
		}
		return rests(ctx)
	}
	job.Done = func(ctx context.Context) error { return f.store.Evaluated(ctx, s.version.Number) }
	return job
}

// changed returns what evaluates anew whom the configuration in force affects, once
// nobody goes by the one before any more.
func (f *inForce) changed(ctx context.Context) (why string, job func(progress func(sweep.Progress)) *sweep.Job, err error) {
	s := f.system(ctx)
	before, pending, err := f.store.Pending(ctx)
	// Another process may have evaluated by a later one than this one goes by.
	if err != nil || !pending || before >= s.version.Number || f.now().Sub(s.version.At) < 2*f.every {
		return "", nil, err
	}
	former, rules, err := f.former(ctx, s, before)
	if err != nil {
		return "", nil, err
	}
	present := *s
	if s.version.Restores != nil {
		parts := *s.parts
		parts.Rules = rules
		present.parts, present.engine = &parts, parts.Engine()
	}
	return fmt.Sprintf("version %d of the configuration is in force", s.version.Number), func(progress func(sweep.Progress)) *sweep.Job {
		job := f.sweep(&present, progress)
		job.Former = former
		return job
	}, nil
}

// former are the configurations by which anybody may have been evaluated last: that by
// which everybody was, and those since, whose evaluation was cut short by the next. With
// them are the rules that also take away what these have written.
func (f *inForce) former(ctx context.Context, s *system, before int) (*sweep.Former, mapping.Rules, error) {
	var all []sweep.Former
	clearing := s.parts.Rules
	for number := before; number < s.version.Number; number++ {
		was, err := rulesOf(ctx, f.store, number)
		if _, wrong := errors.AsType[*mapping.Mistakes](err); wrong && number > before {
			continue // it never came into force
		}
		if err != nil {
			return nil, mapping.Rules{}, err
		}
		parts := *s.parts
		parts.Rules, clearing = was, clearing.Clearing(was)
		all = append(all, sweep.Former{Mapping: was, Scoping: parts.scoping()})
	}
	first := all[0]
	first.Then = all[1:]
	return &first, clearing, nil
}
