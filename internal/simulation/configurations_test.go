package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
)

// The enterprise extension, and three targets of it.
const (
	enterprise     = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	department     = enterprise + ":department"
	employeeNumber = enterprise + ":employeeNumber"
	managerTarget  = enterprise + ":manager"
)

// Mappings and filters are drawn and changed in the middle of a life: Webex ends as
// the last one says.
func TestSimulationOfConfigurationsEndsWithTheLastOne(t *testing.T) {
	t.Parallel()
	var adopted, created, managed, cast atomic.Int64
	t.Cleanup(func() {
		if *seeds >= thorough && !t.Failed() && (adopted.Load() == 0 || created.Load() == 0 || managed.Load() == 0 || cast.Load() == 0) {
			t.Errorf("%d adopted by a number, %d created beside it, %d managed, %d with app roles: the lives show nothing",
				adopted.Load(), created.Load(), managed.Load(), cast.Load())
		}
	})
	for n := range 4 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			for seed := *first + uint64(n); seed < *first+share(16) && !t.Failed(); seed += 4 {
				s := liveReconfigured(t, seed)
				managed.Add(s.managed)
				cast.Add(s.cast)
				for _, h := range s.hires {
					switch {
					case h.adopted:
						adopted.Add(1)
					case h.placed:
						created.Add(1)
					}
				}
			}
		})
	}
}

// reconfigured is a tenant under one configuration after another.
type reconfigured struct {
	*sweeper

	// bosses draws what concerns managers.
	bosses *rand.Rand
	// managed is how many managers were compared, cast how many app roles.
	managed, cast int64
	ids           []string
	// outer is a group that filters ask about, inner one within it.
	outer, inner string
	// assigned are those in scope, if that is by assignments; hires who came later.
	assigned []string
	hires    []*hire
	// text is the configuration in force, shed what the one before mapped and a
	// rollback took away.
	text string
	shed []string
	// halfway is the configuration by which everybody was evaluated, if another one came
	// into force since and was replaced before everybody was.
	halfway *sweep.Former
	// forgotten is what was mapped once and is no more: whether Webex has it nobody
	// knows, so that it is not cleared.
	forgotten map[string]bool
}

// hire is somebody for whom there is an account already: under another name, and with
// the number.
type hire struct {
	id, seat string
	// placed says that there was an account at an earlier look, adopted that it was the
	// seat.
	placed, adopted bool
}

func liveReconfigured(t *testing.T, seed uint64) *reconfigured {
	t.Helper()
	s := &reconfigured{sweeper: newSweeper(t, seed), bosses: rand.New(rand.NewPCG(seed, 1)), text: string(infra.Provisioning()), forgotten: map[string]bool{}}
	defer s.close()
	const people, rounds, most = 30, 6, 20
	s.ids = try(headcount{Users: people}.settle(s.tenant))(t)
	s.tenant.SetAppRoles(graph.AppRole{ID: agentRole, DisplayName: "Agent"}, graph.AppRole{ID: leadRole, DisplayName: "Lead"})
	s.group()
	if seed%2 == 1 {
		s.assigned = slices.Clone(s.ids[:people/2])
		for _, id := range s.assigned {
			if err := s.tenant.Assign(id, graph.DefaultAccess); err != nil {
				t.Fatal(err)
			}
		}
		s.scoped()
	}
	s.run()
	s.drain()
	for range rounds {
		s.edits(s.random.IntN(most))
		s.manage()
		s.castRoles()
		s.replaceHalfway()
		s.reconfigure()
		s.edits(s.random.IntN(most))
		s.manage()
		s.castRoles()
		s.hire()
		s.evaluate()
		s.halfway = nil
		s.settleUnder()
		s.check()
		s.checkHires()
	}
	for _, a := range s.dead {
		s.failf("dead letter: %s: %s", a.Object, a.Reason)
	}
	return s
}

