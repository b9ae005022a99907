package provision

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"entrawebex/internal/change"
)

// resolve deals with a conflict (f is Webex's answer). It is a question: what is
// there is looked at. An account that holds the name is adopted, moved out of the
// way, or a reason to give up; what is about no name is read again.
func (b *batch) resolve(ctx context.Context, w *work, f *Fault) {
	name, _ := w.pending[b.rules(w).Matching()].(string)
	switch {
	case name == "":
		b.conflict(w, f)
	case w.isGroup():
		b.resolveGroup(ctx, w, name, f)
	default:
		b.resolveUser(ctx, w, name, f)
	}
}

func (b *batch) resolveUser(ctx context.Context, w *work, name string, f *Fault) {
	holders, err := b.Target.Named(ctx, change.User, name)
	holders = slices.DeleteFunc(holders, func(r Resource) bool { return !strings.EqualFold(r.name(change.User), name) })
	switch {
	case err != nil:
		b.fail(w, Matching, err)
	case len(holders) == 0:
		b.takenUnseen(ctx, w, name)
	case len(holders) > 1:
		w.record.PendingWrite = w.before
		b.unnamed(w, permanentf("%d Webex accounts have the userName of %s: leave one in Control Hub", len(holders), w.attempt.Object))
	case w.record.WebexID != "" && holders[0].ID == w.record.WebexID:
		// It has the name: the conflict is about something else.
		b.conflict(w, f)
	default:
		b.takenBy(ctx, w, name, holders[0])
	}
}

// conflict has an object read that Webex refuses to write for a conflict which is
// about no name, and decided anew; one that conflicts again is tried later.
func (b *batch) conflict(w *work, f *Fault) {
	w.record.PendingWrite = w.before
	if w.record.WebexID != "" && !w.reread {
		w.reread, w.settled, w.op = true, false, nil
		w.step(Export, Warning, f.Reason)
		return
	}
	b.fail(w, Export, &Fault{Kind: Transient, Code: Conflict, RequestID: f.RequestID, Reason: f.Reason + ", and no name is taken"})
}

// resolveGroup deals with a group whose name conflicts. Webex lets groups share a
// name; a server that does not shows which one has it.
func (b *batch) resolveGroup(ctx context.Context, w *work, name string, f *Fault) {
	found, err := b.Target.Named(ctx, change.Group, name)
	if err != nil {
		b.fail(w, Matching, err)
		return
	}
	found = slices.DeleteFunc(found, func(g Resource) bool { return g.ID == w.record.WebexID })
	for _, g := range found {
		if g.externalID() == w.attempt.Object.ID && w.record.WebexID == "" {
			b.adopting(ctx, w, g)
			b.link(w, g)
			w.op = nil
			return
		}
	}
	if len(found) == 0 || w.record.OpenFault.tries(Conflict) < unseenAttempts {
		b.conflict(w, f) // which is not about the name where names may be shared
		return
	}
	w.record.PendingWrite = w.before
	b.unnamed(w, permanentf("the name of %s is that of the Webex groups %s: rename or delete those in Control Hub, or rename the group in Entra",
		w.attempt.Object, candidates(found)))
}

// unnamed deals with a name that the object cannot have: one that is in Webex
// already gets all the rest.
func (b *batch) unnamed(w *work, f *Fault) {
	if w.record.WebexID == "" {
		b.fail(w, Matching, f)
		return
	}
	name := w.pending[b.rules(w).Matching()]
	for path, v := range w.pending {
		if b.rules(w).Same(b.rules(w).Matching(), v, name) {
			w.refuse(path, f)
		}
	}
	w.op = nil
}

// unseenAttempts is how often a name is tried again soon that is taken by nobody
// to be seen, before that is expected to last: Webex's search lags behind. As
// often is one tried again that two have in Entra: a replica lags behind, too.
// Six attempts are ten minutes.
const unseenAttempts = 6

