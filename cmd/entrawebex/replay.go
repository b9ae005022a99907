package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/progress"
	"entrawebex/internal/replay"
	"entrawebex/internal/terminal"
)

func (c console) replayCommand() *cobra.Command {
	request := replay.Request{}
	var asJSON *bool
	command := &cobra.Command{
		Use:   "replay",
		Short: "Puts dead letters back on the queue, all or those that a filter chooses",
		Long: `Puts dead letters back on the change queue, where the worker takes them up as
if they were new: it reads each user or group as it is in Entra now. So mend the
cause first (entrawebex dead-letters tells it); what fails again is a dead letter
again. A message leaves the dead-letter queue only after it stands in the change
queue, and to replay it twice, or for nothing, does no harm.

On AWS, without a filter, SQS moves the messages by itself, and the answer is the
handle of its task.
` + replay.FilterHelp + source.Help,
		Example: `  entrawebex replay --dry-run
  entrawebex replay
  entrawebex replay --filter object=5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607
  entrawebex replay --filter kind=permanent --filter newer=2h --rate 50
  entrawebex replay --limit 1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := request.WellWritten(time.Now()); err != nil {
				return usageError{err}
			}
			return c.source.With(cmd.Context(), func(o operator.Operations) error {
				return c.putBack(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr(), request, *asJSON)
			})
		},
	}
	asJSON = jsonFlag(command, oneLine)
	flags := command.Flags()
	flags.StringArrayVar(&request.Filter, "filter", nil, "key=value; may be given several times")
	flags.IntVar(&request.Rate, "rate", 10, "how many a second; 0 for as many as possible")
	flags.IntVar(&request.Limit, "limit", 0, "how many in all; 0 for all")
	flags.BoolVar(&request.DryRun, "dry-run", false, "count what would be put back, and move nothing")
	return command
}

// putBack replays, shows how far it is if somebody is there to see, and prints what
// came of it.
func (c console) putBack(ctx context.Context, o operator.Operations, out, errOut io.Writer, request replay.Request, asJSON bool) error {
	var looked func(done, of int)
	line := &progress.Line{Out: errOut}
	if c.terminal.Progress {
		looked = func(done, of int) { // a number that was approximate may be exceeded
			line.Show("", fmt.Sprintf("looked at %d of about %d", done, max(of, done)))
		}
	}
	result, err := o.Replay(ctx, request, looked)
	line.Clear()
	if asJSON {
		return errors.Join(err, printJSON(out, result))
	}
	terminal.Replayed(out, result, request.DryRun)
	return err
}

func (c console) deadLettersCommand() *cobra.Command {
	var terms []string
	var command *cobra.Command
	command = answer[operator.Letters]{
		check: func([]string) error { return misused((replay.Request{Filter: terms}).WellWritten(time.Now())) },
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
