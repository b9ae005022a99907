// Package notification receives what Microsoft Graph delivers: change
// notifications and lifecycle notifications. What it accepts ends as Changes on
// a queue. A Receiver takes a body, whatever brought it; Handler is its face as a
// webhook, the validation of a subscription included.
//
// The contract is that of "Receive change notifications through webhooks"
// (learn.microsoft.com/graph/change-notifications-delivery-webhooks) and
// "Reduce missing subscriptions and change notifications"
// (learn.microsoft.com/graph/change-notifications-lifecycle-events).
package notification

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"entrawebex/internal/change"
)

// maxClientState is what the subscription resource allows, in characters.
const maxClientState = 128

// ErrMalformed says that a body is no changeNotificationCollection.
var ErrMalformed = errors.New("no collection of change notifications")

// errUnknown says that of a notification it is not known whether it is ours.
var errUnknown = errors.New("it carries a clientState that may be a new one, which cannot be read yet")

// Enqueuer puts Changes on the queue.
type Enqueuer interface {
	// Enqueue returns nil only if every Change is on the queue. It returns
	// soon after ctx ends.
	Enqueue(ctx context.Context, changes []change.Change) error
}

// Config is what a Receiver needs.
type Config struct {
	// ClientState is the secret every notification must carry, 1 to 128
	// characters. Required.
	ClientState string
	// PreviousClientState is accepted too, while subscriptions that carry it
	// live; empty if there is none.
	PreviousClientState string
	// Latest returns both as they are now, if current, or as they were when they were
	// last read. It is asked when a notification carries neither, so it bounds by
	// itself how often it reads; nil if they stay as they are.
	Latest func(ctx context.Context) (clientState, previous string, current bool)
	// TenantID is the one tenant notifications may come from. Required.
	TenantID string
	// Queue takes the Changes. Required.
	Queue Enqueuer
	// Renew is woken by lifecycle notifications, at most once in 10 s; nil if
	// nobody is. Where that fails, the delivery is taken all the same.
	Renew Waker
	// Observe is told what was taken of each delivery. It may be nil.
	Observe func(Receipt)
	// Log gets one line a delivery; nil discards them.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (cfg Config) check() error {
	switch {
	case cfg.ClientState == "":
		return errors.New("the clientState is empty: notifications cannot be told from forgeries without it")
	case utf8.RuneCountInString(cfg.ClientState) > maxClientState:
		return fmt.Errorf("the clientState has more than the %d characters Graph allows", maxClientState)
	case utf8.RuneCountInString(cfg.PreviousClientState) > maxClientState:
		return fmt.Errorf("the previous clientState has more than the %d characters Graph allows", maxClientState)
	case cfg.TenantID == "":
		return errors.New("the tenant id is empty: notifications of other tenants cannot be told from ours without it")
	case cfg.Queue == nil:
		return errors.New("there is no queue to put changes on")
	}
	return nil
}

// Receiver takes deliveries of notifications. It is safe for concurrent use.
type Receiver struct {
	verifier atomic.Pointer[verifier]
	latest   func(ctx context.Context) (clientState, previous string, current bool)
	queue    Enqueuer
	alarm    alarm
	observe  func(Receipt)
	log      *slog.Logger
	now      func() time.Time
	// deliveries are *delivery, to be used again.
	deliveries sync.Pool
}

// New returns a Receiver. Its error says what of cfg cannot work.
func New(cfg Config) (*Receiver, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r := &Receiver{latest: cfg.Latest, queue: cfg.Queue, observe: cfg.Observe, log: cfg.Log, now: cfg.Now}
	r.verifier.Store(newVerifier(cfg.TenantID, cfg.ClientState, cfg.PreviousClientState))
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.now == nil {
		r.now = time.Now
	}
	r.alarm = alarm{waker: cfg.Renew, now: r.now}
	return r, nil
}

// Receipt says what was taken of a delivery.
type Receipt struct {
	// Received are the notifications in it, Queued the Changes they came to,
	// Duplicates those about an object that an earlier one was about, Lifecycle
	// those about a subscription.
	Received, Queued, Duplicates, Lifecycle int
	// Dropped counts by their reasons those that were not taken.
	Dropped map[Reason]int
}

