package main

import (
	"context"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) findCommand() *cobra.Command {
	return answer[operator.Search]{
		ask: func(ctx context.Context, o operator.Operations, args []string) (operator.Search, error) {
			return o.Search(ctx, operator.SearchRequest{Part: args[0]})
		},
		draw: terminal.Search,
	}.of(c, &cobra.Command{
		Use:   "find PART",
		Short: "Lists the users and groups whose name has a part",
		Long: `Lists the users and groups whose userName or displayName in Webex has a part, in any
case: the first 50 by their names. They are those that were written to Webex. Of
others, give entrawebex show the whole name.
` + source.Help,
		Example: `  entrawebex find lovelace
  entrawebex find @example.com --json | jq -r .found[].name`,
		Args: cobra.ExactArgs(1),
	})
}
