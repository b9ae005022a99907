package provision_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

const (
	tenantID = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	ada      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	bob      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
	cyd      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f609"
	sales    = "6c0b1c2d-0000-4000-8000-0000000000a1"
	europe   = "6c0b1c2d-0000-4000-8000-0000000000a2"
)

// world is an engine with a tenant and an organization that behave, a real
// ledger, and a clock that stands until it is moved.
type world struct {
	*provision.Engine
	t      *testing.T
	config provision.Config
	now    time.Time
	tenant *tenant
	org    *org
	ledger *faultyLedger
	queue  *changes
}

func setup(t *testing.T, options ...func(*provision.Config)) *world {
	t.Helper()
	kept, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t:      t,
		now:    time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		tenant: &tenant{id: tenantID, users: map[string]*person{}, groups: map[string]*group{}, roles: map[string][]string{}},
		org:    &org{accounts: map[string]map[string]any{}, groups: map[string]map[string]any{}, members: map[string][]string{}},
		ledger: &faultyLedger{Ledger: kept},
		queue:  &changes{},
	}
	config := provision.Config{
		Directory: w.tenant, Target: w.org, Ledger: w.ledger, Queue: w.queue,
		Mapping: m, TenantID: tenantID,
		Now: func() time.Time { return w.now },
		Log: slog.New(slog.DiscardHandler),
	}
	for _, option := range options {
		option(&config)
	}
	w.config = config
	w.renew()
	return w
}

// renew begins a new engine on what the ledger has.
func (w *world) renew() { w.Engine = provision.New(w.config) }

func (w *world) hire(id, name string) *person {
	p := &person{name: name, given: "Given", surname: "Surname", display: "Given Surname", enabled: true}
	w.tenant.users[id] = p
	return p
}

func updated(id string) change.Change {
	return change.Change{Object: change.Object{Kind: change.User, ID: id}, Source: change.Notification, CorrelationID: "c-" + id}
}

func deleted(id string) change.Change {
	c := updated(id)
	c.Deleted = true
	return c
}

// converge runs one batch over the users and returns its attempts.
func (w *world) converge(changes ...change.Change) []provision.Attempt {
	w.t.Helper()
	for i := range changes {
		changes[i].SeenAt = w.now
	}
	attempts := w.Converge(w.t.Context(), changes)
	w.org.check(w.t)
	return attempts
}

// provisioned converges a user that shall succeed.
func (w *world) provisioned(id string) {
	w.t.Helper()
	if a := w.converge(updated(id))[0]; a.Status != provision.Success {
		w.t.Fatalf("%s: %s: %s", a.Object, a.Status, a.Reason)
	}
}

// calls runs f and returns what it called Webex for.
func (w *world) calls(f func()) string {
	w.t.Helper()
	w.org.calls = nil
	f()
	return strings.Join(w.org.calls, " ")
}

// person is a user in Entra.
type person struct {
	name, given, surname, display string
	enabled                       bool
	binned, gone                  bool
	// fault fails the reading of this person, shown says that it shows no more
	// than that there is one, hidden answers as a replica that has not heard of it.
	fault         error
	shown, hidden bool
	lacks         string // an attribute Entra leaves out
	more          map[string]any
}

// tenant is Entra: provision.Directory over people.
type tenant struct {
	id     string
	users  map[string]*person
	groups map[string]*group
	reads  int
	asked  []provision.Query
	// blank makes every page of members an empty last one; turned, if set, is
	// called before a page is, and may be what that comes to.
	blank  bool
	turned func(page string) (provision.MemberPage, error)
	// managers are by whom they manage; nil where managers are not read. managerErr is
	// what reading one comes to.
	managers   map[string]string
	managerErr error
	// roles are those in which an object itself is assigned to the application.
	roles    map[string][]string
	rolesErr error
	// namesErr is why it is not known what roles are called.
	namesErr error
}

// membersOnPage is how many members a page has, at most.
const membersOnPage = 100

func (t *tenant) Organization(context.Context) (string, error) { return t.id, nil }

func (t *tenant) Read(_ context.Context, queries []provision.Query) []provision.Reading {
	t.reads++
	t.asked = append(t.asked, queries...)
	readings := make([]provision.Reading, len(queries))
	for i, q := range queries {
		if q.Object.Kind == change.Group {
			readings[i] = t.readGroup(q)
		} else {
			readings[i] = t.reading(q.Object.ID)
		}
		if q.App != "" && readings[i].Presence == provision.Present {
			readings[i].Roles, readings[i].RolesErr = t.rolesOf(q)
		}
		if readings[i].Presence == provision.Present {
			readings[i].MemberOf, readings[i].MemberOfErr = t.memberOf(q)
		}
		if q.RoleNames {
			readings[i].RoleNames, readings[i].RoleNamesErr = t.roleNames(readings[i])
		}
	}
	return readings
}

