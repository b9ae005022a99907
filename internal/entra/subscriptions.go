package entra

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/subscriptions"

	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

// maxPages ends a chain of nextLinks that does not. Graph allows an app 100
// subscriptions to users in a tenant, and as many to groups.
const maxPages = 100

// Subscriptions lists the app's subscriptions, on all pages. Their
// ClientState is empty.
func (c *Client) Subscriptions(ctx context.Context) ([]renew.Subscription, error) {
	const operation = "list subscriptions"
	var list []renew.Subscription
	builder := c.subscriptions()
	for range maxPages {
		page, err := c.subscriptionPage(ctx, builder)
		if err != nil {
			return nil, fault(operation, readUsers, err)
		}
		if page.GetValue() == nil {
			return nil, fault(operation, readUsers, errors.New("the answer has no list of subscriptions"))
		}
		for _, s := range page.GetValue() {
			list = append(list, subscription(s))
		}
		next := value(page.GetOdataNextLink())
		if next == "" {
			return list, nil
		}
		if _, err := c.auth.link(next); err != nil {
			return nil, fault(operation, readUsers, fmt.Errorf("read page: %w", err))
		}
		builder = builder.WithUrl(next)
	}
	return nil, fault(operation, readUsers, fmt.Errorf("more than %d pages", maxPages))
}

func (c *Client) subscriptionPage(ctx context.Context, builder *subscriptions.SubscriptionsRequestBuilder) (models.SubscriptionCollectionResponseable, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	page, err := builder.Get(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	if page == nil {
		return nil, errors.New("the answer is empty")
	}
	return page, nil
}

// Subscription reads one subscription of the app. Its ClientState is empty.
// Fault Gone if there is no such subscription, or none that the app may see: a
// list of them has been seen to lack some that live.
// https://learn.microsoft.com/graph/api/subscription-get
func (c *Client) Subscription(ctx context.Context, id string) (renew.Subscription, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	read, err := c.subscriptions().BySubscriptionId(id).Get(ctx, nil)
	s, err := answered("read subscription "+id, read, err)
	if err != nil {
		provision.AsFault(err).Uncertain = false
	}
	return s, err
}

// CreateSubscription creates a subscription and returns it as Graph made it.
// Graph calls NotificationURL and LifecycleURL before it answers. The error is a
// *renew.InUse where Graph names another subscription that is in the way.
func (c *Client) CreateSubscription(ctx context.Context, s renew.Subscription) (renew.Subscription, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	body := models.NewSubscription()
	body.SetResource(&s.Resource)
	body.SetChangeType(&s.ChangeType)
	body.SetNotificationUrl(&s.NotificationURL)
	body.SetLifecycleNotificationUrl(&s.LifecycleURL)
	body.SetClientState(&s.ClientState)
	body.SetExpirationDateTime(&s.ExpiresAt)
	created, err := c.subscriptions().Post(ctx, body, nil)
	made, err := answered("create subscription to "+s.Resource, created, err)
	return made, inUse(err)
}

// RenewSubscription moves a subscription's end, which reauthorizes it too, and
// returns it as it is now. Fault Gone if there is no such subscription.
// https://learn.microsoft.com/graph/api/subscription-update
func (c *Client) RenewSubscription(ctx context.Context, id string, until time.Time) (renew.Subscription, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	body := models.NewSubscription()
	body.SetExpirationDateTime(&until)
	updated, err := c.subscriptions().BySubscriptionId(id).Patch(ctx, body, nil)
	return answered("renew subscription "+id, updated, err)
}

// DeleteSubscription deletes a subscription. One that is not there is deleted
// already.
func (c *Client) DeleteSubscription(ctx context.Context, id string) error {
	ctx, cancel := c.within(ctx)
	defer cancel()
	if err := c.subscriptions().BySubscriptionId(id).Delete(ctx, nil); err != nil {
		if f := writeFault("delete subscription "+id, err); f.Kind != provision.Gone {
			return f
		}
	}
	return nil
}

func (c *Client) subscriptions() *subscriptions.SubscriptionsRequestBuilder {
	return subscriptions.NewSubscriptionsRequestBuilderInternal(c.path(), c.adapter)
}

// answered is what came of a call that answers with the subscription.
func answered(operation string, s models.Subscriptionable, err error) (renew.Subscription, error) {
	if err == nil && (s == nil || value(s.GetId()) == "") {
		err = errors.New("the answer is not a subscription")
	}
	if err != nil {
		return renew.Subscription{}, writeFault(operation, err)
	}
	return subscription(s), nil
}

func writeFault(operation string, err error) *provision.Fault {
	f := fault(operation, readUsers, err)
	if refused, ok := errors.AsType[*refusal](err); ok {
		f.Reason = operation + ": " + refused.Error() + refused.mend(operation)
		switch {
		case refused.status == http.StatusNotFound && refused.code != "":
			f.Kind = provision.Gone
		case refused.status == http.StatusConflict && refused.code != "":
			f.Kind = provision.Exists
		}
	}
	f.Uncertain = f.Kind == provision.Transient
	return f
}

// occupied is how Graph names the subscription that is in the way of another.
var occupied = regexp.MustCompile(`(?i)\bsubscription id:? '?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b`)

// inUse is the error of a create, a *renew.InUse where it names the subscription
// that is in the way.
func inUse(err error) error {
	f := provision.AsFault(err)
	if f == nil || f.Kind != provision.Exists {
		return err
	}
	named := occupied.FindStringSubmatch(f.Reason)
	if named == nil {
		return err
	}
	return &renew.InUse{ID: strings.ToLower(named[1]), Err: err}
}

// mend is what to do where Graph refuses to write a subscription, in brackets;
// empty where only Graph's own words help.
// https://learn.microsoft.com/graph/api/subscription-post-subscriptions
func (r *refusal) mend(operation string) string {
	text := strings.ToLower(r.code + " " + r.message)
	switch {
	case r.status == http.StatusBadRequest && strings.Contains(text, "validation"):
		return " (Graph calls WEBHOOK_URL, with /notifications and /lifecycle, before it answers: both must be reached from the internet and repeat its token within 10 s; entrawebex check tries them)"
	case r.status == http.StatusForbidden && (strings.Contains(text, "limit") || strings.Contains(text, "quota")):
		return " (the quota of subscriptions is used up: 100 of an app and 1,000 of all apps in a tenant, for users and for groups each; delete those that are not needed)"
	case r.status == http.StatusForbidden && strings.HasSuffix(operation, "groups"):
		return " (it needs the application permission Group.Read.All, with admin consent)"
	case r.status == http.StatusForbidden && strings.HasSuffix(operation, "users"):
		return " (it needs the application permission User.Read.All, with admin consent)"
	case r.status == http.StatusForbidden:
		return " (it needs the application permissions User.Read.All and Group.Read.All, with admin consent)"
	default:
		return ""
	}
}

func subscription(s models.Subscriptionable) renew.Subscription {
	if s == nil {
		return renew.Subscription{}
	}
	return renew.Subscription{
		ID:              value(s.GetId()),
		Resource:        value(s.GetResource()),
		ChangeType:      value(s.GetChangeType()),
		NotificationURL: value(s.GetNotificationUrl()),
		LifecycleURL:    value(s.GetLifecycleNotificationUrl()),
		ApplicationID:   value(s.GetApplicationId()),
		ExpiresAt:       value(s.GetExpirationDateTime()),
	}
}
