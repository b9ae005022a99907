package reconcile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

const (
	ada    = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	bob    = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
	cyd    = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f609"
	sales  = "6c0b1c2d-0000-4000-8000-0000000000a1"
	europe = "6c0b1c2d-0000-4000-8000-0000000000a2"

	theApp        = "7d0b1c2d-0000-4000-8000-0000000000b1"
	defaultAccess = "00000000-0000-0000-0000-000000000000"
	editor        = "8e0b1c2d-0000-4000-8000-0000000000c1"
)

// world is a job with a Graph and a queue that behave, a real ledger that can
// be made to fail, and a clock that stands until it is moved.
type world struct {
	*Job
	t      *testing.T
	now    time.Time
	graph  *graph
	queue  *queue
	ledger *documents
	asked  *asked
	log    *bytes.Buffer
}

// asked keeps why a comparison is asked for. What is asked for while one is going
// on is kept for the next.
type asked struct {
	log       *slog.Logger
	why, more []string
	begun     bool
}

func (a *asked) Request(ctx context.Context, why string) error {
	if !a.begun {
		return a.Lacks(ctx, why)
	}
	if !slices.Contains(a.more, why) {
		a.more = append(a.more, why)
	}
	return nil
}

func (a *asked) Lacks(ctx context.Context, why string) error {
	if !slices.Contains(a.why, why) {
		a.why = append(a.why, why)
		a.log.WarnContext(ctx, "everything must be read", "reason", why)
	}
	return nil
}

func (a *asked) Waiting(context.Context) (bool, error) {
	return len(a.why) > 0 && (len(a.more) > 0 || !a.begun), nil
}

// setup returns a world in which both delta queries are at the end of a round,
// everybody is in scope, and no sweep is due.
func setup(t *testing.T) *world {
	t.Helper()
	w := start(t)
	for _, kind := range change.Kinds() {
		w.page(kind, "0", Page{Delta: "1"})
		w.page(kind, "1", Page{Delta: "2"})
		w.page(kind, "2", Page{Delta: "2"}) // Graph may give the same link again
		if err := w.Cursors.Save(t.Context(), kind, string(kind)+" 0"); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// start returns a world in which nothing was ever read.
func start(t *testing.T) *world {
	t.Helper()
	kept, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), queue: &queue{}, log: &bytes.Buffer{}}
	w.ledger = &documents{Store: kept}
	w.graph = &graph{pages: map[string]Page{}, faults: map[string]error{}, members: map[string][][]string{}, refused: map[string]error{}}
	w.Job = &Job{Graph: w.graph, Members: w.graph, Queue: w.queue, Documents: w.ledger}
	w.Now = func() time.Time { return w.now }
	w.Log = slog.New(slog.NewTextHandler(w.log, nil))
	w.asked = &asked{log: w.Log}
	w.Sweeps = w.asked
	w.Cursors = w.cursors("displayName")
	return w
}

// application is the one whose assignments are the scope.
func application() *scoping.Application {
	return &scoping.Application{Find: func(context.Context, string) (string, error) { return theApp, nil }}
}

// assigned makes the assignments the scope.
func (w *world) assigned(assignments ...Assignment) {
	w.Scoping.Application = application()
	w.graph.assignments = assignments
}

func (w *world) cursors(selects string) *Cursors {
	return NewCursors(w.ledger, Basis{Select: map[change.Kind][]string{change.User: {"id", selects}, change.Group: {"id"}}}, w.Now)
}

// page is what Graph answers to a link of a kind. Links are given without the
// kind.
func (w *world) page(kind change.Kind, link string, p Page) {
	if p.Next != "" {
		p.Next = string(kind) + " " + p.Next
	}
	if p.Delta != "" {
		p.Delta = string(kind) + " " + p.Delta
	}
	w.graph.pages[string(kind)+" "+link] = p
}

// run runs the job and a minute passes.
func (w *world) run() {
	w.t.Helper()
	if err := w.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
}

// runFails runs the job, which must fail with an error that has the text.
func (w *world) runFails(text string) {
	w.t.Helper()
	if err := w.Run(w.t.Context()); err == nil || !strings.Contains(err.Error(), text) {
		w.t.Fatalf("error %v, want one with %q", err, text)
	}
	w.now = w.now.Add(time.Minute)
}

// queued takes what is on the queue and compares it.
func (w *world) queued(want ...string) {
	w.t.Helper()
	var got []string
	for _, c := range w.queue.take() {
		if c.Source != change.Reconcile || c.CorrelationID == "" || c.SeenAt.IsZero() {
			w.t.Errorf("the change is %+v", c)
		}
		got = append(got, say(c))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("queued (-want +got):\n%s", diff)
	}
}

// say says a Change in a few words.
func say(c change.Change) string {
	text := c.String()
	if c.Deleted {
		text += " deleted"
	}
	if len(c.Members) > 0 {
		text += fmt.Sprintf(" %d members", len(c.Members))
	}
	return text
}

// at fails the test unless the cursor of users is there.
func (w *world) at(link string) {
	w.t.Helper()
	c, err := w.Cursors.Load(w.t.Context(), change.User)
	if err != nil || c.Link != "user "+link {
		w.t.Errorf("the cursor is %+v, %v; want it at %q", c, err, link)
	}
}

// sweepDue returns why a sweep is due; empty if none is.
func (w *world) sweepDue() string { return strings.Join(w.asked.why, "; ") }

