package provision

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"entrawebex/internal/change"
)

// answer asks what an object is decided by, and notes it. An error ends the attempt.
func (b *batch) answer(ctx context.Context, w *claimed, q question) error {
	v, a := &w.view, &w.answers
	var err error
	switch q.asks {
	case askAccount:
		var found Resource
		switch found, err = b.Target.Read(ctx, v.object.Kind, q.text); {
		case err == nil:
			set(&a.accounts, q.text, found)
		case Gone.Is(err):
			set(&a.gone, q.text, AsFault(err))
			err = nil
		}
	case askNamed, askAlias, askMeeting:
		err = b.search(ctx, v, q)
	case askOwner:
		var owner change.Object
		owner, err = b.linkedTo(ctx, q.text)
		set(&a.owners, q.text, owner)
	case askRecord:
		var r Record
		var known bool
		if r, known, err = b.Ledger.Record(ctx, q.object); !known {
			r = Record{}
		}
		set(&a.records, q.object, r)
	case askUnknown:
		var unknown []string
		unknown, err = b.unknownToTenant(ctx, q.text)
		set(&a.unknown, q.text, len(unknown) > 0)
	case askTenant:
		err = b.confirmTenant(ctx)
		a.tenant = err == nil
	case askGuard:
		a.guard, err = b.askGuard(ctx, v.object, Destruction(q.text))
	case askManager:
		var account string
		account, err = b.managerAccount(ctx, w, q.text)
		set(&a.managers, q.text, account)
	case askLinks:
		a.links, err = b.Ledger.WebexIDs(ctx, users(v.seen.Members))
	}
	return err
}

// search asks Webex who has something.
func (b *batch) search(ctx context.Context, v *view, q question) error {
	a := &v.answers
	var found []Resource
	var err error
	switch q.asks {
	case askNamed:
		found, err = b.Target.Named(ctx, v.object.Kind, q.text)
		set(&a.names, q.text, found)
	case askAlias:
		found, err = b.Target.Addressed(ctx, q.text)
		if f := AsFault(err); f != nil && f.Kind == Permanent { // not every server searches addresses
			err = nil
		}
		set(&a.aliases, q.text, found)
	default:
		found, err = b.Target.Matching(ctx, q.criterion)
		set(&a.meeting, q.text, found)
	}
	return err
}

// set notes a value in a map, which is made if there is none.
func set[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// linkedTo returns the object that a Webex id is linked to, in this batch or in the
// ledger; zero for none.
func (b *batch) linkedTo(ctx context.Context, webexID string) (change.Object, error) {
	for _, w := range b.works {
		if w.record.WebexID == webexID {
			return w.object, nil
		}
	}
	o, linked, err := b.Ledger.LinkedTo(ctx, webexID)
	if !linked {
		o = change.Object{}
	}
	return o, err
}

// askGuard counts the object that is to be disabled or deleted, and gives the alarm
// if the guard latches for it.
func (b *batch) askGuard(ctx context.Context, o change.Object, what Destruction) (*verdict, error) {
	v, err := b.Guard.admit(ctx, o, b.Now())
	if err != nil {
		return nil, err
	}
	if v.untold {
		b.Log.ErrorContext(ctx, "guard latched", "object", o.String(), "operation", string(what), "since", v.latched, "window", b.Guard.Window)
		if err := b.Guard.told(ctx); err != nil {
			// Told once more, by whoever is held next.
			b.Log.WarnContext(ctx, "the alarm that the guard latched is not noted", "error", err)
		}
	}
	return &v, nil
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
		return transientf("Entra's answers come from tenant %q and not from ENTRA_TENANT_ID %s: nothing is disabled or deleted", id, e.TenantID)
	}
	e.confirmed = true
	return nil
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
				return nil, cmp.Or(user.Err, group.Err, error(transientf("Entra did not say whether it knows %s", id)))
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

// makeRoom has a name taken from the object whose account has it, for another one.
// The holder is worked on under its own claim, and converged with the batch.
func (b *batch) makeRoom(ctx context.Context, w *imported, r room) *roomMade {
	place := slices.IndexFunc(b.works, func(h *imported) bool { return h.object == r.owner })
	if place < 0 {
		if f := b.visit(ctx, w, r.owner); f != nil {
			return &roomMade{fault: f}
		}
		place = len(b.works) - 1
	}
	h := *b.works[place]
	h.now = b.Now()
	s, made := vacate(h.view, &w.view, h.stored.Claim.Owner == b.owner, r)
	if s.write == nil {
		return made
	}
	opened := h.record.OpenFault
	h.state, h.past = s.state, s.past
	d := b.notePending(ctx, decided{imported: h, place: place, write: s.write})
	*b.works[place] = d.imported
	if d.write != nil {
		b.export(ctx, []decided{d})
	}
	return r.moved(w.object, b.works[place].reopen(opened))
}

// reopen takes back the end of an attempt at somebody else's behest, if that is for
// good, and returns its fault: the object itself is as it shall be.
func (w *imported) reopen(fault *OpenFault) *Fault {
	f := w.attempt.Fault
	if f != nil && f.Kind == Permanent {
		w.ended = false
		w.attempt.Fault, w.attempt.Status, w.attempt.Reason, w.attempt.Again = nil, "", "", 0
		w.record.OpenFault = fault
	}
	return f
}

// visit claims and reads an object that no Change of the batch names, and adds
// it to the batch. A Change of its own is queued first, so that it is looked
// at again whatever happens here.
func (b *batch) visit(ctx context.Context, w *imported, o change.Object) *Fault {
	again := change.Change{Object: o, Source: change.Engine, SeenAt: b.Now(), CorrelationID: w.causes[0].CorrelationID}
	if err := b.Queue.Enqueue(ctx, []change.Change{again}); err != nil {
		return &Fault{Kind: Transient, Reason: fmt.Sprintf("%s could not be queued", o), Err: err}
	}
	var s subject
	s.object = o
	s.add(again)
	h := &imported{claimed: b.claim(ctx, s)}
	if !h.ended && h.record.Unconcluded > 1 {
		// One that may kill the process is not worked on with others.
		h.claimed = b.unclaim(ctx, h.claimed)
		h.again(soon, "an attempt at it never came to an end: worked on alone")
	}
	b.read(ctx, []*imported{h})
	b.works = append(b.works, h)
	if !h.ended {
		return nil
	}
	f := transientf("%s holds the userName of %s and cannot be looked at now", o, w.object)
	if h.attempt.Fault != nil { // one that waits to be worked on alone has none
		f.Err = h.attempt.Fault
	}
	return f
}
