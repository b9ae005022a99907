package synchronization_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/mapping/synchronization"
)

// exported is the schema that is made of a mapping file.
func exported(t testing.TB, text string) (string, []synchronization.Finding) {
	t.Helper()
	schema, findings, err := synchronization.Export("provisioning.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(schema), findings
}

// withLine is a mapping file with a line for users, behind what is needed.
func withLine(line string) string {
	return strings.Replace(string(infra.Provisioning()), "    - { target: displayName, source: displayName }\n", "    - "+line+"\n", 1)
}

func withScope(scope string) string {
	return strings.Replace(string(infra.Provisioning()), "users:\n", "users:\n  scope:\n"+scope, 1)
}

func TestWhatIsExportedAndImportedSaysTheSame(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"the default":               string(infra.Provisioning()),
		"the file by hand":          read(t, "testdata/provisioning.yaml"),
		"a default value":           withLine(`{ target: title, source: jobTitle, default: 'it''s "the" \ boss: #1' }`),
		"a required one":            withLine(`{ target: title, source: jobTitle, required: true, default: x, defaultWhen: always }`),
		"creation alone":            withLine(`{ target: title, source: jobTitle, apply: creation }`),
		"a constant":                withLine(`{ target: title, constant: 'say "hi" to C:\x' }`),
		"a constant on creation":    withLine(`{ target: title, constant: "True", apply: creation }`),
		"an expression of escapes":  withLine(`{ target: title, expression: 'Append("\\ \"", [jobTitle])' }`),
		"an expression on creation": withLine(`{ target: title, expression: 'ToUpper([jobTitle])', apply: creation, default: A }`),
		"false":                     withLine(`{ target: 'emails[type eq "home"].primary', constant: false }`),
		"some actions":              strings.Replace(string(infra.Provisioning()), "users:\n", "users:\n  actions: { create: true, update: true, delete: false }\n", 1),
		"no action":                 strings.Replace(string(infra.Provisioning()), "users:\n", "users:\n  actions: { create: false, update: false, delete: false }\n", 1),
		"a filter": withScope("    - - { attribute: department, operator: EQUALS, value: 'Sales, \"EMEA\"' }\n" +
			"      - { attribute: employeeId, operator: IS NOT NULL }\n    - - { attribute: mail, operator: REGEX MATCH, value: '^\\w+@' }\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema, _ := exported(t, text)
			again, _ := imported(t, schema)
			want, got := parsed(t, text), parsed(t, again)
			if want.Users.Sum() != got.Users.Sum() || want.Groups.Sum() != got.Groups.Sum() {
				t.Errorf("it is another:\n%s\nof\n%s", again, schema)
			}
		})
	}
}

// The titles of filters go with it, as comments.
func TestAnImportExportedAndImportedIsTheSameFile(t *testing.T) {
	t.Parallel()
	text, _ := imported(t, read(t, "testdata/portal.json"))
	schema, _ := exported(t, text)
	again, _ := imported(t, schema)
	if diff := cmp.Diff(text, again); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(again, "    # Whoever has a number\n") || !strings.Contains(again, "  scope:\n    # Sales in Germany and Austria\n") {
		t.Errorf("the titles are lost:\n%s", again)
	}
}

