package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision/membership"
)

// soon is when a comparison that was left goes on.
const soon = time.Second

// syncMembers makes the members in Webex those in Entra, of a group whose
// properties are as they should be. Only a group's own Change comes here:
// nothing else writes its members.
func (b *batch) syncMembers(ctx context.Context, w imported) imported {
	w.now = b.Now()
	leased, cancel := context.WithTimeout(ctx, w.record.Claim.Until.Sub(w.now))
	defer cancel()
	m := &memberSync{batch: b, view: w.view, unlisted: slices.Clone(w.hints)}
	finished := true
	switch {
	case m.seeded:
		m.record.MemberSync, m.record.Members = nil, len(m.seen.Members)-len(m.absent)
		m.attempt.Joined = slices.DeleteFunc(slices.Clone(m.seen.Members), func(id string) bool { return slices.Contains(m.absent, id) })
		m.await(leased, m.absent)
	case m.asksMembers():
		m.judge(leased, m.hints, m.reading.Memberships)
	case m.Nested:
		m.awaitGroups(leased, m.hints)
	}
	m.spareMembers()
	m.leave()
	if m.record.MemberSync != nil {
		m.apply(leased)
		finished = !m.stopped && m.compare(leased)
		m.awaitUnlisted(leased)
	}
	m.apply(leased)
	m.conclude(finished && (m.stopped || len(m.add)+len(m.remove) == 0))
	w.view = m.view
	return w
}

// asksMembers reports whether those who are named are to be asked about singly:
// not if all members are about to be compared at once.
func (v *view) asksMembers() bool {
	c := v.record.MemberSync
	return c == nil && !v.afresh || c != nil && c.Long
}

// leave leaves to a comparison what is not known from those named alone. Whoever
// is no user may be a group, which stands for its own members. And whether many
// are too many is known when the group's size is.
func (m *memberSync) leave() {
	r := &m.record
	within := m.Nested && m.unknown > 0
	if !within && m.unquestioned(m.remove) {
		return
	}
	m.remove, m.spared = nil, 0 // the comparison finds them
	m.attempt.Members.Waiting = 0
	switch {
	case r.MemberSync == nil:
		r.MemberSync, m.add = &membership.Sync{}, nil
	case within:
		r.MemberSync = &membership.Sync{Long: true}
	}
}

// memberSync is the work on one group's members.
type memberSync struct {
	*batch
	view

	add, remove []membership.Person
	// unlisted are those named whom Entra has not listed as members.
	unlisted []string
	// unknown counts those of whom it is not known who they are.
	unknown int
	// fault is the most hopeful of the faults there were: one that can be
	// retried keeps the message. others are the reasons of the rest.
	fault  *Fault
	others []string
	// excess says that removals wait for an operator.
	excess *Fault
	// spared is how many are not removed because nobody is.
	spared int
	// stopped says that Webex takes no more for now.
	stopped bool
}

// spareMembers leaves everybody in the group if nobody is to be removed ever.
func (m *memberSync) spareMembers() {
	if m.UpsertOnly {
		m.spared += len(m.remove)
		m.remove = nil
	}
}

func (m *memberSync) failed(err error) {
	m.noteRefusal(Export, err)
	f := AsFault(err)
	if m.fault == nil || m.fault.Kind == Permanent {
		m.fault, f = f, m.fault
	}
	if f != nil {
		m.others = append(m.others, f.Error())
	}
}

// judge sorts those asked about into who is to be added and who removed.
func (m *memberSync) judge(ctx context.Context, ids []string, memberships []Membership) {
	if len(ids) == 0 {
		return
	}
	webexIDs, err := m.Ledger.WebexIDs(ctx, users(ids))
	if err != nil {
		m.failed(err)
		return
	}
	var missing, absent []string
	for i, id := range ids {
		var a Membership
		if i < len(memberships) {
			a = memberships[i]
		}
		switch {
		case a.Err != nil:
			m.failed(a.Err)
		case a.Standing == Unanswered:
			m.failed(&Fault{Kind: Transient, Reason: fmt.Sprintf("Entra did not say whether %s is a member of %s", id, m.object)})
		case a.Standing == NoUser:
			absent = append(absent, id)
			if webexIDs[i] == "" {
				m.unknown++
				m.attempt.Members.Waiting++
			}
		case a.Standing == Member && webexIDs[i] == "":
			missing = append(missing, id)
		case a.Standing == Member:
			m.add = append(m.add, membership.Person{ID: id, WebexID: webexIDs[i]})
		case webexIDs[i] != "":
			m.remove = append(m.remove, membership.Person{ID: id, WebexID: webexIDs[i]})
		}
	}
	m.await(ctx, missing)
	m.awaitReturn(ctx, absent)
}

