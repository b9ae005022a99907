package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
	"entrawebex/internal/printable"
	"entrawebex/internal/terminal"
)

func (c console) findCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "find PART",
		Short: "Lists the users and groups whose name has a part",
		Long: `Lists the users and groups whose userName or displayName in Webex has a part, in any
case: the first 50 by their names. They are those that were written to Webex. Of
others, give entrawebex show the whole name.
` + storesHelp,
		Example: `  entrawebex find lovelace
  entrawebex find @example.com --json | jq -r .found[].name`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return c.with(ctx, func(o operator.Operations) error {
				s, err := o.Search(ctx, operator.SearchRequest{Part: args[0]})
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(out).Encode(s)
				}
				for _, one := range s.Found {
					terminal.Say(out, fmt.Sprintf("%s  %s", one.Object, printable.Text(one.Name)))
				}
				switch {
				case s.More:
					terminal.Say(out, "And others: give more of the name.")
				case len(s.Found) == 0:
					terminal.Say(out, "Nobody who was written to Webex. Give entrawebex show the whole name.")
				}
				return nil
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON")
	return command
}
