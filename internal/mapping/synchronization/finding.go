package synchronization

import (
	"fmt"
	"slices"
)

// Outcome is what became of something that one side says.
type Outcome int

// The outcomes.
const (
	// TakenOver: it means the same there.
	TakenOver Outcome = iota
	// Differs: it is there, and not quite the same.
	Differs
	// Ignored: Webex has no such attribute, and nothing is written for it.
	Ignored
	// Lost: the other side has no way to say it, and it is left out.
	Lost
)

func outcomes() []string {
	return []string{"taken over", "differs", "ignored by Webex", "not taken over"}
}

// String is the outcome in words.
func (o Outcome) String() string { return outcomes()[o] }

// MarshalText implements encoding.TextMarshaler.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Outcome) UnmarshalText(text []byte) error {
	at := slices.Index(outcomes(), string(text))
	if at < 0 {
		return fmt.Errorf("%q is no outcome of a line", text)
	}
	*o = Outcome(at)
	return nil
}

// Finding says what became of one line: of an attribute mapping, of a group of clauses
// or of what is said of a kind of objects.
type Finding struct {
	Outcome Outcome `json:"outcome"`
	// Object is users or groups, or empty for the whole.
	Object string `json:"object,omitempty"`
	// Attribute is the target attribute; scope and actions for these, or empty.
	Attribute string `json:"attribute,omitempty"`
	// Text is a sentence: what it is, or what differs and what to do.
	Text string `json:"text"`
}
