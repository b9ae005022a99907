package renew

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/provision"
)

// The resources that can be subscribed to. Membership changes come with those of
// groups.
const (
	users  = "users"
	groups = "groups"
)

// Resources are what is subscribed to: groups only where they mean something.
func Resources(withGroups bool) []string {
	if withGroups {
		return []string{users, groups}
	}
	return []string{users}
}

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
	// RenewSubscription moves the end of one, which reauthorizes it too. A
	// *provision.Fault of the kind Gone if there is no such subscription.
	RenewSubscription(ctx context.Context, id string, until time.Time) (Subscription, error)
	// DeleteSubscription deletes one; that there is none is success.
	DeleteSubscription(ctx context.Context, id string) error
}

// Job keeps one subscription to changes of each resource. Where there was none
// for a time it makes a catch-up due: see CatchUps.
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

// Run makes sure that there is one subscription to each resource that delivers
// to our webhook with our clientState and has half its life before it. told is
// what Graph has said of subscriptions. A resource that fails does not keep the
// others from theirs.
//
// Where nothing is due that is one call to Graph, the list, even each minute
// (Graph allows 5,000 in 20 s): Graph does not promise to tell that a
// subscription to users or groups is removed.
func (j *Job) Run(ctx context.Context, told ...Lifecycle) error {
	failed := []error{j.heed(ctx, told)}
	existing, err := j.Graph.Subscriptions(ctx)
	if err != nil {
		return errors.Join(append(failed, fmt.Errorf("find our subscriptions: %w", err))...)
	}
	for _, resource := range j.Resources {
		failed = append(failed, j.keep(ctx, resource, existing))
	}
	return errors.Join(failed...)
}

