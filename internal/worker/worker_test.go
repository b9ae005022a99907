package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/worker"
)

// engine answers with an Attempt for every object: the one it was told, else
// a success.
type engine struct {
	attempts map[change.Object]provision.Attempt
	silent   map[change.Object]bool // no attempt is returned
	panics   bool

	mu    sync.Mutex
	calls [][]change.Change
}

func (e *engine) converge(_ context.Context, changes []change.Change) []provision.Attempt {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, changes)
	if e.panics {
		panic("converge")
	}
	var attempts []provision.Attempt
	seen := map[change.Object]bool{}
	for _, c := range changes {
		if seen[c.Object] || e.silent[c.Object] {
			continue
		}
		seen[c.Object] = true
		a := e.attempts[c.Object]
		a.Object = c.Object
		attempts = append(attempts, a)
	}
	return attempts
}

// handles runs a test on a Worker on an embedded queue, in fake time.
func handles(t *testing.T, test func(t *testing.T, h opened, e *engine, c *worker.Worker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := openQueues(t)
		e := &engine{attempts: map[change.Object]provision.Attempt{}, silent: map[change.Object]bool{}}
		test(t, h, e, &worker.Worker{
			Queue: h, DeadLetters: h.deadLetters, Converge: e.converge, Log: slog.New(slog.DiscardHandler),
		})
	})
}

func TestMessagesOfAnObjectAreOnePieceOfWork(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		one, other := newChange(1), newChange(2)
		one.Source = change.Engine // told apart from the next
		msgs := enqueue(t, h, one, newChange(1), other)
		e.attempts[one.Object] = provision.Attempt{Again: time.Minute}

		wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID, msgs[1].ID})
		wantEqual(t, e.calls, [][]change.Change{{one, newChange(1), other}})
	})
}

func TestAMessageThatWasADeadLetterIsToldAsAReplay(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		msgs := enqueue(t, h, newChange(1), newChange(2))
		msgs[1].Attributes = map[string]string{worker.AttributeReplayed: "true"}
		c.Handle(t.Context(), msgs)
		replayed := newChange(2)
		replayed.Replayed = true
		wantEqual(t, e.calls, [][]change.Change{{newChange(1), replayed}})
	})
}

func TestAnAttemptThatAsksForAnotherLookDelaysItsMessagesAndNoOthers(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		msgs := enqueue(t, h, newChange(1), newChange(1), newChange(2))
		e.attempts[newChange(1).Object] = provision.Attempt{
			Again: 42 * time.Second, Fault: &provision.Fault{Kind: provision.Throttled},
		}
		failed := c.Handle(t.Context(), msgs)
		wantEqual(t, failed, []string{msgs[0].ID, msgs[1].ID})

		begin := time.Now()
		again, err := h.Receive(t.Context(), 10, hold, 20*time.Second)
		if err != nil || len(again) != 0 {
			t.Errorf("%d messages came early, error %v", len(again), err)
		}
		receive(t, h, 2)
		wantEqual(t, time.Since(begin), 42*time.Second)
		wantNone(t, h.deadLetters)
	})
}

// A queue gives a message up after 1000 receives. Whatever an attempt asks for,
// an outage of six days does not take as many.
func TestAThousandReceivesTakeLongerThanSixDays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ again, least time.Duration }{
		"as the attempts ask for":           {5 * time.Minute, 6 * 24 * time.Hour},
		"when the server asks for 10 s":     {10 * time.Second, 6 * 24 * time.Hour},
		"when an attempt is never begun":    {time.Second, 6 * 24 * time.Hour},
		"when it waits for a claim":         {2 * time.Second, 6 * 24 * time.Hour},
		"when the server asks for 2 h 30 m": {150 * time.Minute, 104 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := newChange(1)
			e := &engine{attempts: map[change.Object]provision.Attempt{ch.Object: {Again: test.again}}}
			q := &counting{}
			c := &worker.Worker{Queue: q, Converge: e.converge, Log: slog.New(slog.DiscardHandler)}
			body, err := ch.Encode()
			if err != nil {
				t.Fatal(err)
			}
			for n := range 1000 {
				c.Handle(t.Context(), []queue.Message{{ID: "m", Group: ch.ID, Body: body, ReceiveCount: n + 1}})
			}
			if q.first != test.again || q.sum < test.least {
				t.Errorf("the first delay is %s, all together are %s", q.first, q.sum)
			}
		})
	}
}