// Receive verifies and queues the notifications in body, a
// changeNotificationCollection as JSON. A notification that is not valid is
// dropped and counted, and takes no other with it.
//
// It returns nil once every valid one is queued, and ErrMalformed if the body is
// no such collection: then nothing of it is. After any other error the delivery
// is to be given again; what was queued already does no harm when it is queued
// twice. The body is not kept.
func (r *Receiver) Receive(ctx context.Context, body []byte) (Receipt, error) {
	d := r.begin()
	defer r.deliveries.Put(d)
	err := r.take(ctx, d, body)
	if wakeErr := r.alarm.ring(ctx, d.lifecycle); wakeErr != nil {
		r.log.LogAttrs(ctx, slog.LevelWarn, "renew not woken", slog.Any("error", wakeErr))
	}
	r.report(ctx, d, err)
	receipt := d.receipt()
	if r.observe != nil {
		r.observe(receipt)
	}
	return receipt, err
}

// begin returns a delivery that reuses the memory of an earlier one.
func (r *Receiver) begin() *delivery {
	d, ok := r.deliveries.Get().(*delivery)
	if !ok {
		d = &delivery{position: make(map[change.Object]int)}
	}
	d.reset(r.verifier.Load(), r.now())
	return d
}

func (r *Receiver) take(ctx context.Context, d *delivery, body []byte) error {
	known, err := r.decode(ctx, d, body)
	if err != nil {
		return fmt.Errorf("decode body: %w: %w", ErrMalformed, err)
	}
	if len(d.changes) == 0 {
		return known
	}
	entries := d.entries()
	if err := r.queue.Enqueue(ctx, entries); err != nil {
		return fmt.Errorf("enqueue %d changes: %w", len(entries), err)
	}
	d.queued = len(entries)
	return known
}

// decode judges a delivery by the clientStates that are known, and anew by those that
// are read again if it carries others. Where they may have been rotated since they were
// read, what carries another is dropped and known is errUnknown, so that it is given
// again: a stranger's deliveries, after which they are not read for a while, would cost
// ours else. All that a stranger gains by them is an answer of his own.
func (r *Receiver) decode(ctx context.Context, d *delivery, body []byte) (known, err error) {
	err = d.decode(body)
	if err != nil || r.latest == nil || d.dropped[foreignClientState] == 0 {
		return nil, err
	}
	clientState, previous, current := r.latest(ctx)
	latest := newVerifier(d.verifier.tenant, clientState, previous)
	// By an empty one nothing may be known.
	if clientState != "" && !slices.Equal(latest.clientStates, d.verifier.clientStates) {
		r.verifier.Store(latest)
		d.reset(latest, d.seenAt)
		err = d.decode(body)
	}
	if !current && d.dropped[foreignClientState] > 0 {
		known = errUnknown
	}
	return known, err
}

// report writes the one line of a delivery, and one for each lifecycle
// notification in it.
func (r *Receiver) report(ctx context.Context, d *delivery, err error) {
	for _, event := range d.lifecycle {
		r.log.LogAttrs(ctx, slog.LevelInfo, "lifecycle notification",
			slog.String("event", event.Event), slog.String("subscriptionId", event.SubscriptionID))
	}
	level := slog.LevelInfo
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.Int("received", d.received),
		slog.Int("queued", d.queued),
		slog.Int("duplicates", d.duplicates),
		slog.Int("lifecycle", len(d.lifecycle)),
		slog.Duration("duration", r.now().Sub(d.seenAt)),
		slog.Int("dropped", d.droppedTotal()))
	if len(d.dropped) > 0 {
		level = slog.LevelWarn
		attrs = append(attrs, slog.Any("reasons", d.dropped))
	}
	if err != nil {
		level = slog.LevelError
		if errors.Is(err, ErrMalformed) || errors.Is(err, errUnknown) {
			level = slog.LevelWarn
		}
		attrs = append(attrs, slog.Any("error", err))
	}
	r.log.LogAttrs(ctx, level, "delivery", attrs...)
}

func (d *delivery) receipt() Receipt {
	return Receipt{
		Received: d.received, Queued: d.queued, Duplicates: d.duplicates, Lifecycle: len(d.lifecycle), Dropped: d.dropped,
	}
}
