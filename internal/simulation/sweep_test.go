package simulation_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/story"
	"entrawebex/internal/scoping"
	"entrawebex/internal/sweep"
)

// sweeper is a land without notifications, and what compares both of its sides.
type sweeper struct {
	*land

	now     time.Time
	wire    *counted
	engine  *provision.Engine
	sweep   *sweep.Job
	posting sync.Mutex
	// queued are the Changes on the queue, dead the attempts that failed for good.
	queued []message
	dead   []provision.Attempt
	// cursors are where the delta queries go on, classes whom the sweep put into
	// which class.
	cursors map[change.Kind]string
	classes map[sweep.Class][]sweep.Account
	// sizes are how many objects went to the engine at a time.
	sizes []int
}

// Enqueue implements provision.Enqueuer.
func (s *sweeper) Enqueue(_ context.Context, changes []change.Change) error {
	s.posting.Lock()
	defer s.posting.Unlock()
	for _, c := range changes {
		if _, err := c.Encode(); err != nil {
			return err
		}
		s.queued = append(s.queued, message{change: c, visible: s.now})
	}
	return nil
}

func newSweeper(t testing.TB, seed uint64) *sweeper {
	t.Helper()
	s := &sweeper{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	s.land = newLand(t, seed, file(t.TempDir(), seed), func() time.Time { return s.now }, nil)
	s.nested = false
	const few = 100 // so that a group of a few hundred comes on several pages
	s.tenant = try(graph.New(graph.Config{
		ID: tenantID, Domain: domain, Token: "t", Transport: s.network, Now: s.clock, Seed: seed, AppID: appID, DeltaMembers: few,
	}))(t)
	s.network[graphHost] = s.tenant
	s.wire = &counted{next: s.network, calls: map[string]int{}}
	s.begin(s.wire, s.ledger)
	return s
}

// begin makes a process of its own, after the claims of the one before have run
// out.
func (s *sweeper) begin(wire http.RoundTripper, kept provision.Ledger) {
	s.now = s.now.Add(2 * provision.Lease)
	s.engine = s.land.engine(wire, kept, s)
	s.engine.Observe = func(a provision.Attempt) {
		if a.Fault != nil || a.Members.Added+a.Members.Removed+a.Members.Waiting > 0 {
			s.tellf("%s: %s %s: %s, %+v", a.Object, a.Action, a.Status, a.Reason, a.Members)
		}
	}
	directory := s.directory(wire)
	s.sweep = &sweep.Job{
		Graph: directory, Lister: s.target(wire), Ledger: s.ledger, Queue: s, Mapping: s.rules, Members: directory.Members, AppRoles: directory.AppRoles, Nested: s.nested,
		Converge: func(ctx context.Context, snapshots []provision.Snapshot) []provision.Attempt {
			s.sizes = append(s.sizes, len(snapshots))
			return s.engine.ConvergeSeen(ctx, snapshots)
		},
		Rests: func(context.Context) (string, error) { return "", nil },
		Depth: func(context.Context) (int, error) { return 0, nil },
		Round: func(_ context.Context, kind change.Kind, link string) error {
			s.cursors[kind] = link
			return nil
		},
		Classified: func(a sweep.Account) { s.classes[a.Class] = append(s.classes[a.Class], a) },
		Now:        s.clock,
	}
	s.cursors, s.classes, s.sizes = map[change.Kind]string{}, map[sweep.Class][]sweep.Account{}, nil
}

// again is a new process, and counts from zero.
func (s *sweeper) again() {
	s.begin(s.wire, s.ledger)
	clear(s.wire.calls)
	s.org.Calls.Reset()
	s.tenant.Calls.Reset()
}

// scoped has only those provisioned who are assigned.
func (s *sweeper) scoped() {
	rules := scoping.Rules{Application: &scoping.Application{AppID: appID, Find: s.directory(s.wire).ServicePrincipal}}
	s.engine.Scoping, s.sweep.Scoping = rules, rules
}

// run sweeps to the end.
func (s *sweeper) run() sweep.Result {
	s.t.Helper()
	result := try(s.sweep.Run(s.t.Context()))(s.t)
	for _, kind := range change.Kinds() {
		if s.cursors[kind] == "" {
			s.t.Errorf("no cursor of %ss", kind)
		}
	}
	return result
}

// provisioned makes that many users and groups, and both sides equal.
func (s *sweeper) provisioned(users, groups, members int) []string {
	s.t.Helper()
	ids := try(headcount{users, groups, members}.settle(s.tenant))(s.t)
	s.run()
	s.drain()
	s.equal()
	s.again()
	return ids
}

// drain lets the worker work until nothing is on the queue.
func (s *sweeper) drain() {
	s.t.Helper()
	const bound, batch = 10_000, 10
	for range bound {
		if len(s.queued) == 0 {
			return
		}
		next := s.queued[0].visible
		for _, m := range s.queued {
			if m.visible.Before(next) {
				next = m.visible
			}
		}
		if next.After(s.now) {
			s.now = next
		}
		var changes []change.Change
		var rest []message
		for _, m := range s.queued {
			if len(changes) < batch && !m.visible.After(s.now) {
				changes = append(changes, m.change)
			} else {
				rest = append(rest, m)
			}
		}
		s.queued = rest
		for _, a := range s.engine.Converge(s.t.Context(), changes) {
			s.tellf("%s: %s %s: %s", a.Object, a.Action, a.Status, a.Reason)
			switch {
			case a.Again > 0:
				for _, c := range a.Causes {
					s.queued = append(s.queued, message{change: c, visible: s.now.Add(a.Again)})
				}
			case a.Fault != nil:
				s.dead = append(s.dead, a)
			}
		}
	}
	s.failf("not at rest after %d batches", bound)
}

// writes is how many writes reached Webex.
func (s *sweeper) writes() int { return s.org.Calls.Snapshot().Writes() }

// account is the Webex id of a user's account.
func (s *sweeper) account(id string) string {
	s.t.Helper()
	for webexID, attributes := range s.org.Users() {
		if attributes["externalId"] == id {
			return webexID
		}
	}
	s.t.Fatalf("user %s has no account", id)
	return ""
}

// byHand changes Webex as an administrator would.
func (s *sweeper) byHand(method, path, body string) {
	s.t.Helper()
	address := "http://" + webexHost + "/identity/scim/" + orgID + "/v2" + path
	request := try(http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body)))(s.t)
	request.Header.Set("Authorization", "Bearer t")
	request.Header.Set("Content-Type", "application/scim+json")
	response := try(s.network.RoundTrip(request))(s.t)
	if response.StatusCode >= http.StatusMultipleChoices {
		s.t.Fatalf("%s %s: %s: %s", method, path, response.Status, try(io.ReadAll(response.Body))(s.t))
	}
	s.org.Calls.Reset()
}

