// Package compare says whether a simulated organization of Webex holds what a
// simulated tenant of Entra says. Who is provisioned it decides by itself; which
// value stands where, and what means the same, is asked of the mapping, so that
// whatever is mapped is compared. No other code is shared with what it checks.
package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

// Difference is one thing in which Webex is not what Entra says it should be.
type Difference struct {
	// Kind is "user" or "group".
	Kind string
	// ObjectID is the Entra object, WebexID the account or group; either can
	// be empty.
	ObjectID, WebexID string
	// Attribute is the SCIM path, "account" or "group" for the whole, or "mapping"
	// if the mapping has an error for it, which is what is wanted then.
	Attribute string
	// Want and Got are the values; of an account, what it should be and is.
	Want, Got string
}

// String says it in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s %s, in Webex %s: %s is %q, want %q",
		d.Kind, cmp.Or(d.ObjectID, "-"), cmp.Or(d.WebexID, "-"), d.Attribute, d.Got, d.Want)
}

// Allowance is what Differences allows for.
type Allowance int

const (
	// PendingDelete lets the account of a user who was deleted for good still
	// be there, if it is inactive, and so a group: a DELETE may wait for a
	// second reading.
	PendingDelete Allowance = iota + 1
	// StaleScope lets a user who was never in scope have an account, if it is inactive:
	// a list from before a group was unassigned, and a membership from after that, put
	// a user in scope who was it at no moment.
	StaleScope
	// Nested makes the users of groups within a group its members.
	Nested
	// Assigned makes the assignments to the enterprise application decide who
	// is provisioned: see Differences.
	Assigned
)

// Differences reads both sides directly and returns what is not as it should be,
// in a fixed order; nothing if the organization holds what the tenant says:
//
//   - a live, enabled user has one account, with the values that the rules map it
//     to. What is null in Entra may be anything in Webex. One whom the rules cannot
//     map is a difference.
//   - a blocked or soft-deleted user has no active account, and none at all if
//     it never was enabled.
//   - a user deleted for good has none.
//   - a live security group has one group, with the values that the rules map it
//     to, in which each account of its live users is once, and no account of any
//     other live user. One that is soft-deleted, or no security group, or that the
//     rules cannot map, may be as it was; one deleted for good has none.
//   - a group of nobody in Entra, put there by Organization.AddGroup, was never written,
//     and there is no other group of nobody.
//   - an account of nobody in Entra, put there by Organization.Add, was never written,
//     and there is no other account of nobody.
//
// With Assigned only those are provisioned who are in scope: users who are
// assigned, or direct members of a live group that is, or with Nested members of
// such a group at all; and groups that are assigned. A user who has left the scope
// is as one who is blocked, and so a group as one that is no security group; of
// what never was in scope while it could have been provisioned there is nothing, but
// what Organization.Add or Organization.AddGroup put there and nobody has written since.
//
// An account is a user's, and a group a group's, by the externalId.
func Differences(t *graph.Tenant, o *scim.Organization, rules mapping.Rules, allowed ...Allowance) []Difference {
	c := comparison{
		rules: rules, scope: scopeOf(allowed), census: t.Census(slices.Contains(allowed, Nested)), webex: o.Inventory(),
		accounts: map[string][]string{}, pendingDelete: slices.Contains(allowed, PendingDelete), staleScope: slices.Contains(allowed, StaleScope),
	}
	for _, id := range slices.Sorted(maps.Keys(c.webex.Accounts)) {
		externalID := strings.ToLower(c.webex.Accounts[id].Text("externalId"))
		c.accounts[externalID] = append(c.accounts[externalID], id)
	}
	for _, id := range slices.Sorted(maps.Keys(c.census.Users)) {
		c.person(id, c.census.Users[id])
	}
	for _, id := range slices.Sorted(maps.Keys(c.webex.Accounts)) {
		c.account(c.webex.Accounts[id])
	}
	for _, id := range slices.Sorted(maps.Keys(c.webex.Seeds)) {
		c.seed(id, c.webex.Seeds[id])
	}
	c.compareGroups()
	return c.found
}

type comparison struct {
	rules         mapping.Rules
	scope         scope
	census        graph.Census
	webex         scim.Inventory
	accounts      map[string][]string // Webex ids by lower-case externalId
	pendingDelete bool
	staleScope    bool
	found         []Difference
}

// scope says who is to be provisioned: everybody, or who is assigned.
type scope struct{ assigned bool }

func scopeOf(allowed []Allowance) scope { return scope{slices.Contains(allowed, Assigned)} }

// user reports whether Webex shall have an active account of a user.
func (s scope) user(u graph.UserRecord) bool {
	return u.Place == graph.Live && u.User.Enabled() && (!s.assigned || u.Assigned)
}

// wasUser reports whether Webex should have had one at some time.
func (s scope) wasUser(u graph.UserRecord) bool {
	if s.assigned {
		return u.WasAssigned
	}
	return u.WasEnabled
}

