package expression

import (
	"errors"
	"fmt"
	"strconv"
)

// node is a part of an expression that has a value.
type node interface {
	value(e *evaluation) (any, error)
}

type constant struct{ of any }

func (c constant) value(*evaluation) (any, error) { return c.of, nil }

type attribute struct{ name string }

func (a attribute) value(e *evaluation) (any, error) { return normal(e.get(a.name)), nil }

// arguments are those of a call as they were written; nil for one left out.
type arguments []*argument

// at is the argument at an index; nil if it was left out, or none was written.
func (a arguments) at(i int) *argument {
	if i < len(a) {
		return a[i]
	}
	return nil
}

type argument struct {
	node

	index, offset int
}

// value is that of the argument; null if it was left out.
func (a *argument) value(e *evaluation) (any, error) {
	if a == nil {
		return null(), nil
	}
	v, err := a.node.value(e)
	if err == nil && e.arguments != nil {
		e.arguments[a.index] = v
	}
	return v, err
}

// compute is a function whose arguments are known.
type compute func(e *evaluation) (any, error)

type call struct {
	name      string
	arguments arguments
	compute   compute
	hidden    bool // its values are kept out of logs
}

func (c *call) value(e *evaluation) (any, error) {
	if e.env.Trace != nil {
		return c.traced(e)
	}
	return c.result(e)
}

func (c *call) result(e *evaluation) (any, error) {
	v, err := c.compute(e)
	if err == nil && size(v) > MaxResult {
		err = errTooLong
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return v, nil
}

var errTooLong = errors.New("the result is longer than " + strconv.Itoa(MaxResult>>10) + " KiB")

// traced evaluates the call and tells of it.
func (c *call) traced(e *evaluation) (any, error) {
	outer := e.arguments
	seen := make([]any, len(c.arguments))
	for i := range seen {
		seen[i] = Unused{}
	}
	e.arguments = seen
	e.depth++
	v, err := c.result(e)
	e.depth--
	e.arguments = outer
	step := Step{Depth: e.depth, Function: c.name, Arguments: seen, Result: v, Err: err}
	if c.hidden {
		for i := range seen {
			seen[i] = Redaction
		}
		step.Result = Redaction
	}
	e.env.Trace(step)
	return v, err
}

// walk visits the calls of an expression.
func walk(n node, visit func(*call)) {
	switch n := n.(type) {
	case *call:
		visit(n)
		for _, a := range n.arguments {
			if a != nil {
				walk(a.node, visit)
			}
		}
	case comparison:
		walk(n.left, visit)
		walk(n.right, visit)
	}
}

// isTimed reports whether the present time is in the value of a node. What a value is
// only chosen by is not in it.
func isTimed(n node) bool {
	c, ok := n.(*call)
	if !ok {
		return false
	}
	if c.name == "Now" {
		return true
	}
	for i, a := range c.arguments {
		if a != nil && !c.chooses(i) && isTimed(a.node) {
			return true
		}
	}
	return false
}

// chooses reports whether the argument at an index is only compared, to choose another:
// the condition of IIF, and the source and the keys of Switch(source, default, key1,
// value1, …).
func (c *call) chooses(index int) bool {
	const firstKey, pair = 2, 2
	switch c.name {
	case "IIF":
		return index == 0
	case "Switch":
		return index == 0 || index >= firstKey && (index-firstKey)%pair == 0
	default:
		return false
	}
}

// comparison is one in the condition of IIF.
type comparison struct {
	left, right node
	holds       func(order int) bool
}

// value is false if a side is null or empty: "If the source attribute used
// within the IIF function is empty or null, the condition check fails".
func (c comparison) value(e *evaluation) (any, error) {
	left, err := c.left.value(e)
	if err != nil {
		return nil, err
	}
	right, err := c.right.value(e)
	if err != nil || isEmpty(left) || isEmpty(right) {
		return false, err
	}
	order, err := compare(left, right)
	if err != nil {
		return nil, err
	}
	return c.holds(order), nil
}

// operator is what one of Entra's comparison operators asks of the order of its
// sides.
func operator(symbol string) (holds func(order int) bool) {
	switch symbol {
	case "=":
		return func(order int) bool { return order == 0 }
	case "<>":
		return func(order int) bool { return order != 0 }
	case ">":
		return func(order int) bool { return order > 0 }
	case ">=":
		return func(order int) bool { return order >= 0 }
	case "<":
		return func(order int) bool { return order < 0 }
	default: // <=
		return func(order int) bool { return order <= 0 }
	}
}
