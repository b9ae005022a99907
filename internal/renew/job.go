package renew

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Resources are what is subscribed to. Membership changes come with those of
// groups.
func Resources() []string { return []string{"users", "groups"} }

// Lifetime is how long a subscription is asked for: just under the 41,760
// minutes that Graph allows for users and groups (subscription
// resource, "Subscription lifetime").
const Lifetime = 41_700 * time.Minute

// Graph is what the job asks of Microsoft Graph.
type Graph interface {
	// Subscriptions lists the subscriptions of this app.
	Subscriptions(ctx context.Context) ([]Subscription, error)
	// CreateSubscription makes one; Graph calls both its addresses before it
	// answers.
	CreateSubscription(ctx context.Context, s Subscription) (Subscription, error)
}

// Documents keep which subscription is ours.
type Documents interface {
	Document(ctx context.Context, name string) (data []byte, version int64, err error)
	PutDocument(ctx context.Context, name string, data []byte, version int64) error
}

// Job keeps a subscription to changes of each resource.
type Job struct {
	Graph     Graph
	Documents Documents
	// Resources are what to subscribe to, such as "users".
	Resources []string
	// WebhookURL is the public base URL of the webhook.
	WebhookURL string
	// ClientState is the secret the notifications shall carry.
	ClientState string
	Now         func() time.Time
	Log         *slog.Logger
}

// document is the name under which the subscription to a resource is
// remembered.
func document(resource string) string { return "subscription " + resource }

// remembered is what is kept of our subscription. It is written before the
// subscription is created, without an id: should this process end before it
// learns the id, the next one knows that the one it finds is ours.
type remembered struct {
	ID string `json:"id,omitempty"`
	// Secret is a hash of the clientState, which Graph does not tell.
	Secret string `json:"secret"`
}

// Run makes sure that there is a subscription to each resource that delivers
// to our webhook with our clientState. One that is there is found again, not
// doubled; a resource that fails does not keep the others from theirs.
func (j *Job) Run(ctx context.Context) error {
	existing, err := j.Graph.Subscriptions(ctx)
	if err != nil {
		return fmt.Errorf("find our subscriptions: %w", err)
	}
	var failed []error
	for _, resource := range j.Resources {
		if err := j.subscribe(ctx, resource, existing); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (j *Job) subscribe(ctx context.Context, resource string, existing []Subscription) error {
	wanted := Subscription{
		Resource:        resource,
		ChangeType:      "updated,deleted",
		NotificationURL: strings.TrimRight(j.WebhookURL, "/") + "/notifications",
		LifecycleURL:    strings.TrimRight(j.WebhookURL, "/") + "/lifecycle",
		ClientState:     j.ClientState,
		ExpiresAt:       j.Now().Add(Lifetime).UTC().Truncate(time.Second),
	}
	hash := sha256.Sum256([]byte(j.ClientState))
	secret := hex.EncodeToString(hash[:])

	known, version, err := j.recall(ctx, resource)
	if err != nil {
		return err
	}
	if known.Secret == secret {
		for _, s := range existing {
			if s.serves(wanted, j.Now()) && (known.ID == "" || known.ID == s.ID) {
				return j.remember(ctx, resource, remembered{ID: s.ID, Secret: secret}, known, version)
			}
		}
	}
	intent := remembered{Secret: secret}
	if err := j.remember(ctx, resource, intent, known, version); err != nil {
		return err
	}
	created, err := j.Graph.CreateSubscription(ctx, wanted)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", resource, err)
	}
	j.Log.InfoContext(ctx, "subscribed", "subscription", created.ID, "resource", wanted.Resource, "until", created.ExpiresAt)
	if _, version, err = j.recall(ctx, resource); err != nil {
		return err
	}
	return j.remember(ctx, resource, remembered{ID: created.ID, Secret: secret}, intent, version)
}

// serves reports whether s is alive and delivers what wanted would.
func (s Subscription) serves(wanted Subscription, now time.Time) bool {
	return strings.EqualFold(strings.Trim(s.Resource, "/"), wanted.Resource) &&
		sameKinds(s.ChangeType, wanted.ChangeType) &&
		s.NotificationURL == wanted.NotificationURL &&
		s.LifecycleURL == wanted.LifecycleURL &&
		s.ExpiresAt.After(now)
}

// sameKinds compares two comma-separated lists of change types, whatever their
// order.
func sameKinds(a, b string) bool {
	x, y := strings.Split(a, ","), strings.Split(b, ",")
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func (j *Job) recall(ctx context.Context, resource string) (remembered, int64, error) {
	data, version, err := j.Documents.Document(ctx, document(resource))
	if err != nil {
		return remembered{}, 0, fmt.Errorf("read which subscription to %s is ours: %w", resource, err)
	}
	var r remembered
	if version == 0 {
		return r, 0, nil
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, 0, fmt.Errorf("read which subscription to %s is ours: %w", resource, err)
	}
	return r, version, nil
}

func (j *Job) remember(ctx context.Context, resource string, r, known remembered, version int64) error {
	if r == known {
		return nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("remember the subscription to %s: %w", resource, err)
	}
	if err := j.Documents.PutDocument(ctx, document(resource), data, version); err != nil {
		return fmt.Errorf("remember the subscription to %s: %w", resource, err)
	}
	return nil
}
