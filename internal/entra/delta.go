package entra

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/rawjson"
	"entrawebex/internal/reconcile"
)

var _ reconcile.Graph = (*Client)(nil)

// membersRelation is what a delta query of groups tracks beside attributes, and
// membersDelta how it tells.
const (
	membersRelation = "members"
	membersDelta    = "members@delta"
)

// Delta implements reconcile.Graph: one call for up to 999 objects. A link that
// leads elsewhere than to this Graph is Gone, and is not asked for. A page that
// leads back to itself is a Transient fault; whoever reads the round sees to it
// that other circles end.
func (c *Client) Delta(ctx context.Context, kind change.Kind, link string) (reconcile.Page, error) {
	operation := "read changes of " + string(kind) + "s from Entra"
	list := request{place: userDelta}
	if kind == change.Group {
		list.place = groupDelta
	}
	body, err := c.firstOr(ctx, list, link)
	if err != nil {
		return reconcile.Page{}, linkFault(operation, permission(kind), link, err)
	}
	page, odd, err := decodeDelta(kind, body)
	switch {
	case err != nil:
	case page.Next != "" && page.Next == link:
		err = endlessError("the link of the page leads to the page itself")
	default:
		_, err = c.auth.link(page.Next + page.Delta)
	}
	if err != nil {
		return reconcile.Page{}, fault(operation, permission(kind), err)
	}
	c.oddities.tell(ctx, c.log, operation, odd)
	if err := c.listDomain(ctx, kind, page.Objects); err != nil {
		return reconcile.Page{}, err
	}
	return page, nil
}

// decodeDelta reads a page of a delta query. That nothing has changed must be
// said, not left out, and so must where it goes on. What of it is odd is told, and
// spoils nothing else.
func decodeDelta(kind change.Kind, body []byte) (reconcile.Page, []oddity, error) {
	list, err := decodeCollection("objects", body)
	switch {
	case err != nil:
		return reconcile.Page{}, nil, err
	case (list.Next == "") == (list.Delta == ""):
		return reconcile.Page{}, nil, strange("the answer does not say whether the round goes on or has ended")
	}
	page := reconcile.Page{Objects: make([]reconcile.Object, 0, len(list.Elements)), Next: list.Next, Delta: list.Delta}
	var odd []oddity
	var values rawjson.Decoder
	for _, element := range list.Elements {
		o, more, ok := decodeChanged(kind, element, &values)
		odd = append(odd, more...)
		if ok {
			page.Objects = append(page.Objects, o)
		}
	}
	return page, odd, nil
}

// changed is an object on a page of a delta query, as it stands.
type changed struct{ id, odataType, removed, members, manager []byte }

// mark notes one of the members by which a delta query tells what it is about, and
// reports whether it is one.
func (c *changed) mark(name, value []byte) bool {
	switch string(name) {
	case "id":
		c.id = value
		return false // it is an attribute, too
	case "@odata.type":
		c.odataType = value
	case "@removed":
		c.removed = value
	case membersDelta:
		c.members = value
	case managerDelta:
		c.manager = value
	default:
		return bytes.IndexByte(name, '@') >= 0
	}
	return true
}

// isRemoved reports whether that is said, in whatever form.
func isRemoved(raw []byte) bool { return len(raw) > 0 && string(raw) != "null" }

