package expression

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// replacing is Replace alone.
func replacing() []definition {
	return []definition{{
		signature: "Replace(source, oldValue, regexPattern, regexGroupName, replacementValue, replacementAttributeName, template)",
		least:     2, most: 7, optional: []int{1, 2, 3, 4, 5, 6}, compile: replace,
		does: "The source with each oldValue replaced by replacementValue; or the template with each oldValue replaced by the source; " +
			"or the source with each match of regexPattern, or its group regexGroupName, replaced by replacementValue; " +
			"or, if the source has no value, the group regexGroupName of what matches regexPattern in replacementAttributeName. Case matters.",
	}}
}

// replace compiles Replace, which does one of five things by the arguments that
// are given.
func replace(args arguments) (compute, error) {
	var given [7]bool
	for i := range given {
		given[i] = args.at(i) != nil
	}
	given[0] = false // the source always is
	switch given {
	case [...]bool{1: true, 4: true, 6: false}:
		return replaceValue(args.at(0), args.at(1), args.at(4)), notEmpty(args.at(1))
	case [...]bool{1: true, 6: true}:
		return replaceInTemplate(args), notEmpty(args.at(1))
	case [...]bool{2: true, 4: true, 6: false}:
		return replaceMatches(args)
	case [...]bool{2: true, 3: true, 4: true, 6: false}:
		return replaceGroup(args)
	case [...]bool{2: true, 3: true, 5: true, 6: false}:
		return otherwiseGroup(args)
	default:
		return nil, errors.New("write with the source either oldValue and replacementValue, or oldValue and template, " +
			"or regexPattern and replacementValue, or regexPattern, regexGroupName and replacementValue, " +
			"or regexPattern, regexGroupName and replacementAttributeName, and leave the others out")
	}
}

var errEmptyOld = errors.New("oldValue is empty")

// notEmpty is the mistake of a constant that is empty.
func notEmpty(a *argument) error {
	if c, is := a.node.(constant); is && c.of == "" {
		return misplaced{errEmptyOld, a.offset}
	}
	return nil
}

// replaceAll is a text with each old in it replaced.
func replaceAll(s, old, replacement string) (any, error) {
	if old == "" {
		return nil, errEmptyOld
	}
	if len(s)+strings.Count(s, old)*(len(replacement)-len(old)) > MaxResult {
		return nil, errTooLong
	}
	return strings.ReplaceAll(s, old, replacement), nil
}

func replaceValue(source, old, replacement *argument) compute {
	return func(e *evaluation) (any, error) {
		s, there, err := e.text(source)
		if err != nil || !there {
			return nil, err
		}
		o, _, err := e.text(old)
		if err != nil {
			return nil, err
		}
		r, _, err := e.text(replacement)
		if err != nil {
			return nil, err
		}
		return replaceAll(s, o, r)
	}
}

// replaceInTemplate puts the source into the template; null stays null.
func replaceInTemplate(args arguments) compute {
	return func(e *evaluation) (any, error) {
		if _, there, err := e.text(args.at(0)); err != nil || !there {
			return nil, err
		}
		return replaceValue(args.at(6), args.at(1), args.at(0))(e)
	}
}

// replaceMatches replaces what a pattern matches.
func replaceMatches(args arguments) (compute, error) {
	expression, err := compiled(args.at(2), pattern)
	if err != nil {
		return nil, err
	}
	value, err := compiled(args.at(4), parseReplacement)
	if err != nil {
		return nil, err
	}
	return func(e *evaluation) (any, error) {
		s, re, err := matching(e, args.at(0), expression)
		if err != nil || re == nil {
			return nil, err
		}
		r, err := value(e)
		if err != nil {
			return nil, err
		}
		return rewritten(re, s, 0, func(to []byte, match []int) []byte { return r.expand(to, re, s, match) })
	}, nil
}

// replaceGroup replaces what a group of a pattern matches, and leaves the rest
// of the match.
func replaceGroup(args arguments) (compute, error) {
	expression, group, err := patternAndGroup(args)
	if err != nil {
		return nil, err
	}
	return func(e *evaluation) (any, error) {
		s, re, err := matching(e, args.at(0), expression)
		if err != nil || re == nil {
			return nil, err
		}
		name, err := group(e)
		if err != nil {
			return nil, err
		}
		index, err := groupIndex(re, name)
		if err != nil {
			return nil, err
		}
		value, _, err := e.text(args.at(4))
		if err != nil {
			return nil, err
		}
		return rewritten(re, s, index, func(to []byte, _ []int) []byte { return append(to, value...) })
	}, nil
}

