package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipalswithappid"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
)

// The least privileged permissions to read an enterprise application and who
// is assigned to it, and to read what a user or a group is assigned to
// (https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto,
// https://learn.microsoft.com/graph/api/user-list-approleassignments).
const (
	readApplications = "Application.Read.All"
	readAssignments  = "Directory.Read.All"
)

// ServicePrincipal returns the object id of the enterprise application with an
// application (client) id: one call. Fault Permanent if there is none.
// https://learn.microsoft.com/graph/api/serviceprincipal-get
func (c *Client) ServicePrincipal(ctx context.Context, appID string) (string, error) {
	operation := "find enterprise application " + printable.Short(appID, 40) + " in Entra"
	app, ok := change.ParseID(appID)
	if !ok {
		return "", &provision.Fault{Kind: provision.Permanent, Reason: operation + ": an application (client) id is a GUID"}
	}
	info, err := serviceprincipalswithappid.NewServicePrincipalsWithAppIdRequestBuilderInternal(c.path(), c.adapter, &app).
		ToGetRequestInformation(ctx, nil)
	if err != nil {
		return "", fault(operation, readApplications, fmt.Errorf("build request: %w", err))
	}
	info.AddQueryParameters(query{Select: []string{"id", "appId"}})
	body, err := c.send(ctx, info)
	switch err = concerning(err, app); {
	case notThere(err):
		return "", &provision.Fault{Kind: provision.Permanent, Reason: operation +
			": there is none with this application (client) id in the tenant (it is the Application ID under" +
			" Enterprise applications, Properties; not the Object ID)"}
	case err != nil:
		return "", fault(operation, readApplications, err)
	}
	var answer struct {
		ID    string `json:"id"`
		AppID string `json:"appId"`
	}
	if json.Unmarshal(body, &answer) == nil && strings.EqualFold(answer.AppID, app) {
		if id, ok := change.ParseID(answer.ID); ok {
			return id, nil
		}
	}
	return "", fault(operation, readApplications, errNotThatApp)
}

// errNotThatApp is an answer that is not the enterprise application asked for.
const errNotThatApp = strange("the answer is not that enterprise application")

// Assignments implements reconcile.Graph: one call for up to 999 assignments. A
// page that leads elsewhere than to this Graph is Gone, and is not asked for. A
// list that does not end is a fault as it is for Members.
// https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto
func (c *Client) Assignments(ctx context.Context, servicePrincipalID, page string) (reconcile.AssignmentPage, error) {
	operation := readAssigned(servicePrincipalID)
	chain, ended := c.chains.of(page)
	if ended {
		return reconcile.AssignmentPage{}, provision.Answered(provision.Gone, operation, errEnded)
	}
	body, err := c.firstOr(ctx, allAssigned(servicePrincipalID), page)
	if err != nil {
		f := linkFault(operation, readApplications, page, err)
		if notThere(err) {
			f.Says(provision.Gone)
		}
		return reconcile.AssignmentPage{}, f
	}
	assignments, err := c.decodeAssigned(body, servicePrincipalID)
	if err == nil {
		err = c.readOn(ctx, assignedTo, chain, page, assignments.collection)
	}
	if err != nil {
		return reconcile.AssignmentPage{}, fault(operation, readApplications, err)
	}
	c.oddities.tell(ctx, c.log, operation, assignments.odd)
	return assignments.AssignmentPage, nil
}

// readAssigned is what Assignments does, for its faults.
func readAssigned(servicePrincipalID string) string {
	return "read assignments to enterprise application " + servicePrincipalID + " from Entra"
}

// allAssigned asks for the first page of the assignments to a service principal.
func allAssigned(servicePrincipalID string) request {
	return request{place: assignedTo, id: servicePrincipalID}
}

// decodeAssigned reads a page of the assignments to a service principal. Its
// nextLink is looked at here, so that no other than this Graph's is ever kept.
func (c *Client) decodeAssigned(body []byte, servicePrincipalID string) (assignmentPage, error) {
	p, err := decodeAssignments(body, servicePrincipalID)
	if err != nil {
		return assignmentPage{}, err
	}
	if p.Next != "" {
		if _, err := c.auth.link(p.Next); err != nil {
			return assignmentPage{}, err
		}
	}
	return p, nil
}

