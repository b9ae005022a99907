package terminal

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
)

func TestOnlyATerminalSeesColours(t *testing.T) {
	t.Parallel()
	paused := operator.Status{Paused: pause.State{pause.Graph: {Since: time.Now(), Why: "no answer"}}}
	for _, colour := range []bool{false, true} {
		var out bytes.Buffer
		Terminal{Colour: colour}.Status(&out, paused)
		if strings.Contains(out.String(), "\x1b[") != colour || !strings.Contains(out.String(), "succeeds: no answer") {
			t.Errorf("colour %v: %q", colour, out.String())
		}
	}
}

func TestTheFirstAccountThatWebexRemovesIsToldWithItsDay(t *testing.T) {
	t.Parallel()
	soon := operator.Removed{Count: 2, First: time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)}
	if got := removedState(soon); got != "2 inactive accounts within 7 days, the first on 2026-03-06" {
		t.Error(got)
	}
}
