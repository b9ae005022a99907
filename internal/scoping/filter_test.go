package scoping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/scoping"
)

// newFilter is a filter without mistakes.
func newFilter(t testing.TB, groups ...[]scoping.Clause) scoping.Filter {
	t.Helper()
	f, mistakes := scoping.NewFilter(groups)
	if len(mistakes) > 0 {
		t.Fatalf("%v", mistakes)
	}
	return f
}

// The meaning of each operator, by
// https://learn.microsoft.com/entra/identity/app-provisioning/define-conditional-rules-for-provisioning-user-accounts
// and where that says nothing by ours. What is null satisfies IS NULL and nothing
// else.
func TestAnOperatorMeansWhatEntraSays(t *testing.T) {
	t.Parallel()
	const holds, fails = scoping.Holds, scoping.Fails
	for _, test := range []struct {
		operator, value string
		of              map[scoping.Outcome][]any
	}{
		{"EQUALS", "Sales", map[scoping.Outcome][]any{holds: {"Sales"}, fails: {"sales", "Sales ", "Sales EMEA", nil, ""}}},
		{"EQUALS", "7", map[scoping.Outcome][]any{holds: {"7", 7.0}, fails: {"07", 7.5, 70.0}}},
		{"EQUALS", "true", map[scoping.Outcome][]any{holds: {true, "true"}, fails: {false, "True", nil}}},
		{"EQUALS", "2026-01-31", map[scoping.Outcome][]any{holds: {"2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T01:00:00+01:00"}, fails: {"2026-01-31T01:00:00Z", "soon"}}},
		{"NOT EQUALS", "Sales", map[scoping.Outcome][]any{holds: {"sales", "HR", 7.0}, fails: {"Sales", nil, ""}}},
		{"IS TRUE", "", map[scoping.Outcome][]any{holds: {true}, fails: {false, nil, "true", 1.0}}},
		{"IS FALSE", "", map[scoping.Outcome][]any{holds: {false}, fails: {true, nil, "false", 0.0}}},
		{"IS NULL", "", map[scoping.Outcome][]any{holds: {nil, "", []any{}, []any{""}}, fails: {"x", " ", false, 0.0, []any{"x"}}}},
		{"IS NOT NULL", "", map[scoping.Outcome][]any{fails: {nil, "", []any{}, []any{""}}, holds: {"x", " ", false, 0.0, []any{"x"}}}},
		{"REGEX MATCH", "([1-9][0-9])", map[scoping.Outcome][]any{holds: {"10", "99", 42.0}, fails: {"9", "", nil}}},
		{"REGEX MATCH", "(1[0-9][0-9][0-9][0-9][0-9][0-9])", map[scoping.Outcome][]any{holds: {"1000000", "1999999"}, fails: {"2000000", "100000"}}},
		{"REGEX MATCH", `.*\@domain.com`, map[scoping.Outcome][]any{holds: {"ada@domain.com"}, fails: {"ada@example.com", "ada@DOMAIN.COM"}}},
		{"REGEX MATCH", "^Sales$", map[scoping.Outcome][]any{holds: {"Sales"}, fails: {"Sales EMEA", "sales"}}},
		{"REGEX MATCH", "Sales", map[scoping.Outcome][]any{holds: {"Sales EMEA", "Inside Sales"}, fails: {"sales"}}},
		{"REGEX MATCH", "(?i)^sales", map[scoping.Outcome][]any{holds: {"SALES"}}},
		{"NOT REGEX MATCH", `.*\@domain.com`, map[scoping.Outcome][]any{fails: {"ada@domain.com", nil, ""}, holds: {"ada@example.com"}}},
		{"Greater_Than", "1000", map[scoping.Outcome][]any{holds: {1001.0, "1001"}, fails: {1000.0, "1000", "999", "many", "1001.5", nil, true}}},
		{"Greater_Than_OR_EQUALS", "1000", map[scoping.Outcome][]any{holds: {1001.0, 1000.0, "1000"}, fails: {"999", "many", nil}}},
		{"Greater_Than", "2026-01-31T08:00:00Z", map[scoping.Outcome][]any{holds: {"2026-01-31T08:00:00.5Z", "2026-02-01", "2026-01-31T07:30:00-01:00"}, fails: {"2026-01-31T09:00:00+01:00", "2026-01-31", "2027", 9e9, nil}}},
		{"Greater_Than_OR_EQUALS", "2026-01-31", map[scoping.Outcome][]any{holds: {"2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"}, fails: {"2026-01-30T23:59:59Z"}}},
		{"Includes", "ale", map[scoping.Outcome][]any{holds: {"Sales", "ale"}, fails: {"SALES", "al", nil}}},
		{"ENDS_WITH", "@example.com", map[scoping.Outcome][]any{holds: {"ada@example.com"}, fails: {"ada@example.com.au", "ada@EXAMPLE.COM", nil}}},
		{"&", "6", map[scoping.Outcome][]any{holds: {2.0, "4", 7.0}, fails: {1.0, "8", "many", nil}}},
		{"!&", "6", map[scoping.Outcome][]any{fails: {2.0, "4", nil}, holds: {1.0, "8"}}},
		{"&", "Sales,HR", map[scoping.Outcome][]any{holds: {"Sales", "HR"}, fails: {"IT", "hr", nil, ""}}},
		{"!&", "Sales,HR", map[scoping.Outcome][]any{fails: {"Sales", nil}, holds: {"IT"}}},

		// Several values: one is enough, and a negative means that it is none.
		{"EQUALS", "a", map[scoping.Outcome][]any{holds: {[]any{"b", "a"}}, fails: {[]any{"b"}, []any{}}}},
		{"NOT EQUALS", "a", map[scoping.Outcome][]any{fails: {[]any{"b", "a"}, []any{}}, holds: {[]any{"b", "c"}}}},
		{"NOT REGEX MATCH", "^a", map[scoping.Outcome][]any{fails: {[]any{"b", "ab"}}, holds: {[]any{"b", "ba"}}}},
		{"Includes", "a", map[scoping.Outcome][]any{holds: {[]any{"b", "cab"}}}},
		{"!&", "6", map[scoping.Outcome][]any{fails: {[]any{1.0, 2.0}}, holds: {[]any{1.0, 8.0}}}},
	} {
		f := newFilter(t, []scoping.Clause{{Attribute: "a", Operator: test.operator, Value: test.value}})
		for want, values := range test.of {
			for _, v := range values {
				if got := f.Evaluate(scoping.Subject{Attributes: map[string]any{"a": v}}); got != want {
					t.Errorf("%#v %s %q %s", v, test.operator, test.value, got)
				}
			}
		}
		if got := f.Evaluate(scoping.Subject{Attributes: map[string]any{"b": "x"}}); got != scoping.Undetermined {
			t.Errorf("%s of what is not shown %s", test.operator, got)
		}
	}
}

