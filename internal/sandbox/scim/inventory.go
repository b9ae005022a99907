package scim

import (
	"maps"
	"slices"
	"strings"
)

// Inventory is all that is in an organization at one moment.
type Inventory struct {
	// Accounts are by id, Groups in the order of their ids.
	Accounts map[string]Account
	Groups   []Group
	// Seeds are what Add was given, by the id of the account that came of it,
	// which need not be there any more.
	Seeds map[string]Resource
	// Expired are the ids of the accounts that Webex itself removed.
	Expired map[string]bool
}

// Resource is what a user or a group of SCIM holds, as JSON has it.
type Resource map[string]any

// Text returns the string at "attribute" or "attribute.sub"; empty if there is
// none.
func (r Resource) Text(path string) string { return at(r, path) }

// Account is a user of Webex.
type Account struct {
	Resource

	ID string
	// Written says that it was changed since it was made.
	Written bool
}

// Active reports whether it may sign in.
func (a Account) Active() bool { return a.Resource["active"] == true }

// Group is a group of Webex.
type Group struct {
	Resource

	ID string
	// Members are the ids of its members, one that is in it twice twice.
	Members []string
	// Seeded says that AddGroup put it there, Written that it was changed
	// since it was made.
	Seeded, Written bool
}

// Inventory returns the organization as it is.
func (o *Organization) Inventory() Inventory {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	all := Inventory{
		Accounts: make(map[string]Account, len(o.accounts)), Groups: make([]Group, 0, len(o.groups)),
		Seeds: make(map[string]Resource, len(o.seeds)), Expired: maps.Clone(o.expired),
	}
	for id, a := range o.accounts {
		all.Accounts[id] = Account{Resource: clone(a.attributes), ID: id, Written: a.version > 1}
	}
	for id, seed := range o.seeds {
		all.Seeds[id] = seed
	}
	for _, id := range slices.Sorted(maps.Keys(o.groups)) {
		g := o.groups[id]
		shown := Group{Resource: clone(g.attributes), ID: id, Seeded: o.groupSeeds[id] != nil, Written: g.version > 1}
		page, _ := g.members.page("", 1, g.members.size)
		for _, m := range page {
			shown.Members = append(shown.Members, m.id)
		}
		all.Groups = append(all.Groups, shown)
	}
	return all
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
