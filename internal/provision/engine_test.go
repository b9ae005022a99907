package provision_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

func TestAHireIsCreatedWithOneCall(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	if got := w.calls(func() { w.provisioned(ada) }); got != "POST" {
		t.Errorf("called %s, want POST", got)
	}
	want := map[string]any{
		"id": "webex-1", "userName": "ada@example.com", "externalId": ada, "active": true,
		"displayName": "Given Surname",
		"name":        map[string]any{"givenName": "Given", "familyName": "Surname"},
		"emails":      []any{map[string]any{"type": "work", "value": "ada@example.com", "primary": true}},
	}
	if diff := cmp.Diff(want, w.org.of(ada)); diff != "" {
		t.Error(diff)
	}
}

// Each case changes Ada, who is provisioned, and says what that costs.
func TestAChangeIsWrittenWithTheSmallestPatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*person)
		calls  string
		action provision.Action
		wrote  []string
	}{
		{"nothing changed", func(*person) {}, "", provision.None, nil},
		{"a new surname", func(p *person) { p.surname = "Byron" }, "PATCH", provision.Update, []string{"name.familyName"}},
		{"a cleared attribute is left alone", func(p *person) { p.given = "" }, "", provision.None, nil},
		{
			"a rename", func(p *person) { p.name = "byron@example.com" }, "PATCH", provision.Update,
			[]string{`emails[type eq "work"].value`, "userName"},
		},
		{"a block", func(p *person) { p.enabled = false }, "PATCH", provision.Disable, []string{"active"}},
		{"a soft delete copies nothing but the state", func(p *person) { p.binned = true }, "PATCH", provision.Disable, []string{"active"}},
		{
			"a block closes the account before the rest follows",
			func(p *person) { p.enabled, p.surname = false, "Byron" }, "PATCH PATCH", provision.Disable,
			[]string{"active", "name.familyName"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			test.change(p)
			var a provision.Attempt
			if got := w.calls(func() { a = w.converge(updated(ada))[0] }); got != test.calls {
				t.Errorf("called %q, want %q", got, test.calls)
			}
			var wrote []string
			for _, m := range a.Modified {
				wrote = append(wrote, m.Attribute)
			}
			if a.Action != test.action || !cmp.Equal(wrote, test.wrote) || a.Fault != nil {
				t.Errorf("%s of %v, fault %v", a.Action, wrote, a.Fault)
			}
			if got := w.calls(func() { w.converge(updated(ada)) }); got != "" {
				t.Errorf("a second look called %s", got)
			}
		})
	}
}

func TestWhoIsLetInAgainIsActiveAgain(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]*person{
		"after a block":       {enabled: false},
		"after a soft delete": {enabled: true, binned: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			p.enabled, p.binned = state.enabled, state.binned
			w.provisioned(ada)
			if w.org.of(ada)["active"] != false {
				t.Fatal("the account is still active")
			}
			p.enabled, p.binned = true, false
			a := w.converge(updated(ada))[0]
			if a.Action != provision.Enable || w.org.of(ada)["active"] != true {
				t.Errorf("action %s, account %v", a.Action, w.org.of(ada))
			}
		})
	}
}

func TestWhoWasNeverProvisionedIsNotCreatedToBeDisabled(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]person{
		"blocked": {enabled: false}, "in the recycle bin": {enabled: true, binned: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.hire(ada, "ada@example.com")
			p.enabled, p.binned = state.enabled, state.binned
			calls := w.calls(func() {
				if a := w.converge(updated(ada))[0]; a.Status != provision.Skipped || a.Again != 0 {
					t.Errorf("%s: %s", a.Status, a.Reason)
				}
			})
			if calls != "" {
				t.Errorf("called %s", calls)
			}
		})
	}
}

func TestAnAccountThatIsThereIsAdopted(t *testing.T) {
	t.Parallel()
	for name, externalID := range map[string]any{
		"that nobody manages": nil, "that is this person's": ada, "that an earlier system left": "u-4711",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			id := w.org.add("ADA@example.com", externalID)
			w.hire(ada, "ada@example.com")
			if got := w.calls(func() { w.provisioned(ada) }); got != "POST SEARCH PATCH" {
				t.Errorf("called %s", got)
			}
			if a := w.org.of(ada); a == nil || a["id"] != id || a["displayName"] != "Given Surname" {
				t.Errorf("account %v", a)
			}
			if got := w.calls(func() { w.converge(updated(ada)) }); got != "" {
				t.Errorf("a second look called %s", got)
			}
		})
	}
}

