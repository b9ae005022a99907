package provision_test

import (
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// A 404 is not the account's end: who left stays open for it otherwise.
func TestALeaverIsDisabledWhateverWebexSaysFirst(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ answers int }{"once": {1}, "ten times": {10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			p.enabled = false
			left := test.answers
			w.org.answer = func(_ provision.Operation, done bool) error {
				if done || left == 0 {
					return nil
				}
				left--
				return provision.Answered(provision.Gone, "404", nil)
			}
			a := w.settled(updated(ada), 12*time.Hour)
			if a.Status != provision.Success || w.org.of(ada)["active"] != false {
				t.Errorf("%s: %s, account %v", a.Status, a.Reason, w.org.of(ada))
			}
		})
	}
}

func TestAnAccountThatIsNotFoundByItsIDIsLookedForByItsName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.enabled = false
	w.org.unread = map[string]bool{"webex-1": true}
	a := w.settled(updated(ada), 3*time.Hour)
	if a.Fault == nil || a.Again == 0 {
		t.Fatalf("given up after three hours: %s: %s", a.Status, a.Reason)
	}
	w.org.unread = nil
	if a = w.settled(updated(ada), time.Hour); a.Status != provision.Success || w.org.of(ada)["active"] != false {
		t.Errorf("%s: %s, account %v", a.Status, a.Reason, w.org.of(ada))
	}
}

func TestALeaverWhoseAccountIsNeverFoundIsDoneAfterAnHourAndNotSkipped(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	delete(w.org.accounts, "webex-1")
	p.enabled = false
	began := w.now
	if a := w.settled(updated(ada), 50*time.Minute); a.Fault == nil || a.Fault.Kind != provision.Transient {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	a := w.settled(updated(ada), time.Hour)
	if a.Status != provision.Success || a.WebexID != "" || w.now.Sub(began) < time.Hour {
		t.Errorf("%s after %s: %s", a.Status, w.now.Sub(began), a.Reason)
	}
}

func TestALeaverWhoIsOnNeitherSideIsSettled(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	delete(w.org.accounts, "webex-1")
	p.gone = true
	a := w.settled(deleted(ada), 2*time.Hour)
	if r := w.record(user(ada)); a.Status != provision.Success || r.Absence != nil || r.OpenFault != nil {
		t.Errorf("%s: %s; %+v", a.Status, a.Reason, r)
	}
}

func TestAnInactiveAccountThatWebexRemovedIsMadeAgainWhenItShouldBeActive(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.enabled = false
	w.provisioned(ada)
	delete(w.org.accounts, "webex-1") // after 30 days
	p.enabled = true
	a := w.settled(updated(ada), time.Hour)
	if a.Status != provision.Success || a.Action != provision.Create || w.org.of(ada)["active"] != true {
		t.Errorf("%s: %s, account %v", a.Status, a.Reason, w.org.of(ada))
	}
}

func TestALinkOutlivesAReplicaThatIsBehindForAMoment(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.surname = "Byron"
	w.org.lag, w.org.unread = true, map[string]bool{"webex-1": true}
	if a := w.settled(updated(ada), 3*time.Minute); a.Again == 0 {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	w.org.lag, w.org.unread = false, nil
	a := w.settled(updated(ada), time.Hour)
	if a.Status != provision.Success || a.WebexID != "webex-1" || len(w.org.accounts) != 1 {
		t.Errorf("%s: %s, linked to %s of %d accounts", a.Status, a.Reason, a.WebexID, len(w.org.accounts))
	}
	if r := w.record(change.Object{Kind: change.User, ID: ada}); r.Missing != nil {
		t.Errorf("it still counts as missing: %+v", r.Missing)
	}
}

func TestWhoIsAdoptedFromAFormerTenantIsAskedAboutOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i, id := range []string{ada, bob} {
		w.hire(id, []string{"ada@example.com", "bob@example.com"}[i])
	}
	w.org.add("ada@example.com", "7d3c0a1b-5e6f-4a7b-9c8d-000000000001")
	w.org.add("bob@example.com", cyd)
	w.hire(cyd, "cyd@example.com").binned = true
	reads := w.tenant.reads
	attempts := w.converge(updated(ada))
	if a := attempts[0]; a.Status != provision.Success || a.WebexID != "webex-1" || w.org.accounts["webex-1"]["externalId"] != ada {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	if asked := w.tenant.reads - reads; asked != 2 {
		t.Errorf("Entra was read %d times", asked)
	}
	if a := w.converge(updated(bob))[0]; a.Fault == nil || a.Fault.Kind != provision.Permanent {
		t.Errorf("the account of somebody in the recycle bin was adopted: %s: %s", a.Status, a.Reason)
	}
}
