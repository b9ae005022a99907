package renew

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"entrawebex/internal/document"
)

// LeaveFor is for how long no subscription is made after Leave: the time to take the rest
// away. One that goes on after all subscribes again then.
const LeaveFor = time.Hour

// Leaver is what leaving asks of Microsoft Graph, as Graph has it.
type Leaver interface {
	Subscriptions(ctx context.Context) ([]Subscription, error)
	DeleteSubscription(ctx context.Context, id string) error
}

// Left is a subscription of ours that ends with this system.
type Left struct {
	// Resource is users or groups, ID Graph's.
	Resource string `json:"resource"`
	ID       string `json:"id"`
}

// Ours are our subscriptions among those that Graph lists, also those of which the answer
// to their creation was lost, and those that wait to be removed.
func Ours(ctx context.Context, graph Leaver, documents document.Store) ([]Left, error) {
	existing, err := graph.Subscriptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("find our subscriptions: %w", err)
	}
	var ours []Left
	for _, resource := range Resources(true) {
		kept, err := subscription(documents, resource).Read(ctx)
		if err != nil {
			return nil, fmt.Errorf("read which subscription to %s is ours: %w", resource, err)
		}
		for _, id := range kept.all(resource, existing) {
			ours = append(ours, Left{Resource: resource, ID: id})
		}
	}
	return ours, nil
}

// all are the ids of our subscriptions to a resource.
func (r *remembered) all(resource string, existing []Subscription) []string {
	ids := slices.DeleteFunc(append(slices.Clone(r.Old), r.ID), func(id string) bool { return id == "" })
	for _, s := range existing {
		if s.on(resource) && r.Asked.made(s) && !slices.Contains(ids, s.ID) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// Leave removes our subscriptions, and has no other made for LeaveFor. It is noted before
// Graph is asked: what cannot be removed is still known as ours, and one that leaves again
// goes on.
func Leave(ctx context.Context, graph Leaver, documents document.Store, now time.Time) ([]Left, error) {
	ours, err := Ours(ctx, graph, documents)
	if err != nil {
		return nil, err
	}
	for _, resource := range Resources(true) {
		ids := idsOf(ours, resource)
		err := subscription(documents, resource).Update(ctx, func(r *remembered) (bool, error) {
			*r = remembered{Old: ids, Unwanted: true, LeftUntil: now.Add(LeaveFor).UTC()}
			return true, nil
		})
		if err != nil {
			return nil, fmt.Errorf("note that nothing is subscribed to %s any more: %w", resource, err)
		}
	}
	var removed []Left
	var refused []error // one that is, such as for want of a permission, keeps none of the others
	for _, one := range ours {
		if err := graph.DeleteSubscription(ctx, one.ID); err != nil && !gone(err) {
			refused = append(refused, fmt.Errorf("remove subscription %s to %s: %w", one.ID, one.Resource, err))
			continue
		}
		removed = append(removed, one)
		err := subscription(documents, one.Resource).Update(ctx, func(r *remembered) (bool, error) {
			r.Old = slices.DeleteFunc(r.Old, func(id string) bool { return id == one.ID })
			return true, nil
		})
		if err != nil {
			return removed, fmt.Errorf("note that subscription %s is removed: %w", one.ID, err)
		}
	}
	return removed, errors.Join(refused...)
}

func idsOf(ours []Left, resource string) []string {
	var ids []string
	for _, one := range ours {
		if one.Resource == resource {
			ids = append(ids, one.ID)
		}
	}
	return ids
}