// memberOf says of the groups that are asked about whether the user is in them.
func (t *tenant) memberOf(q provision.Query) (map[scoping.Group]bool, error) {
	if len(q.Groups) == 0 {
		return nil, nil
	}
	of, err := map[scoping.Group]bool{}, error(nil)
	for _, g := range q.Groups {
		if t.liveGroup(g.ID) == nil {
			err = provision.NoFilterGroup(g.ID)
			continue
		}
		of[g] = slices.Contains(t.groupsOf(q.Object.ID, g.Transitive), g.ID)
	}
	return of, err
}

// roleNames are those of a reading: roles are called what their ids are.
func (t *tenant) roleNames(r provision.Reading) ([]string, error) {
	if err := cmp.Or(r.RolesErr, t.namesErr); err != nil {
		return nil, err
	}
	return append([]string{}, r.Roles...), nil
}

func (t *tenant) readGroup(q provision.Query) provision.Reading {
	reading := provision.Reading{Presence: provision.Absent}
	if g := t.groups[q.Object.ID]; g != nil && !g.gone {
		reading = g.reading(q.Object.ID)
	}
	for _, id := range q.Members {
		reading.Memberships = append(reading.Memberships, t.membership(q, id))
	}
	return reading
}

func (g *group) reading(id string) provision.Reading {
	if g.binned {
		return inBin(id)
	}
	reading := provision.Reading{Presence: provision.Present, Attributes: map[string]any{
		"id": id, "displayName": g.name, "securityEnabled": !g.insecure,
	}}
	if g.name == "" {
		reading.Attributes["displayName"] = nil
	}
	delete(reading.Attributes, g.lacks)
	return reading
}

// inBin is what is read of an object in the recycle bin, whatever it was.
func inBin(id string) provision.Reading {
	return provision.Reading{Presence: provision.SoftDeleted, Attributes: map[string]any{"id": id, "deletedDateTime": "2026-03-02T08:00:00Z"}}
}

// membership is how somebody stands to the query's group. A group that is not
// live is on nobody's list: that says nothing of its members.
func (t *tenant) membership(q provision.Query, id string) provision.Membership {
	p, g := t.users[id], t.liveGroup(q.Object.ID)
	switch {
	case g != nil && g.fault[id] != nil:
		return provision.Membership{Err: g.fault[id]}
	case p == nil || p.gone || p.binned || p.hidden:
		return provision.Membership{Standing: provision.NoUser}
	case g == nil:
		return provision.Membership{Err: &provision.Fault{Kind: provision.Transient, Reason: "the group itself is not there"}}
	case slices.Contains(t.groupsOf(id, q.Transitive), q.Object.ID):
		return provision.Membership{Standing: provision.Member}
	}
	return provision.Membership{Standing: provision.NotMember}
}

// rolesOf are the roles of the query's object, a user's also by its groups.
func (t *tenant) rolesOf(q provision.Query) ([]string, error) {
	if t.rolesErr != nil {
		return nil, t.rolesErr
	}
	if q.App != application {
		return nil, &provision.Fault{Kind: provision.Transient, Reason: "there is no such application"}
	}
	assigned := []string{q.Object.ID}
	if q.Object.Kind == change.User {
		assigned = append(assigned, t.groupsOf(q.Object.ID, q.Transitive)...)
	}
	var roles []string
	for _, id := range assigned {
		for _, r := range t.roles[id] {
			if !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	return roles, nil
}

// live reports whether there is a user, or a group, or something else of that
// id that is not deleted: what the tenant does not know is something else.
func (t *tenant) live(id string) bool {
	if g := t.groups[id]; g != nil {
		return !g.gone && !g.binned
	}
	p := t.users[id]
	return p == nil || !p.gone && !p.binned
}

// liveGroup returns a group that is not deleted; nil if there is none of that id.
func (t *tenant) liveGroup(id string) *group {
	if !t.live(id) {
		return nil
	}
	return t.groups[id]
}

// membersOf are the live members of a live group.
func (t *tenant) membersOf(id string) []string {
	g := t.liveGroup(id)
	if g == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(g.members), func(id string) bool { return !t.live(id) })
}

// groupsOf are the live groups that somebody is in.
func (t *tenant) groupsOf(id string, transitive bool) []string {
	return reach(id, transitive, func(id string) []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(t.groups)), func(g string) bool {
			return !slices.Contains(t.membersOf(g), id)
		})
	})
}

