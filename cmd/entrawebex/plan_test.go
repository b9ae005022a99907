package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/app"
	"entrawebex/internal/app/operations"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
	"entrawebex/internal/terminal"
)

// planEnviron is the environment of an operator who plans for the stage.
func (s *staged) planEnviron(more ...string) []string {
	return append(append(s.Environ(), "WEBHOOK_URL="), more...)
}

// plan plans, and makes sure that nothing was written.
func (s *staged) plan(environ []string, args ...string) *plan.Plan {
	s.t.Helper()
	s.Org.Calls.Reset()
	s.Tenant.Calls.Reset()
	before := s.records()
	out := operate(s.t, environ, append([]string{"plan", "--json"}, args...)...)
	if calls := s.Org.Calls.Snapshot(); calls.Writes() > 0 {
		s.t.Errorf("the plan made the calls %v", calls)
	}
	if calls := s.Tenant.Calls.Snapshot(); calls.Writes() > 0 {
		s.t.Errorf("the plan made the calls %v", calls)
	}
	if diff := cmp.Diff(before, s.records()); diff != "" {
		s.t.Errorf("the plan changed the ledger (-before +after):\n%s", diff)
	}
	var p plan.Plan
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		s.t.Fatal(err)
	}
	return &p
}

// records are what the ledger keeps, and the guard; nothing if there is none.
func (s *staged) records() []string {
	s.t.Helper()
	found, err := operations.Open(s.t.Context(), s.planEnviron(), operatorLog())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	var records []string
	kept := found.Operations.(*operator.Operator).Ledger
	err = kept.Records(s.t.Context(), func(r provision.Record) error {
		text, err := json.Marshal(r)
		records = append(records, string(text))
		return err
	})
	for _, name := range []string{"guard", "binding", "delta user", "sweep"} {
		data, _, documentErr := kept.Document(s.t.Context(), name)
		err = errors.Join(err, documentErr)
		records = append(records, name+string(data))
	}
	if err := errors.Join(err, found.Close()); err != nil {
		s.t.Fatal(err)
	}
	return records
}

// provisioned is a stage on which everybody is in Webex, and nobody works.
func provisioned(t *testing.T, users int) *staged {
	t.Helper()
	s := setup(t, users)
	p := s.Open()
	s.Everybody(p)
	for _, g := range s.Tenant.Groups() {
		p.Worker.Converge(t.Context(), []change.Change{{Object: change.Object{Kind: change.Group, ID: g.Text("id")}, Source: change.Reconcile, SeenAt: time.Now()}})
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if d := s.Differences(t.Context()); len(d) > 0 {
		t.Fatalf("differences: %v", d)
	}
	return s
}

// enabled are the users who may sign in.
func (s *staged) enabled() []graph.User {
	return slices.DeleteFunc(s.Tenant.Users(), func(u graph.User) bool { return !u.Enabled() })
}

// of returns what is planned for the object; the zero planned for nothing.
func of(p *plan.Plan, id string) plan.Object {
	for _, one := range p.Objects {
		if one.Object.ID == id {
			return one
		}
	}
	return plan.Object{}
}

// update edits a user in Entra.
func (s *staged) update(id string, edit func(graph.User)) {
	s.t.Helper()
	if err := s.Tenant.Update(id, edit); err != nil {
		s.t.Fatal(err)
	}
}

func TestAPlanBeforeTheFirstStartCreatesAndAdoptsOnPaper(t *testing.T) {
	t.Parallel()
	s := setup(t, 30)
	p := s.plan(s.planEnviron(), "--all")
	const group, adopted = 1, 2
	want := plan.Summary{
		Create: len(s.enabled()) - adopted + group, Change: adopted,
		Skipped: map[string]int{"is disabled or deleted in Entra and was never provisioned (NotEffectivelyEntitled)": 30 - len(s.enabled())},
	}
	if diff := cmp.Diff(want, p.Summary); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	staff := of(p, s.Tenant.Groups()[0].Text("id"))
	if staff.Members == nil || staff.Members.Added != len(s.enabled()) || staff.WebexID != "" {
		t.Errorf("%+v", staff)
	}
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "first start") {
		t.Errorf("notes %q", p.Notes)
	}
	if entries, err := os.ReadDir(s.DataDir); err != nil || len(entries) > 0 {
		t.Errorf("DATA_DIR has %v, %v", entries, err)
	}
}

