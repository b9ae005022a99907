package expression_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping/expression"
)

// of looks attributes up in a map.
func of(attributes map[string]any) func(string) any {
	return func(name string) any { return attributes[name] }
}

func TestALanguageOfFunctionsAttributesAndConstants(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{"a": "A", "b": "B", "yes": true, "no": "False", "empty": "", "n": float64(7), "list": []any{"x", "y"}, "names": []string{"z"}}
	for _, test := range []struct {
		name, text string
		want       any
	}{
		{"an attribute", `[a]`, "A"},
		{"an attribute that is absent", `[none]`, nil},
		{"several values", `[list]`, []any{"x", "y"}},
		{"several values that are texts", `[names]`, []any{"z"}},
		{"a text", `"x"`, "x"},
		{"an escaped quotation mark and backslash", `"say \"a\\b\""`, `say "a\b"`},
		{"brackets and commas in a text", `"[a], (b)"`, "[a], (b)"},
		{"a number", `1000`, int64(1000)},
		{"a negative number", `-10`, int64(-10)},
		{"a number with a fraction", `1.5`, 1.5},
		{"a hexadecimal number", `&HF7`, int64(0xf7)},
		{"a function", `Not([yes])`, false},
		{"a function's name in other case", `nOT([no])`, true},
		{"functions within each other", `Not(Not(Not([yes])))`, false},
		{"white space anywhere", "\n Switch ( [yes] ,\t, \"True\" , [ a ] ) \r\n", "A"},
		{"an argument that is left out", `Switch([a], , "B", "b")`, nil},
		{"a default", `Switch([a], "d", "B", "b")`, "d"},
		{"equal", `IIF([a]="A", "yes", "no")`, "yes"},
		{"equal in another case", `IIF([a]="a", "yes", "no")`, "no"},
		{"not equal", `IIF([a] <> [b], "yes", "no")`, "yes"},
		{"less", `IIF([n] < 10, "yes", "no")`, "yes"},
		{"not less", `IIF([n] < 7, "yes", "no")`, "no"},
		{"less, as a text of digits", `IIF("7" < 10, "yes", "no")`, "yes"},
		{"at most", `IIF([n]<=7, "yes", "no")`, "yes"},
		{"greater", `IIF([n]>7, "yes", "no")`, "no"},
		{"at least", `IIF([n]>=7.0, "yes", "no")`, "yes"},
		{"great numbers", `IIF(129699324000000000 = 129699324000000001, "yes", "no")`, "no"},
		{"great numbers, one of them a text", `IIF("129699324000000000" = 129699324000000001, "yes", "no")`, "no"},
		{"texts in their order", `IIF([a] < [b], "yes", "no")`, "yes"},
		{"a boolean is a text too", `IIF([yes] = "True", "yes", "no")`, "yes"},
		{"null is equal to nothing", `IIF([none] = "", "yes", "no")`, "no"},
		{"null is unequal to nothing", `IIF([none] <> "x", "yes", "no")`, "no"},
		{"a comparison of nothing", `CBool([none] = [none])`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x, err := expression.Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := x.Evaluate(expression.Environment{}, of(attributes))
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func TestAMistakeSaysWhereItIsAndWhatToWrite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"nothing at all", ` `, `line 1, column 2: the expression ends where [attribute], "text" or Function(…) is expected`},
		{"an unknown function", `Not(Swich([a], , "b", "c"))`, `line 1, column 5: unknown function "Swich"; write Switch`},
		{"one that is like none", `Xylophone([a])`, `line 1, column 1: unknown function "Xylophone"; write one of those that the reference of the mapping file lists`},
		{"one of another language", `Substring([a], 1)`, `line 1, column 1: unknown function "Substring"; write Mid(source, start, length), whose start counts from 1`},
		{"an operator as a function", `IIF(And([a] = "1", [b] = "2"), "c", "d")`, `line 1, column 5: unknown function "And"; write IIF(a, IIF(b, "True", "False"), "False") for a and b`},
		{"one of cloud sync", `Trim([a])`, `line 1, column 1: Trim is a function of Entra's cloud sync or Entra Connect, which provisioning to applications does not have; write Replace(source, , "^\\s+|\\s+$", , "", , )`},
		{"another line", "Switch([a],,\n  \"ä\", Nott([b]))", `line 2, column 8: unknown function "Nott"; write Not`},
		{"too many arguments", `Not([a], [b])`, `line 1, column 1: Not takes one argument, and has 2; write Not(source)`},
		{"too few", `IIF([a], "b")`, `line 1, column 1: IIF takes 3 arguments, and has 2; write IIF(condition, valueIfTrue, valueIfFalse)`},
		{"none at all", `Coalesce()`, `line 1, column 1: Coalesce takes one argument or more, and has 0; write Coalesce(source1, source2, …, defaultValue)`},
		{"one missing in the middle", `IIF([a], , "b")`, `line 1, column 1: argument 2 of IIF is missing; write IIF(condition, valueIfTrue, valueIfFalse)`},
		{"a key without a value", `Switch([a], , "b", "c", "d")`, `line 1, column 1: Switch: a key has no value; the arguments are source, default, and pairs of key and value`},
		{"an open call", `Not([a]`, `line 1, column 8: the expression ends within Not(…): expected , or )`},
		{"no comma", `Coalesce([a] [b])`, `line 1, column 14: expected , or ) in Coalesce(…) at "[b])"`},
		{"a tail", `Not([a]) b`, `line 1, column 10: "b" stands behind the end of the expression`},
		{"a comma too many at the end", `Not([a]),`, `line 1, column 9: "," stands behind the end of the expression`},
		{"an open attribute", `Not([a)`, `line 1, column 5: the attribute has no end; write [a)]`},
		{"an empty attribute", `Not([ ])`, `line 1, column 5: the brackets name no attribute; write [displayName], for example`},
		{"an open text", `Coalesce([a], "b)`, `line 1, column 15: the text has no end; write a " behind it`},
		{"a single backslash", `Coalesce([a], "\d")`, `line 1, column 16: a backslash in a text is written twice; write \\d`},
		{"single quotes", `Coalesce([a], 'b')`, `line 1, column 15: ' does not enclose a text; write "…"`},
		{"quotes of a word processor", `Coalesce([a], “b”)`, `line 1, column 15: “ does not enclose a text; write "…"`},
		{"a name without brackets", `Not(accountEnabled)`, `line 1, column 5: accountEnabled is no function; write [accountEnabled] for the attribute, "accountEnabled" for the text`},
		{"a boolean without quotation marks", `Coalesce([a], true)`, `line 1, column 15: true is written as a text; write "True"`},
		{"null", `Switch([a], null, "b", "c")`, `line 1, column 13: there is no word for null; leave the argument out, as in Switch([a], , …)`},
		{"no number", `Coalesce([a], 12x)`, `line 1, column 15: "12x" is no number; write "12x" for the text`},
		{"a sign alone", `Coalesce([a], *)`, `line 1, column 15: * begins no argument; write [attribute], "text" or Function(…)`},
		{"and", `IIF([a]="b" && [c]="d", "e", "f")`, `line 1, column 13: && cannot stand here; write IIF(a, IIF(b, "True", "False"), "False") for a and b`},
		{"or as a word", `IIF([a]="b" Or [c]="d", "e", "f")`, `line 1, column 13: Or cannot stand here; write IIF(a, "True", IIF(b, "True", "False")) for a or b`},
		{"an operator of another language", `IIF([a] != "b", "e", "f")`, `line 1, column 9: there is no operator !=; write <>`},
		{"two comparisons", `IIF([a] = "b" = "c", "e", "f")`, `line 1, column 15: = cannot stand here; write one comparison in a condition, and another IIF for the next`},
		{"a comparison elsewhere", `Coalesce([a] = "b")`, `line 1, column 14: expected , or ) in Coalesce(…) at "= \"b\")"; write IIF(a = b, …), or CBool(a = b)`},
		{"a comparison alone", `[a] = "b"`, `line 1, column 5: "= \"b\"" stands behind the end of the expression; write IIF(a = b, …), or CBool(a = b)`},
		{"texts put together by a sign", `"a" & [b]`, `line 1, column 5: "& [b]" stands behind the end of the expression; write Append(a, b) or Join("", a, b)`},
		{"what would fail for everybody", `Not("maybe")`, `line 1, column 1: Not: takes a boolean, True or False`},
		{"functions without end", strings.Repeat("Not(", 60), `line 1, column 201: there are more than 50 functions within each other; make several mappings of it`},
		{"too long a text", `"` + strings.Repeat("ä", 10_000) + `"`, `line 1, column 1: an expression has at most 10000 characters, and this one has 10002; make several mappings of it, or shorten it`},
		{
			"several mistakes", `IIF(Nott([a]), Not(), Isnul([b]))`,
			"line 1, column 5: unknown function \"Nott\"; write Not\n" +
				"line 1, column 16: Not takes one argument, and has 0; write Not(source)\n" +
				"line 1, column 23: unknown function \"Isnul\"; write IsNull",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mistaken(t, test.text, test.want)
		})
	}
}

