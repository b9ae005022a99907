package reconcile_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
)

// land is a simulated tenant behind the real Graph client, and a job over it.
type land struct {
	*graph.Tenant
	t      *testing.T
	job    *reconcile.Job
	graph  *entra.Client
	queued []change.Change
}

// Enqueue implements provision.Enqueuer.
func (l *land) Enqueue(_ context.Context, changes []change.Change) error {
	l.queued = append(l.queued, changes...)
	return nil
}

func newLand(t *testing.T) *land {
	t.Helper()
	kept, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	const appID = "1f0e3a52-0000-4000-8000-00000000a001"
	l := &land{t: t}
	l.Tenant, err = graph.New(graph.Config{
		ID: "84bd8158-6d4d-4958-8b9f-9d6445542f95", Domain: "contoso.example", AppID: appID, DeltaMembers: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(l.Tenant)
	t.Cleanup(server.Close)
	selects := map[change.Kind][]string{change.User: {"displayName", "id", "userPrincipalName"}, change.Group: {"displayName", "id"}}
	l.graph, err = entra.Open(config.Entra{Cloud: "public", GraphURL: server.URL, AccessToken: "token"}, selects, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	app := &scoping.Application{AppID: appID, Find: l.graph.ServicePrincipal}
	log := slog.New(slog.DiscardHandler)
	l.job = &reconcile.Job{
		Graph: l.graph, Members: l.graph, Queue: l, Documents: kept, Scoping: scoping.Rules{Application: app},
		Cursors: reconcile.NewCursors(kept, reconcile.Basis{Select: selects}, time.Now),
		Sweeps:  &sweep.Requests{Documents: kept, Now: time.Now, Log: log},
		// Graph names a group's attributes whenever its members change.
		Unchanged: func(_ context.Context, o reconcile.Object) (bool, error) { return o.Kind == change.Group, nil },
		Now:       time.Now, Log: log,
	}
	return l
}

// sweep reads first rounds to their end, as a sweep does.
func (l *land) sweep() {
	l.t.Helper()
	for _, kind := range change.Kinds() {
		link := ""
		for {
			page, err := l.graph.Delta(l.t.Context(), kind, link)
			if err != nil {
				l.t.Fatal(err)
			}
			if page.Delta != "" {
				if err := l.job.Cursors.Save(l.t.Context(), kind, page.Delta); err != nil {
					l.t.Fatal(err)
				}
				break
			}
			link = page.Next
		}
	}
}

// finds runs the job and compares whom it queued, and how.
func (l *land) finds(want ...string) {
	l.t.Helper()
	if err := l.job.Run(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	var got []string
	for _, c := range l.queued {
		text := c.String()
		if c.Deleted {
			text += " deleted"
		}
		for _, m := range c.Members {
			text += " with " + m
		}
		got = append(got, text)
	}
	l.queued = nil
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		l.t.Errorf("queued (-want +got):\n%s", diff)
	}
}

func (l *land) do(errs ...error) {
	l.t.Helper()
	for _, err := range errs {
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *land) hire(name string) string {
	l.t.Helper()
	id, err := l.Create(graph.User{"userPrincipalName": name + "@contoso.example", "displayName": name})
	if err != nil {
		l.t.Fatal(err)
	}
	return id
}

func TestWhatNoNotificationTellsIsFoundInTheTenant(t *testing.T) {
	t.Parallel()
	l := newLand(t)
	ada, bob, cyd := l.hire("ada"), l.hire("bob"), l.hire("cyd")
	sales, err := l.CreateGroup(graph.Group{"displayName": "Sales", "securityEnabled": true})
	if err != nil {
		t.Fatal(err)
	}
	l.finds() // nothing: a sweep is due
	l.sweep()
	l.finds()
	l.do(l.AddMembers(sales, ada, bob, cyd))
	l.finds("group " + sales + " with " + ada + " with " + bob + " with " + cyd)
	l.do(l.Update(ada, func(u graph.User) { u["displayName"] = "Ada" }), l.Delete(bob))
	l.finds("user "+ada, "user "+bob, "group "+sales+" with "+bob)
	l.do(l.Restore(bob), l.Delete(cyd), l.Purge(cyd))
	l.finds("user "+bob, "user "+cyd+" deleted", "group "+sales+" with "+bob+" with "+cyd)
	l.do(l.Assign(ada, graph.DefaultAccess))
	l.finds("user " + ada)
	l.do(l.Unassign(ada, graph.DefaultAccess), l.Assign(sales, graph.DefaultAccess))
	l.finds("user "+ada, "user "+bob, "group "+sales)
	l.finds()
	before := l.Calls.Snapshot()
	l.finds()
	calls := 0
	for call, n := range l.Calls.Snapshot() {
		calls += n - before[call]
	}
	if calls != 3 {
		t.Errorf("%d calls in an idle minute", calls)
	}
	l.LoseCursors()
	l.finds()
	waiting, err := l.job.Sweeps.Waiting(t.Context())
	if err != nil || !waiting {
		t.Errorf("a sweep is waiting: %t, %v", waiting, err)
	}
	l.sweep()
	l.do(l.Update(ada, func(u graph.User) { u["displayName"] = "Ada B." }))
	l.finds("user " + ada)
}
