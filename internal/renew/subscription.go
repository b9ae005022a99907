// Package renew keeps alive what runs out by itself: subscriptions to change
// notifications and access tokens.
package renew

import "time"

// Subscription is a subscription to Graph's change notifications, by the
// names of the subscription resource (Microsoft Graph v1.0).
type Subscription struct {
	// ID is the id Graph gave it, a GUID; empty before it is created.
	ID string
	// Resource is what is watched, such as "users".
	Resource string
	// ChangeType lists the kinds of change, comma-separated. Users and groups
	// know "updated" (which creation and soft deletion are too) and "deleted".
	ChangeType string
	// NotificationURL is where the notifications are sent.
	NotificationURL string
	// LifecycleURL is where lifecycle notifications are sent. It cannot be
	// added or changed later.
	LifecycleURL string
	// ClientState is the secret every notification carries, at most 128
	// characters. It is written only: Graph does not tell it.
	ClientState string
	// ApplicationID is the app that made it; empty if Graph does not tell.
	ApplicationID string
	// ExpiresAt is when Graph ends the subscription; for users and groups at
	// most 41,760 minutes (under 29 days) ahead.
	ExpiresAt time.Time
}