func TestANameThatIsTrulyTakenIsAPermanentFault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(*world)
		again   int
		reason  string
	}{
		{"by an account of another Entra object", func(w *world) { w.hire(cyd, "cyd@example.com"); w.org.add("new@example.com", cyd) }, 0, "whose externalId names another Entra object"},
		{"by a live colleague", func(w *world) {
			w.hire(bob, "new_example.com#EXT#@contoso.onmicrosoft.com")
			w.provisioned(bob)
		}, 6, "both have this userName in Entra"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			test.prepare(w)
			before := len(w.org.accounts)
			w.hire(ada, "new@example.com")
			a := w.converge(updated(ada))[0]
			for range test.again { // the answer may be one of the past
				if a.Fault == nil || a.Fault.Kind != provision.Transient || a.Again == 0 {
					t.Errorf("%s: %s", a.Status, a.Reason)
				}
				w.now = w.now.Add(a.Again)
				a = w.converge(updated(ada))[0]
			}
			if a.Fault == nil || a.Fault.Kind != provision.Permanent || a.Again != 0 || !strings.Contains(a.Reason, test.reason) {
				t.Errorf("%s: %s", a.Status, a.Reason)
			}
			if len(w.org.accounts) != before {
				t.Errorf("there are %d accounts, were %d", len(w.org.accounts), before)
			}
		})
	}
}

func TestARenameToAnUnmanagedNameLeavesThatAccountAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	local := w.org.add("boss@example.com", nil)
	p.name = "boss@example.com"
	a := w.converge(updated(ada))[0]
	if a.Fault == nil || a.Fault.Kind != provision.Permanent || !strings.Contains(a.Reason, local) {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	if w.org.accounts[local]["externalId"] != nil || w.org.of(ada)["userName"] != "ada@example.com" {
		t.Error("an account was changed")
	}
}

func TestTwoPeopleSwapNames(t *testing.T) {
	t.Parallel()
	for name, batches := range map[string][][]change.Change{
		"in one batch":          {{updated(ada), updated(bob)}},
		"in one, the other way": {{updated(bob), updated(ada)}},
		"in two batches":        {{updated(ada)}, {updated(bob)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			a, b := w.hire(ada, "a@example.com"), w.hire(bob, "b@example.com")
			w.provisioned(ada)
			w.provisioned(bob)
			a.name, b.name = b.name, a.name
			for _, batch := range batches {
				for _, attempt := range w.converge(batch...) {
					if attempt.Fault != nil || attempt.Again != 0 {
						t.Errorf("%s: %s, again %s: %s", attempt.Object, attempt.Status, attempt.Again, attempt.Reason)
					}
				}
			}
			if w.org.of(ada)["userName"] != "b@example.com" || w.org.of(bob)["userName"] != "a@example.com" {
				t.Errorf("accounts %v", w.org.accounts)
			}
			if len(batches) == 2 && (len(w.queue.queued) != 1 || w.queue.queued[0].ID != bob) {
				t.Errorf("queued %v, want the one who was moved", w.queue.queued)
			}
		})
	}
}

func TestAChainOfRenamesInOneBatch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a, b, c := w.hire(ada, "a@example.com"), w.hire(bob, "b@example.com"), w.hire(cyd, "c@example.com")
	w.converge(updated(ada), updated(bob), updated(cyd))
	a.name, b.name, c.name = "b@example.com", "c@example.com", "a@example.com"
	for _, attempt := range w.converge(updated(ada), updated(bob), updated(cyd)) {
		if attempt.Status != provision.Success {
			t.Errorf("%s: %s: %s", attempt.Object, attempt.Status, attempt.Reason)
		}
	}
	for id, want := range map[string]string{ada: "b@example.com", bob: "c@example.com", cyd: "a@example.com"} {
		if got := w.org.of(id)["userName"]; got != want {
			t.Errorf("%s is %v, want %s", id, got, want)
		}
	}
}

func TestALeaversAddressGoesToANewHire(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "info@example.com")
	w.provisioned(ada)
	w.tenant.users[ada].binned = true
	w.provisioned(ada)
	w.hire(bob, "info@example.com")
	w.provisioned(bob)
	if got := w.org.of(bob)["userName"]; got != "info@example.com" {
		t.Errorf("the hire is %v", got)
	}
	if got := w.org.of(ada); got["userName"] != ada+"@example.com" || got["active"] != false {
		t.Errorf("the leaver is %v", got)
	}
	w.tenant.users[ada].binned = false
	if a := w.converge(updated(ada))[0]; a.Fault == nil || !strings.Contains(a.Reason, "both have this userName") {
		t.Errorf("restored under a name that is in use: %s: %s", a.Status, a.Reason)
	}
}

