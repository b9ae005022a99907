package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/check"
	"entrawebex/internal/app/source"
	"entrawebex/internal/config"
	"entrawebex/internal/terminal"
)

func checkCommand(from *source.Source) *cobra.Command {
	var asJSON *bool
	command := &cobra.Command{
		Use:   "check",
		Short: "Tests the connection to Entra and Webex, and the way back to the webhook",
		Long: `Tests what a run needs, one line each, and says how to mend what fails:
the settings, whose the ledger is, the Graph token and each permission, the tenant,
delta queries, the Webex token and organization, a search that must be empty, a page of
the users and of the groups, whether anybody is whom PROTECTED_USERS names, and the
webhook's handshake as Graph will make it. Where no run listens on LISTEN_ADDR yet, the
check does meanwhile; what Graph notifies then it sends again. Nothing is changed on
either side: what reaches Webex cannot write.

With --stack it tests what the functions of that stack on AWS have, from here.
` + config.Help,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := from.Checked(cmd.Context())
			if err != nil {
				return err
			}
			return printCheck(cmd.Context(), cmd.OutOrStdout(), settings, *asJSON)
		},
	}
	asJSON = jsonFlag(command, lineEach)
	return command
}

// printCheck prints a line for everything a run needs.
func printCheck(ctx context.Context, out io.Writer, s config.Settings, asJSON bool) error {
	failed := false
	var unprinted error
	err := check.Run(ctx, s, operatorLog(), func(r check.Result) {
		failed = failed || r.Err != nil
		if asJSON {
			unprinted = errors.Join(unprinted, printJSON(out, r.Told()))
			return
		}
		told := r.Told()
		mark := map[check.Outcome]string{check.OK: "ok  ", check.Note: "note", check.Failed: "FAIL"}[told.Outcome]
		terminal.Checked(out, mark, told.What, told.Detail)
	})
	if err = errors.Join(err, unprinted); err == nil && failed {
		return errReported
	}
	return err
}
