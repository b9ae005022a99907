package provision

import (
	"fmt"
	"log/slog"
	"slices"
)

// fewRemovals are never a mass: so small a group may change altogether.
const fewRemovals = 5

// removals are those that count now.
func (m *membership) removals() Removals {
	if r := m.record.Removals; r != nil && m.Now().Sub(r.Since) < m.Guard.Window {
		return *r
	}
	return Removals{}
}

// mayRemove reports whether these may be removed from the group, after those
// who were within the window. Each counts once.
func (m *membership) mayRemove(people []person) bool {
	if m.Guard == nil {
		return true
	}
	done := m.removals()
	_, more := part(people, done.Who)
	const percent = 100
	limit := max(fewRemovals, m.Guard.Floor, (m.record.Members+done.Count)*m.Guard.GroupShare/percent)
	return len(more) == 0 || done.Count+len(more) <= limit
}

// part parts those who are among the ids from the others.
func part(people []person, ids []string) (among, others []person) {
	named := make(map[string]bool, len(ids))
	for _, id := range ids {
		named[id] = true
	}
	for _, p := range people {
		if named[p.id] {
			among = append(among, p)
		} else {
			others = append(others, p)
		}
	}
	return among, others
}

// countRemoval notes that Webex has removed somebody: as approved, if it was, or
// else as one of those in the window.
func (m *membership) countRemoval(p person) {
	r := &m.record
	r.Members = max(r.Members-1, 0)
	if m.Guard == nil || m.tick(p) {
		return
	}
	counted := m.removals()
	if slices.Contains(counted.Who, p.id) {
		return
	}
	if counted.Count == 0 {
		counted.Since = m.Now()
	}
	counted.Count++
	if len(counted.Who) < maxNamed {
		counted.Who = append(slices.Clone(counted.Who), p.id)
	}
	r.Removals = &counted
}

// countReturn notes that Webex has added somebody, who was not removed then.
func (m *membership) countReturn(p person) {
	if m.Guard == nil {
		return
	}
	counted := m.removals()
	i := slices.Index(counted.Who, p.id)
	if i < 0 {
		return
	}
	counted.Who = slices.Delete(slices.Clone(counted.Who), i, i+1)
	counted.Count--
	m.record.Removals = &counted
	m.record.Members++
}

// tick takes one off the approval and reports whether it was for this one. What
// an operator approved does not count against what comes after it.
func (m *membership) tick(p person) bool {
	r := &m.record
	if !r.Approval.covers(Removing, m.Now()) {
		return false
	}
	left := *r.Approval
	if len(left.Who) > 0 {
		i := slices.Index(left.Who, p.id)
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
func (m *membership) approved(people []person) (approved, others []person) {
	a := m.record.Approval
	switch {
	case !a.covers(Removing, m.Now()):
		return nil, people
	case len(a.Who) > 0:
		return part(people, a.Who)
	case len(people) <= a.Members:
		return people, nil
	default:
		return nil, people
	}
}

// rejectedOf parts those whose removal an operator rejected from the others.
// Where nobody is named, it is about all of them, as long as they are the same;
// walking past some of them does not show that.
func (m *membership) rejectedOf(people []person, walking bool) (rejected, others []person) {
	r := m.record.Rejected
	switch {
	case r == nil || r.Operation != Removing:
		return part(people, m.record.Stays)
	case len(r.Who) > 0:
		return part(people, slices.Concat(r.Who, m.record.Stays))
	case walking || r.Fingerprint == fingerprint(ids(people)):
		return people, nil
	default:
		return part(people, m.record.Stays)
	}
}

// unquestioned reports whether these may be removed without looking at all of
// the group.
func (m *membership) unquestioned(people []person) bool {
	rejected, _ := m.rejectedOf(people, true)
	return len(rejected) == 0 && m.mayRemove(people)
}

// checkRemovals takes those out of what is to be written who may not be
// removed. has is how many members Webex has. Walking says that others to be
// removed were met before, or will be later.
func (m *membership) checkRemovals(has int, walking bool) {
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
func (m *membership) keepRejected(rejected []person, has int, walking bool) {
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
	case !walking && len(rejected) <= maxNamed:
		r.Rejected, r.Stays = &Rejection{Operation: Removing, Who: ids(rejected)}, nil
	}
	if r.Rejected != nil {
		m.holdRemovals(rejected, has, walking)
	}
	m.excess = &Fault{Kind: Held, Reason: rejection(m.object, Removing)}
}

// setAside keeps what an operator rejected, where others are to be decided on.
func (m *membership) setAside(rejected []person, walking bool) {
	r := &m.record
	switch {
	case !walking:
		r.Stays = ids(rejected)
	case r.Rejected != nil && r.Rejected.Operation == Removing:
		r.Stays = slices.Concat(r.Stays, r.Rejected.Who)
	}
	if r.Rejected != nil {
		r.Rejected, r.Hold = nil, nil
	}
}

// holdRemovals notes that the removal of these waits for an operator.
func (m *membership) holdRemovals(people []person, has int, walking bool) {
	who := ids(people)
	if before := m.record.Hold; walking && m.record.MemberSync.Held && before != nil && before.Operation == Removing {
		who = append(who, before.Who...)
	}
	slices.Sort(who)
	who = slices.Compact(who)
	h := Hold{Operation: Removing, Fingerprint: fingerprint(who), Members: len(who), Of: has}
	if len(who) <= maxNamed {
		h.Who = who
	}
	m.now = m.Now()
	if m.hold(h) {
		m.notice(slog.LevelError, "removals held", slog.Int("members", h.Members), slog.Int("of", has))
	}
	m.excess = m.waiting(h)
}

// waiting is the fault of a group whose removals wait for an operator.
func (m *membership) waiting(h Hold) *Fault {
	return &Fault{Kind: Held, Reason: fmt.Sprintf(
		"%d of the %d members of %s would be removed, after %d in the last %s: that waits for approval (entrawebex holds)",
		h.Members, h.Of, m.object, m.removals().Count, m.Guard.Window)}
}

// ids are those of the people, sorted.
func ids(people []person) []string {
	list := make([]string, len(people))
	for i, p := range people {
		list[i] = p.id
	}
	slices.Sort(list)
	return list
}
