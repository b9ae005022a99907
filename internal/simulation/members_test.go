package simulation_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sweep"
)

// A group whose name has changed, there or here, is compared with its members
// all the same.
func TestASweepFindsWhoLeftAGroupThatWasRenamed(t *testing.T) {
	t.Parallel()
	for name, rename := range map[string]func(*sweeper, string){
		"in Entra": func(s *sweeper, group string) {
			if err := s.tenant.UpdateGroup(group, func(g graph.Group) { g["displayName"] = "Renamed" }); err != nil {
				s.t.Fatal(err)
			}
		},
		"in Webex": func(s *sweeper, group string) {
			o := change.Object{Kind: change.Group, ID: group}
			webexID := try(s.ledger.WebexIDs(s.t.Context(), []change.Object{o}))(s.t)[0]
			patch := []mapping.PatchOperation{{Op: "replace", Path: "displayName", Value: "Renamed"}}
			if a := s.target(s.network).Apply(s.t.Context(), []provision.Operation{{Object: o, ID: webexID, Patch: patch}}); a[0].Err != nil {
				s.t.Fatal(a[0].Err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSweeper(t, 1)
			defer s.close()
			ids := s.provisioned(3, 1, 3)
			group := s.tenant.Groups()[0].Text("id")
			rename(s, group)
			if err := s.tenant.RemoveMembers(group, ids[0]); err != nil {
				t.Fatal(err)
			}
			s.queued = nil
			s.again()
			s.run()
			if !slices.ContainsFunc(s.queued, func(m message) bool { return m.change.ID == group && slices.Contains(m.change.Members, ids[0]) }) {
				t.Errorf("queued %v", s.queued)
			}
		})
	}
}

// refusingCreates refuses what would create something in Webex.
type refusingCreates struct{ next http.RoundTripper }

func (w refusingCreates) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == webexHost && r.Method == http.MethodPost {
		return answered(r, http.StatusServiceUnavailable, nil, ""), nil
	}
	return w.next.RoundTrip(r)
}

// Of a member whose account cannot be created now the group is told, so that it
// waits for it.
func TestASweepTellsAGroupOfAMemberThatIsLeftToTheWorker(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	s.provisioned(3, 1, 3)
	group := s.tenant.Groups()[0].Text("id")
	late := try(s.tenant.Create(graph.User{"userPrincipalName": "late@" + domain, "displayName": "Late"}))(t)
	if err := s.tenant.AddMembers(group, late); err != nil {
		t.Fatal(err)
	}
	s.queued = nil
	s.begin(refusingCreates{s.network}, s.ledger)
	s.run()
	if !slices.ContainsFunc(s.queued, func(m message) bool { return m.change.ID == group && slices.Contains(m.change.Members, late) }) {
		t.Errorf("queued %v", s.queued)
	}
}

// Somebody who joined while blocked is in the group once let in, also where only a
// comparison told of it: the group waits, as it does when that is notified.
func TestASweepTellsAGroupOfAMemberWhoMayNotSignInYet(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(3, 1, 2)
	group := s.tenant.Groups()[0].Text("id")
	blocked := try(s.tenant.Create(graph.User{"userPrincipalName": "b@" + domain, "displayName": "B", "accountEnabled": false}))(t)
	told := func() bool {
		s.queued = nil
		s.run()
		return slices.ContainsFunc(s.queued, func(m message) bool { return m.change.ID == group && slices.Contains(m.change.Members, blocked) })
	}
	if err := s.tenant.AddMembers(group, blocked); err != nil {
		t.Fatal(err)
	}
	if told() {
		t.Error("a group in which nothing else differs is looked at for one who has no account")
	}
	s.sweep.Lost = func(context.Context) (bool, error) { return true, nil }
	if !told() || len(s.classes[sweep.InSync]) == 0 {
		t.Errorf("the delta query was lost, queued %v, in sync %v", s.queued, s.classes[sweep.InSync])
	}
	s.sweep.Lost = nil
	there := s.tenant.Members(group)
	other := ids[slices.IndexFunc(ids, func(id string) bool { return !slices.Contains(there, id) })]
	if err := s.tenant.AddMembers(group, other); err != nil {
		t.Fatal(err)
	}
	if !told() {
		t.Errorf("queued %v", s.queued)
	}
}

// A group that Entra leaves out of its list is compared like the others.
func TestASweepFindsWhoLeftAGroupThatEntraDoesNotList(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	ids := s.provisioned(3, 1, 3)
	group := s.tenant.Groups()[0].Text("id")
	s.relist(func(list []map[string]any) []map[string]any {
		return slices.DeleteFunc(list, func(o map[string]any) bool { return o["id"] == group })
	})
	if err := s.tenant.RemoveMembers(group, ids[0]); err != nil {
		t.Fatal(err)
	}
	s.queued = nil // nobody is told
	s.run()
	s.drain()
	s.equal()
}
