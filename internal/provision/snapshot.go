package provision

import (
	"context"
	"fmt"
	"maps"
	"time"

	"entrawebex/internal/change"
)

// Snapshot is an object as a sweep saw it, which reads both sides in pages.
type Snapshot struct {
	Object change.Object
	// Reading is the object as Entra had it At the time its page was asked for.
	Reading Reading
	At      time.Time
	// Matches are what of Webex is linked to nothing and has the object's
	// userName, displayName or id. Listed says that all of Webex was looked
	// through for them.
	Matches []Resource
	Listed  bool
	// Members are the users in a group, if Whole says that these are all.
	Members []string
	Whole   bool
	// Afresh asks to read Webex instead of trusting what was last written.
	Afresh bool
	// Park leaves it to an operator to disable an account that is adopted in this
	// very attempt.
	Park bool
}

// skew is how far the clocks of two processes may be apart.
const skew = time.Minute

// holds reports whether what was seen may be gone by: nobody has looked at the
// object since. Whoever did read it later, and what is older must not be written
// on top of that.
func (s *Snapshot) holds(r Record) bool {
	return s != nil && r.Concluded.Add(skew).Before(s.At)
}

// ConvergeSeen is Converge for objects that a sweep saw: up to a hundred go to
// Webex together, and none is read again that nobody has touched since. What
// happens to one in Entra meanwhile is notified, or told by the delta query that
// began before.
func (e *Engine) ConvergeSeen(ctx context.Context, snapshots []Snapshot) []Attempt {
	b := e.newBatch()
	for i := range snapshots {
		s := &snapshots[i]
		b.add(change.Change{Object: s.Object, Source: change.Reconcile, SeenAt: s.At, CorrelationID: b.owner, Afresh: s.Afresh})
		b.find(s.Object).seen = s // of one that was seen twice, the last
	}
	b.askAboutMatches(ctx)
	return b.run(ctx)
}

// askAboutMatches asks Entra together about all ids that another tenant may have
// left on the accounts that were found: whoever moves in has one on each of them.
// What is not answered here is asked singly.
func (b *batch) askAboutMatches(ctx context.Context) {
	var ids []string
	for _, w := range b.works {
		for _, found := range w.seen.Matches {
			if id, entra := change.ParseID(found.externalID()); entra && id != w.attempt.Object.ID {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) > 0 {
		b.caught(ctx, "a batch", func() { _, _ = b.unknownToTenant(ctx, ids...) })
	}
}

// matchSeen links a user who has no account to the one that a sweep saw, if it
// may be adopted; of one who shall have none only the account that is evidently
// theirs. One that is somebody else's, Webex itself tells.
func (b *batch) matchSeen(ctx context.Context, w *work, want map[string]any) {
	for _, found := range w.seen.Matches {
		theirs := found.externalID() == w.attempt.Object.ID
		if want[active] == false && !theirs {
			continue
		}
		free, err := b.adoptable(ctx, found, w.attempt.Object)
		if err != nil {
			b.fail(w, Matching, err)
			return
		}
		if !free {
			continue
		}
		// Of two in this batch that adopt the same one, the ledger lets the first
		// have it.
		owner, owned, err := b.Ledger.LinkedTo(ctx, found.ID)
		if err != nil {
			b.fail(w, Matching, err)
			return
		}
		if owned && owner != w.attempt.Object {
			continue
		}
		if found, err = b.whole(ctx, w, found); err != nil {
			b.fail(w, Matching, err)
			return
		}
		b.adopting(ctx, w, found)
		w.adopted = !w.record.Away // who had an account that was given up has it again
		b.link(w, found)
		b.change(ctx, w, want)
		return
	}
}

// maxSeeds is how many members a group is created with: as many as Webex's
// schema of a group has room for.
const maxSeeds = 500

// seed makes those members of the group that is created who have an account.
func (b *batch) seed(ctx context.Context, w *work) {
	if w.seen == nil || !w.seen.Whole || len(w.seen.Members) > maxSeeds || !w.seen.holds(w.stored) {
		return
	}
	webexIDs, err := b.Ledger.WebexIDs(ctx, users(w.seen.Members))
	if err != nil {
		b.fail(w, ReferenceResolution, err)
		w.op = nil
		return
	}
	var members []any
	w.absent = nil
	for i, id := range w.seen.Members {
		if webexIDs[i] == "" {
			w.absent = append(w.absent, id)
			continue
		}
		members = append(members, map[string]any{"value": webexIDs[i], "type": "user"})
	}
	w.seeded = true
	if len(members) > 0 {
		w.op.Resource = maps.Clone(w.op.Resource)
		w.op.Resource["members"] = members
	}
}

// parked reports whether the attempt has ended with a hold, because the account
// was found by a first comparison just now, or because such a one left it so.
// That it is told by the account and not by an empty ledger makes it the same
// for one that was cut short and begins again.
func (b *batch) parked(ctx context.Context, w *work, d Destruction) bool {
	waits := w.record.Hold != nil && w.record.Hold.Parked && w.record.Hold.Operation == d
	if !waits && (w.seen == nil || !w.seen.Park || !w.adopted) || w.record.Approval.covers(d, b.Now()) {
		return false
	}
	h := Hold{Operation: d, Fingerprint: fingerprint(w.reading.Presence, w.reading.Attributes), Parked: true}
	reason := fmt.Sprintf("a first comparison with an organization that is not empty takes nothing away: the %s of %s waits for approval (entrawebex holds)", d, w.attempt.Object)
	if w.rejected(h) {
		reason = rejection(w, d)
	}
	b.held(ctx, w, h, reason)
	return true
}
