package synchronization_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"entrawebex/internal/mapping/synchronization"
)

// usersOf is a schema that maps users, by what an object mapping has.
func usersOf(members string) string {
	return `{"synchronizationRules": [{"objectMappings": [{"sourceObjectName": "User", ` + members + `}]}]}`
}

// lineOf is a schema with one attribute mapping.
func lineOf(members string) string { return usersOf(`"attributeMappings": [{` + members + `}]`) }

// filterOf is a schema with a filter.
func filterOf(members string) string { return usersOf(`"scope": {` + members + `}`) }

const direct = `"source": {"type": "Attribute", "name": "jobTitle", "expression": "[jobTitle]"}`

// Each case is a schema, what the file has for it or has not, and what is said of it:
// the outcome, and a part of the sentence.
func TestEachThingASchemaSaysIsWrittenOrListed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, schema   string
		has, hasNot    string
		outcome, about string
		text           string
	}{
		{
			"a second attribute to match by",
			lineOf(`"targetAttributeName": "title", "matchingPriority": 2, ` + direct),
			"{ target: title, source: jobTitle }", "matching: 2", "differs", "title", "matching",
		},
		{
			"matched by something else alone",
			lineOf(`"targetAttributeName": "userName", "source": {"name": "mail"}`),
			"{ target: userName, source: mail, matching: 1 }", "", "differs", "userName", "write matching: 1",
		},
		{
			"a needed line that cannot be taken over",
			lineOf(`"targetAttributeName": "active", "source": {"type": "Function", "expression": "Trim([IsSoftDeleted])"}`),
			"expression: 'Not([IsSoftDeleted])'", "Trim", "not taken over", "active", "function of Entra's cloud sync",
		},
		{
			"a needed line that is added in its place",
			lineOf(`"targetAttributeName": "active", "source": {"type": "Function", "expression": "Trim([IsSoftDeleted])"}`),
			"expression: 'Not([IsSoftDeleted])'", "", "differs", "active", "added as the gallery app has it",
		},
		{
			"the default value of what is required",
			lineOf(`"targetAttributeName": "active", "defaultValue": "True", "source": {"type": "Function", "expression": "Not([IsSoftDeleted])"}`),
			"{ target: active, expression: 'Not([IsSoftDeleted])', default: true, defaultWhen: always }", "", "differs", "active", "always applies",
		},
		{
			"what is compared at every look, for creation alone",
			lineOf(`"targetAttributeName": "externalId", "flowType": "ObjectAddOnly", "source": {"name": "objectId"}`),
			"{ target: externalId, source: objectId }", "creation", "differs", "externalId", "compared at every look",
		},
		{
			"a default value without a source",
			lineOf(`"targetAttributeName": "title", "defaultValue": "Employee", "source": null`),
			"{ target: title, constant: Employee, apply: creation }", "", "differs", "title", "wherever the target is empty",
		},
		{
			"neither a source nor a default value",
			lineOf(`"targetAttributeName": "title", "defaultValue": "", "source": {}`),
			"", "title", "taken over", "title", "nothing is written to it",
		},
		{
			"a constant with quotation marks, and no name",
			lineOf(`"targetAttributeName": "title", "defaultValue": "x", "source": {"type": "Constant", "expression": "\"the \\\"boss\\\"\""}`),
			`{ target: title, constant: 'the "boss"' }`, "default", "taken over", "title", "boss",
		},
		{
			"a constant of more than one line",
			lineOf(`"targetAttributeName": "title", "source": {"type": "Constant", "name": "a\nb: # {"}`),
			`{ target: title, constant: "a\nb: # {" }`, "", "taken over", "title", "constant",
		},
		{
			"a constant that YAML takes for something else",
			lineOf(`"targetAttributeName": "title", "source": {"type": "Constant", "name": "True"}`),
			"{ target: title, constant: 'True' }", "", "taken over", "title", "constant",
		},
		{
			"a name in another case",
			lineOf(`"targetAttributeName": "Name.GivenName", "source": {"name": "givenName"}`),
			"{ target: name.givenName, source: givenName }", "", "taken over", "Name.GivenName", "source: givenName",
		},
		{
			"an expression without the type",
			lineOf(`"targetAttributeName": "title", "source": {"expression": "ToUpper([jobTitle])"}`),
			"{ target: title, expression: 'ToUpper([jobTitle])' }", "", "taken over", "title", "expression",
		},
		{
			"a type of sources that is not known",
			lineOf(`"targetAttributeName": "title", "source": {"type": "Script", "name": "x", "expression": "x"}`),
			"", "title", "not taken over", "title", `"Script", is not known here`,
		},
		{
			"a function without its expression",
			lineOf(`"targetAttributeName": "title", "source": {"type": "Function", "name": "Mid"}`),
			"", "title", "not taken over", "title", "the function Mid without its expression",
		},
		{
			"a source that Graph does not have",
			lineOf(`"targetAttributeName": "title", "source": {"name": "jobtitel"}`),
			"", "title", "not taken over", "title", "unknown source attribute",
		},
		{
			"a target mapped twice",
			usersOf(`"attributeMappings": [{"targetAttributeName": "title", ` + direct + `}, {"targetAttributeName": "Title", ` + direct + `}]`),
			"{ target: title, source: jobTitle }", "target: Title", "not taken over", "Title", "a second time",
		},
		{
			"no target",
			lineOf(direct), "", "jobTitle", "not taken over", "", "names no target attribute",
		},
		{
			"what Webex makes itself",
			lineOf(`"targetAttributeName": "name.formatted", ` + direct),
			"", "formatted", "not taken over", "name.formatted", "map displayName",
		},
		{
			"roles by a value that is no type",
			lineOf(`"targetAttributeName": "roles[primary eq \"True\"].value", ` + direct),
			"", "roles", "ignored by Webex", `roles[primary eq "True"].value`, "Webex has no such attribute",
		},
		{
			"values that are added",
			lineOf(`"targetAttributeName": "title", "flowType": "ValueAddOnly", ` + direct),
			"{ target: title, source: jobTitle }", "", "differs", "title", "replaces the former",
		},
		{
			"a value where there is none",
			lineOf(`"targetAttributeName": "title", "flowType": "AttributeAddOnly", ` + direct),
			"apply: creation", "", "differs", "title", "where there is no value",
		},
		{
			"a flow type that is not known",
			lineOf(`"targetAttributeName": "title", "flowType": "Sometimes", ` + direct),
			"{ target: title, source: jobTitle }", "", "differs", "title", `"Sometimes" is not known`,
		},
		{
			"what flows at every cycle",
			lineOf(`"targetAttributeName": "title", "flowBehavior": "FlowAlways", ` + direct),
			"{ target: title, source: jobTitle }", "", "differs", "title", "REPAIR_DRIFT",
		},
		{
			"a flow behavior that is not known",
			lineOf(`"targetAttributeName": "title", "flowBehavior": "FlowNever", ` + direct),
			"{ target: title, source: jobTitle }", "", "differs", "title", `"FlowNever" is not known`,
		},
		{
			"missing references",
			lineOf(`"targetAttributeName": "title", "exportMissingReferences": true, ` + direct),
			"{ target: title, source: jobTitle }", "", "differs", "title", "for references",
		},
		{
			"creates and updates",
			usersOf(`"flowTypes": "Add, Update"`),
			"users:\n  actions: { create: true, update: true, delete: false }\n", "", "differs", "userName", "added",
		},
		{
			"an action that is not known",
			usersOf(`"flowTypes": "Add,Archive"`),
			"users:\n  actions: { create: true, update: false, delete: false }\n", "", "not taken over", "actions", `"Archive"`,
		},
		{
			"a mapping that is disabled",
			usersOf(`"enabled": false`),
			"users:\n  actions: { create: false, update: false, delete: false }\n", "", "differs", "actions", "disabled in Entra",
		},
		{
			"groups that are not mapped",
			usersOf(`"enabled": true`),
			"groups:\n  actions: { create: false, update: false, delete: false }\n", "", "differs", "actions", "the schema does not map groups",
		},
		{
			"a second mapping of users, the first of which is disabled",
			`{"synchronizationRules": [{"objectMappings": [
				{"name": "old", "sourceObjectName": "User", "enabled": false, "attributeMappings": [{"targetAttributeName": "title", ` + direct + `}]},
				{"name": "new", "sourceObjectName": "User", "attributeMappings": [{"targetAttributeName": "nickName", ` + direct + `}]}]}]}`,
			"target: nickName", "target: title", "not taken over", "old", "another one is enabled",
		},
		{
			"a second mapping of users",
			`{"synchronizationRules": [{"priority": 2, "objectMappings": [{"name": "late", "sourceObjectName": "User"}]},
				{"priority": 1, "objectMappings": [{"name": "early", "sourceObjectName": "User"}]}]}`,
			"users:\n  mappings:", "", "not taken over", "late", "one is in force at a time",
		},
		{
			"an operator in another case, and a value that it does not take",
			filterOf(`"groups": [{"name": "All #1\n", "clauses": [{"operatorName": "is_not_null", "sourceOperandName": "department", "targetOperand": {"values": [""]}}]}]`),
			"  scope:\n    # All #1\n    - - { attribute: department, operator: IS NOT NULL }\n", "", "taken over", "scope", "department IS NOT NULL",
		},
		{
			"a group without clauses",
			filterOf(`"groups": [{"clauses": []}, {"clauses": [{"operatorName": "IS NULL", "sourceOperandName": "department"}]}]`),
			"users:\n  mappings:", "scope", "differs", "scope", "lets everybody pass",
		},
		{
			"a clause that cannot be had",
			filterOf(`"groups": [{"clauses": [{"operatorName": "IS NULL", "sourceOperandName": "department"}]},
				{"clauses": [{"operatorName": "REGEX MATCH", "sourceOperandName": "mail", "targetOperand": {"values": ["^(?!x)"]}}]}]`),
			"users:\n  actions: { create: false, update: false, delete: false }\n  scope:\n    - - { attribute: department, operator: IS NULL }\n  mappings:",
			"?!", "not taken over", "scope", "which is .NET's alone",
		},
		{
			"half a filter",
			filterOf(`"groups": [{"clauses": [{"operatorName": "LIKES", "sourceOperandName": "mail", "targetOperand": {"values": ["x"]}}]}]`),
			"users:\n  actions: { create: false, update: false, delete: false }\n  mappings:",
			"scope", "differs", "actions", "accounts would be created or closed",
		},
		{
			"several values",
			filterOf(`"groups": [{"clauses": [{"operatorName": "EQUALS", "sourceOperandName": "country", "targetOperand": {"values": ["DE", "AT"]}}]}]`),
			"users:\n  actions: { create: false, update: false, delete: false }\n", "scope:", "not taken over", "scope", "write a group for each",
		},
		{
			"a second filter beside a group without clauses",
			filterOf(`"groups": [{"clauses": []}], "categoryFilterGroups": [{"clauses": [{"operatorName": "IS NULL", "sourceOperandName": "department"}]}]`),
			"users:\n  actions: { create: false, update: false, delete: false }\n", "scope:", "not taken over", "scope", "stands in categoryFilterGroups",
		},
		{
			"a second filter that lets everybody pass",
			filterOf(`"groups": [{"clauses": [{"operatorName": "IS NULL", "sourceOperandName": "department"}]}], "inputFilterGroups": [{"clauses": []}]`),
			"users:\n  scope:\n    - - { attribute: department, operator: IS NULL }\n", "users:\n  actions", "taken over", "scope", "department IS NULL",
		},
		{
			"a second filter",
			filterOf(`"inputFilterGroups": [{"clauses": [{"operatorName": "IS NULL", "sourceOperandName": "department"}]}]`),
			"users:\n  actions: { create: false, update: false, delete: false }\n", "scope:", "not taken over", "scope", "stands in inputFilterGroups",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, findings := imported(t, test.schema)
			_, made, _ := strings.Cut(text, "version: 1\n")
			if !strings.Contains(made, test.has) || test.hasNot != "" && strings.Contains(made, test.hasNot) {
				t.Errorf("want %q and no %q in\n%s", test.has, test.hasNot, made)
			}
			if !slices.ContainsFunc(findings, func(f synchronization.Finding) bool {
				return f.Outcome.String() == test.outcome && f.Attribute == test.about && strings.Contains(f.Text, test.text)
			}) {
				t.Errorf("no %s %s %q among\n%s", test.outcome, test.about, test.text, listed(findings))
			}
		})
	}
}

