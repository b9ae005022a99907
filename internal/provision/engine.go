// Package provision makes Webex match Entra, one object at a time.
//
// An attempt follows the steps of Entra's provisioning log: import (read the
// object from Entra as it is now), scoping, matching, processing (what should
// Webex hold, and what must be written for that) and export. Deciding and
// exporting are apart: what is to be written is a value until it is written.
package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
)

// Lease is how long a claim holds an object. It outlives every call made
// under it: calls end with the lease at the latest.
const Lease = 2 * time.Minute

// Config is what an Engine needs. Fields without a default are required.
type Config struct {
	Directory Directory
	Target    Target
	Ledger    Ledger
	// Queue takes the Changes of objects the engine wants looked at again.
	Queue   Enqueuer
	Mapping mapping.Rules
	// TenantID is the tenant Entra's answers must come from before anything
	// is disabled or deleted.
	TenantID string
	// Scoping says who is provisioned; the zero Rules that everybody is.
	Scoping scoping.Rules
	// Nested makes the users of groups within a group its members.
	Nested bool
	// DeleteBinned deletes a group once it is in Entra's recycle bin; else it
	// is kept until it is deleted for good.
	DeleteBinned bool
	// Protected are object ids and userNames that are never disabled or
	// deleted.
	Protected []string
	// UpsertOnly never disables, deletes or removes.
	UpsertOnly bool
	// Guard holds what would destroy too much at a time; without one nothing
	// is held but the Protected.
	Guard *Guard
	// Later keeps what is looked at again after hours or days; without it the queue
	// does, ten minutes at a time.
	Later *Later
	// ConfirmAfter is the time between the two readings a delete needs, and for
	// which, up to five minutes, an empty list of assignments must last; default 10
	// minutes.
	ConfirmAfter time.Duration
	// TrustGone believes Webex at once that something is not there. It is for a
	// dry run, which has no second look.
	TrustGone bool
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Parallel is how many objects of a batch are claimed, decided and
	// concluded at a time; default 1. What is read from Entra and written to
	// Webex goes together in any case.
	Parallel int
	// Jitter returns a random duration in [0, d), which keeps retries of
	// many objects apart.
	Jitter func(d time.Duration) time.Duration
	// Healed notes that there may be dead letters of an object that is at fault no
	// more. It may be nil.
	Healed func(ctx context.Context) error
	// Observe is told every attempt when it is over. It may be nil.
	Observe func(Attempt)
	Log     *slog.Logger
}

// Engine converges objects. It is safe for concurrent use.
type Engine struct {
	Config

	protected map[string]bool

	tenant    sync.Mutex
	confirmed bool // Entra's answers come from TenantID
}