// looks returns what there is to tell about the looks for what has changed.
func (w *world) looks() []RoundState {
	w.t.Helper()
	states, err := Rounds(w.t.Context(), w.ledger)
	if err != nil {
		w.t.Fatal(err)
	}
	return states
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

// graph answers as it was told to.
type graph struct {
	pages       map[string]Page // by link
	faults      map[string]error
	assignments []Assignment
	members     map[string][][]string // pages, by group
	refused     map[string]error      // instead of members
	// during, if there is one, is called within each call, once.
	during func()

	deltas, lists, memberPages int
	asked                      []string
}

// listed is how many assignments are on a page, as with Graph.
const listed = 999

func (g *graph) interrupt() {
	if f := g.during; f != nil {
		g.during = nil
		f()
	}
}

func (g *graph) Delta(_ context.Context, kind change.Kind, link string) (Page, error) {
	g.deltas++
	g.asked = append(g.asked, link)
	page, known := g.pages[link]
	err := g.faults[link]
	g.interrupt()
	if err != nil {
		return Page{}, err
	}
	if !known || !strings.HasPrefix(link, string(kind)) {
		return Page{}, provision.Answered(provision.Gone, "read changes: 410 syncStateNotFound", nil)
	}
	return page, nil
}

func (g *graph) Assignments(_ context.Context, _, page string) (AssignmentPage, error) {
	g.lists++
	start := 0
	if page != "" {
		if _, err := fmt.Sscan(page, &start); err != nil {
			return AssignmentPage{}, err
		}
	}
	if err := g.faults[fmt.Sprint("assignments ", start)]; err != nil {
		return AssignmentPage{}, err
	}
	p := AssignmentPage{Assignments: slices.Clone(g.assignments[start:min(start+listed, len(g.assignments))])}
	if start+listed < len(g.assignments) {
		p.Next = fmt.Sprint(start + listed)
	}
	g.interrupt()
	return p, nil
}

func (g *graph) Members(_ context.Context, id string, _ bool, page string) (provision.MemberPage, error) {
	g.memberPages++
	if err := g.refused[strings.TrimSpace(id+" "+page)]; err != nil {
		return provision.MemberPage{}, err
	}
	number := 0
	if page != "" {
		if _, err := fmt.Sscan(page, &number); err != nil {
			return provision.MemberPage{}, err
		}
	}
	pages := g.members[id]
	if len(pages) == 0 {
		return provision.MemberPage{}, nil
	}
	p := provision.MemberPage{Users: pages[number]}
	if number+1 < len(pages) {
		p.Next = fmt.Sprint(number + 1)
	}
	g.interrupt()
	return p, nil
}

// queue keeps what is put on it, unless it fails.
type queue struct {
	mu      sync.Mutex
	changes []change.Change
	largest int
	// fails says that the call with this number fails, the first being 1.
	calls int
	fails func(call int) bool
}

var errQueue = errors.New("the queue is down")

func (q *queue) Enqueue(_ context.Context, changes []change.Change) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	if q.fails != nil && q.fails(q.calls) {
		return errQueue
	}
	for _, c := range changes {
		if _, err := c.Encode(); err != nil {
			return err
		}
	}
	q.changes = append(q.changes, changes...)
	q.largest = max(q.largest, len(changes))
	return nil
}

func (q *queue) take() []change.Change {
	q.mu.Lock()
	defer q.mu.Unlock()
	changes := q.changes
	q.changes = nil
	return changes
}

// documents are those of a ledger that can fail: before it writes, or after.
type documents struct {
	document.Store

	reads, writes int
	before, after func(name string) error
}

func (d *documents) Document(ctx context.Context, name string) ([]byte, int64, error) {
	d.reads++
	return d.Store.Document(ctx, name)
}

func (d *documents) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	d.writes++
	if d.before != nil {
		if err := d.before(name); err != nil {
			return err
		}
	}
	if err := d.Store.PutDocument(ctx, name, data, version); err != nil {
		return err
	}
	if d.after != nil {
		return d.after(name)
	}
	return nil
}

// once returns a failure of the n-th write, from 1 on, of a document whose name
// begins so.
func once(prefix string, n int) func(name string) error {
	return func(name string) error {
		if !strings.HasPrefix(name, prefix) {
			return nil
		}
		if n--; n != 0 {
			return nil
		}
		return errors.New("the ledger is down")
	}
}

func throttled() error {
	return &provision.Fault{Kind: provision.Throttled, Reason: "429", After: time.Minute}
}

// someone returns the n-th of any number of ids.
func someone(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

// people returns users with a name.
func people(ids ...string) []Object {
	var objects []Object
	for _, id := range ids {
		objects = append(objects, person(id))
	}
	return objects
}

func person(id string) Object {
	return Object{Object: change.Object{Kind: change.User, ID: id}, Attributes: map[string]any{"id": id, "displayName": "N"}}
}

func gone(id string, how Removal) Object {
	return Object{Object: change.Object{Kind: change.User, ID: id}, Removed: how}
}

// team is a group with members of whom it was told, and no attributes.
func team(id string, members ...string) Object {
	o := Object{Object: change.Object{Kind: change.Group, ID: id}, Attributes: map[string]any{"id": id}}
	for i, m := range members {
		o.Members = append(o.Members, Member{ID: m, Removed: i%2 == 1})
	}
	return o
}

// decoded is the document that these bytes are.
func decoded[T any](t *testing.T, data []byte) (T, error) {
	t.Helper()
	return document.Document[T]{Store: bytesOf(data)}.Read(t.Context())
}

// bytesOf is a store with one document.
type bytesOf []byte

func (b bytesOf) Document(context.Context, string) ([]byte, int64, error) { return b, 1, nil }

func (b bytesOf) PutDocument(context.Context, string, []byte, int64) error { return nil }
