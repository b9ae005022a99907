package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxLifetime is how long a subscription to users or groups can last
	// (https://learn.microsoft.com/graph/api/resources/subscription).
	maxLifetime = 41_760 * time.Minute
	// maxSubscriptions is how many an app can have to users in a tenant, and as
	// many to groups
	// (https://learn.microsoft.com/graph/change-notifications-overview).
	maxSubscriptions = 100
	// subscriptionPage is how many are on a page. Graph names no number.
	subscriptionPage = 20
	// maxClientState is its longest clientState, in characters.
	maxClientState = 128
	// validationDeadline is the time an endpoint has to prove itself.
	validationDeadline = 10 * time.Second
)

// subscription is a subscription to change notifications.
type subscription struct {
	number      int // they are numbered as they are created
	id          string
	resource    string
	changeType  string
	clientState string
	url         string
	lifecycle   string
	expires     time.Time
}

func invalidRequest(message string) *graphError {
	return &graphError{http.StatusBadRequest, "InvalidRequest", message}
}

// covers reports whether a change of an object is one the subscription is for.
func (s *subscription) covers(o object, changeType string) bool {
	collection, only := subscribable(s.resource)
	return collection == o.typeName()+"s" && (only == "" || only == o.id()) &&
		slices.Contains(strings.Split(s.changeType, ","), changeType)
}

// subscribable splits a resource into the collection, such as "users", and the
// one object in it that the subscription is for; empty if it is for all.
func subscribable(resource string) (collection, only string) {
	collection, only, _ = strings.Cut(strings.Trim(strings.ToLower(resource), "/"), "/")
	return collection, only
}

// subscribing returns what it takes to subscribe to a resource. No permission
// to write stands in for the one to read: "strictly use the permissions as
// documented" (https://learn.microsoft.com/graph/api/subscription-post-subscriptions).
func subscribing(resource string) []string {
	if collection, _ := subscribable(resource); collection == "groups" {
		return []string{"Group.Read.All"}
	}
	return []string{"User.Read.All"}
}

// wire is the subscription as Graph shows it. Its clientState is shown to
// nobody but the one who sent it.
func (s *subscription) wire(clientState any) map[string]any {
	return map[string]any{
		"id": s.id, "resource": s.resource, "changeType": s.changeType, "clientState": clientState,
		"notificationUrl": s.url, "lifecycleNotificationUrl": orNull(s.lifecycle), "notificationQueryOptions": nil,
		"expirationDateTime": s.expires.UTC().Format(time.RFC3339Nano),
		"applicationId":      nil, "creatorId": nil, "includeResourceData": nil, "latestSupportedTlsVersion": "v1_2",
		"encryptionCertificate": nil, "encryptionCertificateId": nil, "notificationUrlAppId": nil,
	}
}

// expiration is when it ends, as notifications say it.
func (s *subscription) expiration() string {
	return s.expires.UTC().Format("2006-01-02T15:04:05.9999999-07:00")
}

// orNull returns a string as JSON has it in Graph, where an empty one is null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// subscriptionRequest is what a caller may say of a subscription.
type subscriptionRequest struct {
	Resource           string     `json:"resource"`
	ChangeType         string     `json:"changeType"`
	ClientState        string     `json:"clientState"`
	NotificationURL    string     `json:"notificationUrl"`
	LifecycleURL       string     `json:"lifecycleNotificationUrl"`
	ExpirationDateTime *time.Time `json:"expirationDateTime"`
}

