package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/sandbox/simhttp"
)

const (
	// maxDelivery is the most notifications in one POST. Graph names no limit.
	maxDelivery = 20
	// deliveryDeadline is the time an endpoint has to answer a delivery.
	deliveryDeadline = 3 * time.Second
	// deliveryLifetime is how long a delivery is tried
	// (https://learn.microsoft.com/graph/change-notifications-delivery-webhooks).
	deliveryLifetime = 4 * time.Hour
	// maxDelta is the most members in one members@delta. Graph names no limit
	// and does not say whether it splits a large change at all.
	maxDelta = 1000
	// The first retry comes after firstRetry, each next one after twice as
	// long up to lastRetry: 10 s, 20 s, 40 s, … 10 min 40 s, 20 min, 20 min ….
	firstRetry = 10 * time.Second
	lastRetry  = 20 * time.Minute
)

// notification is a change notification in the shape in which changes of
// users and groups arrive: without an id of its own, with a sequenceNumber
// above 2^53 (https://learn.microsoft.com/azure/event-grid/microsoft-entra-events).
type notification struct {
	ChangeType   string       `json:"changeType"`
	ClientState  string       `json:"clientState,omitempty"`
	Resource     string       `json:"resource"`
	ResourceData resourceData `json:"resourceData"`
	Expiration   string       `json:"subscriptionExpirationDateTime"`
	Subscription string       `json:"subscriptionId"`
	Tenant       string       `json:"tenantId"`
}

// resourceData says what changed. A change of properties has a time and a
// number, a change of members has the members instead, as captured ones show.
type resourceData struct {
	Type           string        `json:"@odata.type"`
	Path           string        `json:"@odata.id"`
	ID             string        `json:"id"`
	Organization   string        `json:"organizationId"`
	EventTime      string        `json:"eventTime,omitempty"`
	SequenceNumber int64         `json:"sequenceNumber,omitempty"`
	Members        []memberDelta `json:"members@delta,omitempty"`
}

// memberDelta is a member that joined or, if Removed is "deleted", one that is
// none any more. In a notification that is a string; in a delta query it is an
// object.
type memberDelta struct {
	ID      string `json:"id"`
	Removed string `json:"@removed,omitempty"`
}

// pending is a notification that is still to be delivered.
type pending struct {
	notification any // a notification, or a lifecycleNotification
	lifecycle    bool
	subscription *subscription
	url          string // where it goes, as of the pass that delivers it
	since, due   time.Time
	retry        time.Duration
	done         bool
}

// notify makes a notification of a change of an object for every subscription
// to it. The tenant is locked.
func (t *Tenant) notify(o object, changeType string) {
	now := t.now().UTC()
	// Ticks of 100 ns since the year 1, as captured ones look; they only grow.
	const ticksAtEpoch = 621_355_968_000_000_000
	t.sequence = max(t.sequence+1, now.UnixNano()/100+ticksAtEpoch)
	t.announce(o, changeType, resourceData{EventTime: now.Format("2006-01-02T15:04:05.0000000Z"), SequenceNumber: t.sequence})
}

// notifyMembers makes notifications of a change of who is in a group, of at
// most 1000 members each. The tenant is locked.
func (t *Tenant) notifyMembers(g *group, delta []memberDelta) {
	for part := range slices.Chunk(delta, maxDelta) {
		t.announce(g, "updated", resourceData{Members: part})
	}
}

// notifyGone makes a notification for each live group that an object was a
// member of until it went to the recycle bin. "Either by removing the
// membership or by deleting the user object itself" a member is removed:
// https://learn.microsoft.com/graph/delta-query-groups
func (t *Tenant) notifyGone(o object) {
	for _, g := range o.links().liveGroups() {
		t.notifyMembers(g, []memberDelta{{ID: o.id(), Removed: "deleted"}})
	}
}

// announce completes what is said of a change and puts it in the outbox once
// for every subscription to it.
func (t *Tenant) announce(o object, changeType string, data resourceData) {
	if t.silent {
		return
	}
	now := t.now().UTC()
	typeName := strings.ToUpper(o.typeName()[:1]) + o.typeName()[1:]
	data.Type, data.Path = "#Microsoft.Graph."+typeName, typeName+"s/"+o.id()
	data.ID, data.Organization = o.id(), t.id
	for _, s := range t.alive() {
		if !s.covers(o, changeType) {
			continue
		}
		t.outbox = append(t.outbox, &pending{subscription: s, since: now, due: now, retry: firstRetry, notification: notification{
			ChangeType: changeType, ClientState: s.clientState, Resource: data.Path, ResourceData: data,
			Expiration:   s.expiration(),
			Subscription: s.id, Tenant: t.id,
		}})
	}
	t.awake()
}