// group makes the groups, of which each has some of the people.
func (s *reconfigured) group() {
	s.t.Helper()
	s.outer = try(s.tenant.CreateGroup(graph.Group{"displayName": "Outer"}))(s.t)
	s.inner = try(s.tenant.CreateGroup(graph.Group{"displayName": "Inner"}))(s.t)
	s.join(s.outer, append(slices.Clone(s.ids[:len(s.ids)/2]), s.inner)...)
	s.join(s.inner, s.ids[len(s.ids)/3:]...)
}

func (s *reconfigured) join(group string, ids ...string) {
	s.t.Helper()
	if err := s.tenant.AddMembers(group, ids...); err != nil {
		s.t.Fatal(err)
	}
}

// regroup has somebody, or the group within, join a group or leave it.
func (s *reconfigured) regroup(id string) {
	s.t.Helper()
	group := s.inner
	if s.random.IntN(2) == 0 {
		group = s.outer
		if s.random.IntN(4) == 0 {
			id = s.inner
		}
	}
	change := s.tenant.AddMembers
	if slices.Contains(s.tenant.Members(group), id) {
		change = s.tenant.RemoveMembers
	}
	if err := change(group, id); err != nil {
		s.t.Fatal(err)
	}
	if s.random.IntN(4) > 0 { // else the next comparison tells of it
		s.notifyOf(group, id)
	}
}

// isIn says of the groups of the filter in force whether somebody is in them.
func (s *reconfigured) isIn(id string) map[scoping.Group]bool {
	in := map[scoping.Group]bool{}
	for _, g := range s.rules.Users.Filter().Groups() {
		members := s.tenant.Members(g.ID)
		in[g] = slices.Contains(members, id) ||
			g.Transitive && slices.Contains(members, s.inner) && slices.Contains(s.tenant.Members(s.inner), id)
	}
	return in
}

// hire brings somebody for whom Webex has an account. A notification tells of it, or
// the next comparison of everything.
func (s *reconfigured) hire() {
	s.t.Helper()
	n := len(s.hires)
	number := fmt.Sprintf(`"%d" \ & 'é'`, n)
	h := &hire{
		seat: try(s.org.Add(map[string]any{"userName": fmt.Sprintf("seat%d@%s", n, domain), enterprise: map[string]any{"employeeNumber": number}}))(s.t),
		id: try(s.tenant.Create(graph.User{
			"userPrincipalName": fmt.Sprintf("o'hire%d@%s", n, domain), "displayName": fmt.Sprint("Hire ", n), "employeeId": number, "department": "Support",
		}))(s.t),
	}
	s.hires = append(s.hires, h)
	if s.sweep.Scoping.AssignmentsMatter() {
		s.assigned = append(s.assigned, h.id)
		if err := s.tenant.Assign(h.id, graph.DefaultAccess); err != nil {
			s.t.Fatal(err)
		}
	}
	if s.random.IntN(2) == 0 {
		s.join(s.inner, h.id)
	}
	if s.random.IntN(2) == 0 {
		s.notify(h.id)
	}
}

// notifyOf queues the Change that a notification makes of a membership.
func (s *reconfigured) notifyOf(group, member string) {
	s.t.Helper()
	c := change.Change{Object: change.Object{Kind: change.Group, ID: group}, Members: []string{member}, Source: change.Notification, SeenAt: s.now}
	if err := s.Enqueue(s.t.Context(), []change.Change{c}); err != nil {
		s.t.Fatal(err)
	}
}

// notify queues the Change that a notification makes.
func (s *reconfigured) notify(id string) {
	s.t.Helper()
	c := change.Change{Object: change.Object{Kind: change.User, ID: id}, Source: change.Notification, SeenAt: s.now}
	if err := s.Enqueue(s.t.Context(), []change.Change{c}); err != nil {
		s.t.Fatal(err)
	}
}

