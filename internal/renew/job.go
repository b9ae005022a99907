package renew

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/condition"
	"entrawebex/internal/document"
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

const (
	// patience is how long something may be refused before it counts as gone, and
	// the time within which only few subscriptions are made.
	patience = time.Hour
	// few is how many of one resource are made within that time.
	few = 4
)

// Graph is what the job asks of Microsoft Graph.
type Graph interface {
	// Subscriptions lists the subscriptions of this app.
	Subscriptions(ctx context.Context) ([]Subscription, error)
	// Subscription reads one. A *provision.Fault of the kind Gone if there is no
	// such subscription, or none that this app may see.
	Subscription(ctx context.Context, id string) (Subscription, error)
	// CreateSubscription makes one; Graph calls both its addresses before it
	// answers. An *InUse where Graph names another that is in the way.
	CreateSubscription(ctx context.Context, s Subscription) (Subscription, error)
	// RenewSubscription moves the end of one, which reauthorizes it too. A
	// *provision.Fault of the kind Gone if there is no such subscription.
	RenewSubscription(ctx context.Context, id string, until time.Time) (Subscription, error)
	// DeleteSubscription deletes one; that there is none is success.
	DeleteSubscription(ctx context.Context, id string) error
}

// Job keeps one subscription to changes of each resource. What is missed while
// there is none needs nothing of it: reconcile looks every minute anyway.
type Job struct {
	Graph     Graph
	Documents document.Store
	// Resources are what to subscribe to, such as "users".
	Resources []string
	// WebhookURL is the public base URL of the webhook.
	WebhookURL string
	// ClientState is the secret the notifications shall carry, as it is now.
	ClientState func(ctx context.Context) string
	// Interval is the time between two scheduled runs, by which a reader of Alive
	// knows that they have ceased.
	Interval time.Duration
	Now      func() time.Time
	Log      *slog.Logger
}

// Run makes sure that there is one subscription to each resource that delivers
// to our webhook with our clientState and has half its life before it. told is
// what Graph has said of subscriptions. A resource that fails does not keep the
// others from theirs.
//
// Where nothing is due that is one call to Graph, the list, even each minute
// (Graph allows 5,000 in 20 s): Graph does not promise to tell that a
// subscription to users or groups is removed. Where all are alive, it notes when
// that was seen.
func (j *Job) Run(ctx context.Context, told ...Lifecycle) error {
	failed := []error{j.heed(ctx, told)}
	existing, err := j.Graph.Subscriptions(ctx)
	if err != nil {
		err = fmt.Errorf("find our subscriptions: %w", err)
		failed = append(failed, err)
	}
	alive := err == nil
	for _, resource := range Resources(true) {
		switch wanted := slices.Contains(j.Resources, resource); {
		case err != nil && wanted:
			failed = append(failed, j.fails(ctx, resource, err))
		case err != nil:
		case wanted:
			seen, err := j.look(ctx, resource, existing)
			alive = alive && seen
			failed = append(failed, err)
		default:
			failed = append(failed, j.drop(ctx, resource))
		}
	}
	if alive {
		failed = append(failed, j.noteAlive(ctx))
	}
	return errors.Join(failed...)
}

// look looks after the subscription to one resource, and keeps what that fails
// with for as long as it does. alive says that Graph has just shown, given or
// renewed it.
func (j *Job) look(ctx context.Context, resource string, existing []Subscription) (alive bool, err error) {
	m, err := j.recall(ctx, resource)
	if err != nil {
		return false, errors.Join(err, j.fails(ctx, resource, err))
	}
	if j.Now().Before(m.LeftUntil) {
		return false, nil
	}
	err = j.keep(ctx, m, existing)
	if err != nil || m.Failing != (condition.Failing{}) {
		err = errors.Join(err, j.fails(ctx, resource, err))
	}
	return m.alive && m.ID != "", err
}

// fails notes that a resource cannot be looked after because of err, or can if
// it is nil.
func (j *Job) fails(ctx context.Context, resource string, err error) error {
	m, failed := j.recall(ctx, resource)
	if failed != nil {
		return failed
	}
	m.Failing = m.Failing.With(err, j.Now())
	return j.remember(ctx, m)
}

