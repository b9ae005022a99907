package worker

import (
	"context"
	"slices"
	"strconv"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

// The attributes of a message on the dead-letter queue. Those that are not
// known are left out.
const (
	// AttributeFaultKind is a provision.FaultKind, AttributeFaultStep a
	// provision.StepName and AttributeFaultReason one sentence.
	AttributeFaultKind   = "faultKind"
	AttributeFaultStep   = "faultStep"
	AttributeFaultReason = "faultReason"
	// AttributeFirstSeen is when the change was noticed, RFC 3339.
	AttributeFirstSeen = "firstSeen"
	// AttributeAttempts is how often the message was received.
	AttributeAttempts = "attempts"
	// AttributeCorrelationID is the correlation id of the Change.
	AttributeCorrelationID = "correlationId"
	// AttributeReplayed is on a message of the main queue that was a dead letter.
	// One that SQS itself moved back has the attributes above.
	AttributeReplayed = "replayed"
)

// Letters is what the ledger knows of the dead-letter queue.
type Letters interface {
	// Listed reports whether the ledger shows the object as one at fault for good.
	Listed(ctx context.Context, o change.Object) (bool, error)
	// Buried is told that a letter with the fault of the attempt is on the
	// dead-letter queue.
	Buried(ctx context.Context, a provision.Attempt) error
}

// unlisted is when a fault is looked at again that the ledger does not show.
const unlisted = 10 * time.Second

// buryFault sends a letter with the fault of an object to the dead-letter queue,
// unless there is one, and reports whether the messages are done.
func (c *Worker) buryFault(ctx context.Context, w *work, a provision.Attempt) bool {
	if a.Lettered && !w.isLetter() {
		c.Log.InfoContext(ctx, "a dead letter with this fault is there already",
			"object", w.object.String(), "messages", len(w.msgs), "reason", a.Fault.Error())
		return true
	}
	if c.Letters == nil {
		return c.bury(ctx, w.object.String(), w.letter(a))
	}
	listed, err := c.Letters.Listed(ctx, w.object)
	if !listed {
		c.Log.WarnContext(ctx, "the ledger does not show the fault: tried again", "object", w.object.String(), "reason", a.Fault.Error(), "error", err)
		if err := c.Queue.Delay(ctx, w.msgs, delay(w.msgs[0], unlisted)); err != nil {
			c.Log.WarnContext(ctx, "delay failed", "object", w.object.String(), "error", err)
		}
		return false
	}
	if !c.bury(ctx, w.object.String(), w.letter(a)) {
		return false
	}
	if err := c.Letters.Buried(ctx, a); err != nil {
		c.Log.WarnContext(ctx, "the fault may have a second dead letter", "object", w.object.String(), "error", err)
	}
	return true
}

// isLetter reports whether one of the messages has to be a letter whatever letters
// there are: it was one, or it carries Graph's word that the object was deleted,
// which comes once.
func (w *work) isLetter() bool {
	return slices.ContainsFunc(w.changes, func(ch change.Change) bool { return ch.Deleted }) ||
		slices.ContainsFunc(w.msgs, func(m queue.Message) bool {
			return m.Attributes[AttributeReplayed] != "" || m.Attributes[AttributeFaultKind] != ""
		})
}

// letter is the dead letter of the messages: one that says what all of them say.
func (w *work) letter(a provision.Attempt) queue.Entry {
	first := w.changes[0]
	receives := 0
	for i, ch := range w.changes {
		if ch.SeenAt.Before(first.SeenAt) {
			first.SeenAt = ch.SeenAt
		}
		receives = max(receives, w.msgs[i].ReceiveCount)
	}
	return queue.Entry{Group: w.msgs[0].Group, Body: w.body(), Attributes: attributes(
		AttributeFaultKind, a.Fault.Kind.String(),
		AttributeFaultStep, string(a.FailedStep()),
		AttributeFaultReason, a.Fault.Error(),
		AttributeFirstSeen, first.SeenAt.UTC().Format(time.RFC3339Nano),
		AttributeAttempts, strconv.Itoa(receives),
		AttributeCorrelationID, first.CorrelationID,
	)}
}

// body is the body of the first message, with what the others ask for beyond it.
// More members than a Change can name are all of them.
func (w *work) body() []byte {
	all := w.changes[0]
	members := slices.Clone(all.Members)
	for _, ch := range w.changes[1:] {
		all.Afresh, all.Deleted = all.Afresh || ch.Afresh, all.Deleted || ch.Deleted
		for _, id := range ch.Members {
			if !slices.Contains(members, id) {
				members = append(members, id)
			}
		}
	}
	if all.Members = members; len(members) > change.MaxMembers {
		all.Members, all.Afresh = nil, true
	}
	body, err := all.Encode()
	if err != nil || len(w.changes) == 1 {
		return w.msgs[0].Body // as it came
	}
	return body
}

// buryUndecodable sends a message that is no Change to the dead-letter queue
// and reports whether it is there.
func (c *Worker) buryUndecodable(ctx context.Context, m queue.Message, cause error) bool {
	return c.bury(ctx, "message "+m.ID, queue.Entry{Group: m.Group, Body: m.Body, Attributes: attributes(
		AttributeFaultKind, provision.Permanent.String(),
		AttributeFaultReason, cause.Error(),
		AttributeAttempts, strconv.Itoa(m.ReceiveCount),
	)})
}

// bury sends a letter to the dead-letter queue and reports whether it is there.
func (c *Worker) bury(ctx context.Context, what string, letter queue.Entry) bool {
	log := c.Log.With("what", what, "reason", letter.Attributes[AttributeFaultReason])
	if err := c.DeadLetters.Send(ctx, []queue.Entry{letter}); err != nil {
		log.ErrorContext(ctx, "dead-letter queue failed", "error", err)
		return false
	}
	log.ErrorContext(ctx, "sent to the dead-letter queue")
	return true
}

// attributes makes message attributes of names and values in turn, fit for
// SQS: printable, bounded, not empty.
func attributes(pairs ...string) map[string]string {
	m := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		if value := printable.Short(pair[1], longestAttribute); value != "" {
			m[pair[0]] = value
		}
	}
	return m
}

// longestAttribute is the most characters of a value on the dead-letter
// queue.
const longestAttribute = 512
