package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
)

func (c console) statusCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "status",
		Short: "Tells whether all is well, and if not, what needs you",
		Long: `Tells how things stand, and in its last line whether all is well: which side is
paused, by whom, why and since when; whether the guard is latched; what is held,
blocked users whose accounts are still open first; how many changes wait and how
many dead letters there are; how many users and groups have an open fault, the
worst three with their reason; and how many inactive accounts Webex removes within
seven days, which it does 30 days after they were deactivated; the subscriptions, and
since when a look for changes or a comparison fails; and by their ids whose account is
open and must not be, and who is entitled and was shut out by hand, as the last
comparison found them, less those who are closed or entitled since; and whom a setting
such as UPSERT_ONLY leaves open. It reads every record.

Faults that are tried again by themselves need nobody in their first hour. The exit
code is 0 whenever it could look.
` + storesHelp,
		Example: `  entrawebex status
  entrawebex status --json | jq -e .allIsWell`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return c.with(ctx, func(o operator.Operations) error {
				s, err := o.Status(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(out).Encode(s)
				}
				c.terminal.Status(out, s)
				return nil
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON")
	return command
}
