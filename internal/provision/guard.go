package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/scoping"
)

// Destruction is what the guard counts and holds.
type Destruction string

// The kinds of destruction.
const (
	Disabling Destruction = "disable"
	Deleting  Destruction = "delete"
	Removing  Destruction = "remove members"
)

// approvalLife is how long an approval may be used.
const approvalLife = 24 * time.Hour

// Guard bounds what a mistake in Entra can destroy in Webex. Each object that
// is to be disabled or deleted is counted once in a window, before the call.
// Where more than the limit would be, the guard latches, and until Clear every
// disable and delete is held. Its state is one document of the ledger.
//
// Removals of members are bounded in each group by itself: see Record.Removals.
type Guard struct {
	Documents document.Store
	// Provisioned returns about how many objects are linked. It is asked at
	// most once an hour, and only when Floor is reached.
	Provisioned func(ctx context.Context) (int, error)
	// The limit is the larger of Floor objects and Share percent of those
	// provisioned, and maxAdmitted at most.
	Floor, Share int
	// GroupShare is how many percent of a group's members may be removed in a
	// window; Floor of them always may, and a few.
	GroupShare int
	Window     time.Duration

	mu          sync.Mutex // one admission at a time in this process
	counted     time.Time
	provisioned int
}

const (
	guardName = "guard"
	// maxAdmitted objects of some 60 bytes keep the document within what the
	// ledger takes, 384 KB.
	maxAdmitted = 5000
	// countAfter is how long a count of the provisioned is good.
	countAfter = time.Hour
)

// guardState is the document.
type guardState struct {
	LatchedAt time.Time `json:"latchedAt,omitzero"`
	// Told says that the alarm was given. Whoever latched it may not know that: an
	// answer of the ledger was lost, or the process was.
	Told bool `json:"told,omitempty"`
	// Admitted is when each object was, in milliseconds since 1970.
	Admitted map[string]int64 `json:"admitted,omitempty"`
}

// verdict is the guard's answer about one object.
type verdict struct {
	// latched is since when the guard is; zero if the object may go ahead.
	latched time.Time
	// untold says that no alarm was given yet.
	untold bool
}

// Clear takes the latch off and begins to count anew, and returns since when
// the guard was latched; zero if it was not. What is held stays held until it
// is approved or its object changes.
func (g *Guard) Clear(ctx context.Context) (time.Time, error) {
	kept, err := g.document().Open(ctx)
	if err != nil || kept.Version == 0 {
		return time.Time{}, err
	}
	since := kept.Value.LatchedAt
	kept.Value = guardState{}
	return since, kept.Save(ctx)
}

// Latched returns since when the guard is latched; zero if it is not.
func (g *Guard) Latched(ctx context.Context) (time.Time, error) {
	s, err := g.document().Read(ctx)
	return s.LatchedAt, err
}

// admit counts the object, or latches. It is the same however often it is
// asked about one object within a window, until the guard latches.
func (g *Guard) admit(ctx context.Context, o change.Object, now time.Time) (verdict, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var v verdict
	err := g.document().Update(ctx, func(s *guardState) (changed bool, err error) {
		v, changed, err = g.count(ctx, s, o, now)
		return changed, err
	})
	if err != nil {
		return verdict{}, &Fault{Kind: Transient, Reason: fmt.Sprintf("the guard could not count %s", o), Err: err}
	}
	return v, nil
}

// count counts the object in s, or latches it, and reports whether that changed it.
func (g *Guard) count(ctx context.Context, s *guardState, o change.Object, now time.Time) (v verdict, changed bool, err error) {
	if !s.LatchedAt.IsZero() {
		return verdict{latched: s.LatchedAt, untold: !s.Told}, false, nil
	}
	for key, at := range s.Admitted {
		if at <= now.Add(-g.Window).UnixMilli() {
			delete(s.Admitted, key)
		}
	}
	if _, counted := s.Admitted[o.String()]; counted {
		return verdict{}, false, nil
	}
	limit, err := g.limit(ctx, len(s.Admitted), now)
	if err != nil {
		return verdict{}, false, err
	}
	if len(s.Admitted) >= limit {
		s.LatchedAt = now
		return verdict{latched: now, untold: true}, true, nil
	}
	if s.Admitted == nil {
		s.Admitted = map[string]int64{}
	}
	s.Admitted[o.String()] = now.UnixMilli()
	return verdict{}, true, nil
}

// told notes that the alarm was given.
func (g *Guard) told(ctx context.Context) error {
	return g.document().Update(ctx, func(s *guardState) (bool, error) {
		untold := !s.LatchedAt.IsZero() && !s.Told
		s.Told = s.Told || untold
		return untold, nil
	})
}

