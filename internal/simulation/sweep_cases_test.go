package simulation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
)

// are fails the test unless there are so many of each class, and none of any
// other.
func (s *sweeper) are(want map[sweep.Class]int) {
	s.t.Helper()
	for class, accounts := range s.classes {
		if len(accounts) != want[class] {
			s.t.Errorf("%s: %v", class, accounts)
		}
	}
	for class, n := range want {
		if len(s.classes[class]) != n {
			s.t.Errorf("%s: %d, want %d", class, len(s.classes[class]), n)
		}
	}
}

func TestDriftIsReportedAndRepairedOnlyWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(5, 1, 3)
	_, group := s.group()
	s.byHand(http.MethodPatch, "/Users/"+s.account(ids[0]), patch(`{"op":"replace","path":"displayName","value":"By hand"}`))
	s.byHand(http.MethodPatch, "/Groups/"+group, patch(`{"op":"replace","path":"displayName","value":"By hand"}`))
	s.run()
	s.are(map[sweep.Class]int{sweep.Drifted: 2, sweep.InSync: 4})
	if s.writes() > 0 || len(s.queued) > 0 {
		t.Errorf("%d writes, %v", s.writes(), s.queued)
	}
	s.again()
	s.sweep.RepairDrift = true
	s.run()
	s.equal()
	if s.writes() != 2 || len(s.queued) > 0 {
		t.Errorf("%d writes, %v", s.writes(), s.queued)
	}
}

func TestWhatChangedInEntraIsRepairedEvenWithoutDriftRepair(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(5, 1, 3)
	group, _ := s.group()
	if err := errors.Join(
		s.tenant.Update(ids[0], func(u graph.User) { u["displayName"] = "Another" }),
		s.tenant.Update(ids[1], func(u graph.User) { u["accountEnabled"] = false }),
		s.tenant.UpdateGroup(group, func(g graph.Group) { g["displayName"] = "Another" }),
	); err != nil {
		t.Fatal(err)
	}
	s.run()
	s.are(map[sweep.Class]int{sweep.Behind: 3, sweep.InSync: 3})
	s.equal()
	if s.writes() != 3 || len(s.queued) > 0 {
		t.Errorf("%d writes, %v", s.writes(), s.queued)
	}
}

// filtered has only those provisioned who are in Sales, by the mapping file.
func (s *sweeper) filtered() {
	file := strings.Replace(string(infra.Provisioning()), "users:\n", "users:\n  scope: [[{ attribute: department, operator: EQUALS, value: Sales }]]\n", 1)
	s.rules = try(mapping.Parse([]byte(file)))(s.t)
	s.again()
	rules := scoping.Rules{Filters: s.rules.Filters()}
	s.engine.Scoping, s.sweep.Scoping = rules, rules
}

// The filter is read from the file, what it asks for from Graph's pages and of the
// person in question.
func TestWhoLeavesByTheFilterIsClosedAndOpenedAgain(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(4, 1, 3)
	moved := func(id, department string) {
		if err := s.tenant.Update(id, func(u graph.User) { u["department"] = department }); err != nil {
			t.Fatal(err)
		}
	}
	is := func(active bool, when string) {
		if got := s.org.Users()[s.account(ids[0])]["active"]; got != active {
			t.Errorf("%s the account's active is %v", when, got)
		}
	}
	for _, id := range ids {
		moved(id, "Sales")
	}
	s.filtered()
	s.run()
	s.are(map[sweep.Class]int{sweep.InSync: 5})
	moved(ids[0], "HR")
	s.filtered()
	s.run()
	s.are(map[sweep.Class]int{sweep.InSync: 4, sweep.Unassigned: 1})
	s.drain()
	is(false, "in HR")
	moved(ids[0], "Sales")
	s.filtered()
	s.run()
	s.are(map[sweep.Class]int{sweep.InSync: 4, sweep.Behind: 1})
	s.equal()
	is(true, "in Sales again")
}

func TestAnAccountThatWasTakenAwayInWebexIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(5, 1, 3)
	s.byHand(http.MethodDelete, "/Users/"+s.account(ids[0]), "")
	s.run()
	s.are(map[sweep.Class]int{sweep.Missing: 1, sweep.InSync: 4, sweep.Behind: 1})
	s.drain()
	s.equal()
	s.again()
	_, group := s.group()
	s.byHand(http.MethodDelete, "/Groups/"+group, "")
	s.run()
	s.are(map[sweep.Class]int{sweep.Missing: 1, sweep.InSync: 5})
	s.drain()
	s.equal()
}

