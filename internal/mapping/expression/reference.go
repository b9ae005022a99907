package expression

import (
	"slices"
	"strings"
	"time"
)

// Function is a function of the language, as a reference page has it.
type Function struct {
	Name      string
	Signature string // in the words of Microsoft's page
	Does      string // in a sentence or two
	Volatile  bool
	// Refused is why it may not be used, by Entra where users are provisioned to
	// applications, or here yet; empty if it may.
	Refused  string
	Examples []Example
}

// Example is an expression and what it gives. Those that Microsoft has published
// are typed by hand from the page named.
type Example struct {
	Function   string
	Expression string
	Attributes map[string]any
	// Result is what the expression gives, and Like a regular expression for what
	// chance gives.
	Result any
	Like   string
	// Now is the time of the evaluation, and Taken what others have.
	Now   time.Time
	Taken []string
	// Note is what there is to say about the published example.
	Note string
	// Source is the page with the example; empty for one of ours.
	Source string
}

// Environment is that in which the example is evaluated.
func (x Example) Environment() Environment {
	return Environment{
		Now:   func() time.Time { return x.Now },
		Taken: func(value string) (bool, error) { return slices.Contains(x.Taken, value), nil },
	}
}

// Functions are all functions of the language, in the order of their names.
func Functions() []Function {
	examples := slices.Concat(chanceExamples(), dateExamples(), decisionExamples(), listExamples(), replaceExamples(), textExamples())
	language := definitions()
	all := make([]Function, 0, len(language))
	for _, d := range language {
		f := Function{Name: d.name(), Signature: d.signature, Does: d.does, Volatile: d.volatile, Refused: d.refused}
		for _, x := range examples {
			if x.Function == f.Name {
				f.Examples = append(f.Examples, x)
			}
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return all
}
