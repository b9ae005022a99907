package simulation_test

import (
	"fmt"
	"slices"
	"strings"

	"entrawebex/internal/sandbox/graph"
)

// event makes one thing happen, if it can.
func (l *land) event() {
	l.t.Helper()
	users, groups := l.tenant.Users(), l.tenant.Groups()
	user := func() string { return users[l.random.IntN(len(users))].Text("id") }
	group := func() string { return groups[l.random.IntN(len(groups))].Text("id") }
	var what string
	var err error
	switch n := l.random.IntN(26); {
	case n < 5 || len(users) < 3:
		what, err = l.hire()
	case n < 8 && len(groups) < 6 || len(groups) == 0:
		what, err = l.form()
	case n < 12:
		what, err = l.join(group(), users, groups)
	case n < 15:
		what, err = l.leave(group())
	case n == 15:
		id := user()
		what, err = "rename "+id, l.tenant.Update(id, func(u graph.User) {
			u["userPrincipalName"] = fmt.Sprintf("renamed%d@%s", l.random.IntN(1_000_000), domain)
		})
	case n == 16:
		id := group()
		what, err = "rename group "+id, l.tenant.UpdateGroup(id, func(g graph.Group) { g["displayName"] = l.groupName() })
	case n == 17:
		id := user()
		what, err = "delete "+id, l.tenant.Delete(id)
	case n == 18:
		id := user()
		what, err = "block or unblock "+id, l.tenant.Update(id, func(u graph.User) { u["accountEnabled"] = !u.Enabled() })
	case n == 19:
		if id := group(); l.mayTurn(id) {
			l.turned[id] = l.clock()
			what, err = "delete group "+id, l.tenant.DeleteGroup(id)
		}
	case n < 22:
		what, err = l.fromTheBin(l.restore, l.tenant.RestoreGroup, "restore ")
	case n == 22:
		what, err = l.fromTheBin(l.purge, l.tenant.PurgeGroup, "purge ")
	case n > 23:
		what, err = l.swap(user(), user())
	default:
		id := user()
		what, err = "there and back "+id, l.tenant.Delete(id)
		if err == nil {
			err = l.tenant.Restore(id)
		}
	}
	if err != nil {
		l.failf("%s: %v", what, err)
	}
	if what != "" {
		l.tellf("— %s", what)
	}
}

// names gives somebody a name, unless Entra refuses it.
func (l *land) names(id, name string) bool {
	return l.tenant.Update(id, func(u graph.User) { u["userPrincipalName"] = name }) == nil
}

// swap exchanges two names. Entra takes no name that is in use: one of the two
// has a third one for a moment, and for longer if the name is somebody else's by now.
func (l *land) swap(one, other string) (string, error) {
	if one == other {
		return "", nil
	}
	a := try(l.tenant.User(one))(l.t).Text("userPrincipalName")
	b := try(l.tenant.User(other))(l.t).Text("userPrincipalName")
	for _, move := range [][2]string{{one, "moving-" + a}, {other, a}, {one, b}} {
		if !l.names(move[0], move[1]) {
			return fmt.Sprintf("half a swap of the names of %s and %s", one, other), nil
		}
	}
	return fmt.Sprintf("swap the names of %s and %s", one, other), nil
}

func (l *land) hire() (string, error) {
	name := fmt.Sprintf("user%d", l.random.IntN(1_000_000_000))
	shown := name
	if l.upper {
		name, shown = "User"+name, " "+name+" "
	}
	id, err := l.tenant.Create(graph.User{
		"userPrincipalName": name + "@" + domain, "displayName": shown, "givenName": shown, "surname": "S",
		"accountEnabled": l.random.IntN(10) > 0,
	})
	return "hire " + id, err
}

// groupName is one that others may have too, and now and then one too long.
func (l *land) groupName() string {
	if l.random.IntN(20) == 0 {
		return strings.Repeat("x", 513)
	}
	return fmt.Sprintf(`Team "%d" \`, l.random.IntN(4))
}

func (l *land) form() (string, error) {
	id, err := l.tenant.CreateGroup(graph.Group{"displayName": "New", "securityEnabled": l.random.IntN(10) > 0})
	if err == nil {
		err = l.tenant.UpdateGroup(id, func(g graph.Group) { g["displayName"] = l.groupName() })
	}
	return "form " + id, err
}

// join adds up to five who are not in the group: users, and sometimes a group
// or a device.
func (l *land) join(groupID string, users []graph.User, groups []graph.Group) (string, error) {
	var ids []string
	for range 1 + l.random.IntN(5) {
		ids = append(ids, users[l.random.IntN(len(users))].Text("id"))
	}
	switch l.random.IntN(4) {
	case 0:
		ids = append(ids, groups[l.random.IntN(len(groups))].Text("id"))
	case 1:
		ids = append(ids, l.tenant.AddOther("device"))
	}
	there := l.tenant.Members(groupID)
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == groupID || slices.Contains(there, id) })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return "", nil
	}
	return fmt.Sprintf("join %s: %v", groupID, ids), l.tenant.AddMembers(groupID, ids...)
}

func (l *land) leave(groupID string) (string, error) {
	there := l.tenant.Members(groupID)
	if len(there) == 0 {
		return "", nil
	}
	l.random.Shuffle(len(there), func(i, j int) { there[i], there[j] = there[j], there[i] })
	ids := there[:1+l.random.IntN(min(3, len(there)))]
	return fmt.Sprintf("leave %s: %v", groupID, ids), l.tenant.RemoveMembers(groupID, ids...)
}

// fromTheBin does something to a user or a group in the recycle bin.
func (l *land) fromTheBin(user, group func(string) error, verb string) (string, error) {
	users, groups := l.tenant.Deleted()
	n := len(users) + len(groups)
	if n == 0 {
		return "", nil
	}
	i := l.random.IntN(n)
	if i < len(users) {
		return verb + users[i], user(users[i])
	}
	id := groups[i-len(users)]
	if !l.mayTurn(id) {
		return "", nil
	}
	l.turned[id] = l.clock()
	return verb + "group " + id, group(id)
}

// restore brings a user back, and what the user is assigned to. Graph refuses one whose
// name another has by now.
func (l *land) restore(id string) error {
	name := l.tenant.LastName(id)
	if slices.ContainsFunc(l.tenant.Users(), func(u graph.User) bool { return strings.EqualFold(u.Text("userPrincipalName"), name) }) {
		return nil
	}
	l.turned[id] = l.clock()
	return l.tenant.Restore(id)
}

// purge deletes a user for good, whose name another may have then.
func (l *land) purge(id string) error {
	l.gone = append(l.gone, l.tenant.LastName(id))
	return l.tenant.Purge(id)
}
