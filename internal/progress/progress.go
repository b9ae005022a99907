// Package progress tells how far something long is, on a line of a terminal that is
// written over and over.
package progress

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// often is the least time between two writings of one phase.
const often = 200 * time.Millisecond

// Line is that line. It is written by whoever calls it, and by nobody else.
type Line struct {
	// Out is a terminal.
	Out io.Writer

	phase string
	began time.Time // when Tell was told of the phase first
	shown time.Time // zero if there is nothing on the line
}

// Tell shows how far the phase is, and how long the rest of it takes; see Far.
func (l *Line) Tell(phase string, done, of int) {
	if phase != l.phase {
		l.began = time.Now()
	}
	text := phase
	if done > 0 || of > 0 {
		text += ": " + bar(done, of) + Far(done, of, time.Since(l.began))
	}
	l.Show(phase, text)
}

// bar pictures how many of how many are done; empty if nobody knows how many there are.
func bar(done, of int) string {
	const cells = 20
	if of <= 0 {
		return ""
	}
	full := cells * min(done, of) / of
	return strings.Repeat("█", full) + strings.Repeat("░", cells-full) + " "
}

// Show writes the text over what is there, unless that is of the same phase and was
// written a moment ago.
func (l *Line) Show(phase, text string) {
	now := time.Now()
	if phase == l.phase && now.Sub(l.shown) < often {
		return
	}
	l.phase, l.shown = phase, now
	fmt.Fprint(l.Out, "\r\x1b[K"+text)
}

// Clear takes the line away.
func (l *Line) Clear() {
	if !l.shown.IsZero() {
		fmt.Fprint(l.Out, "\r\x1b[K")
		l.shown = time.Time{}
	}
}

// Far tells how many of how many are done after a time, and how long the rest takes
// if it goes on so; of 0 is of nobody knows how many.
func Far(done, of int, after time.Duration) string {
	const soonest = 2 * time.Second // before that nobody can tell
	switch {
	case of <= 0 && done > 0:
		return strconv.Itoa(done)
	case of <= 0:
		return "…"
	case done <= 0 || done >= of || after < soonest:
		return fmt.Sprintf("%d of %d", done, of)
	default:
		left := time.Duration(float64(after) / float64(done) * float64(of-done))
		return fmt.Sprintf("%d of %d, %s left", done, of, max(left.Round(time.Second), time.Second))
	}
}
