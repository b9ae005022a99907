package main

import (
	"context"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) uninstallCommand() *cobra.Command {
	var r operator.UninstallRequest
	command := answer[operator.Uninstallation]{
		ask: func(ctx context.Context, o operator.Operations, _ []string) (operator.Uninstallation, error) {
			return o.Uninstall(ctx, r)
		},
		draw: terminal.Uninstallation,
	}.of(c, &cobra.Command{
		Use:   "uninstall",
		Short: "Removes the subscriptions at Graph, and says what stays where",
		Long: `Lists the subscriptions at Microsoft Graph, and what stays where when the rest is taken
away: accounts, ledger, log, secrets. With --yes the subscriptions are removed. For an
hour no other is made: delete the stack (sam delete --stack-name NAME), or stop
entrawebex run, until then. Nothing in Webex is changed.
` + source.Help,
		Example: `  entrawebex uninstall
  entrawebex uninstall --yes`,
		Args: cobra.NoArgs,
	})
	command.Flags().BoolVar(&r.Really, "yes", false, "remove the subscriptions")
	return command
}
