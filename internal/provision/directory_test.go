package provision_test

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/entra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/scoping"
)

// What the engine relies on of Entra holds of the client on the simulated tenant,
// and of the tenant that the tests of the engine are played with.
func TestDirectoriesKeepTheirPromises(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) *directed{
		"Entra": directedGraph,
		"the tests of the engine": func(t *testing.T) *directed {
			played := &tenant{id: tenantID, users: map[string]*person{}, groups: map[string]*group{}, roles: map[string][]string{}, managers: map[string]string{}}
			return &directed{Directory: played, admin: playedAdmin{played}, app: application, t: t}
		},
	} {
		for _, promise := range directoryPromises() {
			t.Run(name+"/"+promise.says, func(t *testing.T) {
				t.Parallel()
				promise.test(open(t))
			})
		}
	}
}

// admin is who changes what a directory is of.
type admin interface {
	hire(id, name string) error
	team(id, name string) error
	// device makes something that is neither a user nor a group.
	device() string
	join(group string, ids ...string) error
	leave(group string, ids ...string) error
	// delete moves to the recycle bin, from which restore brings back and purge
	// takes away.
	delete(o change.Object) error
	restore(o change.Object) error
	purge(o change.Object) error
	assign(id, role string) error
	// manage makes somebody the manager of another; nobody if that is empty.
	manage(id, manager string) error
}

// graphAdmin changes a simulated tenant.
type graphAdmin struct{ tenant *graph.Tenant }

