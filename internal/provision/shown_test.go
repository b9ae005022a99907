package provision_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// What an answer shows is what Webex has, whatever was asked.
func TestADisableThatWebexShowsAsNotDoneIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.enabled = false
	w.org.show = func(_ provision.Operation, account map[string]any) { account["active"] = true }
	a := w.converge(updated(ada))[0]
	if a.Fault == nil || a.Fault.Code != provision.Ignored || a.Again == 0 || a.Action != provision.None {
		t.Fatalf("%s %s: %s", a.Action, a.Status, a.Reason)
	}
	w.org.show = nil
	if a = w.settled(updated(ada), time.Hour); a.Status != provision.Success || w.org.of(ada)["active"] != false {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestATitleThatWebexDoesNotTakeIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.display, p.surname = "Lady", "Lovelace"
	w.org.show = func(_ provision.Operation, account map[string]any) { account["displayName"] = "Given Surname" }
	a := w.converge(updated(ada))[0]
	if a.Fault == nil || a.Fault.Code != provision.Ignored || !strings.Contains(a.Reason, "displayName") {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	if name, _ := w.org.of(ada)["name"].(map[string]any); name["familyName"] != "Lovelace" {
		t.Errorf("account %v", w.org.of(ada))
	}
}

func TestWhatWebexMakesOfAValueIsInSync(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "Ada@Example.com")
	p.display = "Ada  Lovelace"
	w.org.show = func(_ provision.Operation, account map[string]any) {
		account["userName"] = strings.ToLower(account["userName"].(string))
		account["displayName"] = strings.Join(strings.Fields(account["displayName"].(string)), " ")
	}
	w.provisioned(ada)
	for range 2 {
		again := updated(ada)
		again.Afresh = false
		if calls := w.calls(func() { w.converge(again) }); calls != "" {
			t.Errorf("called %s", calls)
		}
	}
	p.display = "Ada  King"
	if calls := w.calls(func() { w.provisioned(ada) }); calls != "PATCH" {
		t.Errorf("called %s", calls)
	}
}

func TestANameThatWebexTakesAwayOnDeactivationIsPutBackWithTheAccount(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	w.org.show = func(_ provision.Operation, account map[string]any) {
		if account["active"] == false {
			account["userName"] = "9f8e7d6cada@example.com"
		}
	}
	p.enabled = false
	if calls := w.calls(func() { w.provisioned(ada) }); calls != "PATCH" {
		t.Fatalf("called %s while it is closed", calls)
	}
	p.surname = "Lovelace"
	w.provisioned(ada)
	if name := w.org.of(ada)["userName"]; name != "9f8e7d6cada@example.com" {
		t.Errorf("renamed to %v while it is closed", name)
	}
	p.enabled = true
	if calls := w.calls(func() { w.provisioned(ada) }); calls != "PATCH" {
		t.Errorf("called %s", calls)
	}
	if a := w.org.of(ada); a["userName"] != "ada@example.com" || a["active"] != true {
		t.Errorf("account %v", a)
	}
}

// Somebody reopened it by hand: that is seen with the next answer.
func TestAnAccountThatAnAnswerShowsOpenIsClosed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.enabled = false
	w.provisioned(ada)
	reopened := false
	w.org.show = func(_ provision.Operation, account map[string]any) {
		if !reopened {
			reopened, account["active"] = true, true
		}
	}
	p.surname = "Lovelace"
	if w.provisioned(ada); w.org.of(ada)["active"] != false {
		t.Errorf("account %v", w.org.of(ada))
	}
}