// Each case is a mapping file, a part of the schema that is made of it, and what is
// said of that.
func TestWhatAnExportCannotSayIsListed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, has        string
		outcome, about, saying string
	}{
		{
			"a direct mapping", string(infra.Provisioning()), `"expression": "[surname]"`,
			"taken over", "name.familyName", "[surname]",
		},
		{
			"a default that always applies", withLine("{ target: title, source: jobTitle, default: x, defaultWhen: always }"), `"defaultValue": "x"`,
			"differs", "title", "for creation alone",
		},
		{
			"a default that always applies to what is required", withLine("{ target: title, source: jobTitle, required: true, default: x, defaultWhen: always }"), `"defaultValue": "x"`,
			"taken over", "title", "[jobTitle]",
		},
		{
			"a boolean", string(infra.Provisioning()), `"name": "True"`,
			"taken over", `emails[type eq "work"].primary`, `"True"`,
		},
		{
			"a constant with a backslash", withLine(`{ target: title, constant: 'a\b' }`), `"expression": "\"a\\\\b\""`,
			"taken over", "title", `"a\\b"`,
		},
		{
			"null that clears", withLine("{ target: title, source: jobTitle, whenNull: clear }"), `"name": "jobTitle"`,
			"differs", "title", "Entra clears nothing",
		},
		{
			"Graph's name", withLine("{ target: title, expression: 'ToUpper([mobilePhone])' }"), `"expression": "ToUpper([mobilePhone])"`,
			"differs", "title", "Entra's name of mobilePhone is mobile",
		},
		{
			"Graph's name in a filter", withScope("    - - { attribute: officeLocation, operator: IS NULL }\n"), `"operatorName": "IS NULL"`,
			"differs", "scope", "is physicalDeliveryOfficeName",
		},
		{
			"a filter that Entra lacks", withScope("    - - { attribute: userType, operator: EQUALS, value: Member }\n"), `"Member"`,
			"differs", "scope", "does not filter by userType",
		},
		{
			"a filter by a date", withScope("    - - { attribute: employeeHireDate, operator: Greater_Than, value: 2026-01-31 }\n"), `"2026-01-31"`,
			"differs", "scope", "compares integers alone",
		},
		{
			"a filter by membership", withScope("    - - { attribute: department, operator: IS NULL }\n      - { attribute: memberOf, operator: IsMemberOf, value: 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607 }\n" +
				"    - - { attribute: city, operator: IS NULL }\n"),
			`"groups": [
              {
                "name": "",
                "clauses": [
                  {
                    "operatorName": "IS NULL",
                    "sourceOperandName": "city",`,
			"not taken over", "scope", "assign 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607 to the enterprise application there",
		},
		{
			"a filter by membership alone", withScope("    - - { attribute: transitiveMemberOf, operator: IsMemberOf, value: 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607 }\n"),
			`"enabled": false`,
			"differs", "actions", "without it others would be in scope",
		},
		{
			"no action", strings.Replace(string(infra.Provisioning()), "users:\n", "users:\n  actions: { create: false, update: false, delete: false }\n", 1),
			`"enabled": false`, "taken over", "actions", "disabled",
		},
		{
			"functions", string(infra.Provisioning()), `"name": "Not"`,
			"differs", "", "parseExpression",
		},
		{
			"members", string(infra.Provisioning()), `"targetAttributeName": "members"`,
			"differs", "members", "added",
		},
		{
			"an expression that is an attribute", withLine("{ target: title, expression: ' [jobTitle] ' }"), `"expression": "[jobTitle]"`,
			"taken over", "title", "[jobTitle]",
		},
		{
			"an expression that is a text", withLine(`{ target: title, expression: '"a (\"b\")"' }`), `"name": "a (\"b\")"`,
			"taken over", "title", `"a (\"b\")"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			schema, findings := exported(t, test.text)
			if !strings.Contains(schema, test.has) {
				t.Errorf("no %s in\n%s", test.has, schema)
			}
			if !slices.ContainsFunc(findings, func(f synchronization.Finding) bool {
				return f.Outcome.String() == test.outcome && f.Attribute == test.about && strings.Contains(f.Text, test.saying)
			}) {
				t.Errorf("no %s %s %q among\n%s", test.outcome, test.about, test.saying, listed(findings))
			}
		})
	}
}

func TestAFileThatIsWrongIsNotExported(t *testing.T) {
	t.Parallel()
	_, _, err := synchronization.Export("mine.yaml", []byte("version: 2\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "mine.yaml:1:") {
		t.Error(err)
	}
}
