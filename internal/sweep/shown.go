package sweep

import (
	"maps"
	"slices"

	"entrawebex/internal/mapping"
)

// compare notes whether Webex shows something else than was written. What it does
// not show of an account is not known. What was never written is no drift, and left
// over if a null clears it: it was there before the attribute was mapped.
func (r *run) compare(k *known, have mapping.Print) {
	shown := r.shown[k.object.Kind]
	if shown == nil {
		shown = make([]bool, len(have))
		r.shown[k.object.Kind] = shown
	}
	k.drifted, k.unclear, k.leftover = false, nil, nil
	m := r.Mapping.Of(k.object.Kind)
	for at, value := range have {
		shown[at] = shown[at] || value != 0
		switch {
		case at >= len(k.written):
		case k.written[at] == 0:
			if value != 0 && m.ClearsAt(at) {
				k.leftover = append(k.leftover, at)
			}
		case value == 0:
			k.unclear = append(k.unclear, at)
		case value != k.written[at]:
			k.drifted = true
		}
	}
}

// settle decides about what Webex did not show of an account: a path that its list
// shows for nobody says nothing; one that it shows of others is gone from this one,
// or left out.
func (r *run) settle(k *known) {
	k.hidden = false
	if len(k.unclear) == 0 {
		return
	}
	shown := r.shown[k.object.Kind]
	whether := r.Mapping.Of(k.object.Kind).Print(map[string]any{"active": true})
	k.hidden = slices.ContainsFunc(k.unclear, func(at int) bool { return shown[at] && whether[at] != 0 })
	k.drifted = k.drifted || slices.ContainsFunc(k.unclear, func(at int) bool { return shown[at] })
	k.unclear = nil
}

// reopened reports whether Webex shows active what was written inactive: somebody
// let the person in again.
func (k *known) reopened() bool { return k.webexID != "" && k.open && !k.active }

// named names as many as a person looks through.
func named(all map[string]bool) Named {
	const most = 100
	ids := slices.Sorted(maps.Keys(all))
	return Named{Count: len(ids), IDs: ids[:min(len(ids), most)]}
}
