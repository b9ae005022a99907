package provision_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// manages is the target of the manager.
const manages = enterprise + ":manager"

// managing is a world in which managers are mapped and read. A manager who is no more
// goes from Webex, too.
func managing(t *testing.T) *world {
	t.Helper()
	w := setup(t, mapped(t, "", "    - { target: '"+manages+"', source: manager, whenNull: clear }\n    - { target: title, source: jobTitle }\n", ""))
	w.tenant.managers = map[string]string{}
	w.hire(ada, "ada@example.com")
	w.tenant.managers[ada] = bob
	return w
}

// wantManager compares who manages somebody in Webex, by the account of the person
// wanted; nobody if that is empty.
func (w *world) wantManager(what, report, manager string) {
	w.t.Helper()
	var want any
	if manager != "" {
		want = w.org.of(manager)["id"]
	}
	extension, _ := w.org.of(report)[enterprise].(map[string]any)
	has, _ := extension["manager"].(map[string]any)
	if has["value"] != want || w.org.of(report) == nil {
		w.t.Errorf("%s: the manager of %s is %v, want %v", what, report, has["value"], want)
	}
}

// waiters are those whose Changes are queued.
func (w *world) queuedUsers() []string {
	var ids []string
	for _, c := range w.queue.queued {
		if c.Kind == change.User {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestAReportWhoIsHiredBeforeTheManagerHealsOnArrival(t *testing.T) {
	t.Parallel()
	w := managing(t)
	w.hire(bob, "bob@example.com")
	w.provisioned(ada)
	w.wantManager("before", ada, "")
	w.provisioned(bob)
	if got := w.queuedUsers(); !slices.Equal(got, []string{ada}) {
		t.Errorf("told are %v", got)
	}
	w.drain()
	w.wantManager("once the manager is there", ada, bob)
	w.tenant.users[bob].more = map[string]any{"jobTitle": "Boss"}
	w.provisioned(bob)
	if got := w.queuedUsers(); len(got) > 0 {
		t.Errorf("another title of the manager tells %v", got)
	}
	if calls := w.calls(func() { w.converge(updated(ada)) }); calls != "" {
		t.Errorf("a look at who has the manager calls %s", calls)
	}
}

func TestAReportFollowsTheManager(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(w *world) // until all is queued that is told
		want   string
	}{
		"another manager": {func(w *world) {
			w.tenant.managers[ada] = cyd
			w.provisioned(ada)
		}, cyd},
		"nobody any more": {func(w *world) {
			w.tenant.managers[ada] = ""
			w.provisioned(ada)
		}, ""},
		"one who goes to the recycle bin": {func(w *world) {
			w.tenant.users[bob].binned = true
			w.provisioned(bob)
		}, ""},
		"one who is back": {func(w *world) {
			w.tenant.users[bob].binned = true
			w.provisioned(bob)
			w.drain()
			w.wantManager("in the recycle bin", ada, "")
			w.tenant.users[bob].binned = false
			w.provisioned(bob)
		}, bob},
		"one who is deleted for good": {func(w *world) {
			w.tenant.users[bob].gone = true
			w.settled(deleted(bob), 2*time.Hour)
			if waiting, err := w.ledger.Awaiting(w.t.Context(), user(bob)); err != nil || len(waiting) > 0 {
				w.t.Errorf("%v still wait: %v", waiting, err)
			}
		}, ""},
		"one whose account is made anew": {func(w *world) {
			was := w.org.of(bob)["id"].(string)
			delete(w.org.accounts, was)
			again := updated(bob)
			again.Afresh = true
			w.settled(again, 2*time.Hour)
			if w.org.of(bob)["id"] == was {
				w.t.Error("it is the same account")
			}
		}, bob},
		"one who follows the one before": {func(w *world) { // whose changes are nobody's business here any more
			w.tenant.managers[ada] = cyd
			w.provisioned(ada)
			w.tenant.users[bob].binned = true
			w.provisioned(bob)
			if got := w.queuedUsers(); len(got) > 0 {
				w.t.Errorf("told are %v", got)
			}
		}, cyd},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := managing(t)
			w.hire(bob, "bob@example.com")
			w.hire(cyd, "cyd@example.com")
			for _, id := range []string{bob, cyd, ada} {
				w.provisioned(id)
			}
			w.wantManager("at first", ada, bob)
			tt.change(w)
			w.drain()
			w.wantManager(name, ada, tt.want)
		})
	}
}

// racing is a ledger on which the manager arrives at the moment that the note is
// written, or right after the link was read.
type racing struct {
	provision.Ledger

	arrive func()
	after  bool
}

func (r *racing) Await(ctx context.Context, waiter change.Object, users []change.Object) error {
	if arrive := r.arrive; arrive != nil && !r.after {
		r.arrive = nil
		arrive()
	}
	return r.Ledger.Await(ctx, waiter, users)
}

