package main

import (
	"context"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) showCommand() *cobra.Command {
	return answer[operator.Shown]{
		early: true,
		ask: func(ctx context.Context, o operator.Operations, args []string) (operator.Shown, error) {
			return o.Show(ctx, operator.ShowRequest{Name: args[0]})
		},
		draw: c.terminal.Show,
	}.of(c, &cobra.Command{
		Use:   "show USER|GROUP",
		Short: "Shows all there is to know of a user or a group, on both sides",
		Long: `Shows what Entra and Webex have of a user or a group now, side by side, with what
differs; whether it is in scope, and by which assignment, group or clause of the filter;
what was last written; an open fault and when it is tried again; what is held; what was
changed in Webex by hand; of a group who is missing, extra or pending; the last
attempts; and what would be done next. It writes nothing.

USER and GROUP are a userPrincipalName, mail, userName or displayName as a whole, also
a former one, or an id of Entra or Webex. Of a name or an address that is nobody's in
Entra it shows what Webex has under it. A side that cannot be read is told as such.

The fields of --json are in docs/show.md and do not change.
` + source.Help + `  ENTRA_…, WEBEX_…        as entrawebex run has them (entrawebex run --help);
                          while it runs, its own are used
`,
		Example: `  entrawebex show ada@example.com
  entrawebex show "All staff"
  entrawebex show 6f1d2c3b-0000-4000-8000-000000000001 --json | jq .next`,
		Args: cobra.ExactArgs(1),
	})
}

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
