package renew_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/renew"
)

// graph keeps subscriptions as Graph does, and does not tell their clientState.
type graph struct {
	subscriptions []renew.Subscription
	states        []string
	// lost loses the answer to a create after its effect.
	lost bool
	// listed is how often they were asked for.
	listed int
	// refused are resources that cannot be subscribed to.
	refused []string
}

func (g *graph) Subscriptions(context.Context) ([]renew.Subscription, error) {
	g.listed++
	return append([]renew.Subscription(nil), g.subscriptions...), nil
}

var errRefused = errors.New("403")

var errLost = errors.New("the answer is lost")

func (g *graph) CreateSubscription(_ context.Context, s renew.Subscription) (renew.Subscription, error) {
	g.states = append(g.states, s.ClientState)
	if slices.Contains(g.refused, s.Resource) {
		return renew.Subscription{}, errRefused
	}
	s.ID, s.ClientState, s.Resource = fmt.Sprintf("subscription-%d", len(g.states)), "", "/"+s.Resource
	g.subscriptions = append(g.subscriptions, s)
	if g.lost {
		return renew.Subscription{}, errLost
	}
	return s, nil
}

// documents is optimistic concurrency over one map.
type documents map[string]struct {
	data    []byte
	version int64
}

var errConflict = errors.New("conflict")

func (d documents) Document(_ context.Context, name string) ([]byte, int64, error) {
	return d[name].data, d[name].version, nil
}

func (d documents) PutDocument(_ context.Context, name string, data []byte, version int64) error {
	stored := d[name]
	if stored.version != version {
		return errConflict
	}
	stored.data, stored.version = data, version+1
	d[name] = stored
	return nil
}

func setup() (*renew.Job, *graph) {
	g := &graph{}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return &renew.Job{
		Graph: g, Documents: documents{}, Resources: []string{"users"}, WebhookURL: "https://hooks.example.com/base/", ClientState: "s3cret",
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}, g
}

func run(t *testing.T, j *renew.Job) {
	t.Helper()
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTheSubscriptionIsMadeWithBothAddressesAndTheSecret(t *testing.T) {
	t.Parallel()
	j, g := setup()
	run(t, j)
	want := []renew.Subscription{{
		ID: "subscription-1", Resource: "/users", ChangeType: "updated,deleted",
		NotificationURL: "https://hooks.example.com/base/notifications",
		LifecycleURL:    "https://hooks.example.com/base/lifecycle",
		ExpiresAt:       j.Now().Add(41_700 * time.Minute),
	}}
	if diff := cmp.Diff(want, g.subscriptions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"s3cret"}, g.states); diff != "" {
		t.Error(diff)
	}
}

func TestASubscriptionIsFoundAgainInsteadOfDoubled(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*renew.Job, *graph){
		"by the next run": func(*renew.Job, *graph) {},
		"though Graph turned its change types around": func(_ *renew.Job, g *graph) {
			g.subscriptions[0].ChangeType = "deleted,updated"
		},
		"beside those of others": func(_ *renew.Job, g *graph) {
			g.subscriptions = append([]renew.Subscription{{ID: "theirs", Resource: "users"}}, g.subscriptions...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, g := setup()
			run(t, j)
			between(j, g)
			run(t, j)
			if len(g.states) != 1 {
				t.Errorf("made %d subscriptions", len(g.states))
			}
		})
	}
}

func TestASubscriptionWhoseAnswerWasLostIsFoundAgain(t *testing.T) {
	t.Parallel()
	j, g := setup()
	g.lost = true
	if err := j.Run(t.Context()); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	g.lost = false
	run(t, j)
	run(t, j)
	if len(g.states) != 1 {
		t.Errorf("made %d subscriptions", len(g.states))
	}
}

func TestASubscriptionThatDoesNotServeIsReplaced(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*renew.Job, *graph){
		"it is gone":                  func(_ *renew.Job, g *graph) { g.subscriptions = nil },
		"it has run out":              func(j *renew.Job, g *graph) { g.subscriptions[0].ExpiresAt = j.Now() },
		"the webhook has moved":       func(j *renew.Job, _ *graph) { j.WebhookURL = "https://new.example.com" },
		"the clientState has changed": func(j *renew.Job, _ *graph) { j.ClientState = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, g := setup()
			run(t, j)
			change(j, g)
			run(t, j)
			run(t, j)
			if len(g.states) != 2 || g.states[1] != j.ClientState {
				t.Errorf("made subscriptions with %q", g.states)
			}
		})
	}
}

func TestEachResourceHasASubscriptionOfItsOwn(t *testing.T) {
	t.Parallel()
	j, g := setup()
	j.Resources = renew.Resources()
	run(t, j)
	run(t, j)
	if g.listed != 2 {
		t.Errorf("two runs listed the subscriptions %d times, want once each", g.listed)
	}
	var got []string
	for _, s := range g.subscriptions {
		got = append(got, s.Resource)
	}
	if diff := cmp.Diff([]string{"/users", "/groups"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAResourceThatIsRefusedKeepsNoOtherFromItsSubscription(t *testing.T) {
	t.Parallel()
	j, g := setup()
	j.Resources = renew.Resources()
	g.refused = []string{"users"}
	if err := j.Run(t.Context()); !errors.Is(err, errRefused) {
		t.Errorf("Run returned %v", err)
	}
	if len(g.subscriptions) != 1 || g.subscriptions[0].Resource != "/groups" {
		t.Errorf("subscribed to %v", g.subscriptions)
	}
}
