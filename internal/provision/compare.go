package provision

import (
	"context"
	"fmt"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/provision/membership"
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
func (m *memberSync) compare(ctx context.Context) bool {
	before := *m.record.MemberSync
	both, err := m.inWebex(ctx)
	if err != nil {
		m.refusedGroup(err)
		return true
	}
	then, ended, err := m.readOn(ctx, before, both)
	if err != nil {
		m.failed(err)
		return true
	}
	part := before.IsPart()
	if ended {
		var after string
		after, ended = m.takeOut(ctx, both.Unlisted(before.After), before.After)
		// Whom Webex has, and who turned out to be a member when asked about, is not added.
		m.add = slices.DeleteFunc(m.add, func(p membership.Person) bool { return both.IsUnlisted(p.WebexID) })
		m.spareMembers()
		part = part || !ended
		m.checkRemovals(both.Size(), part)
		then = then.Asked(after, ended, m.excess != nil)
	}
	m.apply(ctx)
	switch {
	case m.stopped || m.fault != nil && m.fault.Kind != Permanent:
		return true
	case len(m.add)+len(m.remove) > 0:
		before.Long, before.Held = true, then.Held
		m.record.MemberSync = &before
		return false
	case !ended:
		m.record.MemberSync = &then
		return false
	default:
		return m.compared(then, part)
	}
}

// inWebex begins the comparison with whom Webex has in the group.
func (m *memberSync) inWebex(ctx context.Context) (*membership.Comparison, error) {
	both := &membership.Comparison{}
	if m.fresh {
		return both, nil
	}
	return both, m.Target.Members(ctx, m.record.WebexID, func(ids []string) error {
		both.Has(ids)
		return nil
	})
}

// readOn reads Entra's members on from where the comparison was left, and notes them.
// It returns where the next lease goes on if this one does not come to the end, and
// whether all of Entra's members were listed in this one.
func (m *memberSync) readOn(ctx context.Context, before membership.Sync, both *membership.Comparison) (then membership.Sync, all bool, err error) {
	if before.Singly {
		return before, true, nil
	}
	next, pages, err := m.readMembers(ctx, before, both)
	if err != nil {
		return before, false, err
	}
	then, all = before.Read(next, pages)
	return then, all, nil
}

// compared ends a comparison that came to its end, and reports whether it need
// not go on. Part says that it took more than this lease.
func (m *memberSync) compared(c membership.Sync, part bool) bool {
	r := &m.record
	past := part && c.Held && r.holds(Removing)
	rest, atOnce := c.Rest(m.excess != nil || past, past && r.Approval.covers(Removing, m.Now()))
	if r.MemberSync = rest; rest != nil && !atOnce && m.excess == nil {
		m.excess = m.waiting(*r.Hold)
	}
	return !atOnce
}

// readMembers reads Entra's members on from where the comparison was left, notes
// them, and finds whom Webex lacks. It returns the page that comes next, and how
// many there were before it; no page after the last.
func (m *memberSync) readMembers(ctx context.Context, c membership.Sync, both *membership.Comparison) (page string, pages int, err error) {
	pages = c.Pages
	page, err = m.memberPages(ctx, m.object.ID, m.Nested, c.Page, func(p MemberPage) (bool, error) {
		if pages++; pages > maxMemberPages {
			return false, endless(m.object.ID, fmt.Sprintf("more than %d pages", maxMemberPages))
		}
		return m.left() >= readingMargin, m.list(ctx, p, both)
	})
	if err != nil {
		// Whatever is wrong with that page, the next attempt begins anew.
		anew := c.FromStart()
		m.record.MemberSync = &anew
	}
	if Gone.Is(err) {
		err = &Fault{Kind: Transient, Reason: fmt.Sprintf("%s, or a page of its members, left Entra while they were read", m.object), Err: err}
	}
	if page == "" {
		pages = 0
	}
	return page, pages, err
}

// list notes those of a page, and finds whom Webex lacks.
func (m *memberSync) list(ctx context.Context, page MemberPage, both *membership.Comparison) error {
	m.attempt.Members.Skipped += page.Others
	webexIDs, err := m.Ledger.WebexIDs(ctx, users(page.Users))
	if err != nil {
		return err
	}
	var missing []string
	m.unlisted = slices.DeleteFunc(m.unlisted, func(id string) bool { return slices.Contains(page.Users, id) })
	for i, id := range page.Users {
		switch {
		case webexIDs[i] == "":
			missing = append(missing, id)
		case both.List(webexIDs[i]):
			m.add = append(m.add, membership.Person{ID: id, WebexID: webexIDs[i]})
		}
	}
	m.await(ctx, missing)
	return nil
}

// takeOut asks about the nominated, as long as the lease lasts. It returns up to whom
// it came, and whether that was the last. Accounts that are nobody's in Entra were put
// there by others and stay.
func (m *memberSync) takeOut(ctx context.Context, nominated []string, after string) (upTo string, all bool) {
	for chunk := range slices.Chunk(nominated, change.MaxMembers) {
		if m.left() < askingMargin {
			return after, false
		}
		if err := m.ask(ctx, chunk); err != nil {
			m.failed(err)
			m.stopped = true
			return after, false
		}
		after = chunk[len(chunk)-1]
	}
	return after, true
}

// ask asks about those of the accounts that are somebody's in Entra.
func (m *memberSync) ask(ctx context.Context, accounts []string) error {
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
