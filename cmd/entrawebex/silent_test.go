package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
)

// Nothing is notified and nobody reaches the process: what changes is found all
// the same.
func TestWithoutNotificationsAllIsFoundWithinTwoIntervals(t *testing.T) {
	t.Parallel()
	s := setup(t, 40)
	s.silent = true
	const interval = 5 * time.Second
	p := s.open("RECONCILE_INTERVAL=" + interval.String())
	if p.Subscriptions != nil || p.listener != nil {
		t.Error("it subscribes or listens")
	}
	s.run(p, func(ctx context.Context) {
		users := s.tenant.Users()
		group := s.tenant.Groups()[0].Text("id")
		hired, err := s.tenant.Create(graph.User{"userPrincipalName": "late@" + sandboxDomain, "displayName": "Late", "givenName": "L", "surname": "Ate"})
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range []error{
			s.tenant.AddMembers(group, hired),
			s.tenant.RemoveMembers(group, users[5].Text("id")),
			s.tenant.Update(users[6].Text("id"), func(u graph.User) { u["displayName"] = "Renamed" }),
			s.tenant.Update(users[7].Text("id"), func(u graph.User) { u["accountEnabled"] = false }),
			s.tenant.Delete(users[8].Text("id")),
			s.tenant.UpdateGroup(group, func(g graph.Group) { g["displayName"] = "Renamed staff" }),
		} {
			if change != nil {
				t.Fatal(change)
			}
		}
		equal := func() bool { return len(compare.Differences(s.tenant, s.org)) == 0 }
		if err := wait(ctx, 2*interval, equal); err != nil {
			t.Errorf("%v: %v", err, compare.Differences(s.tenant, s.org))
		}
	})
	for call := range s.tenant.Calls.Snapshot() {
		if strings.Contains(call, "subscriptions") {
			t.Errorf("it calls %s", call)
		}
	}
}