// awake tells Run that there is something to deliver.
func (t *Tenant) awake() {
	select {
	case t.wake <- struct{}{}:
	default: // it is told already
	}
}

// Undelivered is the number of notifications that are still to be delivered,
// those that wait for a retry among them.
func (t *Tenant) Undelivered() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	undelivered := 0
	for _, p := range t.outbox {
		if !p.done {
			undelivered++
		}
	}
	return undelivered
}

// Run delivers notifications as they arise until ctx ends. Failed deliveries
// are tried again, as Graph does.
func (t *Tenant) Run(ctx context.Context) {
	for ctx.Err() == nil {
		_, err := t.Deliver(ctx)
		timer := time.NewTimer(t.untilDue(err != nil))
		select {
		case <-ctx.Done():
		case <-t.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// untilDue is the time until there is something to deliver again; an hour if
// there is nothing.
func (t *Tenant) untilDue(failed bool) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := time.Hour
	for _, p := range t.outbox {
		wait = min(wait, p.due.Sub(t.now()))
	}
	if failed { // the clock may be one that stands still
		wait = max(wait, time.Second)
	}
	return max(wait, 0)
}

// Deliver makes one pass over the notifications that are due: it sends them,
// up to 20 in a POST, and returns how many were accepted with a 2xx. The error
// says what became of the others; they are tried again in a later pass, and
// given up 4 hours after the change.
func (t *Tenant) Deliver(ctx context.Context) (int, error) {
	t.delivering.Lock()
	defer t.delivering.Unlock()
	delivered := 0
	var failures []error
	for _, batch := range t.dueBatches() {
		err := t.post(ctx, batch)
		if err != nil {
			failures = append(failures, err)
		} else {
			delivered += len(batch)
		}
		t.conclude(batch, err == nil)
	}
	t.sweep()
	return delivered, errors.Join(failures...)
}

// dueBatches drops what nobody waits for any more and returns what is due, the
// notifications for one URL together and in their order.
func (t *Tenant) dueBatches() [][]*pending {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, alive := t.now(), t.alive()
	t.outbox = slices.DeleteFunc(t.outbox, func(p *pending) bool {
		return !p.lifecycle && !slices.Contains(alive, p.subscription) || now.Sub(p.since) > deliveryLifetime
	})
	var urls []string
	byURL := map[string][]*pending{}
	for _, p := range t.outbox {
		if p.due.After(now) {
			continue
		}
		p.url = p.subscription.url
		if p.lifecycle {
			p.url = p.subscription.lifecycle
		}
		if byURL[p.url] == nil {
			urls = append(urls, p.url)
		}
		byURL[p.url] = append(byURL[p.url], p)
	}
	var batches [][]*pending
	for _, u := range urls {
		batches = slices.AppendSeq(batches, slices.Chunk(byURL[u], maxDelivery))
	}
	return batches
}

func (t *Tenant) post(ctx context.Context, batch []*pending) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryDeadline)
	defer cancel()
	collection := struct {
		Value []any `json:"value"`
	}{}
	for _, p := range batch {
		collection.Value = append(collection.Value, p.notification)
	}
	body, err := json.Marshal(collection)
	if err != nil {
		return fmt.Errorf("encode %d notifications: %w", len(batch), err)
	}
	endpoint := batch[0].url
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("deliver %d notifications to %s: %w", len(batch), endpoint, err)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	response, err := t.transport.RoundTrip(request) // follows no redirect
	if err != nil {
		return fmt.Errorf("deliver %d notifications to %s: %w", len(batch), endpoint, err)
	}
	_, _ = io.CopyN(io.Discard, response.Body, simhttp.MaxBody) // for the connection's sake
	_ = response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("deliver %d notifications to %s: status %d", len(batch), endpoint, response.StatusCode)
	}
	return nil
}

// conclude marks a batch as delivered, or puts it off.
func (t *Tenant) conclude(batch []*pending, accepted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, p := range batch {
		p.done = accepted
		p.due = now.Add(p.retry)
		p.retry = min(2*p.retry, lastRetry)
	}
}

// sweep takes what was delivered off the outbox. It goes through all of it, so
// once a pass has to do.
func (t *Tenant) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outbox = slices.DeleteFunc(t.outbox, func(p *pending) bool { return p.done })
}