// takenUnseen deals with a name that is taken and that no account has: it may be
// another organization's, an alias, or that of an account that is deleted.
func (b *batch) takenUnseen(ctx context.Context, w *work, name string) {
	if !w.unseen {
		// The holder may have been renamed since Webex answered, in this
		// very batch: the next round tries once more.
		w.unseen, w.op = true, nil
		return
	}
	aliases, err := b.Target.Addressed(ctx, name)
	if f := AsFault(err); f != nil && f.Kind != Permanent { // not every server searches addresses
		b.fail(w, Matching, f)
		return
	}
	why := "it may belong to another organization (claim the user in Control Hub), to an account deleted " +
		"within the last 7 days (Webex frees it by itself), or be an alias that Webex does not show"
	for _, a := range aliases {
		if a.ID != w.record.WebexID {
			why = fmt.Sprintf("it is an alias of the Webex account %s (take it off there); else "+
				"it may belong to another organization, or to an account deleted within the last 7 days", a.ID)
			break
		}
	}
	b.unnamed(w, &Fault{Kind: Transient, Code: Taken, Reason: fmt.Sprintf(
		"the userName of %s is taken and is no account's userName that this organization shows: %s; asked again for 8 days", w.attempt.Object, why)})
}

func (b *batch) takenBy(ctx context.Context, w *work, name string, holder Resource) {
	owner, owned, err := b.ownerOf(ctx, holder)
	free := false
	if err == nil && !owned && w.record.WebexID == "" {
		free, err = b.adoptable(ctx, holder, w.attempt.Object)
	}
	if err == nil && (free || owned) {
		holder, err = b.whole(ctx, w, holder)
	}
	if err != nil {
		b.fail(w, Matching, err)
		return
	}
	if free || owned && owner == w.attempt.Object {
		b.adopting(ctx, w, holder)
		b.link(w, holder)
		return
	}
	w.record.PendingWrite = w.before // the name is another's, so nothing was written
	switch {
	case owned:
		b.makeRoom(ctx, w, name, holder, owner)
	case holder.Reserved != "":
		b.unnamed(w, permanentf("the userName of %s is that of the Webex account %s, and %s: give that another address in Control Hub, or the user another one in Entra",
			w.attempt.Object, holder.ID, holder.Reserved))
	case w.record.WebexID != "":
		b.unnamed(w, permanentf("the new userName of %s is that of the Webex account %s, which is not managed here: rename or delete that account in Control Hub",
			w.attempt.Object, holder.ID))
	default:
		b.fail(w, Matching, permanentf("the userName of %s is that of the Webex account %s, whose externalId names another Entra object, %s: clear it if that object is no more",
			w.attempt.Object, holder.ID, holder.externalID()))
	}
}

// adoptable reports whether what is linked to nothing may be taken over for the
// object: a person's account or a group of nobody, of this very object, or one
// that another system left behind, another tenant among them.
func (b *batch) adoptable(ctx context.Context, found Resource, o change.Object) (bool, error) {
	id, entra := change.ParseID(found.externalID())
	switch {
	case found.Reserved != "":
		return false, nil
	case !entra, id == o.ID:
		return true, nil
	default:
		unknown, err := b.unknownToTenant(ctx, id)
		return len(unknown) > 0, err
	}
}

// whole is what was found, read by its id if it does not show all that a write
// of it depends on.
func (b *batch) whole(ctx context.Context, w *work, found Resource) (Resource, error) {
	if b.rules(w).ShowsElements(found.Attributes) {
		return found, nil
	}
	return b.Target.Read(ctx, w.attempt.Object.Kind, found.ID)
}

// adopting tells what is taken over, and whose it was: its externalId is about to
// be written over.
func (b *batch) adopting(ctx context.Context, w *work, found Resource) {
	kind, was := "account", found.externalID()
	if w.isGroup() {
		kind = "group"
	}
	w.step(Matching, Success, fmt.Sprintf("adopted the %s %s; its externalId was %q", kind, found.ID, was))
	b.Log.InfoContext(ctx, "adopted", "object", w.attempt.Object.String(), "webexId", found.ID, "externalId", was)
}

