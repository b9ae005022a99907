package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// The job knows no Webex at all.
func TestAnIdleMinuteCostsThreeCallsAndFourReads(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.assigned(Assignment{change.Object{Kind: change.User, ID: ada}, editor})
	w.run()
	w.queued("user " + ada)
	w.run()
	w.graph.deltas, w.graph.lists, w.graph.memberPages = 0, 0, 0
	w.ledger.reads, w.ledger.writes = 0, 0
	w.run()
	w.queued()
	if got := []int{w.graph.deltas, w.graph.lists, w.graph.memberPages}; !slices.Equal(got, []int{2, 1, 0}) {
		t.Errorf("%v calls for changes, assignments and members", got)
	}
	if w.ledger.reads != 4 || w.ledger.writes != 0 {
		t.Errorf("%d reads and %d writes", w.ledger.reads, w.ledger.writes)
	}
	w.now = w.now.Add(fresh)
	w.run()
	w.now = w.now.Add(MaxAge - fresh)
	w.run()
	if w.sweepDue() != "" {
		t.Error("a cursor that was answered within seven days is void")
	}
}

func TestWhatComesAgainIsOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.page(change.User, "0", Page{Objects: people(ada, bob, ada), Next: "p"})
	w.page(change.User, "p", Page{Objects: people(bob, cyd), Delta: "1"})
	w.page(change.Group, "0", Page{Objects: []Object{team(sales, ada, bob), team(europe, ada), team(sales, bob, cyd)}, Next: "p"})
	w.page(change.Group, "p", Page{Objects: []Object{team(sales, ada)}, Delta: "1"})
	w.run()
	w.queued("user "+ada, "user "+bob, "user "+cyd, "group "+sales+" 3 members", "group "+europe+" 1 members")
	w.at("1")
}

func TestAGroupHasItsMembersInSeveralChangesAndItselfInOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var members []string
	for n := range 250 {
		members = append(members, someone(n))
	}
	renamed := team(sales, members...)
	renamed.Attributes["displayName"] = "Sales"
	w.page(change.Group, "0", Page{Objects: []Object{renamed, team(europe)}, Delta: "1"})
	w.run()
	w.queued("group "+sales, "group "+sales+" 100 members", "group "+sales+" 100 members", "group "+sales+" 50 members", "group "+europe)
}

func TestRemovals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		objects []Object
		want    string
	}{
		{"a soft deletion is a change", []Object{gone(ada, SoftDeleted)}, "user " + ada},
		{"a deletion for good says so", []Object{gone(ada, Deleted)}, "user " + ada + " deleted"},
		{"who was removed and is back is looked at", []Object{gone(ada, SoftDeleted), person(ada)}, "user " + ada},
		{"who was there and is removed is looked at", []Object{person(ada), gone(ada, SoftDeleted)}, "user " + ada},
		{"the word outlives a replay", []Object{gone(ada, Deleted), person(ada)}, "user " + ada + " deleted"},
		{"the word counts after all else", []Object{person(ada), gone(ada, SoftDeleted), gone(ada, Deleted)}, "user " + ada + " deleted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.Unchanged = func(context.Context, Object) (bool, error) { return true, nil }
			w.page(change.User, "0", Page{Objects: test.objects, Delta: "1"})
			w.run()
			w.queued(test.want)
		})
	}
}

func TestWhatWasWrittenAlreadyIsNotQueued(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var asked []Object
	w.Unchanged = func(_ context.Context, o Object) (bool, error) {
		asked = append(asked, o)
		return o.ID != bob, nil
	}
	renamed := person(ada)
	renamed.Attributes = map[string]any{"displayName": "Ada"}
	w.page(change.User, "0", Page{Objects: append(people(ada, bob), renamed), Delta: "1"})
	named := team(sales, cyd)
	named.Attributes["displayName"] = "Sales"
	w.page(change.Group, "0", Page{Objects: []Object{named, team(europe, cyd)}, Delta: "1"})
	w.run()
	w.queued("user "+bob, "group "+sales+" 1 members", "group "+europe+" 1 members")
	if diff := cmp.Diff(map[string]any{"id": ada, "displayName": "Ada"}, asked[0].Attributes); len(asked) != 3 || diff != "" {
		t.Errorf("asked about %+v", asked)
	}
}

// Whoever leaves by the scoping filter goes before others, as leavers do. What a page
// does not show is no word, whoever is assigned.
func TestAPageSaysWhoIsOutByTheFilter(t *testing.T) {
	t.Parallel()
	f, mistakes := scoping.NewFilter([][]scoping.Clause{{{Attribute: "department", Operator: "EQUALS", Value: "Sales"}}})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	for _, test := range []struct {
		name              string
		department        any
		enabled           any
		everybody, scoped change.Nomination
	}{
		{"in the filter", "Sales", true, change.In, ""},
		{"in it, and blocked", "Sales", false, change.Out, change.Out},
		{"not in it", "HR", true, change.Out, change.Out},
		{"without a department", nil, true, change.Out, change.Out},
		{"not shown", "unshown", true, "", ""},
	} {
		for _, assigned := range []bool{false, true} {
			w := setup(t)
			w.Scoping.Filters.Users = f
			want := test.everybody
			if assigned {
				w.assigned()
				want = test.scoped
			}
			one := person(ada)
			one.Attributes["department"], one.Attributes["accountEnabled"] = test.department, test.enabled
			if test.department == "unshown" {
				delete(one.Attributes, "department")
			}
			w.page(change.User, "0", Page{Objects: []Object{one}, Delta: "1"})
			w.run()
			if got := w.queue.take(); len(got) != 1 || got[0].ID != ada || got[0].Nominated != want {
				t.Errorf("%s, where assignments matter %t: %+v", test.name, assigned, got)
			}
		}
	}
}