// assignmentPage is a page of assignments.
type assignmentPage struct {
	reconcile.AssignmentPage

	collection collection
	// unsaid are those of which it is not known whether a user or a group has
	// them: their principals have no kind, and no id if there is none to be read.
	unsaid []reconcile.Assignment
	odd    []oddity
}

// decodeAssignments reads a page of assignments. One that is to another service
// principal would mean that Graph answered another question; one that cannot be
// read is left out.
func decodeAssignments(body []byte, servicePrincipalID string) (assignmentPage, error) {
	list, err := decodeCollection("assignments", body)
	if err != nil {
		return assignmentPage{}, err
	}
	p := assignmentPage{collection: list}
	p.Next, p.Assignments = list.Next, make([]reconcile.Assignment, 0, len(list.Elements))
	for _, element := range list.Elements {
		if err := p.add(element, servicePrincipalID); err != nil {
			return assignmentPage{}, err
		}
	}
	return p, nil
}

// add reads an assignment.
func (p *assignmentPage) add(element []byte, servicePrincipalID string) error {
	var a struct {
		Role          json.RawMessage `json:"appRoleId"`
		PrincipalID   json.RawMessage `json:"principalId"`
		PrincipalType json.RawMessage `json:"principalType"`
		Resource      json.RawMessage `json:"resourceId"`
	}
	unread := json.Unmarshal(element, &a)
	id, isID := change.ParseID(text(a.PrincipalID))
	role, isRole := change.ParseID(text(a.Role))
	resource, isResource := change.ParseID(text(a.Resource))
	kind, known := map[string]change.Kind{"user": change.User, "group": change.Group, "serviceprincipal": ""}[strings.ToLower(text(a.PrincipalType))]
	assigned := reconcile.Assignment{Principal: change.Object{Kind: kind, ID: id}, Role: role}
	switch {
	case isResource && !strings.EqualFold(resource, servicePrincipalID):
		return strange("the answer lists an assignment to something else")
	case unread != nil || !isID || !isRole || !isResource:
		p.unsaid = append(p.unsaid, reconcile.Assignment{})
		p.odd = append(p.odd, oddity{"an assignment that cannot be read is left out", printable.Short(text(a.PrincipalID), 40)})
	case !known:
		p.unsaid = append(p.unsaid, assigned)
		p.odd = append(p.odd, oddity{"an assignment to a type of principal that is not known is left out", strings.TrimSpace(id + " " + printable.Short(text(a.PrincipalType), 40))})
	case kind == "":
		p.Others++
	default:
		p.Assignments = append(p.Assignments, assigned)
	}
	return nil
}

// rolesOf asks for the assignments of the query's object to the query's App.
//
// For a user Graph includes those of the groups that it is a direct member of
// (https://learn.microsoft.com/graph/api/user-list-approleassignments). That page
// also says that a user with many such assignments needs ConsistencyLevel:
// eventual for a complete list. That is an index that lags behind; here the
// directory itself is asked, for the assignments to one application only.
func rolesOf(q provision.Query) request {
	if q.Object.Kind == change.Group {
		return request{place: groupAssignments, id: q.Object.ID, app: q.App}
	}
	return request{place: userAssignments, id: q.Object.ID, app: q.App}
}

// assign gives the readings their Roles.
func (c *Client) assign(ctx context.Context, queries []provision.Query, readings []provision.Reading, answers map[request]answer) {
	var none, indirect []int
	for i, q := range queries {
		if q.App == "" || readings[i].Err != nil || readings[i].Presence != provision.Present {
			continue
		}
		roles, err := c.roles(ctx, q, answers[rolesOf(q)])
		if err != nil {
			readings[i].RolesErr = rolesFault(q, err)
			continue
		}
		readings[i].Roles = roles
		switch {
		case q.Transitive && q.Object.Kind == change.User && (roles == nil || q.RoleNames):
			indirect = append(indirect, i)
		case roles == nil:
			none = append(none, i)
		}
	}
	c.doubtNone(ctx, queries, readings, none)
	c.assignThroughGroups(ctx, queries, readings, indirect)
	c.nameRoles(ctx, queries, readings)
}

