// Package membership compares who is in a group on both sides, and bounds how many
// leave it at a time. It is pure: it reads and writes nothing, so that a comparison may
// be left after any step and goes on, in another process, from what was kept of it.
package membership

import (
	"maps"
	"slices"
)

// Person is a user by both ids: that in Entra, and that of the account in Webex.
type Person struct{ ID, WebexID string }

// IDs are those in Entra, sorted.
func IDs(people []Person) []string {
	list := make([]string, len(people))
	for i, p := range people {
		list[i] = p.ID
	}
	slices.Sort(list)
	return list
}

// Part parts those whose ids in Entra are named from the others.
func Part(people []Person, ids []string) (named, others []Person) {
	among := make(map[string]bool, len(ids))
	for _, id := range ids {
		among[id] = true
	}
	for _, p := range people {
		if among[p.ID] {
			named = append(named, p)
		} else {
			others = append(others, p)
		}
	}
	return named, others
}

// Comparison is what was read of a group's members on both sides. The zero value is
// that of a group without any.
type Comparison struct {
	listed map[string]bool // by the id of the account; false for who is in Webex alone
}

// Has notes accounts that the group has in Webex, before any is listed.
func (c *Comparison) Has(accounts []string) {
	for _, id := range accounts {
		c.note(id, false)
	}
}

func (c *Comparison) note(account string, listed bool) {
	if c.listed == nil {
		c.listed = map[string]bool{}
	}
	c.listed[account] = listed
}

// List notes an account whose user Entra lists, and reports whether Webex lacks it:
// once, however often it is listed.
func (c *Comparison) List(account string) (lacks bool) {
	_, known := c.listed[account]
	c.note(account, true)
	return !known
}

// IsUnlisted reports whether Webex has the account in the group, and Entra has not
// listed its user.
func (c *Comparison) IsUnlisted(account string) bool {
	listed, known := c.listed[account]
	return known && !listed
}

// Unlisted are all such accounts after that one, in the order of their ids. That they
// were not listed is no proof that they left.
func (c *Comparison) Unlisted(after string) []string {
	var list []string
	for _, account := range slices.Sorted(maps.Keys(c.listed)) {
		if !c.listed[account] && account > after {
			list = append(list, account)
		}
	}
	return list
}

// Size is how many members the group has in Webex once it has those whom it lacks.
func (c *Comparison) Size() int { return len(c.listed) }
