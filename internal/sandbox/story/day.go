// Package story is what is played in a simulated tenant: who is there at first,
// the day that happens, and the storm around it.
package story

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/seeded"
)

// WellKnownID is the object id of the one user whose id is the same in every
// sandbox, for examples to name.
const WellKnownID = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"

// minSeed is how many users Seed needs for what it promises.
const minSeed = 4

// Seed fills an empty tenant with n users, at least 4, and the organization
// with accounts that were made by other means. Users 0 to 2 are always the
// same: the one with WellKnownID, who has no account yet, and two whose
// accounts are there and wait to be adopted, one without an externalId, one
// with an employee number in it. The group "All staff" is there with every
// user in it, and waits to be created. The other users have no account yet; every
// 25th of them, the first included, is blocked. Three more accounts and
// two groups are nobody's in Entra and must never be written.
func Seed(t *graph.Tenant, o *scim.Organization, n int, seed uint64) error {
	if n < minSeed {
		return fmt.Errorf("seed %d users: need at least %d", n, minSeed)
	}
	people := newCast(seed, "seed", t.Domain())
	fixed := []graph.User{
		{"id": WellKnownID, "givenName": "Wanda", "surname": "Wellknown"},
		{"givenName": "Adele", "surname": "Vance"},
		{"givenName": "Diego", "surname": "Siciliani"},
	}
	ids := make([]string, n)
	for i := range n {
		var user graph.User
		if i < len(fixed) {
			user = people.complete(fixed[i])
		} else {
			user = people.hire()
			user["accountEnabled"] = (i-len(fixed))%25 != 0
		}
		id, err := t.Create(user)
		if err != nil {
			return fmt.Errorf("seed user %d: %w", i, err)
		}
		ids[i] = id
	}
	staff, err := t.CreateGroup(graph.Group{"displayName": "All staff"})
	if err != nil {
		return fmt.Errorf("seed group: %w", err)
	}
	if err := t.AddMembers(staff, ids...); err != nil {
		return fmt.Errorf("seed group: %w", err)
	}
	for _, a := range []map[string]any{
		{"userName": "adele.vance@" + t.Domain(), "displayName": "A. Vance"},
		{"userName": "diego.siciliani@" + t.Domain(), "displayName": "Diego", "externalId": "HR-004711"},
		{"userName": "reception@" + t.Domain(), "displayName": "Reception"},
		{"userName": "recordings@" + t.Domain(), "displayName": "Recording service", "externalId": "svc-recordings"},
		{"userName": "auditor@elsewhere.example", "displayName": "External auditor", "externalId": "0d6f1d9e-6c0a-4b55-9a5e-7f3f3e2f9d10"},
	} {
		a["userType"] = "user"
		if _, err := o.Add(a); err != nil {
			return fmt.Errorf("seed account: %w", err)
		}
	}
	for _, g := range []map[string]any{
		{"displayName": "Facilities"},
		{"displayName": "Amsterdam", scim.GroupSchema: map[string]any{"usage": "location"}},
	} {
		if _, err := o.AddGroup(g); err != nil {
			return fmt.Errorf("seed group: %w", err)
		}
	}
	return nil
}

// Step is something that happens in a tenant.
type Step struct {
	// Title says it in at most 36 characters, for a line that says more.
	Title string
	// Many is how many changes come at once; 0 if each is one by itself.
	Many int
	// Apply makes it happen.
	Apply func(*graph.Tenant) error
}

// program is what happens one after the other.
type program []Step

func (p *program) add(title string, apply func(*graph.Tenant) error) {
	*p = append(*p, Step{Title: title, Apply: apply})
}

