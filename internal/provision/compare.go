package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"entrawebex/internal/change"
)

// A comparison reads for as long as there is more than this left of the lease,
// and asks about single members for as long as that. What is left is for the
// writes, which end Margin before the lease.
const (
	readingMargin = 2 * Margin
	askingMargin  = Margin + Margin/3
)

// compare compares all members and reports whether it came to the end. It
// holds what Webex has and reads Entra page by page; whoever only Webex has is
// nominated for removal, and asked about singly.
//
// Whoever left goes before anybody is added. If the writes do not fit into one
// lease, the next one reads again and finds what is left of them. If not even
// the pages do, the next lease reads on, and those on its pages are added; after
// the last page whoever Webex has is asked about, a part in every lease.
func (m *membership) compare(ctx context.Context) bool {
	c := *m.record.MemberSync
	has, err := m.hasInWebex(ctx)
	if err != nil {
		m.refusedGroup(err)
		return true
	}
	then, ended, err := m.readOn(ctx, c, has)
	if err != nil {
		m.failed(err)
		return true
	}
	walking := c.Singly || c.After != ""
	if ended {
		ended = m.takeOut(ctx, nominated(has, c), &then)
		m.leaveOut(has)
		m.spareMembers()
		walking = walking || !ended
		then.Singly = then.Singly || !ended && then.After == c.After // the pages leave no time
		m.checkRemovals(len(has), walking)
		then.Held = c.Held || m.excess != nil
	}
	m.apply(ctx)
	switch {
	case m.stopped || m.fault != nil && m.fault.Kind != Permanent:
		return true
	case len(m.add)+len(m.remove) > 0:
		c.Long, c.Held = true, then.Held
		m.record.MemberSync = &c
		return false
	case !ended:
		m.record.MemberSync = &then
		return false
	default:
		return m.compared(then, walking)
	}
}

// leaveOut adds nobody whom Webex has and who turned out to be a member when asked
// about.
func (m *membership) leaveOut(has map[string]bool) {
	m.add = slices.DeleteFunc(m.add, func(p person) bool { named, there := has[p.webexID]; return there && !named })
}

// hasInWebex returns whom Webex has in the group: by the Webex id whether Entra names
// it, too, which is not known yet.
func (m *membership) hasInWebex(ctx context.Context) (map[string]bool, error) {
	has := map[string]bool{}
	if m.fresh {
		return has, nil
	}
	err := m.Target.Members(ctx, m.record.WebexID, func(ids []string) error {
		for _, id := range ids {
			has[id] = false
		}
		return nil
	})
	return has, err
}

// readOn reads Entra's members on from where the comparison was left, and marks them.
// It returns where the next lease goes on if this one does not come to the end, and
// whether all of Entra's members have been marked.
func (m *membership) readOn(ctx context.Context, c MemberSync, has map[string]bool) (then MemberSync, marked bool, err error) {
	then = c
	then.Long = true
	if c.Singly {
		return then, true, nil
	}
	if then.Page, then.Pages, err = m.readMembers(ctx, c, has); err != nil {
		return then, false, err
	}
	if then.Page == "" && c.Page != "" { // members on the pages before were not marked
		return MemberSync{Long: true, Singly: true, Anew: c.Anew}, false, nil
	}
	return then, then.Page == "", nil
}

// compared ends a comparison that came to its end, and reports whether it need
// not go on. Walking says that it took more than this lease.
func (m *membership) compared(c MemberSync, walking bool) bool {
	r := &m.record
	walkedPast := walking && c.Held && r.holds(Removing)
	switch {
	case m.excess == nil && !walkedPast:
		r.MemberSync = nil
		return true
	case walkedPast && !c.Anew && r.Approval.covers(Removing, m.Now()):
		r.MemberSync = &MemberSync{Long: true, Anew: true}
		return false
	case m.excess == nil:
		m.excess = m.waiting(*r.Hold)
	}
	r.MemberSync = &MemberSync{Long: c.Singly} // whom it is about is not kept
	return true
}

// readMembers reads Entra's members on from where the comparison was left, marks
// them, and finds whom Webex lacks. It returns the page that comes next, and how
// many there were before it; no page after the last.
func (m *membership) readMembers(ctx context.Context, c MemberSync, has map[string]bool) (page string, pages int, err error) {
	pages = c.Pages
	page, err = m.memberPages(ctx, m.object.ID, m.Nested, c.Page, func(p MemberPage) (bool, error) {
		if pages++; pages > maxMemberPages {
			return false, endless(m.object.ID, fmt.Sprintf("more than %d pages", maxMemberPages))
		}
		return m.left() >= readingMargin, m.mark(ctx, p, has)
	})
	if err != nil {
		// Whatever is wrong with that page, the next attempt begins anew.
		m.record.MemberSync = &MemberSync{Long: c.Long, Held: c.Held}
	}
	if Gone.Is(err) {
		err = &Fault{Kind: Transient, Reason: fmt.Sprintf("%s, or a page of its members, left Entra while they were read", m.object), Err: err}
	}
	if page == "" {
		pages = 0
	}
	return page, pages, err
}

// mark marks those of a page whom Webex has, and finds whom it lacks.
func (m *membership) mark(ctx context.Context, page MemberPage, has map[string]bool) error {
	m.attempt.Members.Skipped += page.Others
	webexIDs, err := m.Ledger.WebexIDs(ctx, users(page.Users))
	if err != nil {
		return err
	}
	var missing []string
	m.unlisted = slices.DeleteFunc(m.unlisted, func(id string) bool { return slices.Contains(page.Users, id) })
	for i, id := range page.Users {
		webexID := webexIDs[i]
		if webexID == "" {
			missing = append(missing, id)
			continue
		}
		if _, there := has[webexID]; !there {
			m.add = append(m.add, person{id, webexID})
		}
		has[webexID] = true
	}
	m.await(ctx, missing)
	return nil
}

// nominated are those whom, by what was read, only Webex has, in the order of
// their ids, from where the comparison was left.
func nominated(has map[string]bool, c MemberSync) []string {
	var list []string
	for _, webexID := range slices.Sorted(maps.Keys(has)) {
		if !has[webexID] && webexID > c.After {
			list = append(list, webexID)
		}
	}
	return list
}

// takeOut asks about the nominated, as long as the lease lasts, and reports
// whether it came to the end; then notes up to whom it came. Accounts that are
// nobody's in Entra were put there by others and stay.
func (m *membership) takeOut(ctx context.Context, nominated []string, then *MemberSync) bool {
	for chunk := range slices.Chunk(nominated, change.MaxMembers) {
		if m.left() < askingMargin {
			return false
		}
		if err := m.ask(ctx, chunk); err != nil {
			m.failed(err)
			m.stopped = true
			return false
		}
		then.After = chunk[len(chunk)-1]
	}
	return true
}

// ask asks about those of the accounts that are somebody's in Entra.
func (m *membership) ask(ctx context.Context, accounts []string) error {
	var ids []string
	for _, webexID := range accounts {
		o, linked, err := m.Ledger.LinkedTo(ctx, webexID)
		if err != nil {
			return err
		}
		if linked && o.Kind == change.User {
			ids = append(ids, o.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	asked := m.Directory.Read(ctx, []Query{{Object: m.object, Members: ids, Transitive: m.Nested}})[0]
	if asked.Err != nil {
		return asked.Err
	}
	m.judge(ctx, ids, asked.Memberships)
	return nil
}
