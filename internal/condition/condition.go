// Package condition says of what goes on for a while how it stands.
package condition

import (
	"strings"
	"time"
)

// Failing is a condition that lasts: since when something fails, and why by the
// last answer.
type Failing struct {
	// Since is zero if it does not fail.
	Since time.Time `json:"since,omitzero"`
	Error string    `json:"error,omitempty"`
}

// With returns the condition after an attempt that ended with err, or with none.
func (f Failing) With(err error, now time.Time) Failing {
	if err == nil {
		return Failing{}
	}
	const longest = 500 // bytes; a fault says it in one sentence
	text := err.Error()
	if f.Since.IsZero() {
		f.Since = now.UTC()
	}
	f.Error = strings.ToValidUTF8(text[:min(len(text), longest)], "")
	return f
}
