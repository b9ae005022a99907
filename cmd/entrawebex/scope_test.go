package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
)

// In scope are those who are assigned, themselves or through a group; of that
// Graph notifies nothing.
func TestOnlyThoseWhoAreAssignedAreInWebex(t *testing.T) {
	t.Parallel()
	s := setup(t, 20)
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
	p := s.openScoped("RECONCILE_INTERVAL=1s", "DELETE_CONFIRM_AFTER=2s")
	s.run(p, func(ctx context.Context) {
		equal := func() bool { return len(compare.Differences(s.Tenant, s.Org, compare.Assigned)) == 0 }
		await := func(what string) {
			t.Helper()
			if err := sandbox.Wait(ctx, 30*time.Second, equal); err != nil {
				t.Errorf("%s: %v: %v", what, err, compare.Differences(s.Tenant, s.Org, compare.Assigned))
			}
		}
		await("the initial sync")
		if n := s.active(); n != 2 {
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
		if n := s.active(); n != 1 {
			t.Errorf("%d active accounts of ours", n)
		}
	})
}

func TestAnApplicationThatIsNotThereIsToldAtTheStart(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	load := s.scoped("ENTRA_APP_ID=11111111-1111-4111-8111-111111111111")
	settings, err := load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(t.Context(), settings, config.NewLatest(settings, load, time.Now, slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler), nil)
	if err == nil || !strings.Contains(err.Error(), "11111111-1111-4111-8111-111111111111") {
		t.Errorf("error %v", err)
	}
}

// scoped loads settings with the enterprise application of the tenant for scope.
func (s *staged) scoped(environ ...string) func(context.Context) (config.Settings, error) {
	return func(ctx context.Context) (config.Settings, error) {
		settings, err := s.settings(ctx, append(anyPort(), environ...), s.data)
		settings.Scope = "assigned"
		if settings.Entra.AppID == "" {
			settings.Entra.AppID = sandbox.AppID
		}
		return settings, err
	}
}

func (s *staged) openScoped(environ ...string) *process {
	s.t.Helper()
	load := s.scoped(environ...)
	settings, err := load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := open(s.t.Context(), settings, config.NewLatest(settings, load, time.Now, slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// active is how many active accounts are those of a user.
func (s *staged) active() int {
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
	s := setup(t, 20)
	if err := s.Tenant.Assign(s.Tenant.Users()[5].Text("id"), graph.DefaultAccess); err != nil {
		t.Fatal(err)
	}
	p := s.openScoped("RECONCILE_INTERVAL=1h", "RENEW_INTERVAL=1h")
	s.run(p, func(ctx context.Context) {
		s.settle(ctx, p)
		minute := func() {
			for _, err := range []error{
				p.Token.Run(ctx), p.Recovery.Settle(ctx), p.Subscriptions.Run(ctx), p.Recovery.CatchUp(ctx), p.Reconcile.Run(ctx), p.Sweeps.Run(ctx),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			s.settle(ctx, p)
		}
		minute() // takes in what the sync itself has not seen
		s.Tenant.Calls.Reset()
		s.Org.Calls.Reset()
		minute()
		const most = 6
		if graph, webex := calls(s.Tenant.Calls.Snapshot()), calls(s.Org.Calls.Snapshot()); graph > most || webex > 0 {
			t.Errorf("%d calls to Graph: %v; %d to Webex: %v", graph, s.Tenant.Calls.Snapshot(), webex, s.Org.Calls.Snapshot())
		} else {
			t.Logf("%d calls to Graph, %d to Webex", graph, webex)
		}
	})
}
