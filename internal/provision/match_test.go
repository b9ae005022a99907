package provision_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
)

// matchedBy has users matched by these attributes, in their precedence.
func matchedBy(t *testing.T, targets ...string) func(*provision.Config) {
	t.Helper()
	sources := map[string]string{"userName": "userPrincipalName", number: "employeeId", "nickName": "mailNickname"}
	var lines strings.Builder
	for i, target := range targets {
		fmt.Fprintf(&lines, "    - { target: %q, source: %s, matching: %d }\n", target, sources[target], i+1)
	}
	rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()),
		"    - { target: userName, source: userPrincipalName, matching: 1 }\n", lines.String(), 1)))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *provision.Config) { c.Mapping = rules }
}

// employ hires somebody with a number and a nickname.
func (w *world) employ(id, name string, number any) *person {
	p := w.hire(id, name)
	p.more = map[string]any{"employeeId": number, "mailNickname": "nick"}
	return p
}

// numbered puts an account with a number into the organization by hand.
func (w *world) numbered(name, number string) string {
	id := w.org.add(name, nil)
	w.org.accounts[id][enterprise] = map[string]any{"employeeNumber": number}
	return id
}

func TestAHireCostsASearchForEachAttributeButTheName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		by     []string
		number any
		calls  string
	}{
		{[]string{"userName"}, "4711", "POST"},
		{[]string{number, "userName"}, "4711", "SEARCH POST"},
		{[]string{"userName", number}, "4711", "SEARCH POST"},
		{[]string{number, "nickName", "userName"}, "4711", "SEARCH SEARCH POST"},
		{[]string{number, "userName"}, nil, "POST"},
	} {
		t.Run(fmt.Sprint(test.by, test.number), func(t *testing.T) {
			t.Parallel()
			w := setup(t, matchedBy(t, test.by...))
			w.employ(ada, "ada@example.com", test.number)
			if calls := w.calls(func() { w.provisioned(ada) }); calls != test.calls {
				t.Errorf("called %s, want %s", calls, test.calls)
			}
			if calls := w.calls(func() { w.converge(updated(ada)) }); calls != "" {
				t.Errorf("one more look calls %s", calls)
			}
		})
	}
}

func TestAnAccountWithTheNumberIsAdoptedAndRenamed(t *testing.T) {
	t.Parallel()
	w := setup(t, matchedBy(t, number, "userName"))
	w.employ(ada, "ada.o'brien@example.com", `4"7\11`)
	found := w.numbered("ada.jones@example.com", `4"7\11`)
	planned := w.dryRun(updated(ada))[0]
	calls := w.calls(func() { w.provisioned(ada) })
	if got := w.account(ada); got.ID != found || got.Attributes["userName"] != "ada.o'brien@example.com" || calls != "SEARCH PATCH" {
		t.Errorf("%s called for %s: %v", calls, got.ID, got.Attributes)
	}
	if planned.Action != provision.Update || planned.WebexID != found {
		t.Errorf("the plan is to %s %s: %s", planned.Action, planned.WebexID, planned.Reason)
	}
}

func TestTheFirstAttributeByWhichOneIsFoundDecides(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		by   []string
		want string
	}{
		{[]string{number, "userName"}, "numbered"},
		{[]string{"userName", number}, "named"},
	} {
		t.Run(test.by[0], func(t *testing.T) {
			t.Parallel()
			w := setup(t, matchedBy(t, test.by...))
			w.employ(ada, "ada@example.com", "4711")
			ids := map[string]string{w.numbered("old@example.com", "4711"): "numbered", w.org.add("ada@example.com", nil): "named"}
			planned := w.dryRun(updated(ada))[0]
			w.converge(updated(ada))
			if got := ids[w.account(ada).ID]; got != test.want || ids[planned.WebexID] != test.want {
				t.Errorf("adopted %s, planned %s, want %s", got, ids[planned.WebexID], test.want)
			}
		})
	}
}

// The account that is found has another name than Entra, where somebody else has had it
// until a moment ago.
func TestAnAdoptedAccountIsRenamedOnceItsNameIsFree(t *testing.T) {
	t.Parallel()
	w := setup(t, matchedBy(t, number, "userName"))
	b := w.employ(bob, "ada@example.com", "1")
	w.provisioned(bob)
	b.name = "bob@example.com"
	w.employ(ada, "ada@example.com", "4711")
	found := w.numbered("old@example.com", "4711")
	w.provisioned(ada)
	w.converge(updated(bob))
	if got := w.account(ada); got.ID != found || got.Attributes["userName"] != "ada@example.com" || w.org.of(bob)["userName"] != "bob@example.com" {
		t.Errorf("%v, and bob's %v", got.Attributes, w.org.of(bob))
	}
}

func TestTwoAccountsWithTheNumberAreNamedAndNothingIsMade(t *testing.T) {
	t.Parallel()
	w := setup(t, matchedBy(t, number, "userName"))
	w.employ(ada, "ada@example.com", "4711")
	one, two := w.numbered("one@example.com", "4711"), w.numbered("two@example.com", "4711")
	planned := w.dryRun(updated(ada))[0]
	a := w.converge(updated(ada))[0]
	if a.Fault == nil || a.Fault.Kind != provision.Permanent || !strings.Contains(a.Reason, one+", "+two) || planned.Reason != a.Reason {
		t.Errorf("%s: %s; planned: %s", a.Status, a.Reason, planned.Reason)
	}
	if w.org.of(ada) != nil || len(w.org.accounts) != 2 {
		t.Errorf("%v", w.org.accounts)
	}
	delete(w.org.accounts[two], enterprise)
	w.provisioned(ada)
	if got := w.account(ada); got.ID != one {
		t.Errorf("adopted %s, want %s", got.ID, one)
	}
}

