package expression_test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping/expression"
)

func TestWhatMayChangeByItselfIsVolatile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`Guid()`:                            true,
		`Append([a], Now())`:                true,
		`IIF([a] = Guid(), "b", "c")`:       true,
		`SelectUniqueValue([a], [b])`:       true,
		`Redact(RandomString(6,3,0,0,3))`:   true,
		`Join("@", [a], DefaultDomain())`:   false,
		`Not([a])`:                          false,
		`FormatDateTime([a], , "yy", "yy")`: false,
	} {
		if got := parsed(t, text).Volatile(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestWhatCannotBeUsedIsKnownAndRefused(t *testing.T) {
	t.Parallel()
	const want = "line 1, column 1: SelectUniqueValue is for Workday, SuccessFactors and API-driven provisioning to Active Directory; Entra does not support it where users are provisioned to applications; write the first of its rules alone"
	if err := parsed(t, `SelectUniqueValue([a], [b])`).Refused(); err == nil || err.Error() != want {
		t.Error(err)
	}
	for _, f := range expression.Functions() {
		if refused := f.Name == "SelectUniqueValue"; (f.Refused != "") != refused {
			t.Error(f.Name, f.Refused)
		}
	}
	if err := parsed(t, `Coalesce([a], [b])`).Refused(); err != nil {
		t.Error(err)
	}
	mistaken(t, `Append("x", SelectUniqueValue([a], [b]))`, "line 1, column 13: SelectUniqueValue stands within another function; it must be the outermost")
}

func TestAUniqueValueIsTheFirstThatIsNotTaken(t *testing.T) {
	t.Parallel()
	x := parsed(t, `SelectUniqueValue([none], [a], [b])`)
	attributes := of(map[string]any{"a": "A", "b": "B"})
	down := errors.New("down")
	for _, test := range []struct {
		name  string
		taken func(string) (bool, error)
		want  any
		err   string
	}{
		{"of nothing", nil, "A", ""},
		{"of one", func(v string) (bool, error) { return v == "A", nil }, "B", ""},
		{"of all", func(string) (bool, error) { return true, nil }, nil, "SelectUniqueValue: each of the 2 values is taken"},
		{"not known", func(string) (bool, error) { return false, down }, nil, "SelectUniqueValue: find out whether a value is taken: down"},
	} {
		got, err := x.Evaluate(expression.Environment{Taken: test.taken}, attributes)
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Error(test.name, err)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Error(test.name, got, err)
		}
	}
	if got, err := x.Evaluate(expression.Environment{}, of(nil)); got != nil || err != nil {
		t.Error("of no value:", got, err)
	}
}

// kinds counts the characters of each kind that RandomString knows.
func kinds(s string) (digits, special, capital, lower int) {
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsUpper(r):
			capital++
		case unicode.IsLower(r):
			lower++
		default:
			special++
		}
	}
	return digits, special, capital, lower
}

func TestARandomStringHasTheLeastOfEachKind(t *testing.T) {
	t.Parallel()
	x := parsed(t, `RandomString(12, 3, 2, 4, 1, [avoid])`)
	seen := map[any]bool{}
	for range 200 {
		got, err := x.Evaluate(expression.Environment{}, of(map[string]any{"avoid": "aB3!"}))
		if err != nil {
			t.Fatal(err)
		}
		s, _ := got.(string)
		if digits, special, capital, lower := kinds(s); len(s) != 12 || digits < 3 || special < 2 || capital < 4 || lower < 1 || strings.ContainsAny(s, "aB3!") {
			t.Fatalf("%q", s)
		}
		seen[got] = true
	}
	if len(seen) < 199 {
		t.Errorf("200 strings are %d", len(seen))
	}
}

func TestARandomStringHasNoKindThatIsNotAskedFor(t *testing.T) {
	t.Parallel()
	all := ""
	for range 50 {
		got, err := parsed(t, `RandomString(20, 1, 0, 0, 1)`).Evaluate(expression.Environment{}, of(nil))
		if err != nil {
			t.Fatal(err)
		}
		s, _ := got.(string)
		all += s
	}
	if digits, special, capital, lower := kinds(all); special+capital > 0 || digits < 100 || lower < 400 {
		t.Error(digits, special, capital, lower)
	}
	got, err := parsed(t, `RandomString(256, 0, 0, 0, 0)`).Evaluate(expression.Environment{}, of(nil))
	s, _ := got.(string)
	if digits, special, capital, lower := kinds(s); err != nil || digits*special*capital*lower == 0 {
		t.Error("of any kind:", got, err)
	}
}