// createSubscription validates both URLs before it makes the subscription,
// while the caller waits.
func (t *Tenant) createSubscription(r *http.Request) (answer, error) {
	var asked subscriptionRequest
	if err := decode(r, &asked); err != nil {
		return answer{}, err
	}
	if err := t.checkSubscription(asked); err != nil {
		return answer{}, err
	}
	if err := t.require(subscribing(asked.Resource)); err != nil {
		return answer{}, err
	}
	for _, u := range []string{asked.NotificationURL, asked.LifecycleURL} {
		if err := t.validate(r.Context(), u); err != nil {
			return answer{}, err
		}
	}
	s := &subscription{
		id: t.traces.Next(), resource: asked.Resource, changeType: strings.ReplaceAll(asked.ChangeType, " ", ""),
		clientState: asked.ClientState, url: asked.NotificationURL, lifecycle: asked.LifecycleURL,
		expires: *asked.ExpirationDateTime,
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := errors.Join(t.checkDouble(s), t.checkQuota(s.resource)); err != nil {
		return answer{}, err
	}
	t.subscribed++
	s.number = t.subscribed
	t.subscriptions = append(t.subscriptions, s)
	body := s.wire(orNull(s.clientState))
	body["@odata.context"] = metadata + "subscriptions/$entity"
	return answer{http.StatusCreated, body}, nil
}

// checkDouble refuses a subscription to what another at the same address is for,
// in Graph's words as seen. The tenant is locked.
func (t *Tenant) checkDouble(wanted *subscription) error {
	for _, s := range t.alive() {
		if t.oneSubscription && s.resource == wanted.resource && s.changeType == wanted.changeType && s.url == wanted.url {
			return &graphError{
				http.StatusConflict, "ObjectIdentifierInUse", "Subscription Id " + s.id + " already exists for the requested combination",
			}
		}
	}
	return nil
}

// checkQuota refuses one subscription too many to users or to groups. Graph's
// message names the limit; its words are not documented. The tenant is locked.
func (t *Tenant) checkQuota(resource string) error {
	wanted, _ := subscribable(resource)
	n := 0
	for _, s := range t.alive() {
		if collection, _ := subscribable(s.resource); collection == wanted {
			n++
		}
	}
	if n < t.maxSubscriptions {
		return nil
	}
	return &graphError{
		http.StatusForbidden, "ExtensionError",
		fmt.Sprintf("Operation: Create; Exception: [Status Code: Forbidden; Reason: Tenant and application combination has reached its limit of %d subscriptions.]", t.maxSubscriptions),
	}
}

func (t *Tenant) checkSubscription(asked subscriptionRequest) error {
	for kind := range strings.SplitSeq(asked.ChangeType, ",") {
		// Creation and soft deletion are updates: "User and group change
		// notifications support updated and deleted changeType".
		if kind = strings.TrimSpace(kind); kind != "updated" && kind != "deleted" {
			return invalidRequest("Invalid 'changeType' attribute: '" + kind + "'.")
		}
	}
	if collection, only := subscribable(asked.Resource); collection != "users" && collection != "groups" || strings.Contains(only, "/") {
		return invalidRequest("Resource '" + asked.Resource + "' cannot be subscribed to here.")
	}
	if utf8.RuneCountInString(asked.ClientState) > maxClientState {
		return invalidRequest(fmt.Sprintf("The clientState has more than %d characters.", maxClientState))
	}
	if err := checkEndpoint(asked.NotificationURL); err != nil {
		return err
	}
	if asked.LifecycleURL != "" {
		if err := checkEndpoint(asked.LifecycleURL); err != nil {
			return err
		}
	}
	return t.checkExpiration(asked.ExpirationDateTime)
}

// checkEndpoint wants https, as Graph does, except of this very machine.
func checkEndpoint(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return invalidRequest("The notificationUrl is not a URL.")
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return invalidRequest("The notificationUrl needs https.")
	}
	return nil
}

func (t *Tenant) checkExpiration(at *time.Time) error {
	now := t.now()
	switch {
	case at == nil:
		return invalidRequest("expirationDateTime is a required property for subscription creation.")
	case !at.After(now):
		return invalidRequest("The expirationDateTime is in the past.")
	case at.Sub(now) > maxLifetime:
		return &graphError{
			http.StatusBadRequest, "ExtensionError",
			fmt.Sprintf("Subscription expiration can only be %.0f minutes in the future.", maxLifetime.Minutes()),
		}
	}
	return nil
}

