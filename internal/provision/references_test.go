package provision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// closed is a queue that takes nothing while it is.
type closed struct {
	*changes

	yet bool
}

func (c *closed) Enqueue(ctx context.Context, list []change.Change) error {
	if c.yet {
		return errors.New("the queue is closed")
	}
	return c.changes.Enqueue(ctx, list)
}

// A note that goes before the group is queued is a member lost if the queue takes
// nothing, or the process dies in between.
func TestTheNoteThatAGroupWaitsGoesOnlyAfterTheGroupIsQueued(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada, cyd)
	w.formed(sales)
	queue := &closed{changes: w.queue, yet: true}
	w.config.Queue = queue
	w.renew()
	if a := w.converge(updated(cyd))[0]; a.Again == 0 {
		t.Fatalf("%s: %s", a.Status, a.Reason)
	}
	waiting, err := w.ledger.Awaiting(t.Context(), user(cyd))
	if err != nil || len(waiting) != 1 {
		t.Errorf("%v wait: %v", waiting, err)
	}
	queue.yet = false
	w.converge(updated(cyd))
	w.drain()
	w.wantMembers(sales, ada, cyd)
	if waiting, err = w.ledger.Awaiting(t.Context(), user(cyd)); err != nil || len(waiting) > 0 {
		t.Errorf("%v still wait: %v", waiting, err)
	}
}

// stuck is Webex that takes a write and does not answer.
type stuck struct {
	*org

	until time.Time // when the last write was given up
}

func (s *stuck) wait(ctx context.Context) error {
	<-ctx.Done()
	s.until = time.Now()
	return &provision.Fault{Kind: provision.Transient, Reason: "time-out", Uncertain: true, Err: ctx.Err()}
}

func (s *stuck) Apply(ctx context.Context, ops []provision.Operation) []provision.Answer {
	err := s.wait(ctx)
	answers := make([]provision.Answer, len(ops))
	for i := range answers {
		answers[i].Err = err
	}
	return answers
}

func (s *stuck) ChangeMembers(ctx context.Context, _ provision.MemberChange) (map[string]error, error) {
	return nil, s.wait(ctx)
}

// Another worker may have the object from then on.
func TestTheLeaseEndsEveryWrite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]change.Change{
		"a creation": updated(cyd), "a patch": updated(ada), "a change of members": changed(sales, bob), "a comparison": changed(europe),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := staff(t)
				g := w.team(sales, "Sales", ada)
				w.formed(sales)
				insecure := w.team(europe, "Europe", ada)
				w.formed(europe)
				insecure.insecure = true
				w.converge(changed(europe))
				w.tenant.users[ada].surname, g.members, insecure.insecure, insecure.members = "Byron", []string{bob}, false, []string{bob}
				webex := &stuck{org: w.org}
				w.config.Target, w.config.Now = webex, time.Now
				w.renew()
				began := time.Now()
				c.SeenAt = began
				a := w.Converge(context.WithoutCancel(t.Context()), []change.Change{c})[0]
				if took := webex.until.Sub(began); a.Again == 0 || took > provision.Lease || took < provision.Lease-time.Second {
					t.Errorf("the write was given up after %s: %s", took, a.Reason)
				}
			})
		})
	}
}
