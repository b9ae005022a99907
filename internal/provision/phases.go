package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision/membership"
	"entrawebex/internal/scoping"
)

// claim takes the object. Entra is read after this, so that no other worker
// writes what it read earlier on top of what we read later.
func (b *batch) claim(ctx context.Context, s subject) claimed {
	w := b.unclaimed(s)
	if w.isGroup() && !b.Scoping.GroupsMatter() {
		w.skip(Scoping, scoping.Verdict{Decision: scoping.Skip, Reason: scoping.GroupsOff}.Sentence(change.Group))
		return w
	}
	record, err := b.Ledger.Claim(ctx, s.object, b.owner, w.now, w.now.Add(Lease))
	if err != nil {
		if errors.Is(err, ErrClaimed) {
			err = &Fault{Kind: Transient, Reason: fmt.Sprintf("%s is being worked on already", s.object), Err: err}
		}
		w.fail(Import, err)
		return w
	}
	w.stored, w.record, w.wasDead = record, record, record.OpenFault.Dead()
	if record.Unconcluded > maxUnconcluded {
		w.fail(Import, unconcluded(record))
	}
	return w
}

// unclaimed is the object before it is claimed.
func (b *batch) unclaimed(s subject) claimed {
	now := b.Now()
	return claimed{view: view{
		terms: &b.terms, subject: s, now: now,
		state: state{attempt: Attempt{Object: s.object, Causes: s.causes, Action: None, Started: now}},
	}}
}

// read imports the objects from Entra.
func (b *batch) read(ctx context.Context, works []*imported) {
	app, err := b.application(ctx)
	var open []*imported
	var queries []Query
	for _, w := range works {
		switch w.now = b.Now(); {
		case w.ended:
		case w.seen.holds(w.record, w.skew) && len(w.rules(w.object.Kind).Lacks(w.seen.Reading.Attributes)) == 0:
			b.guarded(ctx, w, Import, func() { *w = w.imported(w.seen.Reading) })
		case err != nil:
			w.fail(Scoping, err)
		default:
			open = append(open, w)
			queries = append(queries, w.query(app))
		}
	}
	b.readAll(ctx, open, queries)
}

// query asks for the object, for its assignments to the application that is the
// scope, for the groups that the scoping filter asks about, and for those members it may have lost or won unless all of them are
// about to be compared at once.
func (v *view) query(app string) Query {
	q := Query{Object: v.object, Transitive: v.nested, App: app}
	if v.isGroup() && !v.scoping.AssignmentsMatter() {
		q.App = "" // only users have roles that are mapped
	}
	q.RoleNames = !v.isGroup() && v.scoping.Mapped != nil
	if !v.isGroup() {
		q.Groups = v.scoping.UserGroups()
	}
	if v.isGroup() && v.scoping.AsksAbout(v.object.ID) || app != "" || v.record.WebexID != "" && v.asksMembers() {
		q.Members = v.hints
	}
	return q
}

// imported is the object with what Entra answered.
func (c claimed) imported(reading Reading) imported {
	w := imported{claimed: c}
	w.reading = reading.WithRoles()
	if reading.Presence == Present || reading.Presence == SoftDeleted {
		w.record.Absence = nil // whatever comes of the attempt
	}
	switch {
	case reading.Err != nil:
		w.reading = Reading{Err: reading.Err}
		w.fail(Import, reading.Err)
	case w.hasWord() && (reading.Presence == Present || reading.Presence == SoftDeleted):
		// What was deleted for good does not come back: this answer is of the
		// past, and the word must not be lost for it.
		w.fail(Import, transientf("Graph said that %s was deleted for good, and still has it", w.object))
	case reading.Presence == Present:
		w.step(Import, Success, "read from Entra")
	case reading.Presence == SoftDeleted:
		w.step(Import, Success, "is in Entra's recycle bin")
		if !w.record.Away {
			w.move()
		}
		w.record.Away = !w.isGroup() || w.nested
	case reading.Presence == Absent:
		w.step(Import, Success, "Entra has it neither among the living nor in the recycle bin")
		w.record.Away = false
	default:
		w.fail(Import, transientf("Entra gave no answer for %s", w.object))
	}
	return w
}

