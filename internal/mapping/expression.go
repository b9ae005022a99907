package mapping

import (
	"errors"
	"fmt"
	"strings"
)

// expression computes a value from an object's attributes.
type expression interface {
	value(attributes map[string]any) (any, error)
	// reads appends the names of the attributes it looks at.
	reads(names []string) []string
}

type attribute string

func (a attribute) value(attributes map[string]any) (any, error) {
	return source(attributes, string(a)), nil
}

func (a attribute) reads(names []string) []string { return append(names, string(a)) }

type constant struct{ of any }

func (c constant) value(map[string]any) (any, error) { return c.of, nil }

func (constant) reads(names []string) []string { return names }

type call struct {
	name      string
	function  func(args []any) (any, error)
	arguments []expression
}

func (c call) value(attributes map[string]any) (any, error) {
	args := make([]any, len(c.arguments))
	for i, argument := range c.arguments {
		v, err := argument.value(attributes)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	v, err := c.function(args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return v, nil
}

func (c call) reads(names []string) []string {
	for _, argument := range c.arguments {
		names = argument.reads(names)
	}
	return names
}

// maxExpression is the length Entra allows an expression, in characters
// ("Known issues for provisioning in Microsoft Entra ID").
const maxExpression = 10_000

// parseExpression reads an expression in Entra's language: [attribute],
// "constant", Function(argument, …).
// https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data
func parseExpression(text string) (expression, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("an expression has at most %d characters, not %d", maxExpression, len(text))
	}
	p := parser{rest: text}
	e, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.rest != "" {
		return nil, fmt.Errorf("%q stands behind the end of the expression", p.rest)
	}
	return e, nil
}

type parser struct{ rest string }

const maxDepth = 50 // calls within calls

func (p *parser) expression(depth int) (expression, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d calls within each other", maxDepth)
	}
	p.space()
	switch {
	case strings.HasPrefix(p.rest, "["):
		name, err := p.until("[", "]")
		return attribute(name), err
	case strings.HasPrefix(p.rest, `"`):
		text, err := p.until(`"`, `"`)
		return constant{text}, err
	default:
		return p.call(depth)
	}
}

func (p *parser) call(depth int) (expression, error) {
	name, rest, ok := strings.Cut(p.rest, "(")
	name = strings.TrimSpace(name)
	if !ok {
		return nil, fmt.Errorf("expected [attribute], \"text\" or Function(…) at %q", p.rest)
	}
	function, ok := function(name)
	if !ok {
		return nil, fmt.Errorf("unknown function %q", name)
	}
	p.rest = rest
	c := call{name: name, function: function}
	for {
		argument, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		c.arguments = append(c.arguments, argument)
		p.space()
		switch {
		case strings.HasPrefix(p.rest, ","):
			p.rest = p.rest[1:]
		case strings.HasPrefix(p.rest, ")"):
			p.rest = p.rest[1:]
			return c, nil
		default:
			return nil, fmt.Errorf("expected , or ) in %s( at %q", name, p.rest)
		}
	}
}

func (p *parser) until(opening, closing string) (string, error) {
	inside, rest, ok := strings.Cut(p.rest[len(opening):], closing)
	if !ok || inside == "" {
		return "", fmt.Errorf("expected %s…%s at %q", opening, closing, p.rest)
	}
	p.rest = rest
	return inside, nil
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func function(name string) (func(args []any) (any, error), bool) {
	switch name {
	case "Not":
		return not, true
	default:
		return nil, false
	}
}

// not flips a boolean, given as one or as "True" or "False".
func not(args []any) (any, error) {
	if len(args) != 1 {
		return nil, errors.New("takes one argument")
	}
	switch v := args[0].(type) {
	case bool:
		return !v, nil
	case string:
		switch v {
		case "True":
			return false, nil
		case "False":
			return true, nil
		}
	}
	return nil, errors.New("takes a boolean, True or False")
}
