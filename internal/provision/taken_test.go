package provision_test

import (
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/provision"
)

// Webex keeps the address of a deleted account for seven days and shows nobody
// who has it.
func TestANameThatNobodyShowsIsAskedForForEightDays(t *testing.T) {
	t.Parallel()
	w := setup(t, func(c *provision.Config) {
		c.Later = &provision.Later{Documents: documents(t, c.Ledger)}
	})
	w.org.foreign = []string{"ada@example.com"}
	w.hire(ada, "ada@example.com")
	began := w.now
	var gaps []time.Duration
	a := w.converge(updated(ada))[0]
	for n := 0; a.Again > 0 || !a.Later.IsZero(); n++ {
		if n > 100 {
			t.Fatalf("still asked for after %s", w.now.Sub(began))
		}
		if a.Fault == nil || a.Fault.Kind != provision.Transient || !a.Later.IsZero() && a.Again > 0 {
			t.Fatalf("%s: %s", a.Status, a.Reason)
		}
		for _, reason := range []string{"another organization", "deleted within the last 7 days"} {
			if !strings.Contains(a.Reason, reason) {
				t.Fatalf("%q does not say %q", a.Reason, reason)
			}
		}
		at := w.now.Add(a.Again)
		if !a.Later.IsZero() {
			at = a.Later
			if early := w.due(at.Add(-time.Second)); len(early) > 0 {
				t.Fatalf("queued before it is due: %v", early)
			}
			if queued := w.due(at); len(queued) != 1 || queued[0].ID != ada {
				t.Fatalf("queued %v", queued)
			}
		}
		gaps = append(gaps, at.Sub(w.now))
		w.now = at
		a = w.converge(updated(ada))[0]
	}
	if took := w.now.Sub(began); took < 8*24*time.Hour || !a.Fault.GivenUp {
		t.Errorf("given up after %s: %s", took, a.Reason)
	}
	for i := range gaps[1:] {
		if gaps[i+1] < gaps[i] {
			t.Errorf("asked for sooner and sooner: %v", gaps)
		}
	}
}

// due queues what is due at that time and returns it.
func (w *world) due(at time.Time) []change.Change {
	w.t.Helper()
	w.queue.queued = nil
	if err := w.config.Later.Queue(w.t.Context(), w.queue, at); err != nil {
		w.t.Fatal(err)
	}
	queued := w.queue.queued
	w.queue.queued = nil
	return queued
}

func documents(t *testing.T, l provision.Ledger) document.Store {
	t.Helper()
	faulty, ok := l.(*faultyLedger)
	if !ok {
		t.Fatalf("%T", l)
	}
	kept, ok := faulty.Ledger.(document.Store)
	if !ok {
		t.Fatalf("%T", faulty.Ledger)
	}
	return kept
}

func TestAnAliasThatHasTheNameIsNamed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.org.foreign = []string{"ada@example.com"}
	holder := w.org.add("other@example.com", nil)
	w.org.accounts[holder]["emails"] = []any{
		map[string]any{"value": "other@example.com", "type": "work"}, map[string]any{"value": "Ada@example.com", "type": "other"},
	}
	w.hire(ada, "ada@example.com")
	if a := w.converge(updated(ada))[0]; !strings.Contains(a.Reason, "alias of the Webex account "+holder) {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

// A new name that cannot be had holds nothing else up: not another attribute, and
// least of all a block.
func TestANameThatIsTakenHoldsNothingElseUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	w.org.foreign = []string{"lady@example.com"}
	p.name, p.surname = "lady@example.com", "Lovelace"
	a := w.converge(updated(ada))[0]
	if a.Fault == nil || a.Fault.Code != provision.Taken {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	account := w.org.of(ada)
	if name, _ := account["name"].(map[string]any); name["familyName"] != "Lovelace" || account["userName"] != "ada@example.com" {
		t.Errorf("account %v", account)
	}
	p.enabled = false
	w.now = w.now.Add(time.Hour)
	w.converge(updated(ada))
	if w.org.of(ada)["active"] != false {
		t.Errorf("account %v", w.org.of(ada))
	}
}

// Six refusals for another reason say nothing about a name that two have for a
// moment.
func TestTwoWhoHoldANameForAMomentAreNotPermanentForWhatCameBefore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(bob, "new_example.com#EXT#@contoso.onmicrosoft.com")
	w.provisioned(bob)
	w.hire(ada, "new@example.com")
	w.org.answer = func(_ provision.Operation, done bool) error {
		if done {
			return nil
		}
		return &provision.Fault{Kind: provision.Throttled, After: time.Second, Reason: "429"}
	}
	for range 8 {
		w.converge(updated(ada))
		w.now = w.now.Add(time.Minute)
	}
	w.org.answer = nil
	if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Fault.Kind != provision.Transient {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

// Sixty changes, an outage of thirty hours, then a rough quarter of an hour: what
// is counted is the time of attempts, and not that of the pause between them.
func TestAPauseOfDaysSpendsNoAttempts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	w.org.answer = func(_ provision.Operation, done bool) error {
		if done {
			return nil
		}
		return &provision.Fault{Kind: provision.Transient, Reason: "502"}
	}
	w.converge(updated(ada))
	w.now = w.now.Add(30 * time.Hour)
	for range 3 {
		if a := w.converge(updated(ada))[0]; a.Fault.GivenUp || a.Again == 0 {
			t.Fatalf("given up: %s", a.Reason)
		}
		w.now = w.now.Add(5 * time.Minute)
	}
	w.org.answer = nil
	w.provisioned(ada)
}
