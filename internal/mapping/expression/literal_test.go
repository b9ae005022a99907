package expression_test

import (
	"testing"

	"entrawebex/internal/mapping/expression"
)

func TestALiteralIsReadAsItsValue(t *testing.T) {
	t.Parallel()
	for _, v := range []any{"", "a  b", `\"quoted\" \ and"`, int64(-7), int64(9007199254740993), "a\nb"} {
		holds(t, "Coalesce("+expression.Literal(v)+")", nil, v, "")
	}
	for want, v := range map[string]any{
		"null": nil, "True": true, "False": false, "…": expression.Unused{}, "nothing": expression.Ignored{}, "1.5": 1.5, `["<a>",{"b":null}]`: []any{"<a>", map[string]any{"b": nil}},
	} {
		if got := expression.Literal(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
