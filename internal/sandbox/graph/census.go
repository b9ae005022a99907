package graph

import (
	"maps"
	"slices"
)

// Place is where an object of the directory is.
type Place int

// The places. What is purged is kept here as a record of what was.
const (
	Live Place = iota
	RecycleBin
	Purged
)

// Census is all that is in a directory, or ever was, at one moment: what a
// comparison has to know, some of which Graph tells nobody.
type Census struct {
	// Users and Groups are by object id.
	Users  map[string]UserRecord
	Groups map[string]GroupRecord
}

// UserRecord is a user and its history.
type UserRecord struct {
	User  User
	Place Place
	// Names are all userPrincipalNames it had while it was live.
	Names []string
	// Assigned says that the assignments put it into scope: its own, or those
	// of a live group that it is a direct member of, or with nested groups a
	// member of at all.
	Assigned bool
	// AppRoles are the names of its app roles, by its own assignments and those of these
	// groups, sorted and each once.
	AppRoles []string
	// WasEnabled says that it was live and enabled at some time, WasAssigned
	// that it was in scope while it was.
	WasEnabled, WasAssigned bool
	// Manager is the id of the live user who manages it; empty if none does.
	Manager string
}

// GroupRecord is a group and its history.
type GroupRecord struct {
	Group Group
	Place Place
	// Assigned says that the enterprise application is assigned to it.
	Assigned bool
	// WasEntitled says that the application was assigned to it at some time while
	// it was a live security group.
	WasEntitled bool
	// Members are the ids of its live users: the direct ones, or with nested
	// groups those in live groups within it, too.
	Members []string
}

// Census returns the directory as it is and was.
func (t *Tenant) Census(nested bool) Census {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := Census{Users: make(map[string]UserRecord, len(t.people)), Groups: make(map[string]GroupRecord, len(t.groups))}
	inUse := len(t.app.assignments) > 0
	for id, p := range t.people {
		wasAssigned := p.wasAssigned
		if nested {
			wasAssigned = p.wasAssignedNested
		}
		record := UserRecord{
			User: maps.Clone(p.user), Place: p.place, Names: slices.Clone(p.names),
			Assigned: inUse && assigned(p, nested), AppRoles: t.rolesOf(p, nested), WasEnabled: p.wasEnabled, WasAssigned: wasAssigned,
		}
		if m := p.shownManager(); m != nil {
			record.Manager = m.id()
		}
		c.Users[id] = record
	}
	for id, g := range t.groups {
		c.Groups[id] = GroupRecord{
			Group: maps.Clone(g.properties), Place: g.place,
			Assigned: inUse && assigned(g, nested), WasEntitled: g.wasEntitled, Members: t.usersIn(g, nested),
		}
	}
	return c
}

// rolesOf are the names of a user's app roles. The tenant is locked.
func (t *Tenant) rolesOf(p *person, nested bool) []string {
	assignments := slices.Clone(p.assignments)
	for _, g := range p.liveGroups() {
		assignments = append(assignments, g.assignments...)
	}
	if nested {
		for _, g := range reach(p, liveGroupsOf) {
			assignments = append(assignments, g.links().assignments...)
		}
	}
	var names []string
	for _, a := range assignments {
		if i := slices.IndexFunc(t.app.roles, func(r AppRole) bool { return r.ID == a.role }); i >= 0 {
			names = append(names, t.app.roles[i].DisplayName)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// usersIn returns the ids of the live users in a group, none if nested groups
// count and it is not live itself. The tenant is locked.
func (t *Tenant) usersIn(g *group, nested bool) []string {
	if nested {
		return t.transitiveUsers(g.id())
	}
	var ids []string
	for _, o := range g.direct(0) {
		if _, user := o.(*person); user {
			ids = append(ids, o.id())
		}
	}
	return ids
}
