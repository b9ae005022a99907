package docs_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// tells holds a page to the fields of a type as they are in JSON, those of what it is
// made of too but for those types that have a page of their own, and returns how many
// there are.
func tells(t *testing.T, file string, of reflect.Type, others ...reflect.Type) int {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
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
				case !field.Anonymous:
					continue // it is not told
				}
				look(field.Type)
			}
		}
	}
	look(of)
	return fields
}