// validate makes an endpoint repeat a token that has to be decoded exactly
// once. No URL needs no validation.
// https://learn.microsoft.com/graph/change-notifications-delivery-webhooks#notificationurl-validation
func (t *Tenant) validate(ctx context.Context, endpoint string) error {
	if endpoint == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, validationDeadline)
	defer cancel()
	token := "Validation: Testing client application reachability for subscription Request-Id: " + t.traces.Next() + " a+b%2Bc&d=%"
	err := t.handshake(ctx, endpoint, token)
	if err == nil {
		return nil
	}
	message := "Subscription validation request failed. " + err.Error()
	if ctx.Err() != nil {
		message = "Subscription validation request timed out."
	}
	return &graphError{http.StatusBadRequest, "ValidationError", message}
}

func (t *Tenant) handshake(ctx context.Context, endpoint, token string) error {
	separator := "?"
	if strings.Contains(endpoint, "?") {
		separator = "&"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+separator+"validationToken="+url.QueryEscape(token), http.NoBody)
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := t.transport.RoundTrip(request) // follows no redirect
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP status code is %d", response.StatusCode)
	}
	if mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || mediaType != "text/plain" {
		return errors.New("the content type is not text/plain")
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(len(token))+1))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if string(body) != token {
		return errors.New("the answer is not the validation token")
	}
	return nil
}

func (t *Tenant) listSubscriptions(r *http.Request) (answer, error) {
	if _, err := t.selected(r, func(string) bool { return false }, "subscription", skipToken); err != nil {
		return answer{}, err
	}
	_, start, err := page(r.URL.Query())
	if err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	value := []map[string]any{}
	body := map[string]any{"@odata.context": metadata + "subscriptions"}
	for _, s := range t.alive() {
		if s.number < start {
			continue
		}
		if len(value) == subscriptionPage {
			body["@odata.nextLink"] = nextLink(r, s.number)
			break
		}
		value = append(value, s.wire(nil))
	}
	body["value"] = value
	return answer{http.StatusOK, body}, nil
}

func (t *Tenant) readSubscription(r *http.Request) (answer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := t.subscription(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	body := s.wire(nil)
	body["@odata.context"] = metadata + "subscriptions/$entity"
	return answer{http.StatusOK, body}, nil
}

// updateSubscription moves the end of a subscription, and its URL if one is
// given. Nothing else of a subscription can change.
func (t *Tenant) updateSubscription(r *http.Request) (answer, error) {
	var asked subscriptionRequest
	if err := decode(r, &asked); err != nil {
		return answer{}, err
	}
	if err := t.checkExpiration(asked.ExpirationDateTime); err != nil {
		return answer{}, err
	}
	if asked.NotificationURL != "" {
		if err := checkEndpoint(asked.NotificationURL); err != nil {
			return answer{}, err
		}
	}
	if err := t.validate(r.Context(), asked.NotificationURL); err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := t.subscription(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if err := t.require(subscribing(s.resource)); err != nil {
		return answer{}, err
	}
	s.expires = *asked.ExpirationDateTime
	s.url = cmp.Or(asked.NotificationURL, s.url)
	body := s.wire(nil)
	body["@odata.context"] = metadata + "subscriptions/$entity"
	return answer{http.StatusOK, body}, nil
}

func (t *Tenant) deleteSubscription(r *http.Request) (answer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := t.subscription(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(other *subscription) bool { return other == s })
	return answer{status: http.StatusNoContent}, nil
}

// alive drops the subscriptions that have run out and returns the others.
func (t *Tenant) alive() []*subscription {
	now := t.now()
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(s *subscription) bool { return !s.expires.After(now) })
	return t.subscriptions
}

func (t *Tenant) subscription(id string) (*subscription, error) {
	for _, s := range t.alive() {
		if s.id == strings.ToLower(id) {
			return s, nil
		}
	}
	return nil, &graphError{http.StatusNotFound, "ResourceNotFound", "The object was not found."}
}