// patch is the body of a PATCH with one operation.
func patch(operation string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operation + `]}`
}

// group is the one group there is, and its id in Webex.
func (s *sweeper) group() (id, webexID string) {
	s.t.Helper()
	id = s.tenant.Groups()[0].Text("id")
	webexIDs := try(s.ledger.WebexIDs(s.t.Context(), []change.Object{{Kind: change.Group, ID: id}}))(s.t)
	return id, webexIDs[0]
}

// counted counts the calls that pass it, by side and kind. It edits answers if
// there is something to edit them with, which may return nil for a lost answer.
type counted struct {
	next http.RoundTripper
	edit func(r *http.Request, answer []byte) []byte

	mu    sync.Mutex
	calls map[string]int
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	side := "Graph "
	if strings.HasPrefix(r.URL.Path, "/identity/") {
		side = "Webex "
	}
	c.mu.Lock()
	c.calls[side+r.Method+" "+path.Base(r.URL.Path)]++
	c.mu.Unlock()
	response, err := c.next.RoundTrip(r)
	if err != nil || c.edit == nil {
		return response, err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if answer = c.edit(r, answer); answer == nil {
		return nil, errConnection
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	return response, nil
}

func TestAnInitialSyncCreatesEverybodyAndTheNextWritesNothing(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	people := headcount{1000, 20, 50}
	try(people.settle(s.tenant))(t)
	result := s.run()
	s.equal()
	if n := people.Users + people.Groups; result.Actions[provision.Create] != n || s.writes() != n || len(s.queued) > 0 {
		t.Errorf("%v, %d writes, %d changes queued", result, s.writes(), len(s.queued))
	}
	s.again()
	result = s.run()
	if result.Classes[sweep.InSync] != people.Users+people.Groups || s.writes() > 0 || len(s.queued) > 0 {
		t.Errorf("once more: %v, %d writes, %d changes queued", result, s.writes(), len(s.queued))
	}
}

func TestAnEmptiedLedgerLearnsEveryLinkAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	const users, groups = 300, 5
	ids := s.provisioned(users, groups, 20)
	s.emptied()
	s.engine.Parallel = 16
	s.sweep.Park = true
	result := s.run()
	if s.writes() > 0 || result.Classes[sweep.Local] > 0 {
		t.Errorf("%v, %d writes", result, s.writes())
	}
	for _, id := range ids {
		webexIDs := try(s.ledger.WebexIDs(t.Context(), []change.Object{{Kind: change.User, ID: id}}))(t)
		if webexIDs[0] != s.account(id) {
			t.Fatalf("user %s is linked to %q", id, webexIDs[0])
		}
	}
	s.drain()
	if s.writes() > 0 {
		t.Errorf("the worker wrote: %v", s.org.Calls.Snapshot())
	}
	s.again()
	if result = s.run(); result.Classes[sweep.InSync] != users+groups {
		t.Errorf("once more: %v", result)
	}
}

func TestAnEmptyTenantIsComparedAndNothingIsConcluded(t *testing.T) {
	t.Parallel()
	s := newSweeper(t, 1)
	defer s.close()
	try(s.org.Add(map[string]any{"userName": "local@contoso.example", "userType": "user"}))(t)
	result := s.run()
	s.equal()
	if result.Classes[sweep.Local] != 1 || s.writes() > 0 || len(s.queued) > 0 {
		t.Errorf("%v, %d writes, %v", result, s.writes(), s.queued)
	}
}

// Whatever happened in Entra unseen, a sweep and what it leaves to the worker
// make Webex what Entra says.
func TestSimulationOfSweepsEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	for n := range 8 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			for seed := *first + uint64(n); seed < *first+share(16) && !t.Failed(); seed += 8 {
				liveUnseen(t, seed)
			}
		})
	}
}