// drop removes our subscription to a resource that means nothing any more. What
// cannot be removed ends by itself.
func (j *Job) drop(ctx context.Context, resource string) error {
	m, err := j.recall(ctx, resource)
	if err != nil || m.kept.Version == 0 || m.Unwanted {
		return err
	}
	for _, id := range append(m.Old, m.ID) {
		if id == "" {
			continue
		}
		if err := j.Graph.DeleteSubscription(ctx, id); err != nil && !gone(err) {
			j.Log.WarnContext(ctx, "a subscription that is not wanted stays until it ends", "subscription", id, "resource", resource, "error", err)
		}
	}
	m.remembered = remembered{Unwanted: true}
	return j.remember(ctx, m)
}

// heed notes the renewals that events ask for, before anything that can fail: they
// do not come twice.
func (j *Job) heed(ctx context.Context, told []Lifecycle) error {
	if len(told) == 0 {
		return nil
	}
	var failed []error
	for _, resource := range j.Resources {
		failed = append(failed, j.askRenewal(ctx, resource, told))
	}
	return errors.Join(failed...)
}

// askRenewal notes that Graph asked for the renewal of our subscription, also
// while another run works on it.
func (j *Job) askRenewal(ctx context.Context, resource string, told []Lifecycle) error {
	err := subscription(j.Documents, resource).Update(ctx, func(r *remembered) (bool, error) {
		asked := r.ID != "" && concerns(told, r.ID)
		r.Renew = r.Renew || asked
		return asked, nil
	})
	if err != nil {
		return fmt.Errorf("note that the subscription to %s is to be renewed: %w", resource, err)
	}
	return nil
}

// keep makes sure that there is a subscription to one resource.
func (j *Job) keep(ctx context.Context, m *memory, existing []Subscription) error {
	m.Unwanted, m.LeftUntil = false, time.Time{}
	wanted := j.wanted(ctx, m.resource)
	secret := hash(wanted.ClientState)
	m.claim(existing, wanted, secret, j.Now())
	var told, err error
	if m.ID != "" {
		if told, err = j.tend(ctx, m, existing, wanted, secret); err != nil {
			return err
		}
	}
	if m.ID == "" {
		if err := j.create(ctx, m, existing, wanted, secret); err != nil {
			return err
		}
	}
	return errors.Join(told, j.settle(ctx, m, existing))
}

// wanted is the subscription to a resource as it would be made now.
func (j *Job) wanted(ctx context.Context, resource string) Subscription {
	base := strings.TrimRight(j.WebhookURL, "/")
	return Subscription{
		Resource:        resource,
		ChangeType:      "updated,deleted",
		NotificationURL: base + "/notifications",
		LifecycleURL:    base + "/lifecycle",
		ClientState:     j.ClientState(ctx),
		ExpiresAt:       j.Now().Add(Lifetime).UTC().Truncate(time.Second),
	}
}

// tend decides what becomes of the subscription that is ours: it is renewed if
// that is due, and no longer the one if it is gone or delivers otherwise than
// wanted. One that the list lacks is gone only if Graph says so of its very id:
// a list can be behind. told is what does not end the run.
func (j *Job) tend(ctx context.Context, m *memory, existing []Subscription, wanted Subscription, secret string) (told, err error) {
	at := slices.IndexFunc(existing, func(s Subscription) bool { return s.ID == m.ID })
	if at >= 0 {
		m.ends(existing[at].ExpiresAt)
		m.alive = m.ExpiresAt.IsZero() || m.ExpiresAt.After(j.Now())
	}
	if m.Secret != secret || m.wishes(wanted) || at >= 0 && !m.serves(existing[at], wanted) {
		return j.replace(ctx, m), nil
	}
	if at >= 0 && !m.Renew && !m.halfOver(j.Now()) {
		m.RefusedSince = time.Time{}
		return nil, nil
	}
	renewed, err := j.Graph.RenewSubscription(ctx, m.ID, wanted.ExpiresAt)
	switch {
	case gone(err):
		j.lose(ctx, m, "was gone")
		return nil, nil
	case err != nil:
		return nil, j.refused(ctx, m, err)
	}
	m.granted(cmp.Or(renewed.ExpiresAt, wanted.ExpiresAt), j.Now())
	if !m.serves(renewed, wanted) { // it was not in the list
		return j.replace(ctx, m), nil
	}
	m.Renew = false
	j.Log.InfoContext(ctx, "subscription renewed", "subscription", m.ID, "resource", m.resource, "until", m.ExpiresAt)
	return nil, nil
}

