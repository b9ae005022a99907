package main

import (
	"fmt"
	"io"
	"time"
)

// planProgress is a line that tells how far a plan is, written over and over on a
// terminal.
type planProgress struct {
	out   io.Writer
	phase string
	shown time.Time
}

// show tells how many of how many are done; of 0 is of nobody knows how many.
func (p *planProgress) show(phase string, done, of int) {
	now := time.Now()
	if phase == p.phase && now.Sub(p.shown) < often {
		return
	}
	p.phase, p.shown = phase, now
	fmt.Fprintf(p.out, "\r\x1b[K%s", phase)
	switch {
	case of > 0:
		fmt.Fprintf(p.out, ": %d of %d", done, of)
	case done > 0:
		fmt.Fprintf(p.out, ": %d", done)
	}
}

// clear takes the line away.
func (p *planProgress) clear() {
	if !p.shown.IsZero() {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = time.Time{}
	}
}