// One line, one change at a time: the places of what is wrong with it move.
func TestALineWithTwoMistakesKeepsTheRest(t *testing.T) {
	t.Parallel()
	text, findings := imported(t, lineOf(`"targetAttributeName": "active", "flowType": "ObjectAddOnly", "defaultValue": "perhaps",
		"source": {"type": "Function", "expression": "Not([IsSoftDeleted])"}`))
	if !strings.Contains(text, "- { target: active, expression: 'Not([IsSoftDeleted])' }\n") {
		t.Error(text)
	}
	var said []string
	for _, f := range findings {
		if f.Attribute == "active" {
			said = append(said, f.Text)
		}
	}
	if len(said) != 2 || !strings.HasPrefix(said[0], "default is left out") || !strings.HasPrefix(said[1], "apply is left out") {
		t.Errorf("%q", said)
	}
}

// What the source directory requires is no matter of Webex's.
func TestWhatTheTargetRequiresIsRequired(t *testing.T) {
	t.Parallel()
	text, _ := imported(t, `{"directories": [
		{"name": "Azure Active Directory", "objects": [{"name": "User", "attributes": [{"name": "title", "required": true}]}]},
		{"name": "Webex", "objects": [{"name": "User", "attributes": [{"name": "nickName", "required": true}]}, {"name": "Other", "attributes": [{"name": "title", "required": true}]}]}],
		"synchronizationRules": [{"targetDirectoryName": "Webex", "objectMappings": [{"sourceObjectName": "User", "targetObjectName": "User", "attributeMappings": [
			{"targetAttributeName": "title", `+direct+`}, {"targetAttributeName": "nickName", `+direct+`}]}]}]}`)
	for _, want := range []string{"{ target: title, source: jobTitle }", "{ target: nickName, source: jobTitle, required: true }"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// An expression may have 10,000 characters, and a file a megabyte.
func TestALongSchemaGivesAFileThatCanBeRead(t *testing.T) {
	t.Parallel()
	long := `Append([jobTitle], \"` + strings.Repeat("é", 9_970) + `\")`
	text, _ := imported(t, lineOf(`"targetAttributeName": "title", "source": {"type": "Function", "expression": "`+long+`"}`))
	if !strings.Contains(text, "target: title") {
		t.Error(text)
	}
	s, err := synchronization.Decode([]byte(lineOf(`"targetAttributeName": "timezone", "source": {"type": "Constant", "name": "` + strings.Repeat("x", 2<<20) + `"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := synchronization.Import(s); err == nil || !strings.Contains(err.Error(), "no mapping file can be made of it: the file has") {
		t.Error(err)
	}
}

// Whatever the bytes are, they are refused with a sentence or give a file that can be
// read.
func FuzzDecode(f *testing.F) {
	f.Add(read(f, "testdata/portal.json"))
	f.Add(lineOf(`"targetAttributeName": "title", "matchingPriority": 2, "flowType": "ObjectAddOnly", "defaultValue": "x", ` + direct))
	f.Add(filterOf(`"groups": [{"name": "x", "clauses": [{"operatorName": "EQUALS", "sourceOperandName": "mail", "targetOperand": {"values": ["'"]}}]}]`))
	f.Fuzz(func(t *testing.T, data string) { takes(t, []byte(data)) })
}

// takes imports what can be, and returns the file; empty if it is refused.
func takes(t *testing.T, data []byte) string {
	t.Helper()
	s, err := synchronization.Decode(data)
	if err != nil {
		return ""
	}
	text, findings, err := synchronization.Import(s)
	if err != nil {
		if strings.TrimSpace(err.Error()) == "" {
			t.Error("refused without a sentence")
		}
		return ""
	}
	parsed(t, text)
	for _, finding := range findings {
		if finding.Text == "" {
			t.Errorf("%+v says nothing", finding)
		}
	}
	return text
}

// Whatever the values are, the file can be read, and is the same when it is exported and
// imported again.
func FuzzImport(f *testing.F) {
	f.Add("title", "Attribute", "jobTitle", "[jobTitle]", "", "Always", 2, "EQUALS", "department", "Sales", "Sales, #1")
	f.Add(`emails[type eq "work"].value`, "Function", "Append", `Append([mail], "\\ \"")`, "a'b", "ObjectAddOnly", 0, "is not null", "mail", "", "")
	f.Add("timezone", "Constant", "a\u0085: {", "", "#", "", 1, "REGEX MATCH", "mail", "'[\\d]\n", "\u2028x")
	f.Add("nickName", "Function", "", " [mail] ", "", "", 0, "EQUALS", "mail", "x", "")
	f.Add("nickName", "Function", "", "&HF7", "", "", 0, "EQUALS", "mail", "2026-01-31", "#")
	f.Add("nickName", "Function", "", `"a (\\"b\\")"`, "", "", 0, "EQUALS", "mail", "null", "")
	f.Add("active", "", "", "Not([IsSoftDeleted])", "True", "", -1, "&", "employeeId", "1", "null")
	f.Fuzz(func(t *testing.T, target, kind, name, expression, otherwise, flow string, priority int, operator, operand, value, title string) {
		type object map[string]any
		data, err := json.Marshal(object{"synchronizationRules": []object{{"objectMappings": []object{{
			"sourceObjectName": "User", "attributeMappings": []object{
				{
					"targetAttributeName": target, "defaultValue": otherwise, "flowType": flow, "matchingPriority": priority,
					"source": object{"type": kind, "name": name, "expression": expression},
				},
				{"targetAttributeName": "externalId", "defaultValue": otherwise, "matchingPriority": priority, "source": object{"name": "mail"}},
			},
			"scope": object{"groups": []object{{"name": title, "clauses": []object{
				{"operatorName": operator, "sourceOperandName": operand, "targetOperand": object{"values": []string{value}}},
			}}}},
		}}}}})
		if err != nil {
			t.Fatal(err)
		}
		text := takes(t, data)
		if text == "" {
			t.Fatal("it is refused")
		}
		schema, _ := exported(t, text)
		if again := takes(t, []byte(schema)); again != text {
			t.Errorf("from\n%s\nto\n%s\nby\n%s", text, again, schema)
		}
	})
}