// await notes that the group waits for members that are not in Webex, and
// looks at their links again: who arrived between the two looks did not see
// the note.
func (m *memberSync) await(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	if err := m.Ledger.Await(ctx, m.object, users(ids)); err != nil {
		m.failed(err)
		return
	}
	webexIDs, err := m.Ledger.WebexIDs(ctx, users(ids))
	if err != nil {
		m.failed(err)
		return
	}
	for i, id := range ids {
		if webexIDs[i] == "" {
			m.attempt.Members.Waiting++
			continue
		}
		m.add = append(m.add, membership.Person{ID: id, WebexID: webexIDs[i]})
		user := change.Object{Kind: change.User, ID: id}
		if err := m.Ledger.Arrived(ctx, user, []change.Object{m.object}); err != nil {
			m.failed(err)
		}
	}
}

// awaitReturn deals with those who are no live users. One who is deleted keeps
// the membership until the account goes: Entra gives it back on a restore. If
// it does not, or if a user comes to be only now, the note has the group look
// again; and so do we, in case that was before the note.
func (m *memberSync) awaitReturn(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	waitFor := users(ids)
	if m.Nested {
		for _, id := range ids {
			waitFor = append(waitFor, change.Object{Kind: change.Group, ID: id})
		}
	}
	if err := m.Ledger.Await(ctx, m.object, waitFor); err != nil {
		m.failed(err)
		return
	}
	again := m.Directory.Read(ctx, []Query{{Object: m.object, Members: ids, Transitive: m.Nested}})[0]
	if again.Err != nil {
		m.failed(again.Err)
		return
	}
	var back []string
	var memberships []Membership
	for i, a := range again.Memberships {
		if a.Err != nil || a.Standing != NoUser {
			back, memberships = append(back, ids[i]), append(memberships, a)
		}
	}
	m.judge(ctx, back, memberships)
}

// awaitGroups notes that the group waits for those of the ids that may be
// groups: one in the recycle bin is no part of a comparison.
func (m *memberSync) awaitGroups(ctx context.Context, ids []string) {
	webexIDs, err := m.Ledger.WebexIDs(ctx, users(ids))
	if err != nil {
		m.failed(err)
		return
	}
	var groups []change.Object
	for i, id := range ids {
		if webexIDs[i] == "" {
			groups = append(groups, change.Object{Kind: change.Group, ID: id})
		}
	}
	if err := m.Ledger.Await(ctx, m.object, groups); err != nil {
		m.failed(err)
	}
}

// awaitUnlisted notes that the group waits for those who were named and are not
// listed. They may have left, or be in the recycle bin, of which nobody has heard
// yet, and come back as members.
func (m *memberSync) awaitUnlisted(ctx context.Context) {
	if len(m.unlisted) == 0 {
		return
	}
	if err := m.Ledger.Await(ctx, m.object, users(m.unlisted)); err != nil {
		m.failed(err)
	}
}

// left is how much of the lease is left.
func (m *memberSync) left() time.Duration { return m.record.Claim.Until.Sub(m.Now()) }

// apply writes what is to be added and removed, in as few calls as can be, as
// long as the lease lasts: whom to remove first.
func (m *memberSync) apply(ctx context.Context) {
	for len(m.add)+len(m.remove) > 0 && !m.stopped && m.left() >= Margin {
		removing := min(len(m.remove), change.MaxMembers)
		adding := min(len(m.add), change.MaxMembers-removing)
		c := MemberChange{Group: m.object, ID: m.record.WebexID}
		byWebexID := make(map[string]membership.Person, removing+adding)
		for _, p := range m.remove[:removing] {
			c.Remove = append(c.Remove, p.WebexID)
			byWebexID[p.WebexID] = p
		}
		for _, p := range m.add[:adding] {
			c.Add = append(c.Add, p.WebexID)
			byWebexID[p.WebexID] = p
		}
		m.remove, m.add = m.remove[removing:], m.add[adding:]
		refused, err := m.Target.ChangeMembers(ctx, c)
		if err != nil {
			m.refusedGroup(err)
			return
		}
		m.wroteMembers(ctx, c, refused, byWebexID)
	}
}