// A list is no proof: somebody who lives in Entra and is on none of its pages is
// asked about and kept.
func TestSomebodyWhomEntraDoesNotListIsAskedAboutAndNotTouched(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(5, 1, 3)
	group, _ := s.group()
	s.relist(func(list []map[string]any) []map[string]any {
		return slices.DeleteFunc(list, func(o map[string]any) bool { return o["id"] == ids[0] || o["id"] == group })
	})
	s.run()
	if len(s.classes[sweep.Vanished]) != 2 || len(s.queued) != 2 || s.writes() > 0 {
		t.Errorf("%v, %v, %d writes", s.classes, s.queued, s.writes())
	}
	for _, m := range s.queued {
		if m.change.Deleted || m.change.ID != ids[0] && m.change.ID != group {
			t.Errorf("queued %+v", m.change)
		}
	}
	s.drain()
	s.equal()
	if s.writes() > 0 {
		t.Errorf("%v", s.org.Calls.Snapshot())
	}
}

func TestAFirstComparisonDisablesNobodyUntilThatIsApproved(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %v", killed), func(t *testing.T) {
			t.Parallel()
			s := newSweeper(t, 1)
			defer s.close()
			ids := try(headcount{Users: 150}.settle(s.tenant))(t)
			blocked := []string{ids[0], ids[149]}
			var account string
			for _, id := range blocked {
				user := try(s.tenant.User(id))(t)
				account = try(s.org.Add(map[string]any{
					"userName": user["userPrincipalName"], "displayName": "Older", "externalId": id, "userType": "user",
				}))(t)
				if err := s.tenant.Update(id, func(u graph.User) { u["accountEnabled"] = false }); err != nil {
					t.Fatal(err)
				}
			}
			if killed {
				// After the first hundred: the ledger is not empty any more.
				const calls = 500
				l := newLife(calls, true)
				s.begin(lethal{l, s.wire}, mortal{s.ledger, l})
				s.sweep.Park = true
				s.die()
				s.begin(s.wire, s.ledger)
			}
			s.sweep.Park = true
			s.run()
			s.drain()
			if s.org.Users()[account]["active"] != true {
				t.Error("somebody is disabled")
			}
			counts := s.org.Calls.Snapshot()
			if n := counts["Bulk POST /Users"] + counts["POST /Users"]; n != len(ids)-len(blocked) {
				t.Errorf("%d created: %v", n, counts)
			}
			for _, id := range blocked {
				o := change.Object{Kind: change.User, ID: id}
				c, err := provision.Approve(t.Context(), s.ledger, o, provision.Disabling, s.now)
				if err == nil {
					err = s.Enqueue(t.Context(), []change.Change{c})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			s.drain()
			s.equal()
		})
	}
}

// die runs the sweep in a process that ends before it does.
func (s *sweeper) die() {
	s.t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		_, err := s.sweep.Run(s.t.Context())
		s.t.Errorf("came to its end: %v", err)
	}()
	<-done
}

func TestAMemberWhoIsMissingOrSurplusInWebexIsQueued(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(6, 1, 4)
	local := try(s.org.Add(map[string]any{"userName": "local@contoso.example", "userType": "user"}))(t)
	group, webexID := s.group()
	s.byHand(http.MethodPatch, "/Groups/"+webexID, patch(fmt.Sprintf(
		`{"op":"add","path":"members","value":[{"value":%q},{"value":%q}]},{"op":"remove","path":"members[value eq \"%s\"]"}`,
		s.account(ids[5]), local, s.account(ids[0]))))
	for _, name := range []string{"Group 0", "Another"} {
		if err := s.tenant.UpdateGroup(group, func(g graph.Group) { g["displayName"] = name }); err != nil {
			t.Fatal(err)
		}
		s.queued = nil
		s.run()
		if len(s.queued) != 1 {
			t.Fatalf("named %q: queued %v", name, s.queued)
		}
		if got := s.queued[0].change.Members; len(got) != 2 || !slices.Contains(got, ids[0]) || !slices.Contains(got, ids[5]) {
			t.Errorf("named %q: %v, want %s and %s", name, got, ids[0], ids[5])
		}
	}
	s.drain()
	s.equal()
	if !slices.Contains(s.org.Members(webexID), local) {
		t.Error("a member who is nobody's in Entra was removed")
	}
}

