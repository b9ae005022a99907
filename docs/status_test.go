package docs_test

import (
	"reflect"
	"testing"

	"entrawebex/internal/operator"
)

func TestEveryFieldOfStatusIsToldOnItsPage(t *testing.T) {
	t.Parallel()
	if fields := tells(t, "status.md", []reflect.Type{reflect.TypeFor[operator.Status]()}); fields < 80 {
		t.Errorf("%d fields are looked for", fields)
	}
}
