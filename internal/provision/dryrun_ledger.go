package provision

import (
	"context"
	"slices"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision/membership"
)

// DryRunLedger is a ledger of which everything that is written stays in
// memory, claims included: it is in nobody's way, and nobody is in its. It is
// safe for concurrent use.
type DryRunLedger struct {
	stored Ledger

	mu sync.Mutex
	// records are those written, nil for one that was forgotten.
	records map[change.Object]*Record
	// links are those written by their Webex ids, nobody's if zero.
	links map[string]change.Object
	// awaited are the notes written by the user, arrived those removed.
	awaited, arrived map[change.Object][]change.Object
	busy             map[change.Object]bool
}

// NewDryRunLedger returns a ledger that begins as the stored one is.
func NewDryRunLedger(stored Ledger) *DryRunLedger {
	return &DryRunLedger{
		stored: stored, records: map[change.Object]*Record{}, links: map[string]change.Object{},
		awaited: map[change.Object][]change.Object{}, arrived: map[change.Object][]change.Object{}, busy: map[change.Object]bool{},
	}
}

// Busy reports whether a worker had a claim on the object when it was claimed
// here: what it writes may be planned once more.
func (l *DryRunLedger) Busy(o change.Object) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy[o]
}

// unhurried is how much longer a claim lasts here: nobody waits for it, and a
// group is compared in one go, however large.
const unhurried = 24 * time.Hour

// Claim implements Ledger. A worker's claim does not count, nor the attempt that
// it is at; and a comparison of members that was left begins anew, for the sake
// of the pages before.
func (l *DryRunLedger) Claim(ctx context.Context, o change.Object, owner string, now, until time.Time) (Record, error) {
	r, _, err := l.Record(ctx, o)
	if err != nil {
		return Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	written, dryRun := l.records[o]
	switch { // it may have been written since
	case written != nil:
		r = *written
	case dryRun:
		r = Record{}
	}
	switch claimed := r.Claim.Owner != "" && r.Claim.Until.After(now); {
	case claimed && !dryRun:
		l.busy[o] = true
		r.Unconcluded--
	case claimed && r.Claim.Owner != owner:
		return Record{}, ErrClaimed
	}
	r.Object = o
	r.Claim = Claim{Owner: owner, Until: until.Add(unhurried)}
	r.Unconcluded++
	if r.MemberSync != nil {
		r.MemberSync = &membership.Sync{}
	}
	l.records[o] = &r
	return r, nil
}

// Save implements Ledger.
func (l *DryRunLedger) Save(ctx context.Context, owner string, before, after Record) error {
	return l.write(ctx, owner, before, after.WebexID, &after)
}

// Forget implements Ledger.
func (l *DryRunLedger) Forget(ctx context.Context, owner string, r Record) error {
	return l.write(ctx, owner, r, "", nil)
}

func (l *DryRunLedger) write(ctx context.Context, owner string, before Record, webexID string, after *Record) error {
	if webexID != before.WebexID && webexID != "" {
		holder, linked, err := l.LinkedTo(ctx, webexID)
		switch {
		case err != nil:
			return err
		case linked && holder != before.Object:
			return ErrLinked
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[before.Object]; r == nil || owner == "" || r.Claim.Owner != owner || r.WebexID != before.WebexID {
		return ErrClaimed
	}
	if holder := l.links[webexID]; holder.ID != "" && holder != before.Object { // linked since
		return ErrLinked
	}
	if webexID != before.WebexID {
		l.links[before.WebexID] = change.Object{}
		l.links[webexID] = before.Object
		delete(l.links, "") // which is nobody's id
	}
	l.records[before.Object] = after
	return nil
}

// Record implements Ledger.
func (l *DryRunLedger) Record(ctx context.Context, o change.Object) (Record, bool, error) {
	l.mu.Lock()
	r, written := l.records[o]
	l.mu.Unlock()
	switch {
	case !written:
		return l.stored.Record(ctx, o)
	case r == nil:
		return Record{}, false, nil
	default:
		return *r, true, nil
	}
}

// LinkedTo implements Ledger.
func (l *DryRunLedger) LinkedTo(ctx context.Context, webexID string) (change.Object, bool, error) {
	l.mu.Lock()
	o, written := l.links[webexID]
	l.mu.Unlock()
	if written || IsPlanned(webexID) {
		return o, o.ID != "", nil
	}
	return l.stored.LinkedTo(ctx, webexID)
}

// WebexIDs implements Ledger.
func (l *DryRunLedger) WebexIDs(ctx context.Context, objects []change.Object) ([]string, error) {
	webexIDs := make([]string, len(objects))
	var unwritten []change.Object
	var places []int // of theirs
	l.mu.Lock()
	for i, o := range objects {
		switch r, written := l.records[o]; {
		case !written:
			unwritten, places = append(unwritten, o), append(places, i)
		case r != nil:
			webexIDs[i] = r.WebexID
		}
	}
	l.mu.Unlock()
	if len(unwritten) == 0 {
		return webexIDs, nil
	}
	found, err := l.stored.WebexIDs(ctx, unwritten)
	if err != nil {
		return nil, err
	}
	for i, id := range found {
		webexIDs[places[i]] = id
	}
	return webexIDs, nil
}

// Await implements Ledger.
func (l *DryRunLedger) Await(_ context.Context, group change.Object, users []change.Object) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, user := range users {
		if !slices.Contains(l.awaited[user], group) {
			l.awaited[user] = append(l.awaited[user], group)
		}
	}
	return nil
}

// Awaiting implements Ledger.
func (l *DryRunLedger) Awaiting(ctx context.Context, user change.Object) ([]change.Object, error) {
	groups, err := l.stored.Awaiting(ctx, user)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	groups = slices.DeleteFunc(slices.Clone(groups), func(g change.Object) bool { return slices.Contains(l.arrived[user], g) })
	for _, g := range l.awaited[user] {
		if !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// Arrived implements Ledger.
func (l *DryRunLedger) Arrived(_ context.Context, user change.Object, groups []change.Object) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived[user] = append(l.arrived[user], groups...)
	l.awaited[user] = slices.DeleteFunc(l.awaited[user], func(g change.Object) bool { return slices.Contains(groups, g) })
	return nil
}
