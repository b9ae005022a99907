package graph

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestANewGroupIsASecurityGroupWithoutMail(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	group, err := tenant.Group(createGroup(t, tenant, Group{"id": salesID, "displayName": "Sales"}))
	must(t, err)
	want := Group{
		"id": salesID, "displayName": "Sales", "createdDateTime": "2026-03-02T09:41:07Z",
		"securityEnabled": true, "mailEnabled": false, "groupTypes": []string{},
	}
	if diff := cmp.Diff(want, group); diff != "" {
		t.Errorf("the group differs (-want +got):\n%s", diff)
	}
}

func TestAGroupIsMadeWithANameThatItCanLoseOrOutgrow(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	for _, nameless := range []Group{nil, {"displayName": nil}, {"displayName": ""}} {
		if _, err := tenant.CreateGroup(nameless); err == nil {
			t.Errorf("CreateGroup(%v) returned no error", nameless)
		}
	}
	id := createGroup(t, tenant, Group{"displayName": "Sales"})
	for _, name := range []any{nil, strings.Repeat("n", maxGroupName+1)} {
		must(t, tenant.UpdateGroup(id, func(g Group) { g["displayName"] = name }))
		if _, body := call(t, tenant, http.MethodGet, "/v1.0/groups/"+id, ""); body["displayName"] != name {
			t.Errorf("its name is %v, want %v", body["displayName"], name)
		}
	}
}

func TestARefusedUpdateChangesNothingOfAGroup(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	id := createGroup(t, tenant, Group{"displayName": "Sales"})
	before, err := tenant.Group(id)
	must(t, err)
	for name, edit := range map[string]func(Group){
		"a property of users":  func(g Group) { g["description"], g["surname"] = "X", "Lee" },
		"a text for a boolean": func(g Group) { g["securityEnabled"] = "true" },
		"a null for a boolean": func(g Group) { g["mailEnabled"] = nil },
		"a text for a list":    func(g Group) { g["groupTypes"] = "Unified" },
		"an empty name":        func(g Group) { g["displayName"] = "" },
		"another visibility":   func(g Group) { g["visibility"] = "Secret" },
		"another id":           func(g Group) { g["id"] = deadID },
	} {
		if err := tenant.UpdateGroup(id, edit); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	after, err := tenant.Group(id)
	must(t, err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the group changed (-before +after):\n%s", diff)
	}
}

func TestAnIDBelongsToOneObject(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	user := create(t, tenant, person1())
	group := createGroup(t, tenant, Group{"displayName": "Sales"})
	if _, err := tenant.CreateGroup(Group{"id": strings.ToUpper(user), "displayName": "Sales"}); err == nil {
		t.Error("a group got a user's id")
	}
	if _, err := tenant.Create(User{"id": group, "displayName": "Bo", "userPrincipalName": "bo@" + domain}); err == nil {
		t.Error("a user got a group's id")
	}
}

func TestLiveGroupsAreListedTheOldestFirst(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	var ids []string
	for _, name := range []string{"C", "A", "B", "A"} {
		ids = append(ids, createGroup(t, tenant, Group{"displayName": name}))
	}
	must(t, tenant.DeleteGroup(ids[1]))
	var got []string
	for _, group := range tenant.Groups() {
		got = append(got, group.Text("id"))
	}
	if diff := cmp.Diff([]string{ids[0], ids[2], ids[3]}, got); diff != "" {
		t.Errorf("groups differ (-want +got):\n%s", diff)
	}
}

func TestAGroupThatIsInAnotherPlaceIsNotFound(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	gone := createGroup(t, tenant, Group{"displayName": "Gone"})
	must(t, tenant.DeleteGroup(gone))
	must(t, tenant.PurgeGroup(gone))
	deleted := createGroup(t, tenant, Group{"displayName": "Deleted"})
	must(t, tenant.DeleteGroup(deleted))
	here := createGroup(t, tenant, Group{"displayName": "Here"})
	user := create(t, tenant, person1())
	for name, err := range map[string]error{
		"delete a deleted group":      tenant.DeleteGroup(deleted),
		"update a deleted group":      tenant.UpdateGroup(deleted, func(Group) {}),
		"add to a deleted group":      tenant.AddMembers(deleted, user),
		"remove from a deleted group": tenant.RemoveMembers(deleted, user),
		"restore a live group":        tenant.RestoreGroup(here),
		"purge a live group":          tenant.PurgeGroup(here),
		"purge a purged group":        tenant.PurgeGroup(gone),
		"restore a purged group":      tenant.RestoreGroup(gone),
		"delete a user as a group":    tenant.DeleteGroup(user),
	} {
		var refused *graphError
		if !errors.As(err, &refused) || refused.code != "Request_ResourceNotFound" {
			t.Errorf("%s: %v, want Request_ResourceNotFound", name, err)
		}
	}
}

func TestAGroupComesBackFromTheRecycleBinWithItsMemberships(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	user := create(t, tenant, person1())
	inner := createGroup(t, tenant, Group{"displayName": "Inner"})
	outer := createGroup(t, tenant, Group{"displayName": "Outer"})
	must(t, tenant.AddMembers(inner, user))
	must(t, tenant.AddMembers(outer, inner))

	must(t, tenant.DeleteGroup(inner))
	expectMembers(t, tenant, inner)
	expectMembers(t, tenant, outer)
	expectIDs(t, tenant, "/v1.0/users/"+user+"/memberOf")
	expectIDs(t, tenant, "/v1.0/users/"+user+"/transitiveMemberOf")
	expectIDs(t, tenant, "/v1.0/groups/"+outer+"/transitiveMembers")

	must(t, tenant.RestoreGroup(inner))
	expectMembers(t, tenant, inner, user)
	expectMembers(t, tenant, outer, inner)
	expectIDs(t, tenant, "/v1.0/users/"+user+"/transitiveMemberOf", inner, outer)
	group, err := tenant.Group(inner)
	must(t, err)
	if group["deletedDateTime"] != nil {
		t.Error("restored with a deletedDateTime")
	}
}

func TestAPurgedGroupLeavesNoLinkBehind(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	user := create(t, tenant, person1())
	inner := createGroup(t, tenant, Group{"displayName": "Inner"})
	outer := createGroup(t, tenant, Group{"displayName": "Outer"})
	must(t, tenant.AddMembers(inner, user))
	must(t, tenant.AddMembers(outer, inner))
	must(t, tenant.DeleteGroup(inner))
	must(t, tenant.PurgeGroup(inner))
	if n := len(tenant.groups[outer].members.joined) + len(tenant.people[user].groups); n != 0 {
		t.Errorf("there are %d links left", n)
	}
}
