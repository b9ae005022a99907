package entra

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
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
	for _, element := range list.Elements {
		o, more, ok := decodeChanged(kind, element)
		odd = append(odd, more...)
		if ok {
			page.Objects = append(page.Objects, o)
		}
	}
	return page, odd, nil
}

// decodeChanged reads one object on the page; false if it is to be left out.
func decodeChanged(kind change.Kind, element []byte) (reconcile.Object, []oddity, bool) {
	var raw map[string]json.RawMessage
	unread := json.Unmarshal(element, &raw)
	id, ok := change.ParseID(text(raw["id"]))
	if unread != nil || !ok {
		return reconcile.Object{}, []oddity{{"a " + string(kind) + " whose id is not a GUID is left out of the changes", oneLine(text(raw["id"]), 40)}}, false
	}
	var odd []oddity
	told := text(raw["@odata.type"])
	switch nature := natureOf(told); {
	case told == "" || nature == of(kind):
	case nature == unsaid:
		odd = append(odd, oddity{"the changes of " + string(kind) + "s hold a type that is not known, which is taken for one", oneLine(told, 80)})
	default:
		return reconcile.Object{}, []oddity{{"something else than a " + string(kind) + " is left out of the changes", id}}, false
	}
	o := reconcile.Object{Object: change.Object{Kind: kind, ID: id}}
	if removed := raw["@removed"]; len(removed) > 0 && string(removed) != "null" {
		var known bool
		if o.Removed, known = removal(removed); !known {
			odd = append(odd, oddity{"the changes say in a way that is not known how a " + string(kind) + " was removed, and it is looked at", id})
		}
		return o, odd, true
	}
	o.Attributes = make(map[string]any, len(raw))
	for name, text := range raw {
		switch {
		case name == membersDelta:
			var more []oddity
			o.Members, more = decodeDeltaMembers(id, text)
			odd = append(odd, more...)
		case !strings.Contains(name, "@"):
			var value any
			_ = json.Unmarshal(text, &value) // it was read as JSON before
			o.Attributes[name] = value
		}
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
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil, []oddity{unreadable}
	}
	members := make([]reconcile.Member, 0, len(elements))
	var odd []oddity
	for _, element := range elements {
		var m struct {
			identity

			Removed json.RawMessage `json:"@removed"`
		}
		unread := json.Unmarshal(element, &m)
		id, ok := change.ParseID(text(m.ID))
		if unread != nil || !ok {
			odd = append(odd, unreadable)
			continue
		}
		member := reconcile.Member{ID: id, Removed: len(m.Removed) > 0 && string(m.Removed) != "null"}
		switch told := text(m.Type); natureOf(told) {
		case aUser:
			member.Kind = change.User
		case aGroup:
			member.Kind = change.Group
		case another:
			continue
		default: // it may be anything
			if told != "" {
				odd = append(odd, oddity{"the changes of a group's members hold a type that is not known", oneLine(told, 80)})
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
