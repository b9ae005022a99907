package main

import (
	"context"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) settingsCommand() *cobra.Command {
	return answer[[]config.Value]{
		ask: func(ctx context.Context, o operator.Operations, _ []string) ([]config.Value, error) {
			return o.Environment(ctx)
		},
		draw:  terminal.Settings,
		usage: "print one line of JSON, which has the settings that are not given, too",
	}.of(c, &cobra.Command{
		Use:   "settings",
		Short: "Shows the settings in force, and where each comes from",
		Long: `Shows the settings in force: the value, whether the environment, a secret or nobody
gave it, and what it is where nothing is said. Of a secret it shows whether there is
one, and never which. What is not given and has no default is left out.

While entrawebex run has the data, they are those that it began with.
` + source.Help + `  all others              as entrawebex run has them (entrawebex run --help)
`,
		Example: `  entrawebex settings
  entrawebex settings --json | jq -r '.[] | select(.from != "default") | .name'`,
		Args: cobra.NoArgs,
	})
}
