package renew_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

// graph keeps subscriptions as Graph does, and does not tell their clientState.
type graph struct {
	now           func() time.Time
	subscriptions []renew.Subscription
	// made are the clientStates of all that were created.
	made []string
	// calls are all calls but the list, in order.
	calls []string
	// listed is how often they were asked for.
	listed int
	// lost is how many answers to a create are lost after its effect.
	lost int
	// refused is what a call on a resource or an id is refused with.
	refused map[string]error
	// unlisted are subscriptions that no list has.
	unlisted []renew.Subscription
	// hidden are ids that the list lacks, as a replica that is behind does.
	hidden []string
}

func (g *graph) Subscriptions(context.Context) ([]renew.Subscription, error) {
	g.listed++
	if err := g.refused["list"]; err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(g.subscriptions), func(s renew.Subscription) bool { return slices.Contains(g.hidden, s.ID) }), nil
}

var (
	errRefused = errors.New("403")
	errLost    = errors.New("the answer is lost")
	throttled  = &provision.Fault{Kind: provision.Throttled, Reason: "429"}
)

func (g *graph) CreateSubscription(_ context.Context, s renew.Subscription) (renew.Subscription, error) {
	g.calls = append(g.calls, "create "+s.Resource)
	if err := g.refused[s.Resource]; err != nil {
		return renew.Subscription{}, err
	}
	g.made = append(g.made, s.ClientState)
	s.ID, s.ClientState, s.Resource = fmt.Sprintf("subscription-%d", len(g.made)), "", "/"+s.Resource
	g.subscriptions = append(g.subscriptions, s)
	if g.lost > 0 {
		g.lost--
		return renew.Subscription{}, errLost
	}
	return s, nil
}

func (g *graph) Subscription(_ context.Context, id string) (renew.Subscription, error) {
	g.calls = append(g.calls, "read "+id)
	if err := g.refused["read "+id]; err != nil {
		return renew.Subscription{}, err
	}
	for _, s := range append(slices.Clone(g.subscriptions), g.unlisted...) {
		if s.ID == id {
			return s, nil
		}
	}
	return renew.Subscription{}, provision.Answered(provision.Gone, "there is no "+id, nil)
}

func (g *graph) RenewSubscription(_ context.Context, id string, until time.Time) (renew.Subscription, error) {
	g.calls = append(g.calls, "renew "+id)
	if err := g.refused[id]; err != nil {
		return renew.Subscription{}, err
	}
	for i := range g.subscriptions {
		if s := &g.subscriptions[i]; s.ID == id && s.ExpiresAt.After(g.now()) {
			s.ExpiresAt = until
			return *s, nil
		}
	}
	return renew.Subscription{}, provision.Answered(provision.Gone, "there is no "+id, nil)
}

func (g *graph) DeleteSubscription(_ context.Context, id string) error {
	g.calls = append(g.calls, "delete "+id)
	if err := g.refused["delete "+id]; err != nil {
		return err
	}
	g.subscriptions = slices.DeleteFunc(g.subscriptions, func(s renew.Subscription) bool { return s.ID == id })
	return nil
}

func (g *graph) ids() string {
	var ids []string
	for _, s := range g.subscriptions {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " ")
}

// documents is optimistic concurrency over one map.
type documents map[string]noted

type noted struct {
	data    []byte
	version int64
}

var errConflict = errors.New("conflict")

func (d documents) Document(_ context.Context, name string) ([]byte, int64, error) {
	return d[name].data, d[name].version, nil
}

func (d documents) PutDocument(_ context.Context, name string, data []byte, version int64) error {
	if d[name].version != version {
		return errConflict
	}
	d[name] = noted{data: data, version: version + 1}
	return nil
}

// bundle is a job, what it works on, and its clock.
type bundle struct {
	*renew.Job

	t     *testing.T
	graph *graph
	kept  documents
	log   journal
	now   time.Time
	// secret is what notifications shall carry.
	secret string
}

// journal is the log of a job.
type journal struct{ lines bytes.Buffer }

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(&j.lines, nil)) }

