package history

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
)

// Log writes the provisioning log. Attempts that found nothing to do are counted in
// memory, and the counts kept with what else is, or else once a minute: a process that
// is killed loses those of a minute, or of as long as it lay idle. It is safe for
// concurrent use.
type Log struct {
	store    Store
	tenantID string
	process  string
	now      func() time.Time
	log      *slog.Logger

	mu      sync.Mutex
	idle    map[time.Time]map[string]int // by the hour
	counted time.Time                    // when they were last kept
}

// countEvery is how often counts are kept where nothing else is.
const countEvery = time.Minute

// NewLog returns a Log of one process.
func NewLog(store Store, tenantID string, now func() time.Time, log *slog.Logger) *Log {
	return &Log{store: store, tenantID: tenantID, process: uuid.NewString(), now: now, log: log, idle: map[time.Time]map[string]int{}}
}

// Keep keeps the attempts that were made together, under these rules. That they are not
// kept is told, and is nobody's fault.
func (l *Log) Keep(ctx context.Context, rules mapping.Rules, attempts []provision.Attempt) {
	terms := Terms{TenantID: l.tenantID, CycleID: uuid.NewString(), Rules: rules}
	var entries []Entry
	for _, a := range attempts {
		e, idle := Of(a, uuid.NewString(), terms)
		if idle != "" {
			l.count(a.Finished, idle)
			continue
		}
		entries = append(entries, e)
	}
	l.write(ctx, entries)
}

// Act is what an operator did.
type Act struct {
	// Name is what was done, such as approve, By by whom.
	Name, By string
	// Object is to whom; nil for all or for none. Names are its names.
	Object *change.Object
	Names  provision.Names
	// WebexID is the id of its account or group.
	WebexID string
	// Reason says what came of it, or why it was done.
	Reason string
	// Began is when it did.
	Began time.Time
	// Err is why it failed; nil if it did not.
	Err error
}

// Acted keeps acts of one operator.
func (l *Log) Acted(ctx context.Context, acts ...Act) {
	entries := make([]Entry, len(acts))
	for i, a := range acts {
		entries[i] = l.entry(a)
	}
	l.write(ctx, entries)
}

func (l *Log) entry(a Act) Entry {
	now := l.now().UTC()
	e := Entry{
		ID: uuid.NewString(), At: now, TenantID: l.tenantID, Action: Other, Act: a.Name,
		InitiatedBy: Initiator{DisplayName: printable.Short(a.By, longestName), Type: "user"},
		Status:      StatusInfo{Status: Success}, Took: now.Sub(a.Began).Milliseconds(),
	}
	reason := printable.Short(a.Reason, longestText)
	if reason != "" {
		e.Steps = []Step{{Type: string(provision.Processing), Status: Success, Description: reason}}
	}
	if a.Err != nil {
		e.Status = StatusInfo{Status: Failure, Error: &ErrorInfo{
			Code: "InternalError", Reason: printable.Short(a.Err.Error(), longestText), Category: "failure",
		}}
	}
	if a.Object != nil {
		made := provision.Attempt{Object: *a.Object, Names: a.Names, WebexID: a.WebexID}
		e.Source, e.Target = source(made), target(made)
	}
	return e
}

func (l *Log) count(at time.Time, kind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	hour := at.UTC().Truncate(time.Hour)
	if l.idle[hour] == nil {
		l.idle[hour] = map[string]int{}
	}
	l.idle[hour][kind]++
}

// write writes the entries, and with them the counts.
func (l *Log) write(ctx context.Context, entries []Entry) {
	idle := l.due(len(entries) > 0)
	if len(entries)+len(idle) == 0 {
		return
	}
	if err := l.store.Keep(ctx, entries, idle); err != nil {
		l.log.ErrorContext(ctx, "provisioning log not kept", "entries", len(entries), "error", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	present := l.now().UTC().Truncate(time.Hour)
	for _, n := range idle { // what an hour that is over has is kept by now
		if n.Hour.Before(present) && maps.Equal(l.idle[n.Hour], n.Counts) {
			delete(l.idle, n.Hour)
		}
	}
}

// due are the counts that are to be kept now.
func (l *Log) due(writing bool) []Idle {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if len(l.idle) == 0 || !writing && now.Sub(l.counted) < countEvery {
		return nil
	}
	l.counted = now
	var all []Idle
	for _, hour := range slices.SortedFunc(maps.Keys(l.idle), time.Time.Compare) {
		all = append(all, Idle{Hour: hour, Process: l.process, Counts: maps.Clone(l.idle[hour])})
	}
	return all
}