func TestAnOperatorIsKnownInWhateverForm(t *testing.T) {
	t.Parallel()
	for _, name := range scoping.Operators() {
		for _, form := range []string{name, strings.ToLower(name), strings.ReplaceAll(name, " ", "_"), strings.ReplaceAll(name, "_", " "), strings.NewReplacer(" ", "", "_", "").Replace(name)} {
			_, mistakes := scoping.NewFilter([][]scoping.Clause{{{Attribute: "a", Operator: form, Value: "1"}}})
			if len(mistakes) > 0 && strings.Contains(mistakes[0].Message, "unknown") {
				t.Errorf("%q: %v", form, mistakes)
			}
		}
	}
	f := newFilter(t, []scoping.Clause{{Attribute: "a", Operator: "is_not_null"}})
	if got := f.Explain(scoping.Subject{}).Groups[0].Clauses[0].Clause.String(); got != "a IS NOT NULL" {
		t.Errorf("%q", got)
	}
}

func TestAnAttributeIsFoundWhereGraphHasIt(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{
		"id": "x", "onPremisesExtensionAttributes": map[string]any{"extensionAttribute7": "x"},
		"employeeOrgData": map[string]any{"division": "x"}, "extensionAttribute16": "x",
	}
	reads := map[string]string{
		"id": "id", "extensionAttribute7": "onPremisesExtensionAttributes",
		"employeeOrgData.division": "employeeOrgData", "extensionAttribute16": "extensionAttribute16",
	}
	for name, want := range reads {
		f := newFilter(t, []scoping.Clause{{Attribute: name, Operator: "EQUALS", Value: "x"}})
		if got := f.Evaluate(scoping.Subject{Attributes: attributes}); got != scoping.Holds || !slices.Equal(f.Attributes(), []string{want}) {
			t.Errorf("%s %s, by %v", name, got, f.Attributes())
		}
	}
	within := newFilter(t, []scoping.Clause{{Attribute: "employeeOrgData.costCenter", Operator: "IS NULL"}})
	for _, shown := range []any{nil, map[string]any{"division": "x"}} {
		if got := within.Evaluate(scoping.Subject{Attributes: map[string]any{"employeeOrgData": shown}}); got != scoping.Holds {
			t.Errorf("of %v IS NULL %s", shown, got)
		}
	}
	extension := newFilter(t, []scoping.Clause{{"extension_0123456789abcdef0123456789abcdef_desk", "IS NULL", ""}})
	for name, want := range map[string]scoping.Outcome{"accountEnabled": scoping.Holds, "securityEnabled": scoping.Holds, "id": scoping.Undetermined} {
		if got := extension.Evaluate(scoping.Subject{Attributes: map[string]any{name: true}}); got != want {
			t.Errorf("that an extension IS NULL which is not shown with %s %s", name, got)
		}
	}
	several := newFilter(t, []scoping.Clause{{"department", "EQUALS", "x"}, {"city", "IS NULL", ""}}, []scoping.Clause{{"city", "EQUALS", "x"}})
	if got := several.Attributes(); !slices.Equal(got, []string{"city", "department"}) {
		t.Errorf("%v", got)
	}
}

