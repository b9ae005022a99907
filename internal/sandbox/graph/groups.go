package graph

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// unifiedType is the groupType of a Microsoft 365 group.
	unifiedType = "Unified"
	// hiddenMembership is the visibility of a group whose members only the
	// permission Member.Read.Hidden shows.
	hiddenMembership = "HiddenMembership"
	// maxGroupName is how long Graph lets a displayName be, in characters
	// (https://learn.microsoft.com/graph/api/resources/group).
	maxGroupName = 256
)

// Group holds the properties of a group by their names in Graph, with the
// values JSON gives them: string, bool or []string. A property that is nil or
// absent is null in Graph.
type Group map[string]any

// Text returns a property that is a string; empty if it is null.
func (g Group) Text(name string) string {
	s, _ := g[name].(string)
	return s
}

// group is a group, its members and the groups it is in.
type group struct {
	node

	properties Group
	place      Place
	members    roster
	// wasEntitled says that it was assigned at some time, while it was in use.
	wasEntitled bool
}

// inUse reports whether the group is there, and of the kind that Webex gets.
func (g *group) inUse() bool {
	secure, _ := g.properties["securityEnabled"].(bool)
	return g.place == Live && secure
}

func (g *group) id() string { return g.properties.Text("id") }

func (*group) typeName() string { return "group" }

func (g *group) where() Place { return g.place }

func (g *group) project(selects []string) map[string]any { return g.properties.project(selects) }

// unified reports whether it is a Microsoft 365 group.
func (g *group) unified() bool {
	types, _ := g.properties["groupTypes"].([]string)
	return slices.Contains(types, unifiedType)
}

// hidden reports whether its membership is.
func (g *group) hidden() bool { return g.properties.Text("visibility") == hiddenMembership }

// CreateGroup makes a group and returns its id. It has the id given, if one
// is, and is a security group without mail unless it is said otherwise. It
// needs a displayName.
func (t *Tenant) CreateGroup(g Group) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	properties := Group{"securityEnabled": true, "mailEnabled": false, "groupTypes": []string{}}
	maps.Copy(properties, g)
	id := strings.ToLower(properties.Text("id"))
	if id == "" {
		id = t.ids.Next()
	}
	if t.object(id) != nil {
		return "", refuse("Another object with the same value for property id already exists.")
	}
	properties["id"] = id
	properties["createdDateTime"] = t.now().UTC().Format(time.RFC3339)
	if err := checkGroup(properties); err != nil {
		return "", err
	}
	if properties["displayName"] == nil {
		return "", noGroupName()
	}
	created := &group{node: t.newNode(), properties: properties}
	t.groups[id] = created
	t.groupOrder = append(t.groupOrder, created)
	t.notify(created, "updated")
	t.record(created)
	return id, nil
}

// UpdateGroup changes the properties of a live group. What edit does to them
// is checked and stored at once, and is a change even if it changes nothing.
// Unlike over HTTP a displayName can become nil, or longer than 256
// characters: a tenant can hold such groups from before, or from a directory
// it is synchronized with. Edit must not call the tenant.
func (t *Tenant) UpdateGroup(id string, edit func(Group)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.findGroup(id, Live)
	if err != nil {
		return err
	}
	properties := maps.Clone(g.properties)
	edit(properties)
	if properties["id"] != g.properties["id"] {
		return refuse("Property 'id' is read-only and cannot be set.")
	}
	if err := checkGroup(properties); err != nil {
		return err
	}
	t.recordProperties(g, g.properties, properties)
	g.properties = properties
	g.noteAssigned()
	t.notify(g, "updated")
	return nil
}

// DeleteGroup moves a live group to the recycle bin, with its members. It is a
// member of nothing while it is there.
// https://learn.microsoft.com/graph/api/group-delete
func (t *Tenant) DeleteGroup(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.findGroup(id, Live)
	if err != nil {
		return err
	}
	g.place = RecycleBin
	g.properties = maps.Clone(g.properties)
	g.properties["deletedDateTime"] = t.now().UTC().Format(time.RFC3339)
	t.notify(g, "updated")
	t.notifyGone(g)
	t.record(g)
	t.recordLinks(g)
	return nil
}

// RestoreGroup brings a group back from the recycle bin, with its members and
// to the groups it was a member of. As of a user, nothing is notified of
// those groups, and a delta query tells.
func (t *Tenant) RestoreGroup(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.findGroup(id, RecycleBin)
	if err != nil {
		return err
	}
	g.place = Live
	g.properties = maps.Clone(g.properties)
	delete(g.properties, "deletedDateTime")
	t.noteAssigned(g)
	t.notify(g, "updated")
	t.record(g)
	t.recordLinks(g)
	for _, member := range g.direct(0) {
		t.recordMember(g, member)
	}
	return nil
}