// doubtNone gives those readings, which have no roles, a fault if that says
// nothing: to a filter for an enterprise application that was deleted Graph
// answers with an empty list, as if nobody had ever been assigned. One call for
// each App.
func (c *Client) doubtNone(ctx context.Context, queries []provision.Query, readings []provision.Reading, none []int) {
	faults := map[string]error{}
	for _, i := range none {
		app := queries[i].App
		doubt, asked := faults[app]
		if !asked {
			doubt = c.standing(ctx, app)
			faults[app] = doubt
		}
		readings[i].RolesErr = doubt
	}
}

// standing returns nil if there is an enterprise application with this object
// id, else a *Fault.
func (c *Client) standing(ctx context.Context, servicePrincipalID string) error {
	operation := readAssigned(servicePrincipalID)
	body, err := c.fetch(ctx, request{place: servicePrincipalItem, id: servicePrincipalID})
	switch {
	case notThere(err):
		return &provision.Fault{Kind: provision.Transient, Reason: operation + ": it is not there"}
	case err != nil:
		return fault(operation, readApplications, err)
	}
	var answer struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(body, &answer) != nil || !strings.EqualFold(answer.ID, servicePrincipalID) {
		return fault(operation, readApplications, errNotThatApp)
	}
	return nil
}

func rolesFault(q provision.Query, err error) *provision.Fault {
	return fault("read assignments of "+q.Object.String()+" from Entra", readAssignments, err)
}

// errUnread is a list that may hold a role or not, errOneUnread one that may hold
// another.
var (
	errUnread    = errors.New("the answer lists no assignment but such as cannot be read")
	errOneUnread = errors.New("the answer lists an assignment that cannot be read, and all are wanted")
)

// unsure returns why nothing follows from roles beside which something could not be
// read; nil if they are enough.
func unsure(roles []string, all bool) error {
	switch {
	case roles == nil:
		return errUnread
	case all:
		return errOneUnread
	default:
		return nil
	}
}

// roles reads the list of an object's assignments to its end. Where nothing is
// left but what cannot be read, the object may have roles or not: that is a fault,
// and where the query asks for the names of all, anything that cannot be read is.
func (c *Client) roles(ctx context.Context, q provision.Query, a answer) ([]string, error) {
	if a.err != nil {
		return nil, a.err
	}
	var roles []string
	list, unread := rolesOf(q), false
	for p, err := range c.assignmentPages(ctx, list.place, a.body, q.App) {
		if err != nil {
			return nil, concerning(err, q.Object.ID, q.App)
		}
		for _, assigned := range p.Assignments {
			switch {
			case assigned.Principal == q.Object:
			case q.Object.Kind == change.User && assigned.Principal.Kind == change.Group:
			case assigned.Principal.Kind == change.Group: // a group around this one, which gives it nothing
				continue
			default:
				return nil, errOther
			}
			roles = addRole(roles, assigned.Role)
		}
		for _, assigned := range p.unsaid {
			if assigned.Principal.ID == q.Object.ID { // its own, whatever it is called
				roles = addRole(roles, assigned.Role)
			} else {
				unread = true
			}
		}
	}
	if unread {
		return roles, unsure(roles, q.RoleNames)
	}
	return roles, nil
}

func addRole(roles []string, role string) []string {
	if slices.Contains(roles, role) {
		return roles
	}
	return append(roles, role)
}

// assignThroughGroups gives those readings the roles of the groups around the
// groups that their users are in. All assignments are read once, now, for each
// App: a list from before would not know the last one.
func (c *Client) assignThroughGroups(ctx context.Context, queries []provision.Query, readings []provision.Reading, indirect []int) {
	ofGroups := map[string]map[string][]string{} // by App
	failed := map[string]error{}
	var around []int
	var requests []request
	for _, i := range indirect {
		app := queries[i].App
		if _, read := ofGroups[app]; !read {
			ofGroups[app], failed[app] = c.assignedGroups(ctx, app)
		}
		readings[i].RolesErr = failed[app]
		if len(ofGroups[app]) > 0 {
			around, requests = append(around, i), append(requests, memberOf(queries[i].Object, true))
		}
	}
	answers := c.ask(ctx, requests)
	for k, i := range around {
		query := queries[i]
		roles, err := c.rolesThrough(ctx, requests[k], answers[requests[k]], ofGroups[query.App], query.RoleNames)
		if err != nil {
			readings[i].RolesErr = rolesFault(query, err)
			continue
		}
		for _, role := range roles {
			readings[i].Roles = addRole(readings[i].Roles, role)
		}
	}
}

