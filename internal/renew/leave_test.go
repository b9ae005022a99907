package renew_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/renew"
)

func (l *life) listed() []renew.Subscription {
	l.t.Helper()
	list, err := l.graph.Subscriptions(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return list
}

func TestWhoLeavesHasNoSubscriptionsForAnHourAndLeavesThoseOfOthers(t *testing.T) {
	t.Parallel()
	l := begin(t)
	l.run()
	mine := l.subscriptions()
	stranger, err := l.graph.CreateSubscription(t.Context(), renew.Subscription{
		Resource: "users", ChangeType: "updated", ClientState: "theirs", ExpiresAt: l.now.Add(24 * time.Hour),
		NotificationURL: l.WebhookURL + "/notifications?theirs", LifecycleURL: l.WebhookURL + "/lifecycle",
	})
	if err != nil {
		t.Fatal(err)
	}
	var want []renew.Left
	for _, s := range mine {
		want = append(want, renew.Left{Resource: s.Resource, ID: s.ID})
	}
	if ours, err := renew.Ours(t.Context(), l.graph, l.Documents); err != nil || !cmp.Equal(want, ours) {
		t.Fatalf("ours are %v, %v; want %v", ours, err, want)
	}
	if left, err := renew.Leave(t.Context(), l.graph, l.Documents, l.now); err != nil || !cmp.Equal(want, left) {
		t.Fatalf("left are %v, %v; want %v", left, err, want)
	}
	for minute := time.Duration(0); minute < renew.LeaveFor; minute += 10 * time.Minute {
		l.run()
		if list := l.listed(); len(list) != 1 || list[0].ID != stranger.ID {
			t.Fatalf("after %s there are %+v", minute, list)
		}
		l.now = l.now.Add(10 * time.Minute)
	}
	states, err := renew.ReadSubscriptions(t.Context(), l.Documents)
	if err != nil || len(states) != len(mine) {
		t.Errorf("it is told of %+v, %v", states, err)
	}
	for _, s := range states {
		if s.ID != "" || !s.LeftUntil.Equal(l.now) {
			t.Errorf("it is told of %+v", s)
		}
	}
	l.run()
	if list := l.listed(); len(list) != 3 {
		t.Errorf("who goes on has %+v", list)
	}
}

// refusing refuses the first deletion.
type refusing struct {
	renew.Leaver

	refused bool
}

func (r *refusing) DeleteSubscription(ctx context.Context, id string) error {
	if !r.refused {
		r.refused = true
		return errors.New("not now")
	}
	return r.Leaver.DeleteSubscription(ctx, id)
}

func TestWhatCouldNotBeRemovedIsRemovedTheNextTime(t *testing.T) {
	t.Parallel()
	l := begin(t)
	l.run()
	graph := &refusing{Leaver: l.graph}
	if left, err := renew.Leave(t.Context(), graph, l.Documents, l.now); err == nil || !strings.Contains(err.Error(), "not now") || len(left) != 1 {
		t.Fatalf("left are %v, %v", left, err)
	}
	l.run()
	if list := l.listed(); len(list) != 1 {
		t.Fatalf("there are %+v", list)
	}
	if left, err := renew.Leave(t.Context(), graph, l.Documents, l.now); err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
	if list := l.listed(); len(list) > 0 {
		t.Errorf("there are %+v", list)
	}
}