// Day is a day in a tenant, in the order in which it happens: everything that
// can happen to a user or a group at least once. The same seed gives the same day. The
// steps build on one another; nobody else should change the tenant's users
// and groups meanwhile. At its end the tenant is at rest, and compare.Differences says whether Webex
// has followed.
func Day(seed uint64) []Step {
	d := &day{random: seeded.Random(seed, "day"), seed: seed, ids: map[string]string{}}
	steps := program{{Title: "A nightly job touches everybody", Apply: d.touchAll}}
	add := steps.add
	add("Five people are hired", d.hireFive)
	add("Hire 1 marries: new name and address", d.rename("hire 1"))
	add("Hires 2 and 3 swap their addresses", d.swap("hire 2", "hire 3"))
	add("Hire 4 changes the display name", d.set("hire 4", "displayName", "Dr. Four, M.A."))
	add("A guest is invited", d.invite)
	add("Hire 5 leaves", d.on("hire 5", (*graph.Tenant).Delete))
	add("Somebody gets the address of hire 5", d.inherit("heir", "hire 5"))
	add("Hire 2 is blocked", d.set("hire 2", "accountEnabled", false))
	add("Hire 3 is blocked", d.set("hire 3", "accountEnabled", false))
	add("Hire 3 is unblocked", d.set("hire 3", "accountEnabled", true))
	add("Somebody is hired for next month", d.hireBlocked)
	add("Hire 4 leaves", d.on("hire 4", (*graph.Tenant).Delete))
	add("Hire 4 comes back", d.on("hire 4", (*graph.Tenant).Restore))
	add("Hire 5 is deleted for good", d.on("hire 5", (*graph.Tenant).Purge))
	add("Nothing changes about hire 1", d.on("hire 1", touch))
	add("The guest changes her name", d.set("guest", "surname", "Åkesson-Ngô"))
	steps = append(steps, Step{Title: fmt.Sprintf("An import makes %d changes at once", imported), Many: imported, Apply: d.burst})
	add("Hire 3 leaves, returns, leaves again", d.backAndForth)
	return append(steps, d.teamwork()...)
}

// day is what the steps of a Day share: who is who.
type day struct {
	random *rand.Rand
	seed   uint64
	people *cast
	ids    map[string]string
}

// touchAll makes a change of every user and group that changes nothing. It
// stands for the first time anybody is noticed.
func (*day) touchAll(t *graph.Tenant) error {
	for _, user := range t.Users() {
		if err := touch(t, user.Text("id")); err != nil {
			return err
		}
	}
	for _, g := range t.Groups() {
		if err := t.UpdateGroup(g.Text("id"), func(graph.Group) {}); err != nil {
			return err
		}
	}
	return nil
}

func touch(t *graph.Tenant, id string) error { return t.Update(id, func(graph.User) {}) }

func (d *day) on(who string, do func(*graph.Tenant, string) error) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error { return do(t, d.ids[who]) }
}

func (d *day) set(who, property string, value any) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		return t.Update(d.ids[who], func(u graph.User) { u[property] = value })
	}
}

func (d *day) create(t *graph.Tenant, who string, user graph.User) error {
	id, err := t.Create(user)
	d.ids[who] = id
	return err
}

// casting returns the people who come new, whose names nobody has yet.
func (d *day) casting(t *graph.Tenant) *cast {
	if d.people == nil {
		d.people = newCast(d.seed, "day", t.Domain())
		d.people.marker = fmt.Sprintf("day%d-", d.seed) // neither Seed nor another Day gives such a name
	}
	return d.people
}

func (d *day) hire(who string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error { return d.create(t, who, d.casting(t).hire()) }
}

func (d *day) hireFive(t *graph.Tenant) error {
	for i := range 5 {
		if err := d.hire(fmt.Sprintf("hire %d", i+1))(t); err != nil {
			return err
		}
	}
	return nil
}

func (d *day) hireBlocked(t *graph.Tenant) error {
	user := d.casting(t).hire()
	user["accountEnabled"] = false
	return d.create(t, "next month", user)
}

// inherit hires somebody who gets the address of one who left.
func (d *day) inherit(who, from string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		left := t.LastName(d.ids[from])
		user := d.casting(t).hire()
		user["userPrincipalName"], user["mail"] = left, left
		return d.create(t, who, user)
	}
}

func (d *day) invite(t *graph.Tenant) error {
	alias := fmt.Sprintf("linnea_%d", d.seed)
	return d.create(t, "guest", graph.User{
		"userType": "Guest", "displayName": "Linnea Åkesson", "givenName": "Linnea", "surname": "Åkesson",
		"mail":              alias + "@fabrikam.example",
		"userPrincipalName": alias + "_fabrikam.example#EXT#@" + t.Domain(),
	})
}

