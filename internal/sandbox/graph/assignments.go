package graph

import (
	"cmp"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// DefaultAccess is the role of an assignment without one: the zero GUID
// (https://learn.microsoft.com/graph/api/resources/approleassignment).
const DefaultAccess = "00000000-0000-0000-0000-000000000000"

// enterpriseApp is the service principal whose assignments decide who is
// provisioned.
type enterpriseApp struct {
	appID, id   string
	last        int           // the number given last
	assignments []*assignment // the oldest first
	roles       []AppRole
	job         *Synchronization // nil for none
}

// AppRole is a role of the enterprise application
// (https://learn.microsoft.com/graph/api/resources/approle).
type AppRole struct {
	ID, DisplayName string
	// Value is what tokens have of it; empty for null.
	Value string
}

// SetAppRoles gives the enterprise application these roles, and no others. Nobody is
// notified, and who is assigned in one that is gone stays so.
func (t *Tenant) SetAppRoles(roles ...AppRole) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.app.roles = slices.Clone(roles)
}

// appRoles are the roles as Graph shows them. The tenant is locked.
func (t *Tenant) appRoles() []map[string]any {
	roles := make([]map[string]any, len(t.app.roles))
	for i, r := range t.app.roles {
		roles[i] = map[string]any{
			"id": r.ID, "displayName": r.DisplayName, "value": nil, "description": r.DisplayName, "isEnabled": true,
			"allowedMemberTypes": []string{"User"}, "origin": "ServicePrincipal",
		}
		if r.Value != "" {
			roles[i]["value"] = r.Value
		}
	}
	return roles
}

// assignment is that of a role of the enterprise application to a user, a
// group or a service principal.
type assignment struct {
	number    int
	id        string
	principal object
	role      string
	created   time.Time
}

// EnterpriseApp returns the application (client) id of the enterprise
// application and the object id of its service principal; empty if there is
// none.
func (t *Tenant) EnterpriseApp() (appID, id string) { return t.app.appID, t.app.id }

// Assign assigns the enterprise application to a live user, group or service
// principal, in a role of it: DefaultAccess where it has none. A group needs
// securityEnabled. Nobody is notified, as of no assignment in Entra.
// https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto
func (t *Tenant) Assign(principalID, roleID string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.object(principalID)
	role := strings.ToLower(roleID)
	switch {
	case t.app.id == "" || o == nil || o.where() != Live:
		return notFound(principalID)
	case uuid.Validate(role) != nil || !assignable(o):
		return refuse("Not a valid reference update.")
	case slices.ContainsFunc(o.links().assignments, func(a *assignment) bool { return a.role == role }):
		return refuse("Permission being assigned already exists on the object")
	}
	t.app.last++
	a := &assignment{number: t.app.last, id: t.traces.Next(), principal: o, role: role, created: t.now()}
	t.app.assignments = append(t.app.assignments, a)
	o.links().assignments = append(o.links().assignments, a)
	t.noteAssigned(o)
	return nil
}

