package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/replay"
	"entrawebex/internal/terminal"
)

func (c console) deadLettersCommand() *cobra.Command {
	var terms []string
	var command *cobra.Command
	command = answer[operator.Letters]{
		check: func([]string) error {
			if err := (replay.Request{Filter: terms}).WellWritten(time.Now()); err != nil {
				return usageError{err}
			}
			return nil
		},
		ask: func(ctx context.Context, o operator.Operations, _ []string) (operator.Letters, error) {
			return o.Letters(ctx, operator.LettersRequest{Filter: terms})
		},
		draw: func(out io.Writer, l operator.Letters) { c.terminal.Letters(out, l.Known, l.Beyond) },
		encode: func(out io.Writer, l operator.Letters) error {
			terminal.Beyond(command.ErrOrStderr(), l.Beyond) // stdout is for a program
			return printEach(out, l.Known)
		},
		usage: lineEach,
	}.of(c, &cobra.Command{
		Use:   "dead-letters",
		Short: "Lists the users and groups that could not be provisioned, and why",
		Long: `Lists the users and groups whose changes were given up, oldest first: what is
wrong, at which step, since when, and after how many attempts. The list comes from
the ledger, so looking at it takes nothing off a queue. An object leaves it when an
attempt succeeds: mend the cause, then entrawebex replay.

Messages that the queue itself gave up, after 1000 receives, are not in the ledger.
The last line says how many messages there are beyond those listed, if any.
` + replay.FilterHelp + source.Help,
		Example: `  entrawebex dead-letters
  entrawebex dead-letters --filter newer=24h
  entrawebex dead-letters --json | jq -r .object.id`,
		Args: cobra.NoArgs,
	})
	command.Flags().StringArrayVar(&terms, "filter", nil, "key=value; may be given several times")
	return command
}
