package graph

import (
	"iter"
	"net/http"
	"path"
	"slices"
	"strings"
)

// routeMembers adds who is in a group, and in which groups somebody is.
func (t *Tenant) routeMembers(handle router) {
	handle("GET", "/groups/{id}/members", readMembers(), t.listMembers)
	handle("GET", "/groups/{id}/transitiveMembers", readMembers(), t.listTransitiveMembers)
	handle("POST", "/groups/{id}/members/$ref", writeMembers(), t.addMember)
	handle("DELETE", "/groups/{id}/members/{member}/$ref", writeMembers(), t.removeMember)
	handle("GET", "/users/{id}/memberOf", readMembers(), t.listGroupsOf(t.liveUser, t.groupsOf))
	handle("GET", "/users/{id}/transitiveMemberOf", readMembers(), t.listGroupsOf(t.liveUser, t.transitiveGroupsOf))
	handle("GET", "/groups/{id}/memberOf", readMembers(), t.listGroupsOf(t.liveGroup, t.groupsOf))
	handle("GET", "/groups/{id}/transitiveMemberOf", readMembers(), t.listGroupsOf(t.liveGroup, t.transitiveGroupsOf))
}

// readMembers is what it takes to read memberships and the basic properties of
// groups, which all that the sandbox has are.
func readMembers() []string {
	return append(readGroups(), "GroupMember.Read.All", "GroupMember.ReadWrite.All")
}

func writeMembers() []string { return append(writeGroups(), "GroupMember.ReadWrite.All") }

// directoryObjects are objects of any type. A property that only some of the
// types have can be selected; the others come without it.
func directoryObjects(options ...string) collection {
	return collection{
		set: "directoryObjects", typeName: directoryObject, options: options,
		known: func(name string) bool { return isUserProperty(name) || isGroupProperty(name) },
	}
}

func (t *Tenant) listMembers(r *http.Request) (answer, error) {
	return t.listMembersBy(r, (*group).direct)
}

func (t *Tenant) listTransitiveMembers(r *http.Request) (answer, error) {
	return t.listMembersBy(r, func(g *group, start int) iter.Seq2[int, object] {
		return in(Live, reach(g, t.shownMembers), start)
	})
}

// listMembersBy lists a group's members of one or the other sort. Who may not
// see a hidden membership is refused.
// https://learn.microsoft.com/graph/api/group-list-members
func (t *Tenant) listMembersBy(r *http.Request, of func(g *group, start int) iter.Seq2[int, object]) (answer, error) {
	matches, err := memberFilter(r)
	if err != nil {
		return answer{}, err
	}
	total := 0
	a, err := t.list(r, directoryObjects("$filter", "$count"), func(start int) (iter.Seq2[int, object], error) {
		g, err := t.findGroup(r.PathValue("id"), Live)
		if err != nil {
			return nil, err
		}
		if !t.shows(g) {
			return nil, denied()
		}
		if counts(r) {
			for range matching(of(g, 0), matches) {
				total++
			}
		}
		return matching(of(g, start), matches), nil
	})
	if body, ok := a.body.(map[string]any); ok && counts(r) {
		body["@odata.count"] = total
	}
	return a, err
}

func counts(r *http.Request) bool { return r.URL.Query().Get("$count") == "true" }

// memberFilter returns what $filter asks of a member. Both $filter and $count
// are advanced queries here, which take the header ConsistencyLevel: eventual,
// and the former the latter (https://learn.microsoft.com/graph/aad-advanced-queries).
// The only filter the sandbox knows is one for an id.
func memberFilter(r *http.Request) (func(object) bool, error) {
	eventual := strings.EqualFold(r.Header.Get("Consistencylevel"), "eventual")
	filter := r.URL.Query().Get("$filter")
	switch {
	case filter != "" && (!eventual || !counts(r)):
		return nil, unsupported("The specified filter to the reference property query is currently not supported.")
	case counts(r) && !eventual:
		return nil, unsupported("$count is not currently supported.")
	case filter == "":
		return func(object) bool { return true }, nil
	}
	id, opened := strings.CutPrefix(filter, "id eq '")
	id, closed := strings.CutSuffix(id, "'")
	if !opened || !closed || strings.Contains(id, "'") {
		return nil, unsupported("Unsupported or invalid query filter clause specified.")
	}
	return func(o object) bool { return strings.EqualFold(o.id(), id) }, nil
}

func matching(objects iter.Seq2[int, object], matches func(object) bool) iter.Seq2[int, object] {
	return func(yield func(int, object) bool) {
		for number, o := range objects {
			if matches(o) && !yield(number, o) {
				return
			}
		}
	}
}

// shows says whether the caller may see who is in the group. No permission to
// read all groups includes the one to see hidden memberships
// (https://learn.microsoft.com/graph/permissions-reference#memberreadhidden).
func (t *Tenant) shows(g *group) bool { return !g.hidden() || t.granted("Member.Read.Hidden") }

// shownMembers yields the live direct members of a group that the caller may
// see. A hidden membership shows no more through another group than by itself;
// that is not documented.
func (t *Tenant) shownMembers(o object) iter.Seq[object] {
	if g, ok := o.(*group); ok && !t.shows(g) {
		return func(func(object) bool) {}
	}
	return liveMembers(o)
}

// shownGroups yields the live groups an object is a direct member of. A group
// whose membership the caller may not see is left out without a word.
func (t *Tenant) shownGroups(o object) iter.Seq[object] {
	return func(yield func(object) bool) {
		for _, g := range o.links().liveGroups() {
			if t.shows(g) && !yield(g) {
				return
			}
		}
	}
}

func (t *Tenant) groupsOf(o object) []object { return slices.Collect(t.shownGroups(o)) }

func (t *Tenant) transitiveGroupsOf(o object) []object { return reach(o, t.shownGroups) }

// listGroupsOf makes an endpoint that lists the groups of one object.
// https://learn.microsoft.com/graph/api/user-list-memberof
func (t *Tenant) listGroupsOf(find func(id string) (object, error), groups func(object) []object) endpoint {
	return func(r *http.Request) (answer, error) {
		return t.list(r, directoryObjects(), func(start int) (iter.Seq2[int, object], error) {
			o, err := find(r.PathValue("id"))
			if err != nil {
				return nil, err
			}
			return in(Live, groups(o), start), nil
		})
	}
}

// liveUser finds a user. The tenant is locked.
func (t *Tenant) liveUser(id string) (object, error) { return t.find(id, Live) }

// liveGroup finds a group. The tenant is locked.
func (t *Tenant) liveGroup(id string) (object, error) { return t.findGroup(id, Live) }

// addMember adds the object that the request refers to, by its URL.
func (t *Tenant) addMember(r *http.Request) (answer, error) {
	var reference struct {
		ID string `json:"@odata.id"`
	}
	if err := decode(r, &reference); err != nil {
		return answer{}, err
	}
	collection, id := path.Split(strings.TrimSuffix(reference.ID, "/"))
	if !strings.Contains(collection, "/v1.0/") || id == "" {
		return answer{}, badRequest("Invalid entity reference URL '" + reference.ID + "'.")
	}
	return answer{status: http.StatusNoContent}, t.AddMembers(r.PathValue("id"), id)
}

func (t *Tenant) removeMember(r *http.Request) (answer, error) {
	return answer{status: http.StatusNoContent}, t.RemoveMembers(r.PathValue("id"), r.PathValue("member"))
}
