// Package webhook puts together what receives Graph's notifications. It links no
// more than that: the function answers within a second, cold start included.
package webhook

import (
	"context"
	"log/slog"
	"net/http"

	"entrawebex/internal/config"
	"entrawebex/internal/metric"
	"entrawebex/internal/notification"
)

// Handler serves the webhook: it gives what Graph notifies to the change queue, and
// wakes renew, unless that is nil, with what Graph says of a subscription. What comes is
// counted in counted, which may be nil. Where latest is not nil, it reads the secrets that
// notifications carry again.
func Handler(s *config.Settings, latest *config.Latest, changes notification.Enqueuer, renew notification.Waker, counted *metric.Set, log *slog.Logger) (http.Handler, error) {
	receiver, err := notification.New(notification.Config{
		ClientState:         s.Webhook.ClientState,
		PreviousClientState: s.Webhook.PreviousClientState,
		Latest:              clientStates(latest),
		TenantID:            s.Entra.TenantID,
		Queue:               changes,
		Renew:               renew,
		Observe: func(r notification.Receipt) {
			counted.Record(metric.Received, float64(r.Received))
			counted.Record(metric.Queued, float64(r.Queued))
			for why, n := range r.Dropped {
				counted.Record(metric.Dropped, float64(n), string(why))
			}
		},
		Log: log,
	})
	if err != nil {
		return nil, err
	}
	return notification.Handler(receiver), nil
}

// clientStates reads the secrets that notifications carry, at most once a minute.
func clientStates(latest *config.Latest) func(ctx context.Context) (clientState, previous string, current bool) {
	if latest == nil {
		return nil
	}
	return func(ctx context.Context) (clientState, previous string, current bool) {
		read, current := latest.Webhook(ctx)
		return read.ClientState, read.PreviousClientState, current
	}
}
