package graph

import (
	"net/http"
	"net/url"
	"testing"
)

func TestListsAreFilteredByNamesCaseAside(t *testing.T) {
	t.Parallel()
	tenant, err := New(Config{ID: "84bd8158-6d4d-4958-8b9f-9d6445542f95", Domain: "contoso.example"})
	if err != nil {
		t.Fatal(err)
	}
	user, err := tenant.Create(User{"userPrincipalName": "o'hara@contoso.example", "displayName": "This or that"})
	if err != nil {
		t.Fatal(err)
	}
	group, err := tenant.CreateGroup(Group{"displayName": "This or that"})
	if err != nil {
		t.Fatal(err)
	}
	filter := func(text string) string { return "?$filter=" + url.QueryEscape(text) }
	expectIDs(t, tenant, "/v1.0/users"+filter("userPrincipalName eq 'O''HARA@contoso.example'"), user)
	expectIDs(t, tenant, "/v1.0/users"+filter("userPrincipalName eq 'x' or displayName eq 'this or that'"), user)
	expectIDs(t, tenant, "/v1.0/users"+filter("displayName eq 'this'"))
	expectIDs(t, tenant, "/v1.0/groups"+filter("displayName eq 'this or that'"), group)
	for _, wrong := range []string{"displayName eq 'a", "displayName eq 'a' and", "displayName eq 'a' or ", "displayName ne 'a'", "userPrincipalName eq 'a'"} {
		if status, body := call(t, tenant, http.MethodGet, "/v1.0/groups"+filter(wrong), ""); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", wrong, status, body)
		}
	}
}