func (d *day) rename(who string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		return t.Update(d.ids[who], func(u graph.User) {
			alias, domain, _ := strings.Cut(u.Text("userPrincipalName"), "@")
			u["surname"] = u.Text("surname") + "-Ōno"
			u["displayName"] = u.Text("givenName") + " " + u.Text("surname")
			u["userPrincipalName"] = alias + "-ono@" + domain
			u["mail"] = u["userPrincipalName"]
		})
	}
}

// swap exchanges two names. Entra takes no name that is in use: one of the two
// has a third one for a moment.
func (d *day) swap(one, other string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		a, err := t.User(d.ids[one])
		if err != nil {
			return err
		}
		b, err := t.User(d.ids[other])
		if err != nil {
			return err
		}
		first, second := a.Text("userPrincipalName"), b.Text("userPrincipalName")
		for _, move := range [][2]string{{one, "moving-" + first}, {other, first}, {one, second}} {
			if err := d.set(move[0], "userPrincipalName", move[1])(t); err != nil {
				return err
			}
		}
		return nil
	}
}

// imported is how many changes an import makes.
const imported = 500

// burst makes the changes of an import, most of them to users who are changed more
// than once if the tenant is small.
func (d *day) burst(t *graph.Tenant) error {
	users := t.Users()
	for i := range imported {
		id := users[d.random.IntN(len(users))].Text("id")
		err := t.Update(id, func(u graph.User) {
			u["department"] = fmt.Sprintf("Department %d", d.random.IntN(40))
			if d.random.IntN(2) == 0 {
				u["displayName"] = fmt.Sprintf("%s %s (%d)", u.Text("givenName"), u.Text("surname"), i)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *day) backAndForth(t *graph.Tenant) error {
	id := d.ids["hire 3"]
	for _, do := range []func(*graph.Tenant, string) error{(*graph.Tenant).Delete, (*graph.Tenant).Restore, (*graph.Tenant).Delete} {
		if err := do(t, id); err != nil {
			return err
		}
	}
	return nil
}

// cast makes up people.
type cast struct {
	random *rand.Rand
	domain string
	marker string
	hired  int
}

func newCast(seed uint64, stream, domain string) *cast {
	return &cast{random: seeded.Random(seed, stream), domain: domain}
}

// Hires returns what makes up people whose addresses nobody else in a tenant has.
func Hires(seed uint64, domain string) func() graph.User {
	people := newCast(seed, "hires", domain)
	people.marker = fmt.Sprintf("new%d-", seed)
	return people.hire
}

// hire makes up somebody whose address nobody else made up here has.
func (c *cast) hire() graph.User {
	given := [...]string{"Aisha", "Jürgen", "Mei", "Zoë", "Olu", "Priya", "Tomás", "Ingrid", "Kwame", "Sofía", "Liam", "Noor"}
	surnames := [...]string{"Okafor", "O'Brien", "Müller", "Nakamura", "da Silva", "Kowalski", "Haddad", "van Dijk", "Smith", "Øverland"}
	user := c.complete(graph.User{
		"givenName": given[c.random.IntN(len(given))], "surname": surnames[c.random.IntN(len(surnames))],
	})
	c.hired++
	alias, domain, _ := strings.Cut(user.Text("userPrincipalName"), "@")
	user["userPrincipalName"] = fmt.Sprintf("%s.%s%d@%s", alias, c.marker, c.hired, domain)
	user["mail"] = user["userPrincipalName"]
	return user
}

// complete adds what follows from a name.
func (c *cast) complete(user graph.User) graph.User {
	given, surname := user.Text("givenName"), user.Text("surname")
	ascii := strings.NewReplacer("ü", "ue", "ë", "e", "á", "a", "í", "i", "ø", "oe", " ", "")
	user["displayName"] = given + " " + surname
	user["userPrincipalName"] = ascii.Replace(strings.ToLower(given+"."+surname)) + "@" + c.domain
	user["mail"] = user["userPrincipalName"]
	user["department"] = [...]string{"Sales", "Engineering", "Finance", "Legal"}[c.random.IntN(4)]
	return user
}