// lost is how a subscription was lost, or which was in the way, since it was last
// asked; empty if none was.
func (j *journal) lost(t *testing.T) string {
	t.Helper()
	var found []string
	for lines := json.NewDecoder(&j.lines); ; {
		var line struct{ Msg, Subscription, Resource, Reason string }
		err := lines.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			return strings.Join(found, "; ")
		case err != nil:
			t.Fatal(err)
		case line.Msg == "subscription lost":
			found = append(found, line.Subscription+" to "+line.Resource+" "+line.Reason)
		case strings.Contains(line.Msg, "in the way"):
			found = append(found, line.Subscription+" to "+line.Resource+" was in the way")
		}
	}
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, secret: "s3cret", kept: documents{}, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return b.now }
	b.graph = &graph{now: clock, refused: map[string]error{}}
	b.Job = &renew.Job{
		Graph: b.graph, Documents: b.kept, Resources: []string{"users"}, WebhookURL: "https://hooks.example.com/base/",
		ClientState: func(context.Context) string { return b.secret }, Now: clock, Log: b.log.logger(),
	}
	return b
}

// run runs the job and forgets the calls before.
func (b *bundle) run(told ...renew.Lifecycle) {
	b.t.Helper()
	b.graph.calls = nil
	if err := b.Run(b.t.Context(), told...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) wantCalls(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.graph.calls); diff != "" {
		b.t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestTheSubscriptionIsMadeWithBothAddressesAndTheSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run()
	want := []renew.Subscription{{
		ID: "subscription-1", Resource: "/users", ChangeType: "updated,deleted",
		NotificationURL: "https://hooks.example.com/base/notifications",
		LifecycleURL:    "https://hooks.example.com/base/lifecycle",
		ExpiresAt:       b.now.Add(41_700 * time.Minute),
	}}
	if diff := cmp.Diff(want, b.graph.subscriptions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"s3cret"}, b.graph.made); diff != "" {
		t.Error(diff)
	}
	if how := b.log.lost(t); how != "" {
		t.Errorf("at the very first one is lost: %s", how)
	}
}

func TestWhereNothingIsDueARunIsOneCallAndNotesOnlyThatItIsAlive(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*bundle){
		"a minute later": func(b *bundle) { b.now = b.now.Add(time.Minute) },
		"just before half of its life": func(b *bundle) {
			b.now = b.now.Add(renew.Lifetime/2 - time.Second)
		},
		"though Graph turned its change types around": func(b *bundle) {
			b.graph.subscriptions[0].ChangeType = "deleted,updated"
		},
		"beside those of others": func(b *bundle) {
			b.graph.subscriptions = append([]renew.Subscription{{ID: "theirs", Resource: "users"}}, b.graph.subscriptions...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.run()
			between(b)
			before := maps.Clone(b.kept)
			b.run()
			b.wantCalls()
			if b.graph.listed != 2 {
				t.Errorf("two runs listed the subscriptions %d times", b.graph.listed)
			}
			after := maps.Clone(b.kept)
			delete(before, "subscriptions alive")
			delete(after, "subscriptions alive")
			if diff := cmp.Diff(before, after, cmp.AllowUnexported(noted{})); diff != "" {
				t.Errorf("written (-before +after):\n%s", diff)
			}
		})
	}
}

func TestASubscriptionIsRenewedAtHalfOfItsLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run()
	for range 3 {
		b.now = b.now.Add(renew.Lifetime / 2)
		b.run()
		b.wantCalls("renew subscription-1")
		if until := b.graph.subscriptions[0].ExpiresAt; !until.Equal(b.now.Add(renew.Lifetime)) {
			t.Errorf("it ends at %s", until)
		}
	}
	if how := b.log.lost(t); how != "" {
		t.Errorf("lost: %s", how)
	}
}

func TestASubscriptionThatIsGoneIsMadeAgainAndToldAsLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*bundle){
		"dropped in silence": func(b *bundle) { b.graph.subscriptions = nil },
		"run out":            func(b *bundle) { b.now = b.now.Add(renew.Lifetime) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.run()
			lose(b)
			b.run()
			b.wantCalls("renew subscription-1", "create users")
			if how := b.log.lost(t); how != "subscription-1 to users was gone" {
				t.Errorf("lost: %q", how)
			}
			b.run()
			b.wantCalls()
		})
	}
}

func TestALostSubscriptionIsToldOnceAndMadeAsSoonAsThatIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run()
	b.graph.subscriptions, b.graph.refused["users"] = nil, errRefused
	for range 2 {
		if err := b.Run(t.Context()); !errors.Is(err, errRefused) {
			t.Fatalf("Run returned %v", err)
		}
	}
	clear(b.graph.refused)
	b.run()
	b.wantCalls("create users")
	if how := b.log.lost(t); how != "subscription-1 to users was gone" {
		t.Errorf("lost: %q", how)
	}
}

