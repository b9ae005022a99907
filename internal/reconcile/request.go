package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"entrawebex/internal/provision"
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
)

// maxWhy is the length in bytes up to which reasons are added.
const maxWhy = 1000

// Requests are what asks for a sweep: that everything be read and compared.
// They are safe for concurrent use, by any number of processes.
type Requests struct {
	Documents provision.Documents
	Now       func() time.Time
	Log       *slog.Logger
}

// request is the document, field by field.
type request map[string]json.RawMessage

// Request says that a sweep is due and why, in one sentence. One that is due or
// going on already stays so, and learns one more reason: who still needs one
// when it is over asks again.
func (r *Requests) Request(ctx context.Context, why string) error {
	for range writes {
		asked, version, err := r.read(ctx)
		if err != nil {
			return err
		}
		if !asked.add(why, r.Now()) {
			return nil
		}
		data, err := json.Marshal(asked)
		if err != nil {
			return fmt.Errorf("ask for a sweep: %w", err)
		}
		ok, err := put(ctx, r.Documents, requestDocument, data, version)
		if err != nil {
			return fmt.Errorf("ask for a sweep: %w", err)
		}
		if ok {
			r.Log.WarnContext(ctx, "everything must be read", "reason", why)
			return nil
		}
	}
	return fmt.Errorf("ask for a sweep: others wrote %q %d times meanwhile", requestDocument, writes)
}

// Waiting reports whether a sweep is due that has not begun to read: what was
// true before this call, it will see.
func (r *Requests) Waiting(ctx context.Context) (bool, error) {
	asked, _, err := r.read(ctx)
	return asked.isDue() && asked.time(begun).IsZero(), err
}

func (r *Requests) read(ctx context.Context) (request, int64, error) {
	data, version, err := r.Documents.Document(ctx, requestDocument)
	if err != nil {
		return nil, 0, fmt.Errorf("read whether a sweep is due: %w", err)
	}
	return decodeRequest(data), version, nil
}

// decodeRequest reads what is kept. What cannot be read is nothing: a sweep
// then begins anew.
func decodeRequest(data []byte) request {
	asked := request{}
	if err := json.Unmarshal(data, &asked); err != nil || asked == nil {
		return request{}
	}
	return asked
}

// add makes a sweep due and reports whether that changed anything.
func (q request) add(why string, now time.Time) bool {
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
