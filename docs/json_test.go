package docs_test

import (
	"reflect"
	"testing"

	"entrawebex/internal/app/check"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/history"
	"entrawebex/internal/migration"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/replay"
)

func TestEveryFieldOfJSONIsToldOnItsPage(t *testing.T) {
	t.Parallel()
	fields := tells(t, "json.md", []reflect.Type{
		reflect.TypeFor[operator.Held](), reflect.TypeFor[operator.Decided](), reflect.TypeFor[operator.Latch](), reflect.TypeFor[pause.State](),
		reflect.TypeFor[operator.Resumed](), reflect.TypeFor[replay.Letter](), reflect.TypeFor[replay.Result](), reflect.TypeFor[plan.Plan](),
		reflect.TypeFor[plan.Trial](), reflect.TypeFor[configuration.Version](), reflect.TypeFor[migration.Report](), reflect.TypeFor[operator.Pipeline](),
		reflect.TypeFor[check.Told](), reflect.TypeFor[config.Value](), reflect.TypeFor[operator.Uninstallation](),
	}, reflect.TypeFor[history.Entry]())
	if fields < 180 {
		t.Errorf("%d fields are looked for", fields)
	}
}
