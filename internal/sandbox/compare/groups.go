package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

// group reports whether Webex shall have a group.
func (s scope) group(m mapping.Mapping, g graph.GroupRecord) bool {
	secure, _ := g.Group["securityEnabled"].(bool)
	_, err := valuesOf(m, g.Group)
	return g.Place == graph.Live && secure && err == nil && (!s.assigned || g.Assigned)
}

// wasGroup reports whether Webex should have had it at some time, where that
// is known.
func (s scope) wasGroup(g graph.GroupRecord) bool {
	return !s.assigned || g.WasEntitled
}

// compareGroups compares groups and memberships.
func (c *comparison) compareGroups() {
	byExternalID := map[string][]scim.Group{}
	for _, g := range c.webex.Groups {
		externalID := strings.ToLower(g.Text("externalId"))
		if _, known := c.census.Groups[externalID]; !known {
			c.foreignGroup(g)
			continue
		}
		byExternalID[externalID] = append(byExternalID[externalID], g)
	}
	for _, id := range slices.Sorted(maps.Keys(c.census.Groups)) {
		c.group(id, c.census.Groups[id], byExternalID[id])
	}
}

// foreignGroup looks at a group that is nobody's in Entra.
func (c *comparison) foreignGroup(g scim.Group) {
	switch {
	case !g.Seeded:
		c.reportGroup("", g.ID, "group", "none: belongs to nobody in Entra", "there")
	case g.Written:
		c.reportGroup("", g.ID, "group", "untouched: belongs to nobody in Entra", "written")
	}
}

func (c *comparison) group(id string, want graph.GroupRecord, got []scim.Group) {
	provisioned := c.scope.group(c.rules.Groups, want)
	switch {
	case want.Place == graph.Purged:
		if len(got) > 0 && !c.pendingDelete {
			c.reportGroup(id, got[0].ID, "group", "none: deleted for good", "there")
		}
		return
	case len(got) > 1 || provisioned && len(got) == 0:
		c.reportGroup(id, "", "group", "one", fmt.Sprintf("%d of them", len(got)))
		return
	case !c.scope.wasGroup(want) && len(got) > 0 && !got[0].Seeded:
		c.reportGroup(id, got[0].ID, "group", "none: was never to be provisioned", "there")
		return
	case !provisioned:
		return // kept as it was, or never there
	}
	g := got[0]
	compareValues(c.rules.Groups, want.Group, g.Resource, func(attribute, want, got string) {
		c.reportGroup(id, g.ID, attribute, want, got)
	})
	c.memberships(id, want.Members, g)
}

// memberships compares who is in a group. Of users in the recycle bin Entra
// shows no membership, and keeps it for their return: theirs is not compared.
func (c *comparison) memberships(id string, want []string, g scim.Group) {
	count := map[string]int{}
	for _, id := range g.Members {
		count[id]++
	}
	for _, userID := range want {
		for _, accountID := range c.accounts[userID] {
			c.checkMember(id, g, userID, 1, count[accountID])
			delete(count, accountID)
		}
	}
	for _, accountID := range slices.Sorted(maps.Keys(count)) {
		externalID := strings.ToLower(c.webex.Accounts[accountID].Text("externalId"))
		if p, ok := c.census.Users[externalID]; ok && p.Place == graph.Live {
			c.checkMember(id, g, externalID, 0, count[accountID])
		}
	}
}

func (c *comparison) checkMember(id string, g scim.Group, userID string, times, got int) {
	if times != got {
		c.reportGroup(id, g.ID, fmt.Sprintf("members[%s]", userID), strconv.Itoa(times), strconv.Itoa(got))
	}
}

func (c *comparison) reportGroup(objectID, webexID, attribute, want, got string) {
	c.found = append(c.found, Difference{Kind: "group", ObjectID: objectID, WebexID: webexID, Attribute: attribute, Want: want, Got: got})
}

// Memberships is the number of live users in groups that Webex shall have, as
// Differences counts them.
func Memberships(t *graph.Tenant, rules mapping.Rules, allowed ...Allowance) int {
	s, n := scopeOf(allowed), 0
	for _, g := range t.Census(slices.Contains(allowed, Nested)).Groups {
		if s.group(rules.Groups, g) {
			n += len(g.Members)
		}
	}
	return n
}
