package graph

import (
	"iter"
	"maps"
	"net/http"
)

// routeGroups adds the groups.
// https://learn.microsoft.com/graph/api/resources/groups-overview
func (t *Tenant) routeGroups(handle router) {
	handle("GET", "/groups", readMembers(), t.listGroups)
	handle("POST", "/groups", writeGroups(), t.createGroup)
	handle("GET", "/groups/{id}", readMembers(), t.readGroup)
	handle("PATCH", "/groups/{id}", writeGroups(), t.updateGroup)
	handle("DELETE", "/groups/{id}", writeGroups(), t.deleteGroup)
}

func readGroups() []string {
	return []string{"Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
}

func writeGroups() []string { return []string{"Group.ReadWrite.All", "Directory.ReadWrite.All"} }

func groupCollection() collection {
	return collection{set: "groups", typeName: "group", known: isGroupProperty}
}

func (t *Tenant) listGroups(r *http.Request) (answer, error) {
	return t.filtered(r, groupCollection(), []string{"displayName", "mail"}, func(start int) iter.Seq2[int, object] { return in(Live, t.groupOrder, start) })
}

func (t *Tenant) readGroup(r *http.Request) (answer, error) {
	selects, err := t.selected(r, isGroupProperty, "group")
	if err != nil {
		return answer{}, err
	}
	group, err := t.Group(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	body := group.project(selects)
	body["@odata.context"] = metadata + odataContext(selects, "groups") + "/$entity"
	return answer{http.StatusOK, body}, nil
}

func (t *Tenant) createGroup(r *http.Request) (answer, error) {
	group, err := decodeGroup(r)
	if err != nil {
		return answer{}, err
	}
	for _, required := range []string{"displayName", "mailEnabled", "mailNickname", "securityEnabled"} {
		if group[required] == nil {
			return answer{}, refuse("A value is required for property '" + required + "' of resource 'Group'.")
		}
	}
	id, err := t.CreateGroup(group)
	if err != nil {
		return answer{}, err
	}
	created, err := t.Group(id)
	if err != nil {
		return answer{}, err
	}
	body := created.project(nil)
	body["@odata.context"] = metadata + "groups/$entity"
	return answer{http.StatusCreated, body}, nil
}

func (t *Tenant) updateGroup(r *http.Request) (answer, error) {
	changes, err := decodeGroup(r)
	if err != nil {
		return answer{}, err
	}
	if err := t.UpdateGroup(r.PathValue("id"), func(g Group) { maps.Copy(g, changes) }); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func (t *Tenant) deleteGroup(r *http.Request) (answer, error) {
	return answer{status: http.StatusNoContent}, t.DeleteGroup(r.PathValue("id"))
}

// decodeGroup reads the properties a request gives.
func decodeGroup(r *http.Request) (Group, error) {
	var group Group
	if err := decodeProperties(r, &group); err != nil {
		return nil, err
	}
	return group, checkGroupName(group)
}