// otherwiseGroup is the source, or what a group matches in another attribute if
// the source has no value.
func otherwiseGroup(args arguments) (compute, error) {
	expression, group, err := patternAndGroup(args)
	if err != nil {
		return nil, err
	}
	return func(e *evaluation) (any, error) {
		if source, _, err := e.text(args.at(0)); err != nil || source != "" {
			return source, err
		}
		s, re, err := matching(e, args.at(5), expression)
		if err != nil || re == nil {
			return nil, err
		}
		name, err := group(e)
		if err != nil {
			return nil, err
		}
		index, err := groupIndex(re, name)
		if err != nil {
			return nil, err
		}
		match := re.FindStringSubmatch(s)
		if match == nil {
			return null(), nil
		}
		return match[index], nil
	}, nil
}

// patternAndGroup compiles a pattern and the name of a group in it. A constant
// name must be one of a constant pattern's.
func patternAndGroup(args arguments) (expression func(*evaluation) (*regexp.Regexp, error), group func(*evaluation) (string, error), err error) {
	if expression, err = compiled(args.at(2), pattern); err != nil {
		return nil, nil, err
	}
	fixed := args[2:3].constant()
	group, err = compiled(args.at(3), func(name string) (string, error) {
		if !fixed {
			return name, nil
		}
		re, err := expression(nil)
		if err == nil {
			_, err = groupIndex(re, name)
		}
		return name, err
	})
	return expression, group, err
}

func groupIndex(re *regexp.Regexp, name string) (int, error) {
	if i := re.SubexpIndex(name); i > 0 {
		return i, nil
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i <= re.NumSubexp() {
		return i, nil
	}
	return 0, errors.New("regexPattern has no group of the name regexGroupName; write (?<name>…) in it")
}

// matching is the text of an argument and the pattern to look for in it; no
// pattern if the text is null.
func matching(e *evaluation, source *argument, expression func(*evaluation) (*regexp.Regexp, error)) (string, *regexp.Regexp, error) {
	s, there, err := e.text(source)
	if err != nil || !there {
		return "", nil, err
	}
	if len(s) > maxMatched {
		return "", nil, fmt.Errorf("the text is longer than the %d KiB that a pattern is matched with", maxMatched>>10)
	}
	re, err := expression(e)
	return s, re, err
}

// rewritten is a text with what a group matches written anew, everywhere.
func rewritten(re *regexp.Regexp, s string, group int, write func(to []byte, match []int) []byte) (any, error) {
	var to []byte
	end := 0
	for _, match := range re.FindAllStringSubmatchIndex(s, -1) {
		from, until := match[2*group], match[2*group+1]
		if from < end { // the group is not in this match
			continue
		}
		to = write(append(to, s[end:from]...), match)
		if end = until; len(to) > MaxResult {
			return nil, errTooLong
		}
	}
	return string(append(to, s[end:]...)), nil
}

// replacement is what is written for a match: texts and groups in turn.
// https://learn.microsoft.com/dotnet/standard/base-types/substitutions-in-regular-expressions
type replacement []substitution

// substitution is a text, or a group by its name or number, with the text that
// it is if the pattern has no such group.
type substitution struct{ text, group string }

var substitutions = regexp.MustCompile(`\$(?:\$|&|\d+|\{\w+\}|[` + "`" + `'+_])`)

func parseReplacement(text string) (replacement, error) {
	var r replacement
	end := 0
	for _, at := range substitutions.FindAllStringIndex(text, -1) {
		r = append(r, substitution{text: text[end:at[0]]})
		end = at[1]
		switch written := text[at[0]:at[1]]; written {
		case "$$":
			r = append(r, substitution{text: "$"})
		case "$&":
			r = append(r, substitution{text: written, group: "0"})
		case "$`", "$'", "$+", "$_":
			return nil, fmt.Errorf("%s is not supported in replacementValue; write $$%s for the text, ${name} for a group", written, written[1:])
		default:
			r = append(r, substitution{text: written, group: strings.Trim(written, "${}")})
		}
	}
	return append(r, substitution{text: text[end:]}), nil
}

// expand appends what is written for a match.
func (r replacement) expand(to []byte, re *regexp.Regexp, s string, match []int) []byte {
	for _, part := range r {
		index, err := groupIndex(re, part.group)
		switch {
		case part.group == "" || err != nil:
			to = append(to, part.text...)
		case match[2*index] >= 0:
			to = append(to, s[match[2*index]:match[2*index+1]]...)
		}
		if len(to) > MaxResult {
			return to
		}
	}
	return to
}
