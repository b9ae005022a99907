package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"entrawebex/internal/config"
	"entrawebex/internal/pause"
)

func TestStatusTellsWhatIsPausedHeldAndQueued(t *testing.T) {
	t.Parallel()
	h := openDesk(t, heldHome(t, first, second))
	status := func() string {
		t.Helper()
		var out bytes.Buffer
		if err := h.status(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, want := range []string{"nothing is paused", "Dead letters", "linked to Webex"} {
		if got := status(); !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if err := h.pause.Pause(t.Context(), pause.Webex, pause.Pause{Why: "maintenance", ByOperator: true}); err != nil {
		t.Fatal(err)
	}
	if got := status(); !strings.Contains(got, "webex is paused since") || !strings.Contains(got, "maintenance") {
		t.Errorf("the pause is not told:\n%s", got)
	}
}

func TestAnOperatorPausesAndResumes(t *testing.T) {
	t.Parallel()
	settings := heldHome(t, first)
	environ := operatorEnviron(settings)
	for _, step := range []struct {
		do   func(context.Context, *homes) error
		want string
	}{
		{func(ctx context.Context, h *homes) error {
			return h.pause.Pause(ctx, pause.Graph, pause.Pause{Why: "maintenance", ByOperator: true})
		}, "graph is paused since"},
		{func(ctx context.Context, h *homes) error { return h.pause.Resume(ctx, pause.Graph) }, "nothing is paused"},
	} {
		var out bytes.Buffer
		err := inHomes(t.Context(), environ, func(h *homes) error {
			return h.tellPause(t.Context(), &out, step.do(t.Context(), h))
		})
		if err != nil || !strings.Contains(out.String(), step.want) {
			t.Errorf("%q, %v; want %q", out.String(), err, step.want)
		}
	}
}

func operatorEnviron(settings config.Settings) []string {
	return []string{"DATA_DIR=" + settings.DataDir}
}