// refusedGroup takes a fault of the whole group: Webex takes no more for now. A
// group that Webex says is not there is looked for by the next attempt.
func (m *memberSync) refusedGroup(err error) {
	if Gone.Is(err) {
		m.record.reported(m.Now())
		err = m.stillMissing(AsFault(err))
	}
	m.failed(err)
	m.stopped = true
}

// wroteMembers counts what Webex confirmed and keeps what it refused.
func (m *memberSync) wroteMembers(ctx context.Context, c MemberChange, refused map[string]error, byWebexID map[string]membership.Person) {
	m.attempt.Exported = m.Now()
	for _, id := range c.Add {
		if refused[id] == nil {
			m.attempt.Members.Added++
			m.attempt.Joined = oneMore(m.attempt.Joined, byWebexID[id].ID)
			m.countReturn(byWebexID[id])
		}
	}
	for _, id := range c.Remove {
		if refused[id] == nil {
			m.attempt.Members.Removed++
			m.attempt.Left = oneMore(m.attempt.Left, byWebexID[id].ID)
			m.countRemoval(byWebexID[id])
		}
	}
	for _, webexID := range slices.Sorted(maps.Keys(refused)) {
		p, err := byWebexID[webexID], refused[webexID]
		m.noteRefusal(Export, err)
		if !Gone.Is(err) {
			m.failed(&Fault{Kind: AsFault(err).Kind, Reason: fmt.Sprintf("member %s of %s", p.ID, m.object), Err: err})
			continue
		}
		m.vanished(ctx, p)
	}
}

// oneMore are the ids with one more, as long as they are not too many.
func oneMore(ids []string, id string) []string {
	if len(ids) == membership.MaxNamed {
		return ids
	}
	return append(ids, id)
}

// vanished deals with a member whose account is gone: the user is looked at
// afresh, and the group waits for the new account.
func (m *memberSync) vanished(ctx context.Context, p membership.Person) {
	user := change.Object{Kind: change.User, ID: p.ID}
	if err := m.Ledger.Await(ctx, m.object, []change.Object{user}); err != nil {
		m.failed(err)
		return
	}
	m.attempt.Members.Waiting++
	look := m.follow(user)
	look.Afresh = true
	if err := m.enqueue(ctx, []change.Change{look}); err != nil {
		m.failed(err)
	}
}

// conclude ends the attempt.
func (m *memberSync) conclude(finished bool) {
	m.now = m.Now()
	m.tellMembers()
	switch {
	case m.fault != nil && (finished || m.fault.Kind != Permanent):
		m.fail(Export, m.faults())
	case !finished:
		m.again(soon, "is a large group: the comparison of its members goes on")
	case m.excess != nil:
		m.fail(Export, m.excess)
	case m.spared > 0:
		m.spare(Export, fmt.Sprintf("UPSERT_ONLY is set: %d members stay that Entra does not have", m.spared))
	default:
		m.complete()
	}
}

// tellMembers notes what came of the members.
func (m *memberSync) tellMembers() {
	count := m.attempt.Members
	if count.Added+count.Removed > 0 {
		if m.attempt.Action == None {
			m.attempt.Action = Update
		}
		m.step(Export, Success, fmt.Sprintf("%d members added, %d removed", count.Added, count.Removed))
	}
	if count.Waiting > 0 {
		m.step(ReferenceResolution, Warning, fmt.Sprintf("%d members are not in Webex and are added when they are", count.Waiting))
	}
	if count.Skipped > 0 {
		m.step(ReferenceResolution, Skipped, fmt.Sprintf("%d members are no users", count.Skipped))
	}
}

// faults is the fault that keeps the message, with the reasons of some others.
func (m *memberSync) faults() *Fault {
	f, others := *m.fault, m.others
	if m.excess != nil {
		others = append(slices.Clip(others), m.excess.Error())
	}
	const few = 3
	for _, reason := range others[:min(len(others), few)] {
		f.Reason += "; also " + reason
	}
	if more := len(others) - few; more > 0 {
		f.Reason += fmt.Sprintf("; and %d more", more)
	}
	return &f
}

func users(ids []string) []change.Object {
	objects := make([]change.Object, len(ids))
	for i, id := range ids {
		objects[i] = change.Object{Kind: change.User, ID: id}
	}
	return objects
}
