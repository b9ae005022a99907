package provision_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// Nobody tells what becomes of the members of a group that is not looked at.
func TestAGroupThatWasAwayIsComparedWhenItIsBack(t *testing.T) {
	t.Parallel()
	for name, turn := range map[string]func(w *world, g *group, away bool){
		"from the recycle bin": func(_ *world, g *group, away bool) { g.binned = away },
		"as a security group":  func(_ *world, g *group, away bool) { g.insecure = away },
		"in the scope": func(w *world, _ *group, away bool) {
			w.assign(sales)
			if away {
				delete(w.tenant.roles, sales)
			}
		},
		"with a name that can be written": func(_ *world, g *group, away bool) {
			g.name = "Sales"
			if away {
				g.name = strings.Repeat("x", 513)
			}
		},
		"after Entra did not know it": func(_ *world, g *group, away bool) { g.gone = away },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := staff(t, assignedOnly)
			g := w.team(sales, "Sales", ada)
			turn(w, g, false)
			w.formed(sales)
			turn(w, g, true)
			w.converge(changed(sales))
			g.members = []string{bob} // of which no notification tells
			turn(w, g, false)
			w.converge(changed(sales))
			w.wantMembers(sales, bob)
			if got := w.calls(func() { w.converge(changed(sales)) }); got != "" {
				t.Errorf("once more it called %s", got)
			}
		})
	}
}

// large is a group of 250, which Webex takes so long to write that a lease holds
// one PATCH.
func large(t *testing.T, options ...func(*provision.Config)) (w *world, g *group, ids []string) {
	t.Helper()
	w = setup(t, options...)
	ids = w.crowd(250)
	g = w.team(sales, "Sales", ids...)
	w.org.slow = func() { w.now = w.now.Add(100 * time.Second) }
	return w, g, ids
}

// goOn converges the group until it need not come again, and returns the number
// of attempts.
func (w *world) goOn(c change.Change) int {
	w.t.Helper()
	for n := 1; n < 60; n++ {
		a := w.converge(c)[0]
		if a.Again == 0 {
			return n
		}
		if a.Fault != nil {
			w.t.Fatalf("attempt %d: %s", n, a.Reason)
		}
		w.now = w.now.Add(a.Again)
		c.Members, c.Afresh = nil, false
	}
	w.t.Fatal("it does not come to an end")
	return 0
}

func TestWhoLeavesWhileALargeGroupIsComparedIsTakenOutAtOnce(t *testing.T) {
	t.Parallel()
	w, g, ids := large(t)
	if a := w.converge(changed(sales))[0]; a.Again == 0 {
		t.Fatalf("it fits into a lease: %s", a.Reason)
	}
	g.members = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == ids[0] })
	w.converge(changed(sales, ids[0]))
	if slices.Contains(w.org.in(sales), ids[0]) {
		t.Error("who was named is still a member")
	}
	w.goOn(changed(sales))
	w.wantMembers(sales, g.members...)
}

// The writes of a comparison take several leases: those who left go in the first.
func TestAComparisonTakesOutBeforeItAdds(t *testing.T) {
	t.Parallel()
	w, g, ids := large(t)
	w.org.slow = nil
	g.members = ids[:50]
	w.formed(sales)
	w.org.slow = func() { w.now = w.now.Add(100 * time.Second) }
	g.members = ids[3:]
	if a := w.converge(afresh(sales))[0]; a.Again == 0 {
		t.Fatalf("it fits into a lease: %s", a.Reason)
	}
	for _, id := range ids[:3] {
		if slices.Contains(w.org.in(sales), id) {
			t.Errorf("%s left, and is a member after a lease", id)
		}
	}
	w.goOn(changed(sales))
	w.wantMembers(sales, g.members...)
}

