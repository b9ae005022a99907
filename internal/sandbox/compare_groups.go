package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// team is a group of the tenant at one moment.
type team struct {
	id, name string
	place    place
	// provisioned says that Webex shall have it.
	provisioned bool
	// strange says that Webex shall never have had it.
	strange bool
	members []string // ids of live users
}

// webexTeam is a group of the organization at one moment.
type webexTeam struct {
	id         string
	attributes map[string]any
	members    []string
	written    bool // since AddGroup put it there; else always
	seeded     bool
}

// teams returns the tenant's groups. The tenant is locked.
func (t *Tenant) teams(s scope) map[string]team {
	teams := make(map[string]team, len(t.groups))
	for id, g := range t.groups {
		x := team{id: id, name: g.properties.Text("displayName"), place: g.place}
		x.provisioned = g.provisionable() && (!s.assigned || assigned(g, s.nested))
		x.strange = s.assigned && !g.wasEntitled
		if s.nested {
			x.members = t.transitiveUsers(id)
		} else {
			for _, o := range g.direct(0) {
				if _, user := o.(*person); user {
					x.members = append(x.members, o.id())
				}
			}
		}
		teams[id] = x
	}
	return teams
}

// provisionable reports whether Webex can have the group as it is.
func (g *group) provisionable() bool {
	name := g.properties.Text("displayName")
	return g.inUse() && name != "" && len([]rune(name)) <= maxOrgGroupName
}

// inUse reports whether the group is there, and of the kind that Webex gets.
func (g *group) inUse() bool {
	secure, _ := g.properties["securityEnabled"].(bool)
	return g.place == live && secure
}

// teams returns the organization's groups. The organization is locked.
func (o *Org) teams() []webexTeam {
	teams := make([]webexTeam, 0, len(o.groups))
	for _, id := range slices.Sorted(maps.Keys(o.groups)) {
		g := o.groups[id]
		x := webexTeam{id: id, attributes: clone(g.attributes), seeded: o.groupSeeds[id] != nil}
		x.written = !x.seeded || g.version > 1
		page, _ := g.members.page("", 1, g.members.size)
		for _, m := range page {
			x.members = append(x.members, m.id)
		}
		teams = append(teams, x)
	}
	return teams
}

// compareGroups compares groups and memberships.
func (c *comparison) compareGroups() {
	byExternalID := map[string][]webexTeam{}
	for _, g := range c.webex.teams {
		externalID := strings.ToLower(at(g.attributes, "externalId"))
		if _, known := c.teams[externalID]; !known {
			c.foreignGroup(g)
			continue
		}
		byExternalID[externalID] = append(byExternalID[externalID], g)
	}
	for _, id := range slices.Sorted(maps.Keys(c.teams)) {
		c.group(c.teams[id], byExternalID[id])
	}
}

// foreignGroup looks at a group that is nobody's in Entra.
func (c *comparison) foreignGroup(g webexTeam) {
	switch {
	case !g.seeded:
		c.reportGroup("", g.id, "group", "none: belongs to nobody in Entra", "there")
	case g.written:
		c.reportGroup("", g.id, "group", "untouched: belongs to nobody in Entra", "written")
	}
}

func (c *comparison) group(want team, got []webexTeam) {
	switch {
	case want.place == purged:
		if len(got) > 0 && !c.pendingDelete {
			c.reportGroup(want.id, got[0].id, "group", "none: deleted for good", "there")
		}
		return
	case len(got) > 1 || want.provisioned && len(got) == 0:
		c.reportGroup(want.id, "", "group", "one", fmt.Sprintf("%d of them", len(got)))
		return
	case want.strange && len(got) > 0 && !got[0].seeded:
		c.reportGroup(want.id, got[0].id, "group", "none: was never to be provisioned", "there")
		return
	case !want.provisioned:
		return // kept as it was, or never there
	}
	g := got[0]
	if name := at(g.attributes, "displayName"); strings.TrimSpace(name) != strings.TrimSpace(want.name) {
		c.reportGroup(want.id, g.id, "displayName", want.name, name)
	}
	c.memberships(want, g)
}

// memberships compares who is in a group. Of users in the recycle bin Entra
// shows no membership, and keeps it for their return: theirs is not compared.
func (c *comparison) memberships(want team, g webexTeam) {
	count := map[string]int{}
	for _, id := range g.members {
		count[id]++
	}
	for _, userID := range want.members {
		for _, accountID := range c.accounts[userID] {
			c.checkMember(want, g, userID, 1, count[accountID])
			delete(count, accountID)
		}
	}
	for _, accountID := range slices.Sorted(maps.Keys(count)) {
		externalID := strings.ToLower(at(c.webex.accounts[accountID].attributes, "externalId"))
		if p, ok := c.people[externalID]; ok && p.place == live {
			c.checkMember(want, g, externalID, 0, count[accountID])
		}
	}
}

func (c *comparison) checkMember(want team, g webexTeam, userID string, times, got int) {
	if times != got {
		c.reportGroup(want.id, g.id, fmt.Sprintf("members[%s]", userID), strconv.Itoa(times), strconv.Itoa(got))
	}
}

func (c *comparison) reportGroup(objectID, webexID, attribute, want, got string) {
	c.found = append(c.found, Difference{Kind: "group", ObjectID: objectID, WebexID: webexID, Attribute: attribute, Want: want, Got: got})
}

// Memberships is the number of live users in groups that Webex shall have, as
// Compare counts them.
func Memberships(t *Tenant, allowed ...Allowance) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, g := range t.teams(scopeOf(allowed)) {
		if g.provisioned {
			n += len(g.members)
		}
	}
	return n
}
