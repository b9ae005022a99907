package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

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
// leads elsewhere than to this Graph is Gone, and is not asked for.
func (c *Client) Delta(ctx context.Context, kind change.Kind, link string) (reconcile.Page, error) {
	operation := "read changes of " + string(kind) + "s from Entra"
	body, err := c.deltaPage(ctx, kind, link)
	if err != nil {
		return reconcile.Page{}, linkFault(operation, permission(kind), link, err)
	}
	page, err := decodeDelta(kind, body)
	if err == nil {
		_, err = c.auth.link(page.Next + page.Delta)
	}
	if err != nil {
		return reconcile.Page{}, fault(operation, permission(kind), err)
	}
	return page, nil
}

func (c *Client) deltaPage(ctx context.Context, kind change.Kind, link string) ([]byte, error) {
	if link != "" {
		return c.follow(ctx, link, preferPages)
	}
	var info *abs.RequestInformation
	var err error
	selects := c.selects[kind]
	if kind == change.Group {
		selects = append(slices.Clip(selects), membersRelation)
		info, err = groups.NewGroupsRequestBuilderInternal(c.path(), c.adapter).Delta().ToGetRequestInformation(ctx, nil)
	} else {
		info, err = users.NewUsersRequestBuilderInternal(c.path(), c.adapter).Delta().ToGetRequestInformation(ctx, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	info.AddQueryParameters(query{Select: selects})
	preferPages(info)
	return c.send(ctx, info)
}

// preferPages asks for pages of the size that other lists of Graph have. A
// delta query has no $top, and a link does not remember a header.
func preferPages(info *abs.RequestInformation) {
	info.Headers.Add("Prefer", "odata.maxpagesize="+strconv.Itoa(int(pageSize)))
}

// decodeDelta reads a page of a delta query. That nothing has changed must be
// said, not left out, and so must where it goes on.
func decodeDelta(kind change.Kind, body []byte) (reconcile.Page, error) {
	var answer struct {
		Objects []map[string]json.RawMessage `json:"value"`
		Next    string                       `json:"@odata.nextLink"`
		Delta   string                       `json:"@odata.deltaLink"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil:
		return reconcile.Page{}, errors.New("the answer is not a page of objects")
	case answer.Objects == nil:
		return reconcile.Page{}, errors.New("the answer has no list of objects")
	case (answer.Next == "") == (answer.Delta == ""):
		return reconcile.Page{}, errors.New("the answer does not say whether the round goes on or has ended")
	}
	page := reconcile.Page{Objects: make([]reconcile.Object, 0, len(answer.Objects)), Next: answer.Next, Delta: answer.Delta}
	for _, raw := range answer.Objects {
		o, err := decodeChanged(kind, raw)
		if err != nil {
			return reconcile.Page{}, err
		}
		page.Objects = append(page.Objects, o)
	}
	return page, nil
}

// decodeChanged reads one object on the page.
func decodeChanged(kind change.Kind, raw map[string]json.RawMessage) (reconcile.Object, error) {
	o := reconcile.Object{Object: change.Object{Kind: kind}, Attributes: make(map[string]any, len(raw))}
	var removed *struct {
		Reason reconcile.Removal `json:"reason"`
	}
	for name, text := range raw {
		var err error
		switch name {
		case "@removed":
			err = json.Unmarshal(text, &removed)
		case membersDelta:
			o.Members, err = decodeDeltaMembers(text)
		default:
			var value any
			err = json.Unmarshal(text, &value)
			o.Attributes[name] = value
		}
		if err != nil {
			return reconcile.Object{}, fmt.Errorf("the answer lists a %s whose %s cannot be read", kind, oneLine(name, 40))
		}
	}
	id, _ := o.Attributes["id"].(string)
	var ok bool
	if o.ID, ok = change.ParseID(id); !ok {
		return reconcile.Object{}, fmt.Errorf("the answer lists a %s whose id is not a GUID", kind)
	}
	if told, ok := o.Attributes["@odata.type"].(string); ok && !strings.EqualFold(told, odataType(kind)) {
		return reconcile.Object{}, fmt.Errorf("the answer lists something else than a %s", kind)
	}
	if removed != nil {
		if removed.Reason != reconcile.SoftDeleted && removed.Reason != reconcile.Deleted {
			return reconcile.Object{}, fmt.Errorf("the answer does not say how a %s was removed", kind)
		}
		return reconcile.Object{Object: o.Object, Removed: removed.Reason}, nil
	}
	maps.DeleteFunc(o.Attributes, func(name string, _ any) bool { return strings.Contains(name, "@") })
	return o, nil
}

// decodeDeltaMembers reads who joined or left a group.
func decodeDeltaMembers(text []byte) ([]reconcile.Member, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(text, &elements); err != nil {
		return nil, err
	}
	members := make([]reconcile.Member, 0, len(elements))
	for _, element := range elements {
		var m change.Member
		var kind struct {
			Type string `json:"@odata.type"`
		}
		if err := errors.Join(json.Unmarshal(element, &m), json.Unmarshal(element, &kind)); err != nil {
			return nil, err
		}
		id, ok := change.ParseID(m.ID)
		if !ok {
			return nil, errors.New("the id is not a GUID")
		}
		member := reconcile.Member{ID: id, Removed: m.Removed}
		switch {
		case kind.Type == "": // it may be anything
		case strings.EqualFold(kind.Type, odataType(change.User)):
			member.Kind = change.User
		case strings.EqualFold(kind.Type, odataType(change.Group)):
			member.Kind = change.Group
		default:
			continue
		}
		members = append(members, member)
	}
	return members, nil
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
		f.Kind = provision.Gone
	case ok && (refused.expired || refused.status < http.StatusInternalServerError &&
		(strings.EqualFold(refused.code, syncStateNotFound) || strings.EqualFold(refused.code, resyncRequired))):
		f.Kind = provision.Gone
	}
	return f
}
