package main

import (
	"context"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
)

func (c console) statusCommand() *cobra.Command {
	var asExitCode bool
	command := answer[operator.Status]{
		ask: func(ctx context.Context, o operator.Operations, _ []string) (operator.Status, error) {
			return o.Status(ctx)
		},
		draw: c.terminal.Status,
		judge: func(s operator.Status) error {
			if asExitCode && !s.AllIsWell {
				return errReported
			}
			return nil
		},
	}.of(c, &cobra.Command{
		Use:   "status",
		Short: "Tells whether all is well, and if not, what needs you",
		Long: `Tells how things stand, and in its last line whether all is well: which side is
paused, by whom, why and since when; whether the guard is latched; what is held,
blocked users whose accounts are still open first; how many changes wait, since when
the oldest, and how long those of the last hour took; how many dead letters there are;
how many users and groups have an open fault, the
worst three with their reason; and how many inactive accounts Webex removes within
seven days, which it does 30 days after they were deactivated; the subscriptions, and
since when a look for changes or a comparison fails; and by their ids whose account is
open and must not be, and who is entitled and was shut out by hand, as the last
comparison found them, less those who are closed or entitled since; and whom a setting
such as UPSERT_ONLY leaves open. It reads every record.

All is well only if that was proven within the last minutes: that a process serves this
data, looks for changes and renews what ends, that the subscriptions are alive, and that
Webex and the webhook answer. What fails is tried again and needs nobody at first: a fault
in its first hour, anything else for ten minutes. The exit code is 0 whenever it could
look; with --exit-code it is 1 unless all is well.
` + source.Help,
		Example: `  entrawebex status
  entrawebex status --exit-code
  entrawebex status --json | jq -r '.attention[]'   # docs/status.md has the fields`,
		Args: cobra.NoArgs,
	})
	command.Flags().BoolVar(&asExitCode, "exit-code", false, "exit with 1 unless all is well")
	return command
}
