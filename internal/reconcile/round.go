package reconcile

import "maps"

// round is what a delta query told since Changes were last made of it. Objects
// that came again, on the same page or another, are one.
type round struct {
	objects []*told // in the order in which they came first
	byID    map[string]*told
	size    int // ids, of objects and of members
}

// told is all that was said of one object.
type told struct {
	Object

	// deleted says that one of the times it was deleted for good, away that it
	// was removed in any way.
	deleted, away bool
	members       []string
	named         map[string]bool // the members
}

func newRound() *round { return &round{byID: map[string]*told{}} }

func (r *round) add(objects []Object) {
	for _, o := range objects {
		t := r.byID[o.ID]
		if t == nil {
			t = &told{Object: Object{Object: o.Object, Attributes: map[string]any{}}, named: map[string]bool{}}
			r.byID[o.ID], r.objects = t, append(r.objects, t)
			r.size++
		}
		// What is deleted for good does not come back, so that this word
		// outlives whatever comes after it.
		t.deleted = t.deleted || o.Removed == Deleted
		t.away = t.away || o.Removed != NotRemoved
		maps.Copy(t.Attributes, o.Attributes)
		for _, m := range o.Members {
			if !t.named[m.ID] {
				t.named[m.ID], t.members = true, append(t.members, m.ID)
				r.size++
			}
		}
	}
}

// tellsItself reports whether anything was said about the object beside its
// members. Graph names an object whose members alone have changed by its id.
func (t *told) tellsItself() bool {
	attributes := len(t.Attributes)
	if _, ok := t.Attributes["id"]; ok {
		attributes--
	}
	return t.away || attributes > 0 || len(t.members) == 0
}
