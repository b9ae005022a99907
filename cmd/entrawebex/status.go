package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
)

func (c console) statusCommand() *cobra.Command {
	var asJSON, asExitCode bool
	command := &cobra.Command{
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
` + storesHelp,
		Example: `  entrawebex status
  entrawebex status --exit-code
  entrawebex status --json | jq -r '.attention[]'   # docs/status.md has the fields`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return c.with(ctx, func(o operator.Operations) error {
				s, err := o.Status(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					err = json.NewEncoder(out).Encode(s)
				} else {
					c.terminal.Status(out, s)
				}
				if err == nil && asExitCode && !s.AllIsWell {
					return errReported
				}
				return err
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON")
	command.Flags().BoolVar(&asExitCode, "exit-code", false, "exit with 1 unless all is well")
	return command
}
