package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
)

func pauseCommand() *cobra.Command {
	var why string
	command := &cobra.Command{
		Use:   "pause (graph|webex)",
		Short: "Stops all work on a side until it is resumed",
		Long: `Stops all work that needs Graph or Webex, before a maintenance for example.
Changes are queued meanwhile, for up to 14 days. A side that fails is paused by
itself and resumed by itself; one that is paused here waits for entrawebex resume.
` + homesHelp,
		Example:   `  entrawebex pause webex --why "maintenance until noon"`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(pause.Graph), string(pause.Webex)},
		RunE: func(cmd *cobra.Command, args []string) error {
			return inHomes(cmd.Context(), os.Environ(), func(h *homes) error {
				err := h.pause.Pause(cmd.Context(), pause.Side(args[0]), pause.Pause{Since: time.Now(), Why: why, ByOperator: true})
				return h.tellPause(cmd.Context(), cmd.OutOrStdout(), err)
			})
		},
	}
	command.Flags().StringVar(&why, "why", "an operator said so", "what status shows as the reason")
	return command
}

func resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume (graph|webex)",
		Short: "Lets the work on a side go on, whoever paused it",
		Long: `Lets the work on a side go on, whoever paused it. If the side still fails it is
paused again.
` + homesHelp,
		Example:   "  entrawebex resume webex",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(pause.Graph), string(pause.Webex)},
		RunE: func(cmd *cobra.Command, args []string) error {
			return inHomes(cmd.Context(), os.Environ(), func(h *homes) error {
				err := h.pause.Resume(cmd.Context(), pause.Side(args[0]))
				return h.tellPause(cmd.Context(), cmd.OutOrStdout(), err)
			})
		},
	}
}

func statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Tells what is paused, held, queued and dead, and how much is provisioned",
		Long: `Tells in one table whether a side is paused and why, whether the guard is latched,
how many changes and dead letters there are, and, from the ledger, how many users
and groups are linked to Webex, at fault or held. It reads every record.
` + homesHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inHomes(cmd.Context(), os.Environ(), func(h *homes) error { return h.status(cmd.Context(), cmd.OutOrStdout()) })
		},
	}
}

func (h *homes) tellPause(ctx context.Context, out io.Writer, err error) error {
	if err != nil {
		return err
	}
	state, err := h.pause.State(ctx)
	if err == nil {
		fmt.Fprintln(out, state)
	}
	return err
}

// status prints what an operator looks at first.
func (h *homes) status(ctx context.Context, out io.Writer) error {
	paused, err := h.pause.State(ctx)
	if err != nil {
		return err
	}
	latched, err := h.guard.Latched(ctx)
	if err != nil {
		return err
	}
	changes, err := h.changes.Depth(ctx)
	if err != nil {
		return err
	}
	letters, err := h.letters.Depth(ctx)
	if err != nil {
		return err
	}
	var linked, faults, held int
	err = h.ledger.Records(ctx, func(r provision.Record) error {
		linked += count(r.WebexID != "")
		faults += count(r.Trouble != nil)
		held += count(r.Hold != nil)
		return nil
	})
	if err != nil {
		return err
	}
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	row := func(what string, value any) { t.AppendRow(table.Row{what, value}) }
	row("Pause", paused)
	row("Guard", guardState(latched))
	t.AppendSeparator()
	row("Changes waiting / being worked on", fmt.Sprintf("%d / %d", changes.Visible, changes.InFlight))
	row("Dead letters", letters.Visible+letters.InFlight)
	t.AppendSeparator()
	row("Users and groups linked to Webex", linked)
	row("  with an open fault", faults)
	row("  held", held)
	t.Render()
	return nil
}

func guardState(latched time.Time) string {
	if latched.IsZero() {
		return "not latched"
	}
	return "latched since " + latched.UTC().Format(time.RFC3339)
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
