package standalone_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
)

// In scope are those who are assigned, themselves or through a group; of that
// Graph notifies nothing.
func TestOnlyThoseWhoAreAssignedAreInWebex(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 20)
	users := s.Tenant.Users()
	alone, member := users[5].Text("id"), users[6].Text("id")
	group, err := s.Tenant.CreateGroup(graph.Group{"displayName": "Assigned"})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		s.Tenant.AddMembers(group, member), s.Tenant.Assign(alone, graph.DefaultAccess), s.Tenant.Assign(group, graph.DefaultAccess),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p := s.OpenWith(scoped(s, "RECONCILE_INTERVAL=1s", "DELETE_CONFIRM_AFTER=2s"))
	s.Run(p, func(ctx context.Context) {
		await := func(what string) {
			t.Helper()
			t.Log(what)
			s.Equal(ctx, 30*time.Second, compare.Assigned)
		}
		await("the initial sync")
		if n := active(s); n != 2 {
			t.Errorf("%d active accounts of ours", n)
		}
		if err := s.Tenant.Unassign(alone, graph.DefaultAccess); err != nil {
			t.Fatal(err)
		}
		await("one is unassigned")
		if err := s.Tenant.AddMembers(group, alone); err != nil {
			t.Fatal(err)
		}
		await("and comes back through the group")
		if err := s.Tenant.RemoveMembers(group, member); err != nil {
			t.Fatal(err)
		}
		await("another leaves the group")
		if n := active(s); n != 1 {
			t.Errorf("%d active accounts of ours", n)
		}
	})
}

func TestAnApplicationThatIsNotThereIsToldAtTheStart(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	_, err := s.TryOpen(scoped(s, "ENTRA_APP_ID=11111111-1111-4111-8111-111111111111"))
	if err == nil || !strings.Contains(err.Error(), "11111111-1111-4111-8111-111111111111") {
		t.Errorf("error %v", err)
	}
}

// scoped loads settings with the enterprise application of the tenant for scope.
func scoped(s *runtest.Sandbox, environ ...string) func(context.Context) (config.Settings, error) {
	load := s.Load(environ...)
	return func(ctx context.Context) (config.Settings, error) {
		settings, err := load(ctx)
		settings.Scope = "assigned"
		if settings.Entra.AppID == "" {
			settings.Entra.AppID = sandbox.AppID
		}
		return settings, err
	}
}

// active is how many active accounts are those of a user.
func active(s *runtest.Sandbox) int {
	n := 0
	for _, account := range s.Org.Users() {
		external, _ := account["externalId"].(string)
		if _, err := s.Tenant.User(external); err == nil && account["active"] == true {
			n++
		}
	}
	return n
}

// A minute in which nothing happens costs next to nothing.
func TestAnIdleMinuteCostsAtMostSixCallsToGraphAndNoneToWebex(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 20)
	if err := s.Tenant.Assign(s.Tenant.Users()[5].Text("id"), graph.DefaultAccess); err != nil {
		t.Fatal(err)
	}
	p := s.OpenWith(scoped(s, "RECONCILE_INTERVAL=1h", "RENEW_INTERVAL=1h"))
	s.Run(p, func(ctx context.Context) {
		s.Settle(ctx, p)
		minute := func() {
			for _, err := range []error{
				p.Token.Run(ctx), p.Recovery.Settle(ctx), p.Subscriptions.Run(ctx), p.Recovery.CatchUp(ctx), p.Reconcile.Run(ctx), p.Sweeps.Run(ctx),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			s.Settle(ctx, p)
		}
		minute() // takes in what the sync itself has not seen
		s.Tenant.Calls.Reset()
		s.Org.Calls.Reset()
		minute()
		const most = 6
		if graph, webex := s.Tenant.Calls.Snapshot().HTTP(), s.Org.Calls.Snapshot().HTTP(); graph > most || webex > 0 {
			t.Errorf("%d calls to Graph: %v; %d to Webex: %v", graph, s.Tenant.Calls.Snapshot(), webex, s.Org.Calls.Snapshot())
		} else {
			t.Logf("%d calls to Graph, %d to Webex", graph, webex)
		}
	})
}
