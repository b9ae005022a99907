package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// plant breaks a rule on purpose, to see that it is noticed. Nothing of the system
// is changed for it: what an engine, or a process, is given is.
type plant struct {
	// from is the first seed that is tried: of what is noticed seldom, near one in
	// which it is.
	from uint64
	// breaks is done to what an engine is made of.
	breaks func(*provision.Config)
	// asks is done to the Changes that a worker has its engine converge, told to
	// what came of them.
	asks func([]change.Change)
	told func([]provision.Attempt)

	found string
}

// into breaks the rule in what an engine is made of.
func (p *plant) into(c *provision.Config) {
	if p != nil && p.breaks != nil {
		p.breaks(c)
	}
}

// around breaks the rule in what a worker asks, or is told.
func (p *plant) around(converge func(context.Context, []change.Change) []provision.Attempt) func(context.Context, []change.Change) []provision.Attempt {
	return func(ctx context.Context, changes []change.Change) []provision.Attempt {
		if p != nil && p.asks != nil {
			p.asks(changes)
		}
		attempts := converge(ctx, changes)
		if p != nil && p.told != nil {
			p.told(attempts)
		}
		return attempts
	}
}

// caught is a test that only notes that it has failed.
func (p *plant) caught(t *testing.T) testing.TB {
	t.Helper()
	if p == nil {
		return t
	}
	return notingTest{t, p}
}

// notingTest is a test that does not fail.
type notingTest struct {
	testing.TB

	plant *plant
}

// Errorf implements testing.TB.
func (n notingTest) Errorf(format string, args ...any) {
	if n.plant.found == "" {
		n.plant.found = fmt.Sprintf(format, args...)
	}
}

// plants are the rules that are broken on purpose, each in the words of what is
// done then.
func plants() map[string]plant {
	all := plantsInside()
	maps.Copy(all, plantsInEntra())
	maps.Copy(all, plantsInWebex())
	return all
}

// plantsInside break what the system does by itself.
func plantsInside() map[string]plant {
	return map[string]plant{
		"a retry is dropped": {from: 7, told: func(attempts []provision.Attempt) {
			for i := range attempts {
				attempts[i].Again, attempts[i].Fault = 0, nil
			}
		}},
		"an account is deleted without Graph's word": {asks: func(changes []change.Change) {
			for i := range changes {
				changes[i].Deleted = true
			}
		}},
		"an empty list of assignments is believed at once": {from: 984, asks: func(changes []change.Change) {
			for i := range changes {
				if changes[i].Kind == change.User {
					changes[i].Nominated, changes[i].SeenAt = change.Out, time.Now() // a word of long ago counts no more
				}
			}
		}},
		"a claim does not keep others out":    {from: 416, breaks: func(c *provision.Config) { c.Ledger = open{c.Ledger} }},
		"what is not queued counts as queued": {from: 24, breaks: func(c *provision.Config) { c.Queue = deaf{} }},
		"the guard does not latch":            {from: 3, breaks: func(c *provision.Config) { c.Guard = nil }},
	}
}

// lastShown is what Entra showed last of each user.
type lastShown struct {
	mu sync.Mutex
	of map[change.Object]provision.Reading
}

// disabledUnlessSaid takes one who is not shown to be enabled for disabled, and for
// what he was otherwise.
func (l *lastShown) disabledUnlessSaid(q provision.Query, r provision.Reading) provision.Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.Object.Kind == change.User && r.Presence == provision.Present && r.Err == nil {
		l.of[q.Object] = r
	}
	if q.Object.Kind != change.User || r.Err == nil || !strings.Contains(r.Err.Error(), "accountEnabled") {
		return r
	}
	last := l.of[q.Object]
	attributes := maps.Clone(last.Attributes)
	if attributes == nil {
		attributes = map[string]any{}
	}
	attributes["accountEnabled"] = false
	return provision.Reading{Presence: provision.Present, Attributes: attributes, Roles: last.Roles, Memberships: last.Memberships}
}

// plantsInEntra break what is made of Entra's answers.
func plantsInEntra() map[string]plant {
	return map[string]plant{
		"who does not say whether he is enabled counts as disabled": {from: 28, breaks: func() func(*provision.Config) {
			shown := &lastShown{of: map[change.Object]provision.Reading{}}
			return func(c *provision.Config) { c.Directory = reading{c.Directory, shown.disabledUnlessSaid} }
		}()},
		"who is not there counts as one in the recycle bin": {breaks: func(c *provision.Config) {
			c.Directory = reading{c.Directory, func(_ provision.Query, r provision.Reading) provision.Reading {
				if r.Presence == provision.Absent {
					r.Presence = provision.SoftDeleted
				}
				return r
			}}
		}},
		"what could not be read counts as not there": {from: 6, breaks: func(c *provision.Config) {
			c.Directory = reading{c.Directory, func(_ provision.Query, r provision.Reading) provision.Reading {
				if r.Err != nil {
					return provision.Reading{Presence: provision.Absent}
				}
				return r
			}}
		}},
		"whose assignments are not known counts as unassigned": {from: 4, breaks: func(c *provision.Config) {
			c.Directory = reading{c.Directory, func(_ provision.Query, r provision.Reading) provision.Reading {
				r.RolesErr = nil
				return r
			}}
		}},
		"whose membership is not known counts as a stranger": {from: 8, breaks: func(c *provision.Config) {
			c.Directory = reading{c.Directory, func(_ provision.Query, r provision.Reading) provision.Reading {
				for i, m := range r.Memberships {
					if m.Err != nil {
						r.Memberships[i] = provision.Membership{Standing: provision.NotMember}
					}
				}
				return r
			}}
		}},
	}
}

