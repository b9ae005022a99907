package graph

import (
	"iter"
	"slices"
	"strings"
	"time"
)

const (
	// deltaPage is how many objects are on a page of a delta query. Graph
	// names no number; a caller asks for another with Prefer:
	// odata.maxpagesize.
	deltaPage = 200
	// deltaMembers is the most members on a page, those of all its groups
	// together. Graph names no number.
	deltaMembers = 1000
	// deltaLifetime is how long Graph keeps a delta token of directory objects
	// (https://learn.microsoft.com/graph/delta-query-overview).
	deltaLifetime = 7 * 24 * time.Hour
	// members is the relationship that a delta query of groups can select.
	members = "members"
)

// deltaSet is a collection that can be tracked.
type deltaSet struct {
	collection

	// objects yields the live ones from a number on.
	objects func(start int) iter.Seq2[int, object]
}

// cursor is where a caller is, and all that a token says. The tenant keeps
// nothing for it.
type cursor struct {
	Set string `json:"set"`
	// Select are the properties that are tracked; nil for the default.
	Select []string `json:"select,omitempty"`
	// Issued is when the token was given, in nanoseconds since 1970.
	Issued int64 `json:"issued"`
	// Epoch is the number of times all tokens were lost before.
	Epoch int `json:"epoch"`
	// First says that it is of a first round, which lists what there is; a
	// later one lists what has changed.
	First bool `json:"first,omitempty"`
	// At is what the page begins with: an object's number in a first round, an
	// entry of the journal in a later one.
	At int `json:"at"`
	// Member is the membership the page begins with, in a first round.
	Member int `json:"member,omitempty"`
	// Until is the entry of the journal that the next round will begin with.
	// What happens while a first round lasts is thus told once more.
	Until int `json:"until"`
	// Done says that the round has ended and the token begins a new one.
	Done bool `json:"done,omitempty"`
}

// LoseCursors makes every delta token void, as Graph itself may do: the answer
// to each is 410 syncStateNotFound.
func (t *Tenant) LoseCursors() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch++
}

// deltaItems is a page in the making.
type deltaItems struct {
	tenant *Tenant
	cursor *cursor
	size   int // the most objects
	room   int // for members
	value  []map[string]any
	items  map[object]map[string]any
	told   map[pair]bool
}

type pair struct {
	group  *group
	member object
}

func (t *Tenant) newDeltaItems(c *cursor, size int) *deltaItems {
	return &deltaItems{
		tenant: t, cursor: c, size: size, room: t.deltaMembers,
		value: []map[string]any{}, items: map[object]map[string]any{}, told: map[pair]bool{},
	}
}

// first fills a page with what there is and moves the cursor; false if there
// is more. The tenant is locked.
func (d *deltaItems) first(objects iter.Seq2[int, object]) bool {
	at, begun := d.cursor.At, d.cursor.Member
	for number, o := range objects {
		if number != at {
			begun = 0
		}
		if len(d.value) == d.size {
			d.cursor.At, d.cursor.Member = number, 0
			return false
		}
		next := 0
		if g, ok := o.(*group); ok && d.cursor.wants(members) {
			next = d.addMembers(g, begun)
		}
		if next == 0 || d.items[o] != nil {
			d.item(o)
			d.manager(o, nil)
		}
		if next != 0 {
			d.cursor.At, d.cursor.Member = number, next
			return false
		}
	}
	return true
}

// addMembers lists the members who joined with that number or later, and
// returns the number of the first for whom there was no room; 0 if none.
func (d *deltaItems) addMembers(g *group, start int) int {
	if !d.tenant.shows(g) {
		return 0
	}
	for number, o := range g.direct(start) {
		if !d.member(g, o) {
			return number
		}
	}
	return 0
}

// later fills a page with what has changed and moves the cursor; false if
// there is more. An object that changes again comes again on a later page, as
// Graph says it can. What is told of it is how it is now. The tenant is locked.
func (d *deltaItems) later() bool {
	c := d.cursor
	for i, e := range d.tenant.journal.from(c.At, c.Until) {
		if e.object.typeName()+"s" != c.Set || !c.tracks(e) {
			continue
		}
		if d.items[e.object] == nil && len(d.value) == d.size {
			c.At += i
			return false
		}
		g, ok := e.object.(*group)
		if ok && e.member != nil && g.place == Live {
			if d.tenant.shows(g) && !d.member(g, e.member) {
				c.At += i
				return false
			}
			continue
		}
		d.item(e.object)
		if e.tellsManager() {
			d.manager(e.object, e.manager)
		}
	}
	return true
}

// item returns the entry of an object on the page.
func (d *deltaItems) item(o object) map[string]any {
	if d.items[o] != nil {
		return d.items[o]
	}
	item := map[string]any{"id": o.id()}
	switch o.where() {
	case Live:
		item = o.project(d.cursor.properties())
		item["id"] = o.id()
		if d.cursor.First { // "if the property has never been set before it will not be included"
			for name, value := range item {
				if value == nil {
					delete(item, name)
				}
			}
		}
	case RecycleBin:
		item["@removed"] = map[string]any{"reason": "changed"}
	case Purged:
		item["@removed"] = map[string]any{"reason": "deleted"}
	}
	d.items[o] = item
	d.value = append(d.value, item)
	return item
}

// member tells of one membership; false if there is no room for it.
func (d *deltaItems) member(g *group, o object) bool {
	if d.told[pair{g, o}] {
		return true
	}
	if d.room == 0 {
		return false
	}
	d.room--
	d.told[pair{g, o}] = true
	member := map[string]any{"@odata.type": odataType(o), "id": o.id()}
	if o.where() != Live || !g.members.has(o) {
		member["@removed"] = map[string]any{"reason": "deleted"}
	}
	item := d.item(g)
	list, _ := item["members@delta"].([]map[string]any)
	item["members@delta"] = append(list, member)
	return true
}

// wants says whether a property or relationship is tracked. Without a
// selection all of them are, members too.
func (c *cursor) wants(name string) bool {
	return name != securityAttributes && (c.Select == nil || slices.Contains(c.Select, name))
}

// tracks says whether a change is one of what is tracked.
func (c *cursor) tracks(e entry) bool {
	switch {
	case e.member != nil:
		return c.wants(members)
	case e.properties == nil:
		return true
	default:
		return slices.ContainsFunc(e.properties, c.wants)
	}
}

// properties are those to show.
func (c *cursor) properties() []string {
	return slices.DeleteFunc(slices.Clone(c.Select), func(name string) bool { return strings.EqualFold(name, members) || name == securityAttributes })
}
