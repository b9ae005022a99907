package main

import (
	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) uninstallCommand() *cobra.Command {
	var r operator.UninstallRequest
	var asJSON *bool
	command := &cobra.Command{
		Use:   "uninstall",
		Short: "Removes the subscriptions at Graph, and says what stays where",
		Long: `Lists the subscriptions at Microsoft Graph, and what stays where when the rest is taken
away: accounts, ledger, log, secrets. With --yes the subscriptions are removed. For an
hour no other is made: delete the stack (sam delete), or stop entrawebex run, until
then. Nothing in Webex is changed.
` + storesHelp,
		Example: `  entrawebex uninstall
  entrawebex uninstall --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(o operator.Operations) error {
				told, err := o.Uninstall(cmd.Context(), r)
				switch {
				case err != nil:
				case *asJSON:
					err = printJSON(cmd.OutOrStdout(), told)
				default:
					terminal.Uninstallation(cmd.OutOrStdout(), told)
				}
				return err
			})
		},
	}
	asJSON = jsonFlag(command, oneLine)
	command.Flags().BoolVar(&r.Really, "yes", false, "remove the subscriptions")
	return command
}
