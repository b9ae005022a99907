package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/worker"
)

// rest is a pause with a reason, and counts what it is told.
type rest struct {
	mu      sync.Mutex
	why     string
	watched int
}

func (r *rest) Why(context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.why, nil
}

func (r *rest) Watch(_ context.Context, attempts []provision.Attempt) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched += len(attempts)
	return nil
}

func (r *rest) set(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.why = why
}

func TestInAPauseNothingIsReceivedAndAfterItAllIs(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, _ *engine, c *worker.Worker) {
		r := &rest{why: "webex is paused"}
		c.Pause = r
		send(t, h, newChange(1), newChange(2))
		stop := start(t, c)
		time.Sleep(time.Hour)
		depth, err := h.Depth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		depth.Oldest = time.Time{}
		wantEqual(t, depth, queue.Depth{Visible: 2, Exact: true})
		r.set("")
		time.Sleep(time.Minute)
		wantEqual(t, errors.Is(stop(), context.Canceled), true)
		wantEqual(t, r.watched, 2)
		wantNone(t, h.deadLetters)
	})
}

// soon is when whatever was given back in a pause comes again after it.
const soon = 15 * time.Second

func TestABatchThatComesInAPauseComesAgainWithinFifteenSeconds(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		c.Pause = &rest{why: "webex is paused"}
		msgs := enqueue(t, h, newChange(1), newChange(2))
		wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID, msgs[1].ID})
		wantEqual(t, len(e.calls), 0)

		begin := time.Now()
		receive(t, h, 2)
		if waited := time.Since(begin); waited > soon || waited < 5*time.Second {
			t.Errorf("they came again after %s", waited)
		}
	})
}

func TestWhatIsGivenBackOftenIsNotPutOffForLonger(t *testing.T) {
	t.Parallel()
	for _, receives := range []int{1, 100, 101, 999} {
		q := &counting{}
		c := &worker.Worker{Queue: q, Pause: &rest{why: "webex is paused"}, Log: slog.New(slog.DiscardHandler)}
		failed := c.Handle(t.Context(), []queue.Message{{ID: "m", Group: "g", Body: []byte("b"), ReceiveCount: receives}})
		if given := len(failed) == 1; given && q.sum > soon || given == (len(q.sent) == 1) {
			t.Errorf("receive %d: put off by %s, sent %v, failed %v", receives, q.sum, q.sent, failed)
		}
	}
}

// The event source mapping cannot be switched off, and the pause lasts six hours:
// 2,160 receives at ten seconds each, of 1,000 that a queue allows.
func TestNoPauseIsLongEnoughToMakeADeadLetter(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		r := &rest{why: "webex is paused"}
		c.Pause = r
		send(t, h, newChange(1), newChange(2))
		for end := time.Now().Add(6 * time.Hour); time.Now().Before(end); {
			deliver(t, h, c)
		}
		wantEqual(t, len(e.calls), 0)
		r.set("")
		for range 2 {
			deliver(t, h, c)
		}
		wantEqual(t, len(e.calls), 1)
		depth, err := h.Depth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, depth, queue.Depth{Exact: true})
		wantNone(t, h.deadLetters)
	})
}

func TestACopyThatCannotBeSentLeavesTheMessage(t *testing.T) {
	t.Parallel()
	c := &worker.Worker{Queue: failing{}, Pause: &rest{why: "webex is paused"}, Log: slog.New(slog.DiscardHandler)}
	failed := c.Handle(t.Context(), []queue.Message{{ID: "m", Group: "g", Body: []byte("b"), ReceiveCount: 500}})
	wantEqual(t, failed, []string{"m"})
}

// deliver does what an event source mapping does: it receives, hands over and
// deletes what is done.
func deliver(t *testing.T, h opened, c *worker.Worker) {
	t.Helper()
	msgs, err := h.Receive(t.Context(), queue.MaxReceive, hold, queue.MaxWait)
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for _, id := range c.Handle(t.Context(), msgs) {
		failed[id] = true
	}
	for _, m := range msgs {
		if failed[m.ID] {
			continue
		}
		if err := h.Delete(t.Context(), []queue.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
}

// began is a pause that begins with what came of a batch.
type began struct{ rest }

func (b *began) Watch(context.Context, []provision.Attempt) error {
	b.set("webex is paused")
	return nil
}

func TestABatchWithWhichAPauseBeginsIsDueWhenThePauseEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		attempt provision.Attempt
		want    time.Duration
	}{
		"a side that fails":            {provision.Attempt{Again: 10 * time.Minute, Fault: &provision.Fault{Kind: provision.Transient}}, soon},
		"credentials that are refused": {provision.Attempt{Again: 10 * time.Minute, Fault: &provision.Fault{Kind: provision.Unauthorized}}, soon},
		"not a server that throttles":  {provision.Attempt{Again: time.Hour, Fault: &provision.Fault{Kind: provision.Throttled}}, time.Hour},
		"not what is merely not due":   {provision.Attempt{Again: 10 * time.Minute}, 10 * time.Minute},
		"not what comes sooner anyhow": {provision.Attempt{Again: 2 * time.Second, Fault: &provision.Fault{Kind: provision.Transient}}, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := newChange(1)
			q := &counting{}
			e := &engine{attempts: map[change.Object]provision.Attempt{ch.Object: test.attempt}}
			c := &worker.Worker{Queue: q, Converge: e.converge, Pause: &began{}, Log: slog.New(slog.DiscardHandler)}
			body, err := ch.Encode()
			if err != nil {
				t.Fatal(err)
			}
			c.Handle(t.Context(), []queue.Message{{ID: "m", Group: ch.ID, Body: body, ReceiveCount: 1}})
			if q.first > test.want || q.first < test.want-5*time.Second {
				t.Errorf("it comes again after %s", q.first)
			}
		})
	}
}
