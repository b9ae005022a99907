package graph

import (
	"errors"
	"slices"
	"time"
)

// The lifecycle events
// (https://learn.microsoft.com/graph/change-notifications-lifecycle-events).
// Graph promises only the first of them for users and groups.
const (
	ReauthorizationRequired = "reauthorizationRequired"
	SubscriptionRemoved     = "subscriptionRemoved"
	Missed                  = "missed"
)

// lifecycleNotification says something of a subscription itself.
type lifecycleNotification struct {
	Event        string `json:"lifecycleEvent"`
	ClientState  string `json:"clientState,omitempty"`
	Expiration   string `json:"subscriptionExpirationDateTime"`
	Subscription string `json:"subscriptionId"`
	Tenant       string `json:"tenantId"`
}

// Lifecycle makes a lifecycle notification of that event for every
// subscription that has an address for it. SubscriptionRemoved also ends the
// subscriptions, all of them.
func (t *Tenant) Lifecycle(event string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch event {
	case ReauthorizationRequired, SubscriptionRemoved, Missed:
	default:
		return errors.New("there is no lifecycle event " + event)
	}
	now := t.now()
	for _, s := range t.alive() {
		if s.lifecycle == "" || t.silent {
			continue
		}
		t.outbox = append(t.outbox, &pending{
			subscription: s, lifecycle: true, since: now, due: now, retry: firstRetry,
			notification: lifecycleNotification{
				Event: event, ClientState: s.clientState, Expiration: s.expiration(), Subscription: s.id, Tenant: t.id,
			},
		})
	}
	if event == SubscriptionRemoved {
		t.subscriptions = nil
	}
	t.awake()
	return nil
}

// DropSubscriptions ends all subscriptions and says so to nobody, which Graph
// does not rule out for users and groups.
func (t *Tenant) DropSubscriptions() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscriptions = nil
}

// DropSubscription ends one subscription and says so to nobody.
func (t *Tenant) DropSubscription(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(s *subscription) bool { return s.id == id })
}

// Shorten lets all subscriptions end in d, which is sooner than was agreed, and
// says so to nobody.
func (t *Tenant) Shorten(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.alive() {
		s.expires = t.now().Add(d)
	}
}

// Subscriptions returns the ids of the subscriptions there are, the oldest first.
func (t *Tenant) Subscriptions() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	alive := t.alive()
	ids := make([]string, len(alive))
	for i, s := range alive {
		ids[i] = s.id
	}
	return ids
}

// Silence loses whatever is notified from now on, or ends that. What is still
// to be delivered is delivered.
func (t *Tenant) Silence(silent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.silent = silent
}
