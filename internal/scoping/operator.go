package scoping

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// kind is what an operator does with the values of an attribute.
type kind int

const (
	positive kind = iota // one value passes the test
	negative             // none does
	null                 // there is none
	notNull              // there is one
	inGroup              // it is about a group, and no attribute
)

// operator is one of Entra's, or of those that it lacks.
type operator struct {
	name string
	kind kind
	// test makes what one value is put to of the value in the clause. Nil for an
	// operator without a value.
	test func(value string) (func(any) bool, error)
	// does says in a sentence when a clause holds.
	does string
}

// operators are all there are. Microsoft's page says of EQUALS, Includes and the
// regular expressions that they are case-sensitive; the others are so here, too.
func operators() []operator {
	return []operator{
		{"EQUALS", positive, equals, "One value is this one: the same text, case included, the same instant, or the same Boolean."},
		{"NOT EQUALS", negative, equals, "There is a value, and none is this one."},
		{"IS TRUE", positive, nil, "The value is the Boolean true."},
		{"IS FALSE", positive, nil, "The value is the Boolean false."},
		{"IS NULL", null, nil, "There is no value: null, an empty text, or a list of nothing else."},
		{"IS NOT NULL", notNull, nil, "There is a value."},
		{"REGEX MATCH", positive, matches, "The regular expression, in the syntax of RE2, matches somewhere in a value."},
		{"NOT REGEX MATCH", negative, matches, "There is a value, and the regular expression matches in none."},
		{"Greater_Than", positive, greater(false), "One value is an integer, or a date, that is greater."},
		{"Greater_Than_OR_EQUALS", positive, greater(true), "One value is an integer, or a date, that is greater or the same."},
		{"Includes", positive, textual(strings.Contains), "One value contains the text, case included."},
		{"ENDS_WITH", positive, textual(strings.HasSuffix), "One value ends with the text, case included."},
		{"&", positive, shares, "One value has one of the bits of an integer, or is contained in a text."},
		{"!&", negative, shares, "There is a value, and none has one of the bits of an integer, or is contained in a text."},
		{isMemberOf, inGroup, nil, "The user is in the group with this object id: of memberOf itself, of transitiveMemberOf also through groups within it."},
	}
}

// state is the test of an operator that asks for a Boolean value; nil of any other.
func state(operator string) func(any) bool {
	switch operator {
	case "IS TRUE":
		return func(v any) bool { return v == true }
	case "IS FALSE":
		return func(v any) bool { return v == false }
	default:
		return nil
	}
}

// Operators are the names of all operators, as Entra has them.
func Operators() []string {
	all := operators()
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = o.name
	}
	return names
}

// instead is what to write for an operator that administrators look for and Entra
// does not have; empty for others.
func instead(form string) string {
	switch form {
	case "CONTAINS":
		return "Includes"
	case "NOTCONTAINS":
		return "NOT REGEX MATCH"
	case "STARTSWITH":
		return "REGEX MATCH with a ^ before the value"
	case "NOTENDSWITH":
		return "NOT REGEX MATCH with a $ after the value"
	case "PRESENT", "NOTNULL":
		return "IS NOT NULL"
	case "IN":
		return "EQUALS in one group for each value"
	default:
		return ""
	}
}

// plain is the form in which the names of operators are compared.
func plain(name string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "_", "").Replace(name))
}

func newCondition(c Clause) (condition, error) {
	o, err := operatorOf(c.Operator)
	if err != nil {
		return condition{}, err
	}
	c.Operator = o.name
	made := condition{clause: c, at: attributeOf(c.Attribute), kind: o.kind, test: state(o.name)}
	switch {
	case o.kind == inGroup:
		made.group, err = groupOf(c)
		return made, err
	case IsRelation(c.Attribute):
		return condition{}, fmt.Errorf("%s is compared by %s alone; write that operator, and the object id of a group", c.Attribute, isMemberOf)
	case c.Attribute == "":
		return condition{}, fmt.Errorf("%s needs an attribute; write the name of one, such as department", o.name)
	case c.Attribute == "IsSoftDeleted":
		return condition{}, errors.New("IsSoftDeleted follows from the filter; write accountEnabled")
	case o.test == nil && c.Value != "":
		return condition{}, fmt.Errorf("%s takes no value; leave %q out", o.name, c.Value)
	case o.test == nil:
		return made, nil
	case c.Value == "":
		return condition{}, fmt.Errorf("%s needs a value; write one, or IS NULL or IS NOT NULL", o.name)
	}
	made.test, err = o.test(c.Value)
	return made, err
}

func operatorOf(name string) (operator, error) {
	form := plain(name)
	for _, o := range operators() {
		if plain(o.name) == form {
			return o, nil
		}
	}
	if better := instead(form); better != "" {
		return operator{}, fmt.Errorf("unknown operator %q; write %s", name, better)
	}
	return operator{}, fmt.Errorf("unknown operator %q; write one of %s", name, strings.Join(Operators(), ", "))
}

// equals tests whether a value is this one: the same text, the same instant, or the
// same Boolean, which Entra writes True.
func equals(value string) (func(any) bool, error) {
	at, dated := instantOf(value)
	return func(v any) bool {
		if b, ok := v.(bool); ok {
			return strings.EqualFold(textOf(b), value)
		}
		s := textOf(v)
		if s == value || !dated {
			return s == value
		}
		t, ok := instantOf(s)
		return ok && t.Equal(at)
	}, nil
}

// textual tests a value as a text.
func textual(test func(s, value string) bool) func(string) (func(any) bool, error) {
	return func(value string) (func(any) bool, error) {
		return func(v any) bool { return test(textOf(v), value) }, nil
	}
}

// matches tests whether something in a value matches a regular expression, as
// .NET's Regex.IsMatch does: Microsoft's page does not say that all of it must.
func matches(value string) (func(any) bool, error) {
	expression, err := compilePattern(value)
	if err != nil {
		return nil, err
	}
	return test(expression), nil
}

func test(expression *regexp.Regexp) func(any) bool {
	return func(v any) bool { return expression.MatchString(textOf(v)) }
}

// greater compares integers, as Entra does, or instants, which it does not. What is
// neither is not greater.
func greater(orEqual bool) func(string) (func(any) bool, error) {
	return func(value string) (func(any) bool, error) {
		if limit, ok := integerOf(value); ok {
			return func(v any) bool {
				n, ok := integerOf(v)
				return ok && (n > limit || orEqual && n == limit)
			}, nil
		}
		if limit, ok := instantOf(value); ok {
			return func(v any) bool {
				t, ok := instantOf(textOf(v))
				return ok && (t.After(limit) || orEqual && t.Equal(limit))
			}, nil
		}
		return nil, fmt.Errorf("%q is neither an integer nor a date; write one like 1000 or 2026-01-31 or 2026-01-31T08:00:00Z", value)
	}
}

// shares tests whether a value has one of the bits of an integer. Of any other text
// it tests what Microsoft's page says of this operator: whether the attribute exists
// in the value of the clause.
func shares(value string) (func(any) bool, error) {
	if bits, ok := integerOf(value); ok {
		return func(v any) bool {
			n, ok := integerOf(v)
			return ok && n&bits != 0
		}, nil
	}
	return func(v any) bool {
		s := textOf(v)
		return s != "" && strings.Contains(value, s)
	}, nil
}
