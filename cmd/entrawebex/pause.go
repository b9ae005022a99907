package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/pause"
)

func (d desk) pauseCommand() *cobra.Command {
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
			return d.inHomes(cmd.Context(), func(h *homes) error {
				err := h.Pauses().Pause(cmd.Context(), pause.Side(args[0]), pause.Pause{Since: h.Now(), Why: why, ByOperator: true})
				return h.tellPause(cmd.Context(), cmd.OutOrStdout(), err)
			})
		},
	}
	command.Flags().StringVar(&why, "why", "an operator said so", "what status shows as the reason")
	return command
}

func (d desk) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume (graph|webex)",
		Short: "Lets the work on a side go on, whoever paused it",
		Long: `Lets the work on a side go on, whoever paused it, and tells what follows. If the
side still fails it is paused again.
` + homesHelp,
		Example:   "  entrawebex resume webex",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(pause.Graph), string(pause.Webex)},
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.inHomes(cmd.Context(), func(h *homes) error {
				return h.resume(cmd.Context(), cmd.OutOrStdout(), pause.Side(args[0]))
			})
		},
	}
}

// resume lets the side go on, and tells what it was paused for and what is to be
// done for it now.
func (h *homes) resume(ctx context.Context, out io.Writer, side pause.Side) error {
	before, err := h.Pauses().State(ctx)
	if err != nil {
		return err
	}
	if err := h.Pauses().Resume(ctx, side); err != nil {
		return err
	}
	if was, paused := before[side]; paused {
		owed, err := h.Pauses().Owed(ctx)
		if err != nil {
			return err
		}
		say(out, fmt.Sprintf("%s goes on. It was paused since %s: %s", side, was.Since.UTC().Format(time.RFC3339), was.Why))
		if owed != "" {
			say(out, "Within a minute, unless something else is paused, follows "+owed+".")
		}
	}
	return h.tellPause(ctx, out, nil)
}

func (h *homes) tellPause(ctx context.Context, out io.Writer, err error) error {
	if err != nil {
		return err
	}
	state, err := h.Pauses().State(ctx)
	if err == nil {
		say(out, state.String())
	}
	return err
}