// reach is what next leads to, each once: in one step, or in as many as it takes.
func reach(from string, transitive bool, next func(id string) []string) []string {
	var reached []string
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, id := range next(queue[0]) {
			if id == from || slices.Contains(reached, id) {
				continue
			}
			reached = append(reached, id)
			if transitive {
				queue = append(queue, id)
			}
		}
	}
	return reached
}

func (t *tenant) Members(_ context.Context, groupID string, transitive bool, page string) (provision.MemberPage, error) {
	t.reads++
	if t.blank {
		return provision.MemberPage{}, nil
	}
	if t.turned != nil {
		if p, err := t.turned(page); err != nil || p.Next != "" {
			return p, err
		}
	}
	if t.liveGroup(groupID) == nil {
		return provision.MemberPage{}, provision.Answered(provision.Gone, "404", nil)
	}
	ids := reach(groupID, transitive, t.membersOf)
	start := 0
	if page != "" {
		var err error
		if start, err = strconv.Atoi(page); err != nil || start > len(ids) {
			return provision.MemberPage{}, provision.Answered(provision.Gone, "400", nil)
		}
	}
	end := min(start+membersOnPage, len(ids))
	var p provision.MemberPage
	for _, id := range ids[start:end] {
		if t.users[id] != nil {
			p.Users = append(p.Users, id)
		} else {
			p.Others++
		}
	}
	if end < len(ids) {
		p.Next = strconv.Itoa(end)
	}
	return p, nil
}

func (t *tenant) GroupsOf(_ context.Context, o change.Object, transitive bool) ([]string, error) {
	t.reads++
	known := t.users[o.ID] != nil
	if o.Kind == change.Group {
		known = t.groups[o.ID] != nil
	}
	if !known || !t.live(o.ID) {
		return nil, provision.Answered(provision.Gone, "404", nil)
	}
	return t.groupsOf(o.ID, transitive), nil
}

// group is a group in Entra.
type group struct {
	name         string
	members      []string // ids of users, groups and others
	insecure     bool
	binned, gone bool
	fault        map[string]error // of asking about a member
	lacks        string           // an attribute Entra leaves out
}

// team makes a group.
func (w *world) team(id, name string, members ...string) *group {
	g := &group{name: name, members: members, fault: map[string]error{}}
	w.tenant.groups[id] = g
	return g
}

// changed is the Change that a notification about a group's members makes.
func changed(id string, members ...string) change.Change {
	return change.Change{
		Object: change.Object{Kind: change.Group, ID: id}, Members: members,
		Source: change.Notification, CorrelationID: "c-" + id,
	}
}

// drain converges what is queued until nothing is, and what failed for now once
// nothing else is.
func (w *world) drain() {
	w.t.Helper()
	var failed []change.Change
	for range 30 {
		queued := w.queue.queued
		w.queue.queued = nil
		if len(queued) == 0 && len(failed) > 0 {
			queued, failed = failed, nil
			w.now = w.now.Add(10 * time.Minute)
		}
		if len(queued) == 0 {
			return
		}
		for _, c := range queued {
			if a := w.converge(c)[0]; a.Fault != nil && a.Again > 0 {
				failed = append(failed, c)
			}
		}
	}
	w.t.Fatal("the engine queues without end")
}

// settled converges one object again as often as it asks for, for so long, and
// returns the last attempt.
func (w *world) settled(c change.Change, within time.Duration) provision.Attempt {
	w.t.Helper()
	until := w.now.Add(within)
	a := w.converge(c)[0]
	for a.Again > 0 && !w.now.Add(a.Again).After(until) {
		w.now = w.now.Add(a.Again)
		a = w.converge(c)[0]
	}
	return a
}