// Users are matched by their number before the name. What has it is found by a plan for
// everybody, which lists Webex, by one for that user, which searches it, and by the work
// itself, whatever characters are in it.
func TestAnAccountIsAdoptedByTheNumberAsPlanned(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	const name, number = "o'brien@contoso.example", `4"7\\11`
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	found, err := s.Org.Add(map[string]any{"userName": "o'neill@contoso.example", enterprise: map[string]any{"employeeNumber": number}})
	if err != nil {
		t.Fatal(err)
	}
	id := s.enabled()[0].Text("id")
	s.update(id, func(u graph.User) { u["userPrincipalName"], u["employeeId"] = name, number })
	file := filepath.Join(t.TempDir(), "mine.yaml")
	text := strings.Replace(string(infra.Provisioning()), "- { target: userName, source: userPrincipalName, matching: 1 }",
		"- { target: '"+enterprise+":employeeNumber', source: employeeId, matching: 1 }\n    - { target: userName, source: userPrincipalName, matching: 2 }", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, whom := range []string{"--all", name} {
		if planned := of(s.plan(s.planEnviron("MAPPING_FILE="+file), whom), id); planned.Action != plan.Action(provision.Update) || planned.WebexID != found {
			t.Errorf("plan %s: %s %s: %s", whom, planned.Action, planned.WebexID, planned.Reason)
		}
	}
	p := s.Open("MAPPING_FILE=" + file)
	s.Everybody(p)
	if account := s.Org.Users()[found]; account["userName"] != name || account["externalId"] != id {
		t.Errorf("%v", account)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAPlanAfterARunHasNothingToDo(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 30)
	p := s.plan(s.planEnviron(), "--all")
	s.expect(p, plan.Summary{})
	if n := p.Classes[sweep.InSync]; n != len(s.enabled())+1 || n != p.Summary.Unchanged {
		t.Errorf("%d in sync, %d unchanged", n, p.Summary.Unchanged)
	}
	if out := operate(t, s.planEnviron(), "plan", "All staff"); !strings.Contains(out, "1 unchanged") || !strings.HasSuffix(out, "Nothing was written.\n") {
		t.Error(out)
	}
}

// expect compares what is to be done.
func (s *staged) expect(p *plan.Plan, want plan.Summary) {
	s.t.Helper()
	got := p.Summary
	want.Unchanged, want.Skipped, want.References = got.Unchanged, got.Skipped, got.References
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAPlanTellsLeaversRenamesAndMembers(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 30)
	users := s.enabled()
	blocked, renamed, binned, removed, purged := users[0].Text("id"), users[1].Text("id"), users[2].Text("id"), users[3].Text("id"), users[4].Text("id")
	staff := s.Tenant.Groups()[0].Text("id")
	s.update(blocked, func(u graph.User) { u["accountEnabled"] = false })
	s.update(renamed, func(u graph.User) { u["userPrincipalName"] = "new.name@" + sandbox.Domain })
	hire, err := s.Tenant.Create(graph.User{"userPrincipalName": "hire@" + sandbox.Domain, "displayName": "Hire", "givenName": "H", "surname": "S"})
	if err := errors.Join(err, s.Tenant.Delete(binned), s.Tenant.Delete(purged), s.Tenant.Purge(purged),
		s.Tenant.RemoveMembers(staff, removed), s.Tenant.AddMembers(staff, hire)); err != nil {
		t.Fatal(err)
	}
	p := s.plan(s.planEnviron(), "--all")
	s.expect(p, plan.Summary{Create: 1, Change: 2, Disable: 2, Wait: 1})
	for id, want := range map[string]plan.Action{blocked: "disable", binned: "disable", purged: "wait", renamed: "update", hire: "create", staff: "update"} {
		if one := of(p, id); one.Action != want {
			t.Errorf("%s: %s (%s), want %s", one.Name, one.Action, one.Reason, want)
		}
	}
	if first := p.Objects[0]; first.Action != "disable" {
		t.Errorf("the first is to %s", first.Action)
	}
	if m := of(p, staff).Members; m == nil || m.Added != 1 || m.Removed != 1 {
		t.Errorf("members %+v", m)
	}
	wantNames := []provision.Modified{
		{Attribute: `emails[type eq "work"].value`, Old: users[1].Text("userPrincipalName"), New: "new.name@" + sandbox.Domain},
		{Attribute: "userName", Old: users[1].Text("userPrincipalName"), New: "new.name@" + sandbox.Domain},
	}
	one := s.plan(s.planEnviron(), "new.name@"+sandbox.Domain)
	if diff := cmp.Diff(wantNames, of(one, renamed).Attributes); diff != "" || len(one.Objects) != 1 {
		t.Errorf("-want +got:\n%s", diff)
	}
	if byUserName := of(s.plan(s.planEnviron(), users[1].Text("userPrincipalName")), renamed); byUserName.Action != "update" {
		t.Errorf("by the userName in Webex: %+v", byUserName)
	}
	waiting := 30 - len(users) + 1 // who never had an account, and the hire
	if m := of(s.plan(s.planEnviron(), "All staff"), staff).Members; m == nil || m.Added != 0 || m.Removed != 1 || m.Waiting != waiting {
		t.Errorf("members of one group %+v", m)
	}
	if out := operate(t, s.planEnviron(), "plan", "--all"); !strings.Contains(out, "1 added, 1 removed") || !strings.Contains(out, "1 to create, 2 to change, 2 to disable,") {
		t.Error(out)
	}
}

func TestADeleteThatWaitsForItsSecondReadingIsPlanned(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 10)
	gone := s.enabled()[0].Text("id")
	if err := errors.Join(s.Tenant.Delete(gone), s.Tenant.Purge(gone)); err != nil {
		t.Fatal(err)
	}
	p := s.Open("DELETE_CONFIRM_AFTER=1h")
	word := runtest.Updated(gone)
	word.Deleted = true
	p.Worker.Converge(t.Context(), []change.Change{word})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	planned := s.plan(s.planEnviron(), "--all")
	s.expect(planned, plan.Summary{Delete: 1})
	if one := of(planned, gone); one.Action != "delete" || !strings.HasSuffix(one.Name, "@"+sandbox.Domain) {
		t.Errorf("%+v", one)
	}
}

func TestALostLedgerIsLinkedAgainOnPaper(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 10)
	s.DataDir = t.TempDir()
	s.expect(s.plan(s.planEnviron(), "--all"), plan.Summary{})
}

