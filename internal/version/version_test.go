package version_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"entrawebex/internal/version"
)

func TestEachLineOfALogTellsTheVersion(t *testing.T) {
	t.Parallel()
	if version.Name() == "" {
		t.Fatal("a program without a version")
	}
	var out bytes.Buffer
	log := version.Log(slog.New(slog.NewTextHandler(&out, nil)))
	log.InfoContext(t.Context(), "first", "a", 1)
	log.With("b", 2).WarnContext(t.Context(), "second")
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, " version="+version.Name()+" ") {
			t.Errorf("no version in %q", line)
		}
	}
}
