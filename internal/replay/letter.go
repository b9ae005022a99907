// Package replay lists dead letters and puts them back on the queue they came
// from. A Change says only that an object changed, so one that is replayed
// late, twice or for nothing does no harm.
package replay

import (
	"strconv"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/worker"
)

// Letter is a dead letter, as the ledger or its message tells of it.
type Letter struct {
	Object change.Object `json:"object"`
	// Name is what the object is called; empty where that is not known.
	Name string `json:"name,omitempty"`
	// Kind, Step and Reason say what is wrong.
	Kind   provision.FaultKind `json:"kind"`
	Step   provision.StepName  `json:"step,omitempty"`
	Reason string              `json:"reason"`
	// FirstSeen is when the first attempt failed, by the ledger; when the
	// change was noticed, by the message.
	FirstSeen time.Time `json:"firstSeen"`
	Attempts  int       `json:"attempts"`
}

// FromRecord returns the dead letter of an object; false if it has none, since
// it has no open fault or one that is retried or waits for a person.
func FromRecord(r provision.Record) (Letter, bool) {
	t := r.OpenFault
	if !t.Dead() {
		return Letter{}, false
	}
	return Letter{
		Object: r.Object, Kind: t.Kind, Step: t.Step, Reason: t.Reason, FirstSeen: t.Since, Attempts: t.Attempts,
	}, true
}

// fromMessage returns what a message on the dead-letter queue says of itself.
// One that the queue itself moved there, after 1000 receives, has no
// attributes: it was retried to the end, so its fault was transient.
func fromMessage(m queue.Message) Letter {
	kind, known := provision.ParseFaultKind(m.Attributes[worker.AttributeFaultKind])
	l := Letter{
		Object:    change.Object{ID: m.Group},
		Kind:      kind,
		Step:      provision.StepName(m.Attributes[worker.AttributeFaultStep]),
		Reason:    m.Attributes[worker.AttributeFaultReason],
		FirstSeen: m.SentAt,
		Attempts:  m.ReceiveCount,
	}
	if !known {
		l.Kind = provision.Transient
	}
	if c, err := change.Decode(m.Body); err == nil {
		l.Object, l.FirstSeen = c.Object, c.SeenAt
	}
	if seen, err := time.Parse(time.RFC3339Nano, m.Attributes[worker.AttributeFirstSeen]); err == nil {
		l.FirstSeen = seen
	}
	if n, err := strconv.Atoi(m.Attributes[worker.AttributeAttempts]); err == nil {
		l.Attempts = n
	}
	return l
}