func TestAPlanTellsWhatWouldFail(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	name := "auditor@" + sandbox.Domain
	id, err := s.Tenant.Create(graph.User{"userPrincipalName": name, "displayName": "Auditor"})
	if err != nil {
		t.Fatal(err)
	}
	former, err := s.Tenant.Create(graph.User{"userPrincipalName": "former@" + sandbox.Domain, "displayName": "Former"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tenant.Delete(former); err != nil { // to the recycle bin, from which it may come back
		t.Fatal(err)
	}
	if _, err := s.Org.Add(map[string]any{"userName": name, "externalId": former, "userType": "user"}); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--all"}, {id}} {
		if one := of(s.plan(s.planEnviron(), args...), id); one.Action != "fail" || !strings.Contains(one.Reason, "another Entra object") {
			t.Errorf("%v: %+v", args, one)
		}
	}
}

func TestAPlanTellsWhatTheGuardWouldHold(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 30)
	for _, u := range s.enabled()[:3] {
		s.update(u.Text("id"), func(u graph.User) { u["accountEnabled"] = false })
	}
	environ := s.planEnviron("GUARD_FLOOR=1", "GUARD_SHARE=0")
	s.expect(s.plan(environ, "--all"), plan.Summary{Disable: 1, Held: 2})
	// And again: the latch was on paper, too.
	s.expect(s.plan(environ, "--all"), plan.Summary{Disable: 1, Held: 2})
	out := operate(t, environ, "plan", "--all")
	if strings.Count(out, "disable (held)") != 2 || !strings.Contains(out, "2 held") {
		t.Error(out)
	}
	protected := s.enabled()[0].Text("id")
	s.update(protected, func(u graph.User) { u["accountEnabled"] = false })
	one := of(s.plan(s.planEnviron("PROTECTED_USERS="+protected), protected), protected)
	if !one.Held || one.Action != "disable" || !strings.Contains(one.Reason, "PROTECTED_USERS") {
		t.Errorf("%+v", one)
	}
}

