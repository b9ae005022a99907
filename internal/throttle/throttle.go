// Package throttle keeps a process to the rate that a server has shown it
// serves. It lets everything through until the server refuses a request for
// coming too often; then it holds all requests of that class back to a rate below
// the one that was refused, and feels its way up again. A server that says
// beforehand how much of a limit is used up, as Graph does, is given short pauses
// that grow with it, so that it has no need to refuse.
//
// Nobody tells it a rate: Webex publishes none for SCIM, and Graph's depends
// on the size of the tenant and on who else is calling
// (https://learn.microsoft.com/graph/throttling-limits).
package throttle

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// maxWait is the longest that a request waits for its turn. What would have to
// wait longer is answered at once: the queue waits, no function does. A worker
// that is held back takes other changes from the queue, which are held back too,
// until all of them are put off and the server has nothing to do. So there is
// time for eight workers, each with a request in line, at two a second and eight
// tenths of that after a refusal. It is a quarter of what a call has.
const maxWait = 5 * time.Second

type classKey struct{}

// WithClass returns a context whose requests are of a class: those that may have a
// limit of their own, such as "/Groups". Each class learns its own rate; without a
// name it is right for what is only read. There are a few of them: none is ever
// forgotten.
func WithClass(ctx context.Context, class string) context.Context {
	return context.WithValue(ctx, classKey{}, class)
}

type besideKey struct{}

// Beside returns a context for requests that are made beside others, until done is
// closed: no longer do they wait for their turn, so that nobody waits for them.
func Beside(ctx context.Context, done <-chan struct{}) context.Context {
	return context.WithValue(ctx, besideKey{}, done)
}

// Options are what a Transport can be told. The zero value is right outside
// tests.
type Options struct {
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// Transport carries requests to one host, no faster than the host has shown
// that it serves them. It is safe for concurrent use, and everything in a
// process that calls the host is meant to share it.
type Transport struct {
	next http.RoundTripper
	now  func() time.Time

	mu sync.Mutex
	// limiters are those of the classes, and resume the end of a pause of all.
	limiters map[string]*limiter
	resume   time.Time
	traffic  Traffic
}

// Traffic counts, since the process began, the requests that the host answered, and
// how often it said, of a request or within an answer, that they come too often.
type Traffic struct{ Answered, Refused int }

var _ http.RoundTripper = (*Transport)(nil)

// New returns a Transport that hands requests on to next.
func New(next http.RoundTripper, o Options) *Transport {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Transport{next: next, now: o.Now, limiters: map[string]*limiter{}}
}

// of returns the limiter of a class.
func (t *Transport) of(class string) *limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.limiters[class]
	if !ok {
		l = &limiter{now: t.now, resume: t.resume}
		t.limiters[class] = l
	}
	return l
}

// RoundTrip implements http.RoundTripper. A request whose turn comes within
// five seconds and before the deadline of its context waits for it, also for the
// end of a pause that the server asked for. Any other is not sent: it is
// answered 429 with a Retry-After, as the server would.
//
// A 429 is about a class, a 503 with a Retry-After about the server.
//
// Beside those of the RoundTripper beneath, the only error is the context's,
// when it ends during the wait.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	class, _ := request.Context().Value(classKey{}).(string)
	l := t.of(class)
	latest := t.now().Add(maxWait)
	if deadline, ok := request.Context().Deadline(); ok && deadline.Before(latest) {
		latest = deadline
	}
	turn, err := t.wait(request.Context(), l, latest)
	if err != nil || turn.held != "" {
		if request.Body != nil {
			_ = request.Body.Close() // as http.RoundTripper asks; nothing was read of it
		}
		if err != nil {
			return nil, err
		}
		return heldBack(request, turn), nil
	}
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	l.answered(turn.epoch, response)
	_, refused := refusal(response, t.now())
	t.count(1, refused)
	if response.StatusCode == http.StatusServiceUnavailable {
		t.rest(RetryAfter(response.Header, t.now()))
	}
	return response, nil
}

// Traffic returns what was counted until now.
func (t *Transport) Traffic() Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.traffic
}

func (t *Transport) count(answered int, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.traffic.Answered += answered
	if refused {
		t.traffic.Refused++
	}
}

// rest begins a pause of all classes.
func (t *Transport) rest(pause time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if end := t.now().Add(pause); end.After(t.resume) {
		t.resume = end
	}
	for _, l := range t.limiters {
		l.pause(pause)
	}
}

// RefusedWithin tells of what the host refused, for coming too often, within an
// answer that is a success as a whole: a request of a batch. The call with it
// began at sent, by the Transport's clock, and after is the pause asked for,
// zero if none. It counts as a refusal of the call, once for all of a moment.
func (t *Transport) RefusedWithin(sent time.Time, after time.Duration) {
	t.of("").refusedWithin(sent, after)
	t.count(0, true)
}

// UsedWithin tells what share of a limit is used up, as an answer says within: that
// to a request of a batch. From 0.8 on, requests come more slowly.
func (t *Transport) UsedWithin(share float64) { t.of("").pause(cautious(share)) }

// wait returns when it is the request's turn, or as soon as it is known that
// the turn is too far off.
func (t *Transport) wait(ctx context.Context, l *limiter, latest time.Time) (turn, error) {
	enough, _ := ctx.Value(besideKey{}).(<-chan struct{})
	turn := l.queue(latest)
	for turn.held == "" && turn.wait > 0 {
		timer := time.NewTimer(turn.wait)
		select {
		case <-timer.C:
			turn = l.leave(turn, latest)
		case <-enough:
			timer.Stop()
			l.giveUp(turn)
			latest = t.now()
			turn = l.queue(latest)
		case <-ctx.Done():
			timer.Stop()
			l.giveUp(turn)
			return turn, fmt.Errorf("wait for the server's rate: %w", ctx.Err())
		}
	}
	return turn, nil
}
