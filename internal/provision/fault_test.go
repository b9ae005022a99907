package provision_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// lost makes Webex lose its answer to the first operation, after its effect.
func lost() func(provision.Operation, bool) error {
	struck := false
	return func(_ provision.Operation, done bool) error {
		if struck || !done {
			return nil
		}
		struck = true
		return &provision.Fault{Kind: provision.Transient, Uncertain: true, Reason: "time-out"}
	}
}

// crash cuts the process off from its ledger once Webex has done the first
// operation: what follows in the attempt is never known.
func (w *world) crash() {
	w.org.answer = func(_ provision.Operation, done bool) error {
		w.ledger.cut = w.ledger.cut || done
		return nil
	}
}

// restart lets the lease of the crashed attempt run out.
func (w *world) restart() {
	w.org.answer, w.ledger.cut = nil, false
	w.now = w.now.Add(provision.Lease)
}

// The two ways to lose what Webex answered: on the way, and with the process.
func interruptions() map[string]func(*world) {
	return map[string]func(*world){
		"an answer that is lost":                       func(w *world) { w.org.answer = lost() },
		"a crash between Webex and the ledger's write": (*world).crash,
	}
}

func TestACreateIsNotRepeatedAfter(t *testing.T) {
	t.Parallel()
	for name, interrupt := range interruptions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for then, change := range map[string]func(*person){
				"nothing else happens": func(*person) {},
				"a rename":             func(p *person) { p.name = "byron@example.com" },
				"a block":              func(p *person) { p.enabled = false },
				"a soft delete":        func(p *person) { p.binned = true },
			} {
				t.Run("and "+then, func(t *testing.T) {
					t.Parallel()
					w := setup(t)
					p := w.hire(ada, "ada@example.com")
					interrupt(w)
					w.converge(updated(ada))
					w.restart()
					change(p)
					if a := w.converge(updated(ada))[0]; a.Fault != nil {
						t.Fatal(a.Fault)
					}
					if len(w.org.accounts) != 1 {
						t.Fatalf("there are %d accounts", len(w.org.accounts))
					}
					a := w.org.of(ada)
					if a["active"] != (p.enabled && !p.binned) || (!p.binned && a["userName"] != p.name) {
						t.Errorf("account %v, person %+v", a, p)
					}
				})
			}
		})
	}
}

