package notification

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Lifecycle is a verified lifecycle notification: what Graph says of a
// subscription itself.
type Lifecycle struct {
	// Event is reauthorizationRequired, subscriptionRemoved or missed.
	Event string `json:"event"`
	// SubscriptionID is whatever the notification says, a GUID.
	SubscriptionID string `json:"subscriptionId"`
}

// Waker lets what lifecycle notifications ask for be done at once.
type Waker interface {
	// Wake returns nil once somebody has been told of the events. It returns
	// soon after ctx ends.
	Wake(ctx context.Context, events []Lifecycle) error
}

const (
	// wakePause is the least time between two times that a handler wakes
	// anybody.
	wakePause = 10 * time.Second
	// maxWaiting is how many events wait for the next time at most; what is
	// beyond them is logged only. A tenant has two subscriptions and three
	// events.
	maxWaiting = 32
	// maxEvent is above the length of an event's name and of an id, in bytes.
	maxEvent = 64
)

// alarm wakes at most once in wakePause. What comes within it, or cannot be
// told, waits for the first delivery after it. It is safe for concurrent use.
type alarm struct {
	waker Waker // nil wakes nobody
	now   func() time.Time

	mu      sync.Mutex
	waiting []Lifecycle
	last    time.Time
}

// ring tells the waker of events, with those that wait, if it is time to.
func (a *alarm) ring(ctx context.Context, events []Lifecycle) error {
	if a.waker == nil {
		return nil
	}
	due := a.due(events)
	if len(due) == 0 {
		return nil
	}
	if err := a.waker.Wake(ctx, due); err != nil {
		a.wait(due)
		return err
	}
	return nil
}

// due returns what to tell now: everything that waits, or nothing.
func (a *alarm) due(events []Lifecycle) []Lifecycle {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.add(events)
	now := a.now()
	if len(a.waiting) == 0 || now.Sub(a.last) < wakePause {
		return nil
	}
	due := a.waiting
	a.waiting, a.last = nil, now
	return due
}

func (a *alarm) wait(events []Lifecycle) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.add(events)
}

func (a *alarm) add(events []Lifecycle) {
	for _, event := range events {
		if len(a.waiting) < maxWaiting && !slices.Contains(a.waiting, event) && event.known() {
			a.waiting = append(a.waiting, event)
		}
	}
}

// known reports whether it is an event that somebody can do something about.
func (l Lifecycle) known() bool {
	switch l.Event {
	case "reauthorizationRequired", "subscriptionRemoved", "missed":
		return len(l.SubscriptionID) <= maxEvent
	default:
		return false
	}
}
