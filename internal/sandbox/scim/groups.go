package scim

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	scim "github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/schema"
	filter "github.com/scim2/filter-parser/v2"
)

// GroupSchema is the schema of what Webex adds to a group.
const GroupSchema = "urn:scim:schemas:extension:cisco:webexidentity:2.0:Group"

const (
	// maxGroupName and maxGroupExternalID are the lengths in Webex's
	// schema of a group, in characters.
	maxGroupName       = 512
	maxGroupExternalID = 256
)

// group is a group of Webex.
type group struct {
	id                string
	serial            int
	attributes        map[string]any // without members
	members           membership
	created, modified time.Time
	version           int // counts what was written to it, which the end of an account is not
	shown             document
}

func (g *group) name() string { return at(g.attributes, "displayName") }

// cloudGroup is Webex's extension of a group, as far as a request can set it
// here. Its lists (owners, managedBy, inheritances, memberFilter) are ignored
// in requests, as an unknown attribute is; AddGroup takes them.
func cloudGroup() schema.Schema {
	text := func(name string) schema.CoreAttribute {
		return schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{Name: name}))
	}
	return schema.Schema{ID: GroupSchema, Attributes: []schema.CoreAttribute{text("usage"), text("groupType")}}
}

func groupShape() shape { return shape{withExternalID(schema.CoreGroupSchema()), cloudGroup()} }