// liveUnseen lets things happen of which only sweeps tell.
func liveUnseen(t *testing.T, seed uint64) {
	t.Helper()
	s := newSweeper(t, seed)
	defer s.close()
	s.nested = seed%3 == 0
	scoped := seed%4 == 1
	var allowed []compare.Allowance
	if scoped {
		allowed = append(allowed, compare.Assigned)
	}
	if scoped {
		// An account that waits to be adopted is lost to its owner who is renamed
		// before being assigned.
		try(headcount{Users: 10}.settle(s.tenant))(t)
	} else if err := story.Seed(s.tenant, s.org, 10, seed); err != nil {
		t.Fatal(err)
	}
	const rounds, most = 5, 30
	for round := range rounds {
		for range min(round, 1) * s.random.IntN(most) {
			s.event()
			if scoped {
				s.assignAny()
			}
			s.now = s.now.Add(time.Duration(s.random.IntN(3600)) * time.Second)
		}
		s.again()
		s.engine.Parallel = 1 + 15*int(seed%2)
		if scoped {
			s.scoped()
		}
		s.tellf("— sweep: %v", s.run())
		s.drain()
		// Nobody is deleted for being on no list.
		s.equal(append(allowed, compare.PendingDelete)...)
	}
	for _, a := range s.dead {
		if !strings.Contains(a.Reason, "map displayName") { // the only thing that cannot be provisioned here
			s.failf("dead letter: %s: %s", a.Object, a.Reason)
		}
	}
}

// assignAny assigns the enterprise application to somebody, or ends that.
func (s *sweeper) assignAny() {
	s.t.Helper()
	users, groups := s.tenant.Users(), s.tenant.Groups()
	var ids []string
	for _, u := range users {
		ids = append(ids, u.Text("id"))
	}
	for _, g := range groups {
		ids = append(ids, g.Text("id"))
	}
	id := ids[s.random.IntN(len(ids))]
	if s.random.IntN(3) == 0 {
		_ = s.tenant.Unassign(id, graph.DefaultAccess) // who is not assigned
		s.tellf("— unassign %s", id)
		return
	}
	_ = s.tenant.Assign(id, graph.DefaultAccess) // who is assigned already
	s.tellf("— assign %s", id)
}
