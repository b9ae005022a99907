package graph

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// crowd makes n users.
func crowd(t *testing.T, tenant *Tenant, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = create(t, tenant, User{"userPrincipalName": fmt.Sprintf("u%d@%s", i, domain), "displayName": "U"})
	}
	return ids
}

func expectMembers(t *testing.T, tenant *Tenant, group string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, tenant.Members(group)); diff != "" {
		t.Errorf("members differ (-want +got):\n%s", diff)
	}
}

// expectIDs reads a list to its end and compares the ids in it.
func expectIDs(t *testing.T, tenant *Tenant, path string, want ...string) {
	t.Helper()
	var ids []string
	for next := path; next != ""; {
		status, body := call(t, tenant, http.MethodGet, next, "")
		if status != http.StatusOK {
			t.Fatalf("%s answered %d %v", next, status, body)
		}
		for _, item := range body["value"].([]any) {
			ids = append(ids, fmt.Sprint(item.(map[string]any)["id"]))
		}
		next, _ = body["@odata.nextLink"].(string)
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

func TestMembersAreInTheOrderOfJoining(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	users := crowd(t, tenant, 3)
	group := createGroup(t, tenant, Group{"displayName": "Sales"})
	must(t, tenant.AddMembers(group, users[1], users[0]))
	must(t, tenant.AddMembers(group, users[2]))
	must(t, tenant.RemoveMembers(group, users[1]))
	must(t, tenant.AddMembers(group, users[1]))
	expectMembers(t, tenant, group, users[0], users[2], users[1])
}

func TestMembersAreAddedAndRemovedAllOrNone(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	users := crowd(t, tenant, 3)
	group := createGroup(t, tenant, Group{"displayName": "Sales"})
	must(t, tenant.AddMembers(group, users[0]))
	must(t, tenant.Delete(users[2]))
	for name, err := range map[string]error{
		"add a present member":    tenant.AddMembers(group, users[1], users[0]),
		"add a member twice":      tenant.AddMembers(group, users[1], users[1]),
		"add a deleted user":      tenant.AddMembers(group, users[1], users[2]),
		"add somebody unknown":    tenant.AddMembers(group, users[1], deadID),
		"remove an absent member": tenant.RemoveMembers(group, users[0], users[1]),
		"remove a member twice":   tenant.RemoveMembers(group, users[0], users[0]),
		"remove somebody unknown": tenant.RemoveMembers(group, users[0], deadID),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	expectMembers(t, tenant, group, users[0])
}

func TestAMicrosoft365GroupHasOnlyUsersAndIsNoMember(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	user := create(t, tenant, person1())
	security := createGroup(t, tenant, Group{"displayName": "Sales"})
	team := createGroup(t, tenant, Group{"displayName": "Team", "groupTypes": []string{"Unified"}})
	must(t, tenant.AddMembers(team, user))
	for name, err := range map[string]error{
		"a security group in it":   tenant.AddMembers(team, security),
		"a device in it":           tenant.AddMembers(team, tenant.AddOther("device")),
		"itself in a security one": tenant.AddMembers(security, team),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestADeletedUserIsAMemberOfNothingUntilItIsRestored(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	users := crowd(t, tenant, 2)
	group := createGroup(t, tenant, Group{"displayName": "Sales"})
	must(t, tenant.AddMembers(group, users...))
	must(t, tenant.Delete(users[0]))
	expectMembers(t, tenant, group, users[1])
	expectIDs(t, tenant, "/v1.0/groups/"+group+"/members?$top=1", users[1])
	if err := tenant.RemoveMembers(group, users[0]); err == nil {
		t.Error("a member in the recycle bin was removed")
	}
	must(t, tenant.Restore(users[0]))
	expectMembers(t, tenant, group, users...)
	expectIDs(t, tenant, "/v1.0/users/"+users[0]+"/memberOf", group)
	must(t, tenant.Delete(users[0]))
	must(t, tenant.Purge(users[0]))
	expectMembers(t, tenant, group, users[1])
	if n := len(tenant.groups[group].members.joined); n != 1 {
		t.Errorf("%d links are left, want 1", n)
	}
}

func TestMembershipGoesThroughNestedGroupsAndAroundNoCircleTwice(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	users := crowd(t, tenant, 4)
	var groups []string
	for _, name := range []string{"A", "B", "C"} {
		groups = append(groups, createGroup(t, tenant, Group{"displayName": name}))
	}
	for i, group := range groups { // A holds B, B holds C, C holds A
		must(t, tenant.AddMembers(group, users[i], users[3], groups[(i+1)%3]))
	}
	device := tenant.AddOther("device")
	must(t, tenant.AddMembers(groups[2], device))
	path := "/v1.0/groups/" + groups[0]
	expectIDs(t, tenant, path+"/transitiveMembers?$top=2", users[0], users[1], users[2], users[3], groups[1], groups[2], device)
	expectIDs(t, tenant, path+"/transitiveMemberOf", groups[1], groups[2])
	expectIDs(t, tenant, path+"/memberOf", groups[2])
	expectIDs(t, tenant, "/v1.0/users/"+users[2]+"/transitiveMemberOf", groups...)
	if diff := cmp.Diff(users, tenant.transitiveUsers(groups[0])); diff != "" {
		t.Errorf("users differ (-want +got):\n%s", diff)
	}

	must(t, tenant.DeleteGroup(groups[1]))
	must(t, tenant.Delete(users[0]))
	expectIDs(t, tenant, path+"/transitiveMembers", users[3])
	if diff := cmp.Diff([]string{users[3]}, tenant.transitiveUsers(groups[0])); diff != "" {
		t.Errorf("with B and a user deleted users differ (-want +got):\n%s", diff)
	}
	if got := tenant.transitiveUsers(groups[1]); got != nil {
		t.Errorf("a deleted group has the users %v", got)
	}
}

func TestAHiddenMembershipTakesAPermissionOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		permissions []string
		shown       bool
	}{
		"all permissions":          {nil, true},
		"the one to read groups":   {[]string{"Group.Read.All", "Directory.Read.All"}, false},
		"the one to see it beside": {[]string{"GroupMember.Read.All", "Member.Read.Hidden"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := newTenant(t, Config{Permissions: test.permissions})
			users := crowd(t, tenant, 2)
			hidden := createGroup(t, tenant, Group{"displayName": "Hidden", "visibility": "HiddenMembership"})
			open := createGroup(t, tenant, Group{"displayName": "Open"})
			must(t, tenant.AddMembers(hidden, users[0]))
			must(t, tenant.AddMembers(open, users[1], hidden))
			ofOpen, ofUser, ofUserAll := []string{users[0], users[1], hidden}, []string{hidden}, []string{hidden, open}
			status := http.StatusOK
			if !test.shown {
				ofOpen, ofUser, ofUserAll = []string{users[1], hidden}, nil, nil
				status = http.StatusForbidden
			}
			for _, list := range []string{"members", "transitiveMembers"} {
				got, body := call(t, tenant, http.MethodGet, "/v1.0/groups/"+hidden+"/"+list, "")
				if got != status {
					t.Errorf("%s answered %d %v, want %d", list, got, body, status)
				}
			}
			expectIDs(t, tenant, "/v1.0/groups/"+open+"/members", users[1], hidden)
			expectIDs(t, tenant, "/v1.0/groups/"+open+"/transitiveMembers", ofOpen...)
			expectIDs(t, tenant, "/v1.0/users/"+users[0]+"/memberOf", ofUser...)
			expectIDs(t, tenant, "/v1.0/users/"+users[0]+"/transitiveMemberOf", ofUserAll...)
			expectMembers(t, tenant, hidden, users[0])
		})
	}
}

func TestGroupsTakePermissionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const (
		ok        = http.StatusOK
		noContent = http.StatusNoContent
		forbidden = http.StatusForbidden
		notFound  = http.StatusNotFound
	)
	type request struct{ method, path, body string }
	reference := `{"@odata.id":"https://graph.microsoft.com/v1.0/users/` + wellKnownID + `"}`
	group, nested := request{http.MethodGet, "/groups/" + salesID, ""}, request{http.MethodGet, "/groups/" + salesID + "/transitiveMembers", ""}
	memberOf := request{http.MethodGet, "/users/" + wellKnownID + "/memberOf", ""}
	add := request{http.MethodPost, "/groups/" + salesID + "/members/$ref", reference}
	rename := request{http.MethodPatch, "/groups/" + salesID, `{"displayName":"S"}`}
	deletedUser := request{http.MethodGet, "/directory/deletedItems/" + deadID, ""}
	deletedGroup := request{http.MethodGet, "/directory/deletedItems/" + subID, ""}
	purgeGroup := request{http.MethodDelete, "/directory/deletedItems/" + subID, ""}
	nothing := request{http.MethodGet, "/directory/deletedItems/" + tenantID, ""}
	for permission, want := range map[string]map[request]int{
		"User.Read.All": {
			group: forbidden, nested: forbidden, memberOf: forbidden, add: forbidden, rename: forbidden,
			deletedUser: ok, deletedGroup: forbidden, purgeGroup: forbidden, nothing: notFound,
		},
		"GroupMember.Read.All": {
			group: ok, nested: ok, memberOf: ok, add: forbidden, rename: forbidden,
			deletedUser: forbidden, deletedGroup: forbidden, purgeGroup: forbidden, nothing: forbidden,
		},
		"GroupMember.ReadWrite.All": {group: ok, nested: ok, add: noContent, rename: forbidden, purgeGroup: forbidden},
		"Group.Read.All": {
			group: ok, nested: ok, memberOf: ok, add: forbidden, rename: forbidden,
			deletedUser: forbidden, deletedGroup: ok, purgeGroup: forbidden, nothing: notFound,
		},
		"Group.ReadWrite.All": {group: ok, add: noContent, rename: noContent, deletedGroup: ok, deletedUser: forbidden, purgeGroup: noContent},
		"Directory.Read.All":  {group: ok, nested: ok, memberOf: ok, add: forbidden, deletedUser: ok, deletedGroup: ok},
	} {
		for asked, status := range want {
			tenant := newTenant(t, Config{Permissions: []string{permission}})
			create(t, tenant, User{"id": wellKnownID, "userPrincipalName": "wanda@" + domain, "displayName": "Wanda"})
			create(t, tenant, User{"id": deadID, "userPrincipalName": "dora@" + domain, "displayName": "Dora"})
			createGroup(t, tenant, Group{"id": salesID, "displayName": "Sales"})
			createGroup(t, tenant, Group{"id": subID, "displayName": "Deleted"})
			must(t, tenant.Delete(deadID))
			must(t, tenant.DeleteGroup(subID))
			if got, body := call(t, tenant, asked.method, "/v1.0"+asked.path, asked.body); got != status {
				t.Errorf("%s with %s answered %d %v, want %d", asked.method+" "+asked.path, permission, got, body, status)
			}
		}
	}
}

func TestPagesHoldEveryMemberOnceThoughOthersComeAndGo(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"members", "transitiveMembers"} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			tenant := newTenant(t, Config{})
			users := crowd(t, tenant, 2500)
			group := createGroup(t, tenant, Group{"displayName": "Sales"})
			must(t, tenant.AddMembers(group, users...))
			var ids []string
			pages := 0
			for next := "http://graph.example/v1.0/groups/" + group + "/" + list + "?$select=id&$top=999"; next != ""; pages++ {
				_, body := call(t, tenant, http.MethodGet, next, "")
				for _, item := range body["value"].([]any) {
					ids = append(ids, fmt.Sprint(item.(map[string]any)["id"]))
				}
				next, _ = body["@odata.nextLink"].(string)
				if pages == 0 { // all but one of this page leave, and one joins
					must(t, tenant.RemoveMembers(group, ids[1:]...))
					must(t, tenant.Delete(ids[0]))
					joined := create(t, tenant, person1())
					must(t, tenant.AddMembers(group, joined))
					users = append(users, joined)
				}
			}
			if diff := cmp.Diff(users, ids); diff != "" || pages != 3 {
				t.Errorf("after %d pages ids differ (-want +got):\n%s", pages, diff)
			}
		})
	}
}

func TestAGroupOf50000RemembersNoMoreOfThoseWhoLeft(t *testing.T) {
	t.Parallel()
	const size = 50_000
	var r roster
	members := make([]object, size)
	for i := range members {
		members[i] = &other{objectID: fmt.Sprint(i)}
		r.add(members[i])
	}
	for range 3 {
		for _, o := range members {
			r.remove(o)
			r.add(o)
			if len(r.order) > 2*size {
				t.Fatalf("%d are remembered, want at most %d", len(r.order), 2*size)
			}
		}
	}
	for _, o := range members[1:] {
		r.remove(o)
	}
	if len(r.order) > 2 || !r.has(members[0]) || r.has(members[1]) {
		t.Errorf("%d are remembered of 1", len(r.order))
	}
}
