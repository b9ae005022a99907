package graph

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// object is an object of the directory: what can be a member of a group.
type object interface {
	id() string
	// typeName is its type in Graph, such as "user".
	typeName() string
	// where is the place it is in.
	where() Place
	// links is what ties it to the groups it is in.
	links() *node
	// project returns those of the selected properties that its type has, or
	// those Graph returns by default if selects is nil.
	project(selects []string) map[string]any
}

// node is an object's place among the others.
type node struct {
	number int // objects are numbered as they are created
	// groups are those it is a direct member of. Neither this object nor the
	// group need be live: in the recycle bin a link is not shown, but kept.
	groups map[*group]bool
	// assignments are those of it to the enterprise application.
	assignments []*assignment
}

func (t *Tenant) newNode() node {
	t.created++
	return node{number: t.created, groups: map[*group]bool{}}
}

func (n *node) links() *node { return n }

// liveGroups returns the live ones of the groups, the oldest first.
func (n *node) liveGroups() []*group {
	var groups []*group
	for g := range n.groups {
		if g.place == Live {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(a.number, b.number) })
	return groups
}

// unlink takes an object out of all groups.
func unlink(o object) {
	for g := range o.links().groups {
		g.members.remove(o)
	}
	clear(o.links().groups)
}

// other is an object that is neither a user nor a group: it is there only to
// be a member.
type other struct {
	node

	objectID, objectType string
}

func (o *other) id() string { return o.objectID }

func (o *other) typeName() string { return o.objectType }

func (*other) where() Place { return Live }

func (o *other) project(selects []string) map[string]any {
	if selects != nil && !slices.Contains(selects, "id") {
		return map[string]any{}
	}
	return map[string]any{"id": o.objectID}
}

// roster is who is in a group, in the order of joining. To join, to leave and
// to ask for somebody take as long in a large group as in a small one.
type roster struct {
	last   int            // the number given last
	joined map[object]int // the number with which each member joined
	// order is by number. Those who left stay in it until they are more than
	// those who did not.
	order []joining
}

type joining struct {
	number int
	object object
}

func (r *roster) has(o object) bool { return r.joined[o] != 0 }

func (r *roster) add(o object) {
	if r.joined == nil {
		r.joined = map[object]int{}
	}
	r.last++
	r.joined[o] = r.last
	r.order = append(r.order, joining{r.last, o})
}

func (r *roster) remove(o object) {
	delete(r.joined, o)
	if len(r.order) > 2*len(r.joined) {
		r.order = slices.DeleteFunc(r.order, r.left)
	}
}

func (r *roster) left(j joining) bool { return r.joined[j.object] != j.number }

// from yields the members, live or not, who joined with that number or later,
// and their numbers.
func (r *roster) from(start int) iter.Seq2[int, object] {
	first, _ := slices.BinarySearchFunc(r.order, start, func(j joining, n int) int { return cmp.Compare(j.number, n) })
	return func(yield func(int, object) bool) {
		for _, j := range r.order[first:] {
			if !r.left(j) && !yield(j.number, j.object) {
				return
			}
		}
	}
}

// AddOther makes an object of another type that can be a member of a group
// ("device", "orgContact" or "servicePrincipal") and returns its id.
func (t *Tenant) AddOther(kind string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := t.ids.Next()
	t.others[id] = &other{node: t.newNode(), objectID: id, objectType: kind}
	return id
}

// AddMembers makes live objects direct members of a live group: all of them,
// or none if one is refused, be it that it is a member already. It is one
// change, with one notification for up to 1000 members.
// https://learn.microsoft.com/graph/api/group-post-members
func (t *Tenant) AddMembers(groupID string, ids ...string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.findGroup(groupID, Live)
	if err != nil {
		return err
	}
	added := map[object]bool{}
	var delta []memberDelta
	for _, id := range ids {
		o := t.object(id)
		switch {
		case o == nil || o.where() != Live:
			err = notFound(id)
		case g.members.has(o) || added[o]:
			err = refuse("One or more added object references already exist for the following modified properties: 'members'.")
		case !g.takes(o):
			err = refuse("The group cannot have a member of this type.") // Graph's words are not documented
		}
		if err != nil {
			return err
		}
		added[o] = true
		delta = append(delta, memberDelta{ID: o.id()})
	}
	for _, d := range delta {
		o := t.object(d.ID)
		g.members.add(o)
		o.links().groups[g] = true
		t.recordMember(g, o)
		t.noteAssigned(o)
	}
	t.notifyMembers(g, delta)
	return nil
}

