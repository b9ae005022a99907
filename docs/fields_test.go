package docs_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// firstCell is that of a row, fieldNamed a name in it.
var (
	firstCell  = regexp.MustCompile(`(?m)^\| ([^|]*)\|`)
	fieldNamed = regexp.MustCompile("`([^`]+)`")
)

// tells holds a page to the fields of types as they are in JSON, those of what they are
// made of too but for those types that have a page of their own, and returns how many
// there are: each is on the page, and what the page has in the first cell of a row is one.
func tells(t *testing.T, file string, types []reflect.Type, others ...reflect.Type) int {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fields, names := 0, map[string]bool{}
	var look func(of reflect.Type)
	look = func(of reflect.Type) {
		switch {
		case of == reflect.TypeFor[time.Time](), slices.Contains(others, of):
		case of.Kind() == reflect.Pointer, of.Kind() == reflect.Slice, of.Kind() == reflect.Map:
			look(of.Elem())
		case of.Kind() == reflect.Struct:
			for field := range of.Fields() {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				switch {
				case name == "-":
					continue
				case name != "":
					if fields++; !strings.Contains(string(page), "`"+name+"`") {
						t.Errorf("%s: there is no `%s`", file, name)
					}
					names[name] = true
				case !field.Anonymous:
					continue // it is not told
				}
				look(field.Type)
			}
		}
	}
	for _, of := range types {
		look(of)
	}
	for _, row := range firstCell.FindAllStringSubmatch(string(page), -1) {
		for _, told := range fieldNamed.FindAllStringSubmatch(row[1], -1) {
			if !names[told[1]] {
				t.Errorf("%s: `%s` is no field any more, and programs read it", file, told[1])
			}
		}
	}
	return fields
}