func (t *tenant) reading(id string) provision.Reading {
	p := t.users[id]
	if p == nil || p.gone || p.hidden {
		return provision.Reading{Presence: provision.Absent}
	}
	switch {
	case p.fault != nil && p.shown:
		return provision.Reading{Presence: provision.Present, Err: p.fault}
	case p.fault != nil:
		return provision.Reading{Err: p.fault}
	case p.binned:
		return inBin(id)
	}
	attributes := map[string]any{
		"id": id, "userPrincipalName": p.name, "givenName": p.given, "surname": p.surname,
		"displayName": p.display, "accountEnabled": p.enabled,
	}
	maps.Copy(attributes, p.more)
	reading := provision.Reading{Presence: provision.Present, Attributes: attributes}
	if t.managers != nil {
		reading.ManagerErr = t.managerErr
		if attributes["manager"] = t.managerOf(id); t.managerErr != nil {
			delete(attributes, "manager")
		}
	}
	delete(attributes, p.lacks)
	return reading
}

// managerOf is the id of the live manager of a user; nil if there is none.
func (t *tenant) managerOf(id string) any {
	if m := t.managers[id]; m != "" && t.users[m] != nil && t.live(m) {
		return m
	}
	return nil
}

// org is Webex: provision.Target over SCIM resources, with unique names.
type org struct {
	accounts map[string]map[string]any
	groups   map[string]map[string]any
	members  map[string][]string // Webex ids by that of the group
	reserved map[string]string
	refuse   map[string]error // what changing an account's place in any group comes to
	created  int
	calls    []string
	// foreign are names taken in another organization.
	foreign []string
	// answer may replace what is answered to an operation. It is called
	// before the effect and after it; an answer before it prevents it.
	answer func(op provision.Operation, done bool) error
	// show may change the account that is shown in answer to an operation.
	show func(op provision.Operation, account map[string]any)
	// unread are ids that Webex answers 404 to, though they are there.
	unread map[string]bool
	// lag hides accounts and groups from the search.
	lag bool
	// down is what changes and lists of members come to, slow what they take.
	down error
	slow func()
}

// check fails the test if two accounts share a name or a person.
func (o *org) check(t *testing.T) {
	t.Helper()
	names, people := map[any]bool{}, map[any]bool{}
	for _, a := range o.accounts {
		name, person := strings.ToLower(fmt.Sprint(a["userName"])), a["externalId"]
		if names[name] || (person != nil && people[person]) {
			t.Errorf("two accounts of %v, named %v", person, name)
		}
		names[name], people[person] = true, true
	}
}

// add puts an account into the organization by hand.
func (o *org) add(name string, externalID any) string {
	o.created++
	id := fmt.Sprintf("webex-%d", o.created)
	o.accounts[id] = map[string]any{
		"id": id, "userName": name, "active": true, "emails": []any{map[string]any{"type": "work", "value": name}},
	}
	if externalID != nil {
		o.accounts[id]["externalId"] = externalID
	}
	return id
}

// of returns the account of a person, nil if there is none.
func (o *org) of(person string) map[string]any {
	for _, a := range o.accounts {
		if a["externalId"] == person {
			return a
		}
	}
	return nil
}

func (o *org) holder(name string) (string, bool) {
	for id, a := range o.accounts {
		if strings.EqualFold(fmt.Sprint(a["userName"]), name) {
			return id, true
		}
	}
	return "", slices.Contains(o.foreign, name)
}

// kind are the resources of a kind.
func (o *org) kind(k change.Kind) map[string]map[string]any {
	if k == change.Group {
		return o.groups
	}
	return o.accounts
}

func (o *org) Read(_ context.Context, kind change.Kind, id string) (provision.Resource, error) {
	o.calls = append(o.calls, "GET")
	a, ok := o.kind(kind)[id]
	if !ok || o.unread[id] {
		return provision.Resource{}, provision.Answered(provision.Gone, "404", nil)
	}
	return provision.Resource{ID: id, Attributes: maps.Clone(a)}, nil
}

func (o *org) Named(_ context.Context, kind change.Kind, name string) ([]provision.Resource, error) {
	o.calls = append(o.calls, "SEARCH")
	if o.lag {
		return nil, nil
	}
	if kind == change.Group {
		var found []provision.Resource
		for _, id := range slices.Sorted(maps.Keys(o.groups)) {
			if strings.EqualFold(fmt.Sprint(o.groups[id]["displayName"]), name) {
				found = append(found, provision.Resource{ID: id, Attributes: maps.Clone(o.groups[id]), Reserved: o.reserved[id]})
			}
		}
		return found, nil
	}
	id, _ := o.holder(name)
	if id == "" {
		return nil, nil
	}
	return []provision.Resource{{ID: id, Attributes: maps.Clone(o.accounts[id])}}, nil
}