// A conflict that is about no name is read, and not taken for one.
func TestAConflictIsAQuestion(t *testing.T) {
	t.Parallel()
	conflict := provision.Answered(provision.Exists, "409", nil)
	for name, test := range map[string]struct {
		change func(p *person)
		times  int
		want   provision.Status
		calls  string
	}{
		"a new name of one's own":    {func(p *person) { p.surname = "Lovelace" }, 1, provision.Success, "PATCH GET PATCH"},
		"and once more":              {func(p *person) { p.surname = "Lovelace" }, 2, provision.Failure, "PATCH GET PATCH"},
		"a block":                    {func(p *person) { p.enabled = false }, 1, provision.Success, "PATCH GET PATCH"},
		"a userName that is its own": {func(p *person) { p.name = "lady@example.com" }, 1, provision.Success, "PATCH SEARCH GET PATCH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			test.change(p)
			left := test.times
			w.org.answer = func(_ provision.Operation, done bool) error {
				if done || left == 0 {
					return nil
				}
				left--
				w.org.calls = append(w.org.calls, "PATCH")
				return conflict
			}
			var a provision.Attempt
			calls := w.calls(func() { a = w.converge(updated(ada))[0] })
			if a.Status != test.want || calls != test.calls {
				t.Errorf("%s: %s, called %s", a.Status, a.Reason, calls)
			}
			if a.Fault != nil && (a.Fault.Kind != provision.Transient || a.Again == 0) {
				t.Errorf("not tried again: %v", a.Fault)
			}
		})
	}
}

// One attribute that Webex does not take keeps none of the others out: that which the
// refusal names, or else the one that is refused where each is written by itself.
func TestAnAttributeThatWebexRefusesIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		named  []string
		writes int
	}{
		{"which the refusal names", []string{"displayName"}, 2},
		{"which is not told", nil, 3},
		{"where more than one is named", []string{"displayName", "name"}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			p.display, p.surname = "Lady", "Lovelace"
			writes := 0
			w.org.answer = func(op provision.Operation, done bool) error {
				if done {
					return nil
				}
				writes++
				if slices.ContainsFunc(op.Patch, func(o mapping.PatchOperation) bool { return o.Path == "displayName" }) {
					return &provision.Fault{Kind: provision.Permanent, Reason: "400", Attributes: test.named}
				}
				return nil
			}
			a := w.converge(updated(ada))[0]
			if a.Fault == nil || a.Fault.Kind != provision.Permanent || a.Reason != "displayName not written, all else is: 400" {
				t.Errorf("%s: %s", a.Status, a.Reason)
			}
			if name, _ := w.org.of(ada)["name"].(map[string]any); name["familyName"] != "Lovelace" || writes != test.writes {
				t.Errorf("%d writes, account %v", writes, w.org.of(ada))
			}
		})
	}
}

// A holder that Webex does not let be renamed is a fault of the newcomer, at
// once, and none of the holder.
func TestAHolderThatCannotBeRenamedIsNamed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	former := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	former.binned = true
	w.provisioned(ada)
	w.hire(bob, "ada@example.com")
	w.org.answer = func(op provision.Operation, done bool) error {
		if !done && op.Object.ID == ada {
			return &provision.Fault{Kind: provision.Permanent, Reason: "400, User must be active", RequestID: "ROUTER_1"}
		}
		return nil
	}
	a := w.converge(updated(bob))[0]
	if a.Fault == nil || a.Fault.Kind != provision.Permanent || a.Fault.RequestID != "ROUTER_1" ||
		!strings.Contains(a.Reason, "webex-1") || !strings.Contains(a.Reason, "Control Hub") {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	if r := w.record(change.Object{Kind: change.User, ID: ada}); r.OpenFault != nil {
		t.Errorf("the holder has a fault: %+v", r.OpenFault)
	}
}

// A write that was not answered may come to its effect after what was read.
func TestWhatWasReadTooSoonAfterAnUnansweredWriteIsReadAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.enabled = false
	w.provisioned(ada)
	p.enabled = true
	var late func()
	w.org.answer = func(_ provision.Operation, done bool) error {
		if done || late != nil {
			return nil
		}
		late = func() { w.org.accounts["webex-1"]["active"] = true }
		return &provision.Fault{Kind: provision.Transient, Uncertain: true, Pending: true, Reason: "timeout"}
	}
	w.converge(updated(ada))
	p.enabled = false // before the other one has its effect
	w.now = w.now.Add(10 * time.Second)
	a := w.converge(updated(ada))[0]
	if a.Again == 0 {
		t.Fatalf("believed at once: %s: %s", a.Status, a.Reason)
	}
	late()
	w.now = w.now.Add(a.Again)
	if a = w.converge(updated(ada))[0]; w.org.of(ada)["active"] != false || a.Again != 0 {
		t.Errorf("%s, again %s: %s, account %v", a.Status, a.Again, a.Reason, w.org.of(ada))
	}
}