func TestASubscriptionThatTheListLacksForAMomentIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run()
	b.graph.hidden = []string{"subscription-1"}
	b.run()
	b.wantCalls("renew subscription-1")
	if how := b.log.lost(t); how != "" || b.graph.ids() != "subscription-1" {
		t.Errorf("there are %s, lost %q", b.graph.ids(), how)
	}
}

func TestASubscriptionWhoseAnswerWasLostIsFoundAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.graph.lost = 1
	if err := b.Run(t.Context()); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	for range 2 {
		b.now = b.now.Add(time.Minute)
		b.run()
		b.wantCalls()
	}
}

func TestDuplicatesOfRunsThatWereInterruptedAreRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.graph.lost = 2
	b.graph.hidden = []string{"subscription-1", "subscription-2"}
	for range 2 {
		if err := b.Run(t.Context()); !errors.Is(err, errLost) {
			t.Fatal(err)
		}
		b.now = b.now.Add(time.Minute)
	}
	b.run() // makes a third
	b.graph.hidden = nil
	b.now = b.now.Add(time.Hour)
	b.run()
	b.wantCalls("delete subscription-1", "delete subscription-2")
	if b.graph.ids() != "subscription-3" {
		t.Errorf("left are %s", b.graph.ids())
	}
}

func TestASubscriptionOfOthersIsLeftAloneHoweverAlike(t *testing.T) {
	t.Parallel()
	for name, differ := range map[string]func(*renew.Subscription){
		"it was there before":     func(s *renew.Subscription) { s.ID = "before" },
		"it ends at another time": func(s *renew.Subscription) { s.ExpiresAt = s.ExpiresAt.Add(-2 * time.Second) },
		"it delivers elsewhere":   func(s *renew.Subscription) { s.NotificationURL = "https://others.example.com/notifications" },
		"it is to groups":         func(s *renew.Subscription) { s.Resource = "groups" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			theirs := renew.Subscription{
				ID: "theirs", Resource: "users", ChangeType: "updated,deleted", ExpiresAt: b.now.Add(renew.Lifetime),
				NotificationURL: "https://hooks.example.com/base/notifications", LifecycleURL: "https://hooks.example.com/base/lifecycle",
			}
			differ(&theirs)
			if theirs.ID == "before" {
				b.graph.subscriptions = []renew.Subscription{theirs}
			}
			b.run()
			if theirs.ID != "before" {
				b.graph.subscriptions = append(b.graph.subscriptions, theirs)
			}
			b.run()
			b.wantCalls()
			if len(b.graph.subscriptions) != 2 {
				t.Errorf("left are %s", b.graph.ids())
			}
		})
	}
}

func TestANewAddressOrSecretMeansANewSubscriptionBeforeTheOldOneGoes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bundle){
		"the webhook has moved":        func(b *bundle) { b.WebhookURL = "https://new.example.com" },
		"the clientState has changed":  func(b *bundle) { b.secret = "another" },
		"Graph sends one kind no more": func(b *bundle) { b.graph.subscriptions[0].ChangeType = "updated" },
		"it moved and the list is behind": func(b *bundle) {
			b.WebhookURL, b.graph.hidden = "https://new.example.com", []string{"subscription-1"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.run()
			change(b)
			b.graph.refused["users"] = errRefused
			if err := b.Run(t.Context()); !errors.Is(err, errRefused) || b.graph.ids() != "subscription-1" {
				t.Errorf("Run returned %v and left %s", err, b.graph.ids())
			}
			clear(b.graph.refused)
			b.run()
			b.wantCalls("create users", "delete subscription-1")
			b.run()
			b.wantCalls()
			if how := b.log.lost(t); b.graph.made[1] != b.secret || how != "" {
				t.Errorf("made with %q, lost %q", b.graph.made, how)
			}
		})
	}
}

func TestAnOldSubscriptionThatCannotBeRemovedIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run()
	b.secret = "another"
	b.graph.refused["delete subscription-1"] = errRefused
	if err := b.Run(t.Context()); !errors.Is(err, errRefused) {
		t.Errorf("Run returned %v", err)
	}
	clear(b.graph.refused)
	b.run()
	b.wantCalls("delete subscription-1")
}

