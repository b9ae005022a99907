package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/history"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) provisionCommand() *cobra.Command {
	var names operator.ProvisionRequest
	var wait time.Duration
	var asJSON bool
	command := &cobra.Command{
		Use:   "provision USER|GROUP...",
		Short: "Provisions users and groups now, and tells step by step what came of it",
		Long: `Provisions users and groups now, as Entra's provision on demand does: each is read from
Entra and from Webex, what differs is put right, what was changed in Webex by hand
too, and of a group all members are compared. It goes the road of every change: the
guard counts it, and a side that is paused is waited for.

USER and GROUP are a userPrincipalName, userName or displayName as a whole, or an id of
Entra or Webex. What came of each is told as soon as it is known, with its steps. The
exit code is 1 if one failed, or is not known after --wait: it goes on all the same, and
entrawebex log tells of it.
` + source.Help,
		Example: `  entrawebex provision ada@example.com
  entrawebex provision "All staff" bob@example.com --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if wait < 0 {
				return usageError{fmt.Errorf("--wait is %s and must be a time, such as 1m", wait)}
			}
			names.Names = args
			return c.provision(cmd, names, wait, asJSON)
		},
	}
	command.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait for what comes of it")
	command.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each, as log does")
	return command
}

// provision has the objects provisioned, and prints what comes of each.
func (c console) provision(cmd *cobra.Command, names operator.ProvisionRequest, wait time.Duration, asJSON bool) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	left, failed, err := operator.ProvisionNow(ctx, c.source.With, names, wait, func(e history.Entry) error {
		if asJSON {
			return printJSON(out, e)
		}
		c.terminal.HistorySteps(out, e)
		return nil
	})
	switch {
	case err != nil:
		return err
	case left.Rests != "":
		terminal.Say(cmd.ErrOrStderr(), "It is queued, and nobody works on it yet: "+left.Rests+".")
		return errReported
	case len(left.Objects) > 0:
		terminal.Say(cmd.ErrOrStderr(), fmt.Sprintf("Of %s nothing is known after %s: entrawebex status tells whether all is well, entrawebex log --correlation %s what comes of it.",
			operator.Counted(len(left.Objects), "object"), wait, left.Correlation))
		return errReported
	case failed:
		return errReported
	}
	return nil
}