func (o *org) Addressed(_ context.Context, address string) ([]provision.Resource, error) {
	o.calls = append(o.calls, "SEARCH")
	var found []provision.Resource
	for _, id := range slices.Sorted(maps.Keys(o.accounts)) {
		emails, _ := o.accounts[id]["emails"].([]any)
		for _, e := range emails {
			if email, _ := e.(map[string]any); strings.EqualFold(fmt.Sprint(email["value"]), address) {
				found = append(found, provision.Resource{ID: id, Attributes: maps.Clone(o.accounts[id])})
				break
			}
		}
	}
	return found, nil
}

func (o *org) Matching(_ context.Context, c mapping.Criterion) ([]provision.Resource, error) {
	o.calls = append(o.calls, "SEARCH")
	var found []provision.Resource
	for _, id := range slices.Sorted(maps.Keys(o.accounts)) {
		if met, _ := c.Met(o.accounts[id]); met && !o.lag {
			found = append(found, provision.Resource{ID: id, Attributes: maps.Clone(o.accounts[id]), Reserved: o.reserved[id]})
		}
	}
	return found, nil
}

func (o *org) ChangeMembers(_ context.Context, c provision.MemberChange) (map[string]error, error) {
	o.calls = append(o.calls, fmt.Sprintf("MEMBERS+%d-%d", len(c.Add), len(c.Remove)))
	if o.down != nil {
		return nil, o.down
	}
	if o.slow != nil {
		o.slow()
	}
	if _, ok := o.groups[c.ID]; !ok {
		return nil, provision.Answered(provision.Gone, "404", nil)
	}
	refused := map[string]error{}
	for _, id := range c.Remove {
		if o.refuse[id] != nil {
			refused[id] = o.refuse[id]
			continue
		}
		o.members[c.ID] = slices.DeleteFunc(o.members[c.ID], func(m string) bool { return m == id })
	}
	for _, id := range c.Add {
		switch {
		case o.refuse[id] != nil:
			refused[id] = o.refuse[id]
		case o.accounts[id] == nil:
			refused[id] = provision.Answered(provision.Gone, "404", nil)
		case !slices.Contains(o.members[c.ID], id):
			o.members[c.ID] = append(o.members[c.ID], id)
		}
	}
	return refused, nil
}

func (o *org) Members(_ context.Context, groupID string, each func([]string) error) error {
	o.calls = append(o.calls, "LIST")
	if o.down != nil {
		return o.down
	}
	if _, ok := o.groups[groupID]; !ok {
		return provision.Answered(provision.Gone, "404", nil)
	}
	return each(slices.Clone(o.members[groupID]))
}

// addGroup puts a group into the organization by hand.
func (o *org) addGroup(name string, externalID any, members ...string) string {
	o.created++
	id := fmt.Sprintf("webex-%d", o.created)
	o.groups[id] = map[string]any{"id": id, "displayName": name}
	if externalID != nil {
		o.groups[id]["externalId"] = externalID
	}
	o.members[id] = members
	return id
}

// group returns the Webex id of Entra's group; empty if there is none.
func (o *org) group(id string) string {
	for webexID, g := range o.groups {
		if g["externalId"] == id {
			return webexID
		}
	}
	return ""
}

// in are the object ids of the people in Entra's group, as Webex has it.
func (o *org) in(id string) []string {
	people := []string{}
	for _, m := range o.members[o.group(id)] {
		people = append(people, fmt.Sprint(o.accounts[m]["externalId"]))
	}
	slices.Sort(people)
	return people
}

func (o *org) Apply(_ context.Context, ops []provision.Operation) []provision.Answer {
	answers := make([]provision.Answer, len(ops))
	for i, op := range ops {
		answers[i] = o.apply(op)
	}
	return answers
}

func (o *org) apply(op provision.Operation) provision.Answer {
	if o.answer != nil {
		if err := o.answer(op, false); err != nil {
			return provision.Answer{Err: err}
		}
	}
	if o.unread[op.ID] {
		return provision.Answer{ID: op.ID, Err: provision.Answered(provision.Gone, "404", nil)}
	}
	id, err := o.effect(op)
	if err == nil && o.answer != nil {
		err = o.answer(op, true)
	}
	a := provision.Answer{ID: id, Err: err}
	if account := o.kind(op.Object.Kind)[id]; o.show != nil && account != nil && err == nil {
		o.show(op, account)
		a.Shown = maps.Clone(account)
	}
	return a
}

