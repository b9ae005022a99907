package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

func userIn(id, role string) Assignment {
	return Assignment{change.Object{Kind: change.User, ID: id}, role}
}

func groupIn(id string) Assignment {
	return Assignment{change.Object{Kind: change.Group, ID: id}, defaultAccess}
}

// anyOrder takes what is on the queue and compares it, whatever its order.
func (w *world) anyOrder(want ...string) {
	w.t.Helper()
	var got []string
	for _, c := range w.queue.take() {
		got = append(got, say(c))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("queued (-want +got):\n%s", diff)
	}
}

func TestOfTheFirstListEverybodyIsNew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.assigned(userIn(ada, editor), groupIn(sales))
	w.graph.members[sales] = [][]string{{bob}, {cyd}}
	w.run()
	w.anyOrder("user "+ada, "group "+sales, "user "+bob, "user "+cyd)
	w.run()
	w.anyOrder()
}

func TestAFirstListIsLeftToTheSweepThatIsDue(t *testing.T) {
	t.Parallel()
	w := start(t) // without cursors a sweep is due
	w.assigned(userIn(ada, editor), groupIn(sales))
	w.run()
	w.anyOrder()
	w.assigned(userIn(ada, editor), groupIn(sales), userIn(bob, editor))
	w.run()
	w.anyOrder("user " + bob)
}

// It may have read the list already, and then does not know whoever was
// assigned since.
func TestAFirstListIsNotLeftToASweepThatHasBegun(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.asked.why, w.asked.begun = []string{"nothing was compared yet"}, true
	w.assigned(userIn(ada, editor))
	w.run()
	w.anyOrder("user " + ada)
}

func TestEveryDifferenceOfTheListIsQueued(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		list []Assignment
		want []string
	}{
		{"none", []Assignment{groupIn(sales), userIn(ada, editor)}, nil},
		{"none, one twice on the list", []Assignment{userIn(ada, editor), groupIn(sales), userIn(ada, editor)}, nil},
		{"a user assigned", []Assignment{userIn(ada, editor), userIn(bob, editor), groupIn(sales)}, []string{"user " + bob}},
		{"a user unassigned", []Assignment{groupIn(sales)}, []string{"user " + ada}},
		{"another role", []Assignment{userIn(ada, defaultAccess), groupIn(sales)}, []string{"user " + ada}},
		{"one more role", []Assignment{userIn(ada, editor), userIn(ada, defaultAccess), groupIn(sales)}, []string{"user " + ada}},
		{"a group unassigned", []Assignment{userIn(ada, editor)}, []string{"group " + sales, "user " + cyd}},
		{"a group assigned", []Assignment{userIn(ada, editor), groupIn(sales), groupIn(europe)}, []string{"group " + europe, "user " + bob}},
		{"all gone", nil, []string{"user " + ada, "group " + sales, "user " + cyd}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.graph.members[sales], w.graph.members[europe] = [][]string{{cyd}}, [][]string{{bob}}
			w.assigned(userIn(ada, editor), groupIn(sales))
			w.run()
			w.queue.take()
			w.assigned(test.list...)
			w.run()
			w.anyOrder(test.want...)
			w.run()
			w.anyOrder()
		})
	}
}

func TestAListThatIsNotCompleteSaysNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var all []Assignment
	for n := range listed + 1 {
		all = append(all, userIn(someone(n), editor))
	}
	w.assigned(all...)
	w.run()
	w.queue.take()
	w.graph.faults[fmt.Sprint("assignments ", listed)] = throttled()
	w.assigned(append([]Assignment{userIn(ada, editor)}, all...)...)
	writes := w.ledger.writes
	w.runFails("reconcile assignments: 429")
	w.anyOrder()
	if w.ledger.writes != writes+3 { // the cursors, and since when it fails
		t.Errorf("%d writes", w.ledger.writes-writes)
	}
	clear(w.graph.faults)
	w.run()
	w.anyOrder("user " + ada)
}

func TestAListWithSomethingUnknownSaysNothing(t *testing.T) {
	t.Parallel()
	for _, a := range []Assignment{
		{change.Object{Kind: change.User, ID: "ada"}, editor},
		{change.Object{Kind: change.User, ID: ada}, "editor"},
		{change.Object{Kind: "device", ID: ada}, editor},
	} {
		w := setup(t)
		w.assigned(userIn(bob, editor), a)
		w.runFails("list assignments")
		w.anyOrder()
	}
}

