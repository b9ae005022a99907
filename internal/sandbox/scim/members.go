package scim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	scim "github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	filter "github.com/scim2/filter-parser/v2"
)

const (
	// maxMembers is how many members Webex shows at once, in a group and in a
	// page of members, and the size of members in its schema, which here is
	// the most that a POST or PUT takes.
	maxMembers = 500
	// maxPatchMembers is how many members one PATCH adds and removes. Webex
	// documents no number: this is the sandbox's own, and strict.
	maxPatchMembers = 100
)

// MemberAdd is what comes of adding a member that a group has already. RFC
// 7644 section 3.5.2.1 and Webex say that nothing does; servers differ.
type MemberAdd string

const (
	// AddIgnore changes nothing.
	AddIgnore MemberAdd = ""
	// AddDouble adds the member again.
	AddDouble MemberAdd = "double"
	// AddRefuse answers 409.
	AddRefuse MemberAdd = "refuse"
)

// groupMember is one member of a group.
type groupMember struct {
	id   string
	kind string // "user" or "group"; the organization has no machines
	gone bool
}

// membership is who is in a group of Webex. To add, to remove and to ask for
// somebody take as long in a large group as in a small one.
type membership struct {
	present map[string][]*groupMember // by id; more than one only with AddDouble
	// order is as they were added. Those who are gone stay in it until they
	// are more than those who are not.
	order []*groupMember
	size  int
}

// page returns up to count members of a type, any if it is empty, from the
// start-th on, and how many there are.
func (m *membership) page(kind string, start, count int) (page []*groupMember, total int) {
	for _, member := range m.order {
		if member.gone || kind != "" && member.kind != kind {
			continue
		}
		total++
		if total >= start && len(page) < count {
			page = append(page, member)
		} else if kind == "" && total >= start {
			break
		}
	}
	if kind == "" {
		total = m.size
	}
	return page, total
}

// membersEdit changes who is in a group and remembers how it was, without a
// copy of the whole.
type membersEdit struct {
	org            *Organization
	group          *group
	length, size   int // as they were
	added, removed []*groupMember
	named          int // how many members a PATCH has named
}

func (o *Organization) editMembers(g *group) *membersEdit {
	return &membersEdit{org: o, group: g, length: len(g.members.order), size: g.members.size}
}

// add adds an account or a group. An empty type is whichever it is.
func (e *membersEdit) add(id, kind string) error {
	id = strings.ToLower(id)
	is := e.org.memberType(id)
	if is == "" || kind != "" && kind != is {
		return invalidValue("The member " + id + " does not exist.")
	}
	m := &e.group.members
	if len(m.present[id]) > 0 {
		switch e.org.memberAdd {
		case AddDouble: // as if it were not there
		case AddRefuse:
			return scimerrors.ScimError{Status: http.StatusConflict, ScimType: scimerrors.ScimTypeUniqueness, Detail: "The member " + id + " already exists."}
		default:
			return nil
		}
	}
	if m.present == nil {
		m.present = map[string][]*groupMember{}
	}
	member := &groupMember{id: id, kind: is}
	m.present[id] = append(m.present[id], member)
	m.order = append(m.order, member)
	m.size++
	e.added = append(e.added, member)
	return nil
}

// memberType is what an id is of; empty if it is of nothing.
func (o *Organization) memberType(id string) string {
	switch {
	case o.accounts[id] != nil:
		return "user"
	case o.groups[id] != nil:
		return "group"
	default:
		return ""
	}
}

// remove takes a member out, however often it is there, and reports whether
// it was.
func (e *membersEdit) remove(id string) bool {
	m := &e.group.members
	members := m.present[id]
	for _, member := range members {
		member.gone = true
	}
	delete(m.present, id)
	m.size -= len(members)
	e.removed = append(e.removed, members...)
	return len(members) > 0
}

func (e *membersEdit) removeAll() {
	for id := range e.group.members.present {
		e.remove(id)
	}
}

// undo makes the group as it was.
func (e *membersEdit) undo() {
	m := &e.group.members
	for _, member := range e.removed {
		member.gone = false
		m.present[member.id] = append(m.present[member.id], member)
	}
	for _, member := range e.added {
		m.present[member.id] = slices.DeleteFunc(m.present[member.id], func(p *groupMember) bool { return p == member })
		if len(m.present[member.id]) == 0 {
			delete(m.present, member.id)
		}
	}
	clear(m.order[e.length:])
	m.order, m.size = m.order[:e.length], e.size
}

// commit keeps what was done, and reports whether anything was.
func (e *membersEdit) commit() bool {
	m := &e.group.members
	touched := slices.Concat(e.added, e.removed)
	for _, member := range touched {
		groups := e.org.memberOf[member.id]
		if len(m.present[member.id]) == 0 {
			delete(groups, e.group)
			if len(groups) == 0 {
				delete(e.org.memberOf, member.id)
			}
			continue
		}
		if groups == nil {
			groups = map[*group]bool{}
			e.org.memberOf[member.id] = groups
		}
		groups[e.group] = true
	}
	if len(m.order) > 2*m.size {
		m.order = slices.DeleteFunc(m.order, func(member *groupMember) bool { return member.gone })
	}
	return len(touched) > 0
}

// leaveGroups takes an account or a group out of the groups it is in.
func (o *Organization) leaveGroups(id string) {
	for g := range o.memberOf[id] {
		members := o.editMembers(g)
		members.remove(id)
		members.commit()
	}
}

