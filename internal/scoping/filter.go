package scoping

import (
	"fmt"
	"slices"
	"strings"
)

// Clause is one condition of a scoping filter, in Entra's terms
// (https://learn.microsoft.com/entra/identity/app-provisioning/define-conditional-rules-for-provisioning-user-accounts).
type Clause struct {
	// Attribute is that of Graph by its name, employeeOrgData.division for one within
	// another; for IsMemberOf one of Graph's relationships, memberOf or
	// transitiveMemberOf.
	Attribute string
	// Operator is one of Operators, in any case, with blanks, underscores or neither.
	Operator string
	// Value is what the attribute is compared with; empty if the operator takes none.
	Value string
}

// String is the clause as an administrator reads it: department EQUALS "Sales".
func (c Clause) String() string {
	text := strings.TrimSpace(c.Attribute + " " + c.Operator)
	if c.Value == "" {
		return text
	}
	return fmt.Sprintf("%s %q", text, c.Value)
}

// Filter says who is in scope by their attributes: who satisfies all clauses of one
// of its groups. The zero value lets everybody pass. It is safe for concurrent use.
type Filter struct{ groups [][]condition }

// condition is a clause that is understood.
type condition struct {
	clause Clause // its operator under Entra's name
	at     attribute
	kind   kind
	// test is what one value is put to; nil where the kind says all.
	test func(value any) bool
	// group is that of IsMemberOf.
	group Group
}

// ClauseError says what is wrong with a clause, and what to write instead.
type ClauseError struct {
	// Group and Clause are where it stands, from 0; Clause is -1 for a group as a
	// whole.
	Group, Clause int
	Message       string
}

// Error implements error.
func (e ClauseError) Error() string {
	if e.Clause < 0 {
		return fmt.Sprintf("group %d: %s", e.Group+1, e.Message)
	}
	return fmt.Sprintf("group %d, clause %d: %s", e.Group+1, e.Clause+1, e.Message)
}

// NewFilter understands a filter: groups of clauses. It returns all mistakes at
// once, and counts as one a group that nobody can satisfy. Without groups everybody
// passes.
func NewFilter(groups [][]Clause) (Filter, []ClauseError) {
	var f Filter
	var mistakes []ClauseError
	for i, clauses := range groups {
		if len(clauses) == 0 {
			mistakes = append(mistakes, ClauseError{i, -1, "a group without clauses lets everybody pass; write a clause, or leave the group out"})
			continue
		}
		conditions, wrong := compile(i, clauses)
		if len(wrong) == 0 {
			wrong = contradictions(i, conditions)
		}
		mistakes = append(mistakes, wrong...)
		f.groups = append(f.groups, conditions)
	}
	if len(mistakes) > 0 {
		return Filter{}, mistakes
	}
	return f, nil
}

// compile understands the clauses of a group.
func compile(group int, clauses []Clause) (conditions []condition, mistakes []ClauseError) {
	for i, c := range clauses {
		condition, err := newCondition(c)
		if err != nil {
			mistakes = append(mistakes, ClauseError{group, i, err.Error()})
			continue
		}
		conditions = append(conditions, condition)
	}
	return conditions, mistakes
}

// Attributes are those of Graph that the filter reads, sorted: what to name in
// $select.
func (f Filter) Attributes() []string {
	var names []string
	for _, group := range f.groups {
		for _, c := range group {
			if c.kind != inGroup && !slices.Contains(names, c.at.top) {
				names = append(names, c.at.top)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Outcome is whether a subject satisfies a clause, a group of them, or a filter.
type Outcome int

// The outcomes.
const (
	Fails Outcome = iota
	Holds
	// Undetermined: what it rests on is not known of the subject.
	Undetermined
)

// String is the outcome in a word.
func (o Outcome) String() string { return [...]string{"fails", "holds", "undetermined"}[o] }

// and is the outcome of both.
func (o Outcome) and(p Outcome) Outcome {
	switch {
	case o == Fails || p == Fails:
		return Fails
	case o == Undetermined || p == Undetermined:
		return Undetermined
	default:
		return Holds
	}
}

// or is the outcome of either.
func (o Outcome) or(p Outcome) Outcome {
	switch {
	case o == Holds || p == Holds:
		return Holds
	case o == Undetermined || p == Undetermined:
		return Undetermined
	default:
		return Fails
	}
}

func outcome(holds bool) Outcome {
	if holds {
		return Holds
	}
	return Fails
}

// Evaluate says whether the subject satisfies the filter.
func (f Filter) Evaluate(s Subject) Outcome {
	result := outcome(len(f.groups) == 0)
	for _, group := range f.groups {
		together := Holds
		for i := 0; i < len(group) && together != Fails; i++ {
			together = together.and(group[i].outcome(&s))
		}
		if result = result.or(together); result == Holds {
			break
		}
	}
	return result
}

// Explanation is why a subject satisfies a filter or not.
type Explanation struct {
	Outcome Outcome
	Groups  []GroupOutcome
}

// GroupOutcome is what came of a group of clauses.
type GroupOutcome struct {
	Outcome Outcome
	Clauses []ClauseOutcome
}

// ClauseOutcome is what came of a clause.
type ClauseOutcome struct {
	Clause  Clause
	Outcome Outcome
	// Value is that of the attribute, and Known says whether it is known.
	Value any
	Known bool
	// Decides says that the outcome of the filter rests on this clause.
	Decides bool
}

// Explain is Evaluate with what came of each clause.
func (f Filter) Explain(s Subject) Explanation {
	e := Explanation{Outcome: f.Evaluate(s)}
	for _, conditions := range f.groups {
		group := GroupOutcome{Outcome: Holds}
		for i := range conditions {
			came := conditions[i].outcome(&s)
			group.Outcome = group.Outcome.and(came)
			value, known := conditions[i].value(&s)
			group.Clauses = append(group.Clauses, ClauseOutcome{Clause: conditions[i].clause, Outcome: came, Value: value, Known: known})
		}
		for i := range group.Clauses {
			c := &group.Clauses[i]
			c.Decides = c.Outcome == e.Outcome && group.Outcome == e.Outcome
		}
		e.Groups = append(e.Groups, group)
	}
	return e
}

// deciding names the clauses that decide, at most three of them.
func (e Explanation) deciding() string {
	const most = 3
	var names []string
	for _, g := range e.Groups {
		for _, c := range g.Clauses {
			if c.Decides {
				names = append(names, c.Clause.String())
			}
		}
	}
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// value is what the clause tests, and whether it is known: for IsMemberOf whether the
// subject is in the group.
func (c *condition) value(s *Subject) (v any, known bool) {
	if c.kind == inGroup {
		in, known := s.MemberOf[c.group]
		return in, known
	}
	return c.at.of(s.Attributes)
}

// outcome says whether the subject satisfies the clause. Nothing but IS NULL holds
// for what is null. Of several values one is enough, and a negative holds if it does
// of each.
func (c *condition) outcome(s *Subject) Outcome {
	v, known := c.value(s)
	switch {
	case !known:
		return Undetermined
	case c.kind == inGroup:
		return outcome(v == true)
	case isNull(v):
		return outcome(c.kind == null)
	case c.kind == null:
		return Fails
	case c.kind == notNull:
		return Holds
	default:
		return outcome(satisfies(v, c.test) == (c.kind == positive))
	}
}