func TestAHundredThousandAssignmentsAreSeen(t *testing.T) {
	t.Parallel()
	w := start(t) // with a sweep due
	const many = 100_000
	all := make([]Assignment, many)
	for n := range all {
		all[n] = userIn(someone(n), editor)
	}
	w.assigned(all...)
	w.run()
	w.anyOrder()
	w.graph.lists, w.ledger.reads, w.ledger.writes = 0, 0, 0
	w.run()
	if w.graph.lists != many/listed+1 || w.ledger.reads != 4 || w.ledger.writes != 0 {
		t.Errorf("%d pages, %d reads, %d writes; want one read of the ledger for them, one of what is due later, and two void cursors",
			w.graph.lists, w.ledger.reads, w.ledger.writes)
	}
	w.assigned(append(all[1:], userIn(ada, editor))...)
	w.run()
	w.anyOrder("user "+someone(0), "user "+ada)
	if w.ledger.writes > 6 { // twice the manifest, twice each of two parts
		t.Errorf("%d writes for two changes", w.ledger.writes)
	}
	for number := range buckets {
		data, _, err := w.ledger.Document(t.Context(), bucketDocument(number))
		if err != nil || len(data) > ledger.MaxSize/6 {
			t.Errorf("part %d has %d bytes, %v", number, len(data), err)
		}
	}
	// Without a sweep they are queued, a bounded number at a time.
	w.assigned()
	w.run()
	if n := len(w.queue.take()); n != many || w.queue.largest > most {
		t.Errorf("%d changes, up to %d at a time", n, w.queue.largest)
	}
}

// What could not be put on the queue completely may have been in part: whoever
// is nominated once stays so until it is queued, also if the list is again as
// it was.
func TestWhoMayHaveBeenQueuedIsQueuedAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spoil func(w *world)
		fails string
	}{
		{"the queue fails", func(w *world) { w.queue.fails = func(int) bool { return true } }, "the queue is down"},
		{"the list is not written after it", func(w *world) { w.ledger.before = once("assignments ", 2) }, "the ledger is down"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.assigned(userIn(ada, editor))
			w.run()
			w.queue.take()
			w.assigned(userIn(ada, editor), userIn(bob, editor))
			test.spoil(w)
			w.runFails(test.fails)
			w.queue.take()
			w.queue.fails, w.ledger.before = nil, nil
			w.assigned(userIn(ada, editor))
			w.run()
			w.anyOrder("user " + bob)
			w.run()
			w.anyOrder()
		})
	}
}

func TestALedgerThatFailsQueuesNobodyUnnoted(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(string) error{
		"the claim": once("assignments", 1), "the note": once("assignments ", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.assigned(userIn(ada, editor))
			w.ledger.before = broken
			w.runFails("the ledger is down")
			w.anyOrder()
			w.run()
			w.anyOrder("user " + ada)
		})
	}
}

func TestWritesThatAreNotAnsweredAreWritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.assigned(userIn(ada, editor))
	w.ledger.after = func(string) error { return errors.New("no answer") }
	w.run()
	w.anyOrder("user " + ada)
	w.run()
	w.anyOrder()
}

func TestAGroupWhoseMembersAreNotGivenKeepsNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.graph.members[sales], w.graph.members[europe] = [][]string{{bob}, {cyd}}, [][]string{{cyd}}
	w.graph.refused[sales+" 1"] = throttled()
	w.assigned(groupIn(sales), groupIn(europe), userIn(ada, editor))
	w.runFails("queue the members of group " + sales + ": 429")
	w.anyOrder("group "+sales, "user "+bob, "group "+europe, "user "+cyd, "user "+ada)
	clear(w.graph.refused)
	w.run()
	w.anyOrder("group "+sales, "user "+bob, "user "+cyd)
	w.run()
	w.anyOrder()
}

func TestAPageOfMembersThatIsGoneIsReadAnewTheNextMinute(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.graph.members[sales] = [][]string{{bob}, {cyd}}
	w.graph.refused[sales+" 1"] = provision.Answered(provision.Gone, "the page has expired", nil)
	w.assigned(groupIn(sales))
	w.runFails("the page has expired")
	clear(w.graph.refused)
	w.queue.take()
	w.run()
	w.anyOrder("group "+sales, "user "+bob, "user "+cyd)
}

