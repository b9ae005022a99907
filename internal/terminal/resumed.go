package terminal

import (
	"fmt"
	"io"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
)

// Resumed prints what a side was paused for, and what is to be done for it now.
func Resumed(out io.Writer, side pause.Side, done operator.Resumed) {
	if done.Was != nil {
		Say(out, fmt.Sprintf("%s goes on. It was paused since %s: %s", side, done.Was.Since.UTC().Format(time.RFC3339), done.Was.Why))
		if done.Owed != "" {
			Say(out, "Within a minute, unless something else is paused, follows "+done.Owed+".")
		}
	}
	Say(out, done.Paused.String())
}
