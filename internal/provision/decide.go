package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
)

// The SCIM paths whose meaning the engine knows. All others are the mapping's.
const (
	userName   = "userName"
	active     = "active"
	externalID = "externalId"
)

// decide compares what Entra has with what Webex is known to have, and either
// sets w.op to the one write that comes next, or ends the attempt.
func (b *batch) decide(ctx context.Context, w *work) {
	if (w.record.PendingWrite != nil || w.record.Missing != nil || w.afresh || w.reread || w.record.Unseen && b.entitled(w)) && !w.settled {
		if b.settle(ctx, w); w.done {
			return
		}
		if w.gone && !w.isGroup() && !b.entitled(w) {
			b.concludeGone(w)
			return
		}
	}
	b.dateUnassigned(w)
	if w.reading.Presence == Absent {
		b.decideAbsent(ctx, w)
		return
	}
	if w.attempt.Verdict = b.verdict(w); !b.isScopeKnown(w) {
		return
	}
	if w.isGroup() {
		b.decideGroup(ctx, w)
		return
	}
	want, err := b.desired(w)
	verdict := b.verdict(w)
	switch {
	case w.done:
	case verdict.Decision == scoping.Skip && w.isActive():
		b.spare(w, Scoping, verdict.Sentence(change.User))
	case err != nil && w.isActive() && !b.entitled(w):
		// Whatever is wrong with the attributes of a leaver, the account is
		// closed first.
		b.change(ctx, w, map[string]any{active: false})
	case err != nil:
		b.fail(w, Processing, &Fault{Kind: Permanent, Reason: fmt.Sprintf("%s: %v", w.attempt.Object, err)})
	case w.record.WebexID == "":
		b.decideUnlinked(ctx, w, want)
	case w.isActive() && want[active] == false:
		// On its own, so that nothing else about the account can stop it.
		b.change(ctx, w, map[string]any{active: false})
	default:
		b.change(ctx, w, want)
	}
}

// entitled reports whether the person may sign in, and is in the scope.
func (b *batch) entitled(w *work) bool {
	return w.reading.Presence == Present && b.verdict(w).Decision == scoping.Provision
}

// isActive reports whether the account is there and not known to be inactive.
func (w *work) isActive() bool {
	return !w.isGroup() && w.record.WebexID != "" && w.record.LastWritten[active] != false
}

// desired maps the reading. Of a user in the recycle bin only the state
// counts: its name is mangled. Of one out of scope nothing else is any business
// of ours.
func (b *batch) desired(w *work) (map[string]any, error) {
	if w.reading.Presence == SoftDeleted || b.leftScope(w) {
		return map[string]any{active: false}, nil
	}
	return b.mapped(w)
}

// mapped maps the attributes of a user who is there.
func (b *batch) mapped(w *work) (map[string]any, error) {
	if b.lacks(w) {
		return nil, nil
	}
	attributes := maps.Clone(w.reading.Attributes)
	attributes["IsSoftDeleted"] = b.verdict(w).IsSoftDeleted()
	return b.Mapping.Users.Map(attributes)
}

// lacks reports whether Entra's answer does not show what decides about the
// object; then the attempt has ended. What is not shown is not known: it is not
// false and not empty.
func (b *batch) lacks(w *work) bool {
	missing := b.rules(w).Lacks(w.reading.Attributes)
	if len(missing) == 0 {
		return false
	}
	b.fail(w, Import, &Fault{Kind: Transient, Reason: fmt.Sprintf("Entra's answer for %s lacks %s", w.attempt.Object, strings.Join(missing, ", "))})
	return true
}

// decideUnlinked creates the account of a person who has none. Webex is not
// searched first: if the name is taken it says so, and the holder is looked at
// then. A hire costs one call.
func (b *batch) decideUnlinked(ctx context.Context, w *work, want map[string]any) {
	name, _ := want[userName].(string)
	verdict := b.verdict(w)
	if w.record.PendingWrite == nil && w.seen != nil && !b.leftScope(w) {
		if b.matchSeen(ctx, w, want); w.done || w.record.WebexID != "" {
			return
		}
	}
	switch {
	case w.record.PendingWrite != nil && (want[active] == false || !containsFold(w.record.PendingWrite.Names, name)):
		b.unseen(w)
		return
	case verdict.Decision == scoping.Skip:
		b.skip(w, Scoping, verdict.Sentence(change.User))
		return
	case want[active] == false:
		b.skip(w, Scoping, "is mapped to an account that is not active, and was never provisioned")
		return
	}
	b.create(w, want)
}

// create sets w.op to the creation of what has these values.
func (b *batch) create(w *work, want map[string]any) {
	w.op = &Operation{Object: w.attempt.Object, Resource: b.rules(w).Resource(want)}
	w.pending = want
}

// unseen ends an attempt that must not go on before Webex shows whether an
// earlier one created the account.
func (b *batch) unseen(w *work) {
	b.fail(w, Matching, &Fault{Kind: Transient, Reason: fmt.Sprintf(
		"an interrupted attempt may have created %s in Webex, which does not show it yet", w.attempt.Object)})
}