func directedGraph(t *testing.T) *directed {
	t.Helper()
	const host = "graph.microsoft.com"
	tenant, err := graph.New(graph.Config{ID: tenantID, Domain: "example.com", Token: "t", AppID: nobody, Page: membersOnPage})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	selects := rules.Select()
	selects[change.User] = append(selects[change.User], "manager")
	client, err := entra.New(entra.Config{
		Credential: entra.StaticToken("t"), Transport: simhttp.Network{host: tenant}, Select: selects, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, app := tenant.EnterpriseApp()
	return &directed{Directory: client, admin: graphAdmin{tenant}, app: app, t: t}
}

func (a graphAdmin) hire(id, name string) error {
	_, err := a.tenant.Create(graph.User{"id": id, "userPrincipalName": name, "displayName": "Somebody"})
	return err
}

func (a graphAdmin) team(id, name string) error {
	_, err := a.tenant.CreateGroup(graph.Group{"id": id, "displayName": name})
	return err
}

func (a graphAdmin) device() string { return a.tenant.AddOther("device") }

func (a graphAdmin) join(group string, ids ...string) error {
	return a.tenant.AddMembers(group, ids...)
}

func (a graphAdmin) leave(group string, ids ...string) error {
	return a.tenant.RemoveMembers(group, ids...)
}

func (a graphAdmin) delete(o change.Object) error {
	if o.Kind == change.Group {
		return a.tenant.DeleteGroup(o.ID)
	}
	return a.tenant.Delete(o.ID)
}

func (a graphAdmin) restore(o change.Object) error {
	if o.Kind == change.Group {
		return a.tenant.RestoreGroup(o.ID)
	}
	return a.tenant.Restore(o.ID)
}

func (a graphAdmin) purge(o change.Object) error {
	if o.Kind == change.Group {
		return a.tenant.PurgeGroup(o.ID)
	}
	return a.tenant.Purge(o.ID)
}

func (a graphAdmin) assign(id, role string) error { return a.tenant.Assign(id, role) }

func (a graphAdmin) manage(id, manager string) error { return a.tenant.SetManager(id, manager) }

// playedAdmin changes the tenant of the tests of the engine.
type playedAdmin struct{ tenant *tenant }

func (a playedAdmin) hire(id, name string) error {
	a.tenant.users[id] = &person{name: name, display: "Somebody", enabled: true}
	return nil
}

func (a playedAdmin) team(id, name string) error {
	a.tenant.groups[id] = &group{name: name}
	return nil
}

func (a playedAdmin) device() string { return "5b6e7a8c-1d2e-4f30-9a41-0000000000d0" }

func (a playedAdmin) join(group string, ids ...string) error {
	a.tenant.groups[group].members = append(a.tenant.groups[group].members, ids...)
	return nil
}

func (a playedAdmin) leave(group string, ids ...string) error {
	g := a.tenant.groups[group]
	g.members = slices.DeleteFunc(g.members, func(id string) bool { return slices.Contains(ids, id) })
	return nil
}

func (a playedAdmin) delete(o change.Object) error { return a.place(o, true, false) }

func (a playedAdmin) restore(o change.Object) error { return a.place(o, false, false) }

func (a playedAdmin) purge(o change.Object) error { return a.place(o, false, true) }

func (a playedAdmin) place(o change.Object, binned, gone bool) error {
	if o.Kind == change.Group {
		a.tenant.groups[o.ID].binned, a.tenant.groups[o.ID].gone = binned, gone
	} else {
		a.tenant.users[o.ID].binned, a.tenant.users[o.ID].gone = binned, gone
	}
	return nil
}

func (a playedAdmin) assign(id, role string) error {
	a.tenant.roles[id] = append(a.tenant.roles[id], role)
	return nil
}

func (a playedAdmin) manage(id, manager string) error {
	a.tenant.managers[id] = manager
	return nil
}

// directed is a directory in a test.
type directed struct {
	provision.Directory

	admin admin
	app   string // the object id of the enterprise application
	t     *testing.T
}

type directoryPromise struct {
	says string
	test func(d *directed)
}

func aPerson(id string) change.Object { return change.Object{Kind: change.User, ID: id} }
func aTeam(id string) change.Object   { return change.Object{Kind: change.Group, ID: id} }

// done is of what the admin did.
func (d *directed) done(errs ...error) {
	d.t.Helper()
	for _, err := range errs {
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// staffed is a tenant of Ada, Bob and Cyd, of whom Ada and a device are in Sales, which
// with Bob is in Europe. It returns the id of the device.
func (d *directed) staffed() string {
	d.t.Helper()
	device := d.admin.device()
	d.done(
		d.admin.hire(ada, "ada@example.com"), d.admin.hire(bob, "bob@example.com"), d.admin.hire(cyd, "cyd@example.com"),
		d.admin.team(sales, "Sales"), d.admin.team(europe, "Europe"),
		d.admin.join(sales, ada, device), d.admin.join(europe, bob, sales),
	)
	return device
}

func (d *directed) read(q provision.Query) provision.Reading {
	d.t.Helper()
	readings := d.Read(d.t.Context(), []provision.Query{q})
	if len(readings) != 1 {
		d.t.Fatalf("%d readings of one query", len(readings))
	}
	return readings[0]
}

// is compares where an object is with where it shall be.
func (d *directed) is(o change.Object, want provision.Presence) {
	d.t.Helper()
	if r := d.read(provision.Query{Object: o}); r.Presence != want || r.Err != nil {
		d.t.Errorf("%s: presence %d, %v; want %d", o, r.Presence, r.Err, want)
	}
}

// standings are how they stand to a group.
func (d *directed) standings(group string, transitive bool, ids ...string) []provision.Standing {
	d.t.Helper()
	var standings []provision.Standing
	for _, m := range d.read(provision.Query{Object: aTeam(group), Members: ids, Transitive: transitive}).Memberships {
		if (m.Err != nil) != (m.Standing == provision.Unanswered) {
			d.t.Errorf("standing %d, %v", m.Standing, m.Err)
		}
		standings = append(standings, m.Standing)
	}
	return standings
}

// roles are those of an object, sorted.
func (d *directed) roles(o change.Object, transitive bool) []string {
	d.t.Helper()
	r := d.read(provision.Query{Object: o, App: d.app, Transitive: transitive})
	if r.Err != nil || r.RolesErr != nil {
		d.t.Fatalf("%s: %v, %v", o, r.Err, r.RolesErr)
	}
	return slices.Sorted(slices.Values(r.Roles))
}

// members reads all pages, and returns the users, sorted, and how many others and
// pages there were.
func (d *directed) members(group string, transitive bool) (users []string, others, pages int) {
	d.t.Helper()
	for next := ""; pages == 0 || next != ""; pages++ {
		p, err := d.Members(d.t.Context(), group, transitive, next)
		if err != nil {
			d.t.Fatal(err)
		}
		users, others, next = append(users, p.Users...), others+p.Others, p.Next
	}
	slices.Sort(users)
	return users, others, pages
}

func (d *directed) groupsOf(o change.Object, transitive bool) []string {
	d.t.Helper()
	ids, err := d.GroupsOf(d.t.Context(), o, transitive)
	if err != nil {
		d.t.Fatal(err)
	}
	return slices.Sorted(slices.Values(ids))
}

func (d *directed) same(what string, got, want any) {
	d.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("%s: %s", what, diff)
	}
}

func (d *directed) gone(err error) {
	d.t.Helper()
	if !provision.Gone.Is(err) {
		d.t.Errorf("%v, want %v", err, provision.Gone)
	}
}

func directoryPromises() []directoryPromise {
	return slices.Concat(promisesOfReadings(), promisesOfMemberships(), promisesOfMembers(), promisesOfOuterGroups(), promisesOfRoles(), promisesOfManagers(), promisesOfFilterGroups())
}

func promisesOfReadings() []directoryPromise {
	return []directoryPromise{
		{"the tenant that answers is named", func(d *directed) {
			id, err := d.Organization(d.t.Context())
			d.done(err)
			d.same("tenant", id, tenantID)
		}},
		{"a user is read with its attributes", func(d *directed) {
			d.staffed()
			r := d.read(provision.Query{Object: aPerson(ada)})
			if r.Err != nil || r.Presence != provision.Present {
				d.t.Fatalf("%+v", r)
			}
			maps.DeleteFunc(r.Attributes, func(name string, _ any) bool {
				return !slices.Contains([]string{"id", "userPrincipalName", "displayName", "accountEnabled"}, name)
			})
			d.same("attributes", r.Attributes, map[string]any{
				"id": ada, "userPrincipalName": "ada@example.com", "displayName": "Somebody", "accountEnabled": true,
			})
		}},
		{"a group is read with its attributes", func(d *directed) {
			d.staffed()
			r := d.read(provision.Query{Object: aTeam(sales)})
			if r.Err != nil || r.Presence != provision.Present {
				d.t.Fatalf("%+v", r)
			}
			delete(r.Attributes, "visibility")
			d.same("attributes", r.Attributes, map[string]any{"id": sales, "displayName": "Sales", "securityEnabled": true})
		}},
		{"who is deleted is in the recycle bin, then back or nowhere", func(d *directed) {
			d.staffed()
			for _, o := range []change.Object{aPerson(ada), aTeam(sales)} {
				d.done(d.admin.delete(o))
				d.is(o, provision.SoftDeleted)
				d.done(d.admin.restore(o))
				d.is(o, provision.Present)
				d.done(d.admin.delete(o), d.admin.purge(o))
				d.is(o, provision.Absent)
			}
		}},
		{"of who is in the recycle bin only the id and the time are read, and all again of who is back", func(d *directed) {
			d.staffed()
			for o, name := range map[change.Object]string{aPerson(ada): "userPrincipalName", aTeam(sales): "displayName"} {
				before := d.read(provision.Query{Object: o}).Attributes
				d.done(d.admin.delete(o))
				r := d.read(provision.Query{Object: o})
				d.same("deleted", slices.Sorted(maps.Keys(r.Attributes)), []string{"deletedDateTime", "id"})
				d.same("deleted", r.Attributes["id"], any(o.ID))
				d.done(d.admin.restore(o))
				if r := d.read(provision.Query{Object: o}); before[name] == nil || r.Attributes[name] != before[name] {
					d.t.Errorf("restored %v, before it was %v", r.Attributes, before)
				}
			}
		}},
		{"what never was, or is of another kind, is absent", func(d *directed) {
			d.staffed()
			for _, o := range []change.Object{aPerson(nobody), aTeam(nobody), aPerson(sales), aTeam(ada)} {
				d.is(o, provision.Absent)
			}
			d.done(d.admin.delete(aPerson(ada)), d.admin.delete(aTeam(sales)))
			d.is(aTeam(ada), provision.Absent)
			d.is(aPerson(sales), provision.Absent)
		}},
		{"each of many queries has its answer, in their order", func(d *directed) {
			d.staffed()
			d.done(d.admin.delete(aPerson(bob)))
			var queries []provision.Query
			var want, got []string
			for i := range 10 {
				id := fmt.Sprintf("5b6e7a8c-1d2e-4f30-9a41-%012d", i)
				d.done(d.admin.hire(id, fmt.Sprintf("user%d@example.com", i)))
				for _, o := range []change.Object{aPerson(id), aPerson(nobody), aPerson(bob), aTeam(sales)} {
					queries = append(queries, provision.Query{Object: o})
				}
				want = append(want, id+" 1", " 3", bob+" 2", sales+" 1")
			}
			for _, r := range d.Read(d.t.Context(), queries) {
				id, _ := r.Attributes["id"].(string)
				got = append(got, fmt.Sprint(id, " ", int(r.Presence)))
			}
			d.same("readings", got, want)
		}},
		{"no query has no answer", func(d *directed) {
			if r := d.Read(d.t.Context(), nil); len(r) > 0 {
				d.t.Errorf("%+v", r)
			}
		}},
	}
}

func promisesOfMemberships() []directoryPromise {
	const no, member, stranger, unanswered = provision.NoUser, provision.Member, provision.NotMember, provision.Unanswered
	return []directoryPromise{
		{"each who is asked about is a member, a stranger or no user, in the order asked", func(d *directed) {
			device := d.staffed()
			d.same("Sales", d.standings(sales, false, bob, nobody, ada, europe, device, ada), []provision.Standing{stranger, no, member, no, no, member})
			d.done(d.admin.leave(sales, ada), d.admin.join(sales, bob))
			d.same("Sales later", d.standings(sales, false, ada, bob), []provision.Standing{stranger, member})
		}},
		{"who is in a group within the group is a member only if that is asked", func(d *directed) {
			d.staffed()
			d.same("directly", d.standings(europe, false, ada, bob, cyd), []provision.Standing{stranger, member, stranger})
			d.same("transitively", d.standings(europe, true, ada, bob, cyd), []provision.Standing{member, member, stranger})
			d.done(d.admin.delete(aTeam(sales)))
			d.same("through a deleted group", d.standings(europe, true, ada, bob), []provision.Standing{stranger, member})
		}},
		{"who is deleted is no user, and a member again when it is back", func(d *directed) {
			d.staffed()
			d.done(d.admin.delete(aPerson(ada)))
			d.same("deleted", d.standings(sales, false, ada), []provision.Standing{no})
			d.done(d.admin.restore(aPerson(ada)))
			d.same("restored", d.standings(sales, false, ada), []provision.Standing{member})
		}},
		{"nothing is said of who is in a group that is not there, but who is no user", func(d *directed) {
			d.staffed()
			want := []provision.Standing{unanswered, no, unanswered}
			d.same("never there", d.standings(nobody, false, ada, nobody, bob), want)
			d.done(d.admin.delete(aTeam(sales)))
			d.same("deleted", d.standings(sales, false, ada, nobody, bob), want)
			d.done(d.admin.restore(aTeam(sales)))
			d.same("restored", d.standings(sales, false, ada, nobody, bob), []provision.Standing{member, no, stranger})
		}},
	}
}

func promisesOfMembers() []directoryPromise {
	return []directoryPromise{
		{"the users in a group are listed, and the others counted", func(d *directed) {
			d.staffed()
			users, others, _ := d.members(europe, false)
			d.same("users", users, []string{bob})
			d.same("others", others, 1)
			users, others, _ = d.members(europe, true)
			d.same("users, transitively", users, []string{ada, bob})
			d.same("others, transitively", others, 2)
		}},
		{"who is deleted is neither listed nor counted", func(d *directed) {
			d.staffed()
			d.done(d.admin.delete(aPerson(bob)), d.admin.delete(aTeam(sales)))
			users, others, _ := d.members(europe, true)
			d.same("users", len(users), 0)
			d.same("others", others, 0)
		}},
		{"who is in a group by two ways, or in a ring of groups, is listed once", func(d *directed) {
			d.staffed()
			d.done(d.admin.join(europe, ada), d.admin.join(sales, europe))
			users, _, _ := d.members(europe, true)
			d.same("users", users, []string{ada, bob})
		}},
		{"a large group is listed page by page, each user once", func(d *directed) {
			d.staffed()
			var crowd []string
			for i := range membersOnPage + 1 {
				id := fmt.Sprintf("5b6e7a8c-1d2e-4f30-9a41-%012d", i)
				d.done(d.admin.hire(id, fmt.Sprintf("user%d@example.com", i)))
				crowd = append(crowd, id)
			}
			d.done(d.admin.join(sales, crowd...))
			users, others, pages := d.members(sales, false)
			d.same("users", users, append(crowd, ada))
			d.same("others", others, 1)
			d.same("pages", pages, 2)
		}},
		{"a group that is not there, and a page that is none, is gone", func(d *directed) {
			d.staffed()
			_, err := d.Members(d.t.Context(), nobody, false, "")
			d.gone(err)
			_, err = d.Members(d.t.Context(), sales, false, "no page")
			d.gone(err)
			d.done(d.admin.delete(aTeam(sales)))
			for _, transitive := range []bool{false, true} {
				_, err = d.Members(d.t.Context(), sales, transitive, "")
				d.gone(err)
			}
		}},
	}
}

func promisesOfOuterGroups() []directoryPromise {
	return []directoryPromise{
		{"the groups of a user and of a group are listed, those around them if that is asked", func(d *directed) {
			d.staffed()
			d.same("Ada's", d.groupsOf(aPerson(ada), false), []string{sales})
			d.same("Ada's, transitively", d.groupsOf(aPerson(ada), true), []string{sales, europe})
			d.same("those of Sales", d.groupsOf(aTeam(sales), false), []string{europe})
			d.same("Cyd's", len(d.groupsOf(aPerson(cyd), true)), 0)
		}},
		{"a group is listed once, by whatever ways, and not as its own", func(d *directed) {
			d.staffed()
			d.done(d.admin.join(europe, ada), d.admin.join(sales, europe))
			d.same("Ada's", d.groupsOf(aPerson(ada), true), []string{sales, europe})
			d.same("those of Sales", d.groupsOf(aTeam(sales), true), []string{europe})
		}},
		{"a deleted group is not listed, nor what it is in", func(d *directed) {
			d.staffed()
			d.done(d.admin.delete(aTeam(sales)))
			d.same("Ada's", len(d.groupsOf(aPerson(ada), true)), 0)
		}},
		{"who is not there has no groups, and is gone", func(d *directed) {
			d.staffed()
			d.done(d.admin.delete(aPerson(ada)), d.admin.delete(aTeam(sales)))
			for _, o := range []change.Object{aPerson(nobody), aTeam(nobody), aPerson(ada), aTeam(sales), aPerson(europe)} {
				_, err := d.GroupsOf(d.t.Context(), o, false)
				d.gone(err)
			}
		}},
	}
}

func promisesOfRoles() []directoryPromise {
	const other = "8fb0a9a5-6f0e-4c8f-9d43-4c2a1a8a1f12"
	return []directoryPromise{
		{"whoever is assigned has each of its roles once, and who is not has none", func(d *directed) {
			d.staffed()
			d.done(d.admin.assign(ada, role), d.admin.assign(ada, other), d.admin.assign(sales, role))
			d.same("Ada's", d.roles(aPerson(ada), false), []string{role, other})
			d.same("those of Sales", d.roles(aTeam(sales), false), []string{role})
			d.same("Bob's", len(d.roles(aPerson(bob), false)), 0)
			d.same("those of a deleted user", func() any {
				d.done(d.admin.delete(aPerson(ada)))
				return len(d.roles(aPerson(ada), false))
			}(), 0)
		}},
		{"a user has the roles of its groups, of those around them if that is asked", func(d *directed) {
			d.staffed()
			d.done(d.admin.assign(europe, role))
			d.same("Bob's", d.roles(aPerson(bob), false), []string{role})
			d.same("Ada's", len(d.roles(aPerson(ada), false)), 0)
			d.same("Ada's, transitively", d.roles(aPerson(ada), true), []string{role})
			d.done(d.admin.delete(aTeam(europe)))
			d.same("Bob's by a deleted group", len(d.roles(aPerson(bob), true)), 0)
		}},
		{"a group has only its own roles", func(d *directed) {
			d.staffed()
			d.done(d.admin.assign(europe, role))
			d.same("those of Sales", len(d.roles(aTeam(sales), true)), 0)
		}},
		{"nobody's roles are asked for nothing", func(d *directed) {
			d.staffed()
			d.done(d.admin.assign(ada, role))
			if r := d.read(provision.Query{Object: aPerson(ada)}); r.Roles != nil || r.RolesErr != nil {
				d.t.Errorf("%v, %v", r.Roles, r.RolesErr)
			}
		}},
		{"no role in an application that is not there is not known", func(d *directed) {
			d.staffed()
			for _, o := range []change.Object{aPerson(ada), aTeam(sales)} {
				if r := d.read(provision.Query{Object: o, App: nobody}); r.RolesErr == nil || r.Err != nil || r.Presence != provision.Present {
					d.t.Errorf("%s: %+v", o, r)
				}
			}
		}},
	}
}

func promisesOfFilterGroups() []directoryPromise {
	directly := func(id string) scoping.Group { return scoping.Group{ID: id} }
	somehow := func(id string) scoping.Group { return scoping.Group{ID: id, Transitive: true} }
	ask := func(d *directed, id string, groups ...scoping.Group) map[scoping.Group]bool {
		d.t.Helper()
		r := d.read(provision.Query{Object: aPerson(id), Groups: groups})
		if r.Err != nil || (r.MemberOfErr != nil) != (r.Presence == provision.Present && len(r.MemberOf) < len(groups)) {
			d.t.Errorf("%v, %v, %v", r.Err, r.MemberOf, r.MemberOfErr)
		}
		return r.MemberOf
	}
	type groups = map[scoping.Group]bool
	return []directoryPromise{
		{"a user is in a group, or not, directly or through another", func(d *directed) {
			d.staffed()
			d.same("ada", ask(d, ada, directly(sales), directly(europe), somehow(sales), somehow(europe)),
				groups{directly(sales): true, directly(europe): false, somehow(sales): true, somehow(europe): true})
			d.done(d.admin.leave(sales, ada), d.admin.join(europe, ada))
			d.same("ada later", ask(d, ada, directly(sales), directly(europe), somehow(sales), somehow(europe)),
				groups{directly(sales): false, directly(europe): true, somehow(sales): false, somehow(europe): true})
		}},
		{"of a group that is not there nothing is known, and of the others it is", func(d *directed) {
			d.staffed()
			d.same("never there", ask(d, ada, directly(nobody), somehow(nobody), directly(sales)), groups{directly(sales): true})
			d.done(d.admin.delete(aTeam(sales)))
			d.same("deleted", ask(d, ada, directly(sales), somehow(europe)), groups{somehow(europe): false})
			d.done(d.admin.restore(aTeam(sales)))
			d.same("restored", ask(d, ada, directly(sales), somehow(europe)), groups{directly(sales): true, somehow(europe): true})
		}},
		{"it is asked of nobody who is not there, and of nothing if there is no group", func(d *directed) {
			d.staffed()
			d.done(d.admin.delete(aPerson(ada)))
			d.same("deleted", ask(d, ada, directly(sales)), groups(nil))
			d.same("without a group", ask(d, bob), groups(nil))
		}},
	}
}

func promisesOfManagers() []directoryPromise {
	return []directoryPromise{
		{"who manages a user is read by the id, and is null if nobody does", func(d *directed) {
			d.staffed()
			is := func(id string, want any) {
				d.t.Helper()
				r := d.read(provision.Query{Object: aPerson(id)})
				if manager, shown := r.Attributes["manager"]; manager != want || !shown || r.ManagerErr != nil {
					d.t.Errorf("manager %v, shown %v, %v; want %v", manager, shown, r.ManagerErr, want)
				}
			}
			is(ada, nil)
			d.done(d.admin.manage(ada, bob), d.admin.manage(bob, cyd))
			is(ada, bob)
			is(bob, cyd)
			d.done(d.admin.delete(aPerson(bob)))
			is(ada, nil)
			d.done(d.admin.restore(aPerson(bob)))
			is(ada, bob)
			is(bob, cyd)
			d.done(d.admin.manage(ada, ""))
			is(ada, nil)
		}},
		{"nobody manages a group, or who is not there", func(d *directed) {
			d.staffed()
			d.done(d.admin.manage(ada, bob), d.admin.delete(aPerson(ada)))
			for _, o := range []change.Object{aTeam(sales), aPerson(ada), aPerson(nobody)} {
				r := d.read(provision.Query{Object: o})
				if _, shown := r.Attributes["manager"]; shown || r.ManagerErr != nil || r.Err != nil {
					d.t.Errorf("%s: %+v", o, r)
				}
			}
		}},
	}
}