// Clauses are joined by AND and groups by OR, and what is not known decides nothing
// that is decided without it.
func TestAFilterIsDecidedByWhatIsKnown(t *testing.T) {
	t.Parallel()
	f := newFilter(t,
		[]scoping.Clause{{"department", "EQUALS", "Sales"}, {"employeeId", "IS NOT NULL", ""}},
		[]scoping.Clause{{"country", "EQUALS", "DE"}})
	for _, test := range []struct {
		name       string
		attributes map[string]any
		want       scoping.Outcome
		decide     []string
	}{
		{"all clauses of one group are enough", map[string]any{"department": "Sales", "employeeId": "7"}, scoping.Holds, []string{`department EQUALS "Sales"`, "employeeId IS NOT NULL"}},
		{"whichever group it is", map[string]any{"department": "HR", "country": "DE"}, scoping.Holds, []string{`country EQUALS "DE"`}},
		{"one clause of each group is enough to be out", map[string]any{"department": "HR", "country": "FR"}, scoping.Fails, []string{`department EQUALS "Sales"`, `country EQUALS "DE"`}},
		{"a null fails", map[string]any{"department": "Sales", "employeeId": nil, "country": ""}, scoping.Fails, []string{"employeeId IS NOT NULL", `country EQUALS "DE"`}},
		{"what is not known decides if nothing else does", map[string]any{"department": "Sales", "country": "FR"}, scoping.Undetermined, []string{"employeeId IS NOT NULL"}},
		{"in each group", map[string]any{"department": "HR"}, scoping.Undetermined, []string{`country EQUALS "DE"`}},
		{"of nobody is anything known", nil, scoping.Undetermined, []string{`department EQUALS "Sales"`, "employeeId IS NOT NULL", `country EQUALS "DE"`}},
	} {
		s := scoping.Subject{Attributes: test.attributes}
		e := f.Explain(s)
		var decide []string
		for _, g := range e.Groups {
			for _, c := range g.Clauses {
				if c.Decides {
					decide = append(decide, c.Clause.String())
				}
			}
		}
		if f.Evaluate(s) != test.want || e.Outcome != test.want || !slices.Equal(decide, test.decide) {
			t.Errorf("%s: %s, by %q", test.name, e.Outcome, decide)
		}
	}
	if got := newFilter(t).Evaluate(scoping.Subject{}); got != scoping.Holds {
		t.Errorf("a filter without clauses %s", got)
	}
}

