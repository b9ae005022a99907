package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/history"
	"entrawebex/internal/operator"
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
` + storesHelp,
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
	o.Since, sinceErr = moment(now, "since", o.since)
	o.Until, untilErr = moment(now, "until", o.until)
	if o.Limit == 0 {
		o.Limit = -1 // which is refused: 0 is no limit to a program
	}
	if err := errors.Join(sinceErr, untilErr, o.Validate()); err != nil {
		return usageError{err}
	}
	if o.follow {
		return c.followLog(cmd.Context(), cmd.OutOrStdout(), o)
	}
	return c.with(cmd.Context(), func(operations operator.Operations) error {
		found, err := operations.History(cmd.Context(), o.HistoryRequest)
		if err != nil {
			return err
		}
		switch {
		case o.csv:
			return writeCSV(cmd.OutOrStdout(), found.Entries)
		case o.asJSON:
			return printJSON(cmd.OutOrStdout(), found.Entries...)
		default:
			c.terminal.History(cmd.OutOrStdout(), found)
			return nil
		}
	})
}

// moment is the time that a flag names: a time, a day, or how long ago.
func moment(now time.Time, flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(form, s); err == nil {
			return at, nil
		}
	}
	ago, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		const day = 24 * time.Hour
		ago = time.Duration(n) * day
	}
	const longest = 100 * 365 * 24 * time.Hour
	if err != nil || ago < 0 || ago > longest {
		return time.Time{}, fmt.Errorf("--%s is %q and must be a time (2026-03-02T09:30), a day (2026-03-02), or how long ago (90m, 24h, 7d)", flag, s)
	}
	return now.Add(-ago), nil
}

// How often the log is looked at that is followed, and how long after an attempt it may
// be kept: as long as the batch that it was made in may last.
const (
	followEvery = 2 * time.Second
	followBack  = 3 * time.Minute
)

// followLog prints the last entries, and then whatever is kept, the oldest first. The
// stores are opened for each look: a run may begin meanwhile, or end.
func (c console) followLog(ctx context.Context, out io.Writer, o logOptions) error {
	told := map[string]time.Time{}
	r := o.HistoryRequest
	for {
		var found operator.History
		began := time.Now()
		err := c.with(ctx, func(operations operator.Operations) (err error) {
			found, err = operations.History(ctx, r)
			return err
		})
		if err != nil && ctx.Err() == nil { // else it ends, as it was told to
			return err
		}
		for _, e := range slices.Backward(found.Entries) {
			if _, known := told[e.ID]; known {
				continue
			}
			told[e.ID] = e.At
			if err := c.follow(out, e, o.asJSON); err != nil {
				return err
			}
		}
		r.Since, r.Limit = began.Add(-followBack), 0
		for id, at := range told { // what is not asked for again is not met again
			if at.Before(r.Since) {
				delete(told, id)
			}
		}
		select {
		case <-time.After(followEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// follow prints one entry.
func (c console) follow(out io.Writer, e history.Entry, asJSON bool) error {
	if asJSON {
		return printJSON(out, e)
	}
	c.terminal.HistoryLine(out, e)
	return nil
}

// column is one of the table for a spreadsheet.
type column struct {
	name string
	of   func(e history.Entry) string
}

func columns() []column {
	target := func(of func(history.Identity) string) func(history.Entry) string {
		return func(e history.Entry) string {
			if e.Target == nil {
				return ""
			}
			return of(*e.Target)
		}
	}
	failed := func(of func(history.ErrorInfo) string) func(history.Entry) string {
		return func(e history.Entry) string {
			if e.Status.Error == nil {
				return ""
			}
			return of(*e.Status.Error)
		}
	}
	members := func(of func(history.Members) string) func(history.Entry) string {
		return func(e history.Entry) string {
			if e.Members == nil {
				return ""
			}
			return of(*e.Members)
		}
	}
	return []column{
		{"activityDateTime", func(e history.Entry) string { return e.At.UTC().Format(time.RFC3339Nano) }},
		{"status", func(e history.Entry) string { return string(e.Status.Status) }},
		{"provisioningAction", func(e history.Entry) string { return string(e.Action) }},
		{"act", func(e history.Entry) string { return e.Act }},
		{"initiatedBy", func(e history.Entry) string { return e.InitiatedBy.DisplayName }},
		{"kind", func(e history.Entry) string { o, _ := e.Object(); return string(o.Kind) }},
		{"name", func(e history.Entry) string { return e.Name() }},
		{"entra id", func(e history.Entry) string { o, _ := e.Object(); return o.ID }},
		{"webex id", target(func(i history.Identity) string { return i.ID })},
		{"webex name", target(func(i history.Identity) string { return i.DisplayName })},
		{"cause", func(e history.Entry) string { return string(e.Cause) }},
		{"changeId", func(e history.Entry) string { return e.ChangeID }},
		{"errorCode", failed(func(i history.ErrorInfo) string { return i.Code })},
		{"reason", failed(func(i history.ErrorInfo) string { return i.Reason })},
		{"fault", func(e history.Entry) string { return e.Fault }},
		{"modified", func(e history.Entry) string { return modifiedNames(e.Modified) }},
		{"members added", members(func(m history.Members) string { return strconv.Itoa(m.Added) })},
		{"members removed", members(func(m history.Members) string { return strconv.Itoa(m.Removed) })},
		{"durationInMilliseconds", func(e history.Entry) string { return strconv.FormatInt(e.Took, 10) }},
		{"latencyInMilliseconds", func(e history.Entry) string {
			if e.Latency == nil {
				return ""
			}
			return strconv.FormatInt(*e.Latency, 10)
		}},
		{"retryAt", func(e history.Entry) string {
			if e.RetryAt.IsZero() {
				return ""
			}
			return e.RetryAt.UTC().Format(time.RFC3339)
		}},
		{"requestIds", func(e history.Entry) string { return requestIDs(e.Refusals) }},
		{"id", func(e history.Entry) string { return e.ID }},
	}
}

func modifiedNames(modified []history.Property) string {
	names := make([]string, len(modified))
	for i, p := range modified {
		names[i] = p.DisplayName
	}
	return strings.Join(names, "; ")
}

func requestIDs(refusals []history.Refusal) string {
	ids := make([]string, len(refusals))
	for i, r := range refusals {
		ids[i] = r.System + " " + r.RequestID
	}
	return strings.Join(ids, "; ")
}

// writeCSV prints the entries for a spreadsheet (RFC 4180).
func writeCSV(out io.Writer, entries []history.Entry) error {
	table := csv.NewWriter(out)
	all := columns()
	row := make([]string, len(all))
	for i, c := range all {
		row[i] = c.name
	}
	err := table.Write(row)
	for _, e := range entries {
		for i, c := range all {
			row[i] = harmless(c.of(e))
		}
		err = errors.Join(err, table.Write(row))
	}
	table.Flush()
	return errors.Join(err, table.Error())
}