// change sets w.op to the smallest PATCH that gives the linked account these
// values, or ends the attempt if it has them.
func (b *batch) change(ctx context.Context, w *work, want map[string]any) {
	want = w.writable(b.rules(w), want)
	patch, changed := b.rules(w).Diff(w.record.LastWritten, want, w.record.Picks)
	if w.singly && len(changed) > 1 {
		want = map[string]any{changed[0]: want[changed[0]]}
		patch, changed = b.rules(w).Diff(w.record.LastWritten, want, w.record.Picks)
	}
	if len(patch) == 0 {
		b.unchanged(w)
		return
	}
	pending := make(map[string]any, len(changed))
	for _, path := range changed {
		pending[path] = want[path]
	}
	if pending[active] == false && !b.mayDestroy(ctx, w, Disabling) {
		return
	}
	w.op = &Operation{Object: w.attempt.Object, ID: w.record.WebexID, Patch: patch}
	w.pending = pending
}

// writable is what of the values is to be asked for in this attempt: not what was
// refused in it.
func (w *work) writable(rules mapping.Mapping, want map[string]any) map[string]any {
	left := w.record.writable(rules, want)
	maps.DeleteFunc(left, func(path string, _ any) bool { return w.refused[path] != nil })
	return left
}

// writable is what of the values is worth asking for: not what Webex has made
// something else of, and of an account that is and stays inactive not what Webex
// itself changed.
func (r *Record) writable(rules mapping.Mapping, want map[string]any) map[string]any {
	closed := want[active] == false && r.LastWritten[active] == false
	left := maps.Clone(want)
	maps.DeleteFunc(left, func(path string, v any) bool {
		given, asked := r.Given[path]
		return asked && rules.Same(path, given, v) || closed && slices.Contains(r.Imposed, path)
	})
	return left
}

// unchanged ends an attempt that finds nothing more to write; of a group that
// is there, the members come first.
func (b *batch) unchanged(w *work) {
	if w.isGroup() && w.reading.Presence == Present && !w.converged {
		w.converged = true
		return
	}
	if len(w.refused) > 0 {
		b.fail(w, Export, w.refusal())
		return
	}
	if w.attempt.Action != None {
		b.succeed(w)
		return
	}
	w.attempt.Redundant = true
	b.skip(w, Export, "Webex already has this state (RedundantExport)")
}

// decideAbsent deals with an object that Entra has in neither place. Nothing
// is destroyed for its absence alone: a delete needs Graph's word about this
// very id and two readings ConfirmAfter apart; without the word the account is
// at most deactivated, after an hour of nothing but such readings, and looked
// at again for a day.
func (b *batch) decideAbsent(ctx context.Context, w *work) {
	r := &w.record
	now := b.Now()
	absence := Absence{Since: now}
	if r.Absence != nil {
		absence = *r.Absence
	}
	absence.Deleted = absence.Deleted || w.hasWord()
	r.Absence = &absence
	age := now.Sub(absence.Since)
	confirmed := age >= b.ConfirmAfter

	switch {
	case r.WebexID == "" && r.PendingWrite != nil:
		b.unseen(w)
	case r.WebexID == "" && (absence.Deleted || confirmed):
		r.Absence = nil
		if w.attempt.Action == Delete {
			b.succeed(w)
			return
		}
		b.skip(w, Scoping, "is not in Entra and not provisioned")
	case r.WebexID == "":
		b.again(w, retryDelay(w.attempt.Started.Sub(absence.Since)), "Entra does not know it, or does not know it yet")
	case w.isActive() && (absence.Deleted || age >= unheard):
		b.change(ctx, w, map[string]any{active: false})
	case !confirmed:
		b.again(w, b.ConfirmAfter-age, "Entra no longer has it: looked at again before anything is taken away")
	case absence.Deleted:
		if b.mayDestroy(ctx, w, Deleting) {
			w.op = &Operation{Object: w.attempt.Object, ID: r.WebexID, Delete: true}
		}
	case age < unheard:
		// Soon, since the word may wait behind this look.
		b.again(w, b.ConfirmAfter, "Entra does not have it and did not say that it is deleted: looked at again")
	case age < longestTrouble:
		b.again(w, unheard, "Entra does not have it and never said that it is deleted: looked at again")
	default:
		b.unchanged(w)
	}
}

// unheard is how long an account stays active of which Entra says nothing but
// that it has no such user. A replica may be that far behind.
const unheard = time.Hour

// retryDelay spaces the second looks at an object Entra does not know yet: as
// long as it has been waited for so far, from 10 seconds up.
func retryDelay(waited time.Duration) time.Duration {
	return max(waited, firstRetry)
}

