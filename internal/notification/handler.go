// Package notification receives what Microsoft Graph delivers to a webhook:
// the validation of a subscription, change notifications and lifecycle
// notifications. What it accepts ends as Changes on a queue.
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
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"entrawebex/internal/change"
)

const (
	// maxClientState is what the subscription resource allows, in characters.
	maxClientState = 128
	// maxToken is far above the validation tokens that Graph sends, in bytes.
	maxToken = 4 << 10
	// maxBody holds about 6,000 notifications, in bytes. Graph names no limit.
	maxBody = 4 << 20
	// deadline is what reading and queueing may take. Graph counts an answer
	// as slow after 3 s, a cold start included; we promise 1 s.
	deadline = 800 * time.Millisecond
)

// Enqueuer puts Changes on the queue.
type Enqueuer interface {
	// Enqueue returns nil only if every Change is on the queue. It returns
	// soon after ctx ends.
	Enqueue(ctx context.Context, changes []change.Change) error
}

// Config is what the handler needs.
type Config struct {
	// ClientState is the secret every notification must carry, 1 to 128
	// characters. Required.
	ClientState string
	// PreviousClientState is accepted too, while subscriptions that carry it
	// live; empty if there is none.
	PreviousClientState string
	// TenantID is the one tenant notifications may come from. Required.
	TenantID string
	// Queue takes the Changes. Required.
	Queue Enqueuer
	// Renew is woken by lifecycle notifications, at most once in 10 s; nil if
	// nobody is. Where that fails, the delivery is answered all the same.
	Renew Waker
	// Log gets one line a delivery; nil discards them.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// New returns the handler of POST /notifications and POST /lifecycle. Either
// path takes either kind of notification and the validation of a subscription.
//
// It answers 200 and the token to a validation; 202 once every valid
// notification is queued; 503 if one is not, so that Graph sends the POST
// again; 400, 405 or 413 to what is no delivery. A notification that is not
// valid is dropped and counted, and its delivery still answered with 202, as
// Graph asks: it keeps Graph from retrying and tells a stranger nothing.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	h := &handler{
		verifier: newVerifier(cfg),
		queue:    cfg.Queue,
		log:      cfg.Log,
		now:      cfg.Now,
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.alarm = alarm{waker: cfg.Renew, now: h.now}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notifications", h.receive)
	mux.HandleFunc("POST /lifecycle", h.receive)
	return mux, nil
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

type handler struct {
	verifier verifier
	queue    Enqueuer
	log      *slog.Logger
	now      func() time.Time
	alarm    alarm
	// deliveries are *delivery, to be used again.
	deliveries sync.Pool
}

func (h *handler) receive(w http.ResponseWriter, r *http.Request) {
	// Before anything else: a validation has no body, and the query
	// parameters of our own URL may come with it.
	if strings.Contains(r.URL.RawQuery, "validationToken=") {
		if query := r.URL.Query(); query.Has("validationToken") {
			h.validate(w, r, query.Get("validationToken"))
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()

	d := h.begin()
	defer h.deliveries.Put(d)
	status, err := h.take(ctx, w, r, d)
	h.wake(ctx, d)
	if err != nil {
		http.Error(w, http.StatusText(status), status)
	} else {
		w.WriteHeader(status)
	}
	h.report(r.Context(), d, status, err)
}

// begin returns a delivery that reuses the memory of an earlier one.
func (h *handler) begin() *delivery {
	d, ok := h.deliveries.Get().(*delivery)
	if !ok {
		d = &delivery{verifier: &h.verifier, position: make(map[change.Object]int)}
	}
	d.reset(h.now())
	return d
}

// validate answers with the token as net/http decoded it, once: decoding it
// again would turn a literal '+' or '%41' into something else.
func (h *handler) validate(w http.ResponseWriter, r *http.Request, token string) {
	if token == "" || len(token) > maxToken {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		h.log.LogAttrs(r.Context(), slog.LevelWarn, "validation refused",
			slog.String("path", r.URL.Path), slog.Int("length", len(token)))
		return
	}
	// The token is whatever the caller says: never to be taken for HTML.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := io.WriteString(w, token); err != nil {
		h.log.LogAttrs(r.Context(), slog.LevelWarn, "validation not answered", slog.Any("error", err))
		return
	}
	h.log.LogAttrs(r.Context(), slog.LevelInfo, "validation answered", slog.String("path", r.URL.Path))
}

// take reads, verifies and queues one delivery. It returns the status to
// answer with, and an error unless that is 202.
func (h *handler) take(ctx context.Context, w http.ResponseWriter, r *http.Request, d *delivery) (int, error) {
	if _, err := d.body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return http.StatusRequestEntityTooLarge, fmt.Errorf("read body: %w", err)
		}
		return http.StatusBadRequest, fmt.Errorf("read body: %w", err)
	}
	if err := d.decode(); err != nil {
		return http.StatusBadRequest, fmt.Errorf("decode body: %w", err)
	}
	if len(d.changes) == 0 {
		return http.StatusAccepted, nil
	}
	entries := d.entries()
	if err := h.queue.Enqueue(ctx, entries); err != nil {
		return http.StatusServiceUnavailable, fmt.Errorf("enqueue %d changes: %w", len(entries), err)
	}
	d.queued = len(entries)
	return http.StatusAccepted, nil
}

// wake tells of lifecycle notifications, in what is left of the time.
func (h *handler) wake(ctx context.Context, d *delivery) {
	if err := h.alarm.ring(ctx, d.lifecycle); err != nil {
		h.log.LogAttrs(ctx, slog.LevelWarn, "renew not woken", slog.Any("error", err))
	}
}

// report writes the one line of a delivery, and one for each lifecycle
// notification in it.
func (h *handler) report(ctx context.Context, d *delivery, status int, err error) {
	for _, event := range d.lifecycle {
		h.log.LogAttrs(ctx, slog.LevelInfo, "lifecycle notification",
			slog.String("event", event.Event), slog.String("subscriptionId", event.SubscriptionID))
	}
	level := slog.LevelInfo
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs,
		slog.Int("status", status),
		slog.Int("received", d.received),
		slog.Int("queued", d.queued),
		slog.Int("duplicates", d.duplicates),
		slog.Int("lifecycle", len(d.lifecycle)),
		slog.Duration("duration", h.now().Sub(d.seenAt)),
		slog.Int("dropped", d.droppedTotal()))
	if len(d.dropped) > 0 {
		level = slog.LevelWarn
		attrs = append(attrs, slog.Any("reasons", d.dropped))
	}
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.Any("error", err))
	}
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	h.log.LogAttrs(ctx, level, "delivery", attrs...)
}