// Assigned returns the ids of the live objects that the enterprise application
// is assigned to, in their order.
func (t *Tenant) Assigned() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for _, a := range t.app.shown(0) {
		ids = append(ids, a.principal.id())
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// assignable says whether the enterprise application can be assigned to an
// object: of groups, only to those that are security groups, Microsoft 365
// groups among them.
func assignable(o object) bool {
	switch o := o.(type) {
	case *person:
		return true
	case *group:
		secure, _ := o.properties["securityEnabled"].(bool)
		return secure
	default:
		return o.typeName() == "servicePrincipal"
	}
}

// Unassign ends an assignment. Nobody is notified.
func (t *Tenant) Unassign(principalID, roleID string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.object(principalID)
	if o == nil {
		return notFound(principalID)
	}
	node := o.links()
	i := slices.IndexFunc(node.assignments, func(a *assignment) bool { return strings.EqualFold(a.role, roleID) })
	if i < 0 {
		return notFound(principalID)
	}
	ended := node.assignments[i]
	node.assignments = slices.Delete(node.assignments, i, i+1)
	t.app.assignments = slices.DeleteFunc(t.app.assignments, func(a *assignment) bool { return a == ended })
	return nil
}

// forget ends the assignments of an object that is deleted for good.
func (e *enterpriseApp) forget(o object) {
	if len(o.links().assignments) == 0 {
		return
	}
	e.assignments = slices.DeleteFunc(e.assignments, func(a *assignment) bool { return a.principal == o })
	o.links().assignments = nil
}

// shown yields the assignments of live principals with that number or a higher
// one, and their numbers. What is in the recycle bin keeps its assignments for its
// return.
func (e *enterpriseApp) shown(start int) iter.Seq2[int, *assignment] {
	return shown(e.assignments, start)
}

func shown(assignments []*assignment, start int) iter.Seq2[int, *assignment] {
	first, _ := slices.BinarySearchFunc(assignments, start, func(a *assignment, n int) int { return cmp.Compare(a.number, n) })
	return func(yield func(int, *assignment) bool) {
		for _, a := range assignments[first:] {
			if a.principal.where() == Live && !yield(a.number, a) {
				return
			}
		}
	}
}

// assignmentsOf returns the assignments of a user and of the live groups it is
// a direct member of, or of a group, the oldest first.
// https://learn.microsoft.com/graph/api/user-list-approleassignments
func assignmentsOf(o object) []*assignment {
	assignments := slices.Clone(o.links().assignments)
	if o.typeName() == "user" {
		for _, g := range o.links().liveGroups() {
			assignments = append(assignments, g.assignments...)
		}
	}
	slices.SortFunc(assignments, func(a, b *assignment) int { return cmp.Compare(a.number, b.number) })
	return assignments
}

// assigned reports whether a live object is in the scope that the assignments
// make: it is assigned itself or, if it is a user, a live group is that it is
// a direct member of, or with nested a member of at all.
func assigned(o object, nested bool) bool {
	if len(o.links().assignments) > 0 {
		return true
	}
	if o.typeName() != "user" {
		return false
	}
	if !nested {
		return slices.ContainsFunc(o.links().liveGroups(), func(g *group) bool { return len(g.assignments) > 0 })
	}
	return slices.ContainsFunc(reach(o, liveGroupsOf), func(g object) bool { return len(g.links().assignments) > 0 })
}

func liveGroupsOf(o object) iter.Seq[object] {
	return func(yield func(object) bool) {
		for _, g := range o.links().liveGroups() {
			if !yield(g) {
				return
			}
		}
	}
}

// noteAssigned notes who is in scope now, of an object and the members of it:
// a Census tells who ever was. The tenant is locked.
func (t *Tenant) noteAssigned(o object) {
	if len(t.app.assignments) == 0 {
		return
	}
	switch o := o.(type) {
	case *person:
		if o.place == Live && o.user.Enabled() {
			o.wasAssigned = o.wasAssigned || assigned(o, false)
			o.wasAssignedNested = o.wasAssignedNested || assigned(o, true)
		}
	case *group:
		o.noteAssigned()
		for _, member := range reach(o, liveMembers) {
			if p, ok := member.(*person); ok {
				t.noteAssigned(p)
			}
		}
	}
}

// noteAssigned goes by no name that is too long: from a replica that is behind
// the group is provisioned under the one it had before.
func (g *group) noteAssigned() {
	g.wasEntitled = g.wasEntitled || len(g.assignments) > 0 && g.inUse()
}

// byAppID makes a request for a service principal by its other key one for its
// id: servicePrincipals(appId='…') is servicePrincipals/….
func (e *enterpriseApp) byAppID(r *http.Request) *http.Request {
	key, keyed := strings.CutPrefix(r.URL.Path, "/v1.0/servicePrincipals(appId='")
	key, rest, closed := strings.Cut(key, "')")
	if !keyed || !closed {
		return r
	}
	if strings.EqualFold(key, e.appID) && e.appID != "" {
		key = e.id
	}
	byID, target := r.WithContext(r.Context()), *r.URL
	target.Path, target.RawPath = "/v1.0/servicePrincipals/"+key+rest, ""
	byID.URL = &target
	return byID
}
