package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"entrawebex/internal/provision"
	"entrawebex/internal/replay"
)

func deadLettersCommand() *cobra.Command {
	var terms []string
	var asJSON bool
	command := &cobra.Command{
		Use:   "dead-letters",
		Short: "Lists the users and groups that could not be provisioned, and why",
		Long: `Lists the users and groups whose changes were given up, oldest first: what is
wrong, at which step, since when, and after how many attempts. The list comes from
the ledger, so looking at it takes nothing off a queue. An object leaves it when an
attempt succeeds: mend the cause, then entrawebex replay.
` + filterHelp + homesHelp,
		Example: `  entrawebex dead-letters
  entrawebex dead-letters --filter newer=24h
  entrawebex dead-letters --json | jq -r .object.id`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listDeadLetters(cmd.Context(), cmd.OutOrStdout(), os.Environ(), terms, asJSON)
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&terms, "filter", nil, "key=value; may be given several times")
	flags.BoolVar(&asJSON, "json", false, "print a line of JSON for each")
	return command
}

func listDeadLetters(ctx context.Context, out io.Writer, environ, terms []string, asJSON bool) error {
	filter, err := replay.ParseFilter(time.Now(), terms)
	if err != nil {
		return err
	}
	h, err := openHomes(ctx, environ)
	if err != nil {
		return err
	}
	var letters []replay.Letter
	err = h.ledger.Records(ctx, func(r provision.Record) error {
		if l, ok := replay.FromRecord(r); ok && filter.Matches(l) {
			letters = append(letters, l)
		}
		return nil
	})
	if err := errors.Join(err, h.close()); err != nil {
		return err
	}
	slices.SortFunc(letters, func(a, b replay.Letter) int { return a.FirstSeen.Compare(b.FirstSeen) })
	if asJSON {
		return printJSON(out, letters)
	}
	printLetters(out, letters)
	return nil
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

func printLetters(out io.Writer, letters []replay.Letter) {
	if len(letters) == 0 {
		fmt.Fprintln(out, "No dead letters.")
		return
	}
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"Object", "Kind", "Step", "Reason", "First seen", "Attempts"})
	const widest = 60 // columns of the terminal
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "Reason", WidthMax: widest}})
	for _, l := range letters {
		t.AppendRow(table.Row{l.Object, l.Kind, l.Step, l.Reason, l.FirstSeen.UTC().Format(time.RFC3339), l.Attempts})
	}
	t.Render()
}
