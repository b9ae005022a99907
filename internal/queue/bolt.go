package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// Bolt is a queue of one machine, in a bbolt file. What a call did is on disk
// when the call returns, unless db was opened without sync. Messages stay
// until they are deleted.
type Bolt struct {
	db   *bbolt.DB
	name string
	opts BoltOptions

	mu      sync.Mutex
	changed chan struct{} // closed when there may be more to receive
}

// BoltOptions are what a Bolt can do without.
type BoltOptions struct {
	// DeadLetters takes the messages that were received MaxReceives times
	// (1000 if zero) and not deleted. It is in the same file. Nil: they stay.
	DeadLetters *Bolt
	MaxReceives int
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

const defaultMaxReceives = 1000

// OpenBolt returns the queue of that name in db, which may hold others and
// the ledger too; it is made if there is none. A queue is opened once in a
// process: what one Bolt sends does not wake a Receive of another. The caller
// closes db.
func OpenBolt(db *bbolt.DB, name string, opts BoltOptions) (*Bolt, error) {
	if opts.DeadLetters != nil && opts.DeadLetters.db != db {
		return nil, fmt.Errorf("open queue %s: its dead-letter queue %s is in another file", name, opts.DeadLetters.name)
	}
	if opts.MaxReceives == 0 {
		opts.MaxReceives = defaultMaxReceives
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if err := db.Update(func(tx *bbolt.Tx) error { return createBuckets(tx, name) }); err != nil {
		return nil, fmt.Errorf("open queue %s: %w", name, err)
	}
	return &Bolt{db: db, name: name, opts: opts, changed: make(chan struct{})}, nil
}

// Send implements Queue. Its transaction is shared with other writers of the
// file that come within db.MaxBatchDelay (bbolt's default: 10 ms).
func (q *Bolt) Send(ctx context.Context, entries []Entry) error {
	err := check(entries)
	if err == nil && len(entries) > 0 {
		err = q.send(ctx, entries)
	}
	if err != nil {
		return fmt.Errorf("send to queue %s: none of %d messages is on it: %w", q.name, len(entries), err)
	}
	return nil
}

// Receive implements Queue. While it finds nothing it writes nothing.
func (q *Bolt) Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]Message, error) {
	limit = max(1, min(limit, MaxReceive))
	waited := time.After(within(wait, MaxWait))
	for {
		changed := q.watch() // before looking, so that nothing is missed
		msgs, next, err := q.take(ctx, limit, within(visibility, maxDelay))
		if err != nil {
			return nil, fmt.Errorf("receive from queue %s: %w", q.name, err)
		}
		if len(msgs) > 0 {
			return msgs, nil
		}
		var visible <-chan time.Time
		if !next.IsZero() {
			visible = time.After(next.Sub(q.now()))
		}
		select {
		case <-changed:
		case <-visible:
		case <-waited:
			return nil, nil
		case <-ctx.Done():
			return nil, fmt.Errorf("receive from queue %s: %w", q.name, ctx.Err())
		}
	}
}

// Delay implements Queue. A stale receipt is an error; it does not stop the
// others.
func (q *Bolt) Delay(ctx context.Context, msgs []Message, d time.Duration) error {
	now := q.now()
	until := now.Add(within(d, maxDelay))
	err := q.each(ctx, msgs, now, func(b buckets, r record) error {
		if until.After(now) {
			r.Waits = true
			return b.hide(r, until)
		}
		return b.show(r)
	})
	if err != nil {
		return fmt.Errorf("delay %d messages of queue %s: %w", len(msgs), q.name, err)
	}
	return nil
}

// Delete implements Queue. A stale receipt is an error; it does not stop the
// others.
func (q *Bolt) Delete(ctx context.Context, msgs []Message) error {
	if err := q.each(ctx, msgs, q.now(), buckets.remove); err != nil {
		return fmt.Errorf("delete %d messages from queue %s: %w", len(msgs), q.name, err)
	}
	return nil
}