func TestWhoseStateIsNotKnownIsQueued(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Unchanged = func(context.Context, Object) (bool, error) { return true, errors.New("the record cannot be read") }
	w.page(change.User, "0", Page{Objects: people(ada), Delta: "1"})
	w.run()
	w.queued("user " + ada)
	w.at("1")
}

func TestALongRoundIsHeldInParts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const pages, each = 7, 300
	for p := range pages {
		page := Page{Next: fmt.Sprint("p", p+1)}
		if p == pages-1 {
			page = Page{Delta: "1"}
		}
		for n := range each {
			page.Objects = append(page.Objects, person(someone(p*each+n)))
		}
		link := fmt.Sprint("p", p)
		if p == 0 {
			link = "0"
		}
		w.page(change.User, link, page)
	}
	w.run()
	if n := len(w.queue.take()); n != pages*each {
		t.Errorf("%d changes", n)
	}
	if w.queue.largest > most || w.queue.calls < pages/2 {
		t.Errorf("%d calls with up to %d changes", w.queue.calls, w.queue.largest)
	}
	w.at("1")
}

func TestAQueueThatFailsInTheMiddleKeepsTheCursorAtWhatIsQueued(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var first, second []string
	for n := range most {
		first, second = append(first, someone(n)), append(second, someone(most+n))
	}
	w.page(change.User, "0", Page{Objects: people(first...), Next: "p"})
	w.page(change.User, "p", Page{Objects: people(second...), Delta: "1"})
	w.queue.fails = func(call int) bool { return call == 2 }
	w.runFails("the queue is down")
	w.at("p")
	if n := len(w.queue.take()); n != most {
		t.Errorf("%d changes before the failure", n)
	}
	w.run()
	if n := len(w.queue.take()); n != most {
		t.Errorf("%d changes after it", n)
	}
	w.at("1")
}

func TestACursorThatIsNotWrittenIsRepeated(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.page(change.User, "0", Page{Objects: people(ada), Delta: "1"})
	w.ledger.before = once("delta user", 1)
	w.runFails("the ledger is down")
	w.queued("user " + ada)
	w.at("0")
	w.run()
	w.queued("user " + ada)
	w.at("1")
}

func TestACursorWhoseWriteWasNotAnsweredIsWritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.page(change.User, "0", Page{Objects: people(ada), Delta: "1"})
	w.ledger.after = once("delta user", 1)
	w.run()
	w.run()
	w.queued("user " + ada)
	w.at("2")
}

func TestAPageThatIsNotGivenKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.page(change.User, "0", Page{Objects: people(ada), Next: "p"})
	w.page(change.User, "p", Page{Objects: people(bob), Delta: "1"})
	w.page(change.Group, "0", Page{Objects: []Object{team(sales)}, Delta: "1"})
	w.graph.faults["user p"] = throttled()
	w.runFails("reconcile users: 429")
	w.queued("user "+ada, "group "+sales)
	w.at("p")
	delete(w.graph.faults, "user p")
	w.run()
	w.queued("user " + bob)
}

func TestACursorThatIsGoneInTheMiddleAsksForASweepOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.page(change.User, "0", Page{Objects: []Object{gone(ada, Deleted)}, Next: "lost"})
	w.run()
	w.queued("user " + ada + " deleted") // no full read would find that word
	if why := w.sweepDue(); why != "Graph no longer knows the cursor of users" {
		t.Errorf("a sweep is due because of %q", why)
	}
	w.graph.asked = nil
	writes := w.ledger.writes
	w.run()
	if diff := cmp.Diff([]string{"group 1"}, w.graph.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if w.ledger.writes != writes+1 { // that of the cursor of groups
		t.Errorf("%d writes while a sweep is due", w.ledger.writes-writes)
	}
	if err := w.Cursors.Save(t.Context(), change.User, "user 1"); err != nil {
		t.Fatal(err)
	}
	w.run()
	w.at("2")
}

// The Graph client calls a link that leads to another host Gone, and asks
// nobody for it.
func TestAForeignLinkAsksForASweep(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if err := w.Cursors.Save(t.Context(), change.User, "https://graph.evil.example/v1.0/users/delta?$deltatoken=x"); err != nil {
		t.Fatal(err)
	}
	w.run()
	w.queued()
	if w.sweepDue() == "" {
		t.Error("no sweep is due")
	}
}

