package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/replay"
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
			return c.with(cmd.Context(), func(o operator.Operations) error {
				letters, err := o.Letters(cmd.Context(), operator.LettersRequest{Filter: terms})
				if err != nil {
					return err
				}
				if asJSON {
					tellBeyond(cmd.ErrOrStderr(), letters.Beyond) // stdout is for a program
					return printJSON(cmd.OutOrStdout(), letters.Known)
				}
				printLetters(cmd.OutOrStdout(), letters.Known, letters.Beyond)
				return nil
			})
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&terms, "filter", nil, "key=value; may be given several times")
	flags.BoolVar(&asJSON, "json", false, "print a line of JSON for each")
	return command
}

// printJSON prints each letter as a line of JSON.
func printJSON(out io.Writer, letters []replay.Letter) error {
	encoder := json.NewEncoder(out)
	for _, l := range letters {
		if err := encoder.Encode(l); err != nil {
			return fmt.Errorf("print the dead letters: %w", err)
		}
	}
	return nil
}

// tellBeyond tells of messages that are on no list.
func tellBeyond(out io.Writer, n int) {
	if n == 0 {
		return
	}
	say(out, fmt.Sprintf("The dead-letter queue holds about %s more than objects are known at fault: further changes of the same objects, and what the queue gave up by itself after 1000 receives. entrawebex replay --filter kind=transient puts back the latter, and with --dry-run counts them.", operator.Counted(n, "message")))
}

func printLetters(out io.Writer, letters []replay.Letter, beyond int) {
	defer tellBeyond(out, beyond)
	switch {
	case len(letters) == 0 && beyond > 0:
		fmt.Fprintln(out, "Nothing to list.")
		return
	case len(letters) == 0:
		fmt.Fprintln(out, "No dead letters.")
		return
	}
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"Kind", "Object, and why"})
	widest := columns - 7 - len(provision.Unauthorized.String()) // which the frame and the longest kind take
	for _, l := range letters {
		met := fmt.Sprintf("%s since %s, %s", l.Step, l.FirstSeen.UTC().Format(time.RFC3339), operator.Counted(l.Attempts, "attempt"))
		t.AppendRow(table.Row{l.Kind, fold(widest, l.Object.String(), met, printable.Text(l.Reason))})
		t.AppendSeparator()
	}
	t.Render()
}