func TestANameOfSeveralIsListedWithTheirIDs(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	ids := make([]string, 2)
	for i, name := range []string{"o'a", "o'b"} {
		var err error
		if ids[i], err = s.Tenant.Create(graph.User{"userPrincipalName": name + "@" + sandbox.Domain, "displayName": "Pat or O'Hara"}); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string][]string{
		"pat or o'hara":            ids,
		"nobody@contoso.example":   {`"nobody@contoso.example" is nobody's`},
		sandbox.OrgID:              {"neither Entra nor the ledger has"},
		"":                         {"name one user or group, or say --all"},
		"--accounts=x":             {"name one user or group, or say --all"},
		"--accounts=x o'a@contoso": {"--accounts is for --all"},
	} {
		args := []string{"plan"}
		if name != "" {
			args = append(args, strings.SplitN(name, " o'a", 2)...)
		}
		written := exitFailed
		if name == "" || strings.HasPrefix(name, "--") {
			written = exitUsage
		}
		_, errOut, exit := outcome(t, s.planEnviron(), args...)
		for _, w := range want {
			if exit != written || !strings.Contains(errOut, w) {
				t.Errorf("%q: exit code %d, %s; want %q", name, exit, errOut, w)
			}
		}
	}
	if one := of(s.plan(s.planEnviron(), "O'A@"+sandbox.Domain), ids[0]); one.Action != "create" {
		t.Errorf("%+v", one)
	}
}

func TestAPlanTellsATerminalHowFarItIsAndNobodyElse(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	var out, errOut bytes.Buffer
	root := command(s.planEnviron(), terminal.Terminal{Progress: true})
	if exit := carryOut(t.Context(), root, []string{"plan", "--all"}, &out, &errOut); exit != 0 {
		t.Fatal(errOut.String())
	}
	const again = "\r\x1b[K"
	users := fmt.Sprintf("users: %s 0 of %d", strings.Repeat("░", 20), len(s.Tenant.Users()))
	for _, phase := range []string{"reading Webex", "reading groups: 1", users, "groups: " + strings.Repeat("█", 20) + " 1 of 1"} {
		if got := errOut.String(); !strings.Contains(got, again+phase+again) {
			t.Errorf("%q is not told in %q", phase, got)
		}
	}
	if got := errOut.String(); !strings.HasSuffix(got, again) {
		t.Errorf("the line is left: %q", got)
	}
	if _, told, exit := outcome(t, s.planEnviron(), "plan", "--all"); exit != 0 || told != "" {
		t.Errorf("exit code %d: %q is told where there is no terminal", exit, told)
	}
}

// Users are counted for who sees it, and a plan needs no count.
func TestUsersAreCountedForATerminalAlone(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	var counted atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/users/$count") {
			counted.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.Tenant.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	environ := s.planEnviron("GRAPH_URL=" + server.URL)
	operate(t, environ, "plan", "--all")
	if n := counted.Load(); n != 0 {
		t.Errorf("counted %d times where there is no terminal", n)
	}
	var out, errOut bytes.Buffer
	root := command(environ, terminal.Terminal{Progress: true})
	if exit := carryOut(t.Context(), root, []string{"plan", "--all"}, &out, &errOut); exit != 0 || counted.Load() != 1 {
		t.Errorf("exit code %d, counted %d times: %s", exit, counted.Load(), errOut.String())
	}
	if !strings.Contains(errOut.String(), "\r\x1b[Kusers\r") {
		t.Errorf("%q", errOut.String())
	}
}

func TestTheAccountsFileHasEveryClassAndNoFormula(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 10)
	if _, err := s.Tenant.CreateGroup(graph.Group{"displayName": `=HYPERLINK("http://x")`}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "accounts.csv")
	operate(t, s.planEnviron(), "plan", "--all", "--accounts", path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]int{}
	for _, row := range rows[1:] {
		classes[row[0]]++
		for _, cell := range row {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("a cell begins a formula: %s", cell)
			}
		}
	}
	// The sandbox has three accounts and two groups that are nobody's.
	if diff := cmp.Diff(map[string]int{"in sync": len(s.enabled()) + 1, "new": 1, "local": 5}, classes); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestAPlanRefusesTheLedgerOfAnotherTenant(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	before := s.records()
	_, errOut, exit := outcome(t, s.planEnviron("WEBEX_ORG_ID=11111111-1111-4111-8111-111111111111"), "plan", "--all")
	if exit != 1 || !strings.Contains(errOut, "the ledger is bound to") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
	if diff := cmp.Diff(before, s.records()); diff != "" {
		t.Error(diff)
	}
}