// PurgeGroup deletes a group that is in the recycle bin for good, and its
// memberships and those in it with it.
func (t *Tenant) PurgeGroup(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.findGroup(id, RecycleBin)
	if err != nil {
		return err
	}
	g.place = Purged
	unlink(g)
	t.app.forget(g)
	t.record(g)
	for _, member := range g.members.from(0) {
		delete(member.links().groups, g)
	}
	g.members = roster{}
	t.notify(g, "deleted")
	return nil
}

// Group returns a live group by its id.
func (t *Tenant) Group(id string) (Group, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.findGroup(id, Live)
	if err != nil {
		return nil, err
	}
	return maps.Clone(g.properties), nil
}

// Groups returns all live groups, the oldest first.
func (t *Tenant) Groups() []Group {
	t.mu.Lock()
	defer t.mu.Unlock()
	var groups []Group
	for _, g := range t.groupOrder {
		if g.place == Live {
			groups = append(groups, maps.Clone(g.properties))
		}
	}
	return groups
}

// findGroup returns the group with that id if it is in that place.
func (t *Tenant) findGroup(id string, where Place) (*group, error) {
	g := t.groups[strings.ToLower(id)]
	if g == nil || g.place != where {
		return nil, notFound(id)
	}
	return g, nil
}

// checkGroup refuses properties that no group in Entra has, and brings lists
// to their one form.
func checkGroup(properties Group) error {
	if err := normalize(properties, groupPropertyKind, "Group"); err != nil {
		return err
	}
	if properties["displayName"] == "" {
		return noGroupName()
	}
	switch properties.Text("visibility") {
	case "", "Public", "Private", hiddenMembership:
		return nil
	default:
		return refuse("Invalid value specified for property 'visibility' of resource 'Group'.")
	}
}

func noGroupName() *graphError {
	return refuse("A value is required for property 'displayName' of resource 'Group'.")
}

// checkGroupName refuses the names that Graph refuses, though a tenant can
// hold them. A request without a name gives none.
func checkGroupName(properties Group) error {
	name, given := properties["displayName"]
	switch {
	case given && (name == nil || name == ""):
		return noGroupName()
	case utf8.RuneCountInString(properties.Text("displayName")) > maxGroupName:
		return refuse("Invalid value specified for property 'displayName' of resource 'Group'.")
	default:
		return nil
	}
}

// groupProperties are the properties of a group that the sandbox shows where none are
// selected: a part of https://learn.microsoft.com/graph/api/resources/group
func groupProperties() []string {
	return []string{
		"id", "displayName", "description", "mail", "mailNickname", "mailEnabled", "securityEnabled",
		"groupTypes", "visibility", "createdDateTime", "deletedDateTime",
	}
}

// groupPropertyKind knows these, and all others that a mapping may read.
func groupPropertyKind(name string) kind {
	switch name {
	case "mailEnabled", "securityEnabled", "isAssignableToRole", "isManagementRestricted", "onPremisesSyncEnabled":
		return boolProperty
	case "groupTypes", "proxyAddresses":
		return listProperty
	case "classification", "expirationDateTime", "renewedDateTime", "membershipRule", "membershipRuleProcessingState",
		"onPremisesDomainName", "onPremisesLastSyncDateTime", "onPremisesNetBiosName", "onPremisesSamAccountName",
		"onPremisesSecurityIdentifier", "preferredDataLocation", "preferredLanguage", "securityIdentifier", "theme", "uniqueName":
		return textProperty
	}
	if slices.Contains(groupProperties(), name) {
		return textProperty
	}
	return extensionKind(name)
}

func isGroupProperty(name string) bool { return groupPropertyKind(name) != noProperty }

// project returns the selected properties; without a selection all of them,
// which of a group Graph returns by default.
func (g Group) project(selects []string) map[string]any {
	if selects == nil {
		selects = groupProperties()
	}
	return project(g, selects, groupPropertyKind)
}

// Deleted returns the ids of the users and of the groups in the recycle bin,
// the oldest first.
func (t *Tenant) Deleted() (users, groups []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.order {
		if p.place == RecycleBin {
			users = append(users, p.id())
		}
	}
	for _, g := range t.groupOrder {
		if g.place == RecycleBin {
			groups = append(groups, g.id())
		}
	}
	return users, groups
}

// Everybody returns the ids of all users and groups there are or ever were,
// the oldest first.
func (t *Tenant) Everybody() (users, groups []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.order {
		users = append(users, p.id())
	}
	for _, g := range t.groupOrder {
		groups = append(groups, g.id())
	}
	return users, groups
}
