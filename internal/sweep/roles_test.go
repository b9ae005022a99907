package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

// Users of the comparisons of roles: each has the title Admin in Webex.
const (
	same    = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f611" // and is an Admin
	other   = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f612" // and is in another role
	nobody  = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f613" // and is in none, by the list
	strange = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f614" // and is in one that has no name
)

// titled is the default mapping with a line for the title.
func titled(t *testing.T, line string) mapping.Rules {
	t.Helper()
	rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n", "users:\n  mappings:\n"+line, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// comparesRoles is a comparison under a mapping of the title to app roles. What is
// handed to the engine is told with the roles it is given, and when these were read.
func comparesRoles(t *testing.T, handed *[]string) (*side, *Job) {
	t.Helper()
	s := &side{graph: graph{assignments: []reconcile.Assignment{
		assignedIn(same, "admin"), assignedIn(other, "agent"), assignedIn(strange, "deleted"),
	}}}
	for _, id := range []string{same, other, nobody, strange} {
		_, account, record := s.person(t, id, true)
		account["title"], record["title"] = "Admin", "Admin"
	}
	job := s.job(t, false)
	job.Mapping = titled(t, "    - { target: title, expression: 'SingleAppRoleAssignment([appRoleAssignments])', whenNull: clear }\n")
	job.Scoping.Application, job.Scoping.Mapped = nil, application()
	job.AppRoles = func(context.Context, string, []string) (map[string]string, error) {
		return map[string]string{"admin": "Admin", "agent": "Agent"}, nil
	}
	begun := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	clock := begun
	job.Now = func() time.Time {
		clock = clock.Add(time.Minute)
		return clock
	}
	job.Converge = func(ctx context.Context, seen []provision.Snapshot) []provision.Attempt {
		for _, one := range seen {
			roles, known := one.Reading.Attributes[mapping.AppRoleAssignments]
			*handed = append(*handed, fmt.Sprint(one.Object.ID, " ", roles, known, " first ", one.At.Equal(begun.Add(time.Minute))))
			if before := slices.Contains(one.Reading.Roles, scoping.AsBefore); before != (job.Former != nil) {
				t.Errorf("%s has the roles %q", one.Object, one.Reading.Roles)
			}
		}
		return s.converge(ctx, seen)
	}
	return s, job
}

func assignedIn(id, role string) reconcile.Assignment {
	return reconcile.Assignment{Principal: change.Object{Kind: change.User, ID: id}, Role: role}
}

// The list of assignments is evidence of the roles that somebody has, as of when it was
// read; that there are none is asked of Entra itself, where it matters.
func TestAppRolesAreComparedByTheListOfAssignments(t *testing.T) {
	t.Parallel()
	for name, former := range map[string]*Former{
		"everything": nil, "whom a mapping affects": {Mapping: titled(t, "    - { target: title, source: jobTitle }\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var handed []string
			s, job := comparesRoles(t, &handed)
			job.Former = former
			result, err := job.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := []string{other + " [Agent] true first true", nobody + " <nil> false first false"}
			if diff := cmp.Diff(want, handed); diff != "" {
				t.Errorf("handed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{strange + " afresh false"}, s.queued); diff != "" || result.Classes[InSync] != 1 {
				t.Errorf("classes %v, queued (-want +got):\n%s", result.Classes, diff)
			}
		})
	}
}

// A role that was taken away while the comparison lasted is told by no delta query.
func TestWhoeverLosesARoleMeanwhileIsLookedAt(t *testing.T) {
	t.Parallel()
	var handed []string
	s, job := comparesRoles(t, &handed)
	job.Round = func(context.Context, change.Kind, string) error {
		s.assignments = s.assignments[1:]
		return nil
	}
	job.Scoping.SkipGroups = true
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(s.queued, same+" afresh false") {
		t.Errorf("queued %v", s.queued)
	}
}

// Who has a role through a group is not known while groups cannot be read.
func TestNobodysRolesAreComparedWithoutGroups(t *testing.T) {
	t.Parallel()
	var handed []string
	s, job := comparesRoles(t, &handed)
	refused := errors.New("groups are refused")
	job.Graph = groupless{s, refused}
	if _, err := job.Run(t.Context()); !errors.Is(err, refused) || len(handed) > 0 {
		t.Errorf("handed %v, error %v", handed, err)
	}
}

// groupless shows no groups.
type groupless struct {
	*side

	err error
}

func (g groupless) Delta(ctx context.Context, kind change.Kind, link string) (reconcile.Page, error) {
	if kind == change.Group {
		return reconcile.Page{}, g.err
	}
	return g.side.Delta(ctx, kind, link)
}
