package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/migration"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/scoping"
)

// galleryJob is a gallery app's job with that schema, which runs.
func galleryJob(t testing.TB) graph.Synchronization {
	t.Helper()
	schema, err := os.ReadFile(portalSchema)
	if err != nil {
		t.Fatal(err)
	}
	return graph.Synchronization{
		ID: "webex.0f1e2d3c4b5a46978877665544332211.99aabbcc-ddee-4ff0-8122-334455667788", Template: "webex", Schema: schema,
		Secrets: map[string]string{"SyncAll": "false", "BaseAddress": "https://api.ciscospark.com/v1/scim/" + sandbox.OrgID, "SecretToken": "a-secret-that-nobody-sees"},
	}
}

// moving is a tenant that moves in: a gallery app provisioned it, and things happened
// since.
type moving struct {
	*staged

	folder string            // of the files
	assign []string          // the environment that a gallery app's settings are
	made   map[string]string // accounts, by the ids in Entra
	before map[string]map[string]any
}

// person creates somebody whom the filters let pass.
func (m *moving) person(i int) string {
	m.t.Helper()
	name := fmt.Sprintf("person%04d", i)
	id, err := m.Tenant.Create(graph.User{
		"userPrincipalName": name + "@" + sandbox.Domain, "displayName": "Person " + name, "givenName": "Person", "surname": name, "mailNickname": name,
		"mail": name + "@" + sandbox.Domain, "employeeId": fmt.Sprint("E", i), "jobTitle": "Clerk", "department": "Finance", "country": "DE",
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return id
}

// environ is the environment of a process and its operator, with the settings in place
// of the sandbox's.
func (m *moving) environ(more ...string) []string {
	return slices.Concat(m.planEnviron(), m.assign, []string{"GUARD_FLOOR=1000"}, more)
}

// open opens a process that goes by the gallery app's settings.
func (m *moving) open(more ...string) *standalone.Process {
	m.t.Helper()
	return m.OpenWith(func(ctx context.Context) (config.Settings, error) {
		return config.Load(ctx, config.OneProcess, m.environ(more...), config.Secret)
	})
}

// account edits the account of somebody.
func (m *moving) account(of string, edit func(map[string]any)) {
	m.t.Helper()
	if err := m.Org.Edit(m.made[of], edit); err != nil {
		m.t.Fatal(err)
	}
}

// newMoving is a tenant of so many people whom a gallery app has provisioned, by the very
// mapping and filters that it has.
func newMoving(t *testing.T, people int) (m *moving, ids []string) {
	t.Helper()
	m = &moving{staged: setup(t, 4), folder: filepath.Join(t.TempDir(), "migration"), assign: []string{"SCOPE=assigned", "ENTRA_APP_ID=" + sandbox.AppID}, made: map[string]string{}}
	m.Tenant.SetSynchronization(galleryJob(t))
	for i := range people {
		ids = append(ids, m.person(i))
	}
	group, err := m.Tenant.CreateGroup(graph.Group{"displayName": "Webex people"})
	if err != nil {
		t.Fatal(err)
	}
	for some := range slices.Chunk(ids, 20) {
		if err := m.Tenant.AddMembers(group, some...); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Tenant.Assign(group, graph.DefaultAccess); err != nil {
		t.Fatal(err)
	}
	m.provisionedByEntra(ids)
	return m, ids
}

// provisionedByEntra has the accounts and the group be there as the gallery app made them.
func (m *moving) provisionedByEntra(ids []string) {
	m.t.Helper()
	schema, err := synchronization.Decode(galleryJob(m.t).Schema)
	if err != nil {
		m.t.Fatal(err)
	}
	text, _, err := synchronization.Import(schema)
	if err != nil {
		m.t.Fatal(err)
	}
	rules, err := mapping.Parse([]byte(text))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, id := range ids {
		u, err := m.Tenant.User(id)
		if err != nil {
			m.t.Fatal(err)
		}
		made := plan.Try(rules, scoping.Rules{}, scoping.Subject{Kind: change.User, Attributes: maps.Clone(u)}, time.Now())
		if m.made[id], err = m.Org.Add(made.Body); err != nil {
			m.t.Fatal(err)
		}
	}
	if _, err := m.Org.AddGroup(map[string]any{"displayName": "Webex people"}); err != nil {
		m.t.Fatal(err)
	}
}

// rows are those of accounts.csv, without its header.
func (m *moving) rows() [][]string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.folder, "accounts.csv"))
	if err != nil {
		m.t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(rows) == 0 {
		m.t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows[1:]
}

// happened is what happened since a gallery app made these accounts: of some of each
// everything that can. It leaves the rest as they are.
func (m *moving) happened(ids []string) {
	m.t.Helper()
	must := func(err error) {
		if err != nil {
			m.t.Fatal(err)
		}
	}
	next := func(n int) []string { some := ids[:n]; ids = ids[n:]; return some }
	for _, id := range next(150) { // drifted
		m.account(id, func(a map[string]any) { a["title"] = "By hand" })
	}
	for i, id := range next(120) { // of another system, of a former tenant, of nobody
		m.account(id, func(a map[string]any) {
			a["externalId"] = []string{fmt.Sprint("HR-", i), uuid.NewString(), ""}[i%3]
		})
	}
	for _, id := range next(12) { // blocked while the gallery app did not run
		must(m.Tenant.Update(id, func(u graph.User) { u["accountEnabled"], u["department"] = false, "Sales" }))
	}
	for _, id := range next(8) { // out of the filter, and unassigned
		must(m.Tenant.Update(id, func(u graph.User) { u["employeeId"] = nil }))
	}
	group := m.Tenant.Groups()[1].Text("id")
	for _, id := range next(9) {
		must(m.Tenant.RemoveMembers(group, id))
	}
	for i := range 60 { // foreign
		_, err := m.Org.Add(map[string]any{
			"userName": fmt.Sprintf("foreign%d@elsewhere.example", i), "displayName": "Foreign", "userType": "user",
			"externalId": []string{"", "svc", uuid.NewString()}[i%3],
		})
		must(err)
	}
	for i := range 80 { // hired; of some an account has the name, and the id of another who lives
		id := m.person(5000 + i)
		if i < 10 {
			name := fmt.Sprintf("person%04d@%s", 5000+i, sandbox.Domain)
			_, err := m.Org.Add(map[string]any{"userName": name, "displayName": "Clash", "userType": "user", "externalId": m.person(6000 + i)})
			must(err)
		}
		must(m.Tenant.AddMembers(group, id))
	}
}

// content is what of an account can be written, as one text.
func content(a map[string]any) string {
	a = maps.Clone(a)
	delete(a, "meta")
	text, _ := json.Marshal(a) //nolint:errchkjson // it came from JSON
	return string(text)
}

func TestMovingInComesToWhatWasSaidAndClosesNobodyWhoWasNotListed(t *testing.T) {
	t.Parallel()
	if !*moveIn {
		t.Skip("left out: -move-in has 2,000 accounts move in")
	}
	m, ids := newMoving(t, 1900)
	m.happened(ids)
	m.before = m.Org.Users()
	m.Org.Calls.Reset()
	m.Tenant.Calls.Reset()
	out := operate(t, m.environ(), "migrate", "-o", m.folder)
	if m.Org.Calls.Snapshot().Writes() > 0 || m.Tenant.Calls.Snapshot().Writes() > 0 {
		t.Errorf("it wrote: %v, %v", m.Org.Calls.Snapshot(), m.Tenant.Calls.Snapshot())
	}
	if lines := strings.Count(out, "\n"); lines > 24 {
		t.Errorf("%d lines are no one screen:\n%s", lines, out)
	}
	fits(t, out)
	rows := m.rows()
	p := m.switches()
	m.cameTo(rows, p)
}

// switches has the process run that moves in, switches to it, and returns it.
func (m *moving) switches() *standalone.Process {
	m.t.Helper()
	p := m.open("START_PAUSED=true")
	m.serve(p)
	environ := m.environ()
	operate(m.t, environ, "mapping", "apply", filepath.Join(m.folder, "provisioning.yaml"), "--yes")
	if _, errOut, exit := outcome(m.t, environ, "migrate", "--yes"); exit != 1 || !strings.Contains(errOut, "the gallery app's job is active") {
		m.t.Errorf("while the job runs: exit code %d, %s", exit, errOut)
	}
	m.Tenant.StopSynchronization()
	if calls := m.Org.Calls.Snapshot(); calls.Writes() > 0 {
		m.t.Errorf("before it was told to, it wrote: %v", calls)
	}
	operate(m.t, environ, "migrate", "--yes")
	synced := func() bool {
		state, err := p.Sweeps.State(m.t.Context())
		return err == nil && state.Last != nil
	}
	if err := sandbox.Wait(m.t.Context(), 5*time.Minute, synced); err != nil {
		m.t.Fatal(err)
	}
	m.Settle(m.t.Context(), p)
	return p
}

// cameTo compares what was said with what came of it, once what waits for approval has it.
func (m *moving) cameTo(rows [][]string, p *standalone.Process) {
	m.t.Helper()
	held := m.Org.Users()
	operate(m.t, m.environ(), "holds", "approve", "--all")
	closed := func() bool { return !strings.Contains(operate(m.t, m.environ(), "holds"), "disable") }
	if err := sandbox.Wait(m.t.Context(), 3*time.Minute, closed); err != nil {
		m.t.Fatal(err)
	}
	m.Settle(m.t.Context(), p) // a hold ends as the write begins
	after := m.Org.Users()
	byID := map[string]string{} // whose account, by the id that it carries
	for id, a := range after {
		external, _ := a["externalId"].(string)
		byID[external] = id
	}
	said, listed := map[migration.Outcome]int{}, map[string]bool{}
	for _, row := range rows {
		outcome, kind, name, id, webexID := migration.Outcome(row[0]), row[2], row[3], row[4], row[5]
		if kind != string(change.User) {
			continue
		}
		said[outcome]++
		was, is := m.before[webexID], after[webexID]
		listed[webexID] = listed[webexID] || outcome == migration.Disable
		right := true
		switch outcome {
		case migration.Same, migration.Left:
			right = webexID == "" || content(was) == content(is)
		case migration.Change:
			right = content(was) != content(is) && was["active"] == is["active"]
		case migration.Create:
			right = webexID == "" && byID[id] != ""
		case migration.Disable:
			right = was["active"] == true && is["active"] == false && (row[1] == "" || held[webexID]["active"] == true) &&
				strings.HasPrefix(row[8], "is disabled or deleted in Entra; ")
		case migration.Refused, migration.Outside:
			right = byID[id] == "" || webexID != "" && content(was) == content(is)
		}
		if !right {
			m.t.Errorf("%s was said of %s (%s): %s\nbefore %s\nafter  %s", outcome, name, row[8], row[7], content(was), content(is))
		}
	}
	for id, a := range after {
		if a["active"] == false && m.before[id]["active"] != false && !listed[id] {
			m.t.Errorf("%v was closed and not listed", a["userName"])
		}
	}
	if n := len(after) - len(m.before); n != said[migration.Create] {
		m.t.Errorf("%d were created, %d were said", n, said[migration.Create])
	}
	want := map[migration.Outcome]int{
		migration.Same: 1900 - 150 - 120 - 12 - 8 - 9, migration.Change: 150 + 120, migration.Create: 70, migration.Disable: 12,
		migration.Refused: 10, migration.Left: 60 + 5 + 8 + 9 + 10, migration.Outside: 2, // two more have a namesake in Webex
	}
	if diff := cmp.Diff(want, said); diff != "" {
		m.t.Errorf("users (-want +said):\n%s", diff)
	}
}

// moved is a tenant of few that moves in.
func moved(t *testing.T) *moving {
	t.Helper()
	m, _ := newMoving(t, 4)
	return m
}

func TestAJobThatMayNotBeReadIsToldWithWhatToDoInstead(t *testing.T) {
	t.Parallel()
	m := moved(t)
	m.Tenant.Grant([]string{"User.Read.All", "Group.Read.All", "Organization.Read.All", "Application.Read.All", "Directory.Read.All"})
	for _, want := range []string{"needs the application permission Synchronization.Read.All", "--schema FILE"} {
		if _, errOut, exit := outcome(t, m.environ(), "migrate", "-o", m.folder); exit != 1 || !strings.Contains(errOut, want) {
			t.Errorf("exit code %d, %s; want %q", exit, errOut, want)
		}
	}
	out := operate(t, m.environ(), "migrate", "-o", m.folder, "--schema", portalSchema, "--scope", "assigned")
	if !strings.Contains(out, "the same              │     4") || !strings.Contains(out, "whether the gallery app's job rests is not known") {
		t.Error(out)
	}
	settings, err := os.ReadFile(filepath.Join(m.folder, "settings.env"))
	if err != nil || !strings.Contains(string(settings), "\nSCOPE=assigned\n") {
		t.Errorf("%s, %v", settings, err)
	}
}

func TestWhatStandsAgainstTheBeginningIsToldAtOnceAndCanBeMeant(t *testing.T) {
	t.Parallel()
	m := moved(t)
	m.assign = []string{"ENTRA_APP_ID=" + sandbox.AppID} // and everybody in scope
	p := m.open("START_PAUSED=true")
	m.serve(p)
	_, errOut, exit := outcome(t, m.environ(), "migrate", "--yes")
	for _, want := range []string{"the gallery app's job is active", "SCOPE is all here and was assigned in the gallery app", "mapping in force is the one that is built in", "--on-purpose"} {
		if exit != 1 || !strings.Contains(errOut, want) {
			t.Errorf("exit code %d, %s; want %q", exit, errOut, want)
		}
	}
	if out := operate(t, m.environ(), "migrate", "--yes", "--on-purpose"); !strings.Contains(out, "webex goes on") {
		t.Error(out)
	}
	if _, errOut, exit := outcome(t, m.environ(), "migrate", "--yes", "--on-purpose"); exit != 1 || !strings.Contains(errOut, "webex is not paused, and is written already") {
		t.Errorf("a second time: exit code %d, %s", exit, errOut)
	}
}

// Half a filter has all actions be off: to begin so would leave leavers in.
func TestNothingBeginsByAMappingThatWritesNobody(t *testing.T) {
	t.Parallel()
	m := moved(t)
	operate(t, m.environ(), "migrate", "-o", m.folder)
	file := filepath.Join(m.folder, "provisioning.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	off := strings.Replace(string(text), "\nusers:\n", "\nusers:\n  actions: { create: false, update: false, delete: false }\n", 1)
	if err := os.WriteFile(file, []byte(off), 0o600); err != nil || off == string(text) {
		t.Fatal(err)
	}
	m.Tenant.StopSynchronization()
	m.serve(m.open("START_PAUSED=true"))
	operate(t, m.environ(), "mapping", "apply", file, "--yes")
	if _, errOut, exit := outcome(t, m.environ(), "migrate", "--yes"); exit != 1 || !strings.Contains(errOut, "all actions for users off") || strings.Contains(errOut, ";") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
	var done operator.Resumed
	if out := operate(t, m.environ(), "migrate", "--yes", "--on-purpose", "--json"); json.Unmarshal([]byte(out), &done) != nil || done.Was == nil {
		t.Error(out)
	}
}

func TestAnApplicationWithoutAJobIsLookedAtUnderTheMappingInForce(t *testing.T) {
	t.Parallel()
	m := &moving{staged: setup(t, 4), folder: filepath.Join(t.TempDir(), "m"), assign: []string{"ENTRA_APP_ID=" + sandbox.AppID}}
	out := operate(t, m.environ(), "migrate", "-o", m.folder)
	for _, want := range []string{"has no provisioning job", "accounts are compared under the mapping in force", "1 with none, 1 with another system's"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if _, err := os.Stat(filepath.Join(m.folder, "provisioning.yaml")); err == nil {
		t.Error("a mapping was written that nobody has")
	}
	p := m.open("START_PAUSED=true")
	m.serve(p)
	if _, errOut, exit := outcome(t, m.environ(), "migrate", "--yes"); exit != 1 || !strings.Contains(errOut, "turn Directory Connector, or a former tenant's job, off. If that is meant so, say --on-purpose") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
	if out := operate(t, m.environ(), "migrate", "--yes", "--on-purpose"); !strings.Contains(out, "webex goes on") {
		t.Error(out)
	}
}

func TestAMappingThatWasEditedIsNotOverwritten(t *testing.T) {
	t.Parallel()
	m := moved(t)
	operate(t, m.environ(), "migrate", "-o", m.folder)
	operate(t, m.environ(), "migrate", "-o", m.folder) // which makes the same
	file := filepath.Join(m.folder, "provisioning.yaml")
	text, err := os.ReadFile(file)
	if err != nil || os.WriteFile(file, append(text, "# mine\n"...), 0o600) != nil {
		t.Fatal(err)
	}
	if out, errOut, exit := outcome(t, m.environ(), "migrate", "-o", m.folder); exit != 1 || !strings.Contains(errOut, "is there already and is another one") || !strings.Contains(out, "The files were not written.") {
		t.Errorf("exit code %d, %s%s", exit, out, errOut)
	}
	operate(t, m.environ(), "migrate", "-o", m.folder, "--mapping", file)
	var report migration.Report
	if err := json.Unmarshal([]byte(operate(t, m.environ(), "migrate", "--json", "--mapping", file)), &report); err != nil || !strings.HasSuffix(report.Mapping, "# mine\n") {
		t.Errorf("%v, %s", err, report.Mapping)
	}
}

func TestASecretOfTheGalleryAppIsNeverTold(t *testing.T) {
	t.Parallel()
	m := moved(t)
	if out := operate(t, m.environ(), "migrate", "--json"); strings.Contains(out, "secret-that-nobody") || !strings.Contains(out, `"syncAll":false`) {
		t.Error(out)
	}
}

func TestWhomTheMappingHasNoValuesForIsToldByName(t *testing.T) {
	t.Parallel()
	m := moved(t)
	id := m.person(77)
	m.update(id, func(u graph.User) { u["givenName"], u["surname"] = nil, nil })
	if err := m.Tenant.Assign(id, graph.DefaultAccess); err != nil {
		t.Fatal(err)
	}
	operate(t, m.environ(), "migrate", "-o", m.folder)
	rows := slices.DeleteFunc(m.rows(), func(row []string) bool { return row[4] != id })
	if len(rows) != 1 || rows[0][0] != string(migration.Refused) || rows[0][3] != "person0077@"+sandbox.Domain || !strings.Contains(rows[0][8], "has no value for givenName, surname") {
		t.Errorf("%q", rows)
	}
}

// Who was back at the gallery app for a while sees what it did meanwhile.
func TestWhatWasChangedInWebexSinceIsToldAndHasItsAccount(t *testing.T) {
	t.Parallel()
	m, ids := newMoving(t, 3)
	operate(t, m.environ(), "migrate", "-o", m.folder)
	m.switches()
	operate(t, m.environ(), "pause", "webex", "--why", "back to the gallery app")
	m.account(ids[0], func(a map[string]any) { a["title"] = "By the gallery app" })
	operate(t, m.environ(), "migrate", "-o", m.folder)
	want := map[string]migration.Outcome{ids[0]: migration.Left, ids[1]: migration.Same, ids[2]: migration.Same}
	for _, row := range m.rows() {
		outcome, name, id, webexID, reason := row[0], row[3], row[4], row[5], row[8]
		if kept := name == "Webex people" || m.made[id] != ""; kept && webexID == "" {
			t.Errorf("%s has no account: %q", name, row)
		}
		if is, known := want[id]; known && (outcome != string(is) || (is == migration.Left) != strings.Contains(reason, "was changed in Webex since")) {
			t.Errorf("%s is %s: %s; want %s", name, outcome, reason, is)
		}
	}
}

func TestAFilterThatCannotBeHadIsSaidToSwitchEverythingOff(t *testing.T) {
	t.Parallel()
	m := moved(t)
	job := galleryJob(t)
	job.Schema = bytes.Replace(job.Schema, []byte("^(DE|AT)$"), []byte("^(?=DE)"), 1)
	m.Tenant.SetSynchronization(job)
	out := strings.Join(strings.Fields(operate(t, m.environ(), "migrate", "-o", m.folder)), " ")
	for _, want := range []string{"Note: users: all are off, since a part of the filter is missing", "which is .NET's alone"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, row := range m.rows() {
		if row[3] == "Webex people" && !strings.Contains(row[7], "members: 4 added") {
			t.Errorf("who comes into the group is not told: %q", row)
		}
	}
}