// decide asks what has to be known, and returns what comes next.
func (b *batch) decide(ctx context.Context, d decided) decided {
	d.rounds++
	d.write = b.consider(ctx, &d.imported).write
	return d
}

// consider takes the object one step further: what is asked on the way is answered,
// and room is made for its name.
func (b *batch) consider(ctx context.Context, w *imported) step {
	w.now, w.answers = b.Now(), answers{}
	for {
		s := next(w.view)
		switch {
		case s.ask != nil:
			if err := b.answer(ctx, &w.claimed, *s.ask); err != nil {
				w.state, w.past, w.now = s.state, s.past, b.Now()
				w.fail(s.ask.at, err)
				return step{}
			}
		case s.room != nil:
			w.answers.room = b.makeRoom(ctx, w, *s.room)
		default:
			w.state, w.past, w.members = s.state, s.past, s.members
			return s
		}
	}
}

// resolveConflict takes an object of which Webex says that it conflicts to where it
// is decided anew, or to its end.
func (b *batch) resolveConflict(ctx context.Context, w *imported) {
	resolved := *w
	b.consider(ctx, &resolved)
	*w = resolved
}

func (w *write) urgency() int {
	if w.op.disables() {
		return 0
	}
	return 1
}

func (op Operation) disables() bool {
	return slices.ContainsFunc(op.Patch, func(p mapping.PatchOperation) bool { return p.Path == active && p.Value == false })
}

// notePending notes in the ledger what is about to be written. Saving it also
// proves that the object is still ours.
func (b *batch) notePending(ctx context.Context, d decided) decided {
	d.now = b.Now()
	d.before = d.record.PendingWrite
	pending := &PendingWrite{Since: d.now}
	if d.before != nil {
		pending.Names = slices.Clone(d.before.Names)
	}
	if name, ok := d.write.values[d.rules(d.object.Kind).Name()].(string); ok && !containsFold(pending.Names, name) {
		pending.Names = append(pending.Names, name)
	}
	d.record.PendingWrite = pending
	if err := b.save(ctx, &d.claimed); err != nil {
		d.record.PendingWrite, d.write = d.before, nil
		d.fail(Export, err)
	}
	return d
}

// export writes what was decided, and takes the answers into the batch.
func (b *batch) export(ctx context.Context, decisions []decided) {
	if len(decisions) == 0 {
		return
	}
	ops := make([]Operation, len(decisions))
	until := decisions[0].record.Claim.Until
	for i, d := range decisions {
		ops[i] = d.write.op
		if u := d.record.Claim.Until; u.Before(until) {
			until = u
		}
	}
	// No write may leave after the claim it is made under.
	leased, cancel := context.WithTimeout(ctx, until.Sub(b.Now()))
	defer cancel()
	answers := b.apply(leased, decisions, ops)
	for i, d := range decisions {
		w := b.works[d.place]
		switch {
		case w.ended: // it panicked
		case answers == nil:
			w.settled = false
		default:
			b.guarded(ctx, w, Export, func() { *w = d.exported(answers[i], b.Now()) })
		}
	}
}

// exported is the object with what Webex answered to the write.
func (d *decided) exported(a Answer, now time.Time) imported {
	w := *d
	w.now = now
	w.noteRefusal(Export, a.Err)
	switch f := AsFault(a.Err); {
	case f == nil:
		w.wrote(a)
	case f.Answer == Exists && !d.write.moving:
		w.conflict = &conflict{write: d.write, fault: f, before: d.before}
	default:
		w.refusedWith(f)
	}
	return w.imported
}

// refusedWith takes Webex's refusal into the record.
func (d *decided) refusedWith(f *Fault) {
	r, op := &d.record, &d.write.op
	switch pending := r.PendingWrite; {
	case !f.Uncertain:
		r.PendingWrite = d.before
	case !f.Pending && pending != nil && (d.before == nil || d.before.Answered):
		answered := *pending
		answered.Answered = true
		r.PendingWrite = &answered
	}
	switch {
	case f.Answer == Gone:
		r.reported(d.now)
		d.fail(Export, d.stillMissing(f))
	case f.Answer == NoTarget && !d.settled:
		d.step(Export, Warning, f.Reason)
		d.look = true
	case f.Kind == Permanent && op.Patch != nil && !d.write.moving && !op.disables():
		d.leaveOut(f)
	default:
		d.fail(Export, f)
	}
}