func TestAnAttemptWithoutAFaultIsDone(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, _ *engine, c *worker.Worker) {
		wantEqual(t, c.Handle(t.Context(), enqueue(t, h, newChange(1))), []string(nil))
		wantNone(t, h.deadLetters)
	})
}

func TestAHeldAttemptIsDoneForTheLedgerHasIt(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		e.attempts[newChange(1).Object] = provision.Attempt{Fault: &provision.Fault{Kind: provision.Held}}
		wantEqual(t, c.Handle(t.Context(), enqueue(t, h, newChange(1))), []string(nil))
		wantNone(t, h.deadLetters)
	})
}

func TestAReasonOnTheDeadLetterQueueIsBounded(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		reason := "\x00" + strings.Repeat("ë\xff", 1000)
		e.attempts[newChange(1).Object] = provision.Attempt{Fault: &provision.Fault{Kind: provision.Permanent, Reason: reason}}
		c.Handle(t.Context(), enqueue(t, h, newChange(1)))
		got := receive(t, h.deadLetters, 1)[0].Attributes[worker.AttributeFaultReason]
		wantEqual(t, got, strings.Repeat("ë?", 255)+"…")
	})
}

func TestAMessageThatIsNoChangeGoesToTheDeadLetterQueueAndStopsNobody(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		ch := newChange(1)
		mustSend(t, h, entry(ch.ID, "{"))
		msgs := enqueue(t, h, ch)
		wantEqual(t, c.Handle(t.Context(), msgs), []string(nil))
		wantEqual(t, e.calls, [][]change.Change{{ch}})

		m := receive(t, h.deadLetters, 1)[0]
		wantEqual(t, string(m.Body), "{")
		wantEqual(t, m.Attributes[worker.AttributeFaultKind], "permanent")
		if m.Attributes[worker.AttributeFaultReason] == "" {
			t.Error("no reason is given")
		}
	})
}

func TestAMessageTheDeadLetterQueueDoesNotTakeIsNotDone(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		c.DeadLetters = failing{}
		mustSend(t, h, entry("x", "{"))
		msgs := enqueue(t, h, newChange(1), newChange(2))
		e.attempts[newChange(1).Object] = provision.Attempt{Fault: &provision.Fault{Kind: provision.Permanent}}
		wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID, msgs[1].ID})
	})
}

func TestAMessageWhoseDelayFailsIsNotDone(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		msgs := enqueue(t, h, newChange(1))
		c.Queue = failing{}
		e.attempts[newChange(1).Object] = provision.Attempt{Again: time.Minute}
		wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID})
	})
}

func TestAnObjectWithoutAnAttemptIsNotDone(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		msgs := enqueue(t, h, newChange(1), newChange(2))
		e.silent[newChange(1).Object] = true
		wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID})
	})
}

func TestARetryableFaultWithoutADelayIsNotDone(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		msgs := enqueue(t, h, newChange(1))
		e.attempts[newChange(1).Object] = provision.Attempt{Fault: &provision.Fault{Kind: provision.Transient}}
		wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID})
		wantNone(t, h.deadLetters)
	})
}

func TestAPanicLeavesNoMessageDone(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		e.panics = true
		msgs := enqueue(t, h, newChange(1), newChange(2))
		wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID, msgs[1].ID})
		wantNone(t, h.deadLetters)
	})
}

func TestALambdaEventIsHandledAndAnsweredWithItsFailures(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		c.Queue = failing{} // the receipts are AWS's
		good, bad, later := newChange(1), newChange(2), newChange(3)
		e.attempts[bad.Object] = provision.Attempt{Fault: &provision.Fault{Kind: provision.Permanent, Reason: "r"}}
		e.attempts[later.Object] = provision.Attempt{Again: time.Minute}
		var event events.SQSEvent
		for i, ch := range []change.Change{good, bad, later} {
			event.Records = append(event.Records, record(t, fmt.Sprint("m", i), ch))
		}
		response, err := c.HandleEvent(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(response)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, string(encoded), `{"batchItemFailures":[{"itemIdentifier":"m2"}]}`)

		dead := receive(t, h.deadLetters, 1)[0]
		wantEqual(t, dead.Group, bad.ID)
		wantEqual(t, dead.Attributes[worker.AttributeAttempts], "7")
	})
}

