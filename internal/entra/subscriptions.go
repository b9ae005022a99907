package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"regexp"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/subscriptions"

	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

// Subscriptions lists the app's subscriptions, on all pages. Their
// ClientState is empty.
func (c *Client) Subscriptions(ctx context.Context) ([]renew.Subscription, error) {
	const operation = "list subscriptions"
	body, err := c.fetch(ctx, request{place: subscriptionList})
	if err != nil {
		return nil, fault(operation, readUsers, err)
	}
	var list []renew.Subscription
	for page, err := range c.subscriptionPages(ctx, body) {
		if err != nil {
			return nil, fault(operation, readUsers, err)
		}
		for _, element := range page.Elements {
			s, err := decodeSubscription(element)
			if err != nil {
				c.oddities.tell(ctx, c.log, operation, []oddity{{"a subscription that cannot be read is left out of a list", s.ID}})
				continue
			}
			list = append(list, s)
		}
	}
	return list, nil
}

func (c *Client) subscriptionPages(ctx context.Context, body []byte) iter.Seq2[collection, error] {
	return paged(ctx, c, subscriptionList, body, func(body []byte) (collection, collection, error) {
		page, err := decodeCollection("subscriptions", body)
		return page, page, err
	})
}

// Subscription reads one subscription of the app. Its ClientState is empty.
// Fault Gone if there is no such subscription, or none that the app may see: a
// list of them has been seen to lack some that live.
// https://learn.microsoft.com/graph/api/subscription-get
func (c *Client) Subscription(ctx context.Context, id string) (renew.Subscription, error) {
	info, err := c.subscriptions().BySubscriptionId(id).ToGetRequestInformation(ctx, nil)
	read, err := c.sendSubscription(ctx, "read subscription "+id, id, info, err)
	if err != nil {
		provision.AsFault(err).Uncertain = false
	}
	return read, err
}

// CreateSubscription creates a subscription and returns it as Graph made it.
// Graph calls NotificationURL and LifecycleURL before it answers. The error is a
// *renew.InUse where Graph names another subscription that is in the way.
func (c *Client) CreateSubscription(ctx context.Context, s renew.Subscription) (renew.Subscription, error) {
	body := models.NewSubscription()
	body.SetResource(&s.Resource)
	body.SetChangeType(&s.ChangeType)
	body.SetNotificationUrl(&s.NotificationURL)
	body.SetLifecycleNotificationUrl(&s.LifecycleURL)
	body.SetClientState(&s.ClientState)
	body.SetExpirationDateTime(&s.ExpiresAt)
	info, err := c.subscriptions().ToPostRequestInformation(ctx, body, nil)
	return c.sendSubscription(ctx, "create subscription to "+s.Resource, "", info, err)
}

// RenewSubscription moves a subscription's end, which reauthorizes it too, and
// returns it as it is now. Fault Gone if there is no such subscription.
// https://learn.microsoft.com/graph/api/subscription-update
func (c *Client) RenewSubscription(ctx context.Context, id string, until time.Time) (renew.Subscription, error) {
	body := models.NewSubscription()
	body.SetExpirationDateTime(&until)
	info, err := c.subscriptions().BySubscriptionId(id).ToPatchRequestInformation(ctx, body, nil)
	return c.sendSubscription(ctx, "renew subscription "+id, id, info, err)
}

// DeleteSubscription deletes a subscription. One that is not there is deleted
// already.
func (c *Client) DeleteSubscription(ctx context.Context, id string) error {
	ctx, cancel := c.within(ctx)
	defer cancel()
	if err := c.subscriptions().BySubscriptionId(id).Delete(ctx, nil); err != nil {
		if f := writeFault("delete subscription "+id, err); f.Answer != provision.Gone {
			return f
		}
	}
	return nil
}

func (c *Client) subscriptions() *subscriptions.SubscriptionsRequestBuilder {
	return subscriptions.NewSubscriptionsRequestBuilderInternal(c.path(), c.adapter)
}

// sendSubscription makes a call that is answered with a subscription: with the one
// of that id, or with a new one. err is why the request could not be built.
func (c *Client) sendSubscription(ctx context.Context, operation, id string, info *abs.RequestInformation, err error) (renew.Subscription, error) {
	if err != nil {
		return renew.Subscription{}, writeFault(operation, fmt.Errorf("build request: %w", err))
	}
	body, err := c.send(ctx, info)
	if err != nil {
		f := writeFault(operation, err)
		if other := occupant(err); id == "" && f.Answer == provision.Exists && other != "" {
			return renew.Subscription{}, &renew.InUse{ID: other, Err: f}
		}
		return renew.Subscription{}, f
	}
	s, err := decodeSubscription(body)
	switch {
	case err != nil:
		return renew.Subscription{}, writeFault(operation, err)
	case id != "" && !strings.EqualFold(s.ID, id):
		return renew.Subscription{}, writeFault(operation, strange("the answer is about another subscription"))
	}
	return s, nil
}

// decodeSubscription reads a subscription. One without an id is none.
func decodeSubscription(body []byte) (renew.Subscription, error) {
	var s struct {
		ID              string    `json:"id"`
		Resource        string    `json:"resource"`
		ChangeType      string    `json:"changeType"`
		NotificationURL string    `json:"notificationUrl"`
		LifecycleURL    string    `json:"lifecycleNotificationUrl"`
		ApplicationID   string    `json:"applicationId"`
		ExpiresAt       time.Time `json:"expirationDateTime"`
	}
	if err := json.Unmarshal(body, &s); err != nil || s.ID == "" {
		return renew.Subscription{ID: printable.Short(s.ID, 40)}, strange("the answer is not a subscription")
	}
	return renew.Subscription{
		ID: s.ID, Resource: s.Resource, ChangeType: s.ChangeType, NotificationURL: s.NotificationURL,
		LifecycleURL: s.LifecycleURL, ApplicationID: s.ApplicationID, ExpiresAt: s.ExpiresAt,
	}, nil
}

func writeFault(operation string, err error) *provision.Fault {
	f := fault(operation, readUsers, err)
	if refused, ok := errors.AsType[*refusal](err); ok {
		f.Reason = operation + ": " + refused.Error() + refused.mend(operation)
		switch {
		case refused.isForeign():
		case refused.status == http.StatusNotFound:
			f.Says(provision.Gone)
		case refused.status == http.StatusConflict:
			f.Says(provision.Exists)
		}
	}
	f.Uncertain = f.Kind == provision.Transient && f.Answer == ""
	return f
}

// occupied is how Graph names the subscription that is in the way of another.
var occupied = regexp.MustCompile(`(?i)\bsubscription id:? '?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b`)

// occupant is the id of the subscription that a refusal says is in the way, which
// nothing but Graph's message has; empty if it names none.
func occupant(err error) string {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return ""
	}
	named := occupied.FindStringSubmatch(refused.message)
	if named == nil {
		return ""
	}
	return strings.ToLower(named[1])
}

// mend is what to do where Graph refuses to write a subscription, in brackets;
// empty where only Graph's own words help.
// https://learn.microsoft.com/graph/api/subscription-post-subscriptions
func (r *refusal) mend(operation string) string {
	text := strings.ToLower(r.code + " " + r.message)
	switch {
	case r.isForeign():
		return ""
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
