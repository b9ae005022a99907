package docs_test

import (
	"reflect"
	"testing"

	"entrawebex/internal/history"
)

func TestEveryFieldOfTheLogIsToldOnItsPage(t *testing.T) {
	t.Parallel()
	if fields := tells(t, "log.md", []reflect.Type{reflect.TypeFor[history.Entry]()}); fields < 40 {
		t.Errorf("%d fields are looked for", fields)
	}
}
