package simulation_test

import (
	"strings"
	"testing"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
)

// titled maps a title, too; filtered leaves the first of the users out.
func titled(text string) string {
	return strings.Replace(text, "- { target: userName,", "- { target: title, source: displayName }\n    - { target: userName,", 1)
}

func filtered(text string) string {
	return strings.Replace(text, "users:\n", "users:\n  scope: [[{ attribute: displayName, operator: NOT EQUALS, value: Left Out }]]\n", 1)
}

// configure brings another configuration into force: a process that goes by it
// begins, and a sweep of those whom it affects.
func (s *sweeper) configure(text string) {
	s.t.Helper()
	former := &sweep.Former{Mapping: s.rules, Scoping: s.sweep.Scoping}
	s.rules = try(mapping.Parse([]byte(text)))(s.t)
	scope := s.sweep.Scoping
	if scope.Filters, scope.Mapped = s.rules.Filters(), nil; s.rules.Users.ReadsRoles() {
		scope.Mapped = &scoping.Application{AppID: appID, Find: s.directory(s.wire).ServicePrincipal}
	}
	s.again()
	s.engine.Scoping, s.sweep.Scoping = scope, scope
	s.sweep.Former = former
}

// evaluate runs that sweep and what it leaves to the worker.
func (s *sweeper) evaluate() {
	s.t.Helper()
	try(s.sweep.Run(s.t.Context()))(s.t)
	s.drain()
}

// attribute is one of a user's account.
func (s *sweeper) attribute(id, name string) any {
	s.t.Helper()
	return s.org.Users()[s.account(id)][name]
}

// count is how many calls went to a side.
func (s *sweeper) count(side string) int {
	total := 0
	for kind, n := range s.wire.calls {
		if strings.HasPrefix(kind, side) {
			total += n
		}
	}
	return total
}

func TestAMappedTitleTouchesTitlesAndReadsNoGroups(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(300, 2, 100)
	s.configure(titled(string(infra.Provisioning())))
	s.evaluate()
	if graph, webex := s.count("Graph "), s.count("Webex "); graph != 1 || webex != 3 {
		t.Errorf("%d calls to Graph and %d to Webex, want a page and three Bulks: %v", graph, webex, s.wire.calls)
	}
	for _, id := range ids {
		if title, name := s.attribute(id, "title"), s.attribute(id, "displayName"); title == nil || title != name {
			t.Errorf("the title of %v is %v", name, title)
		}
	}
	s.are(map[sweep.Class]int{sweep.Behind: 300})
	s.configure(titled(string(infra.Provisioning())) + "# a comment\n")
	s.evaluate()
	if len(s.wire.calls) > 0 {
		t.Errorf("a comment cost %v", s.wire.calls)
	}
}

func TestWhoIsFilteredOutIsDisabledAndComesBackWithTheFilterGone(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(50, 1, 10)
	out := ids[:3]
	for _, id := range out {
		if err := s.tenant.Update(id, func(u graph.User) { u["displayName"] = "Left Out" }); err != nil {
			t.Fatal(err)
		}
	}
	s.configure(filtered(string(infra.Provisioning())))
	s.evaluate()
	for i, id := range ids {
		if active := s.attribute(id, "active"); active != (i >= len(out)) {
			t.Errorf("user %d: active is %v", i, active)
		}
	}
	if n := s.writes(); n != len(out) {
		t.Errorf("%d writes to disable %d", n, len(out))
	}
	s.configure(string(infra.Provisioning()))
	s.evaluate()
	for i, id := range ids {
		if active := s.attribute(id, "active"); active != true {
			t.Errorf("user %d: active is %v", i, active)
		}
	}
	s.equal()
}

// Nobody's assignment is read: whoever left the scope stays out of it, and whoever is
// in gets what is new.
func TestAMappedTitleLetsNobodyIn(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := try(headcount{20, 0, 0}.settle(s.tenant))(t)
	for _, id := range ids[:10] {
		if err := s.tenant.Assign(id, graph.DefaultAccess); err != nil {
			t.Fatal(err)
		}
	}
	s.scoped()
	s.run()
	if err := s.tenant.Unassign(ids[0], graph.DefaultAccess); err != nil {
		t.Fatal(err)
	}
	s.again()
	s.scoped()
	s.run()
	s.drain()
	s.configure(titled(string(infra.Provisioning())))
	s.evaluate()
	if n := len(s.org.Users()); n != 10 {
		t.Errorf("%d accounts", n)
	}
	if s.attribute(ids[0], "active") != false || s.attribute(ids[0], "title") != nil {
		t.Error("whoever left the scope was touched")
	}
	if s.attribute(ids[1], "title") == nil {
		t.Error("whoever is in the scope has no title")
	}
}

// A filter by membership that is new reads the users once and the members once, a
// thousand a page, and not a call a user; what the lists do not prove is left to the
// worker, ten users in two calls.
func TestAFilterByMembershipReadsTheMembersOnceFor10000Users(t *testing.T) {
	t.Parallel()
	const users, members = 10_000, 9_500
	s := newSweeper(t, 1)
	defer s.close()
	ids := try(headcount{Users: users}.settle(s.tenant))(t)
	group := try(s.tenant.CreateGroup(graph.Group{"displayName": "Members"}))(t)
	if err := s.tenant.AddMembers(group, ids[:members]...); err != nil {
		t.Fatal(err)
	}
	s.configure(strings.Replace(string(infra.Provisioning()), "users:\n",
		"users:\n  scope: [[{ attribute: memberOf, operator: IsMemberOf, value: "+group+" }]]\n", 1))
	try(s.sweep.Run(t.Context()))(t)
	const pages = 11 + 10 // of users, and of members
	if n := s.count("Graph "); n != pages {
		t.Errorf("%d calls to Graph, want %d: %v", n, pages, s.wire.calls)
	}
	if n := len(s.queued); n != users-members {
		t.Errorf("%d left to the worker, want %d", n, users-members)
	}
	clear(s.wire.calls)
	s.drain()
	const batches = 2 * (users - members) / 10
	if n := s.count("Graph "); n != batches || s.writes() > 0 {
		t.Errorf("%d calls to Graph for those, want %d, and %d writes: %v", n, batches, s.writes(), s.wire.calls)
	}
	t.Logf("a filter by membership over %d users, %d of them members: %d calls to Graph, and %d for those who are not", users, members, pages, batches)
}
