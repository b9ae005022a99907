package expression_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping/expression"
)

func parsed(t *testing.T, text string) *expression.Expression {
	t.Helper()
	x, err := expression.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestAnExpressionNamesWhatItReads(t *testing.T) {
	t.Parallel()
	x := parsed(t, `IIF([country] = [ usageLocation ], Coalesce([b], [a], [b]), "[none]")`)
	if diff := cmp.Diff([]string{"a", "b", "country", "usageLocation"}, x.Attributes()); diff != "" {
		t.Error(diff)
	}
	if got := expression.Attribute("a").Attributes(); len(got) != 1 || got[0] != "a" {
		t.Error(got)
	}
	if got := expression.Constant(true).Attributes(); len(got) != 0 {
		t.Error(got)
	}
}

func TestADirectAndAConstantMappingAreExpressions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		x    *expression.Expression
		text string
		want any
	}{
		{expression.Attribute("a"), "[a]", "A"},
		{expression.Attribute("list"), "[list]", []any{"x"}},
		{expression.Constant("c"), `"c"`, "c"},
		{expression.Constant(true), "true", true},
	} {
		got, err := test.x.Evaluate(expression.Environment{}, of(map[string]any{"a": "A", "list": []string{"x"}}))
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" || test.x.String() != test.text {
			t.Error(test.x, err, diff)
		}
	}
}

// As long as the fingerprint is the same, a value that chance or the time has a
// part in is kept.
func TestArgumentsTellWhetherAnyValueReadHasChanged(t *testing.T) {
	t.Parallel()
	x := parsed(t, `Coalesce([a], [list], [c])`)
	before := map[string]any{"a": "1", "list": []any{"x", "y"}, "other": "o"}
	fingerprint := x.Arguments(of(before))
	if other := map[string]any{"a": "1", "list": []any{"x", "y"}, "other": "changed"}; x.Arguments(of(other)) != fingerprint {
		t.Error("an attribute that is not read changes the fingerprint")
	}
	for name, changed := range map[string]map[string]any{
		"a value":                      {"a": "2", "list": []any{"x", "y"}},
		"one of several values":        {"a": "1", "list": []any{"x", "z"}},
		"a value that came":            {"a": "1", "list": []any{"x", "y"}, "c": ""},
		"a value that went":            {"list": []any{"x", "y"}},
		"a value that moved elsewhere": {"c": "1", "list": []any{"x", "y"}},
	} {
		if x.Arguments(of(changed)) == fingerprint {
			t.Error(name, "leaves the fingerprint")
		}
	}
	if parsed(t, `Coalesce([a], [list], [c], "")`).Arguments(of(before)) == fingerprint {
		t.Error("another expression has the same fingerprint")
	}
	const stored = "4ca1826551432f0ece6782721348c949"
	if fingerprint != stored {
		t.Errorf("fingerprints that were stored are void: %s", fingerprint)
	}
}

func TestEachFunctionIsTracedTheInnerOnesFirst(t *testing.T) {
	t.Parallel()
	x := parsed(t, `IIF(Not([a]) = "True", Coalesce([b], "c"), Not([c]))`)
	var steps []expression.Step
	env := expression.Environment{Trace: func(s expression.Step) { steps = append(steps, s) }}
	if got, err := x.Evaluate(env, of(map[string]any{"a": false})); err != nil || got != "c" {
		t.Fatal(got, err)
	}
	want := []expression.Step{
		{Depth: 1, Function: "Not", Arguments: []any{false}, Result: true},
		{Depth: 1, Function: "Coalesce", Arguments: []any{nil, "c"}, Result: "c"},
		{Depth: 0, Function: "IIF", Arguments: []any{true, "c", expression.Unused{}}, Result: "c"},
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}
}

func TestAStepThatFailsIsTraced(t *testing.T) {
	t.Parallel()
	var steps []expression.Step
	env := expression.Environment{Trace: func(s expression.Step) { steps = append(steps, s) }}
	_, err := parsed(t, `Coalesce(Not([a]))`).Evaluate(env, of(map[string]any{"a": "secret"}))
	if err == nil || err.Error() != "Coalesce: Not: takes a boolean, True or False" {
		t.Error(err)
	}
	if len(steps) != 2 || steps[0].Err == nil || steps[1].Err == nil {
		t.Error(steps)
	}
}

func TestAValueThatIsTooLongIsAnError(t *testing.T) {
	t.Parallel()
	x := parsed(t, `Coalesce([a])`)
	for _, test := range []struct {
		name string
		a    any
		long bool
	}{
		{"the longest text", strings.Repeat("a", expression.MaxResult), false},
		{"a longer one", strings.Repeat("a", expression.MaxResult+1), true},
		{"many values", slicesOf("a", expression.MaxResult), true},
	} {
		_, err := x.Evaluate(expression.Environment{}, of(map[string]any{"a": test.a}))
		if (err != nil) != test.long {
			t.Error(test.name, err)
		}
	}
}

func slicesOf(s string, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = s
	}
	return list
}