func (r *racing) WebexIDs(ctx context.Context, objects []change.Object) ([]string, error) {
	ids, err := r.Ledger.WebexIDs(ctx, objects)
	if arrive := r.arrive; arrive != nil && r.after {
		r.arrive = nil
		arrive()
	}
	return ids, err
}

func TestAManagerWhoArrivesMeanwhileIsNotMissed(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before the note": false, "after the link was read": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := managing(t)
			w.hire(bob, "bob@example.com")
			w.config.Ledger = &racing{Ledger: w.ledger, after: after, arrive: func() { w.provisioned(bob) }}
			w.renew()
			w.converge(updated(ada))
			w.drain()
			w.wantManager(name, ada, bob)
		})
	}
}

// What is to be told outlives a queue that takes nothing, and a process that ends.
func TestThoseWhoseManagerIsAnotherAreToldInTheEnd(t *testing.T) {
	t.Parallel()
	w := managing(t)
	w.hire(bob, "bob@example.com")
	w.provisioned(ada)
	queue := &closed{changes: w.queue, yet: true}
	w.config.Queue = queue
	w.renew()
	if a := w.converge(updated(bob))[0]; a.Again == 0 {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	queue.yet = false
	w.renew()
	w.converge(updated(bob))
	w.drain()
	w.wantManager("at last", ada, bob)
}

func TestAManagerWhoCannotBeReadKeepsNothingElseOut(t *testing.T) {
	t.Parallel()
	w := managing(t)
	w.hire(bob, "bob@example.com")
	w.provisioned(bob)
	w.provisioned(ada)
	w.tenant.managerErr = &provision.Fault{Kind: provision.Throttled, Reason: "slower", After: time.Minute}
	w.tenant.users[ada].more = map[string]any{"jobTitle": "Boss"}
	a := w.converge(updated(ada))[0]
	if a.Fault == nil || a.Fault.Kind != provision.Throttled || a.Again == 0 || w.org.of(ada)["title"] != "Boss" {
		t.Errorf("%s: %s, the title is %v", a.Status, a.Reason, w.org.of(ada)["title"])
	}
	w.wantManager("unread", ada, bob)
	w.tenant.managerErr, w.tenant.managers[ada] = nil, ""
	w.provisioned(ada)
	w.wantManager("read", ada, "")
}

func TestADeltaQueryThatShowsAManagerDecidesByTheAccount(t *testing.T) {
	t.Parallel()
	w := managing(t)
	w.hire(bob, "bob@example.com")
	w.hire(cyd, "cyd@example.com")
	for _, id := range []string{bob, cyd, ada} {
		w.provisioned(id)
	}
	for name, tt := range map[string]struct {
		shown     map[string]any
		unchanged bool
	}{
		"not shown":      {nil, true},
		"the same":       {map[string]any{"manager": bob}, true},
		"another":        {map[string]any{"manager": cyd}, false},
		"nobody":         {map[string]any{"manager": nil}, false},
		"who never came": {map[string]any{"manager": nobody}, false},
	} {
		attributes := map[string]any{"userPrincipalName": "ada@example.com", "displayName": "Given Surname", "accountEnabled": true}
		maps.Copy(attributes, tt.shown)
		if got, err := w.Unchanged(t.Context(), user(ada), attributes); got != tt.unchanged || err != nil {
			t.Errorf("%s: unchanged %t, %v", name, got, err)
		}
	}
}

// Where managers are not mapped nobody asks the ledger for them, and nothing of them is
// kept.
func TestWhereManagersAreNotMappedNothingIsKept(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.tenant.managers = map[string]string{ada: bob}
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com")
	w.provisioned(ada)
	w.provisioned(bob)
	w.tenant.users[bob].binned = true
	w.provisioned(bob)
	for _, id := range []string{ada, bob} {
		r, _, err := w.ledger.Record(t.Context(), user(id))
		waiting, failed := w.ledger.Awaiting(t.Context(), user(id))
		if r.Manager != "" || r.Moved || err != nil || len(waiting) > 0 || failed != nil {
			t.Errorf("%+v, %v; %v wait, %v", r, err, waiting, failed)
		}
	}
}

// The note on the former manager goes only once the ledger has the new one: Entra may
// say the former again before this user is looked at once more.
func TestTheNoteOnTheFormerManagerOutlivesACrash(t *testing.T) {
	t.Parallel()
	w := managing(t)
	w.hire(bob, "bob@example.com")
	w.hire(cyd, "cyd@example.com")
	w.provisioned(ada)
	w.tenant.managers[ada] = cyd
	w.ledger.cut = true
	w.converge(updated(ada))
	w.ledger.cut = false
	waiting, err := w.ledger.Awaiting(t.Context(), user(bob))
	if err != nil || !slices.Equal(waiting, []change.Object{user(ada)}) {
		t.Errorf("%v wait for the former one: %v", waiting, err)
	}
	w.now = w.now.Add(time.Hour)
	w.converge(updated(ada))
	if waiting, err = w.ledger.Awaiting(t.Context(), user(bob)); err != nil || len(waiting) > 0 {
		t.Errorf("%v still wait: %v", waiting, err)
	}
}
