package expression_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping/expression"
)

// evaluation is an expression with what it gives for the attributes of a table,
// or the error.
type evaluation struct {
	text string
	want any
	err  string
}

// evaluated are the rows of a table: what the published examples leave open.
func evaluated(t *testing.T, attributes map[string]any, rows []evaluation) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.text, func(t *testing.T) {
			t.Parallel()
			holds(t, row.text, attributes, row.want, row.err)
		})
	}
}

// refused are expressions that do not parse, and the mistake.
func refused(t *testing.T, rows map[string]string) {
	t.Helper()
	for text, want := range rows {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			mistaken(t, text, want)
		})
	}
}

// holds evaluates an expression for attributes.
func holds(t *testing.T, text string, attributes map[string]any, want any, wantErr string) {
	t.Helper()
	got, err := parsed(t, text).Evaluate(expression.Environment{}, of(attributes))
	if wantErr != "" {
		if err == nil || err.Error() != wantErr {
			t.Errorf("%v, error %v, want the error %q", got, err, wantErr)
		}
		return
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// mistaken parses an expression that has one mistake.
func mistaken(t *testing.T, text, want string) {
	t.Helper()
	_, err := expression.Parse(text)
	if err == nil {
		t.Fatal("no mistake")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

// quoted is a text as a constant.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
