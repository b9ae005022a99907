package throttle

import "time"

const (
	// lull is the time without a request after which measuring begins anew.
	// Longer than maxWait, so that the slowest rate knows none.
	lull = 6 * time.Second

	// window is how long answers are counted before they are put aside. The
	// rate is that of the last one or two windows.
	window = 2 * time.Second

	// sample is the shortest time that gives a rate to be sure of, and glance
	// the shortest that a rate is reckoned from at all.
	sample = time.Second
	glance = 100 * time.Millisecond
)

// meter measures how many requests a second a server answers.
type meter struct {
	began time.Time // the window before this one, or this one if it is the first
	turn  time.Time // this window
	busy  time.Time // the last request that left or was answered
	last  time.Time // the last answer, or the first request

	before, since int // answers in the window before and in this one
}

// left notes that a request leaves.
func (m *meter) left(now time.Time) {
	if now.Sub(m.busy) > lull {
		*m = meter{began: now, turn: now, last: now}
	}
	m.busy = now
}

// served counts an answer and returns the time since the one before.
func (m *meter) served(now time.Time) time.Duration {
	if now.Sub(m.turn) >= window {
		m.began, m.before = m.turn, m.since
		m.turn, m.since = now, 0
	}
	passed := now.Sub(m.last)
	m.busy, m.last = now, now
	m.since++
	return passed
}

// rate returns the answers a second, and whether they were counted for long
// enough to be sure of it.
func (m *meter) rate(now time.Time) (perSecond float64, sure bool) {
	counted := now.Sub(m.began)
	return float64(m.before+m.since) / max(counted, glance).Seconds(), counted >= sample
}
