package provision

import (
	"fmt"
	"log/slog"
	"slices"

	"entrawebex/internal/provision/membership"
)

// removals are those that count now.
func (m *memberSync) removals() membership.Removals {
	if m.record.Removals == nil {
		return membership.Removals{}
	}
	return m.record.Removals.Within(m.Guard.Window, m.Now())
}

// mayRemove reports whether these may be removed from the group, after those
// who were within the window.
func (m *memberSync) mayRemove(people []membership.Person) bool {
	if m.Guard == nil {
		return true
	}
	limit := membership.Limit{Floor: m.Guard.Floor, Share: m.Guard.GroupShare}
	return limit.Allows(people, m.record.Members, m.removals())
}

// countRemoval notes that Webex has removed somebody: as approved, if it was, or
// else as one of those in the window.
func (m *memberSync) countRemoval(p membership.Person) {
	r := &m.record
	r.Members = max(r.Members-1, 0)
	if m.Guard == nil || m.tick(p) {
		return
	}
	counted := m.removals().With(p.ID, m.Now())
	r.Removals = &counted
}

// countReturn notes that Webex has added somebody, who was not removed then.
func (m *memberSync) countReturn(p membership.Person) {
	if m.Guard == nil {
		return
	}
	if rest, removed := m.removals().Without(p.ID); removed {
		m.record.Removals = &rest
		m.record.Members++
	}
}

// tick takes one off the approval and reports whether it was for this one. What
// an operator approved does not count against what comes after it.
func (m *memberSync) tick(p membership.Person) bool {
	r := &m.record
	if !r.Approval.covers(Removing, m.Now()) {
		return false
	}
	left := *r.Approval
	if len(left.Who) > 0 {
		i := slices.Index(left.Who, p.ID)
		if i < 0 {
			return false
		}
		left.Who = slices.Delete(slices.Clone(left.Who), i, i+1)
	}
	left.Members--
	r.Approval = &left
	if left.Members <= 0 {
		r.Approval = nil // used up
	}
	return true
}

// approved parts those whose removal an operator approved from the others. Where
// nobody is named, it is for as many as were held, and no more.
func (m *memberSync) approved(people []membership.Person) (approved, others []membership.Person) {
	a := m.record.Approval
	switch {
	case !a.covers(Removing, m.Now()):
		return nil, people
	case len(a.Who) > 0:
		return membership.Part(people, a.Who)
	case len(people) <= a.Members:
		return people, nil
	default:
		return nil, people
	}
}

// rejectedOf parts those whose removal an operator rejected from the others.
// Where nobody is named, it is about all of them, as long as they are the same;
// walking past some of them does not show that.
func (m *memberSync) rejectedOf(people []membership.Person, walking bool) (rejected, others []membership.Person) {
	r := m.record.Rejected
	switch {
	case r == nil || r.Operation != Removing:
		return membership.Part(people, m.record.Stays)
	case len(r.Who) > 0:
		return membership.Part(people, slices.Concat(r.Who, m.record.Stays))
	case walking || r.Fingerprint == fingerprint(membership.IDs(people)):
		return people, nil
	default:
		return membership.Part(people, m.record.Stays)
	}
}

// unquestioned reports whether these may be removed without looking at all of
// the group.
func (m *memberSync) unquestioned(people []membership.Person) bool {
	rejected, _ := m.rejectedOf(people, true)
	return len(rejected) == 0 && m.mayRemove(people)
}

// checkRemovals takes those out of what is to be written who may not be
// removed. has is how many members Webex has. Walking says that others to be
// removed were met before, or will be later.
func (m *memberSync) checkRemovals(has int, walking bool) {
	m.record.Members = has
	approved, others := m.approved(m.remove)
	rejected, fresh := m.rejectedOf(others, walking)
	m.remove = approved
	if m.mayRemove(fresh) {
		m.remove = append(m.remove, fresh...)
		m.keepRejected(rejected, has, walking)
		return
	}
	m.setAside(rejected, walking)
	m.holdRemovals(fresh, has, walking)
}

// keepRejected leaves those in the group whose removal was rejected. Whoever
// came back in Entra is no longer among them.
func (m *memberSync) keepRejected(rejected []membership.Person, has int, walking bool) {
	r := &m.record
	undecided := r.holds(Removing) && r.Rejected == nil
	switch {
	case len(rejected) == 0 && walking:
		return
	case len(rejected) == 0:
		r.Stays = nil
		if r.Rejected != nil && r.Rejected.Operation == Removing {
			r.Rejected = nil
		}
		return
	case walking && !undecided && len(r.Stays) > 0:
		r.Rejected, r.Stays = &Rejection{Operation: Removing, Who: r.Stays}, nil
	case !walking && len(rejected) <= membership.MaxNamed:
		r.Rejected, r.Stays = &Rejection{Operation: Removing, Who: membership.IDs(rejected)}, nil
	}
	if r.Rejected != nil {
		m.holdRemovals(rejected, has, walking)
	}
	m.excess = &Fault{Kind: Held, Reason: rejection(m.object, Removing)}
}

// setAside keeps what an operator rejected, where others are to be decided on.
func (m *memberSync) setAside(rejected []membership.Person, walking bool) {
	r := &m.record
	switch {
	case !walking:
		r.Stays = membership.IDs(rejected)
	case r.Rejected != nil && r.Rejected.Operation == Removing:
		r.Stays = slices.Concat(r.Stays, r.Rejected.Who)
	}
	if r.Rejected != nil {
		r.Rejected, r.Hold = nil, nil
	}
}

// holdRemovals notes that the removal of these waits for an operator.
func (m *memberSync) holdRemovals(people []membership.Person, has int, walking bool) {
	who := membership.IDs(people)
	if before := m.record.Hold; walking && m.record.MemberSync.Held && before != nil && before.Operation == Removing {
		who = append(who, before.Who...)
	}
	slices.Sort(who)
	who = slices.Compact(who)
	h := Hold{Operation: Removing, Fingerprint: fingerprint(who), Members: len(who), Of: has}
	if len(who) <= membership.MaxNamed {
		h.Who = who
	}
	m.now = m.Now()
	if m.hold(h) {
		m.notice(slog.LevelError, "removals held", slog.Int("members", h.Members), slog.Int("of", has))
	}
	m.excess = m.waiting(h)
}

// waiting is the fault of a group whose removals wait for an operator.
func (m *memberSync) waiting(h Hold) *Fault {
	return &Fault{Kind: Held, Reason: fmt.Sprintf(
		"%d of the %d members of %s would be removed, after %d in the last %s: that waits for approval (entrawebex holds)",
		h.Members, h.Of, m.object, m.removals().Count, m.Guard.Window)}
}
