package graph

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/simhttp"
)

// seller is a role of the enterprise application.
const seller = "0000000b-0000-4000-8000-000000000001"

// newAppTenant returns a tenant with an enterprise application, and the object
// id of its service principal.
func newAppTenant(t *testing.T, cfg Config) (*Tenant, string) {
	t.Helper()
	cfg.AppID = appID
	tenant := newTenant(t, cfg)
	_, id := tenant.EnterpriseApp()
	return tenant, id
}

// roles reads a list of assignments to its end and returns the principals and
// roles in it.
func roles(t *testing.T, tenant *Tenant, path string) []string {
	t.Helper()
	var found []string
	for next := path; next != ""; {
		status, body := call(t, tenant, http.MethodGet, next, "")
		if status != http.StatusOK {
			t.Fatalf("%s answered %d %v", next, status, body)
		}
		for _, item := range body["value"].([]any) {
			a := item.(map[string]any)
			found = append(found, fmt.Sprint(a["principalType"], " ", a["principalId"], " ", a["appRoleId"]))
		}
		next, _ = body["@odata.nextLink"].(string)
	}
	return found
}

func expectAssignments(t *testing.T, tenant *Tenant, path string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, roles(t, tenant, path)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestTheEnterpriseAppIsFoundByItsAppID(t *testing.T) {
	t.Parallel()
	tenant, id := newAppTenant(t, Config{})
	for path, want := range map[string]int{
		"/servicePrincipals(appId='" + appID + "')?$select=id":    http.StatusOK,
		"/servicePrincipals(appId='" + deadID + "')?$select=id":   http.StatusNotFound,
		"/servicePrincipals(appId='')":                            http.StatusBadRequest,
		"/servicePrincipals/" + id:                                http.StatusOK,
		"/servicePrincipals/" + appID:                             http.StatusNotFound,
		"/servicePrincipals(appId='" + appID + "')?$select=hobby": http.StatusBadRequest,
	} {
		status, body := call(t, tenant, http.MethodGet, "/v1.0"+path, "")
		if status != want || status == http.StatusOK && body["id"] != id {
			t.Errorf("%s answered %d %v", path, status, body)
		}
	}
	expectIDs(t, tenant, "/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+appID+"'"), id)
	expectIDs(t, tenant, "/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+deadID+"'"))
}

func TestATenantMayHaveNoEnterpriseApp(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	people := crowd(t, tenant, 1)
	if err := tenant.Assign(people[0], DefaultAccess); err == nil {
		t.Error("it was assigned")
	}
	expectIDs(t, tenant, "/v1.0/servicePrincipals")
	if status, _ := call(t, tenant, http.MethodGet, "/v1.0/servicePrincipals(appId='"+appID+"')", ""); status != http.StatusNotFound {
		t.Errorf("answered %d", status)
	}
}

func TestAssignmentsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	tenant, id := newAppTenant(t, Config{})
	people := crowd(t, tenant, 3)
	group := createGroup(t, tenant, Group{"displayName": "Sales"})
	must(t, tenant.Assign(people[0], DefaultAccess))
	must(t, tenant.Assign(people[0], strings.ToUpper(seller)))
	must(t, tenant.Assign(group, seller))
	must(t, tenant.Assign(people[1], seller))
	must(t, tenant.Assign(people[2], seller))
	must(t, tenant.Delete(people[1]))
	must(t, tenant.Unassign(people[0], seller))
	path := "/v1.0/servicePrincipals/" + id + "/appRoleAssignedTo?$top=2"
	expectAssignments(t, tenant, path, "User "+people[0]+" "+DefaultAccess, "Group "+group+" "+seller, "User "+people[2]+" "+seller)
	must(t, tenant.Restore(people[1]))
	must(t, tenant.Delete(people[2]))
	must(t, tenant.Purge(people[2]))
	expectAssignments(t, tenant, path, "User "+people[0]+" "+DefaultAccess, "Group "+group+" "+seller, "User "+people[1]+" "+seller)
}

func TestAUserHasTheRolesOfItsGroups(t *testing.T) {
	t.Parallel()
	tenant, id := newAppTenant(t, Config{})
	people := crowd(t, tenant, 2)
	inner, outer := createGroup(t, tenant, Group{"displayName": "Inner"}), createGroup(t, tenant, Group{"displayName": "Outer"})
	must(t, tenant.AddMembers(inner, people[0]))
	must(t, tenant.AddMembers(outer, inner, people[1]))
	must(t, tenant.Assign(outer, seller))
	must(t, tenant.Assign(people[1], DefaultAccess))
	filter := "?$filter=" + url.QueryEscape("resourceId eq "+id)
	expectAssignments(t, tenant, "/v1.0/users/"+people[0]+"/appRoleAssignments"+filter)
	expectAssignments(t, tenant, "/v1.0/users/"+people[1]+"/appRoleAssignments"+filter,
		"Group "+outer+" "+seller, "User "+people[1]+" "+DefaultAccess)
	expectAssignments(t, tenant, "/v1.0/groups/"+inner+"/appRoleAssignments"+filter)
	expectAssignments(t, tenant, "/v1.0/groups/"+outer+"/appRoleAssignments", "Group "+outer+" "+seller)
	expectAssignments(t, tenant, "/v1.0/users/"+people[1]+"/appRoleAssignments?$filter="+url.QueryEscape("resourceId eq "+deadID))
	must(t, tenant.DeleteGroup(outer))
	expectAssignments(t, tenant, "/v1.0/users/"+people[1]+"/appRoleAssignments"+filter, "User "+people[1]+" "+DefaultAccess)
}

func TestAssignmentsCanBeAskedForInABatch(t *testing.T) {
	t.Parallel()
	tenant, id := newAppTenant(t, Config{})
	people := crowd(t, tenant, 1)
	must(t, tenant.Assign(people[0], seller))
	body, err := json.Marshal(map[string]any{"requests": []map[string]any{
		{"id": "0", "method": "GET", "url": "/users/" + people[0] + "/appRoleAssignments?$filter=resourceId%20eq%20" + id},
		{"id": "1", "method": "GET", "url": "/servicePrincipals(appId='" + appID + "')"},
		{"id": "2", "method": "GET", "url": "/servicePrincipals/" + id + "/appRoleAssignedTo"},
		{"id": "3", "method": "GET", "url": "/users/delta()"},
	}})
	must(t, err)
	_, answer := call(t, tenant, http.MethodPost, "/v1.0/$batch", string(body))
	for _, response := range answer["responses"].([]any) {
		if r := response.(map[string]any); r["status"] != 200.0 {
			t.Errorf("%v", r)
		}
	}
	want := simhttp.Counts{
		"POST /$batch": 1, "$batch GET /users/{id}/appRoleAssignments": 1, "$batch GET /servicePrincipals/{id}": 1,
		"$batch GET /servicePrincipals/{id}/appRoleAssignedTo": 1, "$batch GET /users/delta()": 1,
	}
	if diff := cmp.Diff(want, tenant.Calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeAssignedIsRefused(t *testing.T) {
	t.Parallel()
	tenant, _ := newAppTenant(t, Config{})
	people := crowd(t, tenant, 2)
	list := createGroup(t, tenant, Group{"displayName": "List", "securityEnabled": false})
	must(t, tenant.Assign(people[0], seller))
	must(t, tenant.Delete(people[1]))
	for name, err := range map[string]error{
		"nobody":            tenant.Assign(deadID, seller),
		"a deleted user":    tenant.Assign(people[1], seller),
		"again":             tenant.Assign(people[0], strings.ToUpper(seller)),
		"no role":           tenant.Assign(people[0], "seller"),
		"no security group": tenant.Assign(list, seller),
		"a device":          tenant.Assign(tenant.AddOther("device"), seller),
		"end of nothing":    tenant.Unassign(people[0], DefaultAccess),
		"end of nobody's":   tenant.Unassign(deadID, seller),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAnAssignmentNotifiesNobody(t *testing.T) {
	t.Parallel()
	hook := &webhook{status: http.StatusAccepted}
	tenant, _ := newAppTenant(t, Config{Transport: simhttp.Network{"hook.example": hook}})
	people := crowd(t, tenant, 1)
	subscribe(t, tenant, "updated,deleted", "users")
	_, link := deltaRound(t, tenant, "/v1.0/users/delta", 999)
	must(t, tenant.Assign(people[0], seller))
	must(t, tenant.Unassign(people[0], seller))
	deliver(t, tenant, 0)
	pages, _ := deltaRound(t, tenant, link, 999)
	expectRound(t, "delta", pages, nil)
}

func TestAssignmentsTakeTheirPermissions(t *testing.T) {
	t.Parallel()
	for permission, want := range map[string][2]int{
		"Application.Read.All": {http.StatusOK, http.StatusForbidden},
		"Directory.Read.All":   {http.StatusOK, http.StatusOK},
		"User.Read.All":        {http.StatusForbidden, http.StatusForbidden},
	} {
		tenant, id := newAppTenant(t, Config{Permissions: []string{permission}})
		people := crowd(t, tenant, 1)
		toApp, _ := call(t, tenant, http.MethodGet, "/v1.0/servicePrincipals/"+id+"/appRoleAssignedTo", "")
		ofUser, _ := call(t, tenant, http.MethodGet, "/v1.0/users/"+people[0]+"/appRoleAssignments", "")
		if got := [2]int{toApp, ofUser}; got != want {
			t.Errorf("%s: %v, want %v", permission, got, want)
		}
	}
}

func TestTheApplicationShowsItsRoles(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{AppID: appID})
	_, id := tenant.EnterpriseApp()
	const role = "0000000b-0000-4000-8000-000000000001"
	ann := create(t, tenant, person1())
	group, err := tenant.CreateGroup(Group{"displayName": "Sales"})
	must(t, err)
	must(t, tenant.Assign(group, role))
	must(t, tenant.AddMembers(group, ann))
	tenant.SetAppRoles(AppRole{ID: role, DisplayName: "Admin", Value: "admin"}, AppRole{ID: DefaultAccess, DisplayName: "Agent"})
	status, body := call(t, tenant, http.MethodGet, "/v1.0/servicePrincipals/"+id+"?$select=id,appRoles", "")
	roles, _ := body["appRoles"].([]any)
	if status != http.StatusOK || len(roles) != 2 {
		t.Fatalf("%d %v", status, body)
	}
	for i, want := range []map[string]any{{"id": role, "displayName": "Admin", "value": "admin"}, {"id": DefaultAccess, "displayName": "Agent", "value": nil}} {
		got, _ := roles[i].(map[string]any)
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s is %v, want %v", name, got[name], value)
			}
		}
	}
	if got := tenant.Census(false).Users[ann].AppRoles; !slices.Equal(got, []string{"Admin"}) {
		t.Error(got)
	}
}