func TestAHolderThatCannotBeReadWholeIsNotMoved(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "info@example.com")
	w.provisioned(ada)
	p.lacks = "accountEnabled"
	w.hire(bob, "info@example.com")
	if a := w.converge(updated(bob))[0]; a.Fault == nil || a.Fault.Kind != provision.Transient {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	if got := w.org.of(ada)["userName"]; got != "info@example.com" {
		t.Errorf("the holder is %v", got)
	}
}

// Graph's word that this very id is gone, and two readings of both places
// apart in time, and only these.
func TestAPermanentDelete(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.gone = true
	first := w.converge(deleted(ada))[0]
	if first.Again != 10*time.Minute || w.org.of(ada)["active"] != false {
		t.Fatalf("first look: again %s, account %v: %s", first.Again, w.org.of(ada), first.Reason)
	}
	w.now = w.now.Add(9 * time.Minute)
	if early := w.converge(deleted(ada))[0]; early.Again != time.Minute || w.org.of(ada) == nil {
		t.Fatalf("a look too early: again %s: %s", early.Again, early.Reason)
	}
	w.now = w.now.Add(time.Minute)
	if second := w.converge(deleted(ada))[0]; second.Action != provision.Delete || w.org.of(ada) != nil {
		t.Fatalf("second look: %s: %s", second.Action, second.Reason)
	}
	calls := w.calls(func() {
		if again := w.converge(deleted(ada))[0]; again.Status != provision.Skipped || again.Again != 0 {
			t.Errorf("a doubled notification: %s: %s", again.Status, again.Reason)
		}
	})
	if calls != "" {
		t.Errorf("a doubled notification called %s", calls)
	}
}

func TestAbsenceWithoutGraphsWordNeverDeletes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.hidden = true
	if a := w.converge(updated(ada))[0]; a.Again == 0 || w.org.of(ada)["active"] != true {
		t.Fatalf("first look: again %s, account %v", a.Again, w.org.of(ada))
	}
	for began := w.now; ; {
		a := w.converge(updated(ada))[0]
		if a.Again == 0 {
			t.Fatalf("not looked at again: %s", a.Reason)
		}
		if early := w.now.Sub(began) < time.Hour; early != (a.Action == provision.None) {
			t.Fatalf("after %s: %s: %s", w.now.Sub(began), a.Action, a.Reason)
		}
		w.now = w.now.Add(a.Again)
		if a.Action == provision.Disable {
			break
		}
	}
	for range 3 {
		if a := w.converge(updated(ada))[0]; a.Again > time.Hour {
			t.Errorf("again after %s", a.Again)
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	if w.org.of(ada) == nil {
		t.Fatal("the account was deleted")
	}
	p.hidden = false
	if a := w.converge(updated(ada))[0]; a.Action != provision.Enable {
		t.Errorf("back again: %s: %s", a.Action, a.Reason)
	}
}

// An hour of absence is an hour of nothing else.
func TestAbsenceIsForgottenWhenTheObjectIsSeenAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]error{
		"whole":                                nil,
		"in an answer that lacks what decides": &provision.Fault{Kind: provision.Transient, Reason: "no accountEnabled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			for range 3 {
				p.hidden = true
				if a := w.converge(updated(ada))[0]; a.Again == 0 || w.org.of(ada)["active"] != true {
					t.Fatalf("absent: again %s, account %v: %s", a.Again, w.org.of(ada), a.Reason)
				}
				w.now = w.now.Add(50 * time.Minute)
				p.hidden, p.shown, p.fault = false, true, fault
				w.converge(updated(ada))
				if absence := w.record(user(ada)).Absence; absence != nil {
					t.Errorf("seen again: %+v", absence)
				}
			}
		})
	}
}

func TestAReplicaThatHasNotHeardOfAHireIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	p.hidden = true
	a := w.converge(updated(ada))[0]
	if a.Again != 10*time.Second || a.Fault != nil {
		t.Fatalf("again %s, fault %v", a.Again, a.Fault)
	}
	w.now = w.now.Add(a.Again)
	p.hidden = false
	w.provisioned(ada)
}

func TestAnIDNobodyKnowsIsSkippedAfterAWhile(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 20 {
		a := w.converge(updated(ada))[0]
		if a.Again == 0 {
			if a.Status != provision.Skipped {
				t.Errorf("%s: %s", a.Status, a.Reason)
			}
			return
		}
		w.now = w.now.Add(a.Again)
	}
	t.Error("it is still asked for")
}

func TestADeleteForAnObjectNeverSeenIsSkipped(t *testing.T) {
	t.Parallel()
	w := setup(t)
	calls := w.calls(func() {
		if a := w.converge(deleted(ada))[0]; a.Status != provision.Skipped || a.Again != 0 {
			t.Errorf("%s: %s", a.Status, a.Reason)
		}
	})
	if calls != "" {
		t.Errorf("called %s", calls)
	}
}

