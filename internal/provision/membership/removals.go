package membership

import (
	"slices"
	"time"
)

const (
	// MaxNamed is how many members a record names in one place: 39 KB of the 384 KB
	// that the ledger takes.
	MaxNamed = 1000
	// fewRemovals are never a mass: so small a group may change altogether.
	fewRemovals = 5
)

// Removals counts from the first one on, for as long as the guard's window is;
// then it begins anew. It is counted when Webex has confirmed. Who are the ids
// of up to MaxNamed of those who were removed: each counts once, and whoever is
// added again not at all.
type Removals struct {
	Since time.Time `json:"since"`
	Count int       `json:"count"`
	Who   []string  `json:"who,omitempty"`
}

// Within are those that still count at that time.
func (r Removals) Within(window time.Duration, now time.Time) Removals {
	if now.Sub(r.Since) < window {
		return r
	}
	return Removals{}
}

// With are the removals and that of the user with this id.
func (r Removals) With(id string, now time.Time) Removals {
	if slices.Contains(r.Who, id) {
		return r
	}
	if r.Count == 0 {
		r.Since = now
	}
	r.Count++
	if len(r.Who) < MaxNamed {
		r.Who = append(slices.Clone(r.Who), id)
	}
	return r
}

// Without are the removals but that of the user with this id, and whether there was one.
func (r Removals) Without(id string) (rest Removals, found bool) {
	i := slices.Index(r.Who, id)
	if i < 0 {
		return r, false
	}
	r.Who = slices.Delete(slices.Clone(r.Who), i, i+1)
	r.Count--
	return r, true
}

// Limit bounds the removals of a window: Share percent of the members, or Floor if
// that is more, and fewRemovals always.
type Limit struct{ Floor, Share int }

// Allows reports whether these may be removed from a group that has so many members
// left after those removed before. Each counts once.
func (l Limit) Allows(people []Person, members int, before Removals) bool {
	_, more := Part(people, before.Who)
	const percent = 100
	limit := max(fewRemovals, l.Floor, (members+before.Count)*l.Share/percent)
	return len(more) == 0 || before.Count+len(more) <= limit
}