// plantsInWebex break what is made of Webex's answers.
func plantsInWebex() map[string]plant {
	return map[string]plant{
		"success is claimed for a write that is in doubt": {from: 8, breaks: func(c *provision.Config) {
			c.Target = answering{c.Target, func(op provision.Operation, a provision.Answer) provision.Answer {
				if f := provision.AsFault(a.Err); f != nil && f.Uncertain && op.ID != "" {
					return provision.Answer{ID: op.ID}
				}
				return a
			}}
		}},
		"success is claimed for a write that was refused": {from: 1, breaks: func(c *provision.Config) {
			c.Target = answering{c.Target, func(op provision.Operation, a provision.Answer) provision.Answer {
				if a.Err != nil && op.ID != "" {
					return provision.Answer{ID: op.ID}
				}
				return a
			}}
		}},
		"a name that is taken is taken for good": {breaks: func(c *provision.Config) {
			c.Target = answering{c.Target, func(_ provision.Operation, a provision.Answer) provision.Answer {
				if f := provision.AsFault(a.Err); f != nil && f.Answer == provision.Exists {
					a.Err = &provision.Fault{Kind: provision.Permanent, Reason: f.Reason}
				}
				return a
			}}
		}},
		"an account whose externalId is another's is adopted": {breaks: func(c *provision.Config) {
			c.Target = found{c.Target, func(r provision.Resource) provision.Resource {
				r.Attributes["externalId"] = ""
				return r
			}}
			c.Ledger = unlinked{c.Ledger}
		}},
	}
}

// answering is Webex with other answers to writes.
type answering struct {
	provision.Target

	answer func(provision.Operation, provision.Answer) provision.Answer
}

func (a answering) Apply(ctx context.Context, ops []provision.Operation) []provision.Answer {
	answers := a.Target.Apply(ctx, ops)
	for i, op := range ops {
		answers[i] = a.answer(op, answers[i])
	}
	return answers
}

// found is Webex with other answers to searches.
type found struct {
	provision.Target

	edit func(provision.Resource) provision.Resource
}

func (f found) Named(ctx context.Context, kind change.Kind, name string) ([]provision.Resource, error) {
	resources, err := f.Target.Named(ctx, kind, name)
	for i := range resources {
		resources[i] = f.edit(resources[i])
	}
	return resources, err
}

// reading is Entra with other readings.
type reading struct {
	provision.Directory

	edit func(provision.Query, provision.Reading) provision.Reading
}

func (r reading) Read(ctx context.Context, queries []provision.Query) []provision.Reading {
	readings := r.Directory.Read(ctx, queries)
	for i, q := range queries {
		readings[i] = r.edit(q, readings[i])
	}
	return readings
}

// open is a ledger that lets every claim through, and every owner go on.
type open struct{ provision.Ledger }

func (o open) Claim(ctx context.Context, object change.Object, owner string, now, until time.Time) (provision.Record, error) {
	r, err := o.Ledger.Claim(ctx, object, owner, now, until)
	if errors.Is(err, provision.ErrClaimed) {
		return o.Ledger.Claim(ctx, object, owner, now.Add(day), until)
	}
	return r, err
}

func (o open) Save(ctx context.Context, owner string, before, after provision.Record) error {
	if err := o.Ledger.Save(ctx, owner, before, after); !errors.Is(err, provision.ErrClaimed) {
		return err
	}
	return nil
}

// unlinked is a ledger that knows of no link from Webex to Entra.
type unlinked struct{ provision.Ledger }

func (unlinked) LinkedTo(context.Context, string) (change.Object, bool, error) {
	return change.Object{}, false, nil
}

// deaf is a queue that claims to have taken what it has not.
type deaf struct{}

func (deaf) Enqueue(context.Context, []change.Change) error { return nil }

// What finds nothing may be blind: each rule that is broken on purpose is noticed
// within so many seeds, in one where nothing is to be noticed else.
func TestSimulationNoticesEveryRuleThatIsBroken(t *testing.T) {
	t.Parallel()
	if *seeds < thorough {
		t.Skipf("left out: rules that are broken on purpose; -seeds %d or more breaks them", thorough)
	}
	const most = 120
	for name, broken := range plants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for seed := broken.from; seed < broken.from+most; seed++ {
				broken.found = ""
				playBroken(t, seed, dir, &broken)
				whole := plant{}
				if broken.found != "" {
					playBroken(t, seed, dir, &whole)
				}
				if broken.found != "" && whole.found == "" {
					line, _, _ := strings.Cut(broken.found, "\n")
					t.Log(line)
					return
				}
			}
			t.Errorf("not noticed in %d seeds", most)
		})
	}
}
