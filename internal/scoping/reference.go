package scoping

import "slices"

// Operator is one of the operators, as a reference page has it.
type Operator struct {
	Name string
	Does string // in a sentence
	// Examples are none of the operator that compares no attribute, IsMemberOf.
	Examples []Example
}

// Example is a clause about the attribute "a", and a value with which it holds or fails.
type Example struct {
	Operator, Value string
	Given           any
	Outcome         Outcome
}

// Clause is the example's.
func (x Example) Clause() Clause { return Clause{Attribute: "a", Operator: x.Operator, Value: x.Value} }

// Reference are all operators, in the order of Operators.
func Reference() []Operator {
	all := operators()
	reference := make([]Operator, len(all))
	for i, o := range all {
		mine := slices.DeleteFunc(examples(), func(x Example) bool { return x.Operator != o.name })
		reference[i] = Operator{Name: o.name, Does: o.does, Examples: mine}
	}
	return reference
}

func examples() []Example {
	const eve, day = "2026-01-30T23:00:00Z", "2026-01-31"
	return []Example{
		{"EQUALS", "Sales", "Sales", Holds},
		{"EQUALS", "Sales", "sales", Fails},
		{"EQUALS", "Sales", []any{"Legal", "Sales"}, Holds},
		{"NOT EQUALS", "Sales", "Legal", Holds},
		{"NOT EQUALS", "Sales", []any{"Legal", "Sales"}, Fails},
		{"IS TRUE", "", true, Holds},
		{"IS TRUE", "", false, Fails},
		{"IS FALSE", "", false, Holds},
		{"IS NULL", "", "", Holds},
		{"IS NULL", "", "Sales", Fails},
		{"IS NOT NULL", "", "Sales", Holds},
		{"REGEX MATCH", "^(Sales|Legal)$", "Legal", Holds},
		{"REGEX MATCH", "a", "Sales", Holds},
		{"NOT REGEX MATCH", "^S", "Legal", Holds},
		{"Greater_Than", "7", "10", Holds},
		{"Greater_Than", day, eve, Fails},
		{"Greater_Than_OR_EQUALS", "10", "10", Holds},
		{"Includes", "ale", "Sales", Holds},
		{"ENDS_WITH", "@example.com", "ada@example.com", Holds},
		{"&", "6", "2", Holds},
		{"&", "6", "1", Fails},
		{"!&", "6", "1", Holds},
	}
}
