package main

import (
	"strings"
	"testing"

	"entrawebex/internal/config"
)

func TestAnOperatorPausesAndResumes(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t, first))
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"pause", "graph", "--why", "maintenance"}, "graph is paused since"},
		{[]string{"resume", "graph"}, "nothing is paused"},
	} {
		if got := operate(t, environ, step.args...); !strings.Contains(got, step.want) {
			t.Errorf("%v: %q; want %q", step.args, got, step.want)
		}
	}
}

func operatorEnviron(settings config.Settings) []string {
	return []string{"DATA_DIR=" + settings.DataDir}
}
