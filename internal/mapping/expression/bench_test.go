package expression_test

import (
	"testing"

	"entrawebex/internal/mapping/expression"
)

func BenchmarkEvaluate(b *testing.B) {
	attributes := of(map[string]any{
		"IsSoftDeleted": false, "givenName": "Zoë", "surname": "Müller", "mobile": "+1 (999) 888-7777", "employeeHireDate": "2020-03-16T00:00:00Z",
	})
	for _, bench := range []struct{ name, text string }{
		{"Not", `Not([IsSoftDeleted])`},
		{"Switch", `Switch([IsSoftDeleted], , "False", "True", "True", "False")`},
		{"Join", `ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".", [givenName], [surname]))), "contoso.com"))`},
		{"Replace", `Replace([mobile], , "[()\\s-]+", , "", , )`},
		{"FormatDateTime", `FormatDateTime([employeeHireDate], , "yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-dd")`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			x, err := expression.Parse(bench.text)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.Evaluate(expression.Environment{}, attributes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	const text = `ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".", [givenName], [surname]))), "contoso.com"))`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := expression.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
