package throttle

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// slowest is the lowest rate, in requests a second: that at which the
	// next request can still wait for its turn. A server that wants less says
	// so with a Retry-After.
	slowest = 1 / (float64(maxWait) / float64(time.Second))

	// unknown is the rate, in requests a second, that a server is believed to
	// serve which refuses before it has served that many: a batch of changes.
	unknown = 10.0

	// decrease is the share of a refused rate that is gone on with: more than
	// the 0.7 of RFC 9438, for what a server refuses is not lost, it is asked
	// again. recovery is the time it takes to be back at that rate; a guess is
	// made up for sooner. See curve.
	decrease = 0.8
	recovery = 10 * time.Second
	search   = recovery / 4

	// unlimited is the multiple of the refused rate from which on there is no
	// limit: either the server has changed or what is asked of it is less than
	// it serves.
	unlimited = 10
)

// horizon is the longest that a request is told to stay away for the sake of
// others: what is promised far ahead comes late if the server becomes faster.
const horizon = time.Minute

// The reasons for which a request is held back.
const (
	heldByPause = "not sent: the server asked for a pause"
	heldByRate  = "not sent: the rate that the server serves is used up"
)

// limiter decides when a request of a class may leave. It decreases by a factor and
// increases step by step, answer by answer. Steps of one size are too large
// around the rate that was refused and too small far from it, so they follow
// the curve of TCP CUBIC.
type limiter struct {
	now func() time.Time

	mu sync.Mutex
	// tokens is nil while there is no limit.
	tokens *rate.Limiter
	// refused is the rate at the last decrease, in requests a second, served
	// for how long requests were answered since, and recovery for how long
	// they must be until the limit is that rate again.
	refused          float64
	served, recovery time.Duration
	// epoch counts the decreases. A refusal of a request that left before the
	// last one says nothing about the rate that holds since.
	epoch int
	// slowed is when the last decrease was.
	slowed time.Time
	// resume is the end of the pause that the server asked for.
	resume time.Time
	// promised is when the next request that is held back is told to come again.
	promised time.Time
	meter    meter
}

// turn is what a request is told: to leave now, to wait, or, held back, to come
// again after that time.
type turn struct {
	wait  time.Duration
	held  string
	epoch int
	place *rate.Reservation // nil if there is nothing to wait for
}

// queue gives a request its turn, unless that were after the latest time.
func (l *limiter) queue(latest time.Time) turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next(l.now(), latest)
}

// leave lets a request go that has waited, unless its turn is of another time:
// the server has refused another request meanwhile.
func (l *limiter) leave(t turn, latest time.Time) turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if t.place == nil || t.epoch != l.epoch || now.Before(l.resume) {
		return l.next(now, latest)
	}
	l.meter.left(now)
	return turn{epoch: t.epoch}
}

// giveUp leaves a turn to others.
func (l *limiter) giveUp(t turn) {
	if t.place != nil {
		t.place.CancelAt(l.now())
	}
}

func (l *limiter) next(now, latest time.Time) turn {
	if pause := l.resume.Sub(now); pause > 0 {
		if now.Add(pause).After(latest) {
			return turn{wait: l.promise(now, pause), held: heldByPause}
		}
		return turn{wait: pause, epoch: l.epoch} // for a turn in the queue
	}
	t := turn{epoch: l.epoch}
	if l.tokens != nil {
		t.place = l.tokens.ReserveN(now, 1)
		t.wait = t.place.DelayFrom(now)
	}
	switch {
	case t.wait == 0:
		l.meter.left(now)
	case now.Add(t.wait).After(latest):
		t.place.CancelAt(now)
		t.wait, t.held = l.promise(now, t.wait), heldByRate
	}
	return t
}

// promise returns when a request is to come again that has to wait: behind those
// that were told so before it, so that a queue delivers them one by one. They
// come four times as fast as the limit, which may rise meanwhile; what finds no room
// then is promised another time. So each comes a few times, however many they
// are. A promise is no reservation: whoever comes first is served.
func (l *limiter) promise(now time.Time, wait time.Duration) time.Duration {
	at := now.Add(wait)
	if l.promised.After(at) {
		at = l.promised
	}
	if latest := now.Add(max(wait, horizon)); at.After(latest) {
		at = latest
	}
	l.promised = at
	if l.tokens != nil {
		l.promised = at.Add(time.Duration(float64(time.Second) / 4 / l.limit()))
	}
	return at.Sub(now)
}

// answered learns from an answer to a request that left in an epoch.
func (l *limiter) answered(epoch int, response *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	pause, refused := refusal(response, now)
	l.rest(now, max(pause, cautious(Used(response.Header))))
	switch {
	case epoch != l.epoch:
	case refused:
		l.slowDown(now)
	case response.StatusCode < http.StatusInternalServerError:
		l.speedUp(now)
	}
}

// refusedWithin learns of a refusal within an answer to a call that began at
// sent. Of a call that waited for its turn while the limit was lowered it cannot
// be told which limit it left under.
func (l *limiter) refusedWithin(sent time.Time, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.rest(now, min(after, maxPause))
	if !sent.Before(l.slowed) {
		l.slowDown(now)
	}
}

// pause begins a pause, unless there is one that lasts longer.
func (l *limiter) pause(pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest(l.now(), pause)
}

func (l *limiter) rest(now time.Time, pause time.Duration) {
	if end := now.Add(pause); end.After(l.resume) {
		l.resume = end
	}
}

// slowDown begins an epoch below the rate that was just refused.
func (l *limiter) slowDown(now time.Time) {
	measured, sure := l.meter.rate(now)
	again := recovery
	switch {
	case l.tokens == nil:
		l.refused = max(measured, unknown)
		if !sure {
			again = search
		}
	case sure:
		l.refused = min(l.limit(), max(measured, unknown))
	default:
		l.refused = l.limit()
	}
	l.served, l.recovery = 0, again
	l.epoch++
	l.slowed = now
	l.meter = meter{}
	l.tokens = rate.NewLimiter(rate.Limit(l.limit()), 1)
}

// speedUp raises the limit by what an answer is worth: the time since the
// one before. Time in which nothing is asked proves nothing, and a Lambda
// function may have been frozen in it.
func (l *limiter) speedUp(now time.Time) {
	l.served += l.meter.served(now)
	if l.tokens == nil {
		return
	}
	if limit := l.limit(); limit < unlimited*l.refused {
		l.tokens.SetLimitAt(now, rate.Limit(limit))
	} else {
		l.tokens = nil
	}
}

func (l *limiter) limit() float64 { return max(l.refused*curve(l.served, l.recovery), slowest) }

// curve is the limit as a multiple of the rate last refused, after requests
// were answered for so long without a refusal: that of CUBIC (RFC 9438 section
// 4.2), in proportion to the rate. With a recovery of ten seconds:
//
//	 0 s  0.80
//	 5 s  0.97
//	10 s  1.00
//	15 s  1.02
//	20 s  1.20
//	30 s  2.60
//	46 s  unlimited
func curve(served, recovery time.Duration) float64 {
	x := float64(served)/float64(recovery) - 1
	return 1 + (1-decrease)*x*x*x
}
