package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/provision"
)

// refusal is how Graph refuses a link, as the client tells it.
type refusal struct {
	Kind   provision.FaultKind `json:"kind"`
	Reason string              `json:"reason"`
	// Void says that the link is void after an hour.
	Void bool `json:"void"`
}

func TestALinkThatIsRefusedForAnHourIsVoid(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join("testdata", "refusals", "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var file refusal
			if err := json.Unmarshal(text, &file); err != nil {
				t.Fatal(err)
			}
			w := setup(t)
			w.Probe = func(context.Context) error { return nil }
			w.graph.faults["user 0"] = &provision.Fault{Kind: file.Kind, Reason: file.Reason}
			began := w.now
			for range 60 {
				w.runFails(file.Reason)
			}
			if why := w.sweepDue(); why != "" {
				t.Errorf("within the hour a sweep is due because %q", why)
			}
			failing := w.looks()[0]
			if failing.Of != "users" || !failing.Failing.Since.Equal(began) || !strings.Contains(failing.Failing.Error, file.Reason) || !failing.At.Equal(began) {
				t.Errorf("%+v", failing)
			}
			w.runFails(file.Reason)
			if why := w.sweepDue(); (why == "Graph has refused the cursor of users for an hour") != file.Void {
				t.Errorf("after an hour a sweep is due because %q", why)
			}
			if c, err := w.Cursors.Load(t.Context(), change.User); err != nil || (c.Void != "") != file.Void {
				t.Errorf("%+v, %v", c, err)
			}
			if c, err := w.Cursors.Load(t.Context(), change.Group); err != nil || c.Link == "group 0" {
				t.Errorf("the groups wait: %+v, %v", c, err)
			}
		})
	}
}

// It is the side that is down, not the link.
func TestALinkIsNotVoidWhileGraphAnswersNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	down := true
	w.Probe = func(context.Context) error {
		if down {
			return errors.New("down")
		}
		return nil
	}
	w.graph.faults["user 0"] = &provision.Fault{Kind: provision.Transient, Reason: "503"}
	for range 300 {
		w.runFails("503")
	}
	down = false
	for range 30 {
		w.runFails("503")
	}
	clear(w.graph.faults)
	w.run()
	w.at("1")
	if why := w.sweepDue(); why != "" {
		t.Errorf("a sweep is due because %q", why)
	}
	if f := w.looks()[0].Failing; f != (condition.Failing{}) {
		t.Errorf("it is well, and %+v", f)
	}
}

// A page in the middle of a round, with pages before it that were answered.
func TestANextLinkThatIsRefusedForAnHourIsVoid(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Probe = func(context.Context) error { return nil }
	w.page(change.User, "0", Page{Objects: people(ada), Next: "p"})
	w.graph.faults["user p"] = &provision.Fault{Kind: provision.Transient, Reason: "504"}
	for range 61 {
		w.runFails("504")
	}
	w.queued("user " + ada)
	if why := w.sweepDue(); !strings.Contains(why, "for an hour") {
		t.Errorf("a sweep is due because %q", why)
	}
}

func TestAFailureOfTheQueueSaysNothingOfTheLink(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Probe = func(context.Context) error { return nil }
	w.page(change.User, "0", Page{Objects: people(ada), Delta: "1"})
	w.queue.fails = func(int) bool { return true }
	for range 100 {
		w.runFails("the queue is down")
	}
	if w.sweepDue() != "" {
		t.Error("a sweep is due")
	}
	w.queue.fails = nil
	w.run()
	w.queued("user " + ada)
}

func TestAListOfAssignmentsThatCannotBeReadIsToldUntilItCan(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.assigned(userIn(ada, editor))
	w.run()
	w.queue.take()
	w.graph.faults["assignments 0"] = &provision.Fault{Kind: provision.Transient, Reason: "502"}
	began := w.now
	for range 3 {
		w.runFails("502")
	}
	if f := w.looks()[2]; f.Of != "assignments" || !f.Failing.Since.Equal(began) || !strings.Contains(f.Failing.Error, "502") {
		t.Errorf("%+v", f)
	}
	clear(w.graph.faults)
	w.run()
	w.anyOrder()
	if f := w.looks()[2]; f.Failing != (condition.Failing{}) {
		t.Errorf("%+v", f)
	}
}

func TestARoundNominatesWhomItShowsBlockedOrGone(t *testing.T) {
	t.Parallel()
	with := func(enabled any) Object {
		o := person(ada)
		o.Attributes["accountEnabled"] = enabled
		return o
	}
	for _, test := range []struct {
		name     string
		objects  []Object
		assigned bool
		want     change.Nomination
	}{
		{"blocked", []Object{with(false)}, true, change.Out},
		{"in the recycle bin", []Object{gone(ada, SoftDeleted)}, true, change.Out},
		{"there, where everybody is in scope", []Object{with(true)}, false, change.In},
		{"there, where the assignments decide", []Object{with(true)}, true, ""},
		{"not shown", []Object{person(ada)}, false, ""},
		{"not readable", []Object{with(nil)}, false, ""},
		{"gone and back in the same round", []Object{gone(ada, SoftDeleted), with(true)}, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			if test.assigned {
				w.assigned()
			}
			w.page(change.User, "0", Page{Objects: test.objects, Delta: "1"})
			w.run()
			if changes := w.queue.take(); len(changes) != 1 || changes[0].Nominated != test.want {
				t.Errorf("%+v", changes)
			}
		})
	}
}

// Each list of Graph ends, whatever it answers.
func TestListsThatLeadBackEndAsAFault(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.assigned(userIn(ada, editor))
	ring := &ringed{graph: w.graph}
	w.Graph = ring
	w.runFails("leads back to a page that was read")
	w.Graph, w.Members = w.graph, ring
	w.assigned(groupIn(sales))
	w.runFails("leads back to a page that was read")
	if ring.calls > 6 {
		t.Errorf("%d calls", ring.calls)
	}
}

// ringed leads from every page to the same.
type ringed struct {
	*graph

	calls int
}

func (r *ringed) Assignments(context.Context, string, string) (AssignmentPage, error) {
	r.calls++
	return AssignmentPage{Assignments: []Assignment{userIn(ada, editor)}, Next: "again"}, nil
}

func (r *ringed) Members(context.Context, string, bool, string) (provision.MemberPage, error) {
	r.calls++
	return provision.MemberPage{Users: []string{ada}, Next: "again"}, nil
}
