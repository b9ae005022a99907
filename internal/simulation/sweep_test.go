package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/sandbox"
)

// sweeper is a land without notifications, and what compares both of its sides.
type sweeper struct {
	*land

	wire    *counted
	engine  *provision.Engine
	queued  []change.Change
	cursors map[change.Kind]string
	sweep   *reconcile.Sweep
}

// Enqueue implements provision.Enqueuer.
func (s *sweeper) Enqueue(_ context.Context, changes []change.Change) error {
	s.queued = append(s.queued, changes...)
	return nil
}

func newSweeper(t testing.TB, path string) *sweeper {
	t.Helper()
	s := &sweeper{cursors: map[change.Kind]string{}}
	s.land = newLand(t, 1, path, time.Now, nil)
	s.wire = &counted{next: s.network, calls: map[string]int{}}
	s.begin()
	return s
}

// begin makes a process of its own.
func (s *sweeper) begin() {
	s.engine = s.land.engine(s.wire, s.ledger, s)
	s.sweep = &reconcile.Sweep{
		Graph: s.directory(s.wire), Lister: s.target(s.wire), Ledger: s.ledger, Queue: s, Converge: s.engine.ConvergeSeen,
		Mapping: s.rules, Park: true, Members: s.directory(s.wire).Members,
		Rests: func(context.Context) (string, error) { return "", nil },
		Depth: func(context.Context) (int, error) { return 0, nil },
		Round: func(_ context.Context, kind change.Kind, link string) error {
			s.cursors[kind] = link
			return nil
		},
		Now: s.clock, Log: slog.New(slog.DiscardHandler),
	}
}

// populate makes that many users, and groups of some of them.
func (s *sweeper) populate(users, groups, members int) []string {
	s.t.Helper()
	ids := make([]string, users)
	for i := range ids {
		ids[i] = try(s.tenant.Create(sandbox.User{
			"userPrincipalName": fmt.Sprintf("user%d@%s", i, domain), "displayName": fmt.Sprint("User ", i), "givenName": "U", "surname": "S",
		}))(s.t)
	}
	for i := range groups {
		g := try(s.tenant.CreateGroup(sandbox.Group{"displayName": fmt.Sprint("Group ", i)}))(s.t)
		var in []string
		for j := range members {
			in = append(in, ids[(i*members+j)%users])
		}
		if err := s.tenant.AddMembers(g, in...); err != nil {
			s.t.Fatal(err)
		}
	}
	return ids
}

func (s *sweeper) run() reconcile.Result {
	s.t.Helper()
	return try(s.sweep.Run(s.t.Context()))(s.t)
}

func TestAnInitialSyncCreatesEverybodyAndTheNextWritesNothing(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, file(t.TempDir(), 1))
	defer s.close()
	s.populate(1000, 20, 50)
	result := s.run()
	s.equal()
	t.Logf("%+v, %v", result, s.wire.calls)
	clear(s.wire.calls)
	s.begin()
	result = s.run()
	t.Logf("%+v %v", result, s.wire.calls)
}

// counted counts the calls that pass it, by side and kind.
type counted struct {
	next http.RoundTripper

	mu    sync.Mutex
	calls map[string]int
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	side := "Graph "
	if r.URL.Host == webexHost {
		side = "Webex "
	}
	c.mu.Lock()
	c.calls[side+r.Method+" "+path.Base(r.URL.Path)]++
	c.mu.Unlock()
	return c.next.RoundTrip(r)
}
