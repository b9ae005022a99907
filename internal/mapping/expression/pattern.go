package expression

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// A pattern is matched in a time in proportion to its instructions and the text,
// of which the most take about a second.
const (
	maxMatched      = 8 << 10 // bytes of text; attributes of Entra have a few hundred
	maxPattern      = 1000    // bytes
	maxInstructions = 2000    // \d{10} has ten, .{0,256} twice as many as its count
)

// pattern compiles a regular expression of .NET as one of RE2, which needs a
// time in proportion to the text and cannot hang. What RE2 lacks is refused.
// https://learn.microsoft.com/dotnet/standard/base-types/regular-expression-language-quick-reference
func pattern(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, errors.New("regexPattern is empty")
	}
	if len(text) > maxPattern {
		return nil, fmt.Errorf("regexPattern is longer than %d bytes", maxPattern)
	}
	t := translation{rest: text}
	for t.rest != "" {
		if err := t.next(); err != nil {
			return nil, err
		}
	}
	return small(t.done.String())
}

// small compiles a pattern of RE2 that is matched soon.
func small(text string) (*regexp.Regexp, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if wrong := (*syntax.Error)(nil); errors.As(err, &wrong) {
		return nil, errors.New("regexPattern is no regular expression: " + string(wrong.Code))
	}
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > maxInstructions {
		return nil, errors.New("regexPattern would take too long; write smaller counts in { }")
	}
	return regexp.Compile(text)
}

// translation is a pattern of .NET on its way to RE2.
type translation struct {
	rest  string
	done  strings.Builder
	class bool // within [ ]
}

// next translates what stands next.
func (t *translation) next() error {
	switch c := t.rest[0]; {
	case c == '\\':
		return t.escape()
	case t.class && c == ']':
		t.class = false
	case t.class && strings.HasPrefix(t.rest, "-["):
		return errors.New("a class minus another, [a-z-[aeiou]], is not supported in regexPattern; write the characters that are left")
	case t.class && c == '[':
		t.take(1, `\[`)
		return nil
	case c == '[':
		t.class = true
		opening := 1
		if strings.HasPrefix(t.rest, "[^") {
			opening++
		}
		if strings.HasPrefix(t.rest[opening:], "]") { // the first ] is one of the characters
			opening++
		}
		t.take(opening, t.rest[:opening])
		return nil
	case !t.class && strings.HasPrefix(t.rest, "(?"):
		if wrong := unsupported(t.rest); wrong != "" {
			return errors.New(wrong)
		}
	}
	t.take(1, t.rest[:1])
	return nil
}

// take puts a text in the place of the next bytes.
func (t *translation) take(bytes int, instead string) {
	t.rest = t.rest[bytes:]
	t.done.WriteString(instead)
}

// unsupported says of what begins with (? why it is refused.
func unsupported(rest string) string {
	for _, group := range [...]struct{ opening, wrong string }{
		{"(?=", "looking ahead, (?=…)"},
		{"(?!", "looking ahead, (?!…)"},
		{"(?<=", "looking behind, (?<=…)"},
		{"(?<!", "looking behind, (?<!…)"},
		{"(?>", "an atomic group, (?>…)"},
		{"(?(", "a condition, (?(…)…)"},
		{"(?#", "a comment, (?#…)"},
		{"(?'", "a group named as (?'name'…); write (?<name>…)"},
	} {
		if strings.HasPrefix(rest, group.opening) {
			return notSupported(group.wrong)
		}
	}
	name, _, _ := strings.Cut(rest, ">")
	if strings.HasPrefix(name, "(?<") && strings.Contains(name, "-") {
		return notSupported("a balancing group, (?<a-b>…)")
	}
	return ""
}

func notSupported(what string) string {
	what, instead, _ := strings.Cut(what, "; ")
	if instead == "" {
		instead = "write the pattern without it, or use a group and regexGroupName"
	}
	return what + ", is not supported in regexPattern; " + instead
}

// The classes of characters are those of Unicode, as in .NET, where \w of RE2
// knows no letter with a mark.
const (
	wordCharacters    = `\p{L}\p{Mn}\p{Nd}\p{Pc}`
	otherThanWord     = `\p{Mc}\p{Me}\p{Nl}\p{No}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\p{S}\p{Z}\p{C}`
	spaceCharacters   = `\t-\r\x{85}\p{Z}`
	otherThanSpace    = `\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}\p{Cs}\p{Cn}\x00-\x08\x0e-\x1f\x7f-\x{84}\x{86}-\x{9f}`
	unicodeCodeDigits = 4
)

// escape translates a backslash and what follows.
func (t *translation) escape() error {
	if len(t.rest) == 1 {
		return errors.New("regexPattern ends with a backslash")
	}
	c := t.rest[1]
	if wrong := unsupportedEscape(c); wrong != "" {
		return errors.New(wrong)
	}
	switch {
	case c == 'd':
		t.take(2, `\p{Nd}`)
	case c == 'D':
		t.take(2, `\P{Nd}`)
	case c == 'w':
		t.take(2, t.among(wordCharacters))
	case c == 'W':
		t.take(2, t.among(otherThanWord))
	case c == 's':
		t.take(2, t.among(spaceCharacters))
	case c == 'S':
		t.take(2, t.among(otherThanSpace))
	case c == 'e':
		t.take(2, `\x1b`)
	case c == 'u' && len(t.rest) >= 2+unicodeCodeDigits:
		t.take(2+unicodeCodeDigits, `\x{`+t.rest[2:2+unicodeCodeDigits]+`}`)
	default:
		t.take(2, t.rest[:2])
	}
	return nil
}

// unsupportedEscape says of the letter behind a backslash why it is refused.
func unsupportedEscape(c byte) string {
	switch c {
	case '1', '2', '3', '4', '5', '6', '7', '8', '9', 'k':
		return notSupported(`a reference to what a group has matched, \` + string(c))
	case 'G':
		return notSupported(`the end of the last match, \G`)
	case 'Z':
		return notSupported(`the end before a line's end, \Z; write \\z`)
	case 'c':
		return notSupported(`a control character, \c; write \\x and its number`)
	default:
		return ""
	}
}

// among is a class of characters, where it stands.
func (t *translation) among(characters string) string {
	if t.class {
		return characters
	}
	return "[" + characters + "]"
}
