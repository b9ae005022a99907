package provision_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
)

// grave is a world whose Webex refuses as it is told, with an account of its dead
// letters.
type grave struct {
	*world

	letters *provision.Letters
	refusal *provision.Fault
	owed    int
	silent  bool // what is owed cannot be noted
}

func buried(t *testing.T) *grave {
	t.Helper()
	g := &grave{}
	g.world = setup(t, func(c *provision.Config) {
		c.Healed = func(context.Context) error {
			if g.silent {
				return errors.New("the ledger does not answer")
			}
			g.owed++
			return nil
		}
	})
	g.hire(ada, "ada@example.com")
	g.org.answer = func(_ provision.Operation, done bool) error {
		if done || g.refusal == nil {
			return nil
		}
		return g.refusal
	}
	kept, ok := g.ledger.Ledger.(*ledger.Bolt)
	if !ok {
		t.Fatal("the ledger has no documents")
	}
	g.letters = &provision.Letters{Ledger: g.ledger, Documents: kept, Now: func() time.Time { return g.now }}
	return g
}

func refused(reason string) *provision.Fault {
	return &provision.Fault{Kind: provision.Permanent, Reason: reason}
}

// found lets an attempt find the fault, and none if it is nil.
func (g *grave) found(f *provision.Fault) provision.Attempt {
	g.t.Helper()
	g.refusal = f
	g.now = g.now.Add(time.Minute)
	return g.converge(updated(ada))[0]
}

// bury lets an attempt find the fault and tells of its letter.
func (g *grave) bury(f *provision.Fault) {
	g.t.Helper()
	a := g.found(f)
	if a.Fault == nil || a.Lettered {
		g.t.Fatalf("%v, lettered %v: there is nothing to bury", a.Fault, a.Lettered)
	}
	listed, err := g.letters.Listed(g.t.Context(), a.Object)
	if err != nil || !listed {
		g.t.Fatalf("listed %v, %v", listed, err)
	}
	if err := g.letters.Buried(g.t.Context(), a); err != nil {
		g.t.Fatal(err)
	}
}

func (g *grave) record() provision.Record {
	g.t.Helper()
	r, _, err := g.ledger.Record(g.t.Context(), updated(ada).Object)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

func TestOneFaultHasOneLetterHoweverOftenItIsFound(t *testing.T) {
	t.Parallel()
	transient := &provision.Fault{Kind: provision.Transient, Reason: "502"}
	traced := func(id string) *provision.Fault {
		return &provision.Fault{Kind: provision.Permanent, Reason: "400 (" + id + ")", RequestID: id}
	}
	for name, test := range map[string]struct {
		buried, found []*provision.Fault
		want          bool
	}{
		"the same again":                        {[]*provision.Fault{refused("a")}, []*provision.Fault{refused("a")}, true},
		"the same after a trouble between":      {[]*provision.Fault{refused("a")}, []*provision.Fault{transient, refused("a")}, true},
		"the same under another id of a call":   {[]*provision.Fault{traced("one")}, []*provision.Fault{traced("two")}, true},
		"the first one after a second":          {[]*provision.Fault{refused("a"), refused("b")}, []*provision.Fault{refused("a")}, true},
		"another one":                           {[]*provision.Fault{refused("a")}, []*provision.Fault{refused("b")}, false},
		"the same after it was mended":          {[]*provision.Fault{refused("a")}, []*provision.Fault{nil, refused("a")}, false},
		"one whose letter could not be noted":   {nil, []*provision.Fault{refused("a"), refused("a")}, false},
		"the sixth of those that always differ": {five(), []*provision.Fault{refused("f")}, true},
		"no trouble that is tried again":        {[]*provision.Fault{refused("a")}, []*provision.Fault{transient}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := buried(t)
			for _, f := range test.buried {
				g.bury(f)
			}
			var a provision.Attempt
			for i, f := range test.found {
				if f != nil || i == 0 {
					a = g.found(f)
					continue
				}
				if a = g.found(nil); a.Fault != nil {
					t.Fatal(a.Fault)
				}
				g.tenant.users[ada].surname = "Byron" // there is something to refuse again
			}
			if a.Lettered != test.want {
				t.Errorf("%v: lettered %v", a.Fault, a.Lettered)
			}
		})
	}
}