func TestAGroupOfThreeThousandIsCreatedWhole(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	const size = 3000
	try(headcount{size + 100, 1, size}.settle(s.tenant))(t)
	s.run()
	s.drain()
	s.equal()
	_, webexID := s.group()
	if n := len(s.org.Members(webexID)); n != size {
		t.Errorf("%d members", n)
	}
	s.again()
	s.run()
	s.are(map[sweep.Class]int{sweep.InSync: size + 100, sweep.Opaque: 1})
	s.drain()
	if s.writes() > 0 {
		t.Errorf("once more: %v", s.org.Calls.Snapshot())
	}
}

func TestTheUsersOfGroupsWithinAGroupAreItsMembers(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	s.nested = true
	s.again()
	ids := try(headcount{Users: 300}.settle(s.tenant))(t)
	var groups []string
	for i := range 3 {
		groups = append(groups, try(s.tenant.CreateGroup(graph.Group{"displayName": fmt.Sprint("Group ", i)}))(t))
		if err := s.tenant.AddMembers(groups[i], ids[i*100:(i+1)*100]...); err != nil {
			t.Fatal(err)
		}
	}
	// Each within the next, and the last in the first.
	for i, g := range groups {
		if err := s.tenant.AddMembers(groups[(i+1)%len(groups)], g); err != nil {
			t.Fatal(err)
		}
	}
	s.run()
	s.drain()
	s.equal()
	s.again()
	s.run()
	s.drain()
	s.equal()
	if s.writes() > 0 {
		t.Errorf("once more: %v", s.org.Calls.Snapshot())
	}
}

func TestOnlyWhoIsAssignedIsInTheScope(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := try(headcount{300, 2, 120}.settle(s.tenant))(t)
	groups := s.tenant.Groups()
	for _, id := range []string{ids[299], ids[0], groups[0].Text("id")} {
		if err := s.tenant.Assign(id, graph.DefaultAccess); err != nil {
			t.Fatal(err)
		}
	}
	s.scoped()
	s.run()
	const inScope = 1 + 120 + 1
	s.are(map[sweep.Class]int{sweep.New: inScope})
	s.equal(compare.Assigned)
	s.again()
	s.scoped()
	if err := errors.Join(
		s.tenant.Unassign(groups[0].Text("id"), graph.DefaultAccess), s.tenant.Assign(ids[1], graph.DefaultAccess),
	); err != nil {
		t.Fatal(err)
	}
	s.run()
	// All of the group but two, and the group itself, whose members are compared when it is back.
	s.are(map[sweep.Class]int{sweep.Unassigned: 120 - 2 + 1, sweep.InSync: 3})
	if s.writes() > 0 || len(s.queued) != 120-2+1 {
		t.Errorf("%d writes, %d queued", s.writes(), len(s.queued))
	}
	s.drain()
	s.equal(compare.Assigned)
}

// Whose assignment ends while the sweep lasts, and before the account is there,
// is noticed by nobody else.
func TestAnAssignmentThatEndsDuringTheSweepIsNotLost(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := try(headcount{10, 1, 5}.settle(s.tenant))(t)
	group := s.tenant.Groups()[0].Text("id")
	for _, id := range []string{ids[9], group} {
		if err := s.tenant.Assign(id, graph.DefaultAccess); err != nil {
			t.Fatal(err)
		}
	}
	s.scoped()
	s.wire.edit = func(r *http.Request, answer []byte) []byte {
		if strings.HasSuffix(r.URL.Path, "/Groups") {
			for _, id := range []string{ids[9], group} {
				_ = s.tenant.Unassign(id, graph.DefaultAccess) // once
			}
		}
		return answer
	}
	s.run()
	if n := s.writes(); n != 7 {
		t.Errorf("%d writes before anybody could know", n)
	}
	s.drain()
	s.equal(compare.Assigned)
}