func TestACursorThatIsOfNoUseAsksForASweep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(w *world)
		want    string
	}{
		{"one that is garbage", func(w *world) { w.write("delta user", "\x00{") }, "the cursor of users cannot be read"},
		{"one that is something else", func(w *world) { w.write("delta user", "[]") }, "the cursor of users cannot be read"},
		{"one that says nothing", func(w *world) { w.write("delta user", "{}") }, "the cursor of users cannot be read"},
		{"one of other attributes", func(w *world) { w.Cursors = w.cursors("mail") }, "what is selected of users, or who is provisioned and how, has changed"},
		{"one that is old", func(w *world) { w.now = w.now.Add(MaxAge + time.Second) }, "the cursor of users is older than seven days; the cursor of groups is older than seven days"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			test.prepare(w)
			w.run()
			w.run()
			w.queued()
			if why := w.sweepDue(); why != test.want {
				t.Errorf("a sweep is due because of %q, want %q", why, test.want)
			}
			if slices.Contains(w.graph.asked, "user 0") {
				t.Error("Graph was asked")
			}
			for why := range strings.SplitSeq(test.want, "; ") {
				if strings.Count(w.log.String(), why) != 1 {
					t.Errorf("the log does not say once that %s:\n%s", why, w.log)
				}
			}
		})
	}
}

func TestWithoutAnyCursorASweepIsDue(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.run()
	if why := w.sweepDue(); why != "there is no cursor of users yet; there is no cursor of groups yet" {
		t.Errorf("a sweep is due because of %q", why)
	}
	if w.graph.deltas != 0 {
		t.Error("a first round was read")
	}
}

func TestGroupsThatMeanNothingAreNotAskedFor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Scoping.SkipGroups = true
	w.run()
	if diff := cmp.Diff([]string{"user 0"}, w.graph.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestOfTwoRunsAtOnceOneMovesTheCursor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.page(change.User, "0", Page{Objects: people(ada), Delta: "1"})
	w.graph.during = w.run // all of another run while this one waits for its first page
	w.run()
	w.queued("user "+ada, "user "+ada)
	w.at("1")
	if w.sweepDue() != "" {
		t.Error("a sweep is due")
	}
}

func TestARunThatIsOvertakenByASweepLeavesItsCursor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.page(change.User, "0", Page{Objects: people(ada), Next: "lost"})
	w.graph.during = func() {
		if err := w.Cursors.Save(t.Context(), change.User, "user 1"); err != nil {
			t.Error(err)
		}
	}
	w.run()
	w.queued("user " + ada)
	w.at("1")
	if w.sweepDue() != "" {
		t.Error("a sweep is due")
	}
}

func TestARunEndsBeforeItsTimeAndTheNextGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t)
		w.page(change.User, "0", Page{Objects: people(ada), Next: "p"})
		w.page(change.User, "p", Page{Objects: people(bob), Delta: "1"})
		w.graph.during = func() { time.Sleep(40 * time.Second) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		w.queued("user " + ada)
		w.at("p")
		if diff := cmp.Diff([]string{"user 0"}, w.graph.asked); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
		w.run()
		w.queued("user " + bob)
	})
}

func TestARunWithoutADeadlineEndsToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t)
		w.page(change.User, "0", Page{Objects: people(ada), Next: "p0"})
		for n := range 200 { // more than there is time for
			w.page(change.User, fmt.Sprint("p", n), Page{Objects: people(ada), Next: fmt.Sprint("p", n+1)})
		}
		var slow func()
		slow = func() {
			time.Sleep(10 * time.Second)
			w.graph.during = slow
		}
		w.graph.during = slow
		w.run()
		w.queued("user " + ada)
	})
}

// Who was in a group that is deleted nobody tells; through it they may have been
// in the scope.
func TestADeletedGroupWithinOthersAsksForASweepWhereItMayHaveGivenTheScope(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name             string
		everybody, plain bool
		filter           string
		due              bool
	}{
		{"nested and assigned", false, false, "", true},
		{"assigned", false, true, "", false},
		{"everybody is in scope", true, false, "", false},
		{"a filter asks about a group", true, true, "memberOf", false},
		{"a filter asks about a group, and those within it", true, true, "transitiveMemberOf", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.Nested = !test.plain
			if test.filter != "" {
				filter, mistakes := scoping.NewFilter([][]scoping.Clause{{{Attribute: test.filter, Operator: "IsMemberOf", Value: europe}}})
				if len(mistakes) > 0 {
					t.Fatal(mistakes)
				}
				w.Scoping.Filters.Users = filter
			}
			if !test.everybody {
				w.assigned()
			}
			deleted := Object{Object: change.Object{Kind: change.Group, ID: sales}, Removed: SoftDeleted}
			w.page(change.Group, "0", Page{Objects: []Object{deleted}, Delta: "1"})
			w.run()
			if due := w.sweepDue(); strings.Contains(due, "who was in it") != test.due {
				t.Errorf("due: %q", due)
			}
		})
	}
}