// So may a holder's move out of the way, after the holder has the name it shall have.
func TestAHolderWhoseMoveWasNotAnsweredIsReadAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a, b := w.hire(ada, "a@example.com"), w.hire(bob, "b@example.com")
	w.converge(updated(ada), updated(bob))
	a.name, b.name = "b@example.com", "c@example.com"
	unanswered := false
	w.org.answer = func(op provision.Operation, done bool) error {
		if done || unanswered || op.Object.ID != bob {
			return nil
		}
		unanswered = true
		return &provision.Fault{Kind: provision.Transient, Uncertain: true, Pending: true, Reason: "timeout"}
	}
	w.converge(updated(ada))
	w.now = w.now.Add(10 * time.Second)
	w.converge(updated(ada))
	again := w.converge(updated(bob))[0] // who was queued when he was moved
	if w.org.of(bob)["userName"] != "c@example.com" || again.Again == 0 {
		t.Fatalf("%s, again %s: %s, account %v", again.Status, again.Again, again.Reason, w.org.of(bob))
	}
	w.org.of(bob)["userName"] = bob + "@example.com" // comes late
	w.now = w.now.Add(again.Again)
	if a := w.converge(updated(bob))[0]; w.org.of(bob)["userName"] != "c@example.com" || a.Again != 0 {
		t.Errorf("%s, again %s: %s, account %v", a.Status, a.Again, a.Reason, w.org.of(bob))
	}
}

// A reading that contradicts the list is not the last word for some minutes.
func TestANomineeStaysNominated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		nominated change.Nomination
		roles     []string
		looks     int
	}{
		"who is listed and not read as assigned": {change.In, nil, 23},
		"who has left and is read as assigned":   {change.Out, []string{role}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, assignedOnly)
			w.hire(ada, "ada@example.com")
			w.tenant.roles[ada] = test.roles
			c := updated(ada)
			c.Nominated, c.SeenAt = test.nominated, w.now
			looks := 0
			for a := w.Converge(t.Context(), []change.Change{c})[0]; a.Again > 0; a = w.Converge(t.Context(), []change.Change{c})[0] {
				w.now = w.now.Add(a.Again)
				if looks++; looks > test.looks {
					t.Fatalf("looked at %d times and more", looks)
				}
			}
			if waited := w.now.Sub(c.SeenAt); waited < 4*time.Minute || waited > 6*time.Minute {
				t.Errorf("looked at for %s", waited)
			}
		})
	}
}

// Whoever lost one of two groups is said to be out, and is in. Should the application go
// meanwhile, the list is empty: that its word was refuted is not forgotten.
func TestAWordThatLooksRefutedIsNoSecondSource(t *testing.T) {
	t.Parallel()
	w := setup(t, assignedOnly)
	w.hire(ada, "ada@example.com")
	w.tenant.roles[ada] = []string{role}
	w.provisioned(ada)
	c := updated(ada)
	c.Nominated, c.SeenAt = change.Out, w.now
	look := func() provision.Attempt { return w.Converge(t.Context(), []change.Change{c})[0] }
	for range 2 {
		w.now = w.now.Add(time.Minute)
		if a := look(); a.Action != provision.None || a.Again == 0 {
			t.Fatalf("%s, again %s: %s", a.Action, a.Again, a.Reason)
		}
	}
	delete(w.tenant.roles, ada)
	w.now = w.now.Add(time.Second)
	if a := look(); a.Action != provision.None || a.Again == 0 {
		t.Errorf("at the first empty list: %s, again %s: %s", a.Action, a.Again, a.Reason)
	}
	w.now = w.now.Add(2 * time.Minute)
	if a := look(); a.Action != provision.Disable {
		t.Errorf("after as long as it was refuted: %s: %s", a.Action, a.Reason)
	}
}