// refused decides about a renewal that was refused, in whatever way: past its end
// a subscription is gone, and so is one that is refused for an hour while Graph
// answers otherwise, as it did to the list just now. Graph has been seen to answer
// 401 and 500 of subscriptions that are no more.
func (j *Job) refused(ctx context.Context, m *memory, err error) error {
	if provision.AsFault(err).Kind.Policy().Retry == provision.AsAsked {
		return fmt.Errorf("renew the subscription to %s: %w", m.resource, err)
	}
	if m.RefusedSince.IsZero() {
		m.RefusedSince = j.Now().UTC()
	}
	ended := !m.ExpiresAt.IsZero() && j.Now().After(m.ExpiresAt)
	if !ended && j.Now().Sub(m.RefusedSince) < patience {
		return errors.Join(fmt.Errorf("renew the subscription to %s: %w", m.resource, err), j.remember(ctx, m))
	}
	m.Old = append(m.Old, m.ID) // it goes, if it is there after all
	how := "was refused for an hour: "
	if ended {
		how = "had ended, and was not renewed: "
	}
	j.lose(ctx, m, how+err.Error())
	return nil
}

// lose makes the subscription none that delivers.
func (j *Job) lose(ctx context.Context, m *memory, how string) {
	j.Log.WarnContext(ctx, "subscription lost", "subscription", m.ID, "resource", m.resource, "reason", how)
	m.ID, m.Renew, m.RefusedSince = "", false, time.Time{}
}

// replace makes the subscription one that goes when there is another, unless too
// many were made of late: then it stays, and that is an error.
func (j *Job) replace(ctx context.Context, m *memory) error {
	if err := j.brake(m); err != nil {
		return err
	}
	j.Log.InfoContext(ctx, "subscription no longer serves", "subscription", m.ID, "resource", m.resource)
	m.retire()
	return nil
}

// brake is an error where more subscriptions were made within an hour than the
// changes of an administrator can explain: then something undoes them.
func (j *Job) brake(m *memory) error {
	m.Made = slices.DeleteFunc(m.Made, func(at time.Time) bool { return j.Now().Sub(at) >= patience })
	if len(m.Made) < few {
		return nil
	}
	return fmt.Errorf("the subscription to %s was made %d times within an hour and is not made again before %s: "+
		"Graph shows it otherwise than it was asked for, or ends it, or another deployment replaces it",
		m.resource, len(m.Made), m.Made[0].Add(patience).Format(time.RFC3339))
}

// gone reports whether err is Graph's word that there is no such subscription.
func gone(err error) bool {
	f := provision.AsFault(err)
	return f != nil && f.Answer == provision.Gone
}

// create makes the subscription. What is about to be asked for is written
// first, so that a subscription whose answer is lost is known as ours.
func (j *Job) create(ctx context.Context, m *memory, existing []Subscription, wanted Subscription, secret string) error {
	if err := j.brake(m); err != nil {
		return errors.Join(err, j.remember(ctx, m))
	}
	m.intend(existing, wanted, secret)
	if err := j.remember(ctx, m); err != nil {
		return err
	}
	wanted.ExpiresAt = m.Asked.ExpiresAt
	created, err := j.Graph.CreateSubscription(ctx, wanted)
	if other, ok := errors.AsType[*InUse](err); ok {
		if err = j.clear(ctx, m, other, wanted); err != nil {
			return err
		}
		created, err = j.Graph.CreateSubscription(ctx, wanted)
	}
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", m.resource, err)
	}
	j.Log.InfoContext(ctx, "subscribed", "subscription", created.ID, "resource", m.resource, "until", created.ExpiresAt)
	m.made(created, wanted, secret, j.Now())
	return nil
}

// clear removes the subscription that is in the way of ours, if it is ours too,
// or delivers to our address: nobody else can want it.
func (j *Job) clear(ctx context.Context, m *memory, other *InUse, wanted Subscription) error {
	if !slices.Contains(m.Old, other.ID) {
		found, err := j.Graph.Subscription(ctx, other.ID)
		switch {
		case gone(err):
			return fmt.Errorf("subscribe to %s: the subscription %s is in the way, and this app may not see it: "+
				"it is another application's, or it has just ended: %w", m.resource, other.ID, other)
		case err != nil:
			return fmt.Errorf("subscribe to %s: see whose subscription %s is in the way: %w", m.resource, other.ID, err)
		case found.NotificationURL != wanted.NotificationURL:
			return fmt.Errorf("subscribe to %s: the subscription %s of the application %s is in the way, which delivers to %s: "+
				"delete it if nobody needs it: %w", m.resource, other.ID, cmp.Or(found.ApplicationID, "(not told)"), host(found.NotificationURL), other)
		}
	}
	if err := j.Graph.DeleteSubscription(ctx, other.ID); err != nil && !gone(err) {
		return fmt.Errorf("subscribe to %s: remove the subscription %s that is in the way: %w", m.resource, other.ID, err)
	}
	j.Log.WarnContext(ctx, "removed a subscription of ours that was in the way", "subscription", other.ID, "resource", m.resource)
	m.Old = slices.DeleteFunc(m.Old, func(id string) bool { return id == other.ID })
	return j.remember(ctx, m)
}