// addAll adds the members in a list, as a request has them. With those that
// were named before they may be limit.
func (e *membersEdit) addAll(list any, limit int) error {
	members, ok := list.([]any)
	if !ok && list != nil {
		return invalidValue("The members are a list.")
	}
	if err := e.name(len(members), limit); err != nil {
		return err
	}
	for _, element := range members {
		member, _ := element.(map[string]any)
		kind, err := checkMemberType(at(member, "type"))
		if err != nil {
			return err
		}
		if err := e.add(at(member, "value"), kind); err != nil {
			return err
		}
	}
	return nil
}

// name counts members that a request names.
func (e *membersEdit) name(n, limit int) error {
	if e.named += n; e.named > limit {
		return invalidValue(fmt.Sprintf("At most %d members can be changed at once.", limit))
	}
	return nil
}

// checkMemberType returns a type in lower case, as the examples have it;
// Webex's schema has capitals.
func checkMemberType(kind string) (string, error) {
	kind = strings.ToLower(kind)
	if !slices.Contains([]string{"", "user", "group", "machine"}, kind) {
		return "", invalidValue("The type of a member is user, group or machine.")
	}
	return kind, nil
}

// patch applies an operation whose path is "members". The sub-attributes of a
// member are immutable: a member is added or removed, never changed.
func (e *membersEdit) patch(op string, path filter.Path, value any) error {
	switch {
	case path.SubAttributeName() != "" || path.AttributePath.SubAttributeName() != "":
		return scimerrors.ScimErrorMutability
	case path.ValueExpression != nil && op != scim.PatchOperationRemove:
		return scimerrors.ScimErrorMutability
	case path.ValueExpression != nil:
		return e.removePicked(path.ValueExpression)
	case op == scim.PatchOperationAdd:
		return e.addAll(value, maxPatchMembers)
	}
	e.removeAll()
	if op == scim.PatchOperationRemove {
		return nil
	}
	return e.addAll(value, maxPatchMembers)
}

// removePicked removes the members that a filter picks, by nothing but their
// ids. What answers a remove that finds nobody is not documented: here it is
// 400 noTarget, as for replace.
func (e *membersEdit) removePicked(picks filter.Expression) error {
	ids, err := pickedIDs(picks)
	if err != nil {
		return err
	}
	if err := e.name(len(ids), maxPatchMembers); err != nil {
		return err
	}
	found := false
	for _, id := range ids {
		found = e.remove(strings.ToLower(id)) || found
	}
	if !found {
		return scimerrors.ScimErrorNoTarget
	}
	return nil
}

// pickedIDs are the ids in a filter such as `value eq "…" or value eq "…"`.
func pickedIDs(e filter.Expression) ([]string, error) {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if e.Operator != filter.OR {
			return nil, scimerrors.ScimErrorInvalidFilter
		}
		left, err := pickedIDs(e.Left)
		if err != nil {
			return nil, err
		}
		right, err := pickedIDs(e.Right)
		return append(left, right...), err
	case *filter.AttributeExpression:
		id, ok := operand(e).(string)
		if !ok || !strings.EqualFold(e.AttributePath.String(), "value") || operator(e) != filter.EQ {
			return nil, scimerrors.ScimErrorInvalidFilter
		}
		return []string{id}, nil
	default:
		return nil, scimerrors.ScimErrorInvalidFilter
	}
}

// describe returns members as they are answered, with $ref in a group and
// without it in a page of members.
func (o *Organization) describe(members []*groupMember, withRef bool) []any {
	described := make([]any, len(members))
	for i, m := range members {
		endpoint, display := "/Groups/", ""
		if a := o.accounts[m.id]; a != nil {
			endpoint, display = "/Users/", cmp.Or(at(a.attributes, "displayName"), at(a.attributes, "userName"))
		} else if g := o.groups[m.id]; g != nil {
			display = g.name()
		}
		member := map[string]any{"value": m.id, "type": m.kind, "display": display}
		if withRef {
			member["$ref"] = o.base + endpoint + m.id
		}
		described[i] = member
	}
	return described
}

// serveMembers answers GET /Groups/{id}/Members. Its shape is not that of
// other lists: the total is memberSize.
// https://developer.webex.com/docs/api/v1/scim-2-groups/get-group-members
func (o *Organization) serveMembers(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		writeRefusal(w, methodNotAllowed(r.Method))
		return
	}
	body, err := o.memberPage(r)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func methodNotAllowed(method string) error {
	return scimerrors.ScimError{Status: http.StatusMethodNotAllowed, Detail: "The method " + method + " is not allowed."}
}

func (o *Organization) memberPage(r *http.Request) (map[string]any, error) {
	start, err := number(r, "startIndex", 1)
	if err != nil {
		return nil, err
	}
	count, err := number(r, "count", maxMembers)
	if err != nil {
		return nil, err
	}
	kind, err := memberTypeOf(r)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	g, err := o.group(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/Groups/"), "/Members"))
	if err != nil {
		return nil, err
	}
	start = max(start, 1)
	page, total := g.members.page(kind, start, min(max(count, 0), o.habits.page))
	return map[string]any{
		"schemas":    []string{"urn:scim:schemas:extension:cisco:webexidentity:2.0:GroupMembers"},
		"memberSize": total, "displayName": g.name(), "itemsPerPage": len(page), "startIndex": start,
		"members": o.describe(page, false),
	}, nil
}

// number reads a whole number from the query.
func number(r *http.Request, name string, absent int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, scimerrors.ScimErrorBadParams([]string{name})
	}
	return n, nil
}

// memberTypeOf reads the type of members a request asks for; empty for all.
func memberTypeOf(r *http.Request) (string, error) {
	return checkMemberType(r.URL.Query().Get("memberType"))
}