// What a sweep could not read says nothing, and the next one makes up for it.
func TestASweepThatCannotReadAPageConcludesNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]func(r *http.Request) []byte{
		"of Webex's users":  func(r *http.Request) []byte { return lostIf(strings.HasSuffix(r.URL.Path, "/Users")) },
		"of Webex's groups": func(r *http.Request) []byte { return lostIf(strings.HasSuffix(r.URL.Path, "/Groups")) },
		"of Entra's users":  func(r *http.Request) []byte { return lostIf(second(r, "/users/")) },
		"of Entra's groups": func(r *http.Request) []byte { return lostIf(second(r, "/groups/")) },
		"that is known no more": func(r *http.Request) []byte {
			if second(r, "/users/") {
				return []byte(`{"value":[],"@odata.nextLink":"http://` + graphHost + `/v1.0/users/delta()?$skiptoken=void"}`)
			}
			return unchanged
		},
	}
	for name, lost := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSweeper(t, 1)
			defer s.close()
			ids := s.provisioned(1100, 3, 60)
			if err := s.tenant.Update(ids[0], func(u graph.User) { u["displayName"] = "Another" }); err != nil {
				t.Fatal(err)
			}
			s.wire.edit = func(r *http.Request, answer []byte) []byte {
				if edited := lost(r); len(edited) == 0 || &edited[0] != &unchanged[0] {
					return edited
				}
				return answer
			}
			result, err := s.sweep.Run(t.Context())
			if err == nil || result.Classes[sweep.Vanished] > 0 || result.Classes[sweep.Local] > 0 || result.Classes[sweep.Missing] > 0 ||
				len(s.queued) > 0 || len(s.cursors) == len(change.Kinds()) {
				t.Errorf("%v, %v, queued %v, cursors %v", err, result, s.queued, s.cursors)
			}
			s.wire.edit = nil
			s.again()
			s.run()
			s.equal()
			if len(s.queued) > 0 {
				t.Errorf("queued %v", s.queued)
			}
		})
	}
}

// unchanged stands for an answer as it came.
var unchanged = []byte("unchanged")

// lostIf loses the answer, or leaves it as it came.
func lostIf(lost bool) []byte {
	if lost {
		return nil
	}
	return unchanged
}

// second reports whether the request is for a page of a first round after the
// first one.
func second(r *http.Request, set string) bool {
	return strings.Contains(r.URL.Path, set) && strings.Contains(r.URL.RawQuery, "skiptoken")
}

// throttling has Webex refuse Bulks from the n-th on.
type throttling struct {
	next   http.RoundTripper
	left   int
	status int
	after  string
}

func (f *throttling) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/Bulk") {
		if f.left--; f.left < 0 {
			return answered(r, f.status, nil, f.after), nil
		}
	}
	return f.next.RoundTrip(r)
}

func TestASweepThatWebexThrottlesGoesOnNextTime(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	try(headcount{500, 5, 20}.settle(s.tenant))(t)
	f := &throttling{next: s.wire, left: 2, status: http.StatusTooManyRequests, after: "30"}
	s.begin(f, s.ledger)
	result, err := s.sweep.Run(t.Context())
	if !errors.Is(err, sweep.ErrUnfinished) || s.writes() != 200 || len(s.queued) > 0 || f.left != -1 || len(s.cursors) > 0 {
		t.Errorf("%v, %v, %d writes, %d queued, %d more Bulks", err, result, s.writes(), len(s.queued), -f.left)
	}
	s.begin(s.wire, s.ledger)
	s.run()
	s.equal()
	if s.writes() != 505 || len(s.queued) > 0 {
		t.Errorf("%d writes, %v", s.writes(), s.queued)
	}
}

func TestASweepDoesNotGoOnWhileWebexIsDown(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	try(headcount{Users: 1500}.settle(s.tenant))(t)
	f := &throttling{next: s.wire, status: http.StatusInternalServerError}
	s.begin(f, s.ledger)
	result, err := s.sweep.Run(t.Context())
	const most = 5 // Bulks of a hundred
	if !errors.Is(err, sweep.ErrUnfinished) || len(s.queued) > 0 || -f.left > most {
		t.Errorf("%v, %v, %d queued, %d Bulks", err, result, len(s.queued), -f.left)
	}
	s.begin(s.wire, s.ledger)
	s.run()
	s.equal()
}

func TestAPauseStopsASweepBeforeItWritesMore(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	try(headcount{Users: 500}.settle(s.tenant))(t)
	s.sweep.Rests = func(context.Context) (string, error) {
		if len(s.sizes) == 2 {
			return "Webex is paused", nil
		}
		return "", nil
	}
	_, err := s.sweep.Run(t.Context())
	if !errors.Is(err, sweep.ErrUnfinished) || !strings.Contains(err.Error(), "Webex is paused") || s.writes() != 200 {
		t.Errorf("%v, %d writes", err, s.writes())
	}
}

