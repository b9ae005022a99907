package check_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/app/check"
	"entrawebex/internal/sandbox/runtest"
)

func TestProtectedUsersWhomNobodyKnowsAreNamed(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	ada, group := s.Tenant.Users()[0], s.Tenant.Groups()[0]
	const nobody = "99999999-6d4d-4958-8b9f-9d6445542f95"
	found := func(protected ...string) []check.Result {
		t.Helper()
		settings, err := s.Load("WEBHOOK_URL=", "PROTECTED_USERS="+strings.Join(protected, ","))(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return about(results(t.Context(), t, settings), "Protected")
	}
	if got := found(); len(got) != 0 {
		t.Errorf("of none: %+v", got)
	}
	known := found(strings.ToUpper(ada.Text("id")), ada.Text("userPrincipalName"), group.Text("id"), " ")
	if len(known) != 1 || known[0].Detail != "3 are known" || known[0].Err != nil {
		t.Errorf("%+v", known)
	}
	if _, err := s.Org.Add(map[string]any{"userName": "only.webex@example.com"}); err != nil {
		t.Fatal(err)
	}
	if got := found("Only.Webex@example.com"); len(got) != 1 || got[0].Err != nil {
		t.Errorf("of Webex: %+v", got)
	}
	want := func(name string) string {
		return "PROTECTED_USERS has " + name + ", which is the object id, userPrincipalName or mail address of nobody in Entra, and the userName of nobody in Webex: correct it, or take it off"
	}
	unknown := failed(found(nobody, "break-glas@example.com", ada.Text("displayName")))
	if diff := cmp.Diff([]string{want(nobody), want("break-glas@example.com"), want(ada.Text("displayName"))}, unknown); diff != "" {
		t.Error(diff)
	}
	many := found(append(make([]string, 100), ada.Text("id"), ada.Text("id"))...)
	if len(many) != 1 || !many[0].Note || many[0].Detail != "2 more were not looked for" {
		t.Errorf("%+v", many)
	}
}
