package terminal

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/history"
	"entrawebex/internal/migration"
	"entrawebex/internal/sweep"
)

// spreadsheet writes rows for a spreadsheet (RFC 4180).
type spreadsheet struct{ csv *csv.Writer }

func newSpreadsheet(out io.Writer, header ...string) spreadsheet {
	s := spreadsheet{csv: csv.NewWriter(out)}
	s.row(header...)
	return s
}

// row appends one. What fails is told at the end.
func (s spreadsheet) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = harmless(cell)
	}
	_ = s.csv.Write(cells) // csv.Writer.Error says it again
}

func (s spreadsheet) end() error {
	s.csv.Flush()
	return s.csv.Error()
}

// harmless is a cell that no spreadsheet takes for a formula: a name is somebody
// else's to choose (https://owasp.org/www-community/attacks/CSV_Injection). Where a
// semicolon parts the cells, as in much of Europe, a formula may begin within it, too.
func harmless(cell string) string {
	var b strings.Builder
	begins := true
	for _, r := range cell {
		if begins && strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) { // the wide ones in East Asian versions
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		begins = strings.ContainsRune(";\t\r\n", r)
	}
	return b.String()
}

// Accounts is a file with the accounts of both sides for a spreadsheet, each in its class.
type Accounts struct {
	file *os.File
	spreadsheet
}

// CreateAccounts begins a file that only this user can read: it names people.
func CreateAccounts(path string) (*Accounts, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write the accounts: %w", err)
	}
	return &Accounts{file, newSpreadsheet(file, "class", "kind", "name", "entra id", "webex id")}, nil
}

// Add appends one.
func (a *Accounts) Add(one sweep.Account) {
	a.row(string(one.Class), string(one.Kind), one.Name, one.ID, one.WebexID)
}

// Close ends the file, and returns what went wrong with it.
func (a *Accounts) Close() error {
	if err := errors.Join(a.end(), a.file.Close()); err != nil {
		return fmt.Errorf("write the accounts: %w", err)
	}
	return nil
}

// MigrationRows prints what would come of each account, for a spreadsheet.
func MigrationRows(out io.Writer, rows []migration.Row) error {
	s := newSpreadsheet(out, "outcome", "waits for approval", "kind", "name", "entra id", "webex id", "external id in webex", "changes", "reason", "active in webex")
	for _, r := range rows {
		waits, active := "", ""
		if r.Held {
			waits = "yes"
		}
		if r.Active != nil {
			active = map[bool]string{true: "yes", false: "no"}[*r.Active]
		}
		s.row(string(r.Outcome), waits, string(r.Kind), r.Name, r.ID, r.WebexID, r.ExternalID, changes(r), r.Reason, active)
	}
	return s.end()
}

// HistoryRows prints entries of the provisioning log for a spreadsheet. The columns are
// told in docs/log.md, and do not change.
func HistoryRows(out io.Writer, entries []history.Entry) error {
	all := historyColumns()
	row := make([]string, len(all))
	for i, c := range all {
		row[i] = c.name
	}
	s := newSpreadsheet(out, row...)
	for _, e := range entries {
		for i, c := range all {
			row[i] = c.of(e)
		}
		s.row(row...)
	}
	return s.end()
}

// historyColumn is one of the provisioning log's.
type historyColumn struct {
	name string
	of   func(e history.Entry) string
}

func historyColumns() []historyColumn {
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
	return []historyColumn{
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
