// Package queue carries Changes from whatever noticed them to the worker.
//
// A Queue is first-in-first-out within a message group and has two stores: SQS
// FIFO on AWS, and a bbolt file on one machine. One conformance suite holds
// both to what is written at Queue.
package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Message is a received message.
type Message struct {
	// ID names the message for as long as it exists, Receipt this one
	// receiving of it.
	ID, Receipt string
	// Group is the message group: the id of the object the message is about.
	Group string
	Body  []byte
	// Attributes are the message attributes, all of type String.
	Attributes map[string]string
	// ReceiveCount is how often it was received, this time included.
	ReceiveCount int
	// SentAt is when it was put on the queue, to the millisecond.
	SentAt time.Time
}

// Entry is a message to send.
type Entry struct {
	// Group is 1 to 128 printable ASCII characters.
	Group string
	// Body is 1 byte to 256 KiB of text.
	Body []byte
	// Attributes are at most 10, none of them empty.
	Attributes map[string]string
}

// Depth is how many messages a queue holds.
type Depth struct {
	// Visible are those that wait to be received, also behind an earlier
	// message of their group. InFlight are those received and not done.
	Visible, InFlight int
	// Oldest is when the one was sent that has been there longest; zero if there is
	// none, and with SQS, which tells nobody but CloudWatch.
	Oldest time.Time
	// Exact is whether this is counted, and a Receive that finds nothing is
	// proof that there is nothing to receive. SQS has many servers: it
	// estimates the one, and samples for the other.
	Exact bool
}

// Queue is first-in-first-out within a message group. While a message of a
// group is in flight (received, neither deleted nor visible again) no other
// Receive returns a message of that group. A message may come more than once.
type Queue interface {
	// Send puts every entry on the queue, in order within a group; identical
	// entries are as many messages. An error says how many may not be on it.
	// An entry that came late because it was sent a second time may come
	// behind a later one of its group.
	Send(ctx context.Context, entries []Entry) error
	// Receive returns at most limit messages (1 to 10), those of a group in
	// order, each invisible for the time given. It waits up to wait (at most
	// 20 s) for the first; none is not an error.
	Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]Message, error)
	// Delay makes received messages visible again after d, which is cut to
	// between 0 and 11 h 45 min. A message whose receipt is stale, because it
	// became visible since, stays as it is; that is an error where the store
	// can tell.
	Delay(ctx context.Context, msgs []Message, d time.Duration) error
	// Delete removes messages that are done. A stale receipt is treated as in
	// Delay.
	Delete(ctx context.Context, msgs []Message) error
	// Depth returns how many messages there are.
	Depth(ctx context.Context) (Depth, error)
}

// The limits of SQS (Amazon SQS Developer Guide, message quotas), which both
// stores keep.
const (
	// MaxReceive is how many messages a Receive returns at most.
	MaxReceive = 10
	// MaxWait is the longest wait for the first of them.
	MaxWait = 20 * time.Second

	maxGroup      = 128
	maxAttributes = 10
	// maxBody is the default MaximumMessageSize of queues made before August
	// 2025; it is 1 MiB since.
	maxBody = 256 << 10
	// maxDelay is short of the 12 hours of SQS, which count from the receipt,
	// by the 15 minutes a Lambda function may run.
	maxDelay = 12*time.Hour - 15*time.Minute
)

// check returns an error unless every entry is within the limits.
func check(entries []Entry) error {
	for i, e := range entries {
		if err := e.check(); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

func (e Entry) check() error {
	outside := func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII-1 }
	switch {
	case e.Group == "" || len(e.Group) > maxGroup || strings.ContainsFunc(e.Group, outside):
		return fmt.Errorf("the group %.20q is not 1 to %d printable ASCII characters", e.Group, maxGroup)
	case len(e.Body) == 0 || len(e.Body) > maxBody:
		return fmt.Errorf("a body of %d bytes is not of 1 to %d", len(e.Body), maxBody)
	case len(e.Attributes) > maxAttributes:
		return fmt.Errorf("%d attributes, more than %d", len(e.Attributes), maxAttributes)
	}
	for name, value := range e.Attributes {
		if name == "" || value == "" {
			return errors.New("an attribute has no name or no value")
		}
	}
	return nil
}

// within returns d, or the bound it exceeds.
func within(d, longest time.Duration) time.Duration {
	return max(0, min(d, longest))
}
