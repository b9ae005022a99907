package standalone_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
)

// Nothing is notified and nobody reaches the process: what changes is found all
// the same.
func TestWithoutNotificationsAllIsFoundWithinTwoIntervals(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 40)
	s.Silent = true
	const interval = 10 * time.Second
	p := s.Open("RECONCILE_INTERVAL=" + interval.String())
	if p.Subscriptions != nil || p.Listens() {
		t.Error("it subscribes or listens")
	}
	s.Run(p, func(ctx context.Context) {
		users := s.Tenant.Users()
		group := s.Tenant.Groups()[0].Text("id")
		hired, err := s.Tenant.Create(graph.User{"userPrincipalName": "late@" + sandbox.Domain, "displayName": "Late", "givenName": "L", "surname": "Ate"})
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range []error{
			s.Tenant.AddMembers(group, hired),
			s.Tenant.RemoveMembers(group, users[5].Text("id")),
			s.Tenant.Update(users[6].Text("id"), func(u graph.User) { u["displayName"] = "Renamed" }),
			s.Tenant.Update(users[7].Text("id"), func(u graph.User) { u["accountEnabled"] = false }),
			s.Tenant.Delete(users[8].Text("id")),
			s.Tenant.UpdateGroup(group, func(g graph.Group) { g["displayName"] = "Renamed staff" }),
		} {
			if change != nil {
				t.Fatal(change)
			}
		}
		s.Equal(ctx, 2*interval)
	})
	for call := range s.Tenant.Calls.Snapshot() {
		if strings.Contains(call, "subscriptions") {
			t.Errorf("it calls %s", call)
		}
	}
}
