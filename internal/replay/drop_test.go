package replay_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
	"entrawebex/internal/scoping"
	"entrawebex/internal/worker"
)

// cemetery is a worker with a real ledger and real queues, whose engine writes the
// troubles that it is told.
type cemetery struct {
	queues

	t       *testing.T
	kept    *ledger.Bolt
	letters *provision.Letters
	drops   *replay.Drops
	worker  *worker.Worker
	// faults are what the attempts at the users find, by their numbers.
	faults map[int]string
}

func cemeteries(t *testing.T, test func(*testing.T, *cemetery)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := bolttest.Open(t)
		kept, err := ledger.OpenBolt(db)
		if err != nil {
			t.Fatal(err)
		}
		c := &cemetery{t: t, queues: queues{dead: open(t, db, "dead"), main: open(t, db, "main")}, kept: kept, faults: map[int]string{}}
		c.letters = &provision.Letters{Ledger: kept, Documents: kept, Now: time.Now}
		log := slog.New(slog.DiscardHandler)
		c.drops = &replay.Drops{Dead: c.dead, Letters: c.letters, Log: log}
		engine := provision.New(provision.Config{
			Directory: c, Ledger: kept, Queue: queue.Changes{Queue: c.main}, Healed: c.letters.Owe, Scoping: scoping.Rules{SkipGroups: true}, Log: log,
		})
		c.worker = &worker.Worker{Queue: c.main, DeadLetters: c.dead, Converge: engine.Converge, Letters: c.letters, Log: log}
		test(t, c)
	})
}

// Read implements provision.Directory: whoever has no fault is unknown to Entra
// and to Webex, and all is well.
func (c *cemetery) Read(_ context.Context, queries []provision.Query) []provision.Reading {
	readings := make([]provision.Reading, len(queries))
	for i, q := range queries {
		readings[i].Presence = provision.Absent
		for n, reason := range c.faults {
			if q.Object.ID == id(n) {
				readings[i].Err = &provision.Fault{Kind: provision.Permanent, Reason: reason}
			}
		}
	}
	return readings
}

func (*cemetery) Members(context.Context, string, bool, string) (provision.MemberPage, error) {
	return provision.MemberPage{}, errors.New("no group is asked about")
}

func (*cemetery) GroupsOf(context.Context, change.Object, bool) ([]string, error) { return nil, nil }

func (*cemetery) Organization(context.Context) (string, error) { return "", nil }

// noticed puts a Change of the n-th user on the queue and lets the worker work.
func (c *cemetery) noticed(n int) {
	c.t.Helper()
	send(c.t, c.main, queue.Entry{Group: id(n), Body: body(c.t, n, "a")})
	c.work()
}

