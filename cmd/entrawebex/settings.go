package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) settingsCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "settings",
		Short: "Shows the settings in force, and where each comes from",
		Long: `Shows the settings in force: the value, whether the environment, a secret or nobody
gave it, and what it is where nothing is said. Of a secret it shows whether there is
one, and never which. What is not given and has no default is left out.

While entrawebex run has the data, they are those that it began with.
` + storesHelp + `  all others              as entrawebex run has them (entrawebex run --help)
`,
		Example: `  entrawebex settings
  entrawebex settings --json | jq -r '.[] | select(.from != "default") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return c.with(ctx, func(o operator.Operations) error {
				values, err := o.Environment(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(out).Encode(values)
				}
				terminal.Settings(out, values)
				return nil
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON, which has the settings that are not given, too")
	return command
}
