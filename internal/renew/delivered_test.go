package renew_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/renew"
)

// counted counts the writes of documents.
type counted struct {
	document.Store

	writes int
}

func (c *counted) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	c.writes++
	return c.Store.PutDocument(ctx, name, data, version)
}

func TestWhatASubscriptionDeliveredLastIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Resources = renew.Resources(true)
	b.run()
	store := &counted{Store: b.Documents}
	began := b.now
	worked := func(d *renew.Deliveries, changes ...change.Change) { d.Worked(t.Context(), changes) }
	of := func(kind change.Kind, source change.Source, after time.Duration) change.Change {
		return change.Change{Object: change.Object{Kind: kind}, Source: source, SeenAt: began.Add(after)}
	}
	says := func(when string, users, groups time.Time, writes int) {
		t.Helper()
		states, err := renew.ReadSubscriptions(t.Context(), b.Documents)
		if err != nil || len(states) != 2 || !states[0].LastDelivery.Equal(users) || !states[1].LastDelivery.Equal(groups) || store.writes != writes {
			t.Errorf("%s: %+v, %v; %d writes", when, states, err, store.writes)
		}
	}
	d := &renew.Deliveries{Documents: store, Log: slog.New(slog.DiscardHandler)}
	worked(d, of(change.User, change.Reconcile, 0), of(change.User, change.Engine, 0))
	says("nothing was notified", time.Time{}, time.Time{}, 0)
	worked(d, of(change.User, change.Notification, 0), of(change.Group, change.Notification, time.Second), of(change.User, change.Notification, time.Second))
	says("both", began.Add(time.Second), began.Add(time.Second), 1)
	worked(d, of(change.User, change.Notification, time.Minute))
	says("within the minute", began.Add(time.Second), began.Add(time.Second), 1)
	worked(d, of(change.User, change.Notification, time.Minute+time.Second))
	says("a minute later", began.Add(time.Minute+time.Second), began.Add(time.Second), 2)
	other := &renew.Deliveries{Documents: store, Log: slog.New(slog.DiscardHandler)}
	worked(other, of(change.User, change.Notification, time.Minute), of(change.Group, change.Notification, time.Hour))
	says("another worker, of what is older and what is newer", began.Add(time.Minute+time.Second), began.Add(time.Hour), 3)
}