// work does what is on the queue.
func (c *cemetery) work() {
	c.t.Helper()
	ctx := c.t.Context()
	for {
		msgs, err := c.main.Receive(ctx, queue.MaxReceive, time.Hour, 0)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(msgs) == 0 {
			return
		}
		if failed := c.worker.Handle(ctx, msgs); len(failed) > 0 {
			return // not now
		}
		if err := c.main.Delete(ctx, msgs); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *cemetery) settle() {
	c.t.Helper()
	if err := c.drops.Settle(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// want is how many letters there are, all of them to be had.
func (c *cemetery) want(n int) {
	c.t.Helper()
	depth, err := c.dead.Depth(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	wantEqual(c.t, []int{depth.Visible, depth.InFlight}, []int{n, 0})
}

func TestAFaultThatIsFoundForAMonthIsOneLetter(t *testing.T) {
	t.Parallel()
	cemeteries(t, func(_ *testing.T, c *cemetery) {
		c.faults[1] = "the name is taken"
		for range 40 { // SQS keeps a letter for the first 14 of these 28 days, the other store for ever
			c.noticed(1)
			c.settle()
			c.want(1)
			time.Sleep(17 * time.Hour)
		}
		c.faults[1] = "it has no name"
		c.noticed(1)
		c.want(2)
	})
}

func TestAnObjectThatHasHealedHasNoLetterAndTheOthersKeepTheirs(t *testing.T) {
	t.Parallel()
	cemeteries(t, func(_ *testing.T, c *cemetery) {
		c.settle() // of before
		for n := range 30 {
			c.faults[n] = "no"
			c.noticed(n)
		}
		c.faults[7] = "another"
		c.noticed(7)
		c.want(31)
		delete(c.faults, 7)
		delete(c.faults, 8)
		c.noticed(7)
		c.noticed(8)
		c.settle()
		c.want(28)
		delete(c.faults, 9) // nobody has looked
		c.settle()
		c.want(28)
	})
}

func TestALetterThatIsReplayedAndFailsAgainIsALetterAgain(t *testing.T) {
	t.Parallel()
	cemeteries(t, func(t *testing.T, c *cemetery) {
		c.faults[1], c.faults[2] = "no", "no"
		c.noticed(1)
		c.noticed(2)
		for range 3 {
			wantEqual(t, run(t, c.queues, replay.Filter{}, replay.Options{}), replay.Result{Moved: 2})
			c.noticed(1) // what comes beside it has its letter
			c.work()
			c.settle()
			c.want(2)
		}
		delete(c.faults, 1)
		run(t, c.queues, replay.Filter{}, replay.Options{})
		c.work()
		c.settle()
		c.want(1)
	})
}

func TestALetterStaysAsLongAsItIsNotKnownToBeDone(t *testing.T) {
	t.Parallel()
	kind := func(k provision.FaultKind) map[string]string {
		return map[string]string{worker.AttributeFaultKind: k.String()}
	}
	user := change.Object{Kind: change.User, ID: id(1)}
	for name, test := range map[string]struct {
		record     provision.Record
		deleted    bool
		attributes map[string]string
		stays      bool
	}{
		"a fault that is open":               {provision.Record{OpenFault: &provision.OpenFault{Kind: provision.Permanent}}, false, kind(provision.Permanent), true},
		"one that is tried again":            {provision.Record{OpenFault: &provision.OpenFault{Kind: provision.Transient}}, false, kind(provision.Permanent), true},
		"what is held":                       {provision.Record{OpenFault: &provision.OpenFault{Kind: provision.Held}}, false, kind(provision.Permanent), false},
		"what was given up and is well":      {provision.Record{}, false, kind(provision.Transient), false},
		"what the queue itself moved":        {provision.Record{}, false, nil, true},
		"the word for an account that is":    {provision.Record{WebexID: "w"}, true, kind(provision.Permanent), true},
		"the word for an account that is no": {provision.Record{}, true, kind(provision.Permanent), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cemeteries(t, func(t *testing.T, c *cemetery) {
				c.write(user, test.record)
				ch := change.Change{Object: user, Source: change.Notification, SeenAt: time.Now(), CorrelationID: "a", Deleted: test.deleted}
				data, err := ch.Encode()
				if err != nil {
					t.Fatal(err)
				}
				send(t, c.dead, queue.Entry{Group: user.ID, Body: data, Attributes: test.attributes})
				send(t, c.dead, queue.Entry{Group: "toaster", Body: []byte("{"), Attributes: kind(provision.Permanent)})
				c.settle()
				c.want(map[bool]int{true: 2, false: 1}[test.stays])
			})
		})
	}
}

// write puts a record into the ledger as if an attempt had.
func (c *cemetery) write(o change.Object, r provision.Record) {
	c.t.Helper()
	before, err := c.kept.Claim(c.t.Context(), o, "setup", time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Object = o
	if err := c.kept.Save(c.t.Context(), "setup", before, r); err != nil {
		c.t.Fatal(err)
	}
}

// A worker that is killed when the letter is sent and not noted sends another one.
func TestOfTwoLettersThatSayTheSameOneStays(t *testing.T) {
	t.Parallel()
	plain := change.Change{}
	for name, test := range map[string]struct {
		one, two      change.Change
		reason, later string
		left          int
	}{
		"the same fault":                {plain, plain, "a", "a", 1},
		"another fault":                 {plain, plain, "a", "b", 2},
		"the later one asks for more":   {plain, change.Change{Members: []string{id(3)}}, "a", "a", 1},
		"the older one asks for more":   {change.Change{Members: []string{id(3)}}, change.Change{Members: []string{id(4)}}, "a", "a", 2},
		"the later one trusts nothing":  {change.Change{Members: []string{id(3)}}, change.Change{Afresh: true}, "a", "a", 1},
		"the older one trusts nothing":  {change.Change{Afresh: true}, plain, "a", "a", 2},
		"the older one is Graph's word": {change.Change{Deleted: true}, plain, "a", "a", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cemeteries(t, func(_ *testing.T, c *cemetery) {
				team := change.Object{Kind: change.Group, ID: id(1)}
				c.write(team, provision.Record{WebexID: "w", OpenFault: &provision.OpenFault{Kind: provision.Permanent}})
				c.letter(team, test.one, test.reason)
				c.letter(team, test.two, test.later)
				c.settle()
				c.want(test.left)
			})
		})
	}
}

// letter puts a letter of the object on the dead-letter queue.
func (c *cemetery) letter(o change.Object, ch change.Change, reason string) {
	c.t.Helper()
	ch.Object, ch.Source, ch.SeenAt, ch.CorrelationID = o, change.Notification, time.Now(), "a"
	data, err := ch.Encode()
	if err != nil {
		c.t.Fatal(err)
	}
	send(c.t, c.dead, queue.Entry{Group: o.ID, Body: data, Attributes: map[string]string{
		worker.AttributeFaultKind: provision.Permanent.String(), worker.AttributeFaultReason: reason,
	}})
}

// A success owes the removal before its record says that it is one.
func TestALetterWaitsForWhoeverWorksOnItsObject(t *testing.T) {
	t.Parallel()
	cemeteries(t, func(t *testing.T, c *cemetery) {
		c.faults[1] = "no"
		c.noticed(1)
		user := change.Object{Kind: change.User, ID: id(1)}
		before, err := c.kept.Claim(t.Context(), user, "success", time.Now(), time.Now().Add(2*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.letters.Owe(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.settle()
		c.want(1)
		if err := c.kept.Save(t.Context(), "success", before, provision.Record{Object: user, WebexID: "w"}); err != nil {
			t.Fatal(err)
		}
		c.settle()
		c.want(0)
	})
}

func TestALetterInOtherHandsIsLookedAtWhenItIsBack(t *testing.T) {
	t.Parallel()
	cemeteries(t, func(t *testing.T, c *cemetery) {
		c.faults[1] = "no"
		c.noticed(1)
		if _, err := c.dead.Receive(t.Context(), 1, 5*time.Minute, 0); err != nil { // by a replay that is killed
			t.Fatal(err)
		}
		delete(c.faults, 1)
		c.noticed(1)
		c.settle()
		time.Sleep(5 * time.Minute)
		c.settle()
		c.want(0)
	})
}

func TestWhatCannotBeDroppedIsThereAndDroppedLater(t *testing.T) {
	t.Parallel()
	cemeteries(t, func(t *testing.T, c *cemetery) {
		c.faults[1] = "no"
		c.noticed(1)
		delete(c.faults, 1)
		c.noticed(1)
		c.drops.Dead = undeletable{c.dead}
		if err := c.drops.Settle(t.Context()); !errors.Is(err, errUndeletable) {
			t.Errorf("error %v", err)
		}
		c.want(1)
		c.drops.Dead = c.dead
		c.settle()
		c.want(0)
	})
}

var errUndeletable = errors.New("cannot be deleted")

// undeletable is a queue that deletes nothing.
type undeletable struct{ queue.Queue }

func (undeletable) Delete(context.Context, []queue.Message) error { return errUndeletable }
