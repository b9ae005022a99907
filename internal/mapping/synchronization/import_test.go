package synchronization_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"entrawebex/internal/change"
	"entrawebex/internal/golden"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/scoping"
)

func read(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// imported is the mapping file that is made of a schema, which can be read.
func imported(t testing.TB, data string) (string, []synchronization.Finding) {
	t.Helper()
	schema, err := synchronization.Decode([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	text, findings, err := synchronization.Import(schema)
	if err != nil {
		t.Fatal(err)
	}
	parsed(t, text)
	return text, findings
}

func parsed(t testing.TB, text string) mapping.Rules {
	t.Helper()
	rules, err := mapping.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return rules
}

func listed(findings []synchronization.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", f.Outcome, f.Object, f.Attribute, f.Text)
	}
	return b.String()
}

// people are users of Entra as Graph shows them: with all attributes, with none that
// may be null, a contractor, and one who is blocked.
func people() map[string]map[string]any {
	ada := func() map[string]any {
		return map[string]any{
			"objectId": "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607", "id": "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607",
			"userPrincipalName": "ada@example.com", "mail": "ada@example.com", "accountEnabled": true, "IsSoftDeleted": false,
			"givenName": "Adä", "surname": "Lovelace", "displayName": "Ada", "mailNickname": "ADA", "jobTitle": "Analyst",
			"employeeType": "Employee", "department": "Sales", "companyName": "Engines", "country": "DE",
			"streetAddress": "St. James's Square 12", "mobilePhone": "+44 20 7946 0000", "employeeId": "N 1815 x", "preferredLanguage": "en-GB",
			"manager": "b5717a4a-0169-43b2-ac3c-db20ba4e72cd",
		}
	}
	of := func(changes map[string]any) map[string]any {
		user := ada()
		maps.Copy(user, changes)
		return user
	}
	return map[string]map[string]any{
		"all": ada(),
		"nulls": of(map[string]any{
			"surname": nil, "jobTitle": nil, "department": nil, "companyName": nil, "country": nil, "streetAddress": nil,
			"mobilePhone": nil, "employeeId": nil, "preferredLanguage": nil, "manager": nil,
		}),
		"contractor": of(map[string]any{
			"employeeType": "Contractor", "department": nil, "companyName": "Rivals, Inc.", "employeeId": nil,
			"userPrincipalName": "ada@contractors.example.com",
		}),
		"blocked":      of(map[string]any{"accountEnabled": false, "IsSoftDeleted": true, "department": "Support", "employeeId": "7"}),
		"without name": of(map[string]any{"givenName": nil, "surname": nil}),
	}
}

// body is what Webex is told of somebody who is created, and of somebody who is there.
func body(rules mapping.Mapping, user map[string]any) map[string]any {
	created, refused := rules.MapNew(user)
	kept, failed := rules.Map(user)
	return map[string]any{
		"created": rules.Resource(created), "refused": fmt.Sprint(refused), "kept": rules.Resource(kept), "failed": fmt.Sprint(failed),
	}
}

// The portal's schema has 20 mappings of users, 10 of them expressions, and 3 filters.
func TestAPortalsSchemaGivesTheBodiesOfTheFileByHand(t *testing.T) {
	t.Parallel()
	text, _ := imported(t, read(t, "testdata/portal.json"))
	got, want := parsed(t, text), parsed(t, read(t, "testdata/provisioning.yaml"))
	outcomes := map[scoping.Outcome]int{}
	for name, user := range people() {
		if diff := cmp.Diff(body(want.Users, user), body(got.Users, user)); diff != "" {
			t.Errorf("%s (-by hand +imported):\n%s", name, diff)
		}
		subject := scoping.Subject{Kind: change.User, Attributes: user}
		outcome := want.Filters().Users.Evaluate(subject)
		outcomes[outcome]++
		if got := got.Filters().Users.Evaluate(subject); got != outcome {
			t.Errorf("the filter %s for %s, and %s by hand", got, name, outcome)
		}
	}
	if outcomes[scoping.Holds] == 0 || outcomes[scoping.Fails] == 0 {
		t.Errorf("the filter lets all or none pass: %v", outcomes)
	}
	team := map[string]any{"objectId": "1", "id": "1", "displayName": "All staff", "securityEnabled": true}
	if diff := cmp.Diff(body(want.Groups, team), body(got.Groups, team)); diff != "" {
		t.Errorf("group (-by hand +imported):\n%s", diff)
	}
	if diff := cmp.Diff(want.Select(), got.Select()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatBecameOfEachLineIsSaid(t *testing.T) {
	t.Parallel()
	data := read(t, "testdata/portal.json")
	text, findings := imported(t, data)
	got := listed(findings)
	golden.Is(t, "testdata/findings.txt", got)
	for _, f := range lines(t, data) {
		there := strings.Contains(text, "target: "+f+",") || strings.Contains(text, "target: '"+f+"',")
		said := strings.Contains(got, "| "+f+" |")
		taken := strings.Contains("\n"+got, "\ntaken over | users | "+f+" |") || strings.Contains("\n"+got, "\ntaken over | groups | "+f+" |")
		if !said || taken && !there {
			t.Errorf("%s: said %t, taken over %t, in the file %t", f, said, taken, there)
		}
	}
}

// lines are the target attributes of a schema.
func lines(t *testing.T, data string) (targets []string) {
	t.Helper()
	var schema struct {
		Rules []struct {
			Mappings []struct {
				Lines []struct {
					Target string `json:"targetAttributeName"`
				} `json:"attributeMappings"`
			} `json:"objectMappings"`
		} `json:"synchronizationRules"`
	}
	if err := json.Unmarshal([]byte(data), &schema); err != nil {
		t.Fatal(err)
	}
	for _, m := range schema.Rules[0].Mappings {
		for _, l := range m.Lines {
			targets = append(targets, l.Target)
		}
	}
	return targets
}

func TestASchemaIsFoundInWhatGraphAndPowerShellWrapItIn(t *testing.T) {
	t.Parallel()
	data := read(t, "testdata/portal.json")
	want, _ := imported(t, data)
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, wrapped := range map[string]string{
		"an answer of Graph":     `{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata", ` + strings.TrimPrefix(strings.TrimSpace(data), "{"),
		"the value of an answer": `{"value": ` + data + `}`,
		"a list of templates":    `{"value": [{"id": "webex", "default": true, "schema": ` + data + `}]}`,
		"a template":             `{"id": "webex", "schema": ` + data + `}`,
		"PowerShell's names":     strings.NewReplacer(`"synchronizationRules"`, `"SynchronizationRules"`, `"source"`, `"Source"`, `"scope"`, `"Scope"`).Replace(data),
		"PowerShell's UTF-16":    utf16,
		"UTF-8 with its mark":    "\ufeff" + data,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, _ := imported(t, wrapped); got != want {
				t.Error(cmp.Diff(want, got))
			}
		})
	}
}

func TestWhatIsNoSchemaIsRefused(t *testing.T) {
	t.Parallel()
	schema := func(rules string) string { return `{"synchronizationRules": [` + rules + `]}` }
	for _, test := range []struct{ name, data, want string }{
		{"nothing", "", "holds 0 synchronization schemas"},
		{"a mapping file", "version: 1\n", "this is not JSON"},
		{"another object", `{"value": [{"id": "a"}]}`, "holds 0 synchronization schemas"},
		{"two templates", `{"value": [{"schema": ` + schema("") + `}, {"schema": ` + schema("") + `}]}`, "holds 2 synchronization schemas"},
		{"another type", schema(`{"objectMappings": 5}`), "synchronizationRules.objectMappings is number"},
		{"nobody", schema(`{"objectMappings": [{"sourceObjectName": "AppRoleAssignment"}]}`), "maps neither users nor groups"},
		{"into Entra", schema(`{"targetDirectoryName": "Azure Active Directory", "objectMappings": [{"sourceObjectName": "User"}]}`), "maps neither users nor groups"},
		{"too long", strings.Repeat(" ", 33<<20), "at most 33554432 are read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := synchronization.Decode([]byte(test.data))
			if err == nil {
				_, _, err = synchronization.Import(s)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
