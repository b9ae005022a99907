// Package version says which version of the program runs.
package version

import (
	"cmp"
	"log/slog"
	"runtime/debug"
)

// released is written by the linker of a release (infra/release).
var released string

// Name is the release's, such as 1.2.3, else what Go knows of the module or the commit.
func Name() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(released, "unknown")
	}
	return cmp.Or(released, build.Main.Version, "(devel)")
}

// Log has each line of a log tell the version.
func Log(log *slog.Logger) *slog.Logger { return log.With("version", Name()) }