// heed notes what events ask for, before anything that can fail: they do not
// come twice. For the catch-up it does not ask whose subscription they name:
// they carried our secret.
func (j *Job) heed(ctx context.Context, told []Lifecycle) error {
	var failed []error
	for _, event := range told {
		if event.Event == SubscriptionRemoved || event.Event == Missed {
			failed = append(failed, j.owe(ctx, "Graph says "+event.Event+" of subscription "+event.SubscriptionID))
			break
		}
	}
	for _, resource := range j.Resources {
		if len(told) == 0 {
			break
		}
		m, err := j.recall(ctx, resource)
		if err == nil && m.ID != "" && concerns(told, m.ID) {
			m.Renew = true
			err = j.remember(ctx, m)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// owe notes that a catch-up is due.
func (j *Job) owe(ctx context.Context, why string) error {
	return CatchUps{Documents: j.Documents, Now: j.Now}.Owe(ctx, why)
}

// keep looks after the subscription to one resource.
func (j *Job) keep(ctx context.Context, resource string, existing []Subscription) error {
	m, err := j.recall(ctx, resource)
	if err != nil {
		return err
	}
	wanted, secret := j.wanted(resource), hash(j.ClientState)
	m.claim(existing, wanted, secret)
	if m.ID != "" {
		if err := j.look(ctx, m, existing, wanted, secret); err != nil {
			return err
		}
	}
	if m.ID == "" {
		if err := j.create(ctx, m, existing, wanted, secret); err != nil {
			return err
		}
	}
	return j.settle(ctx, m)
}

// wanted is the subscription to a resource as it would be made now.
func (j *Job) wanted(resource string) Subscription {
	base := strings.TrimRight(j.WebhookURL, "/")
	return Subscription{
		Resource:        resource,
		ChangeType:      "updated,deleted",
		NotificationURL: base + "/notifications",
		LifecycleURL:    base + "/lifecycle",
		ClientState:     j.ClientState,
		ExpiresAt:       j.Now().Add(Lifetime).UTC().Truncate(time.Second),
	}
}

// look decides what becomes of the subscription that is ours: it is renewed if
// that is due, and no longer the one if it is gone or delivers otherwise than
// wanted. One that the list lacks is gone only if Graph says so of its very id:
// a list can be behind.
func (j *Job) look(ctx context.Context, m *memory, existing []Subscription, wanted Subscription, secret string) error {
	at := slices.IndexFunc(existing, func(s Subscription) bool { return s.ID == m.ID })
	if m.Secret != secret || at >= 0 && !existing[at].serves(wanted) {
		j.Log.InfoContext(ctx, "subscription no longer serves", "subscription", m.ID, "resource", m.resource)
		m.retire()
		return nil
	}
	if at >= 0 && existing[at].ExpiresAt.Sub(j.Now()) > Lifetime/2 && !m.Renew {
		return nil
	}
	renewed, err := j.Graph.RenewSubscription(ctx, m.ID, wanted.ExpiresAt)
	switch {
	case gone(err):
		j.Log.WarnContext(ctx, "subscription gone", "subscription", m.ID, "resource", m.resource)
		m.Gap = "the subscription " + m.ID + " to " + m.resource + " was gone"
		m.ID, m.Renew = "", false
	case err != nil:
		return fmt.Errorf("renew the subscription to %s: %w", m.resource, err)
	case !renewed.serves(wanted): // it was not in the list
		m.retire()
	default:
		m.Renew = false
		j.Log.InfoContext(ctx, "subscription renewed", "subscription", m.ID, "resource", m.resource, "until", renewed.ExpiresAt)
	}
	return nil
}

// gone reports whether err is Graph's word that there is no such subscription.
func gone(err error) bool {
	f := provision.AsFault(err)
	return f != nil && f.Kind == provision.Gone
}

// create makes the subscription. What is about to be asked for is written
// first, so that a subscription whose answer is lost is known as ours.
func (j *Job) create(ctx context.Context, m *memory, existing []Subscription, wanted Subscription, secret string) error {
	m.intend(existing, wanted, secret)
	if err := j.remember(ctx, m); err != nil {
		return err
	}
	wanted.ExpiresAt = m.Asked.ExpiresAt
	created, err := j.Graph.CreateSubscription(ctx, wanted)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", m.resource, err)
	}
	j.Log.InfoContext(ctx, "subscribed", "subscription", created.ID, "resource", m.resource, "until", created.ExpiresAt)
	m.ID, m.Secret = created.ID, secret
	return nil
}

// settle does what waits for a subscription that delivers: the catch-up after a
// time without one, and the end of those it replaces.
func (j *Job) settle(ctx context.Context, m *memory) error {
	if err := j.remember(ctx, m); err != nil {
		return err
	}
	if m.Gap != "" {
		if err := j.owe(ctx, m.Gap); err != nil {
			return err
		}
		m.Gap = ""
	}
	var failed []error
	m.Old = slices.DeleteFunc(m.Old, func(id string) bool {
		if err := j.Graph.DeleteSubscription(ctx, id); err != nil && !gone(err) {
			failed = append(failed, fmt.Errorf("remove a replaced subscription to %s: %w", m.resource, err))
			return false
		}
		j.Log.InfoContext(ctx, "subscription removed", "subscription", id, "resource", m.resource)
		return true
	})
	return errors.Join(append(failed, j.remember(ctx, m))...)
}

// serves reports whether s delivers what wanted would.
func (s Subscription) serves(wanted Subscription) bool {
	return s.on(wanted.Resource) &&
		sameKinds(s.ChangeType, wanted.ChangeType) &&
		s.NotificationURL == wanted.NotificationURL &&
		s.LifecycleURL == wanted.LifecycleURL
}

// on reports whether s is a subscription to the resource; Graph may put a slash
// before it.
func (s Subscription) on(resource string) bool {
	return strings.EqualFold(strings.Trim(s.Resource, "/"), resource)
}

// sameKinds compares two comma-separated lists of change types, whatever their
// order.
func sameKinds(a, b string) bool {
	x, y := strings.Split(a, ","), strings.Split(b, ",")
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// hash stands for a secret where it must not be kept.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
