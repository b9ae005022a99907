package sweep

import (
	"maps"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/reconcile"
)

// gathered is a group put together of all that a round says of it.
type gathered struct {
	reconcile.Object

	// members are those who are in it, in their order.
	members []reconcile.Member
	place   map[string]int
}

// merge adds what one more page says.
func (g *gathered) merge(o reconcile.Object) {
	members := o.Members
	o.Members = nil
	if g.Attributes != nil && o.Removed == reconcile.NotRemoved {
		attributes := maps.Clone(g.Attributes)
		maps.Copy(attributes, o.Attributes)
		o.Attributes = attributes
	}
	g.Object = o
	if g.place == nil {
		g.place = make(map[string]int, len(members))
	}
	g.members = slices.Grow(g.members, len(members))
	for _, m := range members {
		if at, there := g.place[m.ID]; there {
			g.members[at] = m
			continue
		}
		g.place[m.ID] = len(g.members)
		g.members = append(g.members, m)
	}
}

// hiddenMembership is the visibility of a group whose members not everybody may
// list (https://learn.microsoft.com/graph/api/resources/group).
const hiddenMembership = "HiddenMembership"

// users returns the users in the group, through groups within it too if nested,
// and whether that is all of them: of hidden members and of groups that the
// round does not list nothing is known.
func (g *gathered) users(all map[string]*gathered, nested bool) (ids []string, whole bool) {
	whole = true
	there, seen := make(map[string]bool, len(g.members)), map[*gathered]bool{}
	var visit func(*gathered)
	visit = func(g *gathered) {
		if seen[g] {
			return
		}
		seen[g] = true
		whole = whole && g.Attributes["visibility"] != hiddenMembership
		for _, m := range g.members {
			switch {
			case m.Removed:
			case m.Kind == change.Group:
				if inner := all[m.ID]; nested && inner != nil && inner.Removed == reconcile.NotRemoved {
					visit(inner)
				} else if nested {
					whole = false
				}
			case m.Kind == change.User && !there[m.ID]:
				there[m.ID] = true
				ids = append(ids, m.ID)
			case m.Kind == "":
				whole = false
			}
		}
	}
	visit(g)
	return ids, whole
}
