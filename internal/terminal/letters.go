package terminal

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"entrawebex/internal/operator"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/replay"
)

// Beyond tells of messages that are on no list.
func Beyond(out io.Writer, n int) {
	if n == 0 {
		return
	}
	Say(out, fmt.Sprintf("The dead-letter queue holds about %s more than objects are known at fault: further changes of the same objects, and what the queue gave up by itself after 1000 receives. entrawebex replay --filter kind=transient puts back the latter, and with --dry-run counts them.", operator.Counted(n, "message")))
}

// Letters prints dead letters, and how many messages are on no list.
func (t Terminal) Letters(out io.Writer, letters []replay.Letter, beyond int) {
	defer Beyond(out, beyond)
	switch {
	case len(letters) == 0 && beyond > 0:
		fmt.Fprintln(out, "Nothing to list.")
		return
	case len(letters) == 0:
		fmt.Fprintln(out, "No dead letters.")
		return
	}
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"Kind", "Object, and why"})
	widest := t.columns() - 7 - len(provision.Unauthorized.String()) // which the frame and the longest kind take
	for _, l := range letters {
		met := fmt.Sprintf("%s since %s, %s", l.Step, l.FirstSeen.UTC().Format(time.RFC3339), operator.Counted(l.Attempts, "attempt"))
		w.AppendRow(table.Row{l.Kind.String(), fold(widest, append(objectLines(l.Name, l.Object), met, printable.Text(l.Reason))...)})
		w.AppendSeparator()
	}
	w.Render()
}

// Replayed prints what came of a replay, or would.
func Replayed(out io.Writer, r replay.Result, dryRun bool) {
	switch {
	case r.Task != "":
		fmt.Fprintf(out, "SQS is moving all dead letters. Its task is %s\n", r.Task)
	case dryRun:
		fmt.Fprintf(out, "would put back %d, keep %d; not looked at: about %d\n", r.Moved, r.Kept, r.Left)
	default:
		fmt.Fprintf(out, "put back %d, kept %d; not looked at: about %d\n", r.Moved, r.Kept, r.Left)
	}
}
