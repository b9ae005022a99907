package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/terminal"
)

func (c console) pauseCommand() *cobra.Command {
	var why string
	command := answer[pause.State]{
		ask: func(ctx context.Context, o operator.Operations, args []string) (pause.State, error) {
			return o.Pause(ctx, operator.PauseRequest{Side: pause.Side(args[0]), Why: why})
		},
		draw: func(out io.Writer, paused pause.State) { terminal.Say(out, paused.String()) },
	}.of(c, &cobra.Command{
		Use:   "pause (graph|webex)",
		Short: "Stops all work on a side until it is resumed",
		Long: `Stops all work that needs Graph or Webex, before a maintenance for example.
Changes are queued meanwhile, for up to 14 days. A side that fails is paused by
itself and resumed by itself; one that is paused here waits for entrawebex resume.
` + source.Help,
		Example:   `  entrawebex pause webex --why "maintenance until noon"`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(pause.Graph), string(pause.Webex)},
	})
	command.Flags().StringVar(&why, "why", "an operator said so", "what status shows as the reason")
	return command
}

func (c console) resumeCommand() *cobra.Command {
	var r operator.ResumeRequest
	return answer[operator.Resumed]{
		ask: func(ctx context.Context, o operator.Operations, args []string) (operator.Resumed, error) {
			r.Side = pause.Side(args[0])
			return o.Resume(ctx, r)
		},
		draw: func(out io.Writer, done operator.Resumed) { terminal.Resumed(out, r.Side, done) },
	}.of(c, &cobra.Command{
		Use:   "resume (graph|webex)",
		Short: "Lets the work on a side go on, whoever paused it",
		Long: `Lets the work on a side go on, whoever paused it, and tells what follows. If the
side still fails it is paused again.
` + source.Help,
		Example:   "  entrawebex resume webex",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(pause.Graph), string(pause.Webex)},
	})
}

func (c console) reconcileCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reconcile",
		Short: "Has everything in Entra and Webex compared",
		Long: `Asks for a comparison of everything, which begins within a minute: what Entra has
changed since it was written is written, and what was changed in Webex is reported,
or put back with REPAIR_DRIFT=true. Nobody is taken away for being on no list: who
is in none is asked about. It goes on where it was if it is cut short, and leaves
the way free for changes. "entrawebex status" tells how far it is and what it
found.

It happens by itself at the first start, once a day (COMPARE_INTERVAL), after a pause
of more than three days, when the mapping or the scope has changed, and when Graph has forgotten
where its list of changes goes on.
` + source.Help,
		Example: `  entrawebex reconcile
  entrawebex plan --all      # what it would do`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.source.With(cmd.Context(), func(o operator.Operations) error {
				if err := o.Reconcile(cmd.Context()); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "A comparison of everything begins within a minute.\nentrawebex status tells how far it is.")
				return nil
			})
		},
	}
}
