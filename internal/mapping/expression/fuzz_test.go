package expression_test

import (
	"encoding/json"
	"errors"
	"testing"

	"entrawebex/internal/mapping/expression"
)

// Whatever is written, it is parsed or refused at a place of the text, and what
// it gives is bounded.
func FuzzExpression(f *testing.F) {
	for _, function := range expression.Functions() {
		for _, x := range function.Examples {
			f.Add(x.Expression, "John Doe", "2024-02-29")
		}
	}
	f.Add(`Replace([a], , "(?<x>[\\w-[a]])\\1", "x", "$1", , )`, "a-b", "")
	f.Add(`IIF([a]="b" && [c]="d", "e", "f")`, "b", "d")
	f.Fuzz(func(t *testing.T, text, a, b string) {
		x, err := expression.Parse(text)
		if err != nil {
			checkMistakes(t, text, err)
			return
		}
		read := 0
		get := func(name string) any {
			switch read++; len(name) % 4 {
			case 0:
				return a
			case 1:
				return b
			case 2:
				return []any{a, b}
			default:
				return nil
			}
		}
		fingerprint := x.Arguments(get)
		read = 0
		env := expression.Environment{Trace: func(s expression.Step) {
			if s.Function == "" || s.Depth < 0 {
				t.Errorf("step %+v", s)
			}
		}}
		v, err := x.Evaluate(env, get)
		if len(x.Attributes()) == 0 && read > 0 {
			t.Error("attributes are read and not named")
		}
		if encoded, wrong := json.Marshal(v); err == nil && (wrong != nil || len(encoded) > 12*(expression.MaxResult+len(a)+len(b)+len(text))) {
			t.Errorf("%d bytes, %v", len(encoded), wrong)
		}
		if again, wrong := x.Evaluate(expression.Environment{}, get); !x.Volatile() && (err == nil) != (wrong == nil) {
			t.Errorf("%v and %v, %v and %v", v, again, err, wrong)
		}
		if x.Arguments(get) != fingerprint {
			t.Error("the fingerprint is not the same")
		}
	})
}

func checkMistakes(t *testing.T, text string, err error) {
	t.Helper()
	var mistakes expression.Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) == 0 {
		t.Fatal(err)
	}
	for _, m := range mistakes {
		if m.Offset < 0 || m.Offset > len(text) || m.Line < 1 || m.Column < 1 || m.Text == "" {
			t.Errorf("%+v", m)
		}
	}
}
