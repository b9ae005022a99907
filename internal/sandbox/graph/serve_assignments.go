package graph

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
)

// routeAssignments adds the enterprise application and its assignments.
// https://learn.microsoft.com/graph/api/resources/approleassignment
func (t *Tenant) routeAssignments(handle router) {
	handle("GET", "/servicePrincipals", readApplications(), t.listServicePrincipals)
	handle("GET", "/servicePrincipals/{id}", readApplications(), t.readServicePrincipal)
	handle("GET", "/servicePrincipals/{id}/appRoleAssignedTo", readApplications(), t.listAssigned)
	handle("GET", "/users/{id}/appRoleAssignments", readAssignments(), t.listAssignmentsOf(t.liveUser))
	handle("GET", "/groups/{id}/appRoleAssignments", readAssignments(), t.listAssignmentsOf(t.liveGroup))
}

func readApplications() []string {
	return []string{
		"Application.Read.All", "Application.ReadWrite.OwnedBy", "Application.ReadWrite.All",
		"Directory.Read.All", "Directory.ReadWrite.All",
	}
}

// readAssignments is what it takes to read the assignments of a principal,
// which is more than to read those to a resource.
func readAssignments() []string {
	return []string{"Directory.Read.All", "Directory.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"}
}

// servicePrincipal is the enterprise application as Graph shows it.
func (t *Tenant) servicePrincipal(selects []string) map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	body := map[string]any{
		"id": t.app.id, "appId": t.app.appID, "displayName": enterpriseName, "accountEnabled": true,
		"servicePrincipalType": "Application", "appRoleAssignmentRequired": true,
		"appRoles": t.appRoles(),
	}
	if selects != nil {
		for name := range body {
			if !slices.Contains(selects, name) {
				delete(body, name)
			}
		}
	}
	return body
}

const enterpriseName = "Cisco Webex"

func isServicePrincipalProperty(name string) bool {
	return slices.Contains([]string{
		"id", "appId", "displayName", "accountEnabled", "servicePrincipalType", "appRoleAssignmentRequired", "appRoles",
	}, name)
}

// listServicePrincipals knows one filter, for an appId.
func (t *Tenant) listServicePrincipals(r *http.Request) (answer, error) {
	selects, err := t.selected(r, isServicePrincipalProperty, "servicePrincipal", "$filter")
	if err != nil {
		return answer{}, err
	}
	wanted := t.app.appID
	if filter := r.URL.Query().Get("$filter"); filter != "" {
		text, opened := strings.CutPrefix(filter, "appId eq '")
		text, closed := strings.CutSuffix(text, "'")
		if !opened || !closed || strings.Contains(text, "'") {
			return answer{}, unsupported("Unsupported or invalid query filter clause specified.")
		}
		wanted = text
	}
	value := []map[string]any{}
	if t.app.id != "" && strings.EqualFold(wanted, t.app.appID) {
		value = append(value, t.servicePrincipal(selects))
	}
	return answer{http.StatusOK, map[string]any{
		"@odata.context": metadata + odataContext(selects, "servicePrincipals"), "value": value,
	}}, nil
}

func (t *Tenant) readServicePrincipal(r *http.Request) (answer, error) {
	selects, err := t.selected(r, isServicePrincipalProperty, "servicePrincipal")
	if err != nil {
		return answer{}, err
	}
	if err := t.knownApp(r); err != nil {
		return answer{}, err
	}
	body := t.servicePrincipal(selects)
	body["@odata.context"] = metadata + odataContext(selects, "servicePrincipals") + "/$entity"
	return answer{http.StatusOK, body}, nil
}

// knownApp refuses the id of any service principal but the one there is.
func (t *Tenant) knownApp(r *http.Request) error {
	if id := r.PathValue("id"); t.app.id == "" || !strings.EqualFold(id, t.app.id) {
		return notFound(id)
	}
	return nil
}

func (t *Tenant) listAssigned(r *http.Request) (answer, error) {
	if err := t.knownApp(r); err != nil {
		return answer{}, err
	}
	return t.listAssignments(r, nil, func(start int) (iter.Seq2[int, *assignment], error) { return t.app.shown(start), nil })
}

// listAssignmentsOf makes an endpoint that lists the assignments of one
// object, those to all resources or to one.
func (t *Tenant) listAssignmentsOf(find func(id string) (object, error)) endpoint {
	return func(r *http.Request) (answer, error) {
		resource, filtered := strings.CutPrefix(r.URL.Query().Get("$filter"), "resourceId eq ")
		if !filtered && r.URL.Query().Has("$filter") {
			return answer{}, unsupported("Unsupported or invalid query filter clause specified.")
		}
		return t.listAssignments(r, []string{"$filter"}, func(start int) (iter.Seq2[int, *assignment], error) {
			o, err := find(r.PathValue("id"))
			if err != nil {
				return nil, err
			}
			if filtered && !strings.EqualFold(resource, t.app.id) {
				return shown(nil, 0), nil
			}
			return shown(assignmentsOf(o), start), nil
		})
	}
}

// listAssignments answers one page of assignments.
func (t *Tenant) listAssignments(r *http.Request, options []string, from func(start int) (iter.Seq2[int, *assignment], error)) (answer, error) {
	properties := func(name string) bool {
		_, known := t.assignmentProperties(&assignment{principal: &person{}})[name]
		return known
	}
	selects, err := t.selected(r, properties, "appRoleAssignment", append([]string{"$top", skipToken}, options...)...)
	if err != nil {
		return answer{}, err
	}
	return listPage(t, r, odataContext(selects, "appRoleAssignments"), from, func(a *assignment) map[string]any {
		item := t.assignmentProperties(a)
		for name := range item {
			if selects != nil && !slices.Contains(selects, name) {
				delete(item, name)
			}
		}
		return item
	})
}

// assignmentProperties are those of an assignment by their names in Graph.
func (t *Tenant) assignmentProperties(a *assignment) map[string]any {
	principalType := strings.ToUpper(a.principal.typeName()[:1]) + a.principal.typeName()[1:]
	return map[string]any{
		"id": a.id, "deletedDateTime": nil, "appRoleId": a.role, "createdDateTime": a.created.UTC().Format(time.RFC3339Nano),
		"principalDisplayName": a.principal.project([]string{"displayName"})["displayName"],
		"principalId":          a.principal.id(), "principalType": principalType,
		"resourceDisplayName": enterpriseName, "resourceId": t.app.id,
	}
}
