package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/golden"
	"entrawebex/internal/plan"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

// isGolden compares what a command prints with a file of testdata.
func isGolden(t *testing.T, name, got string) {
	t.Helper()
	fits(t, got)
	golden.Is(t, filepath.Join("testdata", name), got)
}

// elaborate is a mapping file with each kind of line, and a filter of two groups.
func elaborate(t *testing.T) string {
	t.Helper()
	return written(t, "elaborate.yaml", strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n", `users:
  scope:
    - - { attribute: department, operator: EQUALS, value: Sales }
      - { attribute: employeeId, operator: IS NOT NULL }
    - - { attribute: jobTitle, operator: Includes, value: Countess }
  mappings:
    - { target: title, source: jobTitle, default: Employee }
    - { target: nickName, expression: 'IIF(IsPresent([mailNickname]), [mailNickname], ToLower(Left([displayName], 3)))', apply: creation }
    - { target: timezone, expression: 'Append(Redact([department]), "x")' }
    - { target: profileUrl, expression: 'IgnoreFlowIfNullOrEmpty([officeLocation])' }
    - { target: locale, source: preferredLanguage, whenNull: clear }
`, 1))
}

// written is a file of that name and text.
func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// lady is a user as Graph shows one: a null, what is not shown, several blanks, what no
// terminal may be told, and a line that is too long.
const lady = `{
	"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
	"id": "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607", "userPrincipalName": "ada@contoso.example", "accountEnabled": true,
	"displayName": "Ada   King\u202e\u001b[2J, Countess of Lovelace, née Byron, mathematician and writer", "surname": null,
	"department": "Sales", "employeeId": null, "jobTitle": "Countess"
}`

func TestAMappingIsTestedOnAFile(t *testing.T) {
	t.Parallel()
	// No account, no ledger.
	environ := []string{"DATA_DIR=" + t.TempDir()}
	user := written(t, "ada.json", lady)
	isGolden(t, "mapping-test-file.txt", operate(t, environ, "mapping", "test", user, "--mapping", elaborate(t)))
	var made plan.Trial
	if err := json.Unmarshal([]byte(operate(t, environ, "mapping", "test", user, "--json")), &made); err != nil {
		t.Fatal(err)
	}
	if made.Body["displayName"] != "Ada   King\u202e\x1b[2J, Countess of Lovelace, née Byron, mathematician and writer" || made.Body["title"] != nil || made.Body["active"] != true {
		t.Errorf("by what is built in: %v", made.Body)
	}
	group := written(t, "all.json", `{"id":"5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608","displayName":"All","securityEnabled":false}`)
	if out := operate(t, environ, "mapping", "test", group); !strings.Contains(out, "Verdict: skip, since the group is not security-enabled") {
		t.Error(out)
	}
	environ = append(environ, "MAPPING_FILE="+elaborate(t))
	if out := operate(t, environ, "mapping", "test", user); !strings.Contains(out, "│ nickName ") {
		t.Error(out)
	}
}

func TestAMappingIsTestedOnATenant(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	id, err := s.Tenant.Create(graph.User{
		"userPrincipalName": "ada@" + sandbox.Domain, "displayName": "Ada King", "givenName": "Ada", "department": "Sales", "jobTitle": "Countess",
	})
	if err != nil {
		t.Fatal(err)
	}
	before := s.records()
	s.Org.Calls.Reset()
	s.Tenant.Calls.Reset()
	for _, name := range []string{"ADA@" + sandbox.Domain, id} {
		out := operate(t, s.planEnviron(), "mapping", "test", name, "--mapping", elaborate(t))
		isGolden(t, "mapping-test-tenant.txt", strings.ReplaceAll(out, id, "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"))
	}
	if n := len(s.Org.Calls.Snapshot()); n > 0 || s.Tenant.Calls.Snapshot().Writes() > 0 {
		t.Errorf("%v, %v", s.Org.Calls.Snapshot(), s.Tenant.Calls.Snapshot())
	}
	if diff := cmp.Diff(before, s.records()); diff != "" {
		t.Errorf("the ledger has changed: %s", diff)
	}
	if out := operate(t, s.planEnviron(), "mapping", "test", "All staff"); !strings.Contains(out, "Verdict: provision\n") || !strings.Contains(out, "core:2.0:Group") {
		t.Error(out)
	}
	if err := s.Tenant.Assign(id, graph.DefaultAccess); err != nil {
		t.Fatal(err)
	}
	// Of two settings the later one counts.
	assigned := append(s.planEnviron(), "SCOPE=assigned", "ENTRA_APP_ID="+sandbox.AppID)
	for name, want := range map[string]string{id: "Verdict: provision\n", "All staff": "Verdict: skip, since the group is no longer assigned to the application"} {
		if out := operate(t, assigned, "mapping", "test", name); !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}

func TestAMappingIsTestedOnALeaver(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	blocked, binned, purged := s.enabled()[0].Text("id"), s.enabled()[1].Text("id"), s.enabled()[2].Text("id")
	s.update(blocked, func(u graph.User) { u["accountEnabled"] = false })
	if err := errors.Join(s.Tenant.Delete(binned), s.Tenant.Delete(purged), s.Tenant.Purge(purged)); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		blocked: "Verdict: deactivate, since the user is disabled or deleted in Entra\nIt would not be created now. The body, if it were:\n{\n  \"active\": false,\n",
		binned:  "Note: it is in Entra's recycle bin,",
	} {
		if out := operate(t, s.planEnviron(), "mapping", "test", id); !strings.Contains(out, want) || strings.Contains(out, "The body that creates it") {
			t.Errorf("no %q in %s", want, out)
		}
	}
	_, errOut, exit := outcome(t, s.planEnviron(), "mapping", "test", purged)
	if want := "entrawebex: there is nothing to map: Entra has user " + purged + " neither among the living nor in the recycle bin\n"; exit != 1 || errOut != want {
		t.Errorf("exit %d: %s", exit, errOut)
	}
}

func TestWhatCannotBeTestedIsToldInASentence(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	wrong := written(t, "wrong.yaml", "version: 2\n")
	none := written(t, "none.json", "[]")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"nobody@contoso.example"}, `"nobody@contoso.example" is nobody's userPrincipalName, mail, userName or displayName: give the name as a whole, or an id of Entra or Webex` + "\n"},
		{[]string{""}, "name one user or group\n"},
		{[]string{"nobody@contoso.example", "--mapping", wrong}, wrong + ":1:"},
		{[]string{none}, none + ": it is no JSON object"},
		{[]string{written(t, "ada.json", lady), "--mapping", wrong}, wrong + ":1:"},
		{[]string{"missing.json"}, "open missing.json: "},
	} {
		out, errOut, exit := outcome(t, s.planEnviron(), append([]string{"mapping", "test"}, test.args...)...)
		if exit != 1 || out != "" || !strings.HasPrefix(errOut, "entrawebex: "+test.want) {
			t.Errorf("%v: exit %d: %s%s", test.args, exit, out, errOut)
		}
	}
}

