package main

import (
	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
	"entrawebex/internal/replay"
	"entrawebex/internal/terminal"
)

func (c console) deadLettersCommand() *cobra.Command {
	var terms []string
	var asJSON bool
	command := &cobra.Command{
		Use:   "dead-letters",
		Short: "Lists the users and groups that could not be provisioned, and why",
		Long: `Lists the users and groups whose changes were given up, oldest first: what is
wrong, at which step, since when, and after how many attempts. The list comes from
the ledger, so looking at it takes nothing off a queue. An object leaves it when an
attempt succeeds: mend the cause, then entrawebex replay.

Messages that the queue itself gave up, after 1000 receives, are not in the ledger.
The last line says how many messages there are beyond those listed, if any.
` + filterHelp + storesHelp,
		Example: `  entrawebex dead-letters
  entrawebex dead-letters --filter newer=24h
  entrawebex dead-letters --json | jq -r .object.id`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := wellWritten(replay.Request{Filter: terms}); err != nil {
				return err
			}
			return c.with(cmd.Context(), func(o operator.Operations) error {
				letters, err := o.Letters(cmd.Context(), operator.LettersRequest{Filter: terms})
				if err != nil {
					return err
				}
				if asJSON {
					terminal.Beyond(cmd.ErrOrStderr(), letters.Beyond) // stdout is for a program
					return printJSON(cmd.OutOrStdout(), letters.Known...)
				}
				c.terminal.Letters(cmd.OutOrStdout(), letters.Known, letters.Beyond)
				return nil
			})
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&terms, "filter", nil, "key=value; may be given several times")
	flags.BoolVar(&asJSON, "json", false, lineEach)
	return command
}
