// Package progress tells how far something long is, on a line of a terminal that is
// written over and over.
package progress

import (
	"fmt"
	"io"
	"time"
)

// often is the least time between two writings of one phase.
const often = 200 * time.Millisecond

// Line is that line. It is written by whoever calls it, and by nobody else.
type Line struct {
	// Out is a terminal.
	Out io.Writer

	phase string
	shown time.Time // zero if there is nothing on the line
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