// unknownToTenant returns those of the ids that are of no user and no group of
// this tenant, its recycle bin included. Entra is asked about each once in a
// batch, and about all of them together.
func (b *batch) unknownToTenant(ctx context.Context, ids ...string) ([]string, error) {
	b.asking.Lock()
	defer b.asking.Unlock()
	if b.unknown == nil {
		b.unknown = map[string]bool{}
	}
	var asked []string
	var queries []Query
	for _, id := range ids {
		if _, known := b.unknown[id]; known || slices.Contains(asked, id) {
			continue
		}
		asked = append(asked, id)
		for _, kind := range []change.Kind{change.User, change.Group} {
			queries = append(queries, Query{Object: change.Object{Kind: kind, ID: id}})
		}
	}
	if len(asked) > 0 {
		readings := b.Directory.Read(ctx, queries)
		for i, id := range asked {
			user, group := readings[2*i], readings[2*i+1]
			switch {
			case user.isThere() || group.isThere():
				b.unknown[id] = false
			case user.isAbsent() && group.isAbsent():
				b.unknown[id] = true
			default:
				return nil, cmp.Or(user.Err, group.Err, error(&Fault{Kind: Transient, Reason: "Entra did not say whether it knows " + id}))
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !b.unknown[id] }), nil
}

// isThere reports whether Entra has the object, or may give it back.
func (r Reading) isThere() bool {
	return r.Err == nil && (r.Presence == Present || r.Presence == SoftDeleted)
}

// isAbsent reports whether Entra says that there is no such object.
func (r Reading) isAbsent() bool { return r.Err == nil && r.Presence == Absent }

// ownerOf returns the object an account is ours for: linked to it, or created
// for it by an attempt that never learned so.
func (b *batch) ownerOf(ctx context.Context, a Resource) (change.Object, bool, error) {
	for _, w := range b.works {
		if w.record.WebexID == a.ID {
			return w.attempt.Object, true, nil
		}
	}
	if o, ok, err := b.Ledger.LinkedTo(ctx, a.ID); ok || err != nil {
		return o, ok, err
	}
	id, ok := change.ParseID(a.externalID())
	if !ok {
		return change.Object{}, false, nil
	}
	o := change.Object{Kind: change.User, ID: id}
	r, ok, err := b.Ledger.Record(ctx, o)
	return o, ok && r.WebexID == "" && r.PendingWrite != nil, err
}

// makeRoom moves the holder of a name to a reserved address, if Entra says that
// the name is no longer the holder's. The holder is worked on under its own
// claim, and converged with the batch.
func (b *batch) makeRoom(ctx context.Context, w *work, name string, holder Resource, owner change.Object) {
	h := b.find(owner)
	if h == nil {
		var err error
		if h, err = b.visit(ctx, w, owner); err != nil {
			b.fail(w, Matching, err)
			return
		}
	}
	if f := b.mayMove(h, w, name); f != nil {
		b.unnamed(w, f)
		return
	}
	doubt := h.record.PendingWrite
	if h.op != nil {
		doubt = h.before // what was refused a moment ago is in none
	}
	b.settles(h, doubt)
	b.link(h, holder)
	h.done = false
	h.pending = map[string]any{}
	_, domain, _ := strings.Cut(name, "@")
	for path, v := range h.record.LastWritten {
		if s, ok := v.(string); ok && strings.EqualFold(s, name) {
			h.pending[path] = owner.ID + "@" + domain
		}
	}
	patch, _ := b.Mapping.Users.Diff(h.record.LastWritten, h.pending, h.record.Picks)
	if len(patch) == 0 {
		b.fail(w, Matching, &Fault{Kind: Transient, Reason: fmt.Sprintf(
			"Webex finds the account %s by the userName of %s, and does not show that it has it", holder.ID, w.attempt.Object)})
		return
	}
	h.op = &Operation{Object: owner, ID: holder.ID, Patch: patch}
	h.moving = true
	if b.doubt(ctx, h) {
		b.export(ctx, []*work{h})
	}
	h.moving = false
	switch f := h.attempt.Fault; {
	case f == nil:
	case f.Kind == Permanent:
		// The fault is the newcomer's: the holder is as it shall be.
		h.reopen()
		b.unnamed(w, &Fault{Kind: Permanent, RequestID: f.RequestID, Reason: fmt.Sprintf(
			"the userName of %s is held by the %s Webex account %s of %s, which Webex does not let be renamed: delete that account, or rename it, in Control Hub, then replay",
			w.attempt.Object, stateOf(holder), holder.ID, owner), Err: f})
	default:
		b.fail(w, Matching, &Fault{Kind: Transient, Reason: fmt.Sprintf(
			"the userName of %s could not be taken from %s yet", w.attempt.Object, owner), Err: f})
	}
}

func stateOf(account Resource) string {
	if account.Attributes[active] == false {
		return "inactive"
	}
	return "active"
}

// reopen takes back the end of an attempt at somebody else's behest.
func (w *work) reopen() {
	w.done = false
	w.attempt.Fault, w.attempt.Status, w.attempt.Reason, w.attempt.Again = nil, "", "", 0
	w.record.OpenFault = w.stored.OpenFault
}

// visit claims and reads an object that no Change of the batch names, and adds
// it to the batch. A Change of its own is queued first, so that it is looked
// at again whatever happens here.
func (b *batch) visit(ctx context.Context, w *work, o change.Object) (*work, error) {
	again := change.Change{Object: o, Source: change.Engine, SeenAt: b.Now(), CorrelationID: w.attempt.Causes[0].CorrelationID}
	if err := b.Queue.Enqueue(ctx, []change.Change{again}); err != nil {
		return nil, &Fault{Kind: Transient, Reason: fmt.Sprintf("%s could not be queued", o), Err: err}
	}
	b.add(again)
	h := b.works[len(b.works)-1]
	b.claim(ctx, h)
	if !h.done && h.record.Unconcluded > 1 {
		// One that may kill the process is not worked on with others.
		b.unclaim(ctx, h)
		b.again(h, soon, "an attempt at it never came to an end: worked on alone")
	}
	if !h.done {
		b.read(ctx, h)
	}
	if h.done {
		f := &Fault{Kind: Transient, Reason: fmt.Sprintf("%s holds the userName of %s and cannot be looked at now", o, w.attempt.Object)}
		if h.attempt.Fault != nil { // one that waits to be worked on alone has none
			f.Err = h.attempt.Fault
		}
		return nil, f
	}
	return h, nil
}

// mayMove returns nil if Entra says that the name is not h's any more, else
// the fault that w has for it.
func (b *batch) mayMove(h, w *work, name string) *Fault {
	unknown := &Fault{Kind: Transient, Reason: fmt.Sprintf("%s holds the userName of %s and cannot be looked at now", h.attempt.Object, w.attempt.Object)}
	switch {
	case h.stored.Claim.Owner != b.owner || h.reading.Err != nil || h.reading.RolesErr != nil || h.reading.Presence == Unknown:
		return unknown
	case h.reading.Presence != Present:
		return nil
	}
	want, err := b.mapped(h)
	switch {
	case err == nil && want == nil:
		return unknown
	case err != nil:
		return permanentf("the userName of %s is held by %s, whose own attributes are at fault: %v", w.attempt.Object, h.attempt.Object, err)
	}
	if theirs, _ := want[userName].(string); strings.EqualFold(theirs, name) {
		kind := Transient
		if w.record.OpenFault.tries(Twin) >= unseenAttempts {
			kind = Permanent
		}
		return &Fault{Kind: kind, Code: Twin, Reason: fmt.Sprintf(
			"%s and %s both have this userName in Entra: Webex can give it to one of them", w.attempt.Object, h.attempt.Object)}
	}
	return nil
}
