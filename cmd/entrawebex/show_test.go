package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"entrawebex/internal/change"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

// shown is what show --json prints.
func shown(t *testing.T, environ []string, name string) operator.Shown {
	t.Helper()
	var s operator.Shown
	decoder := json.NewDecoder(strings.NewReader(operate(t, environ, "show", name, "--json")))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// accountOf is the Webex id of the account with that userName.
func (s *staged) accountOf(userName string) string {
	s.t.Helper()
	for id, account := range s.Org.Users() {
		if strings.EqualFold(account["userName"].(string), userName) {
			return id
		}
	}
	s.t.Fatalf("nobody in Webex is %s", userName)
	return ""
}

func TestSomebodyIsFoundByEveryNameAndEveryID(t *testing.T) {
	t.Parallel()
	s := setup(t, 6)
	ada := s.enabled()[0]
	id, before := ada.Text("id"), ada.Text("userPrincipalName")
	p := s.Open()
	s.Everybody(p)
	s.update(id, func(u graph.User) {
		u["userPrincipalName"], u["mail"], u["displayName"] = "ada.king@"+sandbox.Domain, "Countess@"+sandbox.Domain, "Ada King"
	})
	s.Everybody(p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ADA.KING@" + sandbox.Domain, "countess@" + sandbox.Domain, "ada king", id, strings.ToUpper(id), s.accountOf("ada.king@" + sandbox.Domain), before} {
		if got := shown(t, s.planEnviron(), name); got.Object == nil || got.Object.ID != id || got.Name != "ada.king@"+sandbox.Domain {
			t.Errorf("show %s: %v %s", name, got.Object, got.Name)
		}
		if p := s.plan(s.planEnviron(), name); p.Summary.Unchanged != 1 {
			t.Errorf("plan %s: %+v", name, p)
		}
		has(t, operate(t, s.planEnviron(), "mapping", "test", name), "user "+id)
	}
}

func TestBothSidesAreShownAndWhatDiffersIsMarked(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 6)
	ada := s.enabled()[0]
	name := ada.Text("userPrincipalName")
	account := s.accountOf(name)
	if err := s.Org.Edit(account, func(a map[string]any) { a["displayName"] = "By\x1b[2J Hand" }); err != nil {
		t.Fatal(err)
	}
	s.update(ada.Text("id"), func(u graph.User) { u["surname"] = "Renamed" })
	got := shown(t, s.planEnviron(), name)
	marks := map[string][2]bool{}
	for _, a := range got.Attributes {
		if a.Differs || a.Drifted {
			marks[a.Attribute] = [2]bool{a.Differs, a.Drifted}
		}
	}
	if diff := cmp.Diff(map[string][2]bool{"displayName": {true, true}, "name.familyName": {true, false}}, marks); diff != "" {
		t.Errorf("what differs, and drifted (-want +got):\n%s", diff)
	}
	if got.Webex.ID != account || got.Webex.Enabled == nil || !*got.Webex.Enabled || got.Entra.Presence != plan.There || got.Written == nil || len(got.Attempts) == 0 {
		t.Errorf("%+v", got)
	}
	if got.Next == nil || got.Next.Action != "update" || len(got.Next.Attributes) != 2 {
		t.Errorf("next: %+v", got.Next)
	}
	out := operate(t, s.planEnviron(), "show", name)
	fits(t, out)
	lines := strings.Join(strings.Fields(out), " ")
	has(t, lines, "│ ≠ * displayName │ "+ada.Text("displayName")+" │ By [2J Hand │", "│ ≠ name.familyName │ Renamed │ "+ada.Text("surname")+" │")
	has(t, told(out),
		"Drift changed in Webex since it was written: displayName", "nobody needs an assignment (SCOPE=all)",
		"Next update", "not for now: no process serves this data")
}