func TestASweepTakesLessAtATimeWhileChangesWait(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	try(headcount{Users: 350}.settle(s.tenant))(t)
	waiting := []int{0, 5, 5, 5, 0}
	s.sweep.Depth = func(context.Context) (int, error) {
		n := waiting[0]
		waiting = append(waiting[1:], 0)
		return n, nil
	}
	s.run()
	s.equal()
	if want := []int{100, 10, 10, 10, 70, 100, 50}; !slices.Equal(s.sizes, want) {
		t.Errorf("%v at a time, want %v", s.sizes, want)
	}
}

// Graph may list an object twice.
func TestSomebodyWhoIsListedTwiceIsCreatedOnce(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	try(headcount{20, 2, 5}.settle(s.tenant))(t)
	s.relist(func(list []map[string]any) []map[string]any { return append(list, list...) })
	s.run()
	s.equal()
	if s.writes() != 22 {
		t.Errorf("%d writes", s.writes())
	}
}

// relist edits the lists that delta queries are answered with.
func (s *sweeper) relist(edit func(list []map[string]any) []map[string]any) {
	s.wire.edit = func(r *http.Request, answer []byte) []byte {
		if !strings.HasSuffix(r.URL.Path, "delta()") {
			return answer
		}
		var body map[string]any
		if err := json.Unmarshal(answer, &body); err != nil {
			s.t.Error(err)
			return nil
		}
		var list []map[string]any
		for _, o := range body["value"].([]any) {
			list = append(list, o.(map[string]any))
		}
		body["value"] = edit(list)
		return try(json.Marshal(body))(s.t)
	}
}

// emptied is an empty ledger, of another land.
func (s *sweeper) emptied() {
	s.t.Helper()
	other := newSweeper(s.t, s.seed+1)
	s.t.Cleanup(other.close)
	s.ledger = other.ledger
	s.again()
}

// Whose name is held by somebody who is only linked later comes to it in the end.
func TestNamesThatWereSwappedBeforeTheLedgerWasLostAreSwapped(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(250, 0, 0)
	first, last := ids[0], ids[249] // in different batches
	names := []any{try(s.tenant.User(first))(t)["userPrincipalName"], try(s.tenant.User(last))(t)["userPrincipalName"]}
	rename := func(id string, name any) error {
		return s.tenant.Update(id, func(u graph.User) { u["userPrincipalName"] = name })
	}
	if err := errors.Join(rename(first, "between@"+domain), rename(last, names[0]), rename(first, names[1])); err != nil {
		t.Fatal(err)
	}
	s.emptied()
	s.run()
	s.drain()
	s.equal()
	if len(s.dead) > 0 {
		t.Errorf("dead letters: %v", s.dead)
	}
}

// What Entra said of somebody is acted on before it is old.
func TestAPageIsDealtWithBeforeTheNextIsRead(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	try(headcount{Users: 2500}.settle(s.tenant))(t)
	var written []int
	s.wire.edit = func(r *http.Request, answer []byte) []byte {
		if strings.HasPrefix(r.URL.Path, "/v1.0/users/") {
			written = append(written, s.writes())
		}
		return answer
	}
	s.run()
	if want := []int{0, 999, 2 * 999}; !slices.Equal(written, want) {
		t.Errorf("%v writes before each page, want %v", written, want)
	}
}

// The members of such a group are not for everybody to list: that none are
// listed says nothing.
func TestTheMembersOfAGroupWithHiddenMembershipAreComparedSingly(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := try(headcount{Users: 5}.settle(s.tenant))(t)
	group := try(s.tenant.CreateGroup(graph.Group{"displayName": "Hidden", "visibility": "HiddenMembership"}))(t)
	if err := s.tenant.AddMembers(group, ids[:3]...); err != nil {
		t.Fatal(err)
	}
	s.run()
	s.drain()
	s.equal()
	s.again()
	s.relist(func(list []map[string]any) []map[string]any {
		for _, o := range list {
			delete(o, "members@delta")
		}
		return list
	})
	s.run()
	s.are(map[sweep.Class]int{sweep.InSync: 5, sweep.Opaque: 1})
	s.drain()
	s.equal()
	if s.writes() > 0 {
		t.Errorf("%v", s.org.Calls.Snapshot())
	}
}
