package graph

import (
	"reflect"
	"slices"
	"time"
)

// journal is what happened to the directory since the first delta query, in
// its order. Delta queries are answered from it, so that a round costs what
// changed and nothing is kept for each cursor.
type journal struct {
	// kept says that somebody has asked. Nothing is written before.
	kept bool
	// first is the number of the first entry: older ones were forgotten.
	first   int
	entries []entry
}

// entry is one change.
type entry struct {
	at     time.Time
	object object
	// properties are the names of those that changed. Nil without a member
	// means all: the object was created, deleted or restored.
	properties []string
	// member is whose membership in the object, a group, changed.
	member object
	// manager is who managed the object, a user, before its manager changed.
	manager *person
}

// end is the number that the next entry will have.
func (j *journal) end() int { return j.first + len(j.entries) }

// from returns the entries with numbers from start up to end.
func (j *journal) from(start, end int) []entry { return j.entries[start-j.first : end-j.first] }

// forget drops the entries from before that time, once they are the most: to
// drop them moves the others.
func (j *journal) forget(before time.Time) {
	old, _ := slices.BinarySearchFunc(j.entries, before, func(e entry, t time.Time) int { return e.at.Compare(t) })
	if 2*old <= len(j.entries) {
		return
	}
	j.entries = slices.Clone(j.entries[old:])
	j.first += old
}

// record notes that an object was created, deleted or restored. The tenant is
// locked.
func (t *Tenant) record(o object) { t.note(entry{object: o}) }

// recordProperties notes which properties of an object are not what they were.
// The tenant is locked.
func (t *Tenant) recordProperties(o object, before, after map[string]any) {
	if names := changed(before, after); len(names) > 0 {
		t.note(entry{object: o, properties: names})
	}
}

// recordMember notes that a membership is not what it was, or not shown any
// more, or shown again. The tenant is locked.
func (t *Tenant) recordMember(g *group, member object) { t.note(entry{object: g, member: member}) }

// recordLinks notes that what an object is a member of shows it no more, or
// again. The tenant is locked.
func (t *Tenant) recordLinks(o object) {
	for _, g := range o.links().liveGroups() {
		t.recordMember(g, o)
	}
}

func (t *Tenant) note(e entry) {
	if !t.journal.kept {
		return
	}
	e.at = t.now()
	t.journal.entries = append(t.journal.entries, e)
}

// changed returns the names of the properties that differ. One that is nil is
// as one that is not there.
func changed(before, after map[string]any) []string {
	var names []string
	for name, value := range after {
		if !reflect.DeepEqual(before[name], value) {
			names = append(names, name)
		}
	}
	for name, value := range before {
		if _, there := after[name]; !there && value != nil {
			names = append(names, name)
		}
	}
	return names
}
