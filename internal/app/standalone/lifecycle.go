package standalone

import (
	"context"
	"errors"

	"entrawebex/internal/notification"
	"entrawebex/internal/renew"
)

// lifecycle takes what Graph says of a subscription to the loop of renew, and so wakes
// it.
type lifecycle chan []renew.Lifecycle

// Wake implements notification.Waker.
func (l lifecycle) Wake(_ context.Context, events []notification.Lifecycle) error {
	told := make([]renew.Lifecycle, len(events))
	for i, event := range events {
		told[i] = renew.Lifecycle(event)
	}
	select {
	case l <- told:
		return nil
	default:
		return errors.New("renew has not yet heard the last one")
	}
}
