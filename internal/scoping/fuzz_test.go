package scoping

import "testing"

// FuzzFilter holds filters of any clauses, on any values, to their logic: a group
// that somebody satisfies is not refused as one that nobody can, an explanation
// ends as the evaluation does, and more that is known changes no outcome that was
// decided.
func FuzzFilter(f *testing.F) {
	for i, value := range []string{"Sales", "1000", "2026-01-31T00:00:00Z", `^\w+@[^\d]+$`, "true", ""} {
		for j := range operators() {
			f.Add("department", j, value, j+i, "Sales", "department", "Sales", 7.0, i)
			f.Add("otherMails", j, value, j+i, "Sales", "otherMails", "Sales", 7.0, i)
		}
	}
	f.Fuzz(func(t *testing.T, attribute string, one int, value string, two int, other, has, text string, number float64, form int) {
		pick := func(i int) string { return Operators()[uint(i)%uint(len(operators()))] }
		clauses := []Clause{{attribute, pick(one), value}, {attribute, pick(two), other}, {attribute, pick(two), ""}}
		values := []any{text, number, nil, number != 0, []any{text, other, number}, map[string]any{has: text}, []any{}}
		if attributeOf(has).isSingle() {
			values = values[:4]
		}
		subject := Subject{Attributes: map[string]any{attributeOf(has).top: values[uint(form)%uint(len(values))]}}
		conditions, _ := compile(0, clauses)
		satisfied := Filter{groups: [][]condition{conditions}}.Evaluate(subject) == Holds
		if wrong := contradictions(0, conditions); satisfied && len(wrong) > 0 {
			t.Fatalf("%v, and %v satisfies them", wrong, subject.Attributes)
		}
		singly, mistakes := NewFilter([][]Clause{clauses[:1], clauses[1:2]})
		if len(mistakes) > 0 {
			return
		}
		came := singly.Explain(subject)
		if came.Outcome != came.Groups[0].Outcome.or(came.Groups[1].Outcome) || came.Outcome != singly.Evaluate(subject) {
			t.Fatalf("%v is explained by %+v and evaluated as %s", subject.Attributes, came, singly.Evaluate(subject))
		}
		if came.deciding() == "" {
			t.Fatalf("nothing decides about %v in %+v", subject.Attributes, came)
		}
		if blind := singly.Evaluate(Subject{}); blind != Undetermined && blind != came.Outcome {
			t.Fatalf("%s when nothing is known, and %s of %v", blind, came.Outcome, subject.Attributes)
		}
	})
}

// BenchmarkFilterOf100Clauses evaluates all of them: each group fails with its last.
// Its target is 20 µs.
func BenchmarkFilterOf100Clauses(b *testing.B) {
	group := []Clause{
		{"department", "NOT EQUALS", "HR"},
		{"employeeId", "IS NOT NULL", ""},
		{"accountEnabled", "IS TRUE", ""},
		{"city", "IS NULL", ""},
		{"userPrincipalName", "REGEX MATCH", `^[^@]+@example\.com$`},
		{"employeeId", "Greater_Than", "1000"},
		{"employeeHireDate", "Greater_Than_OR_EQUALS", "2026-01-31"},
		{"proxyAddresses", "Includes", "example"},
		{"userPrincipalName", "ENDS_WITH", "example.com"},
		{"department", "EQUALS", "IT"},
	}
	var groups [][]Clause
	for range 10 {
		groups = append(groups, group)
	}
	f, mistakes := NewFilter(groups)
	if len(mistakes) > 0 {
		b.Fatal(mistakes)
	}
	s := Subject{Attributes: map[string]any{
		"department": "Sales", "employeeId": "1234567", "accountEnabled": true, "city": nil, "userPrincipalName": "ada.lovelace@example.com",
		"employeeHireDate": "2026-03-01T00:00:00Z", "proxyAddresses": []any{"SMTP:ada@contoso.com", "smtp:ada@example.com"},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if f.Evaluate(s) != Fails {
			b.Fatal("passes")
		}
	}
}
