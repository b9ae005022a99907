package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"time"
)

// maxUnconcluded is how many attempts at one object may begin without coming
// to an end before it is given up: what kills a worker must not kill all of
// them forever.
const maxUnconcluded = 5

// The delay before attempt n+1 is firstRetry doubled n-1 times, up to
// longestRetry, and up to a quarter more by chance:
//
//	attempt  1    2    3    4    5     6     7 …
//	delay    10s  20s  40s  80s  160s  320s  600s
//
// so a fault of a minute costs a minute, and an hour's outage ten or eleven
// attempts. After longestTrouble of attempts a transient fault is given up: that
// is 122 to 150 of them, far from the 1000 receives after which a queue gives up
// by itself. What the servers ask of or refuse to everybody, and a wait for
// another worker, is not the object's fault and never given up. It has the 1000
// receives, which at up to ten minutes each last a week; internal/worker sees to
// that where a server asks for less.
const (
	firstRetry     = 10 * time.Second
	longestRetry   = 10 * time.Minute
	longestTrouble = 24 * time.Hour
)

// claimRetry is the delay where a claim is taken: whoever has it gives it up
// within seconds, or it runs out within its Lease. A leaver does not wait longer
// than that for a sweep.
const claimRetry = 2 * time.Second

// backoff returns the delay after the given number of failed attempts, from 1.
func backoff(attempts int) time.Duration {
	delay := firstRetry
	for range attempts - 1 {
		if delay *= 2; delay >= longestRetry {
			return longestRetry
		}
	}
	return delay
}

// fail ends the attempt with a fault and says when to try again, if ever.
func (b *batch) fail(w *work, step StepName, err error) {
	f := *AsFault(err)
	t := w.record.OpenFault.met(&f, step, b.Now())
	if f.Kind.Policy().Retry == Backoff && t.Spent >= f.patience().limit {
		f.Reason = fmt.Sprintf("given up after %d attempts in %s: %s", t.Attempts, t.Spent.Round(time.Minute), f.Reason)
		f.GivenUp = true
	}
	t.Reason, t.GivenUp = f.Error(), f.GivenUp
	w.lettered(&f, step, b.Now())
	w.record.OpenFault = &t

	var again time.Duration
	switch {
	case f.Kind.Policy().Retry == Never || f.GivenUp:
	case f.Kind.Policy().Retry == AsAsked:
		again = max(f.After, firstRetry)
	case errors.Is(f.Err, ErrClaimed):
		again = claimRetry
	case f.waits():
		again = backoff(t.Waits)
	default:
		again = b.later(w, &f, t.Attempts)
	}
	w.attempt.Fault = &f
	w.step(step, Failure, f.Error())
	b.end(w, Failure, f.Error(), again)
}

func (b *batch) succeed(w *work) {
	b.end(w, Success, string(w.attempt.Action)+"d in Webex", 0)
	w.record.OpenFault = nil
}

func (b *batch) skip(w *work, step StepName, why string) {
	w.step(step, Skipped, why)
	b.end(w, Skipped, why, 0)
	w.record.OpenFault = nil
}

// again ends the attempt and asks for another look. It is no fault.
func (b *batch) again(w *work, after time.Duration, why string) {
	w.step(Processing, Warning, why)
	b.end(w, Warning, why, after)
	w.record.OpenFault = nil
}

func (b *batch) end(w *work, status Status, reason string, again time.Duration) {
	again += time.Duration(float64(again/4) * b.jitter)
	w.done = true
	w.attempt.Status, w.attempt.Reason, w.attempt.Again = status, reason, again
	if status != Failure {
		w.attempt.Fault = nil
	}
}

func (w *work) step(name StepName, status Status, description string) {
	w.attempt.Steps = append(w.attempt.Steps, Step{Name: name, Status: status, Description: description})
}

// note adds what a confirmed write changed. The first action of an attempt
// names it, unless a later one matters more.
func (w *work) note(action Action, have, values map[string]any) {
	if w.attempt.Action == None || action == Disable || action == Delete {
		w.attempt.Action = action
	}
	paths := make([]string, 0, len(values))
	for path := range values {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		w.attempt.Modified = append(w.attempt.Modified, Modified{Attribute: path, Old: have[path], New: values[path]})
	}
}

// log writes the one line of an attempt. It names attributes, never values.
func (a Attempt) log(ctx context.Context, log *slog.Logger) {
	level := slog.LevelInfo
	if a.Fault != nil {
		level = slog.LevelWarn
		if a.Again == 0 {
			level = a.Fault.Kind.Policy().Severity
		}
	}
	modified := make([]string, len(a.Modified))
	for i, m := range a.Modified {
		modified[i] = m.Attribute
	}
	attrs := []slog.Attr{
		slog.String("object", a.Object.String()),
		slog.String("webexId", a.WebexID),
		slog.String("action", string(a.Action)),
		slog.String("status", string(a.Status)),
		slog.String("reason", a.Reason),
		slog.Any("modified", modified),
		slog.String("source", string(a.Causes[0].Source)),
		slog.String("correlationId", a.Causes[0].CorrelationID),
		slog.Int("changes", len(a.Causes)),
		slog.Duration("took", a.Finished.Sub(a.Started)),
	}
	if a.Fault != nil {
		attrs = append(attrs, slog.String("fault", a.Fault.Kind.String()))
		if a.Fault.RequestID != "" {
			attrs = append(attrs, slog.String("requestId", a.Fault.RequestID))
		}
	}
	if a.Again > 0 {
		attrs = append(attrs, slog.Duration("again", a.Again))
	}
	if latency, ok := a.Latency(); ok {
		attrs = append(attrs, slog.Duration("latency", latency))
	}
	log.LogAttrs(ctx, level, "attempt", attrs...)
}
