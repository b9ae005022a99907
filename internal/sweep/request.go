package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"entrawebex/internal/condition"
	"entrawebex/internal/document"
)

// requestDocument is where it stands that everything is to be read.
const requestDocument = "sweep"

// The fields of that document which are known here. All others are kept as
// they are.
const (
	// dueSince is when it was first asked for; not there if it was not, or if
	// it has been done.
	dueSince = "dueSince"
	// whyDue are the reasons.
	whyDue = "why"
	// begun is when the one that is due began to read; not there before.
	begun = "begun"
	// again is what asks for another one when the one that has begun is over.
	again = "again"
)

// writes is how often a write that met another is tried on what that one
// wrote.
const writes = 5

// maxWhy is the length in bytes up to which reasons are added.
const maxWhy = 1000

// Requests are what asks for a sweep: that everything be read and compared.
// They are safe for concurrent use, by any number of processes.
type Requests struct {
	Documents document.Store
	Now       func() time.Time
	Log       *slog.Logger
}

// request is the document, field by field.
type request map[string]json.RawMessage

// Request says that a sweep is due and why, in one sentence. One that is due
// learns one more reason. While one is going on, which may be past what it is
// asked for, another is due when it is over.
func (r *Requests) Request(ctx context.Context, why string) error {
	return r.edit(ctx, why, request.add)
}

// Lacks is a Request for something that the sweep which is going on supplies as
// well, if anything does: who still lacks it when that is over says so again.
func (r *Requests) Lacks(ctx context.Context, why string) error {
	return r.edit(ctx, why, request.lacks)
}

func (r *Requests) edit(ctx context.Context, why string, add func(q request, why string, now time.Time) bool) error {
	added := false
	err := r.change(ctx, func(q request) bool {
		added = add(q, why, r.Now())
		return added
	})
	if err != nil {
		return fmt.Errorf("ask for a sweep: %w", err)
	}
	if added {
		r.Log.WarnContext(ctx, "everything must be read", "reason", why)
	}
	return nil
}

// change writes what edit makes of the document, if it reports a change. One that
// cannot be read is taken for an empty one: a sweep then begins anew.
func (r *Requests) change(ctx context.Context, edit func(request) bool) error {
	for range writes {
		kept, err := r.open(ctx)
		if err != nil || !edit(kept.Value) {
			return err
		}
		if err := kept.Save(ctx); !errors.Is(err, document.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("others wrote document %q %d times meanwhile", requestDocument, writes)
}

// Waiting reports whether a sweep is due that has not begun to read: what was
// true before this call, it will see.
func (r *Requests) Waiting(ctx context.Context) (bool, error) {
	kept, err := r.open(ctx)
	asked := kept.Value
	_, more := asked[again]
	return asked.isDue() && (more || asked.time(begun).IsZero()), err
}

// Failing says since when no sweep comes to its end because of an error, and which it was
// last.
func (r *Requests) Failing(ctx context.Context) (f condition.Failing, err error) {
	kept, err := r.open(ctx)
	kept.Value.value(failing, &f)
	return f, err
}

func (r *Requests) open(ctx context.Context) (document.Copy[request], error) {
	kept, err := document.Document[request]{Store: r.Documents, Name: requestDocument}.Open(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return kept, fmt.Errorf("read whether a sweep is due: %w", err)
	}
	if kept.Value == nil {
		kept.Value = request{}
	}
	return kept, nil
}

// more is what is asked for while a sweep is going on.
type more struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// add makes a sweep due that begins after now, and reports whether that changed
// anything.
func (q request) add(why string, now time.Time) bool {
	if !q.isDue() || q.time(begun).IsZero() {
		return q.lacks(why, now)
	}
	var m more
	q.value(again, &m)
	switch {
	case m.Since.IsZero():
		m = more{Since: now.UTC(), Why: why}
	case strings.Contains(m.Why, why) || len(m.Why)+len(why) > maxWhy:
		return false
	default:
		m.Why += "; " + why
	}
	q.set(again, m)
	return true
}

// resume makes due what was asked for meanwhile: the sweep that begins next, or
// that begins now, sees it.
func (q request) resume() {
	var m more
	q.value(again, &m)
	delete(q, again)
	if m.Since.IsZero() {
		return
	}
	for why := range strings.SplitSeq(m.Why, "; ") {
		q.lacks(why, m.Since)
	}
}

// lacks makes a sweep due, or adds a reason to the one that is, and reports
// whether that changed anything.
func (q request) lacks(why string, now time.Time) bool {
	reasons := q.why()
	switch {
	case !q.isDue():
		delete(q, begun)
		q.set(dueSince, now.UTC())
		reasons = why
	case strings.Contains(reasons, why) || len(reasons)+len(why) > maxWhy:
		return false
	case reasons == "":
		reasons = why
	default:
		reasons += "; " + why
	}
	q.set(whyDue, reasons)
	return true
}

func (q request) isDue() bool { return !q.time(dueSince).IsZero() }

// time returns a field that is a time; zero if it is not.
func (q request) time(field string) time.Time {
	var t time.Time
	if err := json.Unmarshal(q[field], &t); err != nil {
		return time.Time{}
	}
	return t
}

// why returns the reasons; empty if there are none.
func (q request) why() string {
	var s string
	if err := json.Unmarshal(q[whyDue], &s); err != nil {
		return ""
	}
	return s
}

func (q request) set(field string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // a time or a text
	}
	q[field] = text
}