// Provisioned returns the ids of the users of whom Webex shall have an active
// account, as Differences counts them, in their order.
func Provisioned(t *graph.Tenant, allowed ...Allowance) []string {
	s := scopeOf(allowed)
	var ids []string
	for id, u := range t.Census(slices.Contains(allowed, Nested)).Users {
		if s.user(u) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (c *comparison) report(objectID, webexID, attribute, want, got string) {
	c.found = append(c.found, Difference{Kind: "user", ObjectID: objectID, WebexID: webexID, Attribute: attribute, Want: want, Got: got})
}

// person compares the accounts that carry a person's object id.
func (c *comparison) person(objectID string, p graph.UserRecord) {
	ids, provisioned := c.accounts[objectID], c.scope.user(p)
	if len(ids) > 1 || provisioned && len(ids) == 0 {
		c.report(objectID, "", "account", "one", fmt.Sprintf("%d of them", len(ids)))
	}
	for _, id := range ids {
		if a := c.webex.Accounts[id]; provisioned {
			compareValues(c.rules.Users, c.attributes(p), a.Resource, func(attribute, want, got string) {
				c.report(objectID, id, attribute, want, got)
			})
		} else {
			c.leftover(objectID, p, a)
		}
	}
}

// attributes are those of a user with its app roles, and with the account of the live
// user who manages it; null if there is none.
func (c *comparison) attributes(p graph.UserRecord) map[string]any {
	attributes := withRoles(p)
	attributes["manager"] = nil
	if accounts := c.accounts[p.Manager]; p.Manager != "" && len(accounts) > 0 {
		attributes["manager"] = accounts[0]
	}
	return attributes
}

// withRoles are the attributes of a user with its app roles.
func withRoles(p graph.UserRecord) map[string]any {
	attributes, roles := maps.Clone(map[string]any(p.User)), make([]any, len(p.AppRoles))
	for i, name := range p.AppRoles {
		roles[i] = name
	}
	attributes[mapping.AppRoleAssignments] = roles
	return attributes
}

// leftover looks at an account of a person who is not to be provisioned.
func (c *comparison) leftover(objectID string, p graph.UserRecord, a scim.Account) {
	was, seeded := c.scope.wasUser(p), c.webex.Seeds[a.ID] != nil
	switch {
	case c.scope.assigned && !was && seeded && !a.Written:
		// It was there before, and is as it was.
	case p.Place == graph.Purged && (a.Active() || !c.pendingDelete):
		c.report(objectID, a.ID, "account", "none: deleted for good", state(a))
	case a.Active():
		c.report(objectID, a.ID, "active", "false", "true")
	case !was && !seeded && !c.staleScope:
		c.report(objectID, a.ID, "account", "none: was never to be provisioned", state(a))
	}
}

// compareValues reports each value that the resource of an object in use does not
// have and should.
func compareValues(m mapping.Mapping, attributes map[string]any, resource scim.Resource, report func(attribute, want, got string)) {
	want, err := valuesOf(m, attributes)
	if err != nil {
		report("mapping", err.Error(), "")
	}
	have := m.Values(resource)
	for _, target := range slices.Sorted(maps.Keys(want)) {
		if !m.Same(target, want[target], have[target]) {
			report(target, text(want[target]), text(have[target]))
		}
	}
}

// valuesOf are those of an object in use.
func valuesOf(m mapping.Mapping, attributes map[string]any) (map[string]any, error) {
	attributes = maps.Clone(attributes)
	attributes["IsSoftDeleted"] = false
	return m.Map(attributes)
}

func text(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// account looks for accounts that are nobody's, and for those that were local
// and are somebody's now who never had a claim to them.
func (c *comparison) account(a scim.Account) {
	externalID := strings.ToLower(a.Text("externalId"))
	_, somebodys := c.census.Users[externalID]
	seed, seeded := c.webex.Seeds[a.ID]
	switch {
	case !seeded && !somebodys:
		c.report("", a.ID, "account", "none: belongs to nobody in Entra", state(a))
	case seeded && !somebodys && a.Written:
		c.report("", a.ID, "account", "untouched: belongs to nobody in Entra", "written")
	case seeded && somebodys && !c.mayClaim(c.census.Users[externalID], seed):
		c.report(externalID, a.ID, "account", "untouched: not this user's", "adopted")
	}
}

// seed looks for local accounts that are gone. Webex itself may have removed
// one, or its owner was deleted for good.
func (c *comparison) seed(id string, seed scim.Resource) {
	if _, there := c.webex.Accounts[id]; there || c.webex.Expired[id] {
		return
	}
	for _, p := range c.census.Users {
		if p.Place == graph.Purged && c.mayClaim(p, seed) {
			return
		}
	}
	c.report("", id, "account", "untouched: belongs to nobody in Entra", "gone")
}

// mayClaim reports whether an account that was there before can be a person's:
// by its externalId, or by a matching attribute if its externalId is not an Entra id.
func (c *comparison) mayClaim(p graph.UserRecord, seed scim.Resource) bool {
	externalID := seed.Text("externalId")
	if uuid.Validate(externalID) == nil {
		return strings.EqualFold(externalID, p.User.Text("id"))
	}
	users := c.rules.Users
	return slices.ContainsFunc(p.Names, func(name string) bool {
		user := maps.Clone(p.User)
		user["userPrincipalName"] = name
		want, err := valuesOf(users, user)
		return err == nil && slices.ContainsFunc(users.Criteria(want), func(c mapping.Criterion) bool {
			met, _ := c.Met(seed)
			return met
		})
	})
}

func state(a scim.Account) string {
	if a.Active() {
		return "active"
	}
	return "inactive"
}