// Most are known from cloud sync and Entra Connect, whose languages are larger.
func TestAFunctionOfEntrasOtherLanguagesIsKnown(t *testing.T) {
	t.Parallel()
	for name, instead := range map[string]string{
		"LTrim":       `; write Replace(source, , "^\\s+", , "", , )`,
		"RTrim":       `; write Replace(source, , "\\s+$", , "", , )`,
		"lcase":       "; write ToLower(source)",
		"UCase":       "; write ToUpper(source)",
		"Contains":    "; write InStr(value1, value2) > 0 in the condition of IIF",
		"Right":       `; write Replace(source, , "^.*(.{3})$", , "$1", , ) for the last 3 characters`,
		"CNum":        "; a text of digits is taken where a number is expected",
		"DNComponent": "",
		"Error":       "",
	} {
		mistaken(t, name+"([a])", "line 1, column 1: "+name+" is a function of Entra's cloud sync or Entra Connect, which provisioning to applications does not have"+instead)
	}
}

func TestAMistakeHasAPlaceInTheText(t *testing.T) {
	t.Parallel()
	_, err := expression.Parse("Coalesce(\"ä\",\n [a], Nott([b]))")
	var mistakes expression.Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatal(err)
	}
	want := expression.Mistakes{{Offset: 21, Line: 2, Column: 7, Text: `unknown function "Nott"; write Not`}}
	if diff := cmp.Diff(want, mistakes); diff != "" {
		t.Error(diff)
	}
}

func TestTheLongestExpressionIsTaken(t *testing.T) {
	t.Parallel()
	if _, err := expression.Parse(`"` + strings.Repeat("ä", expression.MaxLength-2) + `"`); err != nil {
		t.Error(err)
	}
}

func TestTheMostFunctionsWithinEachOtherAreTaken(t *testing.T) {
	t.Parallel()
	if _, err := expression.Parse(strings.Repeat("Not(", 50) + "[a]" + strings.Repeat(")", 50)); err != nil {
		t.Error(err)
	}
}
