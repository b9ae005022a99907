package renew

import "slices"

// The lifecycle events (learn.microsoft.com/graph/change-notifications-lifecycle-events).
// Graph promises only the first of them for users and groups. The third, "missed",
// asks for nothing: what was missed is found by reconcile within a minute.
const (
	// ReauthorizationRequired: deliveries stop soon unless the subscription is
	// renewed.
	ReauthorizationRequired = "reauthorizationRequired"
	// SubscriptionRemoved: there is no such subscription any more.
	SubscriptionRemoved = "subscriptionRemoved"
)

// Event is what renew is started with beside its schedule. The scheduled event
// of EventBridge has no such field and says nothing.
type Event struct {
	Lifecycle []Lifecycle `json:"lifecycle"`
}

// Lifecycle is what Graph said of a subscription, verified by its clientState.
type Lifecycle struct {
	Event          string `json:"event"`
	SubscriptionID string `json:"subscriptionId"`
}

// concerns reports whether the subscription has to be renewed or looked for
// because of what was told.
func concerns(told []Lifecycle, id string) bool {
	return slices.ContainsFunc(told, func(l Lifecycle) bool {
		return l.SubscriptionID == id && (l.Event == ReauthorizationRequired || l.Event == SubscriptionRemoved)
	})
}
