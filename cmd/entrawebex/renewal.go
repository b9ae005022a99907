package main

import (
	"context"
	"errors"

	"entrawebex/internal/notification"
	"entrawebex/internal/renew"
)

// bell wakes the loop of renew when Graph says something of a subscription.
type bell chan []renew.Lifecycle

// Wake implements notification.Waker.
func (b bell) Wake(_ context.Context, events []notification.Lifecycle) error {
	told := make([]renew.Lifecycle, len(events))
	for i, event := range events {
		told[i] = renew.Lifecycle(event)
	}
	select {
	case b <- told:
		return nil
	default:
		return errors.New("renew has not yet heard the last one")
	}
}
