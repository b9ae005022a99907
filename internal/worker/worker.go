// Package worker hands batches of messages to the engine and does with each
// what its attempt asks for: done, again later, or dead letter.
package worker

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

// Pause says when the work rests.
type Pause interface {
	// Why returns why nothing is to be worked on now; empty if something is.
	Why(ctx context.Context) (string, error)
	// Watch is told what came of each batch.
	Watch(ctx context.Context, attempts []provision.Attempt) error
}

// Worker hands batches of messages to the engine and does with each what
// its attempt asks for.
type Worker struct {
	// Queue is where the messages come from. DeadLetters takes those that
	// cannot be decoded or have met a permanent fault.
	Queue, DeadLetters queue.Queue
	// Converge makes Webex match Entra for the objects of the changes and
	// returns an Attempt for each.
	Converge func(ctx context.Context, changes []change.Change) []provision.Attempt
	// Letters is told of the dead letters of objects. It may be nil: then a fault
	// has as many as it is found.
	Letters Letters
	// Pause may be nil: then there is none.
	Pause Pause
	Log   *slog.Logger
}

const (
	// batchVisibility is how long Run has for a batch: more than the lease of
	// the engine's claims, so that a message does not come again meanwhile.
	batchVisibility = provision.Lease + 3*time.Minute
	// receivePause is how long Run waits after a queue that failed.
	receivePause = 5 * time.Second
)

// A queue gives a message up after 1000 receives (maxReceiveCount), whatever
// it waits for: a server that throttles and asks for 10 seconds each time would
// have used them up within three hours, and so would a ledger out of reach,
// which cannot count attempts. So a message waits patiently from receive 101:
//
//	receives    1 … 100                      101 … 1000
//	delay       what the attempt asks for    10 minutes at least
//	together    17 minutes at 10 s           900 × 10 min = 6 days 6 hours
//
// Before an outage of less than six days no healthy message becomes a dead
// letter for having been received too often.
const (
	freeReceives = 100
	patientDelay = 10 * time.Minute
)

// delay is how long the message waits for its next receive, of which the
// attempt asks for again.
func delay(m queue.Message, again time.Duration) time.Duration {
	if m.ReceiveCount > freeReceives {
		return max(again, patientDelay)
	}
	return again
}

// work is the messages of one object, and what they say.
type work struct {
	object  change.Object
	msgs    []queue.Message
	changes []change.Change
}

// Handle works on a batch and returns the ids of the messages that are not
// done, in the order of the batch: what a Lambda function reports as
// batchItemFailures (AWS Lambda Developer Guide, reporting batch item
// failures for Amazon SQS). Messages of one object are one piece of work, so
// one that is not done leaves none of its later ones done. A message that is
// not done comes again after the delay its attempt asked for, else after its
// visibility time-out.
func (c *Worker) Handle(ctx context.Context, msgs []queue.Message) []string {
	if c.rests(ctx) {
		return c.giveBack(ctx, msgs)
	}
	failed := map[string]bool{}
	var works []*work
	var changes []change.Change
	for _, m := range msgs {
		ch, err := change.Decode(m.Body)
		if err != nil {
			failed[m.ID] = !c.buryUndecodable(ctx, m, err)
			continue
		}
		ch.Replayed = m.Attributes[AttributeReplayed] != ""
		changes = append(changes, ch)
		works = group(works, m, ch)
	}
	attempts := c.converge(ctx, changes)
	resting := c.restsAfter(ctx, attempts)
	for _, w := range works {
		if c.settle(ctx, w, attempts, resting) {
			continue
		}
		for _, m := range w.msgs {
			failed[m.ID] = true
		}
	}
	var ids []string
	for _, m := range msgs {
		if failed[m.ID] {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// Run receives messages, handles them and deletes those done, with that many
// batches at once, until ctx ends, and returns why it did. Batches begun by
// then are finished; a queue that fails is tried again.
func (c *Worker) Run(ctx context.Context, pollers int) error {
	var wg sync.WaitGroup
	for range pollers {
		wg.Go(func() { c.poll(ctx) })
	}
	wg.Wait()
	return ctx.Err()
}

func (c *Worker) poll(ctx context.Context) {
	for ctx.Err() == nil {
		err := c.next(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		c.Log.ErrorContext(ctx, "queue failed", "error", err)
		select {
		case <-time.After(receivePause):
		case <-ctx.Done():
		}
	}
}

// next handles the next batch.
func (c *Worker) next(ctx context.Context) error {
	if c.rests(ctx) { // what is not received spends no receive count
		select {
		case <-time.After(receivePause):
		case <-ctx.Done():
		}
		return nil
	}
	msgs, err := c.Queue.Receive(ctx, queue.MaxReceive, batchVisibility, queue.MaxWait)
	if err != nil || len(msgs) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchVisibility)
	defer cancel()
	failed := c.Handle(ctx, msgs)
	done := slices.DeleteFunc(msgs, func(m queue.Message) bool { return slices.Contains(failed, m.ID) })
	return c.Queue.Delete(ctx, done)
}

// group adds the message to those of its object.
func group(works []*work, m queue.Message, ch change.Change) []*work {
	i := slices.IndexFunc(works, func(w *work) bool { return w.object == ch.Object })
	if i < 0 {
		i = len(works)
		works = append(works, &work{object: ch.Object})
	}
	works[i].msgs = append(works[i].msgs, m)
	works[i].changes = append(works[i].changes, ch)
	return works
}

// converge returns the attempts by their object; none if the engine panics.
func (c *Worker) converge(ctx context.Context, changes []change.Change) map[change.Object]provision.Attempt {
	if len(changes) == 0 {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			c.Log.ErrorContext(ctx, "converge panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	made := c.Converge(ctx, changes)
	attempts := make(map[change.Object]provision.Attempt, len(made))
	for _, a := range made {
		attempts[a.Object] = a
	}
	if c.Pause != nil {
		if err := c.Pause.Watch(ctx, made); err != nil {
			c.Log.WarnContext(ctx, "the pause cannot be set", "error", err)
		}
	}
	return attempts
}

// settle does what the attempt at the object asks for and reports whether its
// messages are done. resting says that a pause has begun meanwhile.
func (c *Worker) settle(ctx context.Context, w *work, attempts map[change.Object]provision.Attempt, resting bool) bool {
	a, ok := attempts[w.object]
	switch {
	case !ok:
		c.Log.ErrorContext(ctx, "no attempt was made", "object", w.object.String())
		return false
	case a.Again > 0:
		again := delay(w.msgs[0], a.Again)
		if resting && restsWith(a) {
			again = min(again, giveBackDelay)
		}
		if err := c.Queue.Delay(ctx, w.msgs, again); err != nil {
			// It comes again all the same, after its visibility time-out.
			c.Log.WarnContext(ctx, "delay failed", "object", w.object.String(), "error", err)
		}
		return false
	case a.Fault == nil || a.Fault.Kind.Policy().Hold || !a.Later.IsZero():
		return true
	case a.Fault.Kind.Policy().Letter || a.Fault.GivenUp:
		return c.buryFault(ctx, w, a)
	default:
		c.Log.ErrorContext(ctx, "a retryable fault asks for no delay", "object", w.object.String(), "fault", a.Fault.Kind.String())
		return false
	}
}
