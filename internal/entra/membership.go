package entra

import (
	"context"
	"errors"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// membershipIn asks whether a user is a member of the query's group, by asking
// for the user's groups.
//
// Without $filter the directory itself answers that. A filtered
// /groups/{id}/members needs ConsistencyLevel: eventual, an index that lags
// behind (https://learn.microsoft.com/graph/aad-advanced-queries), and
// checkMemberObjects is always transitive and leaves out what it may not see
// (https://learn.microsoft.com/graph/api/directoryobject-checkmemberobjects).
// It also tells, in the same request, whether there is such a user.
func membershipIn(q provision.Query, userID string) request {
	return memberOf(change.Object{Kind: change.User, ID: userID}, q.Transitive)
}

// judge gives the readings their Memberships.
func (c *Client) judge(ctx context.Context, queries []provision.Query, readings []provision.Reading, answers map[request]answer) {
	wanted := map[request][]string{}
	for _, q := range queries {
		for _, id := range q.Members {
			r := membershipIn(q, id)
			if !slices.Contains(wanted[r], q.Object.ID) {
				wanted[r] = append(wanted[r], q.Object.ID)
			}
		}
	}
	known := make(map[request]belonging, len(wanted))
	for i, q := range queries {
		if len(q.Members) == 0 {
			continue
		}
		doubt := c.doubtStrangers(ctx, q.Object, readings[i])
		readings[i].Memberships = make([]provision.Membership, len(q.Members))
		for j, id := range q.Members {
			r := membershipIn(q, id)
			b, ok := known[r]
			if !ok {
				b = c.belonging(ctx, r, answers[r], wanted[r])
				known[r] = b
			}
			readings[i].Memberships[j] = b.membership(id, q.Object.ID, doubt)
		}
	}
}

// belonging is what a user's list of groups says of those that were asked for.
type belonging struct {
	in []string
	// err is why the list is not known to its end, if that matters.
	err error
}

// errUnreadGroup is a list of groups of which one cannot be read.
var errUnreadGroup = errors.New("the answer lists a group whose id is not a GUID")

// belonging reads the list, as far as it takes.
func (c *Client) belonging(ctx context.Context, r request, a answer, wanted []string) belonging {
	if a.err != nil {
		return belonging{err: a.err}
	}
	var b belonging
	for p, err := range c.pages(ctx, r.place, a.body) {
		if err != nil {
			return belonging{b.in, concerning(err, r.id)}
		}
		if len(p.odd) > 0 { // it may be the one: whoever is in it is no stranger
			b.err = errUnreadGroup
		}
		ids, _ := p.of(change.Group)
		for _, id := range ids {
			if slices.Contains(wanted, id) && !slices.Contains(b.in, id) {
				b.in = append(b.in, id)
			}
		}
		if len(b.in) == len(wanted) {
			break
		}
	}
	return b
}

// membership is the answer about one user and group. Doubt is why the absence
// of the group from the list is not to be believed.
func (b belonging) membership(userID, groupID string, doubt error) provision.Membership {
	switch {
	case slices.Contains(b.in, groupID):
		return provision.Membership{Standing: provision.Member}
	case notThere(b.err):
		return provision.Membership{Standing: provision.NoUser}
	case b.err != nil:
		return provision.Membership{Err: fault("read membership of user "+userID+" in group "+groupID+" from Entra", readUsers, b.err)}
	case doubt != nil:
		return provision.Membership{Err: doubt}
	default:
		return provision.Membership{Standing: provision.NotMember}
	}
}

// doubtStrangers returns nil if nobody is a member of the group but those whose
// lists name it, else a *Fault. A list does not name a group that is deleted,
// whose members come back with it, nor one whose membership is hidden.
func (c *Client) doubtStrangers(ctx context.Context, group change.Object, reading provision.Reading) error {
	switch {
	case reading.Err != nil:
		return reading.Err
	case reading.Presence != provision.Present:
		return &provision.Fault{Kind: provision.Transient, Reason: readMembers(group.ID) + ": the group itself is not there"}
	case reading.Attributes[visibility] == hiddenMembership:
		return c.seeHidden(ctx, group.ID)
	}
	return nil
}
