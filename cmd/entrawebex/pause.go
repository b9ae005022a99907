package main

import (
	"context"
	"fmt"
	"io"

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
		Long: `Lets the work on a side go on, whoever paused it. If the side still fails it is
paused again.
` + homesHelp,
		Example:   "  entrawebex resume webex",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(pause.Graph), string(pause.Webex)},
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.inHomes(cmd.Context(), func(h *homes) error {
				err := h.Pauses().Resume(cmd.Context(), pause.Side(args[0]))
				return h.tellPause(cmd.Context(), cmd.OutOrStdout(), err)
			})
		},
	}
}

func (h *homes) tellPause(ctx context.Context, out io.Writer, err error) error {
	if err != nil {
		return err
	}
	state, err := h.Pauses().State(ctx)
	if err == nil {
		fmt.Fprintln(out, state)
	}
	return err
}