// leaveOut keeps one attribute that Webex does not take from keeping the others
// out: that which its answer names, or else each is written by itself.
func (d *decided) leaveOut(f *Fault) {
	permanent := *f
	permanent.Kind = Permanent
	blamed := slices.DeleteFunc(slices.Collect(maps.Keys(d.write.values)), func(path string) bool {
		return !slices.Contains(f.Attributes, mapping.Attribute(path))
	})
	if len(d.write.values) == 1 {
		blamed = slices.Collect(maps.Keys(d.write.values))
	}
	if len(blamed) != 1 {
		d.singly = true
		d.step(Export, Warning, f.Reason+": each attribute is written by itself")
		return
	}
	d.step(Export, Warning, f.Reason+": the others are written without it")
	d.refuse(blamed[0], &permanent)
}

// wrote records a write that Webex confirmed, as its answer shows it.
func (d *decided) wrote(a Answer) {
	r, op, values := &d.record, &d.write.op, d.write.values
	d.attempt.Exported = d.now
	r.PendingWrite = nil
	if op.Delete {
		d.note(Delete, nil, nil)
		d.step(Export, Success, "deleted in Webex")
		r.unlink()
		r.Away = false // and does not come back
		return
	}
	before := r.LastWritten
	r.WebexID, r.Missing = a.ID, nil
	ignored := r.takeOver(d.rules(d.object.Kind), op, values, a.Shown)
	if len(ignored) > 0 {
		values = maps.Clone(values)
		maps.DeleteFunc(values, func(path string, _ any) bool { return slices.Contains(ignored, path) })
	}
	if len(values) > 0 {
		d.note(op.action(before, values), before, values)
	}
	if d.isGroup() && op.Resource != nil {
		r.MemberSync, d.fresh = &membership.Sync{}, true
	}
	r.dateInactivity(d.now)
	if len(ignored) > 0 {
		d.fail(Export, &Fault{Kind: Transient, Code: Ignored, Reason: fmt.Sprintf(
			"Webex took the change of %s and shows %s as before", d.object, strings.Join(ignored, ", "))})
		return
	}
	if op.disables() {
		r.disabled()
		r.Unseen = a.Shown == nil
	}
	d.step(Export, Success, "written to Webex")
}

// takeOver makes of what was asked and of what the answer shows what was last
// written, and returns the paths at which Webex shows what was there before. What
// the answer does not show is as it was asked.
func (r *Record) takeOver(rules mapping.Mapping, op *Operation, asked, resource map[string]any) (ignored []string) {
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
			set(&given, path, want) // Webex made something else of it
		}
	}
	slices.Sort(ignored)
	r.LastWritten, r.Given = written, given
	r.takeState(rules, asked, shown)
	if resource != nil {
		r.Picks = rules.Picks(resource)
	}
	return ignored
}

// takeState takes into what was last written what Webex did by itself. An account
// that is open and was not meant to be is closed next; what Webex itself renames when
// it closes one is put back when it is opened.
func (r *Record) takeState(rules mapping.Mapping, asked, shown map[string]any) {
	written := r.LastWritten
	switch {
	case asked[active] == true:
		r.Imposed = nil
	case asked[active] == nil && shown[active] == true && written[active] == false:
		written[active] = true
	}
	if asked[active] != false {
		return
	}
	for path, has := range shown {
		if _, was := asked[path]; !was && !rules.Same(path, has, written[path]) {
			written[path] = has
			r.Imposed = append(slices.Clone(r.Imposed), path)
		}
	}
}

// action names what an operation does, as an administrator would.
func (op Operation) action(have, values map[string]any) Action {
	switch v, ok := values[active]; {
	case op.Resource != nil:
		return Create
	case ok && v == false:
		return Disable
	case ok && have[active] == false:
		return Enable
	default:
		return Update
	}
}