func TestAnElementThatIsMissingInWebexIsPutBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	delete(w.org.accounts["webex-1"], "emails")
	p.name = "byron@example.com"
	if got := w.calls(func() { w.provisioned(ada) }); got != "PATCH GET PATCH" {
		t.Errorf("called %s", got)
	}
	if w.org.of(ada)["userName"] != "byron@example.com" || w.org.of(ada)["emails"] == nil {
		t.Errorf("account %v", w.org.of(ada))
	}
}

func TestAUserNameThatIsNoAddressFailsBeforeAnyCall(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada")
	calls := w.calls(func() {
		a := w.converge(updated(ada))[0]
		if a.Fault == nil || a.Fault.Kind != provision.Permanent || !strings.Contains(a.Reason, "is not an e-mail address") {
			t.Errorf("%s: %s", a.Status, a.Reason)
		}
	})
	if calls != "" {
		t.Errorf("called %s", calls)
	}
}

func TestALeaverWithAttributesAtFaultIsDisabledAllTheSame(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.enabled, p.name = false, "ada"
	a := w.converge(updated(ada))[0]
	if w.org.of(ada)["active"] != false || a.Fault == nil {
		t.Errorf("account %v, fault %v", w.org.of(ada), a.Fault)
	}
}

func TestAMissingAccountEnabledIsNotFalse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.lacks = "accountEnabled"
	calls := w.calls(func() {
		if a := w.converge(updated(ada))[0]; a.Fault == nil || a.Fault.Kind != provision.Transient {
			t.Errorf("%s: %s", a.Status, a.Reason)
		}
	})
	if calls != "" {
		t.Errorf("called %s", calls)
	}
}

func TestNothingIsDestroyedOnTheWordOfAnotherTenant(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	w.tenant.id = bob
	p.enabled = false
	if a := w.converge(updated(ada))[0]; a.Fault == nil || w.org.of(ada)["active"] != true {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestProtectedUsersAreHeld(t *testing.T) {
	t.Parallel()
	for name, protected := range map[string]string{"by id": ada, "by userName": "Ada@example.com"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(c *provision.Config) { c.Protected = []string{protected} })
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			p.enabled = false
			a := w.converge(updated(ada))[0]
			if a.Fault == nil || a.Fault.Kind != provision.Held || a.Again != 0 || w.org.of(ada)["active"] != true {
				t.Errorf("%s, account %v", a.Reason, w.org.of(ada))
			}
		})
	}
}

func TestALeaverIsWrittenBeforeATitleChange(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a, b := w.hire(ada, "a@example.com"), w.hire(bob, "b@example.com")
	w.converge(updated(ada), updated(bob))
	a.surname, b.enabled = "New", false
	var order []string
	w.org.answer = func(op provision.Operation, done bool) error {
		if !done {
			order = append(order, op.Object.ID)
		}
		return nil
	}
	w.converge(updated(ada), updated(bob))
	if diff := cmp.Diff([]string{bob, ada}, order); diff != "" {
		t.Error(diff)
	}
}

func TestSeveralChangesOfOneObjectAreOnePieceOfWork(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	attempts := w.converge(updated(ada), updated(ada), updated(ada))
	if len(attempts) != 1 || len(attempts[0].Causes) != 3 || w.tenant.reads != 1 {
		t.Errorf("%d attempts, %d readings", len(attempts), w.tenant.reads)
	}
}

// A replica may still have whom Graph has just said to be deleted for good. The
// word comes once.
func TestTheWordThatSomebodyIsDeletedOutlivesAStaleAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	if a := w.converge(deleted(ada))[0]; a.Fault == nil || a.Again == 0 || w.org.of(ada)["active"] != true {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	p.gone = true
	w.converge(deleted(ada)) // the same message
	w.now = w.now.Add(10 * time.Minute)
	if w.converge(deleted(ada)); w.org.of(ada) != nil {
		t.Errorf("the account is left: %v", w.org.of(ada))
	}
}

// A message with Graph's word waits behind one that has none: not for long.
func TestTheWordWaitsForALookWithoutItForTenMinutes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.team(sales, "Sales")
	w.converge(changed(sales))
	w.tenant.groups[sales].gone = true
	for range 5 {
		a := w.converge(changed(sales))[0]
		if a.Again == 0 || a.Again > 10*time.Minute {
			t.Fatalf("again after %s: %s", a.Again, a.Reason)
		}
		w.now = w.now.Add(a.Again)
	}
}
