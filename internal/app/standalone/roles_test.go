package standalone_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/app/standalone"
	"entrawebex/internal/config"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
)

// The app roles of the enterprise application.
const (
	adminRole = "0000000b-0000-4000-8000-000000000001"
	agentRole = "0000000b-0000-4000-8000-000000000002"
)

// mappingFile is the default mapping with more lines for users.
func mappingFile(t *testing.T, lines string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "provisioning.yaml")
	text := strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n", "users:\n  mappings:\n"+lines, 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// rolesMapped opens a process that maps app roles.
func rolesMapped(t *testing.T, s *runtest.Sandbox, scope string, environ ...string) *standalone.Process {
	t.Helper()
	s.Tenant.SetAppRoles(graph.AppRole{ID: adminRole, DisplayName: "Admin", Value: "admin"}, graph.AppRole{ID: agentRole, DisplayName: "Agent"})
	load := s.Load(append(environ, "MAPPING_FILE="+mappingFile(t, `
    - { target: title, expression: 'SingleAppRoleAssignment([appRoleAssignments])', whenNull: clear }
    - { target: nickName, expression: 'Join(", ", [appRoleAssignments])', whenNull: clear }
`))...)
	return s.OpenWith(func(ctx context.Context) (config.Settings, error) {
		settings, err := load(ctx)
		settings.Scope, settings.Entra.AppID = scope, sandbox.AppID
		return settings, err
	})
}

// titles are what Webex has as the title and the nickname of a user.
func titles(s *runtest.Sandbox, id string) string {
	for _, account := range s.Org.Users() {
		if account["externalId"] == id {
			title, _ := account["title"].(string)
			nick, _ := account["nickName"].(string)
			return title + "/" + nick
		}
	}
	return "none"
}

// Of assignments Graph notifies nothing: the list of them is read.
func TestAppRolesFollowTheirAssignments(t *testing.T) {
	t.Parallel()
	for scope, allowed := range map[string][]compare.Allowance{"all": {compare.Nested}, "assigned": {compare.Assigned, compare.Nested}} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			s := runtest.New(t, 12)
			users := s.Tenant.Users()
			ada, bob := users[5].Text("id"), users[6].Text("id")
			outer, inner := groupOf(t, s, "Outer"), groupOf(t, s, "Inner", bob)
			do := func(errs ...error) {
				t.Helper()
				for _, err := range errs {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			do(s.Tenant.AddMembers(outer, inner), s.Tenant.Assign(ada, adminRole), s.Tenant.Assign(bob, graph.DefaultAccess))
			s.Run(rolesMapped(t, s, scope, "RECONCILE_INTERVAL=1s", "NESTED_GROUPS=true"), func(ctx context.Context) {
				await := func(what, adas, bobs string) {
					t.Helper()
					s.Equal(ctx, 30*time.Second, allowed...)
					if a, b := titles(s, ada), titles(s, bob); a != adas || b != bobs {
						t.Errorf("%s: %q and %q, want %q and %q", what, a, b, adas, bobs)
					}
				}
				await("the initial sync", "Admin/Admin", "/")
				do(s.Tenant.Unassign(ada, adminRole), s.Tenant.Assign(ada, agentRole))
				await("another role", "Agent/Agent", "/")
				do(s.Tenant.Assign(ada, adminRole), s.Tenant.Assign(outer, agentRole))
				await("a second role, and a group within a group", "Admin/Admin, Agent", "Agent/Agent")
				do(s.Tenant.RemoveMembers(inner, bob), s.Tenant.Unassign(ada, adminRole), s.Tenant.Unassign(ada, agentRole), s.Tenant.Assign(ada, graph.DefaultAccess))
				await("no role at all", "/", "/")
			})
		})
	}
}

func groupOf(t *testing.T, s *runtest.Sandbox, name string, members ...string) string {
	t.Helper()
	id, err := s.Tenant.CreateGroup(graph.Group{"displayName": name})
	if err == nil && len(members) > 0 {
		err = s.Tenant.AddMembers(id, members...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}
