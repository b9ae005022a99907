package expression_test

import (
	"testing"

	"entrawebex/internal/mapping/expression"
)

// What the published examples leave open about functions that decide.
func TestDecisions(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{
		"yes": true, "no": false, "text": "x", "empty": "", "zero": "0", "n": float64(3), "fraction": 1.5, "none": nil,
		"list": []any{"x", "y"}, "one": []any{"x"}, "nothing": []any{}, "parts": map[string]any{"a": 1},
	}
	evaluated(t, attributes, []evaluation{
		{text: `Not([yes])`, want: false},
		{text: `Not("fAlse")`, want: true},
		{text: `Not([none])`, err: "Not: takes a boolean, True or False"},
		{text: `Not([text])`, err: "Not: takes a boolean, True or False"},
		{text: `CBool([none])`, want: false},
		{text: `CBool([empty])`, want: false},
		{text: `CBool([zero])`, want: false},
		{text: `CBool([n])`, want: true},
		{text: `CBool("True")`, want: true},
		{text: `CBool([no])`, want: false},
		{text: `CBool([text])`, err: "CBool: takes a boolean or a number"},
		{text: `IIF([yes], "a", Not([text]))`, want: "a"},
		{text: `IIF([no], Not([text]), "b")`, want: "b"},
		{text: `IIF([none], "a", "b")`, want: "b"},
		{text: `IIF([text], "a", "b")`, err: "IIF: takes a boolean or a number"},
		{text: `IIF(IsNullOrEmpty([none]), "a", "b")`, want: "a"},
		{text: `IIF([list] = "x", "a", "b")`, err: "IIF: takes one value, and there are several; choose with Item, or put them together with Join"},
		{text: `IIF([one] = "x", "a", "b")`, want: "a"},
		{text: `IIF("x" = [parts], "a", "b")`, err: "IIF: takes a text, and the value has parts"},
		{text: `IIF([fraction] > 1, "a", "b")`, want: "a"},
		{text: `IIF(Not([text]) = "x", "a", "b")`, err: "IIF: Not: takes a boolean, True or False"},
		{text: `IIF("x" = Not([text]), "a", "b")`, err: "IIF: Not: takes a boolean, True or False"},
		{text: `Coalesce([none], [empty], [text])`, want: ""},
		{text: `Coalesce([none])`, want: nil},
		{text: `Coalesce(IgnoreFlowIfNullOrEmpty([empty]), "a")`, want: "a"},
		{text: `IgnoreFlowIfNullOrEmpty([none])`, want: expression.Ignored{}},
		{text: `IgnoreFlowIfNullOrEmpty([empty])`, want: expression.Ignored{}},
		{text: `IgnoreFlowIfNullOrEmpty([nothing])`, want: expression.Ignored{}},
		{text: `IgnoreFlowIfNullOrEmpty([text])`, want: "x"},
		{text: `IgnoreFlowIfNullOrEmpty([no])`, want: false},
		{text: `IsNull([none])`, want: true},
		{text: `IsNull([empty])`, want: false},
		{text: `IsNullOrEmpty([nothing])`, want: true},
		{text: `IsPresent([empty])`, want: false},
		{text: `IsPresent([text])`, want: true},
		{text: `IsString([text])`, want: true},
		{text: `IsString([n])`, want: true},
		{text: `IsString([none])`, want: false},
		{text: `IsString([list])`, want: false},
		{text: `IsString([parts])`, want: false},
		{text: `Switch([none], "d", "x", "1", "", "2")`, want: "2"},
		{text: `Switch([n], "d", "3", "three")`, want: "three"},
		{text: `Switch([text], "d", "X", "1")`, want: "d"},
		{text: `Switch([text], Not([text]), "x", "1")`, want: "1"},
		{text: `Switch([list], "d", "x", "1")`, err: "Switch: takes one value, and there are several; choose with Item, or put them together with Join"},
		{text: `Switch("x", "d", [list], "1")`, err: "Switch: takes one value, and there are several; choose with Item, or put them together with Join"},
	})
}
