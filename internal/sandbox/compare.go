package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Difference is one thing in which Webex is not what Entra says it should be.
type Difference struct {
	// Kind is "user" or "group".
	Kind string
	// ObjectID is the Entra object, WebexID the account or group; either can
	// be empty.
	ObjectID, WebexID string
	// Attribute is the SCIM path, or "account" or "group" for the whole.
	Attribute string
	// Want and Got are the values; of an account, what it should be and is.
	Want, Got string
}

// String says it in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s %s, in Webex %s: %s is %q, want %q",
		d.Kind, cmp.Or(d.ObjectID, "-"), cmp.Or(d.WebexID, "-"), d.Attribute, d.Got, d.Want)
}

// Allowance is what Compare allows for.
type Allowance int

const (
	// PendingDelete lets the account of a user who was deleted for good still
	// be there, if it is inactive, and so a group: a DELETE may wait for a
	// second reading.
	PendingDelete Allowance = iota + 1
	// Nested makes the users of groups within a group its members.
	Nested
	// Assigned makes the assignments to the enterprise application decide who
	// is provisioned: see Compare.
	Assigned
)

// scope says who is to be provisioned, and as what.
type scope struct{ nested, assigned bool }

func scopeOf(allowed []Allowance) scope {
	return scope{nested: slices.Contains(allowed, Nested), assigned: slices.Contains(allowed, Assigned)}
}

// Compare reads both sides directly and returns what is not as it should be,
// in a fixed order; nothing if the organization holds what the tenant says:
//
//   - a live, enabled user has one active account, with these values: userName
//     and work address the userPrincipalName (of a guest, the address it is
//     made of), name.givenName, name.familyName and displayName its own, and
//     externalId the object id; blanks around a name do not count. What is null in Entra may be anything in Webex.
//   - a blocked or soft-deleted user has no active account, and none at all if
//     it never was enabled.
//   - a user deleted for good has none.
//   - a live security group with a name has one group, of that name and with
//     its object id as externalId, in which each account of its live users is
//     once, and no account of any other live user. One that is soft-deleted, or
//     no security group, may be as it was; one deleted for good has none.
//   - a group of nobody in Entra, put there by Org.AddGroup, was never written,
//     and there is no other group of nobody.
//   - an account of nobody in Entra, put there by Org.Add, was never written,
//     and there is no other account of nobody.
//
// With Assigned only those are provisioned who are in scope: users who are
// assigned, or direct members of a live group that is, or with Nested members of
// such a group at all; and groups that are assigned. A user who has left the scope
// is as one who is blocked, and so a group as one that is no security group; of
// what never was in scope while it could have been provisioned there is nothing, but
// what Org.Add or Org.AddGroup put there and nobody has written since.
//
// It shares no code with what it checks.
func Compare(t *Tenant, o *Org, allowed ...Allowance) []Difference {
	people, teams := t.census(scopeOf(allowed))
	c := comparison{
		people: people, teams: teams, webex: o.inventory(), accounts: map[string][]string{},
		pendingDelete: slices.Contains(allowed, PendingDelete), assigned: slices.Contains(allowed, Assigned),
	}
	for _, id := range slices.Sorted(maps.Keys(c.webex.accounts)) {
		externalID := strings.ToLower(at(c.webex.accounts[id].attributes, "externalId"))
		c.accounts[externalID] = append(c.accounts[externalID], id)
	}
	for _, id := range slices.Sorted(maps.Keys(c.people)) {
		c.person(c.people[id])
	}
	for _, id := range slices.Sorted(maps.Keys(c.webex.accounts)) {
		c.account(c.webex.accounts[id])
	}
	for _, id := range slices.Sorted(maps.Keys(c.webex.seeds)) {
		c.seed(id, c.webex.seeds[id])
	}
	c.compareGroups()
	return c.found
}

type comparison struct {
	people        map[string]citizen
	teams         map[string]team
	webex         inventory
	accounts      map[string][]string // Webex ids by lower-case externalId
	pendingDelete bool
	assigned      bool
	found         []Difference
}

// inventory is an organization at one moment.
type inventory struct {
	accounts map[string]account
	seeds    map[string]map[string]any
	expired  map[string]bool
	teams    []webexTeam
}

// citizen is a person at one moment.
type citizen struct {
	person

	// provisioned says that Webex shall have an active account of it,
	// wasProvisioned that it should have had one at some time.
	provisioned, wasProvisioned bool
}

func (t *Tenant) census(s scope) (map[string]citizen, map[string]team) {
	t.mu.Lock()
	defer t.mu.Unlock()
	people := make(map[string]citizen, len(t.people))
	for id, p := range t.people {
		c := citizen{
			person:         person{user: maps.Clone(p.user), place: p.place, names: slices.Clone(p.names)},
			provisioned:    p.place == live && p.user.Enabled() && (!s.assigned || assigned(p, s.nested)),
			wasProvisioned: p.wasEnabled,
		}
		switch {
		case s.assigned && s.nested:
			c.wasProvisioned = p.wasEntitledNested
		case s.assigned:
			c.wasProvisioned = p.wasEntitled
		}
		people[id] = c
	}
	return people, t.teams(s)
}

// Provisioned returns the ids of the users of whom Webex shall have an active
// account, as Compare counts them, in their order.
func Provisioned(t *Tenant, allowed ...Allowance) []string {
	s := scopeOf(allowed)
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for _, p := range t.order {
		if p.place == live && p.user.Enabled() && (!s.assigned || assigned(p, s.nested)) {
			ids = append(ids, p.id())
		}
	}
	slices.Sort(ids)
	return ids
}

