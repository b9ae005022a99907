package synchronization

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

// String is the outcome in words.
func (o Outcome) String() string {
	return [...]string{"taken over", "differs", "ignored by Webex", "not taken over"}[o]
}

// Finding says what became of one line: of an attribute mapping, of a group of clauses
// or of what is said of a kind of objects.
type Finding struct {
	Outcome Outcome
	// Object is users or groups, or empty for the whole.
	Object string
	// Attribute is the target attribute; scope and actions for these, or empty.
	Attribute string
	// Text is a sentence: what it is, or what differs and what to do.
	Text string
}