func TestItIsShownByWhichPathSomebodyIsInScopeOrNot(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	const role = "0000000b-0000-4000-8000-000000000001"
	s.Tenant.SetAppRoles(graph.AppRole{ID: role, DisplayName: "Agent", Value: "agent"})
	users := s.enabled()
	both, none := users[0], users[1]
	for _, u := range []graph.User{both, none} {
		s.update(u.Text("id"), func(u graph.User) { u["department"] = "Legal" })
	}
	team, err := s.Tenant.CreateGroup(graph.Group{"displayName": "Callers", "mailNickname": "callers", "mailEnabled": false, "securityEnabled": true})
	if err == nil {
		err = s.Tenant.AddMembers(team, both.Text("id"))
	}
	for _, assigned := range [][2]string{{both.Text("id"), graph.DefaultAccess}, {team, role}} {
		if err == nil {
			err = s.Tenant.Assign(assigned[0], assigned[1])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	file := mine(t, "users:\n", "users:\n  scope: [[{ attribute: department, operator: EQUALS, value: Sales }]]\n")
	environ := append(s.planEnviron(), "SCOPE=assigned", "DEFAULT_ACCESS=exclude", "ENTRA_APP_ID="+sandbox.AppID, "MAPPING_FILE="+file)
	want := []plan.Assignment{
		{To: change.Object{Kind: change.User, ID: both.Text("id")}, Role: "Default Access", RoleID: graph.DefaultAccess},
		{To: change.Object{Kind: change.Group, ID: team}, Name: "Callers", Role: "Agent", RoleID: role, Counts: true},
	}
	if diff := cmp.Diff(want, shown(t, environ, both.Text("id")).Scope.Assignments); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	out := operate(t, environ, "show", both.Text("id"))
	fits(t, out)
	has(t, told(out), "assigned itself, as Default Access, which does not count (DEFAULT_ACCESS)", "assigned through Callers, group "+team+", as Agent",
		`filter group 1 fails: department EQUALS "Sales", and it is "Legal"`, "skip: the user does not satisfy the scoping filter")
	has(t, told(operate(t, environ, "show", none.Text("id"))), "no assignment to the application "+sandbox.AppID, "is not assigned to the application")
}

func TestOfAGroupItIsShownWhoIsMissingExtraAndPending(t *testing.T) {
	t.Parallel()
	l := aDay(t)
	users := l.enabled()
	missing, extra := users[5], l.renamed
	pending, err := l.Tenant.Create(graph.User{"userPrincipalName": "hire@" + sandbox.Domain, "displayName": "Hire", "givenName": "H", "surname": "S"})
	l.must(err)
	id := l.group.Text("id")
	l.must(l.Tenant.AddMembers(id, missing.Text("id"), pending))
	l.must(l.Tenant.RemoveMembers(id, extra.Text("id")))
	local, err := l.Org.Add(map[string]any{"userName": "local@" + sandbox.Domain, "userType": "user"})
	l.must(err)
	got := shown(t, l.environ, "Finance")
	l.join(got.Webex.ID, local)
	got = shown(t, l.environ, "Finance")
	name := func(u graph.User) string { return u.Text("userPrincipalName") }
	only := func(id, webexID, name string) plan.People {
		return plan.People{Count: 1, First: []plan.Person{{ID: id, WebexID: webexID, Name: name}}}
	}
	want := &plan.Roster{
		Entra: 2, Webex: 2,
		Missing: only(missing.Text("id"), l.accountOf(name(missing)), name(missing)),
		Extra:   only(extra.Text("id"), l.accountOf(name(extra)), name(extra)),
		Pending: only(pending, "", "hire@"+sandbox.Domain),
		Local:   only("", local, "local@"+sandbox.Domain),
	}
	if diff := cmp.Diff(want, got.Members); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	out := operate(t, l.environ, "show", "Finance")
	fits(t, out)
	has(t, told(out), "2 in Entra, 2 in Webex", "1 missing in Webex: "+name(missing), "1 in Webex and not in Entra's group: "+name(extra),
		"1 pending, without an account yet: hire@", "1 in Webex who are nobody in Entra, and stay: local@")
}

// join makes an account a member of a group in Webex, as an administrator does.
func (s *staged) join(group, account string) {
	s.t.Helper()
	body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"` + account + `","type":"user"}]}]}`
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPatch, s.SCIMURL+"/Groups/"+group, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sandbox.Token)
	r.Header.Set("Content-Type", "application/scim+json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		s.t.Fatalf("Webex answers %s", answer.Status)
	}
}

func TestOfAnAddressThatIsNobodysItIsShownWhatWebexHasUnderIt(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	account, err := s.Org.Add(map[string]any{"userName": "room@" + sandbox.Domain, "displayName": "Room 7", "userType": "user", "active": true})
	if err != nil {
		t.Fatal(err)
	}
	got := shown(t, s.planEnviron(), "ROOM@"+sandbox.Domain)
	want := []plan.Account{{Kind: change.User, Side: plan.Side{Presence: plan.There, ID: account, Name: "room@" + sandbox.Domain, DisplayName: "Room 7", Enabled: new(true)}}}
	if diff := cmp.Diff(want, got.Under, cmpopts.IgnoreFields(plan.Side{}, "Modified")); diff != "" || got.Object != nil {
		t.Errorf("%v (-want +got):\n%s", got.Object, diff)
	}
	for _, name := range []string{"room@" + sandbox.Domain, account} {
		out := operate(t, s.planEnviron(), "show", name)
		fits(t, out)
		has(t, told(out), `belongs to nobody in Entra. Webex has under it:`, account+" active room@"+sandbox.Domain+", Room 7", "nobody's, by the ledger")
	}
	if _, errOut, exit := outcome(t, s.planEnviron(), "show", "nobody@"+sandbox.Domain); exit != exitFailed || !strings.Contains(errOut, "is nobody's userPrincipalName, mail, userName or displayName") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
}

// Somebody who is to have an account whose name is another's is told whose.
func TestOfSomebodyWithoutAnAccountItIsShownWhoHasTheName(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	ada := s.enabled()[0]
	account, err := s.Org.Add(map[string]any{"userName": ada.Text("userPrincipalName"), "userType": "user", "externalId": "someone-else"})
	if err != nil {
		t.Fatal(err)
	}
	out := operate(t, s.planEnviron(), "show", ada.Text("id"))
	has(t, told(out), "In Webex absent", "Has the name user "+account, "externalId someone-else", "The provisioning log has nothing of it.")
}

func TestANameOfSeveralIsNotGuessed(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	users := s.enabled()[:2]
	for _, u := range users {
		s.update(u.Text("id"), func(u graph.User) { u["displayName"] = "Ada King" })
	}
	p := s.Open()
	s.Everybody(p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"show", "plan", "provision", "log"} {
		_, errOut, exit := outcome(t, s.planEnviron(), command, "ada king")
		if exit == 0 || !strings.Contains(errOut, "name of 2 objects: name one by its id") {
			t.Errorf("%s: exit code %d, %s", command, exit, errOut)
		}
		for _, u := range users {
			has(t, errOut, "\n  user "+u.Text("id")+" "+u.Text("userPrincipalName"))
		}
	}
}

func TestWhatCannotBeReadIsShownAsSuchAndTheRestAllTheSame(t *testing.T) {
	t.Parallel()
	l := aDay(t)
	graphSide, webexSide := through(t, l.GraphURL), through(t, l.SCIMURL)
	l.GraphURL, l.SCIMURL = graphSide.address, webexSide.address
	environ := l.planEnviron()
	webexSide.refuse("/")
	name := l.blocked.Text("userPrincipalName")
	got := shown(t, environ, name)
	if got.Webex.Presence != plan.Unsure || got.Webex.Error == "" || got.Entra.Presence != plan.There || got.Next != nil {
		t.Errorf("%+v", got)
	}
	graphSide.refuse("/v1.0")
	out := operate(t, environ, "show", name)
	fits(t, out)
	has(t, told(out), "In Entra "+l.blocked.Text("id")+" unknown", "what would be done next cannot be told", "approve success", "disable success")
	has(t, told(operate(t, []string{"DATA_DIR=" + l.DataDir}, "show", name)), "unknown", "disable success")
}

func TestWhileARunServesItShowsToo(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	s.provision()
	got := shown(t, s.Environ(), s.enabled()[0].Text("userPrincipalName"))
	if got.Rests != "" || got.Next == nil || got.Next.Action != plan.Unchanged {
		t.Errorf("%q, %+v", got.Rests, got.Next)
	}
}

func TestWhatIsOpenIsShownAndWhenItIsTriedAgain(t *testing.T) {
	t.Parallel()
	l := aDay(t)
	retried := shown(t, l.environ, l.later.Text("id")).Fault
	if retried == nil || retried.Kind != "transient" || retried.RetryAt.IsZero() || retried.DeadLetter {
		t.Errorf("%+v", retried)
	}
	has(t, told(operate(t, l.environ, "show", l.later.Text("id"))), "Open fault transient, since ", "tried again at "+retried.RetryAt.UTC().Format(time.RFC3339))

	held := heldHome(t, first)
	environ := operatorEnviron(held)
	has(t, told(operate(t, environ, "show", first)), "Held disable since ", "blocked", "entrawebex holds approve "+first+", or reject")

	has(t, told(operate(t, kept(t), "show", deadID)), "Open fault permanent, at matching, since ", "the userName is taken",
		"a dead letter, which is not tried again: mend it, then entrawebex replay --filter object="+deadID)
}

// To show is to look, and not to touch.
func TestToShowWritesNothing(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	s.update(s.enabled()[0].Text("id"), func(u graph.User) { u["accountEnabled"] = false })
	before := s.records()
	s.Org.Calls.Reset()
	s.Tenant.Calls.Reset()
	operate(t, s.planEnviron(), "show", s.enabled()[0].Text("id"))
	if n := s.Org.Calls.Snapshot().Writes() + s.Tenant.Calls.Snapshot().Writes(); n > 0 {
		t.Errorf("%d writes", n)
	}
	if diff := cmp.Diff(before, s.records()); diff != "" {
		t.Errorf("the ledger (-before +after):\n%s", diff)
	}
}
