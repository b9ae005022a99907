package membership_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision/membership"
)

func TestWhoeverOneSideAloneHasIsFound(t *testing.T) {
	t.Parallel()
	var c membership.Comparison
	c.Has([]string{"d", "b", "a"})
	c.Has([]string{"c"})
	var lacking []string
	for _, account := range []string{"b", "e", "e", "b"} { // a page may repeat one
		if c.List(account) {
			lacking = append(lacking, account)
		}
	}
	if diff := cmp.Diff([]string{"e"}, lacking); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "c", "d"}, c.Unlisted("")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"d"}, c.Unlisted("c")); diff != "" {
		t.Error(diff)
	}
	for account, want := range map[string]bool{"a": true, "b": false, "e": false, "z": false} {
		if c.IsUnlisted(account) != want {
			t.Errorf("%s is unlisted: %t", account, !want)
		}
	}
	if c.Size() != 5 {
		t.Errorf("%d members", c.Size())
	}
}

func TestAComparisonGoesOnWhereItWasLeft(t *testing.T) {
	t.Parallel()
	type sync = membership.Sync
	read := func(next string, pages int) func(sync) string {
		return func(s sync) string {
			then, all := s.Read(next, pages)
			return fmt.Sprintf("%+v, all %t", then, all)
		}
	}
	asked := func(after string, all, held bool) func(sync) string {
		return func(s sync) string { return fmt.Sprintf("%+v", s.Asked(after, all, held)) }
	}
	rest := func(waits, passed bool) func(sync) string {
		return func(s sync) string {
			left, atOnce := s.Rest(waits, passed)
			if left == nil {
				return fmt.Sprintf("nothing, at once %t", atOnce)
			}
			return fmt.Sprintf("%+v, at once %t", *left, atOnce)
		}
	}
	list := func(s sync, all bool) string { return fmt.Sprintf("%+v, all %t", s, all) }
	left := func(s sync, atOnce bool) string { return fmt.Sprintf("%+v, at once %t", s, atOnce) }
	for _, test := range []struct {
		name string
		from sync
		step func(sync) string
		want string
	}{
		{"All pages within one lease are all of Entra's members", sync{}, read("", 0), list(sync{Long: true}, true)},
		{"The next lease reads on from the page that comes next", sync{}, read("p2", 3), list(sync{Long: true, Page: "p2", Pages: 3}, false)},
		{"and on", sync{Long: true, Page: "p2", Pages: 3}, read("p3", 6), list(sync{Long: true, Page: "p3", Pages: 6}, false)},
		{"The last page of several leases shows not who left: whoever Webex has is asked about", sync{Long: true, Page: "p3", Pages: 6}, read("", 0), list(sync{Long: true, Singly: true}, false)},
		{"which is done once for an answer that came too late", sync{Long: true, Page: "p3", Anew: true}, read("", 0), list(sync{Long: true, Singly: true, Anew: true}, false)},
		{"Whoever was asked about is not asked again in the next lease", sync{Long: true}, asked("m", false, false), fmt.Sprintf("%+v", sync{Long: true, After: "m"})},
		{"Where the pages leave no time to ask, they are not read again", sync{Long: true, After: "m"}, asked("m", false, false), fmt.Sprintf("%+v", sync{Long: true, Singly: true, After: "m"})},
		{"The last who was asked about ends it", sync{Long: true, After: "m"}, asked("z", true, false), fmt.Sprintf("%+v", sync{Long: true, After: "z"})},
		{"That somebody waits for an operator is kept from one lease to the next", sync{Long: true, Held: true}, asked("m", false, false), fmt.Sprintf("%+v", sync{Long: true, After: "m", Held: true})},
		{"and is noted when it comes to be", sync{Long: true}, asked("m", false, true), fmt.Sprintf("%+v", sync{Long: true, After: "m", Held: true})},
		{"Of one that came to its end nothing is left", sync{Long: true, After: "z"}, rest(false, false), "nothing, at once false"},
		{"Where somebody waits it is done again after the answer", sync{Long: true, After: "z"}, rest(true, false), left(sync{}, false)},
		{"and is long again if it was", sync{Long: true, Singly: true, After: "z"}, rest(true, false), left(sync{Long: true}, false)},
		{"An answer that came when it was past them has it done again at once", sync{Long: true, Held: true}, rest(true, true), left(sync{Long: true, Anew: true}, true)},
		{"once", sync{Long: true, Held: true, Anew: true}, rest(true, true), left(sync{}, false)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.step(test.from); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestALeaseMeetsAPartWhereOthersMetTheRest(t *testing.T) {
	t.Parallel()
	for s, want := range map[membership.Sync]bool{{}: false, {Long: true, Page: "p2"}: false, {After: "m"}: true, {Singly: true}: true} {
		if s.IsPart() != want {
			t.Errorf("%+v: %t", s, s.IsPart())
		}
	}
	if diff := cmp.Diff(membership.Sync{Long: true, Held: true}, membership.Sync{Page: "p", Pages: 2, Long: true, Held: true, After: "m", Anew: true}.FromStart()); diff != "" {
		t.Error(diff)
	}
}

// people are so many, with the ids from that number on.
func people(from, n int) []membership.Person {
	list := make([]membership.Person, n)
	for i := range list {
		list[i] = membership.Person{ID: fmt.Sprintf("%05d", from+i)}
	}
	return list
}

func TestNoMoreThanTheLimitLeaveAGroupInAWindow(t *testing.T) {
	t.Parallel()
	before := membership.Removals{Count: 3, Who: membership.IDs(people(0, 3))}
	for _, test := range []struct {
		name    string
		limit   membership.Limit
		people  []membership.Person
		members int
		before  membership.Removals
		want    bool
	}{
		{"So small a group may change altogether", membership.Limit{}, people(0, 5), 5, membership.Removals{}, true},
		{"and a larger one not", membership.Limit{}, people(0, 6), 6, membership.Removals{}, false},
		{"The floor may always go", membership.Limit{Floor: 20, Share: 1}, people(0, 20), 20, membership.Removals{}, true},
		{"A share may, if that is more", membership.Limit{Floor: 20, Share: 25}, people(0, 25), 100, membership.Removals{}, true},
		{"and nobody more", membership.Limit{Floor: 20, Share: 25}, people(0, 26), 100, membership.Removals{}, false},
		{"Those before count", membership.Limit{Floor: 20, Share: 25}, people(50, 23), 97, before, false},
		{"and the share is that of all who were there", membership.Limit{Floor: 20, Share: 25}, people(50, 22), 97, before, true},
		{"Whoever was removed before counts once", membership.Limit{}, people(0, 3), 100, before, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.limit.Allows(test.people, test.members, test.before); got != test.want {
				t.Errorf("allowed: %t", got)
			}
		})
	}
}

func TestRemovalsCountFromTheFirstOn(t *testing.T) {
	t.Parallel()
	const window = time.Hour
	begin := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	var r membership.Removals
	r = r.With("a", begin)
	kept := r
	r = r.With("b", begin.Add(time.Minute)).With("a", begin.Add(2*time.Minute))
	if diff := cmp.Diff(membership.Removals{Since: begin, Count: 2, Who: []string{"a", "b"}}, r); diff != "" {
		t.Error(diff)
	}
	rest, found := r.Without("a")
	if diff := cmp.Diff(membership.Removals{Since: begin, Count: 1, Who: []string{"b"}}, rest); diff != "" || !found {
		t.Error(found, diff)
	}
	if _, found := r.Without("c"); found {
		t.Error("c was never removed")
	}
	if diff := cmp.Diff([]string{"a", "b"}, r.Who); diff != "" || len(kept.Who) != 1 {
		t.Errorf("an earlier count changed: %v %s", kept, diff)
	}
	if got := r.Within(window, begin.Add(window-time.Second)); got.Count != 2 {
		t.Errorf("within the window count %d", got.Count)
	}
	if got := r.Within(window, begin.Add(window)); got.Count != 0 {
		t.Errorf("after it count %d", got.Count)
	}
	for _, p := range people(0, membership.MaxNamed+1) {
		r = r.With(p.ID, begin)
	}
	if r.Count != membership.MaxNamed+3 || len(r.Who) != membership.MaxNamed {
		t.Errorf("%d count, %d are named", r.Count, len(r.Who))
	}
}