// decodeChanged reads one object on the page; false if it is to be left out.
func decodeChanged(kind change.Kind, element []byte, values *rawjson.Decoder) (reconcile.Object, []oddity, bool) {
	var c changed
	attributes := map[string]any{}
	for name, value := range rawjson.Members(element) {
		if !c.mark(name, value) {
			name, decoded := values.Member(name, value)
			attributes[name] = decoded
		}
	}
	given, ok := attributes["id"].(string)
	if !ok {
		given = text(c.id)
	}
	id, ok := change.ParseID(given)
	if !ok {
		return reconcile.Object{}, []oddity{{"a " + string(kind) + " whose id is not a GUID is left out of the changes", printable.Short(given, 40)}}, false
	}
	var odd []oddity
	told := text(c.odataType)
	switch nature := natureOf(told); {
	case told == "" || nature == of(kind):
	case nature == unsaid:
		odd = append(odd, oddity{"the changes of " + string(kind) + "s hold a type that is not known, which is taken for one", printable.Short(told, 80)})
	default:
		return reconcile.Object{}, []oddity{{"something else than a " + string(kind) + " is left out of the changes", id}}, false
	}
	o := reconcile.Object{Object: change.Object{Kind: kind, ID: id}}
	if isRemoved(c.removed) {
		var known bool
		if o.Removed, known = removal(c.removed); !known {
			odd = append(odd, oddity{"the changes say in a way that is not known how a " + string(kind) + " was removed, and it is looked at", id})
		}
		return o, odd, true
	}
	o.Attributes = attributes
	if c.manager != nil {
		if manager, said := decodeManager(c.manager); said {
			attributes[managerRelation] = manager
		} else {
			odd = append(odd, oddity{"the changes of a user's manager cannot be read: it is found when the user is looked at", id})
		}
	}
	if c.members != nil {
		var more []oddity
		o.Members, more = decodeDeltaMembers(id, c.members)
		odd = append(odd, more...)
	}
	return o, odd, true
}

// removal reads how an object was removed. Whatever the form: it is removed, and
// that it is for good only if that is said.
func removal(raw json.RawMessage) (removed reconcile.Removal, known bool) {
	var said struct {
		Reason reconcile.Removal `json:"reason"`
	}
	if json.Unmarshal(raw, &said) == nil && (said.Reason == reconcile.SoftDeleted || said.Reason == reconcile.Deleted) {
		return said.Reason, true
	}
	return reconcile.SoftDeleted, false
}

// decodeDeltaMembers reads who joined or left a group. Who cannot be read is left
// out, and found when the group is compared.
func decodeDeltaMembers(groupID string, raw []byte) ([]reconcile.Member, []oddity) {
	unreadable := oddity{"the changes of a group's members cannot all be read: a comparison finds them", groupID}
	if raw[0] != '[' && raw[0] != 'n' {
		return nil, []oddity{unreadable}
	}
	const shortest = len(`{"id":"00000000-0000-0000-0000-000000000000"}`)
	members := make([]reconcile.Member, 0, min(bytes.Count(raw, []byte("{")), len(raw)/shortest))
	var odd []oddity
	for element := range rawjson.Elements(raw) {
		var m changed
		for name, value := range rawjson.Members(element) {
			m.mark(name, value)
		}
		id, ok := change.ParseID(text(m.id))
		if !ok {
			odd = append(odd, unreadable)
			continue
		}
		member := reconcile.Member{ID: id, Removed: isRemoved(m.removed)}
		switch told := text(m.odataType); natureOf(told) {
		case aUser:
			member.Kind = change.User
		case aGroup:
			member.Kind = change.Group
		case another:
			continue
		default: // it may be anything
			if told != "" {
				odd = append(odd, oddity{"the changes of a group's members hold a type that is not known", printable.Short(told, 80)})
			}
		}
		members = append(members, member)
	}
	return members, odd
}

// The codes with which Graph says that a delta token is void, whatever the
// status (https://learn.microsoft.com/graph/delta-query-overview).
const (
	syncStateNotFound = "syncStateNotFound"
	resyncRequired    = "resyncRequired"
)

// linkFault is fault, with Gone for a link that leads nowhere any more, or
// elsewhere.
func linkFault(operation, permission, link string, err error) *provision.Fault {
	f := fault(operation, permission, err)
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case link == "":
	case errors.Is(err, errForeignHost), errors.Is(err, errForeignPath):
		f.Says(provision.Gone)
	case ok && (refused.expired || refused.own && refused.status < http.StatusInternalServerError &&
		(strings.EqualFold(refused.code, syncStateNotFound) || strings.EqualFold(refused.code, resyncRequired))):
		f.Says(provision.Gone)
	}
	return f
}
