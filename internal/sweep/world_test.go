package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/ledger"
	"entrawebex/internal/paging"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

const (
	ada    = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	bob    = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
	sales  = "6c0b1c2d-0000-4000-8000-0000000000a1"
	europe = "6c0b1c2d-0000-4000-8000-0000000000a2"

	theApp = "7d0b1c2d-0000-4000-8000-0000000000b1"
	editor = "8e0b1c2d-0000-4000-8000-0000000000c1"
)

// world is where comparisons are asked for, on a real ledger that can be made to
// fail, with a Graph and a queue that behave, and a clock that stands until it is
// moved.
type world struct {
	*Requests
	t      *testing.T
	now    time.Time
	graph  *graph
	queue  *queue
	ledger *documents
}

// start returns a world in which nothing was ever compared.
func start(t *testing.T) *world {
	t.Helper()
	kept, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), queue: &queue{}, ledger: &documents{Store: kept}}
	w.graph = &graph{faults: map[string]error{}}
	w.Requests = &Requests{
		Documents: w.ledger, Now: func() time.Time { return w.now }, Log: slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)),
	}
	return w
}

// write makes a document what it is.
func (w *world) write(name, text string) {
	w.t.Helper()
	_, version, err := w.ledger.Document(w.t.Context(), name)
	if err == nil {
		err = w.ledger.PutDocument(w.t.Context(), name, []byte(text), version)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// graph has assignments, on one page, and nobody in its groups.
type graph struct {
	faults      map[string]error // by kind and link
	assignments []reconcile.Assignment
}

func (g *graph) Assignments(context.Context, string, string) (reconcile.AssignmentPage, error) {
	return reconcile.AssignmentPage{Assignments: g.assignments}, nil
}

// application is the one whose assignments are the scope.
func application() *scoping.Application {
	return &scoping.Application{Find: func(context.Context, string) (string, error) { return theApp, nil }}
}

// queue keeps what is put on it, unless it fails.
type queue struct {
	changes []change.Change
	fails   bool
}

var errQueue = errors.New("the queue is down")

func (q *queue) Enqueue(_ context.Context, changes []change.Change) error {
	if q.fails {
		return errQueue
	}
	q.changes = append(q.changes, changes...)
	return nil
}

// documents are those of a ledger that can fail before it writes.
type documents struct {
	document.Store

	writes int
	before func(name string) error
}

func (d *documents) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	d.writes++
	if d.before != nil {
		if err := d.before(name); err != nil {
			return err
		}
	}
	return d.Store.PutDocument(ctx, name, data, version)
}

// bytesOf is a store with one document.
type bytesOf []byte

func (b bytesOf) Document(context.Context, string) ([]byte, int64, error) { return b, 1, nil }

func (b bytesOf) PutDocument(context.Context, string, []byte, int64) error { return nil }

func throttled() error {
	return &provision.Fault{Kind: provision.Throttled, Reason: "429", After: time.Minute}
}

// someone returns the n-th of any number of ids.
func someone(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

func person(id string) reconcile.Object {
	return reconcile.Object{Object: change.Object{Kind: change.User, ID: id}, Attributes: map[string]any{"id": id, "displayName": "N"}}
}

func gone(id string, how reconcile.Removal) reconcile.Object {
	return reconcile.Object{Object: change.Object{Kind: change.User, ID: id}, Removed: how}
}

// team is a group of which nothing is told but its id.
func team(id string) reconcile.Object {
	return reconcile.Object{Object: change.Object{Kind: change.Group, ID: id}, Attributes: map[string]any{"id": id}}
}

func TestAListOfMembersThatLeadsBackEndsAsAFault(t *testing.T) {
	t.Parallel()
	calls := 0
	members := func(context.Context, string, bool, string) (provision.MemberPage, error) {
		calls++
		return provision.MemberPage{Users: []string{ada}, Next: "again"}, nil
	}
	r := &run{Job: &Job{Members: members}, gathered: map[string]*gathered{}}
	if _, err := r.usersIn(t.Context(), team(sales).Object, false); !errors.Is(err, paging.ErrEndless) || calls > 2 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}