// limit is how many objects may be admitted in a window, if that many are.
func (g *Guard) limit(ctx context.Context, admitted int, now time.Time) (int, error) {
	if admitted < g.Floor || g.Provisioned == nil {
		return min(g.Floor, maxAdmitted), nil
	}
	if g.counted.IsZero() || now.Sub(g.counted) >= countAfter {
		n, err := g.Provisioned(ctx)
		if err != nil {
			return 0, err
		}
		g.provisioned, g.counted = n, now
	}
	const percent = 100
	return min(max(g.Floor, g.provisioned*g.Share/percent), maxAdmitted), nil
}

func (g *Guard) document() document.Document[guardState] {
	return document.Document[guardState]{Store: g.Documents, Name: guardName}
}

// admitted reports whether the guard, or an operator, lets the object be
// disabled or deleted; if not, the attempt has ended, or the guard is asked first.
func (d *decision) admitted(what Destruction) bool {
	if !d.guarded || d.record.Approval.covers(what, d.now) {
		return true
	}
	h := Hold{Operation: what, Fingerprint: fingerprint(d.reading.Presence, d.reading.Attributes)}
	if d.rejected(h) {
		d.held(h, rejection(d.object, what))
		return false
	}
	v := d.answers.guard
	if v == nil {
		return d.ask(question{at: Export, asks: askGuard, text: string(what)})
	}
	if !v.latched.IsZero() {
		d.held(h, fmt.Sprintf(
			"the guard is latched since %s, because too many were to be disabled or deleted: the %s of %s waits for approval (entrawebex holds)",
			v.latched.UTC().Format(time.RFC3339), what, d.object))
	}
	return v.latched.IsZero()
}

func rejection(o change.Object, d Destruction) string {
	return fmt.Sprintf("an operator rejected to %s %s: that stands until it changes in Entra", d, o)
}

// held ends the attempt with a hold.
func (v *view) held(h Hold, reason string) {
	v.hold(h)
	v.fail(Export, &Fault{Kind: Held, Reason: reason})
}

// hold notes the hold and reports whether it is a new one. A security block
// that waits is an alarm of its own: somebody who was locked out is not.
func (v *view) hold(h Hold) bool {
	r := &v.record
	h.Since = v.now
	h.Security = h.Operation == Disabling && scoping.IsBlocked(v.reading.Attributes)
	opened := r.Hold == nil || r.Hold.Operation != h.Operation
	if !opened {
		h.Since = r.Hold.Since
	}
	if h.Security && (opened || !r.Hold.Security) {
		v.notice(slog.LevelError, "security block held")
	}
	r.Hold, r.Spared = &h, nil // it is told as what is held
	return opened
}

// rejected reports whether an operator rejected this very thing. A rejection
// of what Entra says no longer is void, and what follows is a hold of its own.
func (v *view) rejected(h Hold) bool {
	r := &v.record
	if r.Rejected == nil {
		return false
	}
	if r.Rejected.Operation == h.Operation && r.Rejected.Fingerprint == h.Fingerprint {
		return true
	}
	r.Rejected, r.Hold = nil, nil
	return false
}

// closeHold takes from the record what the end of the attempt has answered: a
// hold that no longer applies, with what was said about it, and an approval of
// something else than what is held. One that waits for another try, or for a
// mend, is kept: only the write it was for uses it up.
func (s *state) closeHold() {
	r, a := &s.record, s.attempt
	switch {
	case a.Status == Success || a.Status == Skipped:
		r.Hold, r.Approval, r.Rejected, r.Stays = nil, nil, nil, nil
	case a.Fault != nil && a.Fault.Kind.Policy().Hold:
		r.Approval = nil
	}
}

// disabled takes from the record the hold of a disable that was written now, and
// the approval that was for it: the attempt goes on, and may end in a fault. One
// that deleted ends in success, which takes both.
func (r *Record) disabled() {
	if r.holds(Disabling) {
		r.Hold = nil
	}
	if a := r.Approval; a != nil && a.Operation == Disabling {
		r.Approval = nil
	}
}

// covers reports whether the approval is for this.
func (a *Approval) covers(d Destruction, now time.Time) bool {
	return a != nil && a.Operation == d && now.Sub(a.At) < approvalLife
}

// fingerprint is a short text that differs where the values do.
func fingerprint(values ...any) string {
	data, err := json.Marshal(values)
	if err != nil {
		return "" // what was read as JSON can be written so
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
