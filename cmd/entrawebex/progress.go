package main

import (
	"fmt"
	"io"
	"time"
)

// progress is a line that tells how far a long command is, written over and
// over on a terminal.
type progress struct {
	out   io.Writer
	total int
	done  int
	shown time.Time
}

// often is the least time between two writings of the line.
const often = 200 * time.Millisecond

// add counts n more.
func (p *progress) add(n int) {
	p.done += n
	if now := time.Now(); now.Sub(p.shown) >= often {
		p.shown = now
		// A number that was approximate may be exceeded.
		fmt.Fprintf(p.out, "\r\x1b[Klooked at %d of about %d", p.done, max(p.total, p.done))
	}
}

// clear takes the line away.
func (p *progress) clear() {
	if !p.shown.IsZero() {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