func TestARandomStringThatCannotBeIsAMistake(t *testing.T) {
	t.Parallel()
	refused(t, map[string]string{
		`RandomString(257, 0, 0, 0, 0)`:             `line 1, column 1: RandomString: Length is from 0 to 256`,
		`RandomString(5, 0, -1, 0, 0)`:              `line 1, column 1: RandomString: MinimumSpecialCharacters is from 0 to 256`,
		`RandomString(5, 3, 0, 0, 3)`:               `line 1, column 1: RandomString: the least numbers together are more than Length`,
		`RandomString(5, "many", 0, 0, 3)`:          `line 1, column 17: argument 2 of RandomString is a whole number; write one, as in RandomString(Length, MinimumNumbers, MinimumSpecialCharacters, MinimumCapital, MinimumLowerCase, CharactersToAvoid)`,
		`RandomString(5, 3, 0, 0, 0, "0123456789")`: `line 1, column 1: RandomString: CharactersToAvoid leaves no character of a kind that is asked for`,
		`RandomString(5, 3, 0, 0)`:                  `line 1, column 1: RandomString takes 5 to 6 arguments, and has 4; write RandomString(Length, MinimumNumbers, MinimumSpecialCharacters, MinimumCapital, MinimumLowerCase, CharactersToAvoid)`,
		`Guid([a])`:                                 `line 1, column 1: Guid takes no arguments, and has 1; write Guid()`,
		`DefaultDomain("contoso.com")`:              `line 1, column 1: DefaultDomain takes no arguments, and has 1; write DefaultDomain()`,
	})
}

func TestChanceIsThatOfTheEnvironment(t *testing.T) {
	t.Parallel()
	env := func() expression.Environment {
		return expression.Environment{Random: bytes.NewReader(bytes.Repeat([]byte{255, 7, 100, 250}, 100))}
	}
	for text, want := range map[string]string{
		`Guid()`:                      "ff0764fa-ff07-44fa-bf07-64faff0764fa",
		`RandomString(6, 2, 0, 0, 2)`: "",
	} {
		first, err := parsed(t, text).Evaluate(env(), of(nil))
		again, wrong := parsed(t, text).Evaluate(env(), of(nil))
		if err != nil || wrong != nil || first != again || want != "" && first != want {
			t.Error(text, first, again, err, wrong)
		}
	}
	for _, text := range []string{`Guid()`, `RandomString(6, 2, 0, 0, 2)`} {
		for bytesLeft := range 3 {
			env := expression.Environment{Random: io.LimitReader(strings.NewReader("\x01\x02\x03"), int64(bytesLeft))}
			if got, err := parsed(t, text).Evaluate(env, of(nil)); err == nil {
				t.Error(text, got)
			}
		}
	}
}

func TestTheDefaultDomainIsReadLikeAnAttribute(t *testing.T) {
	t.Parallel()
	x := parsed(t, `Join("@", [a], defaultdomain())`)
	if diff := cmp.Diff([]string{expression.DefaultDomain, "a"}, x.Attributes()); diff != "" {
		t.Error(diff)
	}
	get := of(map[string]any{"a": "ada", expression.DefaultDomain: "contoso.com"})
	if got, err := x.Evaluate(expression.Environment{}, get); got != "ada@contoso.com" || err != nil {
		t.Error(got, err)
	}
}

// What is redacted is in no step: not the value, not what it was made of, not
// what is made of it.
func TestWhatIsRedactedIsNotTraced(t *testing.T) {
	t.Parallel()
	x := parsed(t, `Join(" ", Append([first], "!"), Append(Redact(ToUpper([secret])), "?"))`)
	var steps []expression.Step
	env := expression.Environment{Trace: func(s expression.Step) { steps = append(steps, s) }}
	got, err := x.Evaluate(env, of(map[string]any{"first": "a", "secret": "b"}))
	if err != nil || got != "a! B?" || !x.Redacted() {
		t.Fatal(got, err)
	}
	const redacted = expression.Redaction
	want := []expression.Step{
		{Depth: 1, Function: "Append", Arguments: []any{"a", "!"}, Result: "a!"},
		{Depth: 3, Function: "ToUpper", Arguments: []any{redacted}, Result: redacted},
		{Depth: 2, Function: "Redact", Arguments: []any{redacted}, Result: redacted},
		{Depth: 1, Function: "Append", Arguments: []any{redacted, redacted}, Result: redacted},
		{Depth: 0, Function: "Join", Arguments: []any{redacted, redacted, redacted}, Result: redacted},
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{`IIF([a] = Redact([b]), "c", "d")`, `IIF(Redact([a]) = [b], "c", "d")`} {
		if !parsed(t, text).Redacted() {
			t.Error(text, "is not redacted")
		}
	}
	if parsed(t, `Append([a], "b")`).Redacted() {
		t.Error("an expression without Redact is redacted")
	}
}

func TestAnErrorHasNoValueOfTheObject(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	value := regexp.MustCompile(secret)
	for _, f := range expression.Functions() {
		for _, x := range f.Examples {
			for _, v := range []any{secret, []any{secret, secret}, map[string]any{secret: secret}} {
				_, err := parsed(t, x.Expression).Evaluate(expression.Environment{}, func(string) any { return v })
				if err != nil && value.MatchString(err.Error()) {
					t.Error(x.Expression, err)
				}
			}
		}
	}
}