func five() []*provision.Fault {
	var faults []*provision.Fault
	for i := range 5 {
		faults = append(faults, refused(fmt.Sprint("reason ", i)))
	}
	return faults
}

// SQS keeps a message for 14 days.
func TestALetterCountsForAsLongAsAQueueKeepsIt(t *testing.T) {
	t.Parallel()
	g := buried(t)
	g.bury(refused("a"))
	g.now = g.now.Add(12 * 24 * time.Hour)
	if a := g.found(refused("a")); !a.Lettered {
		t.Error("after 12 days it has no letter")
	}
	g.now = g.now.Add(2 * 24 * time.Hour)
	g.bury(refused("a")) // which it is to be
	if n := len(g.record().Letters); n != 1 {
		t.Errorf("%d letters are known", n)
	}
}

func TestWhatWasGivenUpTwiceHasOneLetter(t *testing.T) {
	t.Parallel()
	g := buried(t)
	down := func(reason string) provision.Attempt {
		for range 150 {
			g.now = g.now.Add(10 * time.Minute)
			if a := g.found(&provision.Fault{Kind: provision.Transient, Reason: reason}); a.Fault.GivenUp {
				return a
			}
		}
		t.Fatal("it is not given up")
		return provision.Attempt{}
	}
	a := down("502")
	if err := g.letters.Buried(t.Context(), a); err != nil || a.Lettered {
		t.Fatalf("%v, lettered %v", err, a.Lettered)
	}
	if a := down("a time-out"); !a.Lettered {
		t.Errorf("%s: it has no letter", a.Reason)
	}
}

func TestTheLettersOfAnObjectThatHasHealedAreOwed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*grave)
		want    int
	}{
		"of one that was buried":                   {func(g *grave) { g.bury(refused("a")) }, 1},
		"of one whose letter was not noted":        {func(g *grave) { g.found(refused("a")) }, 1},
		"of one that had another trouble since":    {func(g *grave) { g.bury(refused("a")); g.found(&provision.Fault{Kind: provision.Transient}) }, 1},
		"of one that was well, none":               {func(g *grave) { g.found(nil) }, 0},
		"of one that was only tried again, none":   {func(g *grave) { g.found(&provision.Fault{Kind: provision.Transient}) }, 0},
		"of one that healed before, not once more": {func(g *grave) { g.bury(refused("a")); g.found(nil) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := buried(t)
			test.prepare(g)
			if a := g.found(nil); a.Fault != nil {
				t.Fatal(a.Fault)
			}
			if g.owed != test.want || g.record().Letters != nil {
				t.Errorf("owed %d times, letters %v", g.owed, g.record().Letters)
			}
		})
	}
}

func TestWhatIsHeldHasNoLetter(t *testing.T) {
	t.Parallel()
	g := buried(t)
	g.bury(refused("a"))
	if a := g.found(&provision.Fault{Kind: provision.Held, Reason: "an operator decides"}); a.Fault == nil || g.owed != 1 {
		t.Errorf("%v, owed %d times", a.Fault, g.owed)
	}
	if a := g.found(refused("a")); a.Lettered {
		t.Error("the letter that was dropped is taken for being there")
	}
}

func TestARemovalThatCannotBeNotedIsOwedWithTheNextSuccess(t *testing.T) {
	t.Parallel()
	g := buried(t)
	g.bury(refused("a"))
	g.silent = true
	if a := g.found(nil); a.Fault != nil {
		t.Fatal(a.Fault)
	}
	g.silent = false
	if g.found(nil); g.owed != 1 {
		t.Errorf("owed %d times", g.owed)
	}
}

