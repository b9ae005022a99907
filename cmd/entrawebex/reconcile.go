package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
)

func (c console) reconcileCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reconcile",
		Short: "Has everything in Entra and Webex compared",
		Long: `Asks for a comparison of everything, which begins within a minute: what Entra has
changed since it was written is written, and what was changed in Webex is reported,
or put back with REPAIR_DRIFT=true. Nobody is taken away for being on no list: who
is in none is asked about. It goes on where it was if it is cut short, and leaves
the way free for changes. "entrawebex status" tells how far it is and what it
found.

It happens by itself at the first start, once a day (COMPARE_INTERVAL), after a pause
of more than three days, when the mapping or the scope has changed, and when Graph has forgotten
where its list of changes goes on.
` + source.Help,
		Example: `  entrawebex reconcile
  entrawebex plan --all      # what it would do`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.source.With(cmd.Context(), func(o operator.Operations) error {
				if err := o.Reconcile(cmd.Context()); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "A comparison of everything begins within a minute.\nentrawebex status tells how far it is.")
				return nil
			})
		},
	}
}
