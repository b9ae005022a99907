package provision

import (
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

// The SCIM paths whose meaning the engine knows. All others are the mapping's.
const (
	userName   = "userName"
	active     = "active"
	externalID = "externalId"
)

// decide compares what Entra has with what Webex is known to have, and says which
// one write comes next, asks what it must know for that, or ends the attempt.
func (d *decision) decide() {
	if d.conflict != nil {
		d.resolve()
		return
	}
	if d.mustSettle() && !d.settle() {
		return
	}
	d.dateUnassigned()
	d.dateUnlisted()
	if d.reading.Presence == Absent {
		d.decideAbsent()
		return
	}
	if d.attempt.Verdict = d.verdict(); !d.isScopeKnown() {
		return
	}
	switch {
	case d.isGroup():
		d.decideGroup()
	case d.knowsManager():
		d.decideUser()
	}
}

// mustSettle reports whether Webex has to be read before anything is decided.
func (d *decision) mustSettle() bool {
	r := &d.record
	unsure := r.PendingWrite != nil || r.Missing != nil || d.afresh || d.look || r.Unseen && d.entitled()
	return unsure && !d.settled
}

func (d *decision) decideUser() {
	want, err := d.desired()
	verdict := d.verdict()
	switch {
	case d.ended:
	case verdict.Decision == scoping.Skip && d.isActive():
		d.spare(Scoping, verdict.Sentence(change.User))
	case err != nil && d.isActive() && !d.entitled():
		// Whatever is wrong with the attributes of a leaver, the account is
		// closed first.
		d.change(map[string]any{active: false})
	case err != nil:
		d.fail(Processing, permanentf("%s: %v", d.object, err))
	case d.record.WebexID == "":
		d.decideUnlinked(want)
	case d.isActive() && want[active] == false:
		// On its own, so that nothing else about the account can stop it.
		d.change(map[string]any{active: false})
	default:
		d.change(want)
	}
}

// entitled reports whether the person may sign in, and is in the scope.
func (v *view) entitled() bool {
	return v.reading.Presence == Present && v.verdict().Decision == scoping.Provision
}

// isActive reports whether the account is there and not known to be inactive.
func (v *view) isActive() bool {
	return !v.isGroup() && v.record.WebexID != "" && v.record.LastWritten[active] != false
}

// desired maps the reading. Of a user in the recycle bin only the state
// counts: its name is mangled. Of one out of scope nothing else is any business
// of ours, and no account stays open until the app roles of a blocked user are known.
func (d *decision) desired() (map[string]any, error) {
	shut := d.reading.RoleNamesErr != nil && d.isActive() && scoping.IsBlocked(d.reading.Attributes)
	if d.reading.Presence == SoftDeleted || d.leftScope() || shut {
		return map[string]any{active: false}, nil
	}
	if d.lacks() {
		return nil, nil
	}
	return d.mapped()
}

// mapped maps the attributes of an object that is there, and of which the reading shows
// all that decides.
func (v *view) mapped() (map[string]any, error) {
	attributes := maps.Clone(v.reading.Attributes)
	attributes["IsSoftDeleted"] = v.verdict().IsSoftDeleted()
	v.resolve(attributes)
	rules := v.rules(v.object.Kind)
	v.record.Moments = rules.Moments(v.record.Moments, attributes, v.now)
	rules = rules.At(v.record.Moments)
	if v.record.WebexID == "" {
		return rules.MapNew(attributes)
	}
	return rules.Map(attributes)
}

// lacks reports whether Entra's answer does not show what decides about the
// object; then the attempt has ended. What is not shown is not known: it is not
// false and not empty.
func (d *decision) lacks() bool {
	f := d.lacking()
	if f != nil {
		d.fail(Import, f)
	}
	return f != nil
}

// lacking is the fault of a reading that does not show what decides; nil if it does.
func (v *view) lacking() *Fault {
	missing := v.rules(v.object.Kind).Lacks(v.reading.Attributes)
	switch {
	case len(missing) == 0:
		return nil
	case v.reading.RoleNamesErr != nil && len(missing) == 1:
		return AsFault(v.reading.RoleNamesErr)
	}
	return transientf("Entra's answer for %s lacks %s", v.object, strings.Join(missing, ", "))
}

// decideUnlinked creates the account of a person who has none, and whom nothing in
// Webex matches. It is not searched for the name: if that is taken it says so, and the
// holder is looked at then. Where only the name matches, a hire costs one call.
func (d *decision) decideUnlinked(want map[string]any) {
	name, _ := want[userName].(string)
	verdict := d.verdict()
	if !d.matchUnlinked(want) {
		return
	}
	switch {
	case d.record.WebexID != "" && d.leftScope():
		d.decide() // the scope says something else of who has an account
	case d.record.WebexID != "":
		d.conform()
	case d.record.PendingWrite != nil && (want[active] == false || !containsFold(d.record.PendingWrite.Names, name)):
		d.hidden()
	case verdict.Decision == scoping.Skip:
		d.skip(Scoping, verdict.Sentence(change.User))
	case want[active] == false:
		d.skip(Scoping, "is mapped to an account that is not active, and was never provisioned")
	default:
		d.matchOrCreate(want)
	}
}

// matchOrCreate has the account that matches changed, or else one created.
func (d *decision) matchOrCreate(want map[string]any) {
	switch {
	case !d.match(want):
	case d.record.WebexID != "":
		d.conform()
	case !d.mapping.Users.Actions().Create:
		d.skip(Export, off("create", change.User)+"no account is made")
	default:
		d.create(want)
	}
}

// matchUnlinked links an account of ours that a comparison saw, or that was given up.
// It reports whether to decide on.
func (d *decision) matchUnlinked(want map[string]any) bool {
	switch {
	case d.record.PendingWrite != nil:
		return true
	case d.leftScope():
		return !d.record.Away || d.findAgain()
	default:
		return d.seen == nil || d.matchSeen(want)
	}
}

// off says that an action is off, for an administrator who knows Entra's target object
// actions.
func off(action string, kind change.Kind) string {
	return fmt.Sprintf("the action %s is off in the mapping of %ss: ", action, kind)
}

// conform has what was found in Webex, and is the object's from now on, changed to what
// Entra has: what is for creation is not for it.
func (d *decision) conform() {
	want, err := d.desired()
	switch {
	case d.ended:
	case err != nil:
		d.fail(Processing, permanentf("%s: %v", d.object, err))
	default:
		d.change(want)
	}
}

// findAgain looks whether an account of ours that was given up is there after all,
// under the name that its user has now: nobody else closes it. It reports whether to
// decide on.
func (d *decision) findAgain() bool {
	mapped, err := d.mapped()
	name, _ := mapped[userName].(string)
	if err != nil || name == "" {
		return true
	}
	found, known := d.holders(name)
	if !known {
		return false
	}
	for _, candidate := range found {
		if candidate.externalID() == d.object.ID {
			d.step(Matching, Success, fmt.Sprintf("found the user %s again, which was given up", candidate.ID))
			d.link(candidate)
			break
		}
	}
	return true
}

// create has what has these values created.
func (d *decision) create(want map[string]any) {
	d.next.write = &write{
		op:     Operation{Object: d.object, Resource: d.rules(d.object.Kind).Resource(want)},
		values: want,
	}
}

// remove has the account or the group deleted.
func (d *decision) remove() {
	d.next.write = &write{op: Operation{Object: d.object, ID: d.record.WebexID, Delete: true}}
}

// hidden ends an attempt that must not go on before Webex shows whether an
// earlier one created the account, or would show it: longer than that nobody waits.
func (d *decision) hidden() {
	d.fail(Matching, transientf("an interrupted attempt may have created %s in Webex, which does not show it yet", d.object))
	if d.attempt.Again > 0 {
		d.lookAfter(visibleAfter + soon - d.now.Sub(d.record.PendingWrite.Since))
	}
}

// change has the smallest PATCH written that gives the linked account these
// values, or ends the attempt if it has them.
func (d *decision) change(want map[string]any) {
	rules := d.rules(d.object.Kind)
	want = d.record.writable(rules, want)
	maps.DeleteFunc(want, func(path string, _ any) bool { return d.refused[path] != nil })
	patch, changed := rules.Diff(d.record.LastWritten, want, d.record.Picks)
	if !rules.Actions().Update && slices.ContainsFunc(changed, func(path string) bool { return path != active || want[path] != false }) {
		if want[active] != false || d.record.LastWritten[active] == false {
			d.leave(Export, off("update", d.object.Kind)+strings.Join(changed, ", ")+" stays as it is")
			return
		}
		want = map[string]any{active: false}
		patch, changed = rules.Diff(d.record.LastWritten, want, d.record.Picks)
	}
	if d.singly && len(changed) > 1 {
		want = map[string]any{changed[0]: want[changed[0]]}
		patch, changed = rules.Diff(d.record.LastWritten, want, d.record.Picks)
	}
	if len(patch) == 0 {
		d.unchanged()
		return
	}
	values := make(map[string]any, len(changed))
	for _, path := range changed {
		values[path] = want[path]
	}
	if values[active] == false && !d.mayDestroy(Disabling) {
		return
	}
	d.next.write = &write{op: Operation{Object: d.object, ID: d.record.WebexID, Patch: patch}, values: values}
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
func (d *decision) unchanged() {
	if d.isGroup() && d.reading.Presence == Present {
		if !d.fresh && !d.mapping.Groups.Actions().Update {
			d.leave(Export, off("update", change.Group)+"its members stay as they are")
			return
		}
		d.next.members = true
		return
	}
	d.complete()
}

// complete ends an attempt that has nothing more to write.
func (v *view) complete() {
	switch {
	case len(v.refused) > 0:
		v.fail(Export, v.refusal())
	case v.attempt.Action != None:
		v.succeed()
	default:
		v.attempt.Redundant = true
		v.skip(Export, "Webex already has this state (RedundantExport)")
	}
}

// refusal is the fault of an attempt that wrote all but what was refused.
func (v *view) refusal() *Fault {
	paths := slices.Sorted(maps.Keys(v.refused))
	f := *v.refused[paths[0]]
	for _, path := range paths {
		if v.refused[path].Kind != Permanent { // one that is tried again keeps the message
			f = *v.refused[path]
		}
	}
	f.Reason = fmt.Sprintf("%s not written, all else is: %s", strings.Join(paths, ", "), f.Reason)
	return &f
}

// refuse leaves an attribute out of what is written in this attempt.
func (p *past) refuse(path string, f *Fault) {
	refused := maps.Clone(p.refused)
	if refused == nil {
		refused = map[string]*Fault{}
	}
	refused[path] = f
	p.refused = refused
}

// decideAbsent deals with an object that Entra has in neither place. Nothing
// is destroyed for its absence alone: a delete needs Graph's word about this
// very id and two readings ConfirmAfter apart; without the word the account is
// at most deactivated, after an hour of nothing but such readings, and looked
// at again for a day.
func (d *decision) decideAbsent() {
	r := &d.record
	absence := Absence{Since: d.now}
	if r.Absence != nil && !d.lostSight(*r.Absence) {
		absence = *r.Absence
	}
	absence.Last = d.now
	absence.Deleted = absence.Deleted || d.hasWord()
	r.Absence = &absence
	age := d.now.Sub(absence.Since)
	confirmed := age >= d.confirmAfter

	switch {
	case r.WebexID == "":
		d.decideNowhere(absence, confirmed)
	case d.isActive() && (absence.Deleted || age >= unheard):
		d.change(map[string]any{active: false})
	case !confirmed:
		d.again(d.confirmAfter-age, "Entra no longer has it: looked at again before anything is taken away")
	case absence.Deleted:
		if d.mayDestroy(Deleting) {
			d.remove()
		}
	case age < unheard:
		// Soon, since the word may wait behind this look.
		d.again(d.confirmAfter, "Entra does not have it and did not say that it is deleted: looked at again")
	case age < longestTrouble:
		d.again(unheard, "Entra does not have it and never said that it is deleted: looked at again")
	default:
		d.unchanged()
	}
}

// lostSight reports whether nobody has looked for so long that a reading of then and this
// one do not make an hour of nothing but such readings. Graph's word stays.
func (d *decision) lostSight(a Absence) bool {
	last := a.Last
	if last.IsZero() {
		last = a.Since
	}
	return !a.Deleted && d.isActive() && d.now.Sub(last) > unheard+d.confirmAfter // between two looks
}

// decideNowhere deals with an object that Entra does not have, and Webex not for us.
func (d *decision) decideNowhere(absence Absence, confirmed bool) {
	switch {
	case d.record.PendingWrite != nil:
		d.hidden()
	case !absence.Deleted && !confirmed:
		d.again(retryDelay(d.attempt.Started.Sub(absence.Since)), "Entra does not know it, or does not know it yet")
	case d.attempt.Action == Delete:
		d.record.Absence = nil
		d.succeed()
	default:
		d.record.Absence = nil
		d.skip(Scoping, "is not in Entra and not provisioned")
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
// attempt has ended, or something is asked first.
func (d *decision) mayDestroy(what Destruction) bool {
	switch {
	case d.upsertOnly:
		d.spare(Scoping, fmt.Sprintf("UPSERT_ONLY is set: Entra asks to %s it, and it stays as it is", what))
		return false
	case !d.rules(d.object.Kind).Actions().Delete:
		d.spare(Scoping, fmt.Sprintf("%sEntra asks to %s it, and it stays as it is", off("delete", d.object.Kind), what))
		return false
	case d.isProtected():
		if d.hold(Hold{Operation: what}) {
			d.notice(slog.LevelError, "protected user held", slog.String("operation", string(what)))
		}
		d.fail(Export, &Fault{Kind: Held, Reason: fmt.Sprintf(
			"%s is in PROTECTED_USERS: it is neither disabled nor deleted; do it by hand in Control Hub, or take it off the list", d.object)})
		return false
	case !d.answers.tenant:
		return d.ask(question{at: Export, asks: askTenant})
	}
	return !d.parked(what) && d.mayLeave() && d.admitted(what)
}

// isProtected reports whether an administrator lists the object by its id or by one
// of its names.
func (v *view) isProtected() bool {
	name, _ := v.record.LastWritten[userName].(string)
	upn, _ := v.reading.Attributes["userPrincipalName"].(string)
	return slices.ContainsFunc([]string{v.object.ID, name, upn}, func(s string) bool { return v.protected[strings.ToLower(s)] })
}

// spare ends an attempt that leaves undone what it could not take back. That is
// noted, unless the person only left a scope that lets the account stay: the end of
// the attempt takes the note from what is not open.
func (v *view) spare(step StepName, why string) {
	stays := v.leftScope() && v.verdict().Decision == scoping.Skip && !scoping.IsBlocked(v.reading.Attributes)
	if !stays {
		since := v.now
		if before := v.record.Spared; before != nil {
			since = before.Since
		}
		v.record.Spared = &Spared{Since: since, Why: why}
	}
	v.leave(step, why)
}

// leave ends an attempt that leaves the rest undone.
func (v *view) leave(step StepName, why string) {
	if v.attempt.Action == None {
		v.skip(step, why)
		return
	}
	v.step(step, Skipped, why)
	v.succeed()
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
// difference is taken against what Webex has. It reports whether to decide on.
func (d *decision) settle() bool {
	r := &d.record
	d.settles(r.PendingWrite)
	if r.WebexID == "" {
		return d.settleByName()
	}
	found, gone, known := d.account(r.WebexID)
	switch {
	case !known:
		return false
	case gone != nil:
		return d.missing(gone)
	default:
		d.link(found)
		return true
	}
}

// settles keeps a pending write that is settled so soon that it may still have its
// effect.
func (d *decision) settles(pending *PendingWrite) {
	if pending != nil && !pending.Answered && d.early == nil && d.now.Sub(pending.Since) < effectAfter {
		d.early = pending
	}
}

// settleByName looks for what an interrupted attempt may have created.
func (d *decision) settleByName() bool {
	r := &d.record
	d.settled = true
	if r.PendingWrite == nil {
		return true
	}
	for _, name := range r.PendingWrite.Names {
		found, known := d.holders(name)
		if !known {
			return false
		}
		for _, candidate := range found {
			if candidate.externalID() == d.object.ID {
				d.step(Matching, Success, fmt.Sprintf("found the %s %s that an interrupted attempt created", d.object.Kind, candidate.ID))
				d.link(candidate)
				return true
			}
		}
	}
	if d.now.Sub(r.PendingWrite.Since) > visibleAfter {
		r.PendingWrite = nil
	}
	return true
}

// link ties the object to what was just read from Webex.
func (d *decision) link(found Resource) {
	r, rules := &d.record, d.rules(d.object.Kind)
	if d.isGroup() && (r.WebexID != found.ID || d.afresh && r.MemberSync == nil) {
		r.MemberSync = &membership.Sync{}
	}
	r.WebexID, r.LastWritten, r.Picks = found.ID, rules.Values(found.Attributes), rules.Picks(found.Attributes)
	r.PendingWrite, r.Missing, r.Given, r.Imposed, r.Unseen = nil, nil, nil, nil, false
	d.settled = true
	r.dateInactivity(d.now)
}

// dateInactivity keeps the day from which Webex counts to the removal of an
// inactive account.
func (r *Record) dateInactivity(now time.Time) {
	switch {
	case r.LastWritten[active] != false:
		r.InactiveSince = time.Time{}
	case r.InactiveSince.IsZero():
		r.InactiveSince = now
	}
}

// unlink takes from the record all that is known of an account or a group that is
// no more.
func (r *Record) unlink() {
	r.Away = r.Away || r.WebexID != "" && r.Object.Kind == change.User
	r.WebexID, r.LastWritten, r.PendingWrite, r.MemberSync = "", nil, nil, nil
	r.InactiveSince, r.Unassigned, r.Contradicted, r.Unlisted, r.Missing = time.Time{}, time.Time{}, time.Time{}, time.Time{}, nil
	r.Picks, r.Given, r.Imposed, r.Unseen = nil, nil, nil, false
	r.Members, r.Removals, r.Moments = 0, nil, nil
}

func (found Resource) externalID() string {
	s, _ := found.Attributes[externalID].(string)
	return strings.ToLower(s)
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