func TestAFaultAfterARemovalThatCouldNotBeNotedHasALetterOfItsOwn(t *testing.T) {
	t.Parallel()
	g := buried(t)
	g.bury(refused("a"))
	g.silent = true
	g.found(nil)
	g.tenant.users[ada].surname = "Byron"
	if a := g.found(refused("a")); a.Lettered {
		t.Error("whether the old letter is there nobody knows")
	}
}

// The letter was under way when another attempt succeeded.
func TestALetterOfAnObjectThatHasHealedMeanwhileIsOwed(t *testing.T) {
	t.Parallel()
	g := buried(t)
	a := g.found(refused("a"))
	g.found(nil)
	if err := g.letters.Buried(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	passes := 0
	for range 2 { // the second finds it done
		err := g.letters.Drop(t.Context(), func(context.Context) (bool, error) {
			passes++
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if passes != 1 || g.record().Letters != nil {
		t.Errorf("%d passes, letters %v", passes, g.record().Letters)
	}
}

func TestALetterThatCannotBeNotedIsAnErrorAndNoHarm(t *testing.T) {
	t.Parallel()
	g := buried(t)
	a := g.found(refused("a"))
	claimed, err := g.ledger.Claim(t.Context(), a.Object, "another", g.now, g.now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.letters.Buried(t.Context(), a); !errors.Is(err, provision.ErrClaimed) {
		t.Errorf("error %v", err)
	}
	if r := g.record(); r.Claim != claimed.Claim || !r.OpenFault.Dead() {
		t.Errorf("%+v", r)
	}
}

func TestToNoteALetterIsNoAttempt(t *testing.T) {
	t.Parallel()
	g := buried(t)
	g.bury(refused("a"))
	if r := g.record(); r.Unconcluded != 0 || r.Claim != (provision.Claim{}) || r.OpenFault.Attempts != 1 {
		t.Errorf("%+v", r)
	}
}

func TestWhatTheLedgerDoesNotShowIsNotListed(t *testing.T) {
	t.Parallel()
	g := buried(t)
	g.ledger.cut = true // the end of the attempt is not saved
	a := g.found(refused("a"))
	g.ledger.cut = false
	if listed, err := g.letters.Listed(t.Context(), a.Object); listed || err != nil {
		t.Errorf("listed %v, %v", listed, err)
	}
}

func TestLettersAreDroppedOnceForAllThatIsOwed(t *testing.T) {
	t.Parallel()
	g := buried(t)
	ctx, passes := t.Context(), 0
	drop := func(all bool, meanwhile func()) {
		t.Helper()
		err := g.letters.Drop(ctx, func(context.Context) (bool, error) {
			passes++
			meanwhile()
			return all, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	owe := func() {
		if err := g.letters.Owe(ctx); err != nil {
			t.Error(err)
		}
	}
	nothing := func() {}
	for i, step := range []struct {
		do   func()
		want int
	}{
		{func() { drop(true, nothing) }, 1},                                       // nobody has looked yet
		{func() { drop(true, nothing) }, 1},                                       // nothing is owed
		{func() { owe(); owe(); drop(true, owe) }, 2},                             // owed while it is done
		{func() { drop(true, nothing) }, 3},                                       // so it is done again
		{func() { drop(true, nothing) }, 3},                                       //
		{func() { owe(); drop(false, nothing) }, 4},                               // not all could be looked at
		{func() { drop(false, nothing) }, 5},                                      //
		{func() { g.now = g.now.Add(15 * time.Minute); drop(false, nothing) }, 6}, // for the last time
		{func() { drop(true, nothing) }, 6},                                       //
		{func() { g.now = g.now.Add(24 * time.Hour); drop(true, nothing) }, 7},    // once a day in any case
	} {
		if step.do(); passes != step.want {
			t.Errorf("step %d: %d passes, want %d", i, passes, step.want)
		}
	}
}

func TestARemovalThatFailsStaysOwed(t *testing.T) {
	t.Parallel()
	g := buried(t)
	failing := errors.New("the queue fails")
	for range 2 {
		err := g.letters.Drop(t.Context(), func(context.Context) (bool, error) { return true, failing })
		if !errors.Is(err, failing) {
			t.Errorf("error %v", err)
		}
	}
}