func (o *org) effect(op provision.Operation) (string, error) {
	switch {
	case op.Resource != nil:
		o.calls = append(o.calls, "POST")
		return o.create(op.Object.Kind, op.Resource)
	case op.Patch != nil:
		o.calls = append(o.calls, "PATCH")
		return op.ID, o.patch(op.Object.Kind, op.ID, op.Patch)
	case !op.Delete:
		return "", &provision.Fault{Kind: provision.Permanent, Reason: "nothing to write"}
	default:
		o.calls = append(o.calls, "DELETE")
		if _, ok := o.kind(op.Object.Kind)[op.ID]; !ok {
			return "", provision.Answered(provision.Gone, "404", nil)
		}
		delete(o.kind(op.Object.Kind), op.ID)
		for g := range o.members {
			o.members[g] = slices.DeleteFunc(o.members[g], func(m string) bool { return m == op.ID })
		}
		return op.ID, nil
	}
}

func (o *org) create(kind change.Kind, resource map[string]any) (string, error) {
	if _, taken := o.holder(fmt.Sprint(resource["userName"])); taken && kind == change.User {
		return "", provision.Answered(provision.Exists, "409", nil)
	}
	o.created++
	id := fmt.Sprintf("webex-%d", o.created)
	o.kind(kind)[id] = maps.Clone(resource)
	o.kind(kind)[id]["id"] = id
	members, _ := resource["members"].([]any)
	for _, m := range members {
		o.members[id] = append(o.members[id], fmt.Sprint(m.(map[string]any)["value"]))
	}
	delete(o.kind(kind)[id], "members")
	return id, nil
}

func (o *org) patch(kind change.Kind, id string, ops []mapping.PatchOperation) error {
	a, ok := o.kind(kind)[id]
	if !ok {
		return provision.Answered(provision.Gone, "404", nil)
	}
	a = maps.Clone(a)
	for _, op := range ops {
		switch op.Path {
		case "userName":
			if holder, taken := o.holder(op.Value.(string)); taken && holder != id {
				return provision.Answered(provision.Exists, "409", nil)
			}
			a["userName"] = op.Value
		case "name.givenName", "name.familyName":
			name, _ := a["name"].(map[string]any)
			name = maps.Clone(name)
			if name == nil {
				name = map[string]any{}
			}
			name[strings.TrimPrefix(op.Path, "name.")] = op.Value
			a["name"] = name
		case `emails[type eq "work"].value`, `emails[type eq "work"].primary`:
			emails, _ := a["emails"].([]any)
			if len(emails) == 0 {
				return provision.Answered(provision.NoTarget, "400 noTarget", nil)
			}
			email := maps.Clone(emails[0].(map[string]any))
			email[op.Path[strings.LastIndexByte(op.Path, '.')+1:]] = op.Value
			a["emails"] = []any{email}
		case manages:
			extension, _ := a[enterprise].(map[string]any)
			extension = maps.Clone(extension)
			if extension == nil {
				extension = map[string]any{}
			}
			extension["manager"] = op.Value
			if op.Op == "remove" {
				delete(extension, "manager")
			}
			a[enterprise] = extension
		case number:
			a[enterprise] = map[string]any{"employeeNumber": op.Value}
		default:
			a[op.Path] = op.Value
			if op.Op == "remove" {
				delete(a, op.Path)
			}
		}
	}
	o.kind(kind)[id] = a
	return nil
}

// changes is a queue that keeps what it is given.
type changes struct{ queued []change.Change }

func (c *changes) Enqueue(_ context.Context, list []change.Change) error {
	c.queued = append(c.queued, list...)
	return nil
}

// faultyLedger is a real ledger that can be cut off, as by a crash.
type faultyLedger struct {
	provision.Ledger
	cut bool
}

var errCut = errors.New("the process is gone")

func (l *faultyLedger) Save(ctx context.Context, owner string, before, after provision.Record) error {
	if l.cut {
		return errCut
	}
	return l.Ledger.Save(ctx, owner, before, after)
}

func (l *faultyLedger) Forget(ctx context.Context, owner string, r provision.Record) error {
	if l.cut {
		return errCut
	}
	return l.Ledger.Forget(ctx, owner, r)
}

// stealing is a tenant whose first reading takes so long that another worker
// takes the object over.
type stealing struct {
	*tenant
	steal func()
}

func (s *stealing) Read(ctx context.Context, queries []provision.Query) []provision.Reading {
	if s.steal != nil {
		s.steal()
		s.steal = nil
	}
	return s.tenant.Read(ctx, queries)
}