// Recover makes the messages visible that were received and are not done, and
// returns how many. Their receives count; those that were given back wait on.
// Only who knows that nobody is at them may call it: a process that opened the
// file, before it receives anything, since the lock on the file ends with the
// process that had it (flock), however that ended.
func (q *Bolt) Recover(ctx context.Context) (int, error) {
	var n int
	err := q.update(ctx, func(b buckets) error {
		var err error
		n, err = b.recover()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("recover queue %s: %w", q.name, err)
	}
	q.announce()
	return n, nil
}

// Depth implements Queue. It looks at every page of the queue.
func (q *Bolt) Depth(ctx context.Context) (Depth, error) {
	var d Depth
	err := q.view(ctx, func(b buckets) error {
		d = b.depth(q.now())
		d.Exact = true
		var err error
		d.Oldest, err = b.oldestSent()
		return err
	})
	if err != nil {
		return Depth{}, fmt.Errorf("count messages of queue %s: %w", q.name, err)
	}
	return d, nil
}

func (q *Bolt) send(ctx context.Context, entries []Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := q.now().Truncate(time.Millisecond)
	err := q.db.Batch(func(tx *bbolt.Tx) error {
		b := q.in(tx)
		for _, e := range entries {
			s := stored{ID: uuid.NewString(), SentAt: now, Body: e.Body, Attributes: e.Attributes}
			if err := b.add(e.Group, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.announce()
	return nil
}

// take returns messages, or else the time at which one becomes visible: zero
// if none will.
func (q *Bolt) take(ctx context.Context, limit int, visibility time.Duration) ([]Message, time.Time, error) {
	for {
		var due bool
		var next time.Time
		now := q.now()
		err := q.view(ctx, func(b buckets) error {
			var err error
			due, next, err = b.due(now)
			return err
		})
		if err != nil || !due {
			return nil, next, err
		}
		msgs, err := q.hand(ctx, limit, now, now.Add(visibility))
		if err != nil || len(msgs) > 0 {
			return msgs, next, err
		}
		// What was due went to another Receive or to the dead-letter queue,
		// or its group is still in flight. Look again.
	}
}

// hand hands out up to limit messages, the group that waits longest first.
func (q *Bolt) hand(ctx context.Context, limit int, now, until time.Time) ([]Message, error) {
	var msgs []Message
	err := q.update(ctx, func(b buckets) error {
		if err := b.expire(now); err != nil {
			return err
		}
		for len(msgs) < limit {
			group, err := b.nextGroup()
			if err != nil || group == "" {
				return err
			}
			handed, err := q.handGroup(b, group, limit-len(msgs), until)
			if err != nil {
				return err
			}
			msgs = append(msgs, handed...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if q.opts.DeadLetters != nil {
		q.opts.DeadLetters.announce()
	}
	return msgs, nil
}

// handGroup hands out the oldest messages of a group none of which is in
// flight. Those that came too often go to the dead-letter queue instead.
func (q *Bolt) handGroup(b buckets, group string, limit int, until time.Time) ([]Message, error) {
	records, err := b.oldest(group, limit)
	if err != nil {
		return nil, err
	}
	var msgs []Message
	for _, r := range records {
		if q.opts.DeadLetters != nil && r.Receives >= q.opts.MaxReceives {
			if err := q.redrive(b, r); err != nil {
				return nil, err
			}
			continue
		}
		r.Receives++
		r.Nonce, r.Waits = uuid.New(), false
		if err := b.hide(r, until); err != nil {
			return nil, err
		}
		msgs = append(msgs, r.message())
	}
	if len(msgs) == 0 {
		return nil, b.unlock(group) // for those behind them
	}
	return msgs, nil
}

// redrive moves a message that is not in flight to the dead-letter queue.
func (q *Bolt) redrive(b buckets, r record) error {
	if err := b.messages.Delete(r.key); err != nil {
		return fmt.Errorf("move message %s to the dead-letter queue: %w", r.ID, err)
	}
	return q.opts.DeadLetters.in(b.messages.Tx()).add(r.group(), r.stored)
}

// each runs fn on the messages whose receipts are good, in one transaction,
// and returns an error that names the others.
func (q *Bolt) each(ctx context.Context, msgs []Message, now time.Time, fn func(buckets, record) error) error {
	if len(msgs) == 0 {
		return nil
	}
	var stale []error
	err := q.update(ctx, func(b buckets) error {
		for _, m := range msgs {
			r, good, err := b.inFlight(m.Receipt, now)
			if err != nil {
				return err
			}
			if !good {
				stale = append(stale, fmt.Errorf("the receipt of message %s is stale", m.ID))
				continue
			}
			if err := fn(b, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.announce()
	return errors.Join(stale...)
}

// view and update run fn in a transaction unless the context has ended: bbolt
// knows no contexts.
func (q *Bolt) view(ctx context.Context, fn func(buckets) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return q.db.View(func(tx *bbolt.Tx) error { return fn(q.in(tx)) })
}

func (q *Bolt) update(ctx context.Context, fn func(buckets) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return q.db.Update(func(tx *bbolt.Tx) error { return fn(q.in(tx)) })
}

func (q *Bolt) in(tx *bbolt.Tx) buckets { return openBuckets(tx, q.name) }

func (q *Bolt) now() time.Time { return q.opts.Now().UTC() }

// watch returns a channel that is closed at the next announcement.
func (q *Bolt) watch() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.changed
}

// announce wakes every Receive that waits.
func (q *Bolt) announce() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.changed)
	q.changed = make(chan struct{})
}
