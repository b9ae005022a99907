package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"entrawebex/internal/queue"
	"entrawebex/internal/worker"
)

// Options say how a Run goes about it.
type Options struct {
	// Rate is how many messages are put back a second; 0 for no bound.
	Rate int
	// Limit is how many are put back in all; 0 for no bound.
	Limit int
	// DryRun counts what would be put back, and moves nothing.
	DryRun bool
}

// Result says what a replay came to.
type Result struct {
	// Moved stand on the main queue again; in a dry run they would. Kept were
	// not chosen. Left, an approximate number, were not looked at: time or
	// the limit ran out, or they wait behind one of the same object that was
	// kept.
	Moved int `json:"moved"`
	Kept  int `json:"kept"`
	Left  int `json:"left"`
	// Task is SQS's handle of the task that moves all messages by itself;
	// empty if there is none.
	Task string `json:"task,omitempty"`
}

const (
	// hold is how long a received message is invisible to others; they come
	// back so late if this process is killed.
	hold = 5 * time.Minute
	// look is how long a Receive waits for a message: long enough for SQS to
	// ask all of its servers. The queue is empty when looks in a row found
	// nothing. A queue whose Depth is exact is empty when it says so: what others
	// have in their hands for a moment is waited for.
	look  = time.Second
	looks = 2
	// margin is how long before the end of its context a Run stops, and
	// within which it gives back what it holds.
	margin = 10 * time.Second
)

// Run puts the messages on the dead-letter queue that the filter chooses back
// on the main queue, in the order of their groups, until it has looked at all
// that were there when it began. A message leaves dead only after it stands in
// main: whatever fails, and whoever is killed, it is on one of them, now and
// then on both. Those not chosen are received too, and visible again when Run
// returns, at the latest after hold. Run stops in good time before the
// deadline of ctx, which is no error; the Result counts what was done in any
// case.
func Run(ctx context.Context, dead, main queue.Queue, filter Filter, options Options) (Result, error) {
	depth, err := dead.Depth(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("replay: %w", err)
	}
	r := &run{
		dead: dead, main: main, filter: filter, options: options,
		started: time.Now(), limiter: rate.NewLimiter(rate.Inf, 0), held: map[string]queue.Message{},
		look: look, exact: depth.Exact,
	}
	if r.exact {
		r.look = 0
	}
	if options.Rate > 0 {
		r.limiter = rate.NewLimiter(rate.Limit(options.Rate), min(options.Rate, queue.MaxReceive))
	}
	err = errors.Join(r.all(ctx), r.giveBack(ctx))
	r.result.Left = max(0, depth.Visible+depth.InFlight-r.result.Moved-r.result.Kept)
	if err != nil {
		return r.result, fmt.Errorf("replay: %w", err)
	}
	return r.result, nil
}

type run struct {
	dead, main queue.Queue
	filter     Filter
	options    Options
	started    time.Time
	limiter    *rate.Limiter
	look       time.Duration
	exact      bool // as the Depth of dead is
	// held are the messages that stay, by their ids, as last received.
	held   map[string]queue.Message
	result Result
}

// all looks at one message after the other.
func (r *run) all(ctx context.Context) error {
	for empty := 0; empty < looks; {
		limit := r.next(ctx)
		if limit == 0 {
			return nil
		}
		msgs, err := r.dead.Receive(ctx, limit, hold, r.look)
		if err != nil {
			return err
		}
		if len(msgs) > 0 {
			empty = 0
		} else {
			empty++
		}
		if empty > 0 && r.exact {
			if lent, err := r.lent(ctx); err != nil || !lent {
				return err
			}
			r.look = look
		}
		if err := r.move(ctx, r.choose(msgs)); err != nil {
			return err
		}
	}
	return nil
}

// lent reports whether somebody else has messages in their hands, such as who looks for
// letters that have healed.
func (r *run) lent(ctx context.Context) (bool, error) {
	depth, err := r.dead.Depth(ctx)
	return depth.InFlight > len(r.held), err
}

// next is how many messages are to be received next; 0 for no more.
func (r *run) next(ctx context.Context) int {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < margin {
		return 0
	}
	n := queue.MaxReceive
	if r.options.Rate > 0 {
		n = min(n, r.options.Rate)
	}
	if r.options.Limit > 0 {
		n = min(n, r.options.Limit-r.result.Moved)
	}
	return n
}

// choose returns the messages that are to be moved, and holds the others.
func (r *run) choose(msgs []queue.Message) []queue.Message {
	var chosen []queue.Message
	for _, m := range msgs {
		_, again := r.held[m.ID]
		switch {
		case again: // hold has passed
		case m.SentAt.After(r.started):
			// Replayed, and dead again while Run runs: it has had its try.
		case !r.filter.Matches(fromMessage(m)):
			r.result.Kept++
		case r.options.DryRun:
			r.result.Moved++
		default:
			chosen = append(chosen, m)
			continue
		}
		r.held[m.ID] = m
	}
	return chosen
}

// move puts messages on the main queue, and takes them off the other. They say
// that they were letters: the ledger takes their letters for being there.
func (r *run) move(ctx context.Context, msgs []queue.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	entries := make([]queue.Entry, len(msgs))
	for i, m := range msgs {
		r.held[m.ID] = m
		entries[i] = queue.Entry{Group: m.Group, Body: m.Body, Attributes: map[string]string{worker.AttributeReplayed: "true"}}
	}
	if err := r.limiter.WaitN(ctx, len(msgs)); err != nil {
		return err
	}
	if err := r.main.Send(ctx, entries); err != nil {
		return err
	}
	// They count even if the next call fails: then they are on both queues.
	r.result.Moved += len(msgs)
	if err := r.dead.Delete(ctx, msgs); err != nil {
		return err
	}
	for _, m := range msgs {
		delete(r.held, m.ID)
	}
	return nil
}

// giveBack makes the messages visible that stay.
func (r *run) giveBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), margin)
	defer cancel()
	msgs := make([]queue.Message, 0, len(r.held))
	for _, m := range r.held {
		msgs = append(msgs, m)
	}
	return r.dead.Delay(ctx, msgs, 0)
}