// AddGroup puts a group into the organization that was there before anybody
// synchronized it, and returns its id. The attributes are without members; an
// extension in them is kept as it is. The members are ids of accounts or
// groups.
func (o *Organization) AddGroup(attributes map[string]any, members ...string) (id string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	g, err := o.insertGroup(attributes, func(e *membersEdit) error {
		for _, id := range members {
			if err := e.add(id, ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	o.groupSeeds[g.id] = clone(g.attributes)
	return g.id, nil
}

// Groups returns the attributes of all groups, without members, by id.
func (o *Organization) Groups() map[string]map[string]any {
	o.mu.Lock()
	defer o.mu.Unlock()
	groups := make(map[string]map[string]any, len(o.groups))
	for id, g := range o.groups {
		groups[id] = clone(g.attributes)
	}
	return groups
}

// Members returns the ids of a group's members in the order in which they
// were added; none if there is no such group.
func (o *Organization) Members(groupID string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	g, err := o.group(groupID)
	if err != nil {
		return nil
	}
	page, _ := g.members.page("", 1, g.members.size)
	ids := make([]string, len(page))
	for i, m := range page {
		ids[i] = m.id
	}
	return ids
}

func (o *Organization) group(id string) (*group, error) {
	if g := o.groups[strings.ToLower(id)]; g != nil {
		return g, nil
	}
	return nil, scimerrors.ScimErrorResourceNotFound(id)
}

// insertGroup makes a group with the members that join adds.
func (o *Organization) insertGroup(given map[string]any, join func(*membersEdit) error) (*group, error) {
	attributes := clone(given)
	if err := checkGroup(attributes); err != nil {
		return nil, err
	}
	g := &group{created: o.now()}
	members := o.editMembers(g)
	if err := join(members); err != nil {
		return nil, err
	}
	g.id = o.ids.Next()
	if n := len(o.groupOrder); n > 0 {
		g.serial = o.groupOrder[n-1].serial + 1
	}
	o.groups[g.id] = g
	o.groupOrder = append(o.groupOrder, g)
	o.groupsByID.add(g)
	members.commit()
	o.putGroup(g, attributes, g.created)
	return g, nil
}

// putGroup stores attributes that were checked.
func (o *Organization) putGroup(g *group, attributes map[string]any, now time.Time) {
	o.habits.normalize(attributes)
	g.shown = o.habits.outdated(g.shown, g.attributes, now)
	g.attributes, g.modified = attributes, now
	g.version++
}

func (o *Organization) removeGroup(g *group) {
	o.leaveGroups(g.id)
	members := o.editMembers(g)
	members.removeAll()
	members.commit()
	delete(o.groups, g.id)
	o.groupsByID.remove(g)
	if i, ok := slices.BinarySearchFunc(o.groupOrder, g, func(b, g *group) int { return b.serial - g.serial }); ok {
		o.groupOrder = slices.Delete(o.groupOrder, i, i+1)
	}
}

// checkGroup refuses attributes that Webex refuses. A displayName need not
// be unique: its uniqueness in Webex's schema is "None".
func checkGroup(attributes map[string]any) error {
	switch name := at(attributes, "displayName"); {
	case name == "":
		return invalidValue("A group needs a displayName.")
	case utf8.RuneCountInString(name) > maxGroupName:
		return invalidValue(fmt.Sprintf("A displayName has at most %d characters.", maxGroupName))
	case utf8.RuneCountInString(at(attributes, "externalId")) > maxGroupExternalID:
		return invalidValue(fmt.Sprintf("An externalId has at most %d characters.", maxGroupExternalID))
	default:
		return nil
	}
}

// groups are the organization's groups as the SCIM server sees them.
type groups Organization

func (h *groups) lock() (*Organization, func()) { return (*accounts)(h).lock() }

// Create implements scim.ResourceHandler.
func (h *groups) Create(_ *http.Request, attributes scim.ResourceAttributes) (scim.Resource, error) {
	o, unlock := h.lock()
	defer unlock()
	given := maps.Clone(attributes)
	delete(given, "members")
	child(given, GroupSchema)["provisionSource"] = "SCIM"
	g, err := o.insertGroup(given, func(e *membersEdit) error { return e.addAll(attributes["members"], maxMembers) })
	if err != nil {
		return scim.Resource{}, err
	}
	return o.groupResource(g, true, ""), nil
}

// Get implements scim.ResourceHandler.
func (h *groups) Get(r *http.Request, id string) (scim.Resource, error) {
	o, unlock := h.lock()
	defer unlock()
	g, err := o.group(id)
	if err != nil {
		return scim.Resource{}, err
	}
	without := slices.ContainsFunc(strings.Split(r.URL.Query().Get("excludedAttributes"), ","), func(name string) bool {
		return strings.EqualFold(strings.TrimSpace(name), "members")
	})
	return o.groupResource(g, !without, ""), nil
}

// GetAll implements scim.ResourceHandler.
func (h *groups) GetAll(r *http.Request, params scim.ListRequestParams) (scim.Page, error) {
	o, unlock := h.lock()
	defer unlock()
	memberType, err := memberTypeOf(r)
	if err != nil {
		return scim.Page{}, err
	}
	asked, err := arrangementOf(r, "displayName")
	if err != nil {
		return scim.Page{}, err
	}
	matching, err := o.arrangedGroups(params, asked.by)
	if err != nil {
		return scim.Page{}, err
	}
	include := strings.EqualFold(r.URL.Query().Get("includeMembers"), "true")
	page := scim.Page{TotalResults: len(matching), Resources: []scim.Resource{}}
	for _, g := range window(matching, params, asked.descending) {
		page.Resources = append(page.Resources, o.groupResource(g, include, memberType))
	}
	return page, nil
}

// Replace implements scim.ResourceHandler.
func (h *groups) Replace(_ *http.Request, id string, given scim.ResourceAttributes) (scim.Resource, error) {
	return h.change(id, func(attributes map[string]any, members *membersEdit) error {
		source := child(attributes, GroupSchema)["provisionSource"]
		clear(attributes)
		maps.Copy(attributes, clone(given))
		delete(attributes, "members")
		if source != nil { // which is Webex's to say
			child(attributes, GroupSchema)["provisionSource"] = source
		}
		members.removeAll()
		return members.addAll(given["members"], maxMembers)
	})
}

// Patch implements scim.ResourceHandler.
func (h *groups) Patch(_ *http.Request, id string, operations []scim.PatchOperation) (scim.Resource, error) {
	return h.change(id, func(attributes map[string]any, members *membersEdit) error {
		return patchGroup(attributes, members, operations)
	})
}

// Delete implements scim.ResourceHandler.
func (h *groups) Delete(_ *http.Request, id string) error {
	o, unlock := h.lock()
	defer unlock()
	g, err := o.group(id)
	if err != nil {
		return err
	}
	o.removeGroup(g)
	return nil
}

// change does to a group what edit says, all or nothing. "If the target
// location already contains the value specified, no changes should be made to
// the resource": then it is as it was, its version included.
func (h *groups) change(id string, edit func(attributes map[string]any, members *membersEdit) error) (scim.Resource, error) {
	o, unlock := h.lock()
	defer unlock()
	g, err := o.group(id)
	if err != nil {
		return scim.Resource{}, err
	}
	attributes, members := clone(g.attributes), o.editMembers(g)
	err = edit(attributes, members)
	if err == nil {
		err = checkGroup(attributes)
	}
	if err != nil {
		members.undo()
		return scim.Resource{}, err
	}
	if members.commit() || !reflect.DeepEqual(g.attributes, attributes) {
		o.putGroup(g, attributes, o.now())
	}
	return o.groupResource(g, true, ""), nil
}

// patchGroup applies the operations to a group in their order.
func patchGroup(attributes map[string]any, members *membersEdit, operations []scim.PatchOperation) error {
	s := groupShape()
	for _, operation := range operations {
		var err error
		switch path := operation.Path; {
		case path == nil:
			err = patchGroupMany(attributes, members, operation)
		case strings.EqualFold(path.AttributePath.AttributeName, "members"):
			err = members.patch(operation.Op, *path, operation.Value)
		default:
			err = s.patchOne(attributes, operation.Op, *path, operation.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// patchGroupMany applies an operation without a path.
func patchGroupMany(attributes map[string]any, members *membersEdit, operation scim.PatchOperation) error {
	value, ok := operation.Value.(map[string]any)
	if !ok {
		return scimerrors.ScimErrorInvalidValue
	}
	others := map[string]any{}
	for name, given := range value {
		if !strings.EqualFold(name, "members") {
			others[name] = given
			continue
		}
		path := filter.Path{AttributePath: filter.AttributePath{AttributeName: name}}
		if err := members.patch(operation.Op, path, given); err != nil {
			return err
		}
	}
	return groupShape().patchMany(attributes, operation.Op, others)
}

// searchGroups returns the groups that pass a filter, the oldest first. Of a
// group the documents show displayName, eq and "or"; those of the older
// /v1/groups say "only displayName", with eq and sw.
func (o *Organization) searchGroups(params scim.ListRequestParams) ([]*group, error) {
	if params.FilterValidator == nil {
		return o.groupOrder, nil
	}
	expression := params.FilterValidator.GetFilter()
	if err := groupSearchable(expression); err != nil {
		return nil, err
	}
	var matching []*group
	now := o.now()
	for _, g := range o.groupOrder {
		if shown := g.shown.at(now, g.attributes); shown != nil && named(at(shown, "displayName"), expression) {
			matching = append(matching, g)
		}
	}
	return matching, nil
}

// groupSearchable refuses what Webex does not search groups by.
func groupSearchable(e filter.Expression) error {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if e.Operator != filter.OR {
			return scimerrors.ScimErrorInvalidFilter
		}
		if err := groupSearchable(e.Left); err != nil {
			return err
		}
		return groupSearchable(e.Right)
	case *filter.AttributeExpression:
		name := e.AttributePath.AttributeName
		if sub := e.AttributePath.SubAttributeName(); sub != "" {
			name += "." + sub
		}
		if strings.EqualFold(name, "displayName") && slices.Contains([]filter.CompareOperator{filter.EQ, filter.SW}, operator(e)) {
			return nil
		}
		return notSearchable("group", name, e)
	default:
		return scimerrors.ScimErrorInvalidFilter
	}
}

// named reports whether a name passes a filter that groupSearchable passed.
func named(name string, e filter.Expression) bool {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		return named(name, e.Left) || named(name, e.Right)
	case *filter.AttributeExpression:
		return compares(name, operator(e), operand(e))
	default:
		return false
	}
}

// groupResource is the group as it is answered; with members, the first 500
// of the type, if one is given. The attribute is not there if there are none.
func (o *Organization) groupResource(g *group, withMembers bool, memberType string) scim.Resource {
	attributes := clone(g.attributes)
	child(attributes, GroupSchema)["meta"] = map[string]any{"organizationID": o.id}
	if withMembers {
		page, _ := g.members.page(memberType, 1, maxMembers)
		if members := o.describe(page, true); len(members) > 0 {
			attributes["members"] = members
		}
	}
	created, modified := g.created, g.modified // the answer is written without the lock
	return scim.Resource{ID: g.id, Attributes: attributes, Meta: scim.Meta{
		Created: &created, LastModified: &modified, Version: fmt.Sprintf("W/%q", strconv.Itoa(g.version)),
	}}
}
