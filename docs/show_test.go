package docs_test

import (
	"reflect"
	"testing"

	"entrawebex/internal/history"
	"entrawebex/internal/operator"
)

func TestEveryFieldOfShowIsToldOnItsPage(t *testing.T) {
	t.Parallel()
	if fields := tells(t, "show.md", []reflect.Type{reflect.TypeFor[operator.Shown]()}, reflect.TypeFor[history.Entry]()); fields < 80 {
		t.Errorf("%d fields are looked for", fields)
	}
}