// Each mistake names its clause and what to write instead, and all are told.
func TestAMistakeSaysWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for message, c := range map[string]scoping.Clause{
		`unknown operator "Contains"; write Includes`:                                     {"a", "Contains", "x"},
		`unknown operator "starts_with"; write REGEX MATCH with a ^ before the value`:     {"a", "starts_with", "x"},
		`unknown operator "~"; write one of EQUALS, NOT EQUALS, `:                         {"a", "~", "x"},
		"EQUALS needs an attribute; write the name of one":                                {"", "EQUALS", "x"},
		"EQUALS needs a value; write one, or IS NULL or IS NOT NULL":                      {"a", "EQUALS", ""},
		`IS NULL takes no value; leave "x" out`:                                           {"a", "IS NULL", "x"},
		`"7.5" is neither an integer nor a date; write one like 1000 or 2026-01-31`:       {"a", "Greater_Than", "7.5"},
		"IsSoftDeleted follows from the filter; write accountEnabled":                     {"IsSoftDeleted", "IS FALSE", ""},
		"IsMemberOf needs a relationship as its attribute; write memberOf for who is in":  {"", "IsMemberOf", "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"},
		"IsMemberOf needs a relationship as its attribute":                                {"department", "IsMemberOf", "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"},
		"IsMemberOf needs a value; write the object id of a group":                        {"memberOf", "IsMemberOf", ""},
		`IsMemberOf compares object ids, and "Sales" is none; write that of the group`:    {"transitiveMemberOf", "IsMemberOf", "Sales"},
		"memberOf is compared by IsMemberOf alone; write that operator":                   {"memberOf", "EQUALS", "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"},
		"has `(?!`, which is .NET's alone; write what must not follow as a clause":        {"a", "REGEX MATCH", "^(?!adm)"},
		"has `(?<=`, which is .NET's alone; write what must stand before":                 {"a", "REGEX MATCH", "(?<=x)y"},
		"has `(?>`, which is .NET's alone; write (?:":                                     {"a", "NOT REGEX MATCH", "(?>a+)b"},
		"has `-[`, which is .NET's alone; list the characters":                            {"a", "REGEX MATCH", "[a-z-[aeiou]]"},
		"has `[:`, which is .NET's alone; write \\[":                                      {"a", "REGEX MATCH", "[[:alpha:]]"},
		"has `\\W` within brackets; write the characters":                                 {"a", "REGEX MATCH", `[\W_]`},
		"has invalid escape sequence, `\\1`; write it in RE2's syntax":                    {"a", "REGEX MATCH", `(a)\1`},
		"has missing closing ), `(a`; write it in RE2's syntax":                           {"a", "REGEX MATCH", `(a`},
		`the regular expression "(a{1000}){2}" has invalid repeat count`:                  {"a", "REGEX MATCH", "(a{1000}){2}"},
		`the regular expression "\\w{1000}\\w{1000}\\w{999}" is too large; write smaller`: {"a", "REGEX MATCH", `\w{1000}\w{1000}\w{999}`},
	} {
		_, mistakes := scoping.NewFilter([][]scoping.Clause{{{"b", "IS NULL", ""}}, {{"b", "IS NULL", ""}, c}})
		if len(mistakes) != 1 || !strings.Contains(mistakes[0].Message, message) || mistakes[0].Group != 1 || mistakes[0].Clause != 1 {
			t.Errorf("%q: %v", message, mistakes)
		}
	}
	_, mistakes := scoping.NewFilter([][]scoping.Clause{{}, {{"a", "Contains", "x"}, {"a", "EQUALS", ""}}})
	var all []string
	for _, m := range mistakes {
		all = append(all, m.Error())
	}
	if diff := cmp.Diff([]string{
		"group 1: a group without clauses lets everybody pass; write a clause, or leave the group out",
		`group 2, clause 1: unknown operator "Contains"; write Includes`,
		"group 2, clause 2: EQUALS needs a value; write one, or IS NULL or IS NOT NULL",
	}, all); diff != "" {
		t.Error(diff)
	}
}

// A class of .NET takes the letters and digits of all languages.
func TestAPatternMeansWhatItMeansToDotNet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, text string
		want          scoping.Outcome
	}{
		{`^\w+$`, "Müller_7", scoping.Holds},
		{`^\W+$`, "Müller", scoping.Fails},
		{`^\W+$`, "-!", scoping.Holds},
		{`^[\w-]+$`, "Müller-Ångström", scoping.Holds},
		{`^[^\w]+$`, "ü", scoping.Fails},
		{`^\d\D$`, "٣x", scoping.Holds},
		{`^a\sb$`, "a\u00a0b", scoping.Holds},
		{`^[a]\W$`, "a-", scoping.Holds},
		{`^\S$`, "\u00a0", scoping.Fails},
		{`^[]\d]+$`, "]7", scoping.Holds},
		{`^[^]\d]+$`, "]7", scoping.Fails},
		{`\\w`, `a\w`, scoping.Holds},
		{`[(?!]`, "!", scoping.Holds},
		{`^(?<part>a)-\[$`, "a-[", scoping.Holds},
	} {
		f := newFilter(t, []scoping.Clause{{"a", "REGEX MATCH", test.pattern}})
		if got := f.Evaluate(scoping.Subject{Attributes: map[string]any{"a": test.text}}); got != test.want {
			t.Errorf("%q REGEX MATCH %s %s", test.text, test.pattern, got)
		}
	}
}