func TestTheMembersOfAGroupThatIsGoneAreLeftToASweep(t *testing.T) {
	t.Parallel()
	gone := provision.Answered(provision.Gone, "there is no such group", nil)
	w := setup(t)
	w.graph.refused[sales] = gone
	w.assigned(groupIn(sales))
	w.runFails("there is no such group") // it is assigned, so it must be there soon
	w.anyOrder("group " + sales)
	clear(w.graph.refused)
	w.run()
	w.queue.take()

	w.asked.why, w.asked.begun = []string{"nothing was compared yet"}, true
	w.graph.refused[sales] = gone
	w.assigned()
	w.run()
	w.anyOrder("group " + sales)
	if waiting, _ := w.asked.Waiting(t.Context()); !waiting { // the one that goes on may have seen them as members
		t.Error("no other sweep is due when the one that goes on is over")
	}
	w.run()
	w.anyOrder()
}

func TestOfTwoRunsAtOnceOneQueuesTheAssignments(t *testing.T) {
	t.Parallel()
	t.Run("both have listed", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.assigned(userIn(ada, editor))
		w.Graph = &interrupted{w.graph, w.run}
		w.run()
		w.anyOrder("user " + ada)
		w.run()
		w.anyOrder()
	})
	t.Run("one is queueing", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.graph.members[sales] = [][]string{{ada}}
		w.assigned(groupIn(sales))
		for _, kind := range change.Kinds() { // so that members are what is interrupted
			if err := w.Cursors.Save(t.Context(), kind, string(kind)+" 1"); err != nil {
				t.Fatal(err)
			}
		}
		lists := 0
		w.Members = &interrupted{w.graph, func() {
			before := w.graph.lists
			w.run()
			lists = w.graph.lists - before
		}}
		w.run()
		w.anyOrder("group "+sales, "user "+ada)
		if lists != 0 {
			t.Errorf("the run that came second listed assignments")
		}
	})
}

// A run that was killed leaves its claim. The next takes over when that run
// would have been at its end.
func TestTheClaimOfARunThatWasKilledEnds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.assigned(userIn(ada, editor))
	w.write("assignments", `{"owner":"x","until":"2026-03-02T09:05:00Z"}`)
	for range 5 {
		w.run()
		w.anyOrder()
	}
	w.run()
	w.anyOrder("user " + ada)
}

func TestAClaimThatNoRunCanHaveMadeIsNone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.assigned(userIn(ada, editor))
	w.write("assignments", `{"owner":"x","until":"9999-01-01T00:00:00Z"}`)
	w.run()
	w.anyOrder("user " + ada)
}

func TestARunThatIsBeingEndedGivesItsClaimUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.graph.members[sales] = [][]string{{ada}, {bob}}
	w.assigned(groupIn(sales))
	ctx, cancel := context.WithCancel(t.Context())
	w.Members = &interrupted{w.graph, cancel}
	if err := w.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.queue.take()
	w.run()
	w.anyOrder("group "+sales, "user "+ada, "user "+bob)
}

func TestWhatWasSeenAndCannotBeReadIsSeenAnew(t *testing.T) {
	t.Parallel()
	t.Run("the manifest", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.assigned(userIn(ada, editor))
		w.run()
		w.queue.take()
		w.write("assignments", "garbage")
		w.assigned(userIn(ada, editor), userIn(bob, editor))
		w.run()
		w.anyOrder("user " + bob)
		if !strings.Contains(w.log.String(), "which assignments were seen is looked up anew") {
			t.Errorf("the log says %s", w.log)
		}
	})
	t.Run("a part of it", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.assigned(userIn(ada, editor), userIn(bob, editor))
		w.run()
		w.queue.take()
		one, err := newSeat(userIn(ada, editor))
		if err != nil {
			t.Fatal(err)
		}
		w.write(bucketDocument(assigned{id: one.id}.bucket()), "garbage")
		w.assigned(userIn(ada, editor), userIn(bob, editor), userIn(cyd, editor))
		w.run()
		w.anyOrder("user "+ada, "user "+cyd)
		if w.sweepDue() == "" {
			t.Error("who was unassigned meanwhile is not looked for")
		}
		w.run()
		w.anyOrder()
	})
}