// mayDestroy reports whether a disable or a delete may go ahead; if not, the
// attempt has ended.
func (b *batch) mayDestroy(ctx context.Context, w *work, d Destruction) bool {
	if b.UpsertOnly {
		b.spare(w, Scoping, fmt.Sprintf("UPSERT_ONLY is set: Entra asks to %s it, and it stays as it is", d))
		return false
	}
	name, _ := w.record.LastWritten[userName].(string)
	upn, _ := w.reading.Attributes["userPrincipalName"].(string)
	for _, id := range []string{w.attempt.Object.ID, name, upn} {
		if b.protected[strings.ToLower(id)] {
			if b.hold(ctx, w, Hold{Operation: d}) {
				b.Log.ErrorContext(ctx, "protected user held", "object", w.attempt.Object.String(), "operation", string(d))
			}
			b.fail(w, Export, &Fault{Kind: Held, Reason: fmt.Sprintf(
				"%s is in PROTECTED_USERS: it is neither disabled nor deleted; do it by hand in Control Hub, or take it off the list", w.attempt.Object)})
			return false
		}
	}
	if err := b.confirmTenant(ctx); err != nil {
		b.fail(w, Export, err)
		return false
	}
	return !b.parked(ctx, w, d) && b.mayLeave(w) && b.admitted(ctx, w, d)
}

// spare ends an attempt that leaves undone what it could not take back. That is
// noted, unless the person only left a scope that lets the account stay: the end of
// the attempt takes the note from what is not open.
func (b *batch) spare(w *work, step StepName, why string) {
	stays := b.leftScope(w) && b.verdict(w).Decision == scoping.Skip && w.reading.Attributes["accountEnabled"] != false
	if !stays {
		since := b.Now()
		if before := w.record.Spared; before != nil {
			since = before.Since
		}
		w.record.Spared = &Spared{Since: since, Why: why}
	}
	if w.attempt.Action == None {
		b.skip(w, step, why)
		return
	}
	w.step(step, Skipped, why)
	b.succeed(w)
}

// confirmTenant asks Entra once which tenant it is.
func (e *Engine) confirmTenant(ctx context.Context) error {
	e.tenant.Lock()
	defer e.tenant.Unlock()
	if e.confirmed {
		return nil
	}
	id, err := e.Directory.Organization(ctx)
	if err != nil {
		return err
	}
	if canonical, _ := change.ParseID(id); canonical == "" || canonical != e.TenantID {
		return &Fault{Kind: Transient, Reason: fmt.Sprintf(
			"Entra's answers come from tenant %q and not from ENTRA_TENANT_ID %s: nothing is disabled or deleted", id, e.TenantID)}
	}
	e.confirmed = true
	return nil
}

// visibleAfter is how long after a create Webex's search may not show the
// account yet. Clients of the live service poll for up to 15 seconds; three
// minutes have been seen.
const visibleAfter = 5 * time.Minute

// effectAfter is how long after it was sent a write that was not answered may
// still have its effect. What is read before that is read once more after it.
const effectAfter = 2 * time.Minute

// settle finds out what came of a write whose end is not known, by reading
// Webex: by id, or else under every name that was tried. After it the
// difference is taken against what Webex has.
func (b *batch) settle(ctx context.Context, w *work) {
	r := &w.record
	w.settled = true
	b.settles(w, r.PendingWrite)
	kind := w.attempt.Object.Kind
	if r.WebexID != "" {
		found, err := b.Target.Read(ctx, kind, r.WebexID)
		switch {
		case Gone.Is(err):
			b.missing(ctx, w, AsFault(err))
		case err != nil:
			b.fail(w, Matching, err)
		default:
			b.link(w, found)
		}
		return
	}
	if r.PendingWrite == nil {
		return
	}
	for _, name := range r.PendingWrite.Names {
		found, err := b.Target.Named(ctx, kind, name)
		if err != nil {
			b.fail(w, Matching, err)
			return
		}
		for _, candidate := range found {
			if candidate.externalID() == w.attempt.Object.ID {
				w.step(Matching, Success, fmt.Sprintf("found the %s %s that an interrupted attempt created", kind, candidate.ID))
				b.link(w, candidate)
				return
			}
		}
	}
	if b.Now().Sub(r.PendingWrite.Since) > visibleAfter {
		r.PendingWrite = nil
	}
}

// settles keeps a doubt that is settled so soon that the write may still have its
// effect.
func (b *batch) settles(w *work, doubt *PendingWrite) {
	if doubt != nil && !doubt.Answered && w.early == nil && b.Now().Sub(doubt.Since) < effectAfter {
		w.early = doubt
	}
}

// link ties the object to what was just read from Webex.
func (b *batch) link(w *work, found Resource) {
	r := &w.record
	if w.isGroup() && (r.WebexID != found.ID || w.afresh && r.MemberSync == nil) {
		r.MemberSync = &MemberSync{}
	}
	r.WebexID, r.LastWritten, r.Picks = found.ID, b.rules(w).Values(found.Attributes), b.rules(w).Picks(found.Attributes)
	r.PendingWrite, r.Missing, r.Given, r.Imposed, r.Unseen = nil, nil, nil, nil, false
	w.settled = true
	b.dateInactivity(w)
}

func (found Resource) externalID() string {
	s, _ := found.Attributes[externalID].(string)
	return strings.ToLower(s)
}

// actionOf names what an operation does, as an administrator would.
func actionOf(op *Operation, have, values map[string]any) Action {
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
