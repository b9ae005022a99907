package expression

import (
	"fmt"
	"slices"
	"strings"
)

// unlimited is more arguments than an expression has room for.
const unlimited = MaxLength

// definition is a function of the language.
type definition struct {
	// signature is as Microsoft's page has it.
	signature string
	// least and most are the numbers of arguments.
	least, most int
	// optional are the indexes of the arguments that may be left out.
	optional []int
	// conditions is how many of the first arguments may be comparisons.
	conditions int
	// numbers are the indexes of the arguments that are whole numbers, places of those
	// that count from 1.
	numbers, places []int
	does            string
	volatile        bool
	topmost         bool
	refused         string
	compile         func(arguments) (compute, error)
}

func (d definition) name() string {
	name, _, _ := strings.Cut(d.signature, "(")
	return name
}

// definitions are all functions, in no order.
func definitions() []definition {
	return slices.Concat(chances(), dates(), decisions(), lists(), replacing(), texts())
}

func find(all []definition, name string) (definition, bool) {
	i := slices.IndexFunc(all, func(d definition) bool { return strings.EqualFold(d.name(), name) })
	if i < 0 {
		return definition{}, false
	}
	return all[i], true
}

func names(all []definition) []string {
	list := make([]string, len(all))
	for i, d := range all {
		list[i] = d.name()
	}
	return list
}

// fits says what is wrong with the number of arguments, or which is missing;
// empty if nothing.
func (d definition) fits(args arguments) string {
	n := len(args)
	if n < d.least || n > d.most {
		return fmt.Sprintf("%s takes %s, and has %d; write %s", d.name(), d.count(), n, d.signature)
	}
	for i, a := range args {
		if a == nil && !slices.Contains(d.optional, i) {
			return fmt.Sprintf("argument %d of %s is missing; write %s", i+1, d.name(), d.signature)
		}
	}
	return ""
}

// misnumbered is the first constant that stands where a whole number belongs and is
// none, and what belongs there; nil if there is none.
func (d definition) misnumbered(args arguments) (wrong *argument, belongs string) {
	for _, i := range append(slices.Clip(d.numbers), d.places...) {
		a := args.at(i)
		if a == nil {
			continue
		}
		c, fixed := a.node.(constant)
		switch n, ok := asInteger(c.of); {
		case fixed && !ok:
			return a, "a whole number"
		case fixed && n < 1 && slices.Contains(d.places, i):
			return a, "a place, which counts from 1"
		}
	}
	return nil, ""
}

// count is how many arguments the function takes, in words.
func (d definition) count() string {
	switch {
	case d.most == unlimited && d.least == 1:
		return "one argument or more"
	case d.most == unlimited:
		return fmt.Sprintf("%d arguments or more", d.least)
	case d.least != d.most:
		return fmt.Sprintf("%d to %d arguments", d.least, d.most)
	case d.most == 1:
		return "one argument"
	case d.most == 0:
		return "no arguments"
	default:
		return fmt.Sprintf("%d arguments", d.most)
	}
}

// misplaced is a mistake in a constant argument.
type misplaced struct {
	error

	offset int
}

// compiled is what is made of a text argument such as a pattern: once if it is
// constant, else at each evaluation. Of one that is left out it is made of "".
func compiled[T any](a *argument, compile func(string) (T, error)) (func(*evaluation) (T, error), error) {
	fixed, is := constant{""}, true
	if a != nil {
		fixed, is = a.node.(constant)
	}
	if !is {
		return func(e *evaluation) (T, error) {
			text, _, err := e.text(a)
			if err != nil {
				var none T
				return none, err
			}
			return compile(text)
		}, nil
	}
	text, _, err := asText(fixed.of)
	if err != nil {
		return nil, err
	}
	once, err := compile(text)
	if err != nil {
		return nil, misplaced{err, a.offset}
	}
	return func(*evaluation) (T, error) { return once, nil }, nil
}

// always is the compile of a function that has nothing to do before it is
// evaluated.
func always(f func(e *evaluation, args arguments) (any, error)) func(arguments) (compute, error) {
	return func(args arguments) (compute, error) {
		return func(e *evaluation) (any, error) { return f(e, args) }, nil
	}
}

// elsewhere says of a function that other parts of Entra have what to write
// instead of it here.
// https://learn.microsoft.com/entra/identity/hybrid/cloud-sync/reference-expressions
// https://learn.microsoft.com/entra/identity/hybrid/connect/reference-connect-sync-functions-reference
func elsewhere(name string) (instead string, known bool) {
	switch strings.ToLower(name) {
	case "trim":
		return `; write Replace(source, , "^\\s+|\\s+$", , "", , )`, true
	case "ltrim":
		return `; write Replace(source, , "^\\s+", , "", , )`, true
	case "rtrim":
		return `; write Replace(source, , "\\s+$", , "", , )`, true
	case "lcase":
		return "; write ToLower(source)", true
	case "ucase":
		return "; write ToUpper(source)", true
	case "contains":
		return "; write InStr(value1, value2) > 0 in the condition of IIF", true
	case "right":
		return `; write Replace(source, , "^.*(.{3})$", , "$1", , ) for the last 3 characters`, true
	case "cnum":
		return "; a text of digits is taken where a number is expected", true
	case "approleassignments":
		return "; write SingleAppRoleAssignment([appRoleAssignments])", true
	case "convertfrombase64", "convertfromutf8hex", "cguid", "cref", "dncomponent", "dncomponentrev", "error", "escapedncomponent",
		"instrrev", "isbitset", "isdate", "isguid", "isnumeric", "padleft", "padright", "randomnum", "replacechars", "select",
		"stringfromguid", "stringfromsid", "where", "with":
		return "", true
	default:
		return "", false
	}
}
