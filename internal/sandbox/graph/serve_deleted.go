package graph

import (
	"iter"
	"net/http"
	"slices"
)

// routeDeleted adds the recycle bin.
// https://learn.microsoft.com/graph/api/resources/directory
func (t *Tenant) routeDeleted(handle router) {
	const item = "/directory/deletedItems/{id}"
	handle("GET", item, nil, t.inBin(readUsers(), readGroups(), t.readDeleted))
	handle("DELETE", item, nil, t.inBin(writeUsers(), writeGroups(), t.purgeDeleted))
	handle("POST", item+"/restore", nil, t.inBin(writeUsers(), writeGroups(), t.restoreDeleted))
	for _, namespace := range []string{"microsoft.graph.", "graph."} {
		handle("GET", "/directory/deletedItems/"+namespace+"user", readUsers(), t.listDeletedUsers)
		handle("GET", "/directory/deletedItems/"+namespace+"group", readGroups(), t.listDeletedGroups)
		handle("GET", item+"/"+namespace+"user", readUsers(), t.readDeletedUser)
		handle("GET", item+"/"+namespace+"group", readGroups(), t.readDeletedGroup)
	}
}

// inBin makes an endpoint of one that takes other permissions for a user than
// for a group. Who has none for either is refused whatever the id.
func (t *Tenant) inBin(users, groups []string, e endpoint) endpoint {
	return func(r *http.Request) (answer, error) {
		permissions := slices.Concat(users, groups)
		if o, err := t.deleted(r.PathValue("id")); err == nil {
			permissions = map[string][]string{"user": users, "group": groups}[o.typeName()]
		}
		if err := t.require(permissions); err != nil {
			return answer{}, err
		}
		return e(r)
	}
}

// deleted returns the user or group with that id if it is in the recycle bin.
func (t *Tenant) deleted(id string) (object, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.object(id)
	if o == nil || o.where() != RecycleBin {
		return nil, notFound(id)
	}
	return o, nil
}

// readDeleted answers with a directoryObject, which has other selectable
// properties than a user or a group.
func (t *Tenant) readDeleted(r *http.Request) (answer, error) {
	selects, err := t.selected(r, func(name string) bool { return name == "id" || name == "deletedDateTime" }, directoryObject)
	if err != nil {
		return answer{}, err
	}
	return t.answerDeleted(r, "", selects)
}

func (t *Tenant) readDeletedUser(r *http.Request) (answer, error) {
	selects, err := t.selected(r, isUserProperty, "user")
	if err != nil {
		return answer{}, err
	}
	return t.answerDeleted(r, "user", selects)
}

func (t *Tenant) readDeletedGroup(r *http.Request) (answer, error) {
	selects, err := t.selected(r, isGroupProperty, "group")
	if err != nil {
		return answer{}, err
	}
	return t.answerDeleted(r, "group", selects)
}

// answerDeleted answers with what is in the recycle bin, as what it was asked
// for: of one type, or of any if typeName is empty.
func (t *Tenant) answerDeleted(r *http.Request, typeName string, selects []string) (answer, error) {
	o, err := t.deleted(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if typeName != "" && typeName != o.typeName() {
		return answer{}, notFound(r.PathValue("id"))
	}
	t.mu.Lock()
	body := o.project(selects)
	t.mu.Unlock()
	if typeName == "" {
		typeName = directoryObject
		body["@odata.type"] = odataType(o)
	}
	body["@odata.context"] = metadata + odataContext(selects, typeName+"s") + "/$entity"
	return answer{http.StatusOK, body}, nil
}

func (t *Tenant) listDeletedUsers(r *http.Request) (answer, error) {
	return t.list(r, userCollection(), func(start int) (iter.Seq2[int, object], error) { return in(RecycleBin, t.order, start), nil })
}

func (t *Tenant) listDeletedGroups(r *http.Request) (answer, error) {
	return t.list(r, groupCollection(), func(start int) (iter.Seq2[int, object], error) {
		return in(RecycleBin, t.groupOrder, start), nil
	})
}

func (t *Tenant) purgeDeleted(r *http.Request) (answer, error) {
	o, err := t.deleted(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	purge := t.Purge
	if o.typeName() == "group" {
		purge = t.PurgeGroup
	}
	return answer{status: http.StatusNoContent}, purge(o.id())
}

func (t *Tenant) restoreDeleted(r *http.Request) (answer, error) {
	o, err := t.deleted(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	restore := t.Restore
	if o.typeName() == "group" {
		restore = t.RestoreGroup
	}
	if err := restore(o.id()); err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	body := o.project(nil)
	body["@odata.type"] = odataType(o)
	body["@odata.context"] = metadata + "directoryObjects/$entity"
	return answer{http.StatusOK, body}, nil
}