func TestARunPlansForItsOperatorWithItsOwnSettings(t *testing.T) {
	t.Parallel()
	s := setup(t, 10)
	p := s.Open()
	s.Everybody(p)
	var served sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	served.Go(func() {
		if err := p.ServeOperators(ctx); err != nil {
			t.Error(err)
		}
	})
	// Nothing of the tenant or the organization is in this environment.
	file := filepath.Join(t.TempDir(), "accounts.csv")
	out := operate(t, []string{"DATA_DIR=" + s.DataDir}, "plan", "--all", "--accounts", file)
	if !strings.Contains(out, "1 to create, 0 to change, 0 to disable, 0 to delete") {
		t.Error(out)
	}
	if data, err := os.ReadFile(file); err != nil || !bytes.Contains(data, []byte("new,group,All staff")) {
		t.Errorf("%s, %v", data, err)
	}
	stop()
	served.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestATextFromOutsideCannotCommandTheTerminal(t *testing.T) {
	t.Parallel()
	p := plan.New()
	p.Add(plan.Object{
		Action: plan.Action(provision.Update), Object: change.Object{Kind: change.User, ID: first}, Name: "a\x1b[31m\nb",
		Attributes: []provision.Modified{{Attribute: "displayName", Old: "x\x07", New: []any{"\x1b]0;t"}}},
	})
	var out bytes.Buffer
	terminal.Terminal{}.Plan(&out, p)
	if got := out.String(); strings.ContainsAny(got, "\x1b\x07") || !strings.Contains(got, "a [31m b") {
		t.Error(got)
	}
}

func TestAPlanFitsATerminalAndBreaksNoWord(t *testing.T) {
	t.Parallel()
	p := plan.New()
	p.Add(plan.Object{
		Action: plan.Action(provision.Removing), Held: true, Object: change.Object{Kind: change.Group, ID: first}, Name: "Everybody in Amsterdam",
		Attributes: []provision.Modified{
			{Attribute: "displayName", Old: "Everybody in the Amsterdam office", New: "Everybody in Amsterdam, and in Rotterdam"},
			{Attribute: "title", Old: "Head"},
			{Attribute: "department", New: "Sales"},
		},
		Members: &plan.Members{Added: 1, Removed: 20, Waiting: 2, Skipped: 3}, Reason: strings.Repeat("altogether ", 30) + "held",
	})
	p.Add(plan.Object{Action: plan.Skip, Object: change.Object{Kind: change.User, ID: second}, Reason: strings.Repeat("never provisioned ", 10)})
	p.Notes = []string{strings.Repeat("there is no ledger ", 10)}
	var out bytes.Buffer
	terminal.Terminal{Colour: true}.Plan(&out, p)
	fits(t, out.String())
	if strings.Contains(out.String(), " \n") {
		t.Errorf("lines are filled up:\n%s", out.String())
	}
	var words []string
	for word := range strings.FieldsSeq(out.String()) {
		if word != "│" {
			words = append(words, word)
		}
	}
	got := strings.Join(words, " ")
	for _, want := range []string{
		"displayName: Everybody in the Amsterdam office → Everybody in Amsterdam, and in Rotterdam title: Head → nothing department: Sales",
		"members: 1 added, 20 removed, 2 waiting for an account, 3 no users altogether", strings.Repeat("altogether ", 30) + "held",
		"0 to look at again, 0 unchanged, 1 skipped. 1 skipped: never provisioned",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
}

func TestATableInShortHidesNothingThatIsTakenAway(t *testing.T) {
	t.Parallel()
	p := plan.New()
	const many = 30
	for range many {
		p.Add(plan.Object{Action: plan.Action(provision.Create)})
		p.Add(plan.Object{Action: plan.Action(provision.Disable), Reason: "leaver"})
		p.Add(plan.Object{Action: plan.Skip, Reason: "why"})
	}
	p.Sort()
	var out bytes.Buffer
	terminal.Terminal{Colour: true}.Plan(&out, p)
	got := out.String()
	if strings.Count(got, "leaver") != many || !strings.Contains(got, "And 10 more to create; ") || !strings.Contains(got, "And 10 more to skip that: why; ") {
		t.Error(got)
	}
}

func TestAPlanForThoseAssignedSkipsTheOthersAndDisablesWhoLeft(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 10)
	users := s.enabled()
	stranger, err := s.Tenant.Create(graph.User{"userPrincipalName": "stranger@" + sandbox.Domain, "displayName": "Stranger"})
	if err != nil {
		t.Fatal(err)
	}
	disabled, err := s.Tenant.Create(graph.User{"userPrincipalName": "gone@" + sandbox.Domain, "displayName": "Gone", "accountEnabled": false})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users[1:] {
		if err := s.Tenant.Assign(u.Text("id"), graph.DefaultAccess); err != nil {
			t.Fatal(err)
		}
	}
	found, err := operations.Open(t.Context(), s.planEnviron(), operatorLog())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := found.Close(); err != nil {
			t.Error(err)
		}
	}()
	settings, err := config.Load(t.Context(), config.Planner, s.planEnviron(), config.Secret)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := app.BuiltIn(t.Context(), &settings)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := plan.Open(t.Context(), settings, rules, found.Operations.(*operator.Operator).Ledger, plan.Watcher{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, application := s.Tenant.EnterpriseApp()
	pl.Engine.Scoping.Application = &scoping.Application{Find: func(context.Context, string) (string, error) { return application, nil }}
	made, err := pl.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.expect(made, plan.Summary{Disable: 1})
	for id, want := range map[string]string{
		stranger:                        "is not assigned to the application",
		disabled:                        "is not assigned to the application", // as the engine says it of one
		s.Tenant.Groups()[0].Text("id"): "is no longer assigned to the application",
	} {
		if one := of(made, id); one.Action != plan.Skip || !strings.Contains(one.Reason, want) {
			t.Errorf("%+v, want %q", one, want)
		}
	}
	if one := of(made, users[0].Text("id")); one.Action != "disable" {
		t.Errorf("%+v", one)
	}
}

// What the mapping redacts, the userName among it, stands in nothing that is printed.
func TestAPlanDoesNotTellWhatTheMappingRedacts(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	user := s.enabled()[0]
	id, name := user.Text("id"), user.Text("userPrincipalName")
	s.update(id, func(u graph.User) { u["jobTitle"] = "Secret" })
	file := written(t, "mine.yaml", strings.NewReplacer(
		"source: userPrincipalName", "expression: 'Redact([userPrincipalName])'",
		"users:\n  mappings:\n", "users:\n  mappings:\n    - { target: title, expression: 'Redact([jobTitle])' }\n",
	).Replace(string(infra.Provisioning())))
	environ := append(s.planEnviron(), "MAPPING_FILE="+file)
	for _, args := range [][]string{{"plan", "--all"}, {"plan", id}, {"mapping", "test", id}} {
		for _, form := range [][]string{nil, {"--json"}} {
			out := operate(t, environ, append(args, form...)...)
			if strings.Contains(out, "Secret") || strings.Contains(out, name) || !strings.Contains(out, id) {
				t.Errorf("%v: %s", append(args, form...), out)
			}
		}
	}
	accounts := filepath.Join(t.TempDir(), "accounts.csv")
	got := of(s.plan(environ, "--all", "--accounts", accounts), id)
	if data, err := os.ReadFile(accounts); err != nil || strings.Contains(string(data), name) || !strings.Contains(string(data), id) {
		t.Errorf("%s, %v", data, err)
	}
	want := []string{`emails[type eq "work"].value`, "title", "userName"}
	for _, m := range got.Attributes {
		if i := slices.Index(want, m.Attribute); i >= 0 && m.New == "[Redact]" {
			want = slices.Delete(want, i, i+1)
		}
	}
	if len(want) > 0 || got.Name != "" {
		t.Errorf("not told to be redacted: %v, of %q", want, got.Name)
	}
}