// edits changes people in Entra, of which notifications tell.
func (s *reconfigured) edits(n int) {
	s.t.Helper()
	pick := func(of ...any) any { return of[s.random.IntN(len(of))] }
	for range n {
		id := s.ids[s.random.IntN(len(s.ids))]
		if s.random.IntN(4) == 0 {
			s.regroup(id)
			continue
		}
		edit := func(u graph.User) {
			switch s.random.IntN(5) {
			case 0:
				u["department"] = pick("Sales", "Support", "R&D", nil)
			case 1:
				u["jobTitle"] = pick("Engineer", "engineer", nil)
			case 2:
				u["displayName"] = fmt.Sprint("Person ", s.random.IntN(100))
			case 3:
				u["employeeId"] = pick("of "+id, nil)
			default:
				u["accountEnabled"] = pick(true, true, false)
			}
		}
		if err := s.tenant.Update(id, edit); err != nil {
			s.t.Fatal(err)
		}
		s.notify(id)
		s.now = s.now.Add(time.Duration(s.random.IntN(300)) * time.Second)
	}
}

// manage gives some of the people another manager, or none, of which a notification
// tells or the next comparison.
func (s *reconfigured) manage() {
	s.t.Helper()
	for range s.bosses.IntN(5) {
		id, boss := s.ids[s.bosses.IntN(len(s.ids))], s.ids[s.bosses.IntN(len(s.ids))]
		switch {
		case s.bosses.IntN(4) == 0:
			boss = ""
		case len(s.hires) > 0 && s.bosses.IntN(4) == 0:
			boss = s.hires[s.bosses.IntN(len(s.hires))].id
		}
		if boss == id {
			continue
		}
		if err := s.tenant.SetManager(id, boss); err != nil {
			s.t.Fatal(err)
		}
		if s.bosses.IntN(4) > 0 {
			s.notify(id)
		}
	}
}

// The app roles of the application beside the default access.
const agentRole, leadRole = "a0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000002"

// castRoles gives some of those in scope an app role, or takes it from them: nobody
// notifies of that, and the next comparison tells.
func (s *reconfigured) castRoles() {
	s.t.Helper()
	among := s.ids
	if s.sweep.Scoping.AssignmentsMatter() {
		among = s.assigned
	}
	for range s.bosses.IntN(5) {
		id, role := among[s.bosses.IntN(len(among))], []string{agentRole, leadRole}[s.bosses.IntN(2)]
		if s.tenant.Assign(id, role) == nil {
			continue
		}
		if err := s.tenant.Unassign(id, role); err != nil { // who had it
			s.t.Fatal(err)
		}
	}
}

func drawnTargets() []string { return []string{"title", "nickName", department} }

// drawn is a configuration at random.
func (s *reconfigured) drawn() string {
	pick := func(of ...string) string { return of[s.random.IntN(len(of))] }
	const byName = "    - { target: userName, source: userPrincipalName, matching: "
	lines := pick("", "", byNumber(""), byNumber(", matching: 2"), byNumber(", matching: 1")) + byName
	if strings.Contains(lines, "matching: 1 }") {
		lines += "2 }"
	} else {
		lines += "1 }"
	}
	for _, target := range drawnTargets() {
		source := pick("", "source: jobTitle", "source: department", "source: displayName", `expression: 'ToUpper([department])'`,
			`expression: 'Join(", ", [jobTitle], [department])'`, `expression: 'Join(" and ", [appRoleAssignments])'`, `expression: 'IIF(IsNullOrEmpty([jobTitle]), "nobody", [jobTitle])'`)
		if source == "" {
			continue
		}
		lines = fmt.Sprintf("    - { target: %q, %s, whenNull: %s }\n", target, source, pick("keep", "clear")) + lines
	}
	if s.bosses.IntN(2) == 0 {
		lines = fmt.Sprintf("    - { target: %q, source: manager, whenNull: clear }\n", managerTarget) + lines
	}
	text := strings.Replace(string(infra.Provisioning()), byName+"1 }", lines, 1)
	scope := pick("", "", "["+ofSales+"]", `[{ attribute: department, operator: REGEX MATCH, value: "^S" }]`, "[{ attribute: department, operator: IS NOT NULL }]",
		"["+in("memberOf", s.outer)+"]", "["+in("transitiveMemberOf", s.outer)+"]",
		"["+in("transitiveMemberOf", s.outer)+", "+ofSales+"]", "["+ofSales+"], ["+in("memberOf", s.inner)+"]")
	if scope == "" {
		return text
	}
	return strings.Replace(text, "users:\n", "users:\n  scope: ["+scope+"]\n", 1)
}

