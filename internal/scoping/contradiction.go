package scoping

import (
	"fmt"
	"strings"
)

// contradictions are the clauses of a group that nobody can satisfy together with
// one before them. Only what is certain counts.
func contradictions(group int, conditions []condition) (mistakes []ClauseError) {
	for i := range conditions {
		for j := range conditions[:i] {
			if a, b := &conditions[j], &conditions[i]; a.excludes(b) || b.excludes(a) {
				mistakes = append(mistakes, ClauseError{group, i, fmt.Sprintf(
					"%s can never be true together with %s; leave one of them out, or write them in two groups", b.clause, a.clause)})
				break
			}
		}
	}
	return mistakes
}

// excludes reports whether the other clause certainly fails wherever this one holds.
func (c *condition) excludes(other *condition) bool {
	switch {
	case !c.at.same(other.at):
		return false
	case c.kind == null: // nothing else holds for what is null
		return other.kind != null
	case c.kind == positive && other.kind == negative && c.isAbout(other):
		return true
	case !c.at.isSingle():
		return false // another of the values may satisfy it
	case isState(c) && isState(other):
		return c.clause.Operator != other.clause.Operator
	default:
		return c.fixes() && other.test != nil && !isState(other) && satisfies(c.clause.Value, other.test) != (other.kind == positive)
	}
}

func (a attribute) same(b attribute) bool {
	return a.top == b.top && strings.Join(a.within, ".") == strings.Join(b.within, ".")
}

// isAbout reports whether the other clause negates this one.
func (c *condition) isAbout(other *condition) bool {
	opposite := strings.TrimPrefix(strings.TrimPrefix(other.clause.Operator, "NOT "), "!")
	return opposite == c.clause.Operator && c.clause.Value == other.clause.Value
}

// isState reports whether a clause asks for a Boolean value.
func isState(c *condition) bool { return state(c.clause.Operator) != nil }

// fixes reports whether the clause holds for one text and nothing else: not for a
// Boolean, nor for an instant, which can be written in many ways.
func (c *condition) fixes() bool {
	v := c.clause.Value
	_, dated := instantOf(v)
	return c.clause.Operator == "EQUALS" && !dated && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false")
}
