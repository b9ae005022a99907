package main

import (
	"strings"
	"testing"

	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

// What a mapping of app roles does is seen before it is applied.
func TestAMappingOfAppRolesIsTestedAndPlanned(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	const role = "0000000b-0000-4000-8000-000000000001"
	s.Tenant.SetAppRoles(graph.AppRole{ID: role, DisplayName: "Agent", Value: "agent"})
	id, err := s.Tenant.Create(graph.User{"userPrincipalName": "ada@" + sandbox.Domain, "displayName": "Ada King"})
	if err == nil {
		err = s.Tenant.Assign(id, role)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := mine(t, "users:\n  mappings:\n", "users:\n  mappings:\n    - { target: title, expression: 'SingleAppRoleAssignment([appRoleAssignments])' }\n")
	environ := append(s.planEnviron(), "ENTRA_APP_ID="+sandbox.AppID)
	has(t, operate(t, environ, "mapping", "test", id, "--mapping", file), `"title": "Agent"`)
	has(t, operate(t, environ, "plan", id, "--mapping", file), "title", "Agent")
	has(t, operate(t, environ, "plan", "--all", "--mapping", file), "title", "Agent")
}

// has fails if one of the texts is not in what was printed.
func has(t *testing.T, printed string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(printed, text) {
			t.Errorf("%q is not in:\n%s", text, printed)
		}
	}
}
