package docs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/golden"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/scoping"
)

// The reference is made of the code; that its examples hold is tested where they are,
// and here those of operators.
func TestTheReferenceOfMappingsIsThatOfTheCode(t *testing.T) {
	t.Parallel()
	golden.Is(t, "mapping.md", reference(t))
}

// reference is the page.
func reference(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Reference of the mapping file

Made of the code by ` + "`go test ./docs -update`" + `; a test fails when it and the code differ. How a file is tested, applied
and taken back is told of in [scope and mapping](scope.md#attributes).

## The file

`)
	b.WriteString(fileKeys(t))
	for _, kind := range change.Kinds() {
		fmt.Fprintf(&b, "\n## Source attributes of %ss\n\n%s", kind, sources(kind))
	}
	for _, kind := range change.Kinds() {
		fmt.Fprintf(&b, "\n## Target attributes of %ss\n\n%s", kind, targets(kind))
	}
	b.WriteString("\n## Functions of expressions\n\n" + functions())
	b.WriteString("\n## Operators of scoping filters\n\n" + operators(t))
	return b.String()
}

// table is one in Markdown.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

// code is a text as code in a cell of a table.
func code(text string) string {
	text = regexp.MustCompile(`\n\s*`).ReplaceAllString(text, " ")
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

// cell is a text in a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "#EXT#", "\\#EXT\\#").Replace(text)
}

// schema is as much of the editors' schema as says what a key means.
type schema struct {
	Description string            `json:"description"`
	Enum        []string          `json:"enum"`
	Properties  map[string]schema `json:"properties"`
	Definitions map[string]schema `json:"definitions"`
}

// fileKeys are the keys of the file, as editors are told of them.
func fileKeys(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../infra/provisioning.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for _, of := range []string{"section", "mapping", "clause"} {
		keys := s.Definitions[of].Properties
		for _, name := range slices.Sorted(maps.Keys(keys)) {
			values := ""
			if name != "operator" && len(keys[name].Enum) > 0 {
				values = code(strings.Join(keys[name].Enum, ", "))
			}
			where := map[string]string{"section": "users, groups", "mapping": "a line of mappings", "clause": "a clause of scope"}[of]
			rows = append(rows, []string{where, code(name), values, cell(keys[name].Description)})
		}
	}
	return "`version: 1`, and `users` and `groups` with these keys. A mapping has one of source, expression and constant.\n\n" +
		table([]string{"in", "key", "values, the default first", "meaning"}, rows)
}

func sources(kind change.Kind) string {
	var rows, refused [][]string
	for _, s := range mapping.SourceAttributes(kind) {
		if s.Refused != "" {
			refused = append(refused, []string{code(s.Name), cell(s.Refused)})
			continue
		}
		rows = append(rows, []string{code(s.Name), code(s.Graph), s.Type, cell(s.Note)})
	}
	return table([]string{"attribute", "property of Graph", "type", "how it is read"}, rows) +
		"\nNot to be had:\n\n" + table([]string{"attribute", "why"}, refused)
}

func targets(kind change.Kind) string {
	var rows, refused [][]string
	for _, target := range mapping.Targets(kind) {
		if target.Refused != "" {
			refused = append(refused, []string{code(target.Path), cell(target.Refused)})
			continue
		}
		kind, several, note := target.Type, "", target.Note
		if target.Longest > 0 {
			kind += fmt.Sprintf(", %d characters", target.Longest)
		}
		if target.Several {
			several = "yes"
		}
		if target.Needed {
			note = strings.TrimSpace("each file needs it " + note)
		}
		rows = append(rows, []string{code(target.Path), kind, several, cell(note)})
	}
	return table([]string{"attribute", "type", "one of several", "note"}, rows) +
		"\nNot to be mapped:\n\n" + table([]string{"attribute", "why"}, refused)
}

// functions are all functions, with their examples.
func functions() string {
	var b strings.Builder
	var usable, refused [][]string
	for _, f := range expression.Functions() {
		row := []string{code(f.Signature), cell(f.Does), fmt.Sprint(len(f.Examples))}
		if f.Refused != "" {
			refused = append(refused, []string{code(f.Signature), cell(f.Refused), row[2]})
			continue
		}
		usable = append(usable, row)
	}
	b.WriteString(table([]string{"function", "what it gives", "examples"}, usable))
	b.WriteString("\nKnown, and not usable here:\n\n")
	b.WriteString(table([]string{"function", "why", "examples"}, refused))
	b.WriteString("\nThe examples are executed as tests.\n")
	for _, f := range expression.Functions() {
		rows := make([][]string, len(f.Examples))
		for i, x := range f.Examples {
			result := code(expression.Literal(x.Result))
			switch x.Result.(type) {
			case expression.Ignored:
				result = "does not flow"
			case nil:
				if x.Like != "" {
					result = "like " + code(x.Like)
				}
			}
			rows[i] = []string{code(x.Expression), given(x), result, source(x)}
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s", f.Name, table([]string{"expression", "where", "result", "source"}, rows))
	}
	return b.String()
}

// given is what an example supposes.
func given(x expression.Example) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(x.Attributes)) {
		parts = append(parts, code(name+" = "+expression.Literal(x.Attributes[name])))
	}
	if !x.Now.IsZero() {
		parts = append(parts, "it is "+x.Now.Format("2006-01-02 15:04:05"))
	}
	for _, taken := range x.Taken {
		parts = append(parts, code(taken)+" is taken")
	}
	return strings.Join(parts, ", ")
}

// source is where an example comes from, and what there is to say about it.
func source(x expression.Example) string {
	from := "ours"
	if x.Source != "" {
		from = "[Microsoft](" + x.Source + ")"
	}
	if x.Note != "" {
		from += "; " + cell(x.Note)
	}
	return from
}

// operators are those of filters, with what came of their examples.
func operators(t *testing.T) string {
	t.Helper()
	var rows, shown [][]string
	for _, o := range scoping.Reference() {
		null := ""
		for i, x := range o.Examples {
			if i == 0 {
				null = outcome(t, x, nil).String()
			}
			if got := outcome(t, x, x.Given); got != x.Outcome {
				t.Errorf("%v of %v: %s, want %s", x.Clause(), x.Given, got, x.Outcome)
			}
			shown = append(shown, []string{code(x.Clause().String()), code(expression.Literal(x.Given)), x.Outcome.String()})
		}
		if o.Does == "" || len(o.Examples) == 0 && o.Name != isMemberOf {
			t.Errorf("the reference of %s is not complete", o.Name)
		}
		examples := len(o.Examples)
		if o.Name == isMemberOf {
			for _, x := range ofMembership(t) {
				shown, examples = append(shown, x), examples+1
			}
		}
		rows = append(rows, []string{code(o.Name), cell(o.Does), null, fmt.Sprint(examples)})
	}
	return "A clause about what Graph does not show is undetermined. Of several values one is enough, and a negative holds if it\ndoes of each.\n\n" +
		table([]string{"operator", "when it holds", "of null", "examples"}, rows) +
		"\nThe examples are executed as tests.\n\n" + table([]string{"clause", "where a is", "it"}, shown) +
		memberships(t)
}

// isMemberOf is the operator that compares no attribute.
const isMemberOf = "IsMemberOf"

// ofMembership are the examples of it, with what came of them.
func ofMembership(t *testing.T) [][]string {
	t.Helper()
	c := scoping.Clause{Attribute: "memberOf", Operator: isMemberOf, Value: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"}
	filter, mistakes := scoping.NewFilter([][]scoping.Clause{{c}})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	g := filter.Groups()[0]
	var shown [][]string
	for _, x := range []struct {
		who  string
		in   map[scoping.Group]bool
		want scoping.Outcome
	}{
		{"is in the group", map[scoping.Group]bool{g: true}, scoping.Holds},
		{"is not in it", map[scoping.Group]bool{g: false}, scoping.Fails},
		{"cannot be looked for, since the group is away", nil, scoping.Undetermined},
	} {
		if got := filter.Evaluate(scoping.Subject{MemberOf: x.in}); got != x.want {
			t.Errorf("%v of who %s: %s, want %s", c, x.who, got, x.want)
		}
		shown = append(shown, []string{code(c.String()), "who " + x.who, x.want.String()})
	}
	return shown
}

// memberships is what there is to say of IsMemberOf, with an example that is read.
func memberships(t *testing.T) string {
	t.Helper()
	const example = "scope:\n" +
		"  - - { attribute: memberOf, operator: IsMemberOf, value: 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607 }\n" +
		"  - - { attribute: transitiveMemberOf, operator: IsMemberOf, value: 8fb0a9a5-6f0e-4c8f-9d43-4c2a1a8a1f11 }\n"
	text := "users:\n  " + strings.ReplaceAll(example, "\n", "\n  ")
	if _, err := mapping.Parse([]byte(text)); strings.Contains(fmt.Sprint(err), "emberOf") {
		t.Error(err)
	}
	return "\n" +
		"`IsMemberOf` is for users, and ours: Entra has no such operator, and an export leaves out what is joined to it. The group is named by\n" +
		"its object id:\n\n" +
		"```yaml\n" + example + "```\n" +
		"\n" +
		"`memberOf` counts who is in the group itself, `transitiveMemberOf` also who is in a group within it. Whoever joins is let in at\n" +
		"once. Whoever is missing from the list leaves the scope once that has been so for five minutes, at several looks. Of a group that\n" +
		"is deleted or cannot be read nothing is known, and nobody leaves the scope for that: `entrawebex check` names it. The operator\n" +
		"costs one request more for each user who is read, and one for each group, in the same call; a comparison of everything reads the\n" +
		"members of each group once.\n"
}

// outcome is what comes of an example's clause when the attribute has the value.
func outcome(t *testing.T, x scoping.Example, value any) scoping.Outcome {
	t.Helper()
	filter, mistakes := scoping.NewFilter([][]scoping.Clause{{x.Clause()}})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return filter.Evaluate(scoping.Subject{Attributes: map[string]any{"a": value}})
}
