package entra

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/rawjson"
)

// managerRelation is a user's relationship to who manages it, a user or an
// organizational contact. It is no property: of one user it is asked for by itself
// (https://learn.microsoft.com/graph/api/user-list-manager), while a delta query tracks
// it if it is selected (https://learn.microsoft.com/graph/delta-query-overview), and
// tells in managerDelta. No notification is documented to tell of it.
const (
	managerRelation = "manager"
	managerDelta    = "manager@delta"
)

// properties are those of the attributes that can be selected of one user.
func properties(attributes []string) []string {
	return slices.DeleteFunc(slices.Clone(attributes), func(name string) bool { return name == managerRelation })
}

// readsManager reports whether it is asked who manages the object.
func (c *Client) readsManager(o change.Object) bool {
	return o.Kind == change.User && slices.Contains(c.selects[change.User], managerRelation)
}

// managerOf asks who manages a user.
func managerOf(o change.Object) request { return request{place: userManager, id: o.ID} }

// manage adds to a live user's reading who manages it: an id, or null if Graph says that
// nobody does.
func (c *Client) manage(o change.Object, r *provision.Reading, a answer) {
	if r.Presence != provision.Present || r.Err != nil || !c.readsManager(o) {
		return
	}
	id, err := a.manager(o)
	if err != nil {
		r.ManagerErr = fault("read the manager of "+o.String()+" from Entra", readUsers, err)
		return
	}
	if r.Attributes[managerRelation] = nil; id != "" {
		r.Attributes[managerRelation] = id
	}
}

// manager is the id of who manages the user; empty if nobody does.
func (a answer) manager(o change.Object) (string, error) {
	refused, _ := errors.AsType[*refusal](a.err)
	switch {
	case notThere(a.err) && !strings.Contains(strings.ToLower(refused.message), o.ID): // else it is the user that is not there
		return "", nil
	case a.err != nil:
		return "", a.err
	}
	var manager identity
	id, ok := "", json.Unmarshal(a.body, &manager) == nil
	if ok {
		id, ok = change.ParseID(text(manager.ID))
	}
	if !ok {
		return "", strange("the answer has no id that is a GUID")
	}
	return id, nil
}

// decodeManager reads who manages a user from a page of a delta query: an id, or nil if
// nobody does any more; false if that is not said.
func decodeManager(raw []byte) (manager any, said bool) {
	for element := range rawjson.Elements(raw) {
		var m changed
		for name, value := range rawjson.Members(element) {
			m.mark(name, value)
		}
		id, ok := change.ParseID(text(m.id))
		switch {
		case isRemoved(m.removed):
			said = true
		case ok:
			manager, said = id, true
		default:
			return nil, false
		}
	}
	return manager, said
}
