package app

import (
	"context"
	"errors"
	"io"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/metric"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/renew"
	"entrawebex/internal/sweep"
	"entrawebex/internal/throttle"
)

// metrics counts what the parts do. A nil one counts nothing.
type metrics struct {
	log  metric.Log
	told map[pause.Side]throttle.Traffic
}

// newMetrics returns metrics that are written to out, under that namespace.
func newMetrics(namespace string, out io.Writer) *metrics {
	return &metrics{
		log:  metric.Log{Set: new(metric.Set), Namespace: namespace, Out: out, Now: time.Now},
		told: map[pause.Side]throttle.Traffic{},
	}
}

// set is where the parts count; nil counts nothing.
func (m *metrics) set() *metric.Set {
	if m == nil {
		return nil
	}
	return m.log.Set
}

// attempt counts an attempt. Latency and wait are of what Graph notified: of all else
// nobody knows when it happened.
func (m *metrics) attempt(a provision.Attempt) {
	if a.Fault != nil && errors.Is(a.Fault.Err, provision.ErrClaimed) {
		return // another worker's attempt counts
	}
	set := m.set()
	set.Record(metric.Attempts, 1, string(a.Status), string(a.Action))
	if a.Fault != nil {
		set.Record(metric.Faults, 1, a.Fault.Kind.String())
		if a.Fault.Kind.Policy().Hold {
			set.Record(metric.Holds, 1)
		}
	}
	if len(a.Causes) == 0 || a.Causes[0].Source != change.Notification {
		return
	}
	if !a.Started.IsZero() {
		set.Record(metric.Wait, milliseconds(a.Started.Sub(a.Causes[0].SeenAt)))
	}
	if latency, ok := a.Latency(); ok {
		set.Record(metric.Latency, milliseconds(latency))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Milliseconds()) }

// compared counts a run of a comparison.
func (m *metrics) compared(f sweep.Finished, err error) {
	outcome := "finished"
	switch {
	case errors.Is(err, sweep.ErrUnfinished):
		outcome = "to be continued"
	case err != nil:
		outcome = "failed"
	}
	set := m.set()
	set.Record(metric.Comparisons, 1, outcome)
	set.Record(metric.Comparing, f.Took.Seconds())
	if err == nil {
		for class, n := range f.Classes {
			set.Record(metric.Compared, float64(n), string(class))
		}
	}
}

// letters is a dead-letter queue that counts what is sent to it.
type letters struct {
	queue.Queue

	set *metric.Set
}

// Send implements queue.Queue.
func (l letters) Send(ctx context.Context, entries []queue.Entry) error {
	err := l.Queue.Send(ctx, entries)
	if err == nil {
		l.set.Record(metric.Letters, float64(len(entries)))
	}
	return err
}

// states records how things stand, as renew does once a minute.
func (a *App) states(ctx context.Context) error {
	set := a.metrics.set()
	if set == nil {
		return nil
	}
	latched, err := (&provision.Guard{Documents: a.documents()}).Latched(ctx)
	if err == nil {
		set.Record(metric.Latched, state(!latched.IsZero()))
	}
	paused, failed := a.Recovery.Switch.State(ctx)
	for _, side := range pause.Sides() {
		if _, rests := paused[side]; failed == nil {
			set.Record(metric.Paused, state(rests), string(side))
		}
	}
	token, unread := renew.ReadToken(ctx, a.documents())
	secret, untold := renew.ReadSecret(ctx, a.documents())
	for credential, ends := range map[string]time.Time{
		"webex access token": token.AccessEnds, "webex refresh token": token.RefreshEnds, "entra client secret": secret.Ends,
	} {
		if !ends.IsZero() {
			set.Record(metric.DaysLeft, time.Until(ends).Hours()/24, credential)
		}
	}
	return errors.Join(err, failed, unread, untold)
}

func state(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Flush writes what was counted since the last Flush into the log of a function. One
// that cannot be written is told, and lost.
func (a *App) Flush(ctx context.Context) {
	if a.metrics == nil {
		return
	}
	for side, traffic := range map[pause.Side]throttle.Traffic{pause.Graph: a.Graph.Traffic(), pause.Webex: a.Webex.Traffic()} {
		a.metrics.traffic(side, traffic)
	}
	if err := a.metrics.log.Flush(); err != nil {
		a.log.WarnContext(ctx, "metrics not written", "error", err)
	}
}

// traffic counts what a side has answered since it was told of it last.
func (m *metrics) traffic(side pause.Side, now throttle.Traffic) {
	before := m.told[side]
	m.told[side] = now
	if n := now.Answered - before.Answered; n > 0 {
		m.set().Record(metric.Calls, float64(n), string(side))
	}
	if n := now.Refused - before.Refused; n > 0 {
		m.set().Record(metric.Throttles, float64(n), string(side))
	}
}