// rolesThrough returns the roles of those groups that a user's list of them
// names. One that cannot be read is a fault if there is no other, or all are wanted.
func (c *Client) rolesThrough(ctx context.Context, r request, a answer, ofGroups map[string][]string, all bool) ([]string, error) {
	if a.err != nil {
		return nil, a.err
	}
	var roles []string
	_, unread := ofGroups[""]
	for p, err := range c.pages(ctx, r.place, a.body) {
		if err != nil {
			return nil, concerning(err, r.id)
		}
		unread = unread || len(p.odd) > 0
		ids, _ := p.of(change.Group)
		for _, id := range ids {
			for _, role := range ofGroups[id] {
				roles = addRole(roles, role)
			}
		}
	}
	if unread {
		return roles, unsure(roles, all)
	}
	return roles, nil
}

// assignedGroups returns the roles of every assigned group, by its id, and of
// every principal that may be one; by no id those that cannot be read. The error
// is a *Fault.
func (c *Client) assignedGroups(ctx context.Context, app string) (map[string][]string, error) {
	body, err := c.fetch(ctx, allAssigned(app))
	if err != nil {
		return nil, fault(readAssigned(app), readApplications, err)
	}
	roles := map[string][]string{}
	for p, err := range c.assignmentPages(ctx, assignedTo, body, app) {
		if err != nil {
			return nil, fault(readAssigned(app), readApplications, err)
		}
		for _, a := range slices.Concat(p.Assignments, p.unsaid) {
			if a.Principal.Kind != change.User {
				roles[a.Principal.ID] = addRole(roles[a.Principal.ID], a.Role)
			}
		}
	}
	return roles, nil
}

// AssignmentsOf returns by which assignments to an application a user or a group is
// assigned: its own, and of a user those of the groups that it is a member of; if
// transitive, of the groups around those too, for which the list of all assignments is
// read. The error is a *Fault.
func (c *Client) AssignmentsOf(ctx context.Context, o change.Object, app string, transitive bool) ([]reconcile.Assignment, error) {
	q := provision.Query{Object: o, App: app}
	list := rolesOf(q)
	a := c.ask(ctx, []request{list})[list]
	if a.err != nil {
		return nil, rolesFault(q, concerning(a.err, o.ID, app))
	}
	var found []reconcile.Assignment
	for p, err := range c.assignmentPages(ctx, list.place, a.body, app) {
		if err != nil {
			return nil, rolesFault(q, concerning(err, o.ID, app))
		}
		for _, assigned := range p.Assignments {
			if assigned.Principal == o || o.Kind == change.User && assigned.Principal.Kind == change.Group {
				found = append(found, assigned)
			}
		}
	}
	if !transitive || o.Kind != change.User {
		return found, nil
	}
	around, err := c.assignmentsAround(ctx, o, app)
	if err != nil {
		return nil, err
	}
	for _, assigned := range around {
		if !slices.Contains(found, assigned) {
			found = append(found, assigned)
		}
	}
	return found, nil
}

// assignmentsAround are those of all groups around a user.
func (c *Client) assignmentsAround(ctx context.Context, o change.Object, app string) ([]reconcile.Assignment, error) {
	roles, err := c.assignedGroups(ctx, app)
	if err != nil || len(roles) == 0 {
		return nil, err
	}
	groups, err := c.GroupsOf(ctx, o, true)
	if err != nil {
		return nil, err
	}
	var found []reconcile.Assignment
	for _, id := range groups {
		for _, role := range roles[id] {
			found = append(found, reconcile.Assignment{Principal: change.Object{Kind: change.Group, ID: id}, Role: role})
		}
	}
	return found, nil
}
