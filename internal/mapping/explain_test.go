package mapping_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// explained parses the lines and explains them for the attributes, which are JSON.
func explained(t *testing.T, attributes string, lines ...string) mapping.Explanation {
	t.Helper()
	rules, err := mapping.Parse([]byte(fileWith(lines...)))
	if err != nil {
		t.Fatal(err)
	}
	var given map[string]any
	if err := json.Unmarshal([]byte(attributes), &given); err != nil {
		t.Fatal(err)
	}
	return rules.Users.Explain(given, noon)
}

const adasJSON = `"id": "1", "userPrincipalName": "ada@example.com", "accountEnabled": true, "IsSoftDeleted": false`

func TestEachOutcomeIsExplained(t *testing.T) {
	t.Parallel()
	const cleared, kept = `{ target: title, source: jobTitle, whenNull: clear }`, `{ target: title, source: jobTitle }`
	for _, test := range []struct{ name, attributes, line, creation, update string }{
		{"a value", `"jobTitle": "Countess"`, kept, `written = Countess`, `written = Countess`},
		{"a null that is kept", `"jobTitle": null`, kept, "left alone: Entra has no value, and whenNull is keep", "left alone: Entra has no value, and whenNull is keep"},
		{"a null that clears", `"jobTitle": null`, cleared, "left alone: Entra has no value, and there is nothing to clear yet", "cleared: Entra has no value, and whenNull is clear"},
		{"what is not shown", `"x": 1`, cleared, "left alone: Entra has no value, and there is nothing to clear yet", "left alone: Entra does not show whether it has a value"},
		{
			"a default on creation", `"jobTitle": null`, `{ target: title, source: jobTitle, default: Employee }`,
			"default = Employee: Entra has no value, and defaultWhen is creation", "left alone: Entra has no value, and whenNull is keep",
		},
		{
			"a default always", `"jobTitle": null`, `{ target: title, source: jobTitle, default: Employee, defaultWhen: always }`,
			"default = Employee: Entra has no value, and defaultWhen is always", "default = Employee: Entra has no value, and defaultWhen is always",
		},
		{
			"what is applied on creation", `"jobTitle": "Countess"`, `{ target: title, source: jobTitle, apply: creation }`,
			"written = Countess", "left alone: apply is creation, so it is never written again",
		},
		{
			"what does not flow", `"jobTitle": ""`, `{ target: title, expression: 'IgnoreFlowIfNullOrEmpty([jobTitle])' }`,
			"left alone: the expression says that it does not flow", "left alone: the expression says that it does not flow",
		},
		{
			"what is required", `"jobTitle": null`, `{ target: title, source: jobTitle, required: true }`,
			"fault: Entra has no value for jobTitle", "fault: Entra has no value for jobTitle",
		},
		{
			"what is too long", `"jobTitle": "` + strings.Repeat("x", 513) + `"`, kept,
			"fault: the value has 513 characters and Webex takes 512: shorten jobTitle in Entra", "fault: the value has 513 characters and Webex takes 512: shorten jobTitle in Entra",
		},
		{
			"an expression that fails", `"jobTitle": "Countess"`, `{ target: title, expression: 'Mid([jobTitle], InStr([jobTitle], "x"), 1)' }`,
			"fault: Mid: start counts from 1, and length is not negative", "fault: Mid: start counts from 1, and length is not negative",
		},
		{
			"what is kept out of what is shown", `"jobTitle": "Countess"`, `{ target: title, expression: 'Redact([jobTitle])' }`,
			"written = [Redact]", "written = [Redact]",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := explained(t, "{"+adasJSON+", "+test.attributes+"}", test.line).Mappings[0]
			for _, of := range []struct {
				want string
				got  mapping.Fate
			}{{test.creation, m.Creation}, {test.update, m.Update}} {
				got := string(of.got.Outcome)
				if of.got.Value != nil {
					got += fmt.Sprintf(" = %v", of.got.Value)
				}
				if of.got.Why != "" {
					got += ": " + of.got.Why
				}
				if got != of.want {
					t.Errorf("%s\nwant %s", got, of.want)
				}
			}
		})
	}
}

