package upgrade

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
)

var lives = flag.Int("lives", 0, "how many lives of a tenant are lived, of which each fourth is of the same kind; 0 builds no earlier program")

// patience is how long anything is waited for: a creation in doubt is repeated after five
// minutes, and then come a group's members.
const patience = 8 * time.Minute

// kind is what there is to exchange in the middle of a life beside records and cursors.
type kind int

const (
	held   kind = iota // a hold, which the other program's operator approves
	killed             // writes of which nobody knows what came of them
	queued             // messages on the queue, and a pause
	plain              // changes of which no cursor knows yet
	kinds
)

// life is a small tenant, and the two programs that take turns at it.
type life struct {
	*sandbox.Sandbox

	kind          kind
	first, second program
	random        *rand.Rand
	rules         mapping.Rules
	dataDir       string
	hires         int
	blocked       string // who is held
	seen          *witness
}

// witness counts what was exchanged, so that a test in which nothing is fails.
type witness struct{ unequal, waiting, holds, entries atomic.Int64 }

func TestAnEarlierProgramAndThePresentOneTakeTurns(t *testing.T) {
	t.Parallel()
	old := earlier(t)
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	const beside = 32 // which wait most of the time
	var seen witness
	var group sync.WaitGroup
	seeds := make(chan int)
	for range min(beside, *lives) {
		group.Go(func() {
			for seed := range seeds {
				l := &life{
					kind: kind(seed) % kinds, first: old, second: present(), random: rand.New(rand.NewPCG(uint64(seed), 1)),
					rules: rules, dataDir: t.TempDir(), seen: &seen,
				}
				if seed/int(kinds)%2 == 1 {
					l.first, l.second = l.second, l.first
				}
				if err := l.live(t.Context(), uint64(seed)); err != nil {
					t.Errorf("life %d, of kind %d, which %s begins: %v", seed, l.kind, l.first.name, err)
				}
			}
		})
	}
	for seed := range *lives {
		seeds <- seed
	}
	close(seeds)
	group.Wait()
	each := int64(*lives / int(kinds))
	t.Logf("%d lives: %d turns in which Webex was behind, %d with messages on the queue, %d holds, %d entries of the log were taken over",
		*lives, seen.unequal.Load(), seen.waiting.Load(), seen.holds.Load(), seen.entries.Load())
	if seen.unequal.Load() < each || seen.waiting.Load() < each || seen.holds.Load() < each || seen.entries.Load() < int64(*lives) {
		t.Error("too little was exchanged for this to show anything")
	}
}

// environ is that of both programs.
func (l *life) environ() []string {
	environ := append(l.Environ(l.dataDir), "LISTEN_ADDR=127.0.0.1:0", "CONSOLE_ADDR=off", "RECONCILE_INTERVAL=250ms", "RENEW_INTERVAL=1h")
	if l.kind == held {
		environ = append(environ, "GUARD_FLOOR=0", "GUARD_SHARE=0")
	}
	return environ
}

// live lives one: the first program begins, the second goes on in the middle, and the
// first comes back in the middle of what happens then.
func (l *life) live(ctx context.Context, seed uint64) (err error) {
	const people = 4
	if l.Sandbox, err = sandbox.Open(ctx, sandbox.Options{Seed: seed, Users: people, Silent: true}); err != nil {
		return err
	}
	defer l.Close()
	if err := l.begin(ctx); err != nil {
		return fmt.Errorf("at the beginning: %w", err)
	}
	if err := l.happen(3); err != nil {
		return err
	}
	if err := l.goOn(ctx); err != nil {
		return fmt.Errorf("after the upgrade: %w", err)
	}
	if err := l.comeBack(ctx); err != nil {
		return fmt.Errorf("after the way back: %w", err)
	}
	return nil
}

// begin has the first program begin. It is killed when it has written a little; where it
// is not, it comes to rest: of who is being written when a program ends it is known after
// two minutes that no such write is under way any more, and nobody waits here for that.
func (l *life) begin(ctx context.Context) error {
	r, err := l.first.start(ctx, l.environ(), l.dataDir)
	if err != nil {
		return err
	}
	if l.kind == killed {
		enough := 1 + l.random.IntN(3)
		wrote := func() bool { return l.Org.Calls.Snapshot().Writes() >= enough }
		err = sandbox.Wait(ctx, patience, wrote)
	} else {
		err = l.converge(ctx, r)
	}
	return errors.Join(err, l.interrupt(ctx, r))
}

// interrupt stops a program, and notes whether that was in the middle of something.
func (l *life) interrupt(ctx context.Context, r *running) error {
	if err := r.stop(l.kind == killed); err != nil {
		return err
	}
	if len(l.differences()) > 0 {
		l.seen.unequal.Add(1)
	}
	file, err := stores.OpenFile(&config.Settings{DataDir: l.dataDir}, time.Minute)
	if err != nil {
		return err
	}
	depth, err := file.Changes.Depth(ctx)
	if depth.Visible+depth.InFlight > 0 {
		l.seen.waiting.Add(1)
	}
	return errors.Join(err, file.Close())
}

