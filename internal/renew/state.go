package renew

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/condition"
	"entrawebex/internal/document"
)

// SubscriptionState is what there is to tell about the subscription to a
// resource.
type SubscriptionState struct {
	// Resource is users or groups.
	Resource string `json:"resource"`
	// ID is Graph's; empty if there is no subscription.
	ID string `json:"id,omitempty"`
	// ExpiresAt is when it ends if it is not renewed; zero if that is not known.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// LastDelivery is when the last notification arrived that a worker has taken; zero
	// if that is not known.
	LastDelivery time.Time `json:"lastDelivery,omitzero"`
	// Failing says since when it cannot be made, renewed or kept, and why.
	Failing condition.Failing `json:"failing,omitzero"`
	// LeftUntil is until when none is made, since an operator has left; zero if nobody has.
	LeftUntil time.Time `json:"leftUntil,omitzero"`
}

// ReadSubscriptions reads how the subscriptions stand that were ever asked for;
// none where nothing is subscribed to.
func ReadSubscriptions(ctx context.Context, documents document.Store) ([]SubscriptionState, error) {
	var states []SubscriptionState
	delivered, err := readDelivered(ctx, documents)
	if err != nil {
		return nil, err
	}
	for _, resource := range Resources(true) {
		copied, err := subscription(documents, resource).Open(ctx)
		kept := copied.Value
		switch {
		case errors.Is(err, document.ErrMalformed):
			kept.Failing = condition.Failing{Error: "what was kept of it cannot be read"}
		case err != nil:
			return nil, fmt.Errorf("read how the subscription to %s stands: %w", resource, err)
		}
		if copied.Version == 0 || kept.Unwanted && kept.LeftUntil.IsZero() {
			continue
		}
		states = append(states, SubscriptionState{
			Resource: resource, ID: kept.ID, ExpiresAt: kept.ExpiresAt, LastDelivery: delivered[resource], Failing: kept.Failing, LeftUntil: kept.LeftUntil,
		})
	}
	return states, nil
}

func subscription(documents document.Store, resource string) document.Document[remembered] {
	return document.Document[remembered]{Store: documents, Name: "subscription " + resource}
}