func (o *Org) inventory() inventory {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	accounts := make(map[string]account, len(o.accounts))
	for id, a := range o.accounts {
		accounts[id] = account{id: a.id, attributes: clone(a.attributes), version: a.version}
	}
	return inventory{accounts: accounts, seeds: maps.Clone(o.seeds), expired: maps.Clone(o.expired), teams: o.teams()}
}

func (c *comparison) report(objectID, webexID, attribute, want, got string) {
	c.found = append(c.found, Difference{Kind: "user", ObjectID: objectID, WebexID: webexID, Attribute: attribute, Want: want, Got: got})
}

// person compares the accounts that carry a person's object id.
func (c *comparison) person(p citizen) {
	ids := c.accounts[p.id()]
	if len(ids) > 1 || p.provisioned && len(ids) == 0 {
		c.report(p.id(), "", "account", "one", fmt.Sprintf("%d of them", len(ids)))
	}
	for _, id := range ids {
		a := c.webex.accounts[id]
		switch {
		case p.provisioned:
			c.attributes(p.user, a)
		case c.assigned && !p.wasProvisioned && c.webex.seeds[id] != nil && a.version == 1:
			// It was there before, and is as it was.
		case p.place == purged && (a.active() || !c.pendingDelete):
			c.report(p.id(), id, "account", "none: deleted for good", a.state())
		case a.active():
			c.report(p.id(), id, "active", "false", "true")
		case !p.wasProvisioned && c.webex.seeds[id] == nil:
			c.report(p.id(), id, "account", "none: was never to be provisioned", a.state())
		}
	}
}

func (c *comparison) attributes(user User, a account) {
	address := addressOf(user.Text("userPrincipalName"))
	if got := at(a.attributes, "userName"); !strings.EqualFold(got, address) {
		c.report(user.Text("id"), a.id, "userName", address, got)
	}
	if got := workAddress(a.attributes); !strings.EqualFold(got, address) {
		c.report(user.Text("id"), a.id, `emails[type eq "work"].value`, address, got)
	}
	for _, pair := range [][2]string{
		{"id", "externalId"},
		{"displayName", "displayName"},
		{"givenName", "name.givenName"},
		{"surname", "name.familyName"},
	} {
		want, got := user.Text(pair[0]), at(a.attributes, pair[1])
		// Blanks around a name are none of it: Webex may leave them out.
		if want != "" && strings.TrimSpace(got) != strings.TrimSpace(want) {
			c.report(user.Text("id"), a.id, pair[1], want, got)
		}
	}
	if !a.active() {
		c.report(user.Text("id"), a.id, "active", "true", "false")
	}
}

// account looks for accounts that are nobody's, and for those that were local
// and are somebody's now who never had a claim to them.
func (c *comparison) account(a account) {
	externalID := strings.ToLower(at(a.attributes, "externalId"))
	_, somebodys := c.people[externalID]
	seed, seeded := c.webex.seeds[a.id]
	switch {
	case !seeded && !somebodys:
		c.report("", a.id, "account", "none: belongs to nobody in Entra", a.state())
	case seeded && !somebodys && a.version > 1:
		c.report("", a.id, "account", "untouched: belongs to nobody in Entra", "written")
	case seeded && somebodys && !c.mayClaim(c.people[externalID], seed):
		c.report(externalID, a.id, "account", "untouched: not this user's", "adopted")
	}
}

// seed looks for local accounts that are gone. Webex itself may have removed
// one, or its owner was deleted for good.
func (c *comparison) seed(id string, seed map[string]any) {
	if _, there := c.webex.accounts[id]; there || c.webex.expired[id] {
		return
	}
	for _, p := range c.people {
		if p.place == purged && c.mayClaim(p, seed) {
			return
		}
	}
	c.report("", id, "account", "untouched: belongs to nobody in Entra", "gone")
}

// mayClaim reports whether an account that was there before can be a person's:
// by its externalId, or by its name if its externalId is not an Entra id.
func (c *comparison) mayClaim(p citizen, seed map[string]any) bool {
	externalID := at(seed, "externalId")
	if uuid.Validate(externalID) == nil {
		return strings.EqualFold(externalID, p.id())
	}
	return slices.ContainsFunc(p.names, func(name string) bool {
		return strings.EqualFold(addressOf(name), at(seed, "userName"))
	})
}

func (a *account) state() string {
	if a.active() {
		return "active"
	}
	return "inactive"
}

// addressOf is the address a person is reached by in Webex. A guest's name in
// Entra is made of its address elsewhere: ann_b@fabrikam.com is
// ann_b_fabrikam.com#EXT#@contoso.com here.
func addressOf(upn string) string {
	before, _, ok := strings.Cut(upn, "#EXT#@")
	if !ok {
		return upn
	}
	home := []byte(before)
	for k := len(home) - 1; k >= 0; k-- {
		if home[k] == '_' {
			home[k] = '@'
			break
		}
	}
	return string(home)
}

// at returns the string at "attribute" or "attribute.sub"; empty if there is
// none.
func at(attributes map[string]any, path string) string {
	name, sub, nested := strings.Cut(path, ".")
	value := attributes[name]
	if nested {
		object, _ := value.(map[string]any)
		value = object[sub]
	}
	s, _ := value.(string)
	return s
}

// workAddress is the primary one of the work addresses, else the first.
func workAddress(attributes map[string]any) string {
	emails, _ := attributes["emails"].([]any)
	first := ""
	for _, element := range emails {
		email, ok := element.(map[string]any)
		switch {
		case !ok || email["type"] != "work":
		case email["primary"] == true:
			return at(email, "value")
		case first == "":
			first = at(email, "value")
		}
	}
	return first
}