// ofSales is a clause that leaves Sales out, in one about a membership.
const ofSales = "{ attribute: department, operator: NOT EQUALS, value: Sales }"

func in(relation, group string) string {
	return "{ attribute: " + relation + ", operator: IsMemberOf, value: " + group + " }"
}

// byNumber is the line that maps the number, and may match by it.
func byNumber(matching string) string {
	return fmt.Sprintf("    - { target: %q, source: employeeId, whenNull: keep%s }\n", employeeNumber, matching)
}

// brief are the lines of the configuration in force that were drawn.
func (s *reconfigured) brief() string {
	var drawn []string
	for line := range strings.SplitSeq(s.text, "\n") {
		if line = strings.TrimSpace(line); strings.Contains(line, "whenNull: ") && line[0] != '#' || strings.HasPrefix(line, "scope: ") {
			drawn = append(drawn, line)
		}
	}
	return strings.Join(drawn, " ")
}

// replaceHalfway brings a configuration into force now and then, under which some are
// evaluated before the next one replaces it.
func (s *reconfigured) replaceHalfway() {
	s.t.Helper()
	if s.bosses.IntN(3) > 0 {
		return
	}
	s.apply(s.drawn())
	s.halfway = s.sweep.Former
	batches := s.bosses.IntN(3)
	s.sweep.Depth = func(context.Context) (int, error) { return 1, nil } // so that a batch is not all
	s.sweep.Rests = func(context.Context) (string, error) {
		if batches--; batches < 0 {
			return "another one is in force", nil
		}
		return "", nil
	}
	if _, err := s.sweep.Run(s.t.Context()); err != nil && !errors.Is(err, sweep.ErrUnfinished) {
		s.t.Fatal(err)
	}
	if s.bosses.IntN(2) == 0 { // else the worker of the next one does what was queued
		s.drain()
	}
	s.checkHires()
}

// apply brings a text into force.
func (s *reconfigured) apply(text string) {
	s.t.Helper()
	for _, path := range append(drawnTargets(), managerTarget) {
		s.forgotten[path] = s.forgotten[path] || isMapped(s.text, path) && !isMapped(text, path)
	}
	s.text = text
	s.bring()
	s.tellf("— applied: %s", s.brief())
}

// bring has the text go into force, after those by which anybody may have been evaluated.
func (s *reconfigured) bring() {
	s.t.Helper()
	s.configure(s.text)
	if h := s.halfway; h != nil {
		s.sweep.Former = &sweep.Former{Mapping: h.Mapping, Scoping: h.Scoping, Then: []sweep.Former{*s.sweep.Former}}
	}
}

// isMapped reports whether a text maps a target.
func isMapped(text, path string) bool { return strings.Contains(text, fmt.Sprintf("target: %q", path)) }

// reconfigure brings another configuration into force, or takes the default up again.
func (s *reconfigured) reconfigure() {
	s.t.Helper()
	former, formerText := s.rules, s.text
	s.shed = nil
	if s.random.IntN(4) > 0 {
		s.apply(s.drawn())
		return
	}
	s.text = string(infra.Provisioning())
	s.bring()
	for _, path := range append(drawnTargets(), managerTarget) {
		if isMapped(formerText, path) && !s.forgotten[path] {
			s.shed, s.forgotten[path] = append(s.shed, path), true
		}
	}
	plain := s.rules
	s.rules = plain.Clearing(former)
	if s.halfway != nil {
		s.rules = s.rules.Clearing(s.halfway.Mapping)
	}
	scope, was := s.sweep.Scoping, s.sweep.Former
	s.again()
	s.engine.Scoping, s.sweep.Scoping, s.sweep.Former = scope, scope, was
	s.sweep.Converge = s.engine.ConvergeSeen
	worker := s.engine.Config // which takes nothing back
	worker.Mapping = plain
	s.engine = provision.New(worker)
	s.tellf("— taken back: %v goes", s.shed)
}

