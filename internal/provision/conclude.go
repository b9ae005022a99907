package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
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
func (v *view) fail(at StepName, err error) {
	f := *AsFault(err)
	v.noteRefusal(at, &f)
	t := v.record.OpenFault.met(&f, at, v.now)
	if f.Kind.Policy().Retry == Backoff && t.Spent >= f.patience().limit {
		f.Reason = fmt.Sprintf("given up after %d attempts in %s: %s", t.Attempts, t.Spent.Round(time.Minute), f.Reason)
		f.GivenUp = true
	}
	t.Reason, t.GivenUp = f.Error(), f.GivenUp
	v.lettered(&f, at)
	v.record.OpenFault = &t

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
		again = v.later(&f, t.Attempts)
	}
	v.attempt.Fault = &f
	v.step(at, Failure, f.Error())
	v.end(Failure, f.Error(), again)
}

func (v *view) succeed() {
	v.end(Success, string(v.attempt.Action)+"d in Webex", 0)
	v.record.OpenFault = nil
}

func (v *view) skip(at StepName, why string) {
	v.step(at, Skipped, why)
	v.end(Skipped, why, 0)
	v.record.OpenFault = nil
}

// again ends the attempt and asks for another look. It is no fault.
func (v *view) again(after time.Duration, why string) {
	v.step(Processing, Warning, why)
	v.end(Warning, why, after)
	v.record.OpenFault = nil
}

func (v *view) end(status Status, reason string, again time.Duration) {
	const quarter = 4
	again += time.Duration(float64(again/quarter) * v.jitter)
	v.ended = true
	v.attempt.Status, v.attempt.Reason, v.attempt.Again = status, reason, again
	if status != Failure {
		v.attempt.Fault = nil
	}
}

func (s *state) step(name StepName, status Status, description string) {
	s.attempt.Steps = append(s.attempt.Steps, ProvisioningStep{Name: name, Status: status, Description: description})
}

// noteRefusal notes the answer that an error tells of, if it tells of one, once.
func (s *state) noteRefusal(at StepName, err error) {
	f := AsFault(err)
	for f != nil && f.RequestID == "" {
		f, _ = errors.AsType[*Fault](f.Err)
	}
	noted := func(r Refusal) bool { return r.RequestID == f.RequestID }
	if f == nil || len(s.attempt.Refusals) == maxRefusals || slices.ContainsFunc(s.attempt.Refusals, noted) {
		return
	}
	s.attempt.Refusals = append(s.attempt.Refusals, Refusal{From: f.From, RequestID: f.RequestID, Step: at, Label: f.Label()})
}

// names are what the object is called.
func (v *view) names() Names {
	text := func(values map[string]any, name string) string {
		found, _ := values[name].(string)
		return found
	}
	of := v.reading.Attributes
	return Names{
		DisplayName: text(of, "displayName"), UserPrincipalName: text(of, "userPrincipalName"),
		Webex: text(v.record.LastWritten, v.rules(v.object.Kind).Name()),
	}
}

// notice has operators hear of the object.
func (v *view) notice(level slog.Level, message string, attrs ...slog.Attr) {
	line := slog.NewRecord(v.now, level, message, 0)
	line.AddAttrs(slog.String("object", v.object.String()))
	line.AddAttrs(attrs...)
	v.notices = append(v.notices, line)
}

// note adds what a confirmed write changed. The first action of an attempt
// names it, unless a later one matters more.
func (s *state) note(action Action, have, values map[string]any) {
	if s.attempt.Action == None || action == Disable || action == Delete {
		s.attempt.Action = action
	}
	for _, path := range slices.Sorted(maps.Keys(values)) {
		s.attempt.Modified = append(s.attempt.Modified, Modified{Attribute: path, Old: have[path], New: values[path]})
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
