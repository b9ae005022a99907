package expression_test

import (
	"strings"
	"testing"

	"entrawebex/internal/mapping/expression"
)

func TestLists(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{
		"list": []any{"x", "y", "x"}, "one": "x", "empty": "", "nothing": []any{}, "numbers": []any{float64(1), "1", "A", "a"},
		"parts": []any{map[string]any{"a": "b"}}, "nested": []any{[]any{"a", "b"}, "c"}, "long": strings.Repeat("a", expression.MaxResult),
		"appRoleAssignments": []any{},
	}
	const several = "takes one value, and there are several; choose with Item, or put them together with Join"
	evaluated(t, attributes, []evaluation{
		{text: `Count([none])`, want: int64(0)},
		{text: `Count([one])`, want: int64(1)},
		{text: `Count([nothing])`, want: int64(0)},
		{text: `Item([list], 3)`, want: "x"},
		{text: `Item([list], 4)`, want: nil},
		{text: `Item([none], 1)`, want: nil},
		{text: `Item([one], 1)`, want: "x"},
		{text: `Item([list], Count([none]))`, err: "Item: index counts from 1"},
		{text: `Item([list], [one])`, err: "Item: index is no whole number"},
		{text: `Join("-", [list], "z", [one])`, want: "x-y-x-z-x"},
		{text: `Join("-", [none], [empty], "z")`, want: "z"},
		{text: `Join("-", [none])`, want: ""},
		{text: `Join([none], "a", "b")`, want: "ab"},
		{text: `Join("", 1000, [numbers])`, want: "100011Aa"},
		{text: `Join([list], "a")`, err: "Join: " + several},
		{text: `Join("", [parts])`, err: "Join: takes a text, and the value has parts"},
		{text: `Join("", [nested])`, err: "Join: " + several},
		{text: `Join("", [long], [long])`, err: "Join: the result is longer than 64 KiB"},
		{text: `RemoveDuplicates([list])`, want: []any{"x", "y"}},
		{text: `RemoveDuplicates([numbers])`, want: []any{float64(1), "A", "a"}},
		{text: `RemoveDuplicates([one])`, want: "x"},
		{text: `RemoveDuplicates([none])`, want: nil},
		{text: `RemoveDuplicates([parts])`, err: "RemoveDuplicates: takes a text, and the value has parts"},
		{text: `Split("a, b,,c", ",")`, want: []any{"a", "b", "", "c"}},
		{text: `Split("a", ",")`, want: []any{"a"}},
		{text: `Split([empty], ",")`, want: []any{}},
		{text: `Split([none], ",")`, want: nil},
		{text: `Split([one], [empty])`, err: "Split: the delimiter is empty"},
		{text: `Split([one], [list])`, err: "Split: " + several},
		{text: `Split([list], ",")`, err: "Split: " + several},
		{text: `AssertiveAppRoleAssignmentsComplex([appRoleAssignments])`, want: []any{}},
		{text: `AppRoleAssignmentsComplex([AppRoleAssignments])`, want: nil},
		{text: `SingleAppRoleAssignment([appRoleAssignments])`, want: nil},
	})
	refused(t, map[string]string{
		`SingleAppRoleAssignment([roles])`:         `line 1, column 25: SingleAppRoleAssignment: takes the app roles of a user; write [appRoleAssignments]`,
		`AppRoleAssignmentsComplex("Admin")`:       `line 1, column 27: AppRoleAssignmentsComplex: takes the app roles of a user; write [appRoleAssignments]`,
		`Join(",", [a], Split("a", ""))`:           `line 1, column 16: Split: the delimiter is empty`,
		`Join(",")`:                                `line 1, column 1: Join takes 2 arguments or more, and has 1; write Join(separator, source1, source2, …)`,
		`Item([proxyAddresses])`:                   `line 1, column 1: Item takes 2 arguments, and has 1; write Item(attribute, index)`,
		`AppRoleAssignments([appRoleAssignments])`: `line 1, column 1: AppRoleAssignments is a function of Entra's cloud sync or Entra Connect, which provisioning to applications does not have; write SingleAppRoleAssignment([appRoleAssignments])`,
	})
}
