package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/terminal"
)

func (c console) pauseCommand() *cobra.Command {
	var why string
	var asJSON *bool
	command := &cobra.Command{
		Use:   "pause (graph|webex)",
		Short: "Stops all work on a side until it is resumed",
		Long: `Stops all work that needs Graph or Webex, before a maintenance for example.
Changes are queued meanwhile, for up to 14 days. A side that fails is paused by
itself and resumed by itself; one that is paused here waits for entrawebex resume.
` + storesHelp,
		Example:   `  entrawebex pause webex --why "maintenance until noon"`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(pause.Graph), string(pause.Webex)},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd.Context(), func(o operator.Operations) error {
				paused, err := o.Pause(cmd.Context(), operator.PauseRequest{Side: pause.Side(args[0]), Why: why})
				switch {
				case err != nil:
				case *asJSON:
					err = printJSON(cmd.OutOrStdout(), paused)
				default:
					terminal.Say(cmd.OutOrStdout(), paused.String())
				}
				return err
			})
		},
	}
	asJSON = jsonFlag(command, oneLine)
	command.Flags().StringVar(&why, "why", "an operator said so", "what status shows as the reason")
	return command
}

func (c console) resumeCommand() *cobra.Command {
	var asJSON *bool
	command := &cobra.Command{
		Use:   "resume (graph|webex)",
		Short: "Lets the work on a side go on, whoever paused it",
		Long: `Lets the work on a side go on, whoever paused it, and tells what follows. If the
side still fails it is paused again.
` + storesHelp,
		Example:   "  entrawebex resume webex",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(pause.Graph), string(pause.Webex)},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd.Context(), func(o operator.Operations) error {
				side := pause.Side(args[0])
				done, err := o.Resume(cmd.Context(), operator.ResumeRequest{Side: side})
				switch {
				case err != nil:
				case *asJSON:
					err = printJSON(cmd.OutOrStdout(), done)
				default:
					tellResumed(cmd.OutOrStdout(), side, done)
				}
				return err
			})
		},
	}
	asJSON = jsonFlag(command, oneLine)
	return command
}

// tellResumed tells what a side was paused for and what is to be done for it now.
func tellResumed(out io.Writer, side pause.Side, done operator.Resumed) {
	if done.Was != nil {
		terminal.Say(out, fmt.Sprintf("%s goes on. It was paused since %s: %s", side, done.Was.Since.UTC().Format(time.RFC3339), done.Was.Why))
		if done.Owed != "" {
			terminal.Say(out, "Within a minute, unless something else is paused, follows "+done.Owed+".")
		}
	}
	terminal.Say(out, done.Paused.String())
}
