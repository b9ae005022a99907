package renew_test

import (
	"testing"
	"time"

	"entrawebex/internal/renew"
)

func TestItIsNotedWhenAllWereLastSeenAlive(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		happens func(b *bundle)
		told    []renew.Lifecycle
		alive   bool
	}{
		{"the list shows them", func(*bundle) {}, nil, true},
		{
			"the list shows them, and a renewal is refused", func(b *bundle) { b.graph.refused["subscription-1"] = errRefused },
			[]renew.Lifecycle{{Event: renew.ReauthorizationRequired, SubscriptionID: "subscription-1"}},
			true,
		},
		{"the list lacks one, and it is renewed", func(b *bundle) { b.graph.hidden = []string{"subscription-1"} }, nil, true},
		{"one was gone, and is made again", func(b *bundle) { b.graph.subscriptions = b.graph.subscriptions[1:] }, nil, true},
		{"there is no list", func(b *bundle) { b.graph.refused["list"] = errRefused }, nil, false},
		{"the list lacks one, and its renewal is refused", func(b *bundle) {
			b.graph.hidden, b.graph.refused["subscription-1"] = []string{"subscription-1"}, errRefused
		}, nil, false},
		{"one is gone, and not made again", func(b *bundle) {
			b.graph.subscriptions, b.graph.refused["users"] = b.graph.subscriptions[1:], errRefused
		}, nil, false},
		{"the secret is another, and none is made with it", func(b *bundle) {
			b.secret, b.graph.refused["users"] = "another", errRefused
		}, nil, false},
		{"the list shows one that has ended, and Graph throttles its renewal", func(b *bundle) {
			b.graph.subscriptions[0].ExpiresAt, b.graph.refused["subscription-1"] = b.now, throttled
		}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.Resources, b.Interval = renew.Resources(true), time.Minute
			b.run()
			before := b.alive()
			if !before.At.Equal(b.now) || before.Interval != time.Minute {
				t.Fatalf("after the first run %+v", before)
			}
			b.now = b.now.Add(time.Minute)
			test.happens(b)
			err := b.Run(t.Context(), test.told...)
			if got := b.alive(); got.At.Equal(b.now) != test.alive || got.At.Equal(before.At) == test.alive {
				t.Errorf("at %s it is %+v; Run returned %v", b.now, got, err)
			}
		})
	}
}

func TestANoteThatCannotBeReadSaysNothingAndIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.kept["subscriptions alive"] = noted{data: []byte("{"), version: 1}
	if a := b.alive(); !a.At.IsZero() {
		t.Errorf("%+v", a)
	}
	b.run()
	if a := b.alive(); !a.At.Equal(b.now) {
		t.Errorf("%+v", a)
	}
}

func TestWhatWasSeenTwoIntervalsAgoIsNotLately(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	a := renew.Alive{At: at, Interval: time.Hour}
	if !a.Lately(at.Add(2*time.Hour)) || a.Lately(at.Add(2*time.Hour+1)) || (renew.Alive{Interval: time.Hour}).Lately(time.Time{}) {
		t.Errorf("%+v is lately at the wrong time", a)
	}
}

func (b *bundle) alive() renew.Alive {
	b.t.Helper()
	a, err := renew.ReadAlive(b.t.Context(), b.kept)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}