// A process that serves both sides is asked, and the mapping in force is meant.
func TestAMappingIsTestedWhileARunHasTheFile(t *testing.T) {
	t.Parallel()
	s := served(t, 4)
	file := titled(t)
	operate(t, s.environ, "mapping", "apply", file, "--yes")
	name := s.enabled()[0].Text("userPrincipalName")
	for _, args := range [][]string{{name}, {written(t, "ada.json", lady)}} {
		if out := operate(t, s.environ, append([]string{"mapping", "test"}, args...)...); !strings.Contains(out, "│ title ") || !strings.Contains(out, "active") {
			t.Errorf("%v: %s", args, out)
		}
	}
	other := append([]string{"ENTRA_TENANT_ID=99999999-6d4d-4958-8b9f-9d6445542f95", "WEBEX_ORG_ID=" + sandbox.OrgID}, "DATA_DIR="+s.DataDir)
	if _, errOut, exit := outcome(t, other, "mapping", "test", name); exit != 1 || !strings.HasPrefix(errOut, "entrawebex: the ledger is bound to ") {
		t.Errorf("exit %d: %s", exit, errOut)
	}
}

func TestAManagerIsTestedByTheAccount(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	file := written(t, "managers.yaml", strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
		"users:\n  mappings:\n    - { target: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager', source: manager }\n", 1))
	people := s.enabled()
	report, manager := people[0].Text("id"), people[1].Text("id")
	late, err := s.Tenant.Create(graph.User{"userPrincipalName": "late@contoso.example", "displayName": "Late"})
	if err != nil {
		t.Fatal(err)
	}
	account := ""
	for id, a := range s.Org.Users() {
		if a["externalId"] == manager {
			account = id
		}
	}
	for _, test := range []struct{ manager, has, hasNot string }{
		{"", "left alone", "Note: the manager"},
		{manager, "the manager in Entra is user " + manager + ", whose account in Webex is " + account, `"value": "` + manager},
		{late, "the manager in Entra is user " + late + ", who has no account in Webex", `"manager": {`},
	} {
		if err := s.Tenant.SetManager(report, test.manager); err != nil {
			t.Fatal(err)
		}
		out := operate(t, s.planEnviron(), "mapping", "test", report, "--mapping", file)
		if plain := strings.Join(strings.Fields(out), " "); !strings.Contains(plain, test.has) || strings.Contains(plain, test.hasNot) {
			t.Errorf("want %q and no %q in %s", test.has, test.hasNot, out)
		}
	}
	shown := written(t, "ada.json", strings.Replace(lady, `"id": "5b`, `"manager": {"id": "`+manager+`"}, "id": "5b`, 1))
	out := operate(t, s.planEnviron(), "mapping", "test", shown, "--mapping", file)
	if want := "of a file the manager is by the id that Entra has"; !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
		t.Errorf("no %q in %s", want, out)
	}
}
