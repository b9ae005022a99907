package entra

import (
	"context"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// relationOf asks for the groups of a user that the query's group would be among.
func relationOf(user change.Object, g scoping.Group) request { return memberOf(user, g.Transitive) }

// standingOf asks whether there is a group, and whether its members are shown.
func standingOf(groupID string) request { return request{place: groupVisibility, id: groupID} }

// belongingIn are the requests that answer Query.Groups: the groups of the user, and
// whether those that are asked about are there: the list of a user names none that is
// deleted, nor one whose membership is hidden from us.
func belongingIn(q provision.Query) []request {
	requests := make([]request, 0, 2*len(q.Groups))
	for _, g := range q.Groups {
		requests = append(requests, relationOf(q.Object, g), standingOf(g.ID))
	}
	return requests
}

// belong gives the readings their MemberOf.
func (c *Client) belong(ctx context.Context, queries []provision.Query, readings []provision.Reading, answers map[request]answer) {
	doubts := map[string]error{} // by group
	for i, q := range queries {
		r := &readings[i]
		if len(q.Groups) == 0 || r.Err != nil || r.Presence != provision.Present {
			continue
		}
		r.MemberOf = make(map[scoping.Group]bool, len(q.Groups))
		lists := map[request]belonging{}
		for _, g := range q.Groups {
			list := relationOf(q.Object, g)
			b, read := lists[list]
			if !read {
				b = c.belonging(ctx, list, answers[list], idsOf(q.Groups, g.Transitive))
				lists[list] = b
			}
			doubt, known := doubts[g.ID]
			if !known {
				doubt = c.doubtGroup(ctx, g.ID, answers[standingOf(g.ID)])
				doubts[g.ID] = doubt
			}
			switch {
			case slices.Contains(b.in, g.ID):
				r.MemberOf[g] = true
			case b.err != nil:
				r.MemberOfErr = fault("read the groups of "+q.Object.String()+" from Entra", readUsers, b.err)
			case doubt != nil:
				r.MemberOfErr = doubt
			default:
				r.MemberOf[g] = false
			}
		}
	}
}

// idsOf are the ids of those groups that are asked about in the same way.
func idsOf(groups []scoping.Group, transitive bool) []string {
	var ids []string
	for _, g := range groups {
		if g.Transitive == transitive {
			ids = append(ids, g.ID)
		}
	}
	return ids
}

// doubtGroup returns nil if whoever's list does not name the group is not in it, else a
// *Fault. What is wrong with the group is no fault of the user's own, so that it is
// tried again.
func (c *Client) doubtGroup(ctx context.Context, groupID string, a answer) error {
	attributes, err := a.attributes(change.Object{Kind: change.Group, ID: groupID})
	switch {
	case notThere(err):
		return provision.NoFilterGroup(groupID)
	case err != nil:
		return fault("read group "+groupID+", which a scoping filter asks about, from Entra", readGroups, err)
	case attributes[visibility] != hiddenMembership:
		return nil
	}
	if err := c.seeHidden(ctx, groupID); err != nil {
		f := *provision.AsFault(err)
		if f.Kind == provision.Permanent {
			f.Kind = provision.Transient
		}
		return &f
	}
	return nil
}