// settleUnder goes on under the configuration in force.
func (s *reconfigured) settleUnder() {
	s.t.Helper()
	scope := s.sweep.Scoping
	s.rules = try(mapping.Parse([]byte(s.text)))(s.t)
	s.again()
	s.engine.Scoping, s.sweep.Scoping = scope, scope
	s.run()
	s.drain()
}

// check compares Webex with what the configuration in force says of each.
func (s *reconfigured) check() {
	s.t.Helper()
	accounts, ids := map[any]map[string]any{}, map[any]any{}
	for webexID, account := range s.org.Users() {
		accounts[account["externalId"]], ids[account["externalId"]] = account, webexID
	}
	people := s.tenant.Census(false).Users
	for _, u := range s.tenant.Users() {
		id := u.Text("id")
		attributes := map[string]any{}
		for _, name := range s.rules.Users.Select() {
			attributes[name] = u[name]
		}
		if _, managed := attributes["manager"]; managed {
			attributes["manager"] = ids[people[id].Manager]
		}
		if s.rules.Users.ReadsRoles() {
			roles := []any{}
			for _, name := range people[id].AppRoles {
				roles = append(roles, name)
			}
			attributes[mapping.AppRoleAssignments] = roles
			s.cast += int64(len(roles))
		}
		subject := scoping.Subject{Kind: change.User, Attributes: attributes, MemberOf: s.isIn(id)}
		in := s.rules.Users.Filter().Evaluate(subject) == scoping.Holds && u["accountEnabled"] == true &&
			(!s.sweep.Scoping.AssignmentsMatter() || slices.Contains(s.assigned, id))
		account, there := accounts[id]
		switch {
		case !in && there && account["active"] != false:
			s.failf("%s is to be inactive", id)
		case in && (!there || account["active"] != true):
			s.failf("%s is to be active", id)
		case in:
			s.checkValues(id, attributes, account)
		case there && s.isBlocked(u):
			s.checkShed(id, account)
		}
	}
}

// checkHires makes sure that who has an account for the first time has the one with the
// number if the configuration in force matches by it, and else one of their own.
func (s *reconfigured) checkHires() {
	s.t.Helper()
	accounts := s.org.Users()
	for _, h := range s.hires {
		theirs := ""
		for webexID, account := range accounts {
			if account["externalId"] == h.id {
				theirs = webexID
			}
		}
		switch adopts := slices.Contains(s.rules.Users.Matching(), employeeNumber); {
		case theirs == "":
		case !h.placed:
			h.placed, h.adopted = true, theirs == h.seat
			if h.adopted != adopts {
				s.failf("%s has %s, adopted %t, and matches by number %t", h.id, theirs, h.adopted, adopts)
			}
		case h.adopted != (theirs == h.seat):
			s.failf("%s has another account, %s", h.id, theirs)
		}
	}
}

func (s *reconfigured) checkValues(id string, attributes, account map[string]any) {
	s.t.Helper()
	attributes["IsSoftDeleted"] = false
	want := try(s.rules.Users.Map(attributes))(s.t)
	have := s.rules.Users.Values(account)
	if want[managerTarget] != nil {
		s.managed++
	}
	for path, value := range want {
		if !s.rules.Users.Same(path, have[path], value) && (value != nil || !s.forgotten[path]) {
			s.failf("%s: %s is %v, want %v", id, path, have[path], value)
		}
	}
	s.checkShed(id, account)
}

// isBlocked reports whether somebody is in scope but for being blocked: what is written
// to the account is ours to take back.
func (s *reconfigured) isBlocked(u graph.User) bool {
	return u["accountEnabled"] == false && (!s.sweep.Scoping.AssignmentsMatter() || slices.Contains(s.assigned, u.Text("id")))
}

// checkShed makes sure that what a rollback took away is gone.
func (s *reconfigured) checkShed(id string, account map[string]any) {
	s.t.Helper()
	of, _ := account[enterprise].(map[string]any)
	for _, path := range s.shed {
		name, extended := strings.CutPrefix(path, enterprise+":")
		v := account[name]
		if extended {
			v = of[name]
		}
		if v != nil {
			s.failf("%s: %s is still %v", id, path, v)
		}
	}
}