// host is that of an address: the rest of it may be a secret.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "(not told)"
	}
	return u.Host
}

// settle does what waits for a subscription that delivers: the end of those that it
// replaces.
func (j *Job) settle(ctx context.Context, m *memory, existing []Subscription) error {
	if err := j.remember(ctx, m); err != nil {
		return err
	}
	return errors.Join(j.sweep(ctx, m, existing), j.remember(ctx, m))
}

// sweep removes those that were replaced. One that cannot be removed for an hour,
// or at all if Graph does not list it, is left to its end.
func (j *Job) sweep(ctx context.Context, m *memory, existing []Subscription) error {
	var failed []error
	m.Old = slices.DeleteFunc(m.Old, func(id string) bool {
		err := j.Graph.DeleteSubscription(ctx, id)
		if err == nil || gone(err) {
			j.Log.InfoContext(ctx, "subscription removed", "subscription", id, "resource", m.resource)
			return true
		}
		if m.StuckSince.IsZero() {
			m.StuckSince = j.Now().UTC()
		}
		listed := slices.ContainsFunc(existing, func(s Subscription) bool { return s.ID == id })
		if !listed || j.Now().Sub(m.StuckSince) >= patience {
			j.Log.WarnContext(ctx, "a replaced subscription cannot be removed and stays until it ends",
				"subscription", id, "resource", m.resource, "error", err)
			return true
		}
		failed = append(failed, fmt.Errorf("remove a replaced subscription to %s: %w", m.resource, err))
		return false
	})
	if len(m.Old) == 0 {
		m.StuckSince = time.Time{}
	}
	return errors.Join(failed...)
}

// serves reports whether s, as Graph shows it, delivers what wanted would. What
// is not shown is not known, and what Graph shows as it did when it made the
// subscription for this wish is what it makes of it.
func (m *memory) serves(s, wanted Subscription) bool {
	shown, wish := formOf(s), formOf(wanted)
	same := func(shown, wish, made string) bool { return shown == "" || shown == wish || shown == made }
	return same(shown.Resource, wish.Resource, m.Shown.Resource) &&
		same(shown.ChangeType, wish.ChangeType, m.Shown.ChangeType) &&
		same(shown.NotificationURL, wish.NotificationURL, m.Shown.NotificationURL) &&
		same(shown.LifecycleURL, wish.LifecycleURL, m.Shown.LifecycleURL)
}

// wishes reports whether the subscription was made for something else than is
// wanted now.
func (m *memory) wishes(wanted Subscription) bool {
	return m.Wish != (form{}) && m.Wish != formOf(wanted)
}

// form is what a subscription delivers, of what and where to.
type form struct {
	Resource        string `json:"resource"`
	ChangeType      string `json:"changeType"`
	NotificationURL string `json:"notificationUrl"`
	LifecycleURL    string `json:"lifecycleUrl"`
}

// formOf returns it in one form: Graph may put a slash before the resource, and
// the kinds of change in any order.
func formOf(s Subscription) form {
	kinds := strings.Split(strings.ReplaceAll(strings.ToLower(s.ChangeType), " ", ""), ",")
	slices.Sort(kinds)
	return form{
		Resource:        strings.ToLower(strings.Trim(s.Resource, "/")),
		ChangeType:      strings.Join(kinds, ","),
		NotificationURL: s.NotificationURL,
		LifecycleURL:    s.LifecycleURL,
	}
}

// on reports whether s is a subscription to the resource; Graph may put a slash
// before it.
func (s Subscription) on(resource string) bool {
	return strings.EqualFold(strings.Trim(s.Resource, "/"), resource)
}

// hash stands for a secret where it must not be kept.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