// takes says whether the group can have such a member: a Microsoft 365 group
// has only users, and is no member itself.
// https://learn.microsoft.com/graph/api/group-post-members
func (g *group) takes(o object) bool {
	if g.unified() {
		return o.typeName() == "user"
	}
	nested, ok := o.(*group)
	return !ok || !nested.unified()
}

// RemoveMembers takes live direct members out of a live group: all of them, or
// none if one is not there. It is one change, with one notification for up to
// 1000 members.
func (t *Tenant) RemoveMembers(groupID string, ids ...string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.findGroup(groupID, Live)
	if err != nil {
		return err
	}
	removed := map[object]bool{}
	var delta []memberDelta
	for _, id := range ids {
		o := t.object(id)
		if o == nil || o.where() != Live || !g.members.has(o) || removed[o] {
			return notFound(id)
		}
		removed[o] = true
		delta = append(delta, memberDelta{ID: o.id(), Removed: "deleted"})
	}
	for _, id := range ids {
		o := t.object(id)
		g.members.remove(o)
		delete(o.links().groups, g)
		t.recordMember(g, o)
	}
	t.notifyMembers(g, delta)
	return nil
}

// Members returns the ids of the live direct members of a live group, in the
// order in which they joined; none if there is no such group.
func (t *Tenant) Members(groupID string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.findGroup(groupID, Live)
	if err != nil {
		return nil
	}
	var ids []string
	for _, o := range g.direct(0) {
		ids = append(ids, o.id())
	}
	return ids
}

// transitiveUsers returns the ids of the live users who are in a live group
// directly or through other live groups, the oldest first; none if there is no
// such group. The tenant is locked.
func (t *Tenant) transitiveUsers(groupID string) []string {
	g, err := t.findGroup(groupID, Live)
	if err != nil {
		return nil
	}
	var ids []string
	for _, o := range reach(g, liveMembers) {
		if o.typeName() == "user" {
			ids = append(ids, o.id())
		}
	}
	return ids
}

// object returns the object with that id, in whatever place; nil if there is
// none.
func (t *Tenant) object(id string) object {
	id = strings.ToLower(id)
	if p := t.people[id]; p != nil {
		return p
	}
	if g := t.groups[id]; g != nil {
		return g
	}
	if o := t.others[id]; o != nil {
		return o
	}
	return nil
}

// direct yields the live direct members who joined with that number or later,
// and their numbers.
func (g *group) direct(start int) iter.Seq2[int, object] {
	return func(yield func(int, object) bool) {
		for number, o := range g.members.from(start) {
			if o.where() == Live && !yield(number, o) {
				return
			}
		}
	}
}

// liveMembers yields an object's live direct members, which only a group has.
func liveMembers(o object) iter.Seq[object] {
	return func(yield func(object) bool) {
		g, ok := o.(*group)
		if !ok {
			return
		}
		for _, member := range g.direct(0) {
			if !yield(member) {
				return
			}
		}
	}
}

// reach returns the objects that can be reached from one by going on to the
// next ones, each once, the oldest first, and without the one it began with.
func reach(from object, next func(object) iter.Seq[object]) []object {
	seen := map[object]bool{from: true}
	var reached []object
	for queue := []object{from}; len(queue) > 0; queue = queue[1:] {
		for o := range next(queue[0]) {
			if !seen[o] {
				seen[o] = true
				reached, queue = append(reached, o), append(queue, o)
			}
		}
	}
	slices.SortFunc(reached, func(a, b object) int { return cmp.Compare(a.links().number, b.links().number) })
	return reached
}