// Who leaves by the filter is out, as the list says, though still assigned; and the
// filter is no reason to doubt a list that says assigned.
func TestTheFilterContradictsNoList(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		nominated change.Nomination
		display   string
		looks     bool
	}{
		"out, and not in the filter":      {change.Out, "Ada L", false},
		"out, and read as in the filter":  {change.Out, "Ada", true},
		"in by a list, and not by filter": {change.In, "Ada L", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, assignedOnly, exceptAdaL(t))
			w.hire(ada, "ada@example.com").display = test.display
			w.tenant.roles[ada] = []string{role}
			c := updated(ada)
			c.Nominated = test.nominated
			if a := w.converge(c)[0]; (a.Again > 0) != test.looks {
				t.Errorf("again after %s: %s", a.Again, a.Reason)
			}
		})
	}
}

// exceptAdaL has everybody in scope but Ada L.
func exceptAdaL(t *testing.T) func(*provision.Config) {
	t.Helper()
	f, mistakes := scoping.NewFilter([][]scoping.Clause{{{Attribute: "displayName", Operator: "NOT EQUALS", Value: "Ada L"}}})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return func(c *provision.Config) { c.Scoping.Filters.Users = f }
}

// What a page shows of somebody who enters or leaves by the filter is no reason to
// let them be; what it does not show is none either.
func TestWhoEntersOrLeavesByTheFilterIsNotUnchanged(t *testing.T) {
	t.Parallel()
	w := setup(t, exceptAdaL(t))
	p := w.hire(ada, "ada@example.com")
	unchanged := func(want bool, when string) {
		t.Helper()
		attributes := maps.Clone(w.tenant.reading(ada).Attributes)
		if got, err := w.Unchanged(t.Context(), change.Object{Kind: change.User, ID: ada}, attributes); got != want || err != nil {
			t.Errorf("%s: unchanged %t, %v", when, got, err)
		}
	}
	p.display = "Ada L"
	unchanged(true, "out, and never provisioned")
	p.display = "Ada"
	unchanged(false, "in, and not provisioned yet")
	w.provisioned(ada)
	unchanged(true, "in, and provisioned")
	p.lacks = "displayName"
	unchanged(false, "not shown")
	p.lacks, p.display = "", "Ada L"
	unchanged(false, "out, and provisioned")
	if a := w.converge(updated(ada))[0]; a.Action != provision.Disable {
		t.Errorf("%s: %s", a.Action, a.Reason)
	}
	p.display = "Ada"
	unchanged(false, "in, and closed")
	if a := w.converge(updated(ada))[0]; a.Action != provision.Enable {
		t.Errorf("%s: %s", a.Action, a.Reason)
	}
}

func TestWhatAPageDoesNotShowIsNotUnchanged(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.hire(ada, "ada@example.com")
	object := change.Object{Kind: change.User, ID: ada}
	all := map[string]any{
		"userPrincipalName": "ada@example.com", "givenName": "Given", "surname": "Surname", "displayName": "Given Surname", "accountEnabled": false,
	}
	for _, lacks := range []string{"", "accountEnabled", "userPrincipalName"} {
		attributes := maps.Clone(all)
		delete(attributes, lacks)
		if unchanged, err := w.Unchanged(t.Context(), object, attributes); unchanged != (lacks == "") || err != nil {
			t.Errorf("without %q: %v, %v", lacks, unchanged, err)
		}
	}
	if _, err := w.ledger.Claim(t.Context(), object, "another", w.now, w.now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if unchanged, err := w.Unchanged(t.Context(), object, all); unchanged || err != nil {
		t.Errorf("while another works on it: %v, %v", unchanged, err)
	}
}