func TestAnotherApplicationIsAnotherList(t *testing.T) {
	t.Parallel()
	all := collect([]seat{{kind: user}}, scoping.Rules{}.InScope)
	if hashOf("a", all) == hashOf("b", all) {
		t.Error("two applications have the same hash")
	}
}

func TestALongListEndsBeforeItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t)
		all := make([]Assignment, listed+1)
		for n := range all {
			all[n] = userIn(someone(n), editor)
		}
		w.assigned(all...)
		w.Graph = &interrupted{w.graph, func() { time.Sleep(Longest - margin) }}
		w.runFails("999 were read when the time was up")
		w.anyOrder()
		w.run()
		if n := len(w.queue.take()); n != len(all) {
			t.Errorf("%d changes", n)
		}
	})
}

func TestAGroupThatIsTooLargeForTheTimeIsLeftToTheNextRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t)
		w.graph.members[sales] = [][]string{{ada}, {bob}}
		w.assigned(groupIn(sales))
		w.Members = &interrupted{w.graph, func() { time.Sleep(Longest - margin) }}
		w.run()
		w.anyOrder("group " + sales)
		w.run()
		w.anyOrder("group "+sales, "user "+ada, "user "+bob)
		w.run()
		w.anyOrder()
	})
}

// interrupted is a Graph that calls f, once, before it answers with a list.
type interrupted struct {
	*graph

	f func()
}

func (i *interrupted) interrupt() {
	if f := i.f; f != nil {
		i.f = nil
		f()
	}
}

func (i *interrupted) Assignments(ctx context.Context, app, page string) (AssignmentPage, error) {
	p, err := i.graph.Assignments(ctx, app, page)
	i.interrupt()
	return p, err
}

func (i *interrupted) Members(ctx context.Context, id string, transitive bool, page string) (provision.MemberPage, error) {
	p, err := i.graph.Members(ctx, id, transitive, page)
	i.interrupt()
	return p, err
}

