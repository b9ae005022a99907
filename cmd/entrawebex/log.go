package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/history"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

// logOptions are the flags of log.
type logOptions struct {
	operator.HistoryRequest

	since, until        string
	follow, csv, asJSON bool
}

func (c console) historyLogCommand() *cobra.Command {
	var o logOptions
	command := &cobra.Command{
		Use:   "log [USER|GROUP]",
		Short: "Tells what happened to a user or a group, or to all, and why",
		Long: `Tells what was done in Webex, what was refused and why, and what operators did, the
newest first; of everybody, or of one user or group. USER and GROUP are a
userPrincipalName, userName or displayName as a whole, also a former one, or an id of
Entra or Webex. It asks neither Entra nor Webex: it tells of who is deleted, and while
both are down.

Attempts that found nothing to do are not listed but counted, in the last line. An
entry is kept for HISTORY_DAYS. Times are UTC.

Choose with
  --since, --until   a time (2026-03-02T09:30), a day (2026-03-02), or how long ago (90m,
                     24h, 7d)
  --status           ` + strings.Join(operator.Statuses(), ", ") + `
  --action           create, update, disable, enable, delete, none, other (what operators
                     did), or one of their commands, such as approve or "guard clear"
  --fault            ` + strings.Join(operator.FaultKinds(), ", ") + `
  --correlation      the changeId of an entry, the correlationId of a log line: all that
                     came of one change

The fields of --json and --csv are in docs/log.md and do not change.
` + source.Help,
		Example: `  entrawebex log ada@example.com
  entrawebex log "All staff" --since 7d
  entrawebex log --status failure --since 24h
  entrawebex log --action approve
  entrawebex log --follow
  entrawebex log --since 2026-03-01 --limit 10000 --csv > march.csv`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Name = args[0]
			}
			return c.log(cmd, o)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.since, "since", "", "the first moment, or how long ago")
	flags.StringVar(&o.until, "until", "", "the first moment that is too late, or how long ago")
	flags.StringVar(&o.Status, "status", "", "only what ended so")
	flags.StringVar(&o.Action, "action", "", "only where this was done")
	flags.StringVar(&o.Fault, "fault", "", "only what met this kind of fault")
	flags.StringVar(&o.Correlation, "correlation", "", "only what came of this change")
	flags.IntVar(&o.Limit, "limit", 20, "how many at most, the newest; up to 10000")
	flags.BoolVar(&o.follow, "follow", false, "go on with what happens, until interrupted")
	flags.BoolVar(&o.csv, "csv", false, "print a table for a spreadsheet")
	flags.BoolVar(&o.asJSON, "json", false, "print a line of JSON for each")
	command.MarkFlagsMutuallyExclusive("csv", "json")
	command.MarkFlagsMutuallyExclusive("csv", "follow")
	command.MarkFlagsMutuallyExclusive("until", "follow")
	return command
}

// log prints the entries that the options choose.
func (c console) log(cmd *cobra.Command, o logOptions) error {
	now := time.Now()
	var sinceErr, untilErr error
	o.Since, sinceErr = operator.Moment(now, "--since", o.since)
	o.Until, untilErr = operator.Moment(now, "--until", o.until)
	if o.Limit == 0 {
		o.Limit = -1 // which is refused: 0 is no limit to a program
	}
	if err := errors.Join(sinceErr, untilErr, o.Validate()); err != nil {
		return usageError{err}
	}
	if o.follow {
		return c.follow(cmd, o)
	}
	return c.source.With(cmd.Context(), func(operations operator.Operations) error {
		found, err := operations.History(cmd.Context(), o.HistoryRequest)
		if err != nil {
			return err
		}
		switch {
		case o.csv:
			return terminal.HistoryRows(cmd.OutOrStdout(), found.Entries)
		case o.asJSON:
			return printJSON(cmd.OutOrStdout(), found.Entries...)
		default:
			c.terminal.History(cmd.OutOrStdout(), found)
			return nil
		}
	})
}

// follow prints the last entries, and then whatever is kept. The stores are opened for
// each look: a run may begin meanwhile, or end.
func (c console) follow(cmd *cobra.Command, o logOptions) error {
	return operator.Follow(cmd.Context(), c.source.With, o.HistoryRequest, func(e history.Entry) error {
		if o.asJSON {
			return printJSON(cmd.OutOrStdout(), e)
		}
		c.terminal.HistoryLine(cmd.OutOrStdout(), e)
		return nil
	})
}