// goOn has the second program converge, and be stopped in the middle of what happens
// then.
func (l *life) goOn(ctx context.Context) error {
	r, err := l.second.start(ctx, l.environ(), l.dataDir)
	if err != nil {
		return err
	}
	if err := l.converge(ctx, r); err != nil {
		return errors.Join(err, r.stop(true))
	}
	if l.kind == queued {
		if _, err := r.client.Pause(ctx, operator.PauseRequest{Side: pause.Webex, Why: "an upgrade"}); err != nil {
			return errors.Join(err, r.stop(true))
		}
	}
	rounds := l.rounds()
	if err := l.happen(4); err != nil {
		return errors.Join(err, r.stop(true))
	}
	middle := func() bool { return l.rounds() > rounds }
	switch l.kind {
	case held:
		if l.blocked, err = l.block(); err != nil {
			return errors.Join(err, r.stop(true))
		}
		middle = func() bool { return l.holds(ctx, r) }
	case queued:
		middle = func() bool {
			status, err := r.client.Status(ctx)
			return err == nil && status.Waiting > 0
		}
	case plain: // it has no time to see them
		middle = func() bool { return true }
	case killed, kinds:
	}
	err = sandbox.Wait(ctx, patience, middle)
	if err != nil {
		err = fmt.Errorf("nothing is in the middle: %w\n%s", err, r.said)
	}
	return errors.Join(err, l.interrupt(ctx, r))
}

// comeBack has the first program take over what the second one left, and converge.
func (l *life) comeBack(ctx context.Context) error {
	until := time.Now()
	r, err := l.first.start(ctx, l.environ(), l.dataDir)
	if err != nil {
		return err
	}
	if err := l.takeOver(ctx, r, until); err != nil {
		return errors.Join(err, r.stop(true))
	}
	if err := l.converge(ctx, r); err != nil {
		return errors.Join(err, r.stop(true))
	}
	return r.stop(false)
}

// takeOver looks at what the other program left, and decides what it left to a person.
func (l *life) takeOver(ctx context.Context, r *running, until time.Time) error {
	told, err := r.client.History(ctx, operator.HistoryRequest{Until: until})
	if err != nil {
		return err
	}
	l.seen.entries.Add(int64(len(told.Entries)))
	switch l.kind {
	case held:
		if !l.holds(ctx, r) {
			return errors.New("what was held is not held any more")
		}
		l.seen.holds.Add(1)
	case queued:
		if _, err := r.client.Resume(ctx, operator.ResumeRequest{Side: pause.Webex}); err != nil {
			return err
		}
	case killed, plain, kinds:
	}
	return nil
}

// converge waits until both sides are the same. Where the guard holds what takes away, it
// is approved as it comes.
func (l *life) converge(ctx context.Context, r *running) error {
	same := func() bool {
		differences := l.differences()
		if l.kind == held && len(differences) > 0 {
			_, _ = r.client.Approve(ctx, operator.DecideRequest{All: true}) // is tried again
		}
		return len(differences) == 0
	}
	if err := sandbox.Wait(ctx, patience, same); err != nil {
		return fmt.Errorf("%s does not converge: %w: %v\n%s", r.name, err, l.differences(), r.said)
	}
	return nil
}

// rounds is how often Graph was asked what has changed.
func (l *life) rounds() int {
	n := 0
	for call, calls := range l.Tenant.Calls.Snapshot() {
		if strings.Contains(call, "delta") {
			n += calls
		}
	}
	return n
}

func (l *life) differences() []compare.Difference {
	return compare.Differences(l.Tenant, l.Org, l.rules, compare.PendingDelete)
}

// somebody is a user, not one of those whom the sandbox keeps for adoption.
func (l *life) somebody() string {
	users := l.Tenant.Users()
	return users[l.random.IntN(len(users))].Text("id")
}

// block blocks somebody who has an account, and returns who that is.
func (l *life) block() (string, error) {
	accounts := map[any]bool{}
	for _, a := range l.Org.Users() {
		accounts[a["externalId"]] = a["active"] == true
	}
	for _, u := range l.Tenant.Users() {
		if id := u.Text("id"); u.Enabled() && accounts[id] {
			return id, l.Tenant.Update(id, func(u graph.User) { u["accountEnabled"] = false })
		}
	}
	return "", errors.New("nobody is left to block")
}

// holds reports whether the one who was blocked is held.
func (l *life) holds(ctx context.Context, r *running) bool {
	holds, err := r.client.Holds(ctx)
	return err == nil && slices.ContainsFunc(holds, func(h operator.Held) bool { return h.Object.ID == l.blocked })
}

// happen has so many things happen in the tenant.
func (l *life) happen(n int) error {
	staff := l.Tenant.Groups()[0].Text("id")
	for range n {
		l.hires++
		name := fmt.Sprintf("hire%d", l.hires)
		id := l.somebody()
		var err error
		what := l.random.IntN(7)
		if l.kind == killed || l.kind == held {
			what = 0 // all else may be in doubt, or held, too
		}
		switch what {
		case 0, 1:
			var hired string
			hired, err = l.Tenant.Create(graph.User{"userPrincipalName": name + "@" + sandbox.Domain, "displayName": name, "givenName": "H", "surname": name})
			if what == 1 {
				err = errors.Join(err, l.Tenant.AddMembers(staff, hired))
			}
		case 2:
			err = l.Tenant.Update(id, func(u graph.User) { u["userPrincipalName"] = name + "@" + sandbox.Domain })
		case 3:
			err = l.Tenant.Update(id, func(u graph.User) { u["accountEnabled"] = !u.Enabled() })
		case 4:
			err = l.Tenant.UpdateGroup(staff, func(g graph.Group) { g["displayName"] = "Staff " + name })
		case 5:
			if len(l.Tenant.Users()) > 3 {
				err = l.Tenant.Delete(id)
			}
		default:
			err = l.Tenant.Update(id, func(u graph.User) { u["displayName"] = "Renamed " + name })
		}
		if err != nil {
			return err
		}
	}
	return nil
}
