package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipals"
	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipalswithappid"

	"entrawebex/internal/change"
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

// ServicePrincipal implements reconcile.Graph: one call.
// https://learn.microsoft.com/graph/api/serviceprincipal-get
func (c *Client) ServicePrincipal(ctx context.Context, appID string) (string, error) {
	operation := "find enterprise application " + oneLine(appID, 40) + " in Entra"
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
	switch {
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
	return "", fault(operation, readApplications, errors.New("the answer is not that enterprise application"))
}

// Assignments implements reconcile.Graph: one call for up to 999 assignments. A
// page that leads elsewhere than to this Graph is Gone, and is not asked for.
// https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto
func (c *Client) Assignments(ctx context.Context, servicePrincipalID, page string) (reconcile.AssignmentPage, error) {
	operation := readAssigned(servicePrincipalID)
	body, err := c.assignedPage(ctx, servicePrincipalID, page)
	if err != nil {
		f := linkFault(operation, readApplications, page, err)
		if notThere(err) {
			f.Kind = provision.Gone
		}
		return reconcile.AssignmentPage{}, f
	}
	assignments, err := c.decodeAssigned(body, servicePrincipalID)
	if err != nil {
		return reconcile.AssignmentPage{}, fault(operation, readApplications, err)
	}
	return assignments, nil
}

// readAssigned is what Assignments does, for its faults.
func readAssigned(servicePrincipalID string) string {
	return "read assignments to enterprise application " + servicePrincipalID + " from Entra"
}

func (c *Client) assignedPage(ctx context.Context, servicePrincipalID, page string) ([]byte, error) {
	if page != "" {
		return c.follow(ctx, page)
	}
	info, err := serviceprincipals.NewServicePrincipalsRequestBuilderInternal(c.path(), c.adapter).
		ByServicePrincipalId(servicePrincipalID).AppRoleAssignedTo().ToGetRequestInformation(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	top := pageSize
	info.AddQueryParameters(query{Top: &top})
	return c.send(ctx, info)
}

// decodeAssigned reads a page of the assignments to a service principal. Its
// nextLink is looked at here, so that no other than this Graph's is ever kept.
func (c *Client) decodeAssigned(body []byte, servicePrincipalID string) (reconcile.AssignmentPage, error) {
	p, err := decodeAssignments(body, servicePrincipalID)
	if err != nil {
		return reconcile.AssignmentPage{}, err
	}
	if p.Next != "" {
		if _, err := c.auth.link(p.Next); err != nil {
			return reconcile.AssignmentPage{}, err
		}
	}
	return p, nil
}

// decodeAssignments reads a page of assignments, all of which must be to that
// service principal: another would mean that Graph answered another question.
func decodeAssignments(body []byte, servicePrincipalID string) (reconcile.AssignmentPage, error) {
	var answer struct {
		Assignments []*struct {
			Role          string `json:"appRoleId"`
			PrincipalID   string `json:"principalId"`
			PrincipalType string `json:"principalType"`
			Resource      string `json:"resourceId"`
		} `json:"value"`
		Next string `json:"@odata.nextLink"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil:
		return reconcile.AssignmentPage{}, errors.New("the answer is not a page of assignments")
	case answer.Assignments == nil:
		return reconcile.AssignmentPage{}, errors.New("the answer has no list of assignments")
	}
	p := reconcile.AssignmentPage{Assignments: make([]reconcile.Assignment, 0, len(answer.Assignments)), Next: answer.Next}
	for _, a := range answer.Assignments {
		if a == nil || !strings.EqualFold(a.Resource, servicePrincipalID) {
			return reconcile.AssignmentPage{}, errors.New("the answer lists an assignment to something else")
		}
		kind, known := map[string]change.Kind{"user": change.User, "group": change.Group, "serviceprincipal": ""}[strings.ToLower(a.PrincipalType)]
		id, isID := change.ParseID(a.PrincipalID)
		role, isRole := change.ParseID(a.Role)
		switch {
		case !known:
			return reconcile.AssignmentPage{}, errors.New("the answer does not say what is assigned")
		case !isID || !isRole:
			return reconcile.AssignmentPage{}, errors.New("the answer lists an assignment whose ids are not GUIDs")
		case kind == "":
			p.Others++
		default:
			p.Assignments = append(p.Assignments, reconcile.Assignment{Principal: change.Object{Kind: kind, ID: id}, Role: role})
		}
	}
	return p, nil
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
		switch {
		case err != nil:
			readings[i].RolesErr = rolesFault(q, err)
		case roles != nil:
			readings[i].Roles = roles
		case q.Transitive && q.Object.Kind == change.User:
			indirect = append(indirect, i)
		default:
			none = append(none, i)
		}
	}
	c.doubtNone(ctx, queries, readings, none)
	c.assignThroughGroups(ctx, queries, readings, indirect)
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
		return fault(operation, readApplications, errors.New("the answer is not that enterprise application"))
	}
	return nil
}

func rolesFault(q provision.Query, err error) *provision.Fault {
	return fault("read assignments of "+q.Object.String()+" from Entra", readAssignments, err)
}

// roles reads the list of an object's assignments to its end.
func (c *Client) roles(ctx context.Context, q provision.Query, a answer) ([]string, error) {
	if a.err != nil {
		return nil, a.err
	}
	var roles []string
	for p, err := range c.assignmentPages(ctx, a.body, q.App) {
		if err != nil {
			return nil, err
		}
		for _, assigned := range p.Assignments {
			switch {
			case assigned.Principal == q.Object:
			case q.Object.Kind == change.User && assigned.Principal.Kind == change.Group:
			case assigned.Principal.Kind == change.Group: // a group around this one, which gives it nothing
				continue
			default:
				return nil, errors.New("the answer is about another object")
			}
			roles = addRole(roles, assigned.Role)
		}
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
		roles, err := c.rolesThrough(ctx, answers[requests[k]], ofGroups[queries[i].App])
		if err != nil {
			readings[i].RolesErr = rolesFault(queries[i], err)
			continue
		}
		readings[i].Roles = roles
	}
}

// rolesThrough returns the roles of those groups that a user's list of them
// names.
func (c *Client) rolesThrough(ctx context.Context, a answer, ofGroups map[string][]string) ([]string, error) {
	if a.err != nil {
		return nil, a.err
	}
	var roles []string
	for p, err := range c.pages(ctx, a.body) {
		if err != nil {
			return nil, err
		}
		ids, _, err := p.of(change.Group)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			for _, role := range ofGroups[id] {
				roles = addRole(roles, role)
			}
		}
	}
	return roles, nil
}

// assignedGroups returns the roles of every assigned group, by its id. The
// error is a *Fault.
func (c *Client) assignedGroups(ctx context.Context, app string) (map[string][]string, error) {
	body, err := c.assignedPage(ctx, app, "")
	if err != nil {
		return nil, fault(readAssigned(app), readApplications, err)
	}
	roles := map[string][]string{}
	for p, err := range c.assignmentPages(ctx, body, app) {
		if err != nil {
			return nil, fault(readAssigned(app), readApplications, err)
		}
		for _, a := range p.Assignments {
			if a.Principal.Kind == change.Group {
				roles[a.Principal.ID] = addRole(roles[a.Principal.ID], a.Role)
			}
		}
	}
	return roles, nil
}