func TestAPatchIsTakenBackWhenEntraIsRevertedAfter(t *testing.T) {
	t.Parallel()
	for name, interrupt := range interruptions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			p.surname = "Byron"
			interrupt(w)
			w.converge(updated(ada))
			w.restart()
			p.surname = "Surname"
			w.provisioned(ada)
			want := map[string]any{"givenName": "Given", "familyName": "Surname"}
			if diff := cmp.Diff(want, w.org.of(ada)["name"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An account created by an attempt whose end is unknown may not be shown by
// Webex's search yet. Under another name it would be created a second time.
func TestARenameWaitsForAnAccountThatMayBeThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.org.answer, w.org.lag = lost(), true
	w.converge(updated(ada))
	p.name = "byron@example.com"
	w.now = w.now.Add(10 * time.Second)
	if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Fault.Kind != provision.Transient {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	w.org.lag = false
	w.now = w.now.Add(10 * time.Second)
	w.provisioned(ada)
	if len(w.org.accounts) != 1 || w.org.of(ada)["userName"] != "byron@example.com" {
		t.Errorf("accounts %v", w.org.accounts)
	}
}

// The holder of the name is an account that a crashed attempt created for
// somebody who has another name by now.
func TestAnAccountInDoubtMakesRoom(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "info@example.com")
	w.crash()
	w.converge(updated(ada))
	w.restart()
	p.name = "ada@example.com"
	w.hire(bob, "info@example.com")
	if a := w.converge(updated(bob))[0]; a.Fault == nil || a.Again == 0 {
		t.Errorf("what crashed was worked on with another: %s", a.Reason)
	}
	w.provisioned(ada) // its Change was queued
	w.provisioned(bob)
	if w.org.of(bob)["userName"] != "info@example.com" || w.org.of(ada)["userName"] != "ada@example.com" || len(w.org.accounts) != 2 {
		t.Errorf("accounts %v", w.org.accounts)
	}
}

func TestTheClaimOfAnotherIsRespected(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	object := change.Object{Kind: change.User, ID: ada}
	if _, err := w.ledger.Claim(t.Context(), object, "another", w.now, w.now.Add(provision.Lease)); err != nil {
		t.Fatal(err)
	}
	calls := w.calls(func() {
		if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Fault.Kind != provision.Transient || a.Again == 0 {
			t.Errorf("%s: %s", a.Status, a.Reason)
		}
	})
	if calls != "" || w.tenant.reads != 0 {
		t.Errorf("called %s, read Entra %d times", calls, w.tenant.reads)
	}
	w.now = w.now.Add(provision.Lease)
	w.provisioned(ada)
}

// What is written is written under the claim: an attempt that lost it to
// another stops before its first write.
func TestAnAttemptThatLostItsClaimWritesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.tenant.users[bob] = &person{}
	slow := &stealing{tenant: w.tenant, steal: func() {
		w.now = w.now.Add(provision.Lease)
		object := change.Object{Kind: change.User, ID: ada}
		if _, err := w.ledger.Claim(t.Context(), object, "another", w.now, w.now.Add(provision.Lease)); err != nil {
			t.Error(err)
		}
	}}
	config := w.Config
	config.Directory = slow
	w.Engine = provision.New(config)
	if got := w.calls(func() { w.converge(updated(ada)) }); got != "" {
		t.Errorf("called %s", got)
	}
}

func TestFaultsOfOneObjectAreItsOwn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.hire(bob, "bob@example.com").fault = &provision.Fault{Kind: provision.Throttled, After: 30 * time.Second, Reason: "429 inside a 200"}
	w.hire(cyd, "cyd")
	attempts := w.converge(updated(bob), updated(ada), updated(cyd))
	var got []string
	for _, a := range attempts {
		got = append(got, string(a.Status)+" "+a.Again.String())
	}
	if diff := cmp.Diff([]string{"Failure 30s", "Success 0s", "Failure 0s"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRetriesGrowFromTenSecondsToTenMinutesForADay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.org.answer = func(provision.Operation, bool) error {
		return &provision.Fault{Kind: provision.Transient, Reason: "503"}
	}
	began := w.now
	var delays []time.Duration
	for {
		a := w.converge(updated(ada))[0]
		if a.Fault == nil {
			t.Fatalf("%s: %s", a.Status, a.Reason)
		}
		if a.Again == 0 {
			if !a.Fault.GivenUp || !strings.Contains(a.Reason, "given up after") || w.now.Sub(began) < 24*time.Hour {
				t.Errorf("after %s: %s", w.now.Sub(began), a.Reason)
			}
			break
		}
		delays = append(delays, a.Again)
		w.now = w.now.Add(a.Again)
	}
	want := []time.Duration{10, 20, 40, 80, 160, 320, 600, 600}
	for i := range want {
		want[i] *= time.Second
	}
	if diff := cmp.Diff(want, delays[:len(want)]); diff != "" {
		t.Error(diff)
	}
	w.now = w.now.Add(7 * 24 * time.Hour)
	if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Fault.GivenUp || a.Again < delays[0] {
		t.Errorf("replayed it has no day of its own: %s, again after %s", a.Reason, a.Again)
	}
}

func TestAFaultForGoodThatBecomesAPassingOneHasADayOfItsOwn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "no address")
	if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Fault.Kind != provision.Permanent {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	w.now = w.now.Add(7 * 24 * time.Hour)
	w.tenant.users[ada].name = "ada@example.com"
	w.org.answer = func(provision.Operation, bool) error {
		return &provision.Fault{Kind: provision.Transient, Reason: "503"}
	}
	if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Again == 0 {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestASuccessForgetsTheTroubleBeforeIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	p.fault = &provision.Fault{Kind: provision.Transient, Reason: "504"}
	w.converge(updated(ada))
	w.converge(updated(ada))
	p.fault = nil
	w.provisioned(ada)
	r, _, err := w.ledger.Record(t.Context(), change.Object{Kind: change.User, ID: ada})
	if err != nil || r.OpenFault != nil || r.PendingWrite != nil || r.Unconcluded != 0 || r.Claim.Owner != "" {
		t.Errorf("record %+v, %v", r, err)
	}
}

func TestAnObjectWhoseAttemptsNeverConcludeIsGivenUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	object := change.Object{Kind: change.User, ID: ada}
	for range 5 {
		if _, err := w.ledger.Claim(t.Context(), object, "crashed", w.now, w.now); err != nil {
			t.Fatal(err)
		}
	}
	a := w.converge(updated(ada))[0]
	if a.Fault == nil || a.Fault.Kind != provision.Permanent || !strings.Contains(a.Reason, "never came to an end") {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestALedgerThatCannotBeWrittenFailsTheAttempt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.ledger.cut = true
	calls := w.calls(func() {
		if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Again == 0 || !errors.Is(a.Fault, errCut) {
			t.Errorf("%s: %s", a.Status, a.Reason)
		}
	})
	if calls != "" {
		t.Errorf("called %s without a note of it in the ledger", calls)
	}
}
