package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"entrawebex/internal/change"
)

// Snapshot is an object as a sweep saw it, which reads both sides in pages.
type Snapshot struct {
	Object change.Object
	// Reading is the object as Entra had it At the time its page was asked for.
	Reading Reading
	At      time.Time
	// Matches are what of Webex is linked to nothing and has the object's id or
	// displayName, or meets one of its criteria. Listed says that all of Webex was
	// looked through for a name, and Sought by which matching attributes.
	Matches []Resource
	Listed  bool
	Sought  []string
	// Members are the users in a group, if Whole says that these are all.
	Members []string
	Whole   bool
	// Afresh asks to read Webex instead of trusting what was last written.
	Afresh bool
	// Park leaves it to an operator to disable an account that is adopted in this
	// very attempt.
	Park bool
}

// apart is how far the clocks of two processes may be apart.
const apart = time.Minute

// holds reports whether what was seen may be gone by: nobody has looked at the
// object since. Whoever did read it later, and what is older must not be written
// on top of that.
func (s *Snapshot) holds(r Record, skew time.Duration) bool {
	return s != nil && r.Concluded.Add(skew).Before(s.At)
}

// ConvergeSeen is Converge for objects that a sweep saw: up to a hundred go to
// Webex together, and none is read again that nobody has touched since. What
// happens to one in Entra meanwhile is notified, or told by the delta query that
// began before.
func (e *Engine) ConvergeSeen(ctx context.Context, snapshots []Snapshot) []Attempt {
	b := e.newBatch()
	subjects := make([]subject, 0, len(snapshots))
	for i := range snapshots {
		s := &snapshots[i]
		k := slices.IndexFunc(subjects, func(known subject) bool { return known.object == s.Object })
		if k < 0 {
			k, subjects = len(subjects), append(subjects, subject{object: s.Object})
		}
		subjects[k].add(change.Change{Object: s.Object, Source: change.Comparison, SeenAt: s.At, CorrelationID: b.owner, Afresh: s.Afresh})
		subjects[k].seen = s // of one that was seen twice, the last
	}
	b.askAboutMatches(ctx, subjects)
	return b.run(ctx, subjects)
}

// askAboutMatches asks Entra together about all ids that another tenant may have
// left on the accounts that were found: whoever moves in has one on each of them.
// What is not answered here is asked singly.
func (b *batch) askAboutMatches(ctx context.Context, subjects []subject) {
	var ids []string
	for _, s := range subjects {
		for _, found := range s.seen.Matches {
			if id, entra := change.ParseID(found.externalID()); entra && id != s.object.ID {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) > 0 {
		b.caught(ctx, "a batch", func() { _, _ = b.unknownToTenant(ctx, ids...) })
	}
}

// maxSeeds is how many members a group is created with: as many as Webex's
// schema of a group has room for.
const maxSeeds = 500

// seed finds those members of a group that is about to be created who have an
// account, for them to be in it from the beginning. It reports whether it is known
// who they are.
func (d *decision) seed() bool {
	d.seeded, d.absent = false, nil
	if d.seen == nil || !d.seen.Whole || len(d.seen.Members) > maxSeeds || !d.seen.holds(d.record, d.skew) {
		return true
	}
	if len(d.seen.Members) > 0 && d.answers.links == nil {
		return d.ask(question{at: ReferenceResolution, asks: askLinks})
	}
	for i, id := range d.seen.Members {
		if d.answers.links[i] == "" {
			d.absent = append(d.absent, id)
		}
	}
	d.seeded = true
	return true
}

// seed makes those that are in Webex members of the group that is created.
func (w *write) seed(links []string) {
	var members []any
	for _, webexID := range links {
		if webexID != "" {
			members = append(members, map[string]any{"value": webexID, "type": "user"})
		}
	}
	if len(members) > 0 {
		w.op.Resource = maps.Clone(w.op.Resource)
		w.op.Resource["members"] = members
	}
}

// parked reports whether the attempt has ended with a hold, because the account
// was found by a first comparison just now, or because such a one left it so.
// That it is told by the account and not by an empty ledger makes it the same
// for one that was cut short and begins again.
func (d *decision) parked(what Destruction) bool {
	waits := d.record.Hold != nil && d.record.Hold.Parked && d.record.Hold.Operation == what
	if !waits && (d.seen == nil || !d.seen.Park || !d.adopted) || d.record.Approval.covers(what, d.now) {
		return false
	}
	h := Hold{Operation: what, Fingerprint: fingerprint(d.reading.Presence, d.reading.Attributes), Parked: true}
	reason := fmt.Sprintf("a first comparison with an organization that is not empty takes nothing away: the %s of %s waits for approval (entrawebex holds)", what, d.object)
	if d.rejected(h) {
		reason = rejection(d.object, what)
	}
	d.held(h, reason)
	return true
}