func TestAMappingIsExplainedStepByStep(t *testing.T) {
	t.Parallel()
	e := explained(t, "{"+adasJSON+`, "displayName": "Ada \"x\"", "mailNickname": null}`,
		`{ target: nickName, expression: 'IIF(IsPresent([mailNickname]), [mailNickname], ToLower(Append([displayName], [city])))' }`)
	none := mapping.Argument{Unused: true}
	want := mapping.Explained{
		Target: "nickName", Type: "expression", Expression: "IIF(IsPresent([mailNickname]), [mailNickname], ToLower(Append([displayName], [city])))",
		Sources: []mapping.Source{
			{Attribute: "city", Graph: "city", State: mapping.Absent},
			{Attribute: "displayName", Graph: "displayName", State: mapping.Valued, Value: `Ada "x"`},
			{Attribute: "mailNickname", Graph: "mailNickname", State: mapping.Null},
		},
		Steps: []mapping.Step{
			{Depth: 1, Call: "IsPresent(null)", Arguments: []mapping.Argument{{}}, Result: false},
			{Depth: 2, Call: `Append("Ada \"x\"", null)`, Arguments: []mapping.Argument{{Value: `Ada "x"`}, {}}, Result: `Ada "x"`},
			{Depth: 1, Call: `ToLower("Ada \"x\"")`, Arguments: []mapping.Argument{{Value: `Ada "x"`}}, Result: `ada "x"`},
			{Depth: 0, Call: `IIF(False, …, "ada \"x\"")`, Arguments: []mapping.Argument{{Value: false}, none, {Value: `ada "x"`}}, Result: `ada "x"`},
		},
		Creation: mapping.Fate{Outcome: mapping.Written, Value: `ada "x"`}, Update: mapping.Fate{Outcome: mapping.Written, Value: `ada "x"`},
	}
	if diff := cmp.Diff(want, e.Mappings[0]); diff != "" {
		t.Error(diff)
	}
	var types []string
	for _, m := range explained(t, "{"+adasJSON+"}", `{ target: timezone, constant: Europe/Berlin }`).Mappings {
		types = append(types, m.Type)
	}
	if diff := cmp.Diff([]string{"constant", "direct", "direct", "expression"}, types); diff != "" {
		t.Error(diff)
	}
}

// What is redacted is not among the sources and the steps either.
func TestWhatIsRedactedIsNotExplained(t *testing.T) {
	t.Parallel()
	e := explained(t, "{"+adasJSON+`, "employeeId": "secret-7"}`, `{ target: nickName, expression: 'ToUpper(Append("x", Redact(Left([employeeId], 7))))' }`)
	told, err := json.Marshal(e)
	if err != nil || strings.Contains(strings.ToLower(string(told)+fmt.Sprint(e.Values)), "secret") {
		t.Error(err, string(told))
	}
	if e.Values["nickName"] != "[Redact]" {
		t.Error(e.Values)
	}
}

// What is explained is what is done: for any attributes the very values of MapNew and
// Map, or a fault of both.
func TestWhatIsExplainedIsWhatIsDone(t *testing.T) {
	t.Parallel()
	lines := append(thirtyExpressions(),
		`{ target: name.middleName, source: jobTitle, whenNull: clear }`,
		`{ target: name.honorificPrefix, source: companyName, default: Dr., apply: creation }`,
		`{ target: name.honorificSuffix, source: companyName, default: Esq., defaultWhen: always }`,
		`{ target: 'emails[type eq "home"].value', source: mail }`,
		`{ target: 'emails[type eq "home"].primary', constant: false }`,
	)
	rules, err := mapping.Parse([]byte(fileWith(lines...)))
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields("userPrincipalName displayName givenName surname mail jobTitle companyName country city state department employeeId usageLocation")
	faults := 0
	for seed := range uint64(500) {
		chance := rand.New(rand.NewPCG(seed, seed))
		attributes := map[string]any{"id": "1", "userPrincipalName": "ada@example.com", "accountEnabled": true, "IsSoftDeleted": chance.IntN(2) == 0}
		for _, name := range names {
			switch chance.IntN(8) {
			case 0:
				attributes[name] = nil
			case 1:
				delete(attributes, name)
			default:
				attributes[name] = name + "@example.com"
			}
		}
		e := rules.Users.Explain(attributes, noon)
		want, err := rules.Users.MapNew(attributes)
		if (err != nil) != (e.Values == nil) || err == nil && !cmp.Equal(want, e.Values) {
			t.Fatalf("seed %d: %v: %s", seed, err, cmp.Diff(want, e.Values))
		}
		later, err := rules.Users.Map(attributes)
		faulty := false
		for _, m := range e.Mappings {
			v, there := later[m.Target]
			faulty = faulty || m.Update.Outcome == mapping.Faulty
			if clears := m.Update.Outcome == mapping.Cleared; err == nil && (!cmp.Equal(v, m.Update.Value) || there != (clears || v != nil)) {
				t.Fatalf("seed %d: %s is %v, explained %+v", seed, m.Target, v, m.Update)
			}
		}
		if faulty != (err != nil) {
			t.Fatalf("seed %d: %v, explained %t", seed, err, faulty)
		}
		if err != nil {
			faults++
		}
	}
	if faults == 0 || faults == 500 {
		t.Errorf("%d of 500 are faults", faults)
	}
}