// Not even the pages of a group can be read in one lease: whoever left goes all
// the same, and who may not go is held as one.
func TestAGroupWhosePagesOutlastALeaseLosesThoseWhoLeft(t *testing.T) {
	t.Parallel()
	slow := func(w *world) {
		w.tenant.turned = func(string) (provision.MemberPage, error) {
			w.now = w.now.Add(45 * time.Second)
			return provision.MemberPage{}, nil
		}
	}
	t.Run("a few", func(t *testing.T) {
		t.Parallel()
		w, g, ids := large(t, guarded)
		w.org.slow = nil
		w.formed(sales)
		slow(w)
		g.members = slices.Concat(ids[2:120], ids[121:])
		w.hire(ada, "ada@example.com")
		w.provisioned(ada)
		g.members = append(g.members, ada)
		w.converge(afresh(sales))
		named := changed(sales, ids[7]) // leaves in between, and is named
		g.members = slices.DeleteFunc(g.members, func(id string) bool { return id == ids[7] })
		if a := w.converge(named)[0]; a.Again == 0 || slices.Contains(w.org.in(sales), ids[7]) {
			t.Errorf("%s: %s; who was named is still a member", a.Status, a.Reason)
		}
		w.goOn(changed(sales))
		w.wantMembers(sales, g.members...)
		if c := w.record(groupObject(sales)).MemberSync; c != nil {
			t.Errorf("it goes on: %+v", c)
		}
	})
	t.Run("a mass, which is rejected, and later approved", func(t *testing.T) {
		t.Parallel()
		w, g, ids := large(t, guarded)
		w.org.slow = nil
		w.formed(sales)
		slow(w)
		g.members = ids[60:]
		w.goOn(afresh(sales))
		w.wantMembers(sales, ids...)
		if h := w.record(groupObject(sales)).Hold; h == nil || h.Members != 60 {
			t.Fatalf("held are %+v", h)
		}
		w.reject(groupObject(sales), provision.Removing)
		g.members = ids[61:]
		w.goOn(changed(sales, ids[0], ids[60]))
		w.wantMembers(sales, slices.Concat(ids[:60], ids[61:])...)
		w.now = w.now.Add(2 * time.Hour)
		w.goOn(changed(sales, ids[1]))
		w.wantMembers(sales, slices.Concat(ids[:60], ids[61:])...)
		w.approve(groupObject(sales), provision.Removing)
		w.goOn(changed(sales))
		w.wantMembers(sales, g.members...)
		if r := w.record(groupObject(sales)); r.Hold != nil || r.Approval != nil || r.Rejected != nil || r.MemberSync != nil {
			t.Errorf("left behind: %+v", r)
		}
	})
}

// Each case is a list of members without an end.
func TestAListOfMembersWithoutAnEndIsAFault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		next func(page string) string
		most int // pages to be read
	}{
		{"that leads back", func(string) string { return "https://graph/next" }, 2},
		{"that leads in a circle", func(page string) string { return map[string]string{"": "1", "1": "2", "2": "1"}[page] }, 3},
		{"that brings nobody", func(page string) string { return page + "x" }, 25},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, inner := range []bool{false, true} {
				w := staff(t, nested, func(c *provision.Config) {
					if inner {
						assignedOnly(c)
					}
				})
				w.team(sales, "Sales", ada)
				w.formed(sales)
				turned := 0
				w.tenant.turned = func(page string) (provision.MemberPage, error) {
					if page == "" {
						turned = 0
					}
					if turned++; turned > test.most {
						t.Fatal("it goes on")
					}
					return provision.MemberPage{Users: []string{ada}, Next: test.next(page)}, nil
				}
				c := afresh(sales)
				if inner {
					c = changed(sales, europe)
				}
				a := w.converge(c)[0]
				if a.Fault == nil || a.Fault.Kind != provision.Transient || !strings.Contains(a.Reason, "does not end") {
					t.Errorf("%s: %s", a.Status, a.Reason)
				}
				w.wantMembers(sales, ada)
			}
		})
	}
}

// A list that ends only after more pages than a group has, lease by lease.
func TestAListOfMembersThatGoesOnLeaseByLeaseIsAFault(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada)
	w.formed(sales)
	w.tenant.turned = func(page string) (provision.MemberPage, error) {
		n, _ := strconv.Atoi(page)
		w.now = w.now.Add(100 * time.Millisecond)
		return provision.MemberPage{Others: 1, Next: strconv.Itoa(n + 1)}, nil
	}
	c := afresh(sales)
	for attempts := 0; ; attempts++ {
		a := w.converge(c)[0]
		if a.Fault != nil && strings.Contains(a.Reason, "does not end: more than 5000 pages") {
			return
		}
		if a.Again == 0 || attempts > 20 {
			t.Fatalf("attempt %d: %s", attempts, a.Reason)
		}
		c.Afresh = false
		w.now = w.now.Add(a.Again)
	}
}

// Whose members may not be read, by hidden membership, is no large group.
func TestAListOfMembersThatIsRefusedForGoodIsADeadLetter(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada)
	w.formed(sales)
	w.tenant.turned = func(string) (provision.MemberPage, error) {
		return provision.MemberPage{}, &provision.Fault{Kind: provision.Permanent, Reason: "403"}
	}
	if a := w.converge(afresh(sales))[0]; a.Fault == nil || a.Fault.Kind != provision.Permanent || a.Again != 0 {
		t.Errorf("%s: %s; again in %s", a.Status, a.Reason, a.Again)
	}
	w.tenant.turned = nil
	w.tenant.groups[sales].members = []string{bob}
	w.converge(changed(sales))
	w.wantMembers(sales, bob)
}

// The lease is nearly over when the members of a group of the batch have their
// turn: what is not written is not done.
func TestMembersThatNoLongerFitIntoTheLeaseComeAgain(t *testing.T) {
	t.Parallel()
	w := staff(t)
	g := w.team(sales, "Sales", ada)
	w.formed(sales)
	g.members = []string{ada, bob}
	w.tenant.turned = nil
	w.config.Directory = &stealing{tenant: w.tenant, steal: func() { w.now = w.now.Add(provision.Lease - 20*time.Second) }}
	w.renew()
	c := changed(sales, bob)
	a := w.converge(c)[0]
	if a.Again == 0 {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	w.converge(c)
	w.wantMembers(sales, ada, bob)
}