// Whoever comes back gets a new object in Entra, with the number of before: the account
// of the former object is not theirs while that is known.
func TestAnAccountOfAnotherWithTheNumberIsNotAdopted(t *testing.T) {
	t.Parallel()
	w := setup(t, matchedBy(t, number, "userName"))
	w.employ(bob, "bob@example.com", "4711")
	w.provisioned(bob)
	w.tenant.users[bob].enabled = false
	w.provisioned(bob)
	w.employ(ada, "ada@example.com", "4711")
	w.provisioned(ada)
	if w.account(ada).ID == w.account(bob).ID || w.org.of(bob)["active"] != false {
		t.Errorf("%v", w.org.accounts)
	}
}

func TestWhereCreateIsOffWhoIsThereIsFoundByTheNumber(t *testing.T) {
	t.Parallel()
	w := setup(t, mapped(t, "  actions: { create: false }\n", "    - { target: '"+number+"', source: employeeId, matching: 2 }\n", ""))
	w.employ(ada, "ada@example.com", "4711")
	w.employ(bob, "bob@example.com", "4712")
	found := w.numbered("old@example.com", "4711")
	w.provisioned(ada)
	if a := w.converge(updated(bob))[0]; a.Status != provision.Skipped || len(w.org.accounts) != 1 || w.account(ada).ID != found {
		t.Errorf("%s: %s: %v", a.Status, a.Reason, w.org.accounts)
	}
}

// A creation whose answer is lost is not made again under the number's search, and not
// twice.
func TestALostCreationIsFoundAgainWhereTheNumberMatches(t *testing.T) {
	t.Parallel()
	w := setup(t, matchedBy(t, number, "userName"))
	w.employ(ada, "ada@example.com", "4711")
	w.org.answer = lost()
	w.converge(updated(ada))
	w.org.answer = nil
	if a := w.settled(updated(ada), time.Hour); a.Status == provision.Failure || len(w.org.accounts) != 1 {
		t.Errorf("%s: %s: %v", a.Status, a.Reason, w.org.accounts)
	}
}

func TestASweepMatchesByItsListWithoutACall(t *testing.T) {
	t.Parallel()
	w := setup(t, matchedBy(t, "userName", number))
	w.employ(ada, "ada@example.com", "4711")
	w.employ(bob, "bob@example.com", "4712")
	found := w.numbered("old@example.com", "4711")
	account := provision.Resource{ID: found, Attributes: w.org.accounts[found]}
	seen := w.sighted(ada, account)
	hire := w.sighted(bob)
	seen.Sought, hire.Sought = []string{"userName", number}, []string{"userName", number}
	if calls := w.calls(func() { w.see(seen, hire) }); calls != "PATCH POST" || w.account(ada).ID != found {
		t.Errorf("called %s, adopted %s", calls, w.account(ada).ID)
	}
}

// The name is taken by somebody who has another one by now: once there is room for it,
// what matched nothing before is not searched for again.
func TestNothingIsSearchedForTwiceInAnAttempt(t *testing.T) {
	t.Parallel()
	w := setup(t, matchedBy(t, number, "userName"))
	b := w.employ(bob, "ada@example.com", "1")
	w.provisioned(bob)
	b.name = "bob@example.com"
	w.employ(ada, "ada@example.com", "4711")
	if calls := w.calls(func() { w.provisioned(ada) }); strings.Count(calls, "SEARCH") != 2 || !strings.HasPrefix(calls, "SEARCH POST SEARCH PATCH POST") {
		t.Errorf("called %s", calls)
	}
}

// What a dry run changed in Webex is found as it would be by then.
func TestADryRunMatchesWhatWouldBeThere(t *testing.T) {
	t.Parallel()
	w := setup(t, matchedBy(t, number, "userName"))
	ids := []string{w.numbered("ada@example.com", "1"), w.numbered("bob@example.com", "1"), w.numbered("cyd@example.com", "1")}
	o := &targeted{Target: provision.NewDryRunTarget(unlisted{w.org}, numberedRules(t)), t: t}
	if got := o.matched("1"); !slices.Equal(got, ids) {
		t.Errorf("found %v, want %v", got, ids)
	}
	o.write(replacing(aUser(name), ids[1], number, "2"))
	o.write(provision.Operation{Object: user(cyd), ID: ids[2], Delete: true})
	o.write(replacing(aUser(name), ids[0], number, "1"))
	if one, two := o.matched("1"), o.matched("2"); !slices.Equal(one, ids[:1]) || !slices.Equal(two, ids[1:2]) {
		t.Errorf("found %v and %v, want %v and %v", one, two, ids[:1], ids[1:2])
	}
	o.write(provision.Operation{Object: user(bob), ID: ids[1], Delete: true})
	if got := o.matched("2"); len(got) > 0 {
		t.Errorf("found %v, who would be deleted", got)
	}
}
