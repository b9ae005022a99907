package docs_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"entrawebex/internal/history"
)

func TestEveryFieldOfTheLogIsToldOnItsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("log.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	var look func(of reflect.Type)
	look = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(of.Elem())
		case reflect.Struct:
			for field := range of.Fields() {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				if name == "" {
					continue // of another package
				}
				if fields++; !strings.Contains(string(page), "`"+name+"`") {
					t.Errorf("there is no `%s`", name)
				}
				look(field.Type)
			}
		default:
		}
	}
	look(reflect.TypeFor[history.Entry]())
	if fields < 40 {
		t.Errorf("%d fields are looked for", fields)
	}
}
