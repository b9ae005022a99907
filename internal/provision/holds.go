package provision

import (
	"context"
	"maps"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
)

// Holds keeps which objects something is held of, so that whoever waits for an
// operator's word is found without reading the whole ledger: one document of it.
type Holds struct {
	Ledger    Ledger
	Documents document.Store
}

const (
	holdsName = "holds"
	// maxHolds is how many are kept. Where more are held the guard has latched, and
	// while one of these waits for a person it is known that some do.
	maxHolds = 100
)

// Note notes the objects of those attempts of which something was held.
func (h *Holds) Note(ctx context.Context, attempts []Attempt) error {
	held := slices.DeleteFunc(slices.Clone(attempts), func(a Attempt) bool { return a.Fault == nil || !a.Fault.Kind.Policy().Hold })
	if len(held) == 0 {
		return nil
	}
	return h.document().Update(ctx, func(noted *map[string]time.Time) (bool, error) {
		if *noted == nil {
			*noted = map[string]time.Time{}
		}
		changed := false
		for _, a := range held {
			if _, known := (*noted)[a.Object.String()]; known || len(*noted) < maxHolds {
				// Of one that is known too: Undecided may be about to take it off.
				(*noted)[a.Object.String()], changed = a.Finished.UTC(), true
			}
		}
		return changed, nil
	})
}

// Undecided returns the records of those that wait for an operator's word, and takes
// the others off the list.
func (h *Holds) Undecided(ctx context.Context, now time.Time) ([]Record, error) {
	noted, err := h.document().Read(ctx)
	if err != nil || len(noted) == 0 {
		return nil, err
	}
	var waiting []Record
	for _, name := range slices.Sorted(maps.Keys(noted)) {
		o, _ := change.ParseObject(name) // of none there is no record
		r, found, err := h.Ledger.Record(ctx, o)
		if err != nil {
			return nil, err
		}
		if found && r.Undecided(now) {
			waiting = append(waiting, r)
			delete(noted, name)
		}
	}
	return waiting, h.document().Update(ctx, func(kept *map[string]time.Time) (bool, error) {
		before := len(*kept)
		maps.DeleteFunc(*kept, func(name string, at time.Time) bool { return at.Equal(noted[name]) })
		return len(*kept) < before, nil
	})
}

func (h *Holds) document() document.Document[map[string]time.Time] {
	return document.Document[map[string]time.Time]{Store: h.Documents, Name: holdsName}
}