func (b *batch) save(ctx context.Context, w *claimed) error {
	if w.record.WebexID != w.stored.WebexID {
		w.move()
	}
	if err := b.Ledger.Save(ctx, b.owner, w.stored, w.record); err != nil {
		return w.saveFault(err)
	}
	w.stored = w.record
	return nil
}

func (v *view) saveFault(err error) error {
	switch {
	case errors.Is(err, ErrClaimed):
		return &Fault{Kind: Transient, Reason: fmt.Sprintf("the claim on %s ran out", v.object), Err: err}
	case errors.Is(err, ErrLinked):
		f := &Fault{Kind: Transient, Code: Linked, Reason: fmt.Sprintf(
			"%s of Webex is linked to another object than %s", v.record.WebexID, v.object), Err: err}
		if v.record.OpenFault.tries(Linked) >= unseenAttempts {
			f.Kind = Permanent
		}
		return f
	default:
		return fmt.Errorf("write the ledger record of %s: %w", v.object, err)
	}
}

// conclude ends the attempt: the ledger learns what came of it and the claim is
// given up.
func (b *batch) conclude(ctx context.Context, w imported) Attempt {
	if w.now = b.Now(); !w.ended {
		w.fail(Processing, transientf("%s changed faster than it could be written", w.object))
	}
	if w.stored.Claim.Owner == b.owner {
		b.guarded(ctx, &w, ReferenceResolution, func() {
			if err := errors.Join(b.announce(ctx, &w), b.rescope(ctx, &w)); err != nil {
				w.fail(ReferenceResolution, err)
			}
		})
		w.keepMembers()
		b.lookAgain(ctx, &w)
		if release := func() { b.release(ctx, &w) }; !b.guarded(ctx, &w, Export, release) {
			b.guarded(ctx, &w, Export, release) // with the record as it was
		}
	}
	w.attempt.WebexID, w.attempt.Names = w.record.WebexID, w.names()
	w.attempt.Finished = b.Now()
	b.tell(ctx, w.notices)
	w.attempt.log(ctx, b.Log)
	b.caught(ctx, w.object.String(), func() { b.Observe(w.attempt) })
	return w.attempt
}

// tell writes what operators are to hear.
func (b *batch) tell(ctx context.Context, notices []slog.Record) {
	for _, n := range notices {
		if b.Log.Enabled(ctx, n.Level) {
			_ = b.Log.Handler().Handle(ctx, n) // as a Logger does
		}
	}
}

// keepMembers makes sure that the members of a group are compared once it is
// back: one that is at fault, out of scope, no security group, in the recycle bin
// or gone, of which nobody tells what becomes of its members meanwhile. What
// comes again soon brings those who were named with it.
func (w *imported) keepMembers() {
	r := &w.record
	away := w.attempt.Again == 0 || w.reading.Err == nil && w.reading.Presence != Present
	if w.isGroup() && !w.members && away && r.WebexID != "" && r.MemberSync == nil {
		r.MemberSync = &membership.Sync{}
	}
}

// release gives the claim up. An attempt that panicked stays counted as one
// that did not come to an end.
func (b *batch) release(ctx context.Context, w *imported) {
	r := &w.record
	if !w.panicked {
		r.Unconcluded = 0
		w.closeHold()
	}
	if !w.isActive() || w.entitled() {
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
	w.fail(Export, w.saveFault(err))
	if errors.Is(err, ErrLinked) {
		// The record cannot be kept with what another has: as it was stored it can,
		// with the fault, and from there it is tried again.
		after := w.stored
		after.OpenFault, after.Claim, after.Unconcluded, after.Concluded = r.OpenFault, Claim{}, 0, b.Now()
		if err := b.Ledger.Save(ctx, b.owner, w.stored, after); err != nil {
			w.fail(Export, w.saveFault(err))
		}
	}
}

// forgettable reports whether the record says nothing that a new one would
// not.
func (r *Record) forgettable() bool {
	return r.WebexID == "" && r.PendingWrite == nil && r.OpenFault == nil && r.Absence == nil && !r.Away && r.Letters == nil
}
