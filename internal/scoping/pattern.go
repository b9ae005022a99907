package scoping

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxPattern is how many instructions a regular expression may come to. The time to
// match is at most proportional to that and to the length of the text: RE2 does not
// try one way after the other.
const maxPattern = 2000

// class is what a class of .NET's regular expressions has, which go beyond ASCII
// (https://learn.microsoft.com/dotnet/standard/base-types/character-classes-in-regular-expressions);
// empty for another escape. RE2's classes do not, and neither does its \b.
func class(escape string) string {
	switch escape {
	case "d":
		return `\p{Nd}`
	case "w":
		return `\p{L}\p{Mn}\p{Nd}\p{Pc}`
	case "s":
		return `\s\v\x{85}\p{Z}`
	default:
		return ""
	}
}

// foreigner is the beginning of what RE2 does not have or reads otherwise, within
// brackets or outside of them, and what to write instead.
type foreigner struct {
	begins  string
	inside  bool
	instead string
}

func foreigners() []foreigner {
	return []foreigner{
		{"(?=", false, "write what must follow as a clause of its own, with REGEX MATCH"},
		{"(?!", false, "write what must not follow as a clause of its own, with NOT REGEX MATCH"},
		{"(?<=", false, "write what must stand before it as a clause of its own, with REGEX MATCH"},
		{"(?<!", false, "write what must not stand before it as a clause of its own, with NOT REGEX MATCH"},
		{"(?>", false, "write (?: for it"},
		{"(?(", false, "write one group of clauses for each case"},
		{"(?'", false, "write (?: for it"},
		{"(?#", false, "leave the comment out"},
		{"-[", true, `list the characters that are meant, or write \[ for the bracket itself`},
		{"[:", true, `write \[ for the bracket itself`},
	}
}

// compilePattern compiles a regular expression of .NET. What only .NET has is
// refused: it needs backtracking, of which nobody can say how long it takes.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	translated, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(translated, syntax.Perl)
	if refused, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, fmt.Errorf("the regular expression %q has %s, `%s`; write it in RE2's syntax, https://github.com/google/re2/wiki/Syntax",
			pattern, refused.Code, refused.Expr)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxPattern {
		return nil, fmt.Errorf("the regular expression %q is too large; write smaller counts in its braces, or several clauses", pattern)
	}
	return regexp.Compile(translated)
}

// translate writes .NET's classes for RE2.
func translate(pattern string) (string, error) {
	var out strings.Builder
	inside := false // within brackets
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if err := foreign(pattern, i, inside); err != nil {
			return "", err
		}
		switch {
		case c == '\\' && i+1 < len(pattern):
			i++
			written, err := escaped(pattern[i:i+1], inside)
			if err != nil {
				return "", fmt.Errorf("the regular expression %q has %w", pattern, err)
			}
			out.WriteString(written)
			continue
		case c == '[' && !inside:
			inside = true
			out.WriteByte(c)
			for _, first := range []string{"^", "]"} { // a bracket that comes first is one of the characters
				if strings.HasPrefix(pattern[i+1:], first) {
					i++
					out.WriteString(first)
				}
			}
			continue
		case c == ']':
			inside = false
		}
		out.WriteByte(c)
	}
	return out.String(), nil
}

// foreign refuses what only .NET has, where it begins.
func foreign(pattern string, at int, inside bool) error {
	for _, d := range foreigners() {
		if strings.HasPrefix(pattern[at:], d.begins) && d.inside == inside {
			return fmt.Errorf("the regular expression %q has `%s`, which is .NET's alone; %s", pattern, d.begins, d.instead)
		}
	}
	return nil
}

// escaped is what an escape is to RE2.
func escaped(c string, inside bool) (string, error) {
	has := class(strings.ToLower(c))
	negated := c != strings.ToLower(c)
	switch {
	case has == "":
		return `\` + c, nil
	case inside && negated:
		return "", fmt.Errorf("`\\%s` within brackets; write the characters that are meant", c)
	case inside:
		return has, nil
	case negated:
		return "[^" + has + "]", nil
	default:
		return "[" + has + "]", nil
	}
}