// New returns an Engine.
func New(c Config) *Engine {
	if c.ConfirmAfter == 0 {
		c.ConfirmAfter = 10 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Parallel == 0 {
		c.Parallel = 1
	}
	if c.Observe == nil {
		c.Observe = func(Attempt) {}
	}
	e := &Engine{Config: c, protected: map[string]bool{}}
	for _, name := range c.Protected {
		e.protected[strings.ToLower(strings.TrimSpace(name))] = true
	}
	return e
}

// work is one object on its way through a batch.
type work struct {
	attempt Attempt
	// stored is the record as the ledger has it, record as it is by now.
	stored, record Record
	reading        Reading
	// seen is how a sweep saw the object; nil if none did.
	seen *Snapshot
	// adopted says that a sweep found the account, and no attempt of ours before.
	adopted bool
	// seeded says that the group was created with those of its members that
	// have an account, absent are the others.
	seeded bool
	absent []string
	// gone says that what was linked is proven to be no more.
	gone bool
	// settled says that record.LastWritten was read from Webex in this attempt.
	settled bool
	// hints are the members the causes name, afresh whether one of them
	// trusts nothing.
	hints  []string
	afresh bool
	// fresh says that the group was created in this very attempt, without
	// members: what Webex has need not be read.
	fresh bool
	// converged says that a group's properties are as they should be, and its
	// members come next.
	converged bool
	// refused are the faults of attributes that Webex does not take, by their
	// paths: the others are written without them. singly says that one of several
	// was refused and not known which: they are written one by one.
	refused map[string]*Fault
	singly  bool
	// moving says that the account is made to give up its name.
	moving bool
	// reread says that the object was read again because of a conflict.
	reread bool
	// early is the doubt that was settled so soon that the write may still have
	// its effect.
	early *PendingWrite
	// rounds is how often it was decided.
	rounds int
	// unseen says that Webex called the name taken and showed no holder.
	unseen bool
	// op is the write that comes next, pending the values it writes.
	op      *Operation
	pending map[string]any
	// before is the doubt there was before op.
	before *PendingWrite
	done   bool
	// wasDead says that the object was at fault for good before this attempt.
	wasDead bool
	// panicked says that the attempt did not come to an end of its own.
	panicked bool
}

// batch is the objects one call of Converge works on, under one owner.
type batch struct {
	*Engine
	owner string
	works []*work
	// singly says that a write of several objects at once panicked.
	singly bool
	// unknown says of ids that Entra was asked about whether this tenant has no
	// such object; asking is held meanwhile.
	asking  sync.Mutex
	unknown map[string]bool
	// jitter is how much of a quarter each delay gets on top, in [0, 1). It is one
	// for all: what was one Bulk comes again together, and is one.
	jitter float64
}

func (e *Engine) newBatch() *batch {
	b := &batch{Engine: e, owner: uuid.NewString()}
	if e.Jitter != nil {
		b.jitter = float64(e.Jitter(time.Hour)) / float64(time.Hour)
	}
	return b
}

// rounds bounds how often an object of a batch is decided anew after a write:
// adopt, free a name, rename and disable take four.
const rounds = 8

// mostRounds is more where attributes are written one by one.
func (w *work) mostRounds() int {
	const singly = 30
	if w.singly {
		return singly
	}
	return rounds + len(w.refused)
}

// Converge makes Webex match Entra for the objects the changes name, and
// returns one Attempt for each of them, in the order they were first named.
// It reads them from Entra together, and a fault of one does not touch the
// others, a panic included. What is not begun Margin before the deadline of ctx
// is not claimed, and asks for another look.
func (e *Engine) Converge(ctx context.Context, changes []change.Change) []Attempt {
	b := e.newBatch()
	for _, c := range changes {
		b.add(c)
	}
	return b.run(ctx)
}

// run takes the objects of the batch to their end.
func (b *batch) run(ctx context.Context) []Attempt {
	named := b.works
	each(b.Parallel, named, func(w *work) { b.begin(ctx, w) })
	suspects := b.setAside(ctx)
	b.converge(ctx)
	for _, w := range suspects {
		alone := &batch{Engine: b.Engine, owner: b.owner, jitter: b.jitter, works: []*work{w}}
		if !w.done {
			alone.begin(ctx, w)
		}
		alone.converge(ctx)
	}
	// Objects that had to make room are not among those named.
	attempts := make([]Attempt, len(named))
	for i, w := range named {
		attempts[i] = w.attempt
	}
	return attempts
}

// converge takes the objects that are claimed to their end.
func (b *batch) converge(ctx context.Context) {
	if slices.ContainsFunc(b.works, (*work).isLeaving) {
		ctx = WithPriority(ctx, High)
	}
	working, cancel := working(ctx)
	defer cancel()
	b.read(working, b.works...)
	for b.round(working) { // which each object is in so many times at most
	}
	// Nobody waits for the members of a large group.
	for _, members := range []bool{false, true} {
		works := slices.DeleteFunc(slices.Clone(b.works), func(w *work) bool { return w.converged != members })
		parallel := b.Parallel
		if members {
			parallel = min(parallel, comparisons)
		}
		each(parallel, works, func(w *work) {
			if members {
				b.guarded(working, w, Export, func() { b.members(working, w) })
			}
			b.finish(ctx, w)
		})
	}
}

// comparisons is how many groups have their members compared at a time: each
// holds the ids of all it has in Webex, and makes calls of its own.
const comparisons = 4

// each does it with every one of the works, so many at a time.
func each(parallel int, works []*work, do func(*work)) {
	if parallel == 1 {
		for _, w := range works {
			do(w)
		}
		return
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, w := range works {
		group.Go(func() error {
			do(w)
			return nil
		})
	}
	_ = group.Wait() // none of them returns an error
}

func (b *batch) add(c change.Change) {
	w := b.find(c.Object)
	if w == nil {
		w = &work{attempt: Attempt{Object: c.Object, Action: None}}
		b.works = append(b.works, w)
	}
	w.attempt.Causes = append(w.attempt.Causes, c)
	w.afresh = w.afresh || c.Afresh
	for _, id := range c.Members {
		if !slices.Contains(w.hints, id) {
			w.hints = append(w.hints, id)
		}
	}
}

// rules is the mapping of the object's kind.
func (b *batch) rules(w *work) mapping.Mapping {
	if w.isGroup() {
		return b.Mapping.Groups
	}
	return b.Mapping.Users
}

func (w *work) isGroup() bool { return w.attempt.Object.Kind == change.Group }

func (b *batch) find(o change.Object) *work {
	for _, w := range b.works {
		if w.attempt.Object == o {
			return w
		}
	}
	return nil
}

// claim takes the object. Entra is read after this, so that no other worker
// writes what it read earlier on top of what we read later.
func (b *batch) claim(ctx context.Context, w *work) {
	now := b.Now()
	w.attempt.Started = now
	if w.isGroup() && !b.Scoping.GroupsMatter() {
		b.skip(w, Scoping, scoping.Verdict{Decision: scoping.Skip, Reason: scoping.GroupsOff}.Sentence(change.Group))
		return
	}
	record, err := b.Ledger.Claim(ctx, w.attempt.Object, b.owner, now, now.Add(Lease))
	if err != nil {
		if errors.Is(err, ErrClaimed) {
			err = &Fault{Kind: Transient, Reason: fmt.Sprintf("%s is being worked on already", w.attempt.Object), Err: err}
		}
		b.fail(w, Import, err)
		return
	}
	w.stored, w.record, w.wasDead = record, record, record.OpenFault.Dead()
	if record.Unconcluded > maxUnconcluded {
		b.fail(w, Import, unconcluded(record))
	}
}

// read imports objects from Entra.
func (b *batch) read(ctx context.Context, works ...*work) {
	app, err := b.application(ctx)
	var open []*work
	var queries []Query
	for _, w := range works {
		switch {
		case w.done:
		case w.seen.holds(w.record) && len(b.rules(w).Lacks(w.seen.Reading.Attributes)) == 0:
			b.guarded(ctx, w, Import, func() { b.imported(w, w.seen.Reading) })
		case err != nil:
			b.fail(w, Scoping, err)
		default:
			open = append(open, w)
			queries = append(queries, b.query(w, app))
		}
	}
	b.readAll(ctx, open, queries)
}

// query asks for the object, for its assignments to the application that is the
// scope, and for those members it may have lost or won unless all of them are
// about to be compared at once.
func (b *batch) query(w *work, app string) Query {
	q := Query{Object: w.attempt.Object, Transitive: b.Nested, App: app}
	if app != "" || w.record.WebexID != "" && asksMembers(w) {
		q.Members = w.hints
	}
	return q
}

func (b *batch) imported(w *work, reading Reading) {
	w.reading = reading
	if reading.Presence == Present || reading.Presence == SoftDeleted {
		w.record.Absence = nil // whatever comes of the attempt
	}
	switch {
	case reading.Err != nil:
		w.reading = Reading{Err: reading.Err}
		b.fail(w, Import, reading.Err)
	case w.hasWord() && (reading.Presence == Present || reading.Presence == SoftDeleted):
		// What was deleted for good does not come back: this answer is of the
		// past, and the word must not be lost for it.
		b.fail(w, Import, &Fault{Kind: Transient, Reason: fmt.Sprintf(
			"Graph said that %s was deleted for good, and still has it", w.attempt.Object)})
	case reading.Presence == Present:
		w.step(Import, Success, "read from Entra")
	case reading.Presence == SoftDeleted:
		w.step(Import, Success, "is in Entra's recycle bin")
		w.record.Away = !w.isGroup() || b.Nested
	case reading.Presence == Absent:
		w.step(Import, Success, "Entra has it neither among the living nor in the recycle bin")
		w.record.Away = false
	default:
		b.fail(w, Import, &Fault{Kind: Transient, Reason: fmt.Sprintf("Entra gave no answer for %s", w.attempt.Object)})
	}
}

// isLeaving reports whether one of the causes says that access ends.
func (w *work) isLeaving() bool {
	return slices.ContainsFunc(w.attempt.Causes, func(c change.Change) bool { return c.Deleted || c.Nominated == change.Out })
}

// hasWord reports whether one of the causes is Graph's word that the object
// was deleted for good.
func (w *work) hasWord() bool {
	return slices.ContainsFunc(w.attempt.Causes, func(c change.Change) bool { return c.Deleted })
}

// round decides what is to be written for every object that is not done, and
// writes it. It reports whether another round may have something to do.
func (b *batch) round(ctx context.Context) bool {
	open := slices.DeleteFunc(slices.Clone(b.works), func(w *work) bool { return w.done || w.converged || w.rounds >= w.mostRounds() })
	each(b.Parallel, open, func(w *work) {
		w.op, w.pending = nil, nil
		w.rounds++
		b.guarded(ctx, w, Processing, func() {
			if b.decide(ctx, w); w.op != nil && !b.doubt(ctx, w) {
				w.op = nil
			}
		})
	})
	exporting := slices.DeleteFunc(open, func(w *work) bool { return w.op == nil })
	// A leaver does not wait behind a title change.
	slices.SortStableFunc(exporting, func(x, y *work) int { return urgency(x.op) - urgency(y.op) })
	b.export(ctx, exporting)
	return len(exporting) > 0
}

func urgency(op *Operation) int {
	if disables(op) {
		return 0
	}
	return 1
}

func disables(op *Operation) bool {
	return slices.ContainsFunc(op.Patch, func(p mapping.PatchOperation) bool { return p.Path == active && p.Value == false })
}

// doubt notes in the ledger what is about to be written. Saving it also
// proves that the object is still ours.
func (b *batch) doubt(ctx context.Context, w *work) bool {
	w.before = w.record.PendingWrite
	d := &PendingWrite{Since: b.Now()}
	if w.before != nil {
		d.Names = slices.Clone(w.before.Names)
	}
	if name, ok := w.pending[b.rules(w).Matching()].(string); ok && !containsFold(d.Names, name) {
		d.Names = append(d.Names, name)
	}
	w.record.PendingWrite = d
	if err := b.save(ctx, w); err != nil {
		w.record.PendingWrite = w.before
		b.fail(w, Export, err)
		return false
	}
	return true
}

func (b *batch) export(ctx context.Context, works []*work) {
	if len(works) == 0 {
		return
	}
	ops := make([]Operation, len(works))
	until := works[0].record.Claim.Until
	for i, w := range works {
		ops[i] = *w.op
		if u := w.record.Claim.Until; u.Before(until) {
			until = u
		}
	}
	// No write may leave after the claim it is made under.
	leased, cancel := context.WithTimeout(ctx, until.Sub(b.Now()))
	defer cancel()
	answers := b.apply(leased, works, ops)
	taken := map[*work]*Fault{}
	for i, w := range works {
		if w.op == nil {
			continue
		}
		b.guarded(ctx, w, Export, func() {
			f := AsFault(answers[i].Err)
			switch {
			case f == nil:
				b.wrote(w, answers[i])
			case f.Answer == Exists:
				taken[w] = f
			default:
				b.refused(ctx, w, f)
			}
		})
	}
	// Only now, when every record says what Webex answered, is it known who
	// holds a name. Whoever was moved while another's name was resolved has
	// no operation left and is decided anew.
	for _, w := range works {
		if f := taken[w]; f != nil && w.op != nil {
			b.guarded(ctx, w, Matching, func() { b.resolve(ctx, w, f) })
		}
	}
}

// refused takes Webex's refusal of the operation of w into its record.
func (b *batch) refused(ctx context.Context, w *work, f *Fault) {
	op := w.op
	w.op = nil
	switch doubt := w.record.PendingWrite; {
	case !f.Uncertain:
		w.record.PendingWrite = w.before
	case !f.Pending && doubt != nil && (w.before == nil || w.before.Answered):
		answered := *doubt
		answered.Answered = true
		w.record.PendingWrite = &answered
	}
	switch {
	case f.Answer == Gone:
		b.reported(w)
		b.fail(w, Export, stillMissing(w, f))
	case f.Answer == NoTarget && !w.settled:
		w.step(Export, Warning, f.Reason)
		b.settle(ctx, w)
	case f.Kind == Permanent && op.Patch != nil && !w.moving && !disables(op):
		b.leaveOut(w, f)
	default:
		b.fail(w, Export, f)
	}
}

// leaveOut keeps one attribute that Webex does not take from keeping the others
// out: that which its answer names, or else each is written by itself.
func (b *batch) leaveOut(w *work, f *Fault) {
	permanent := *f
	permanent.Kind = Permanent
	blamed := slices.DeleteFunc(slices.Collect(maps.Keys(w.pending)), func(path string) bool {
		attribute, _, _ := strings.Cut(strings.NewReplacer("[", ".", ":", ".").Replace(path), ".")
		return !strings.Contains(strings.ToLower(f.Reason), strings.ToLower(attribute))
	})
	if len(w.pending) == 1 {
		blamed = slices.Collect(maps.Keys(w.pending))
	}
	if len(blamed) != 1 {
		w.singly = true
		w.step(Export, Warning, f.Reason+": each attribute is written by itself")
		return
	}
	w.step(Export, Warning, f.Reason+": the others are written without it")
	w.refuse(blamed[0], &permanent)
}

// refuse leaves an attribute out of what is written in this attempt.
func (w *work) refuse(path string, f *Fault) {
	if w.refused == nil {
		w.refused = map[string]*Fault{}
	}
	w.refused[path] = f
}

// refusal is the fault of an attempt that wrote all but what was refused.
func (w *work) refusal() *Fault {
	paths := slices.Sorted(maps.Keys(w.refused))
	f := *w.refused[paths[0]]
	for _, path := range paths {
		if w.refused[path].Kind != Permanent { // one that is tried again keeps the message
			f = *w.refused[path]
		}
	}
	f.Reason = fmt.Sprintf("%s not written, all else is: %s", strings.Join(paths, ", "), f.Reason)
	return &f
}

// wrote records a write that Webex confirmed, as its answer shows it.
func (b *batch) wrote(w *work, a Answer) {
	r, op, values := &w.record, w.op, w.pending
	w.op = nil
	w.attempt.Exported = b.Now()
	r.PendingWrite = nil
	if op.Delete {
		w.note(Delete, nil, nil)
		w.step(Export, Success, "deleted in Webex")
		w.unlink()
		r.Away = false // and does not come back
		return
	}
	before := r.LastWritten
	r.WebexID, r.Missing = a.ID, nil
	ignored := b.takeOver(w, op, values, a.Shown)
	if len(ignored) > 0 {
		values = maps.Clone(values)
		maps.DeleteFunc(values, func(path string, _ any) bool { return slices.Contains(ignored, path) })
	}
	if len(values) > 0 {
		w.note(actionOf(op, before, values), before, values)
	}
	if w.isGroup() && op.Resource != nil {
		r.MemberSync, w.fresh = &MemberSync{}, true
	}
	b.dateInactivity(w)
	if len(ignored) > 0 {
		b.fail(w, Export, &Fault{Kind: Transient, Code: Ignored, Reason: fmt.Sprintf(
			"Webex took the change of %s and shows %s as before", w.attempt.Object, strings.Join(ignored, ", "))})
		return
	}
	if disables(op) {
		r.disabled()
		r.Unseen = a.Shown == nil
	}
	w.step(Export, Success, "written to Webex")
}

// takeOver makes of what was asked and of what the answer shows what was last
// written, and returns the paths at which Webex shows what was there before. What
// the answer does not show is as it was asked.
func (b *batch) takeOver(w *work, op *Operation, asked, resource map[string]any) (ignored []string) {
	r, rules := &w.record, b.rules(w)
	shown := rules.Values(resource)
	written := maps.Clone(r.LastWritten)
	if written == nil {
		written = map[string]any{}
	}
	given := maps.Clone(r.Given)
	for path, want := range asked {
		written[path] = want
		delete(given, path)
		has, ok := shown[path]
		if !ok {
			continue
		}
		written[path] = has
		switch {
		case rules.Same(path, has, want):
		case path == active, op.Resource == nil && rules.Same(path, has, r.LastWritten[path]):
			ignored = append(ignored, path)
		default:
			if given == nil {
				given = map[string]any{}
			}
			given[path] = want // Webex made something else of it
		}
	}
	// An account that is open and was not meant to be is closed next; what Webex
	// itself renames when it closes one is put back when it is opened.
	imposed := r.Imposed
	switch {
	case asked[active] == true:
		imposed = nil
	case asked[active] == nil && shown[active] == true && written[active] == false:
		written[active] = true
	}
	for path, has := range shown {
		if _, was := asked[path]; !was && asked[active] == false && !rules.Same(path, has, written[path]) {
			written[path] = has
			imposed = append(slices.Clone(imposed), path)
		}
	}
	slices.Sort(ignored)
	r.LastWritten, r.Given, r.Imposed = written, given, imposed
	if resource != nil {
		r.Picks = rules.Picks(resource)
	}
	return ignored
}

// dateInactivity keeps the day from which Webex counts to the removal of an
// inactive account.
func (b *batch) dateInactivity(w *work) {
	switch r := &w.record; {
	case r.LastWritten[active] != false:
		r.InactiveSince = time.Time{}
	case r.InactiveSince.IsZero():
		r.InactiveSince = b.Now()
	}
}

func (b *batch) save(ctx context.Context, w *work) error {
	if err := b.Ledger.Save(ctx, b.owner, w.stored, w.record); err != nil {
		return saveFault(w, err)
	}
	w.stored = w.record
	return nil
}

func saveFault(w *work, err error) error {
	switch {
	case errors.Is(err, ErrClaimed):
		return &Fault{Kind: Transient, Reason: fmt.Sprintf("the claim on %s ran out", w.attempt.Object), Err: err}
	case errors.Is(err, ErrLinked):
		f := &Fault{Kind: Transient, Code: Linked, Reason: fmt.Sprintf(
			"%s of Webex is linked to another object than %s", w.record.WebexID, w.attempt.Object), Err: err}
		if w.record.OpenFault.tries(Linked) >= unseenAttempts {
			f.Kind = Permanent
		}
		return f
	default:
		return fmt.Errorf("write the ledger record of %s: %w", w.attempt.Object, err)
	}
}

// finish ends the attempt: the ledger learns what came of it and the claim is
// given up.
func (b *batch) finish(ctx context.Context, w *work) {
	if !w.done {
		b.fail(w, Processing, &Fault{Kind: Transient, Reason: fmt.Sprintf("%s changed faster than it could be written", w.attempt.Object)})
	}
	if w.stored.Claim.Owner == b.owner {
		b.guarded(ctx, w, ReferenceResolution, func() {
			if err := errors.Join(b.announce(ctx, w), b.rescope(ctx, w)); err != nil {
				b.fail(w, ReferenceResolution, err)
			}
		})
		w.keepMembers()
		b.lookAgain(ctx, w)
		if conclude := func() { b.conclude(ctx, w) }; !b.guarded(ctx, w, Export, conclude) {
			b.guarded(ctx, w, Export, conclude) // with the record as it was
		}
	}
	w.attempt.WebexID = w.record.WebexID
	w.attempt.Finished = b.Now()
	w.attempt.log(ctx, b.Log)
	b.caught(ctx, w.attempt.Object.String(), func() { b.Observe(w.attempt) })
}

// keepMembers makes sure that the members of a group are compared once it is
// back: one that is at fault, out of scope, no security group, in the recycle bin
// or gone, of which nobody tells what becomes of its members meanwhile. What
// comes again soon brings those who were named with it.
func (w *work) keepMembers() {
	r := &w.record
	away := w.attempt.Again == 0 || w.reading.Err == nil && w.reading.Presence != Present
	if w.isGroup() && !w.converged && away && r.WebexID != "" && r.MemberSync == nil {
		r.MemberSync = &MemberSync{}
	}
}

// conclude gives the claim up. An attempt that panicked stays counted as one
// that did not come to an end.
func (b *batch) conclude(ctx context.Context, w *work) {
	r := &w.record
	if !w.panicked {
		r.Unconcluded = 0
		w.closeHold()
	}
	if !w.isActive() || b.entitled(w) {
		r.Spared = nil
	}
	b.overcome(ctx, w)
	r.Claim, r.Concluded = Claim{}, b.Now()
	end := func() error { return b.Ledger.Save(ctx, b.owner, w.stored, *r) }
	if r.forgettable() {
		end = func() error { return b.Ledger.Forget(ctx, b.owner, w.stored) }
	}
	err := end()
	if err == nil {
		return
	}
	b.fail(w, Export, saveFault(w, err))
	if errors.Is(err, ErrLinked) {
		// The record cannot be kept with what another has: as it was stored it can,
		// with the fault, and from there it is tried again.
		after := w.stored
		after.OpenFault, after.Claim, after.Unconcluded, after.Concluded = r.OpenFault, Claim{}, 0, b.Now()
		if err := b.Ledger.Save(ctx, b.owner, w.stored, after); err != nil {
			b.fail(w, Export, saveFault(w, err))
		}
	}
}

// forgettable reports whether the record says nothing that a new one would
// not.
func (r *Record) forgettable() bool {
	return r.WebexID == "" && r.PendingWrite == nil && r.OpenFault == nil && r.Absence == nil && !r.Away && r.Letters == nil
}

func (w *work) unlink() {
	r := &w.record
	r.Away = r.Away || r.WebexID != "" && !w.isGroup()
	r.WebexID, r.LastWritten, r.PendingWrite, r.MemberSync = "", nil, nil, nil
	r.InactiveSince, r.Unassigned, r.Missing = time.Time{}, time.Time{}, nil
	r.Picks, r.Given, r.Imposed, r.Unseen = nil, nil, nil, false
	r.Members, r.Removals = 0, nil
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
