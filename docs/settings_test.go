package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"entrawebex/internal/golden"
)

// The page of settings is made of the comments that stand beside them, and of the
// template.
func TestThePageOfSettingsIsThatOfTheCode(t *testing.T) {
	t.Parallel()
	golden.Is(t, "settings.md", settings(t))
}

func settings(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/config/config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	parameters := templateParameters(t)
	var b strings.Builder
	b.WriteString(`# Settings

Made of the code by ` + "`go test ./docs -update`" + `; a test fails when it and the code differ. On one machine they are the environment
of the process; on AWS the template gives them to the functions, by the parameter in the third column. A secret may stand in what
` + "`SECRET_ARN`" + ` names. A value that cannot be used is refused at the start, with what it may be.

| variable | if nothing is said | template parameter | |
|---|---|---|---|
`)
	for _, declared := range file.Decls {
		types, ok := declared.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			if s, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType); ok {
				rows(t, &b, oneLine(types.Doc), s.Fields.List, parameters)
			}
		}
	}
	return b.String()
}

// rows writes a line for each variable of a struct. One without a comment is told of
// in the one before it, or in that of the struct.
func rows(t *testing.T, b *strings.Builder, doc string, fields []*ast.Field, parameters map[string]string) {
	t.Helper()
	variables := map[string]string{}
	for _, f := range fields {
		if variable := tag(t, f, "env"); variable != "" {
			variables[f.Names[0].Name] = variable
		}
	}
	told := doc
	for _, f := range fields {
		name := ""
		if len(f.Names) == 1 {
			name = variables[f.Names[0].Name]
		}
		if name == "" || name == "-" {
			continue
		}
		if f.Doc != nil {
			told = oneLine(f.Doc)
		} else if !regexp.MustCompile(`\b` + f.Names[0].Name + `\b`).MatchString(told) {
			t.Errorf("no comment says what %s is", name)
		}
		text := regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`).ReplaceAllStringFunc(told, func(word string) string {
			if variable := variables[word]; variable != "" && word != "URL" {
				return "`" + variable + "`"
			}
			return word
		})
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", name, quoted(tag(t, f, "envDefault")), quoted(parameters[name]), text)
	}
}

func oneLine(comment *ast.CommentGroup) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(comment.Text()), " "), "|", `\|`)
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return code(text)
}

func tag(t *testing.T, f *ast.Field, key string) string {
	t.Helper()
	if f.Tag == nil {
		return ""
	}
	text, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		t.Fatal(err)
	}
	return reflect.StructTag(text).Get(key)
}

// templateParameters are the parameters that the template gives to variables as they
// are.
func templateParameters(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^ +([A-Z][A-Z_]+): !Ref ([A-Za-z]+)$`).FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(string(text), "\n  "+found[2]+":\n    Type: String") || strings.Contains(string(text), "\n  "+found[2]+":\n    Type: Number") {
			of[found[1]] = found[2]
		}
	}
	return of
}