// What nobody can satisfy is a mistake; what somebody may is none.
func TestAGroupThatCanNeverBeTrueIsAMistake(t *testing.T) {
	t.Parallel()
	department := func(operator, value string) scoping.Clause { return scoping.Clause{"department", operator, value} }
	for _, test := range []struct {
		name       string
		a, b       scoping.Clause
		impossible bool
	}{
		{"two values at once", department("EQUALS", "a"), department("EQUALS", "b"), true},
		{"one value twice", department("EQUALS", "a"), department("EQUALS", "a"), false},
		{"one instant twice", scoping.Clause{"employeeHireDate", "EQUALS", "2026-01-31"}, scoping.Clause{"employeeHireDate", "EQUALS", "2026-01-31T00:00:00Z"}, false},
		{"an instant, and how it is written", scoping.Clause{"employeeHireDate", "EQUALS", "2026-01-31"}, scoping.Clause{"employeeHireDate", "REGEX MATCH", "Z$"}, false},
		{"values of two attributes", department("EQUALS", "a"), scoping.Clause{"city", "EQUALS", "b"}, false},
		{"several values of an attribute that has several", scoping.Clause{"proxyAddresses", "EQUALS", "a"}, scoping.Clause{"proxyAddresses", "EQUALS", "b"}, false},
		{"or may have", scoping.Clause{"extension_1_x", "EQUALS", "a"}, scoping.Clause{"extension_1_x", "EQUALS", "b"}, false},
		{"a value and its opposite", department("EQUALS", "a"), department("NOT EQUALS", "a"), true},
		{"also of several values", scoping.Clause{"proxyAddresses", "EQUALS", "a"}, scoping.Clause{"proxyAddresses", "NOT EQUALS", "a"}, true},
		{"a value and another's opposite", department("EQUALS", "a"), department("NOT EQUALS", "b"), false},
		{"a pattern and its opposite", department("REGEX MATCH", "a"), department("NOT REGEX MATCH", "a"), true},
		{"a bit and its opposite", department("&", "2"), department("!&", "2"), true},
		{"null and not null", department("IS NULL", ""), department("IS NOT NULL", ""), true},
		{"null and a value", department("IS NULL", ""), department("EQUALS", "a"), true},
		{"null and another value", department("IS NULL", ""), department("NOT EQUALS", "a"), true},
		{"null twice", department("IS NULL", ""), department("IS NULL", ""), false},
		{"not null and a value", department("IS NOT NULL", ""), department("EQUALS", "a"), false},
		{"true and false", scoping.Clause{"accountEnabled", "IS TRUE", ""}, scoping.Clause{"accountEnabled", "IS FALSE", ""}, true},
		{"true twice", scoping.Clause{"accountEnabled", "IS TRUE", ""}, scoping.Clause{"accountEnabled", "IS TRUE", ""}, false},
		{"true, said in two ways", scoping.Clause{"accountEnabled", "IS TRUE", ""}, scoping.Clause{"accountEnabled", "EQUALS", "true"}, false},
		{"true, in two forms", scoping.Clause{"accountEnabled", "EQUALS", "True"}, scoping.Clause{"accountEnabled", "EQUALS", "true"}, false},
		{"a value that is no state", scoping.Clause{"a", "IS TRUE", ""}, scoping.Clause{"a", "EQUALS", "yes"}, false},
		{"a number below the range", scoping.Clause{"employeeId", "EQUALS", "7"}, scoping.Clause{"employeeId", "Greater_Than", "7"}, true},
		{"a number within it", scoping.Clause{"employeeId", "EQUALS", "7"}, scoping.Clause{"employeeId", "Greater_Than_OR_EQUALS", "7"}, false},
		{"a value that the pattern does not match", department("EQUALS", "a"), department("REGEX MATCH", "b"), true},
		{"a value that the pattern matches", department("EQUALS", "abc"), department("REGEX MATCH", "b"), false},
		{"null and a value within another attribute", scoping.Clause{"employeeOrgData.division", "IS NULL", ""}, scoping.Clause{"employeeOrgData.costCenter", "IS NOT NULL", ""}, false},
	} {
		for _, group := range [][]scoping.Clause{{test.a, test.b}, {test.b, test.a}} {
			_, mistakes := scoping.NewFilter([][]scoping.Clause{group})
			if (len(mistakes) == 1) != test.impossible || test.impossible && (mistakes[0].Clause != 1 || !strings.Contains(mistakes[0].Message, "can never be true together with")) {
				t.Errorf("%s: %v", test.name, mistakes)
			}
		}
		if _, mistakes := scoping.NewFilter([][]scoping.Clause{{test.a}, {test.b}}); len(mistakes) > 0 {
			t.Errorf("%s, in two groups: %v", test.name, mistakes)
		}
	}
}