func FuzzDecodeBucket(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(bucketMark))
	f.Add(encodeBucket([]assigned{{kind: user, roles: 1}, {kind: group}}))
	f.Add(encodeBucket([]assigned{{kind: group}, {kind: user}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := decodeBucket(data)
		if err != nil {
			return
		}
		if again := encodeBucket(entries); len(data) > 0 && string(again) != string(data) {
			t.Errorf("%q became %q", data, again)
		}
		nominated := difference(entries, nil)
		if !slices.IsSortedFunc(noted(entries, nominated), compareAssigned) || len(nominated) != len(entries) {
			t.Errorf("%q: not all of them are nominated", data)
		}
		if n := len(difference(noted(nil, nominated), nil)); n != len(entries) {
			t.Errorf("%q: %d of them are nominated again", data, n)
		}
	})
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add([]byte(`{"hash":"00"}`))
	f.Add([]byte(`{"first":true,"owner":"x","until":"2026-03-02T09:05:00Z"}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decoded[manifest](t, data)
		if err != nil {
			if m != (manifest{}) {
				t.Errorf("%q is refused, and %+v", data, m)
			}
			return
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		again, err := decoded[manifest](t, text)
		if err != nil || again.Hash != m.Hash || again.First != m.First || !again.Until.Equal(m.Until) {
			t.Errorf("%q became %+v, %v", data, again, err)
		}
	})
}

// A replica that is behind may contradict the list for some minutes.
func TestWhoeverIsQueuedIsNominatedByTheList(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		before, after []Assignment
		want          map[string]change.Nomination
	}{
		{"one who is assigned is in", nil, []Assignment{userIn(ada, editor)}, map[string]change.Nomination{ada: change.In}},
		{
			"one who is no longer is out",
			[]Assignment{userIn(ada, editor), userIn(cyd, editor)},
			[]Assignment{userIn(cyd, editor)},
			map[string]change.Nomination{ada: change.Out},
		},
		{
			"a list that is empty says nothing",
			[]Assignment{userIn(ada, editor)},
			nil,
			map[string]change.Nomination{ada: ""},
		},
		{
			"in a role that does not count one is out",
			nil,
			[]Assignment{userIn(ada, defaultAccess)},
			map[string]change.Nomination{ada: change.Out},
		},
		{
			"one of two roles that counts is enough",
			[]Assignment{userIn(ada, defaultAccess)},
			[]Assignment{userIn(ada, defaultAccess), userIn(ada, editor)},
			map[string]change.Nomination{ada: change.In},
		},
		{
			"with a group all of its users are in",
			nil,
			[]Assignment{{change.Object{Kind: change.Group, ID: sales}, editor}},
			map[string]change.Nomination{sales: change.In, bob: change.In, cyd: change.In},
		},
		{
			"and out, but for one who is assigned as well",
			[]Assignment{{change.Object{Kind: change.Group, ID: sales}, editor}, userIn(cyd, editor)},
			[]Assignment{userIn(cyd, editor)},
			map[string]change.Nomination{sales: change.Out, bob: change.Out, cyd: change.In},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.graph.members[sales] = [][]string{{bob}, {cyd}}
			w.Scoping.Roles.ExcludeDefault = true
			w.assigned(test.before...)
			w.run()
			w.queue.take()
			w.assigned(test.after...)
			w.run()
			got := map[string]change.Nomination{}
			for _, c := range w.queue.take() {
				got[c.ID] = c.Nominated
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("nominated (-want +got):\n%s", diff)
			}
		})
	}
}

// Where the mapping reads app roles the list is read though everybody is in scope, of
// which it then says nothing.
func TestAnotherRoleIsQueuedWhereRolesAreMapped(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const viewer = "8e0b1c2d-0000-4000-8000-0000000000c2"
	w.Scoping.SkipGroups = true
	w.graph.assignments = []Assignment{userIn(ada, editor), userIn(bob, editor)}
	w.run()
	w.anyOrder()
	w.Scoping.Mapped = application()
	w.run()
	w.anyOrder("user "+ada, "user "+bob)
	w.run()
	w.anyOrder() // of a first list nobody had others before
	for _, assignments := range [][]Assignment{{userIn(ada, viewer), userIn(bob, editor)}, {userIn(bob, editor)}, {groupIn(sales), userIn(bob, editor)}} {
		w.graph.assignments = assignments
		w.graph.members[sales] = [][]string{{bob, ada}}
		w.run()
		told := w.queue.take()
		w.run() // which looks again, as a replica may have been behind
		if again := w.queue.take(); len(again) != len(told) {
			t.Errorf("queued again %+v, after %+v", again, told)
		}
		w.run()
		w.anyOrder()
		if told[len(told)-1].ID != ada || slices.ContainsFunc(told, func(c change.Change) bool { return c.Nominated != "" }) {
			t.Errorf("queued %+v", told)
		}
	}
	w.run()
	w.anyOrder()
}

// Roles that change again before the second look have two of their own.
func TestRolesThatChangeBetweenTwoLooksAreLookedAtTwice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const viewer = "8e0b1c2d-0000-4000-8000-0000000000c2"
	w.Scoping.Mapped = application()
	w.run()
	for _, assignments := range [][]Assignment{{userIn(ada, editor)}, {userIn(ada, viewer)}, {}, {userIn(ada, viewer)}, {userIn(ada, viewer)}} {
		w.graph.assignments = assignments
		w.run()
		w.anyOrder("user " + ada)
	}
	w.run()
	w.anyOrder()
}

// Whoever could not be queued has both looks after that.
func TestAGroupThatIsLeftHasBothLooksLater(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Scoping.Mapped = application()
	w.graph.assignments, w.graph.members[sales] = []Assignment{groupIn(sales)}, [][]string{{ada}}
	w.run()
	w.graph.assignments = nil
	w.graph.refused[sales] = &provision.Fault{Kind: provision.Transient, Reason: "503 for the members"}
	w.runFails("503 for the members")
	w.queue.take()
	delete(w.graph.refused, sales)
	for range 2 {
		w.run()
		w.anyOrder("group "+sales, "user "+ada)
	}
	w.run()
	w.anyOrder()
}

// Nobody tells who was in a group within a group that had a role.
func TestAGroupThatIsGoneIsComparedWhereRolesCountThroughIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Scoping.Mapped, w.Nested = application(), true
	w.page(change.Group, "0", Page{Objects: []Object{{Object: change.Object{Kind: change.Group, ID: sales}, Removed: Deleted}}, Delta: "1"})
	w.run()
	if len(w.asked.why) != 1 {
		t.Errorf("asked for a comparison because of %q", w.asked.why)
	}
}