func TestRunDeletesWhatIsDoneAndGoesOnUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		e.attempts[newChange(1).Object] = provision.Attempt{Again: time.Hour}
		stop := start(t, c)
		send(t, h, newChange(1), newChange(2))
		time.Sleep(time.Minute)
		send(t, h, newChange(3))
		time.Sleep(time.Minute)

		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		depth, err := h.Depth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		depth.Oldest = time.Time{}
		wantEqual(t, depth, queue.Depth{InFlight: 1, Exact: true})
		wantEqual(t, len(e.calls), 2)
	})
}

func TestRunFinishesABatchThatBeganBeforeItsContextEnded(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, _ *engine, c *worker.Worker) {
		began := make(chan struct{})
		c.Converge = func(ctx context.Context, changes []change.Change) []provision.Attempt {
			close(began)
			select {
			case <-time.After(30 * time.Second):
			case <-ctx.Done():
				t.Error("the batch was cut off")
			}
			return []provision.Attempt{{Object: changes[0].Object}}
		}
		stop := start(t, c)
		send(t, h, newChange(1))
		<-began
		wantEqual(t, errors.Is(stop(), context.Canceled), true)

		depth, err := h.Depth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, depth, queue.Depth{Exact: true})
	})
}

func TestRunTriesAQueueThatFailsAgainWithoutHaste(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, _ opened, _ *engine, c *worker.Worker) {
		var tries counter
		c.Queue = failing{receives: &tries}
		stop := start(t, c)
		time.Sleep(time.Minute)
		wantEqual(t, errors.Is(stop(), context.Canceled), true)
		if n := tries.value(); n < 10 || n > 30 {
			t.Errorf("2 pollers received %d times in a minute", n)
		}
	})
}

// start runs the Consumer with 2 pollers; stop ends it and returns what Run
// did.
func start(t *testing.T, c *worker.Worker) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, 2) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// newChange returns a Change of the nth object.
func newChange(n int) change.Change {
	return change.Change{
		Object:        change.Object{Kind: change.User, ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n)},
		Source:        change.Notification,
		SeenAt:        time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC),
		CorrelationID: "2b6c9d1e-8f70-4a3b-9c5d-6e7f8091a2b3",
	}
}

func send(t *testing.T, q queue.Queue, changes ...change.Change) {
	t.Helper()
	if err := (queue.Changes{Queue: q}).Enqueue(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
}

// enqueue sends the Changes and receives all that is on the queue.
func enqueue(t *testing.T, h opened, changes ...change.Change) []queue.Message {
	t.Helper()
	send(t, h, changes...)
	msgs, err := h.Receive(t.Context(), 10, hold, 0)
	if err != nil {
		t.Fatal(err)
	}
	return msgs
}

// record is a message as Lambda delivers it.
func record(t *testing.T, id string, ch change.Change) events.SQSMessage {
	t.Helper()
	body, err := ch.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return events.SQSMessage{
		MessageId: id, ReceiptHandle: "AQEB" + id, Body: string(body),
		Attributes: map[string]string{
			"MessageGroupId": ch.ID, "ApproximateReceiveCount": "7", "SentTimestamp": "1772444467530",
		},
	}
}

var errFailing = errors.New("the queue fails")

// failing is a queue that is out of reach.
type failing struct {
	queue.Queue

	receives *counter
}

func (failing) Send(context.Context, []queue.Entry) error { return errFailing }

func (failing) Delay(context.Context, []queue.Message, time.Duration) error { return errFailing }

func (f failing) Receive(context.Context, int, time.Duration, time.Duration) ([]queue.Message, error) {
	f.receives.add()
	return nil, errFailing
}

// counting is a queue that adds up the delays.
type counting struct {
	queue.Queue

	first, sum time.Duration
	sent       []queue.Entry
}

func (c *counting) Send(_ context.Context, entries []queue.Entry) error {
	c.sent = append(c.sent, entries...)
	return nil
}

func (c *counting) Delay(_ context.Context, _ []queue.Message, d time.Duration) error {
	if c.sum == 0 {
		c.first = d
	}
	c.sum += d
	return nil
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *counter) value() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}
