// Package simulation_test plays the whole system, from Graph's notification
// to Webex's answer, over the sandbox's tenant and organization: what is random
// about it follows from a seed.
package simulation_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/internal/sandbox"
)

var (
	seeds = flag.Uint64("seeds", 200, "how many seeds to simulate")
	first = flag.Uint64("seed", 0, "the first seed")
)

// People join and leave groups, are hired, renamed, deleted and restored, and
// so are groups; notifications are doubled and come in any order. Once all is
// quiet Webex is what Entra says, memberships too.
func TestSimulationOfGroupsEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	workers := uint64(runtime.GOMAXPROCS(0))
	var steps, attempts atomic.Int64
	begun := time.Now()
	t.Cleanup(func() { // once the parallel subtests are done
		t.Logf("seeds %d to %d: %d batches, %d lines of story, %s",
			*first, *first+*seeds-1, steps.Load(), attempts.Load(), time.Since(begun).Round(time.Second))
	})
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for seed := *first + worker; seed < *first+*seeds && !t.Failed(); seed += workers {
				w := newWorld(t, seed, file(dir, seed))
				w.life()
				steps.Add(int64(w.steps))
				attempts.Add(int64(len(w.story)))
				w.close()
			}
		})
	}
}

// life lets things happen in the tenant, with the system at work now and then.
func (w *world) life() {
	w.t.Helper()
	events := 20 + w.random.IntN(40)
	for range events {
		w.event()
		if w.random.IntN(3) == 0 {
			w.deliver()
		}
		for range w.random.IntN(3) {
			w.work()
		}
		w.now = w.now.Add(time.Duration(w.random.IntN(30)) * time.Second)
	}
	w.settle()
	var allowed []sandbox.Allowance
	if w.nested {
		allowed = append(allowed, sandbox.Nested)
	}
	if differences := sandbox.Compare(w.tenant, w.org, allowed...); len(differences) > 0 {
		w.failf("%v", differences)
	}
	for _, a := range w.dead {
		if !strings.Contains(a.Reason, "map displayName") { // the only thing that cannot be provisioned here
			w.failf("dead letter: %s: %s", a.Object, a.Reason)
		}
	}
}

// event makes one thing happen, if it can.
func (w *world) event() {
	w.t.Helper()
	users, groups := w.tenant.Users(), w.tenant.Groups()
	user := func() string { return users[w.random.IntN(len(users))].Text("id") }
	group := func() string { return groups[w.random.IntN(len(groups))].Text("id") }
	var what string
	var err error
	switch n := w.random.IntN(24); {
	case n < 5 || len(users) < 3:
		what, err = w.hire()
	case n < 8 && len(groups) < 6 || len(groups) == 0:
		what, err = w.form()
	case n < 12:
		what, err = w.join(group(), users, groups)
	case n < 15:
		what, err = w.leave(group())
	case n == 15:
		id := user()
		what, err = "rename "+id, w.tenant.Update(id, func(u sandbox.User) {
			u["userPrincipalName"] = fmt.Sprintf("renamed%d@%s", w.random.IntN(1_000_000), domain)
		})
	case n == 16:
		id := group()
		what, err = "rename group "+id, w.tenant.UpdateGroup(id, func(g sandbox.Group) { g["displayName"] = w.groupName() })
	case n == 17:
		id := user()
		what, err = "delete "+id, w.tenant.Delete(id)
	case n == 18:
		id := user()
		what, err = "block or unblock "+id, w.tenant.Update(id, func(u sandbox.User) { u["accountEnabled"] = !u.Enabled() })
	case n == 19:
		id := group()
		what, err = "delete group "+id, w.tenant.DeleteGroup(id)
	case n < 22:
		what, err = w.fromTheBin(w.tenant.Restore, w.tenant.RestoreGroup, "restore ")
	case n == 22:
		what, err = w.fromTheBin(w.tenant.Purge, w.tenant.PurgeGroup, "purge ")
	default:
		id := user()
		what, err = "there and back "+id, w.tenant.Delete(id)
		if err == nil {
			err = w.tenant.Restore(id)
		}
	}
	if err != nil {
		w.failf("%s: %v", what, err)
	}
	if what != "" {
		w.tellf("— %s", what)
	}
}

func (w *world) hire() (string, error) {
	name := fmt.Sprintf("user%d", w.random.IntN(1_000_000_000))
	id, err := w.tenant.Create(sandbox.User{
		"userPrincipalName": name + "@" + domain, "displayName": name, "givenName": name, "surname": "S",
		"accountEnabled": w.random.IntN(10) > 0,
	})
	return "hire " + id, err
}

// groupName is one that others may have too, and now and then one too long.
func (w *world) groupName() string {
	if w.random.IntN(20) == 0 {
		return strings.Repeat("x", 513)
	}
	return fmt.Sprintf(`Team "%d" \`, w.random.IntN(4))
}

func (w *world) form() (string, error) {
	id, err := w.tenant.CreateGroup(sandbox.Group{"displayName": "New", "securityEnabled": w.random.IntN(10) > 0})
	if err == nil {
		err = w.tenant.UpdateGroup(id, func(g sandbox.Group) { g["displayName"] = w.groupName() })
	}
	return "form " + id, err
}

// join adds up to five who are not in the group: users, and sometimes a group
// or a device.
func (w *world) join(groupID string, users []sandbox.User, groups []sandbox.Group) (string, error) {
	var ids []string
	for range 1 + w.random.IntN(5) {
		ids = append(ids, users[w.random.IntN(len(users))].Text("id"))
	}
	switch w.random.IntN(4) {
	case 0:
		ids = append(ids, groups[w.random.IntN(len(groups))].Text("id"))
	case 1:
		ids = append(ids, w.tenant.AddOther("device"))
	}
	there := w.tenant.Members(groupID)
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == groupID || slices.Contains(there, id) })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return "", nil
	}
	return fmt.Sprintf("join %s: %v", groupID, ids), w.tenant.AddMembers(groupID, ids...)
}

func (w *world) leave(groupID string) (string, error) {
	there := w.tenant.Members(groupID)
	if len(there) == 0 {
		return "", nil
	}
	w.random.Shuffle(len(there), func(i, j int) { there[i], there[j] = there[j], there[i] })
	ids := there[:1+w.random.IntN(min(3, len(there)))]
	return fmt.Sprintf("leave %s: %v", groupID, ids), w.tenant.RemoveMembers(groupID, ids...)
}

// fromTheBin does something to a user or a group in the recycle bin.
func (w *world) fromTheBin(user, group func(string) error, verb string) (string, error) {
	users, groups := w.tenant.Deleted()
	n := len(users) + len(groups)
	if n == 0 {
		return "", nil
	}
	i := w.random.IntN(n)
	if i < len(users) {
		return verb + users[i], user(users[i])
	}
	id := groups[i-len(users)]
	return verb + "group " + id, group(id)
}