func TestACreationThatWasLostWithAnOldSecretGoesWhenThereIsANewOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.graph.lost = 1
	if err := b.Run(t.Context()); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	b.secret = "another"
	b.run()
	b.wantCalls("create users", "delete subscription-1")
}

func TestLifecycleEventsAreFollowedAtOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, event, id string
		lose            bool
		calls           []string
		lost            string
	}{
		{"reauthorizationRequired renews", "reauthorizationRequired", "subscription-1", false, []string{"renew subscription-1"}, ""},
		{"of another's subscription it does nothing", "reauthorizationRequired", "theirs", false, nil, ""},
		{
			"subscriptionRemoved makes it again", "subscriptionRemoved", "subscription-1", true,
			[]string{"renew subscription-1", "create users"},
			"subscription-1 to users was gone",
		},
		{
			"one that is there after all is kept", "subscriptionRemoved", "subscription-1", false,
			[]string{"renew subscription-1"},
			"",
		},
		{"missed asks for nothing", "missed", "subscription-1", false, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.run()
			if test.lose {
				b.graph.subscriptions = nil
			}
			b.run(renew.Lifecycle{Event: test.event, SubscriptionID: test.id})
			b.wantCalls(test.calls...)
			if how := b.log.lost(t); how != test.lost {
				t.Errorf("lost: %q, want %q", how, test.lost)
			}
		})
	}
}

func TestARenewalThatGraphAskedForIsTriedUntilItIsDone(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"list", "subscription-1"} {
		b := setup(t)
		b.run()
		b.graph.refused[failing] = errRefused
		err := b.Run(t.Context(), renew.Lifecycle{Event: renew.ReauthorizationRequired, SubscriptionID: "subscription-1"})
		if !errors.Is(err, errRefused) {
			t.Errorf("Run returned %v", err)
		}
		clear(b.graph.refused)
		b.run()
		b.wantCalls("renew subscription-1")
		b.run()
		b.wantCalls()
	}
}

func TestTheScheduledEventSaysNothingOfSubscriptions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../events/eventbridge-scheduled.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{string(text), "{}"} {
		var event renew.Event
		if err := json.Unmarshal([]byte(payload), &event); err != nil || len(event.Lifecycle) > 0 {
			t.Errorf("%+v, %v", event, err)
		}
	}
}

func TestEachResourceHasASubscriptionOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Resources = renew.Resources(true)
	b.run()
	b.run()
	if b.graph.listed != 2 {
		t.Errorf("two runs listed the subscriptions %d times, want once each", b.graph.listed)
	}
	var got []string
	for _, s := range b.graph.subscriptions {
		got = append(got, s.Resource)
	}
	if diff := cmp.Diff([]string{"/users", "/groups"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAResourceThatIsRefusedKeepsNoOtherFromItsSubscription(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Resources = renew.Resources(true)
	b.graph.refused["users"] = errRefused
	if err := b.Run(t.Context()); !errors.Is(err, errRefused) {
		t.Errorf("Run returned %v", err)
	}
	if len(b.graph.subscriptions) != 1 || b.graph.subscriptions[0].Resource != "/groups" {
		t.Errorf("subscribed to %v", b.graph.subscriptions)
	}
}

func TestOfTwoRunsAtTheSameTimeOneMakesTheSubscription(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := *b.Job
	other.Documents = stale{b.kept} // read before the first wrote
	b.run()
	if err := other.Run(t.Context()); !errors.Is(err, errConflict) {
		t.Errorf("Run returned %v", err)
	}
	if len(b.graph.made) != 1 {
		t.Errorf("made %d subscriptions", len(b.graph.made))
	}
}

// stale are documents as they were before there were any.
type stale struct{ documents }

func (s stale) Document(context.Context, string) ([]byte, int64, error) { return nil, 0, nil }

// They noted why changes were missed, and that a catch-up was due.
func TestWhatOlderVersionsNotedBesideIsIgnored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run()
	old := b.kept["subscription users"]
	old.data = append(bytes.TrimSuffix(old.data, []byte("}")), `,"gap":"the subscription s to users was gone"}`...)
	b.kept["subscription users"] = old
	b.kept["catch-up"] = noted{data: []byte(`{"since":"2026-03-02T09:00:00Z","why":"it was gone"}`), version: 7}
	b.run()
	b.wantCalls()
	if b.kept["catch-up"].version != 7 || b.log.lost(t) != "" {
		t.Errorf("kept %+v", b.kept)
	}
}
