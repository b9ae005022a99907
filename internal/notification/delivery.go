package notification

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/change"
)

// Reason is why a notification was dropped.
type Reason string

const (
	malformed           Reason = "malformed"   // not an object, or a field of another type
	foreignClientState  Reason = "clientState" // absent, or neither of ours
	foreignTenant       Reason = "tenant"      // names a tenant that is not ours
	unhandledChangeType Reason = "changeType"  // neither created, updated nor deleted
	unhandledResource   Reason = "resource"    // neither Users/<object id> nor Groups/<object id>, or it contradicts itself
	badMember           Reason = "member"      // a member of a group whose id is no object id
)

// item is a changeNotification: the fields we use of it. What is left out
// may have any shape. resourceData.sequenceNumber is a number above 2^53 in
// captures, a string in the documentation, and absent from group membership
// changes; nothing depends on it.
type item struct {
	// ID is documented as optional; directory notifications come without.
	ID             string `json:"id"`
	SubscriptionID string `json:"subscriptionId"`
	ClientState    string `json:"clientState"`
	TenantID       string `json:"tenantId"`
	// OrganizationID is where lifecycle notifications have been seen to
	// carry the tenant (microsoftgraph/microsoft-graph-docs-contrib#84).
	OrganizationID string       `json:"organizationId"`
	LifecycleEvent string       `json:"lifecycleEvent"`
	ChangeType     string       `json:"changeType"`
	Resource       string       `json:"resource"`
	ResourceData   resourceData `json:"resourceData"`
}

type resourceData struct {
	Type           string    `json:"@odata.type"`
	ID             string    `json:"id"`
	OrganizationID string    `json:"organizationId"`
	EventTime      eventTime `json:"eventTime"`
	Members        members   `json:"members@delta"`
}

// members are the ids in members@delta, and how many elements have none.
type members struct {
	ids []string
	bad int
}

// UnmarshalJSON implements json.Unmarshaler. An element that is malformed
// spoils no other, and what is no array is none.
func (m *members) UnmarshalJSON(text []byte) error {
	*m = members{}
	if text[0] != '[' {
		return nil
	}
	for element := range elements(text) {
		var member change.Member
		err := json.Unmarshal(element, &member)
		id, ok := change.ParseID(member.ID)
		if err != nil || !ok {
			m.bad++
			continue
		}
		m.ids = append(m.ids, id)
	}
	return nil
}

// eventTime is zero where it is absent or no RFC 3339 time: that is no reason
// to lose a change.
type eventTime struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (t *eventTime) UnmarshalJSON(text []byte) error {
	if t.Time.UnmarshalJSON(text) != nil {
		t.Time = time.Time{}
	}
	return nil
}

// verifier tells our notifications from others'.
type verifier struct {
	// clientStates are the SHA-256 sums of the secrets that are accepted.
	clientStates [][sha256.Size]byte
	tenant       string
}

func newVerifier(tenant string, clientStates ...string) *verifier {
	v := &verifier{tenant: tenant}
	for _, clientState := range clientStates {
		if clientState != "" {
			v.clientStates = append(v.clientStates, sha256.Sum256([]byte(clientState)))
		}
	}
	return v
}

// knows compares sums, in constant time: neither the length nor the content
// of a secret can be timed.
func (v *verifier) knows(clientState string) bool {
	sum := sha256.Sum256([]byte(clientState))
	known := 0
	for i := range v.clientStates {
		known |= subtle.ConstantTimeCompare(sum[:], v.clientStates[i][:])
	}
	return known == 1
}

// foreign reports whether a tenant is not ours. One that is absent is not
// foreign: Graph leaves it out of some notifications and empty in others.
func (v *verifier) foreign(tenant string) bool {
	return tenant != "" && !strings.EqualFold(tenant, v.tenant)
}

// verify returns why n is none of ours, or nothing.
func (v *verifier) verify(n *item) Reason {
	if !v.knows(n.ClientState) {
		return foreignClientState
	}
	if v.foreign(n.TenantID) || v.foreign(n.OrganizationID) || v.foreign(n.ResourceData.OrganizationID) {
		return foreignTenant
	}
	return ""
}

// delivery is what one body comes to.
type delivery struct {
	verifier *verifier
	seenAt   time.Time

	received, queued, duplicates int
	dropped                      map[Reason]int
	lifecycle                    []Lifecycle
	// changes hold each object once, in the order first named, with all its
	// members. They are handed over, so their memory is not used again.
	changes []change.Change

	// What follows is memory that one delivery leaves to the next.

	item     item                  // the one being looked at
	position map[change.Object]int // in changes
}

func (d *delivery) reset(v *verifier, seenAt time.Time) {
	clear(d.position)
	*d = delivery{verifier: v, seenAt: seenAt, position: d.position}
}

// decode takes every item of the changeNotificationCollection in the body.
// Its error says that the body is none; then nothing of it may be queued.
func (d *delivery) decode(body []byte) error {
	all := collection{Value: items{take: d.take}}
	if err := json.Unmarshal(body, &all); err != nil {
		return fmt.Errorf("parse JSON: %w", err)
	}
	if !all.Value.found {
		return errors.New("there is no value")
	}
	return nil
}

// collection is a changeNotificationCollection.
type collection struct {
	Value items `json:"value"`
}

// items hands over the elements of an array one by one instead of keeping
// them: a body of a million empty items costs no more memory than itself.
type items struct {
	take  func(element []byte)
	found bool
}

// UnmarshalJSON implements json.Unmarshaler. The array is valid JSON:
// json.Unmarshal checks all of its input before it decodes any.
func (v *items) UnmarshalJSON(array []byte) error {
	if array[0] != '[' {
		return fmt.Errorf("the value is no array but starts with %q", array[0])
	}
	v.found = true
	for element := range elements(array) {
		v.take(element)
	}
	return nil
}

// elements splits an array that is known to be valid JSON.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		depth, start := 0, 1
		for i := 0; i < len(array); i++ {
			ends := false
			switch array[i] {
			case '"':
				i += stringLength(array[i:]) - 1
			case '[', '{':
				depth++
			case ']', '}':
				depth--
				ends = depth == 0
			case ',':
				ends = depth == 1
			}
			if !ends {
				continue
			}
			element := bytes.TrimSpace(array[start:i])
			if len(element) > 0 && !yield(element) {
				return
			}
			start = i + 1
		}
	}
}

// stringLength returns the length of the JSON string text starts with,
// quotation marks included.
func stringLength(text []byte) int {
	i := 1
	for text[i] != '"' {
		if text[i] == '\\' {
			i++
		}
		i++
	}
	return i + 1
}

// take looks at one item. A bad one is counted and takes no other with it.
func (d *delivery) take(element []byte) {
	d.received++
	n := &d.item
	*n = item{}
	if element[0] != '{' || json.Unmarshal(element, n) != nil {
		d.drop(malformed)
		return
	}
	if why := d.verifier.verify(n); why != "" {
		d.drop(why)
		return
	}
	if n.LifecycleEvent != "" {
		d.lifecycle = append(d.lifecycle, Lifecycle{Event: n.LifecycleEvent, SubscriptionID: n.SubscriptionID})
		return
	}
	c, why := n.change()
	if why != "" {
		d.drop(why)
		return
	}
	c.SeenAt = d.seenAt
	for range n.ResourceData.Members.bad {
		d.drop(badMember)
	}
	if c.Kind == change.Group {
		c.Members = n.ResourceData.Members.ids
	}
	d.add(c)
}

func (d *delivery) drop(why Reason) {
	if d.dropped == nil {
		d.dropped = make(map[Reason]int)
	}
	d.dropped[why]++
}

func (d *delivery) droppedTotal() int {
	total := 0
	for _, n := range d.dropped {
		total += n
	}
	return total
}

// add keeps one Change an object. Of several it is a deletion if one of them
// is, and as old as the oldest.
func (d *delivery) add(c change.Change) {
	at, known := d.position[c.Object]
	if !known {
		d.position[c.Object] = len(d.changes)
		d.changes = append(d.changes, c)
		return
	}
	d.duplicates++
	first := &d.changes[at]
	first.Deleted = first.Deleted || c.Deleted
	first.Members = append(first.Members, c.Members...)
	if first.EventTime.IsZero() || !c.EventTime.IsZero() && c.EventTime.Before(first.EventTime) {
		first.EventTime = c.EventTime
	}
}

// entries returns the Changes as they are queued: with nobody named twice, and
// with no more members than one can name.
func (d *delivery) entries() []change.Change {
	if !slices.ContainsFunc(d.changes, func(c change.Change) bool { return len(c.Members) > 1 }) {
		return d.changes
	}
	entries := make([]change.Change, 0, len(d.changes))
	for _, c := range d.changes {
		seen := make(map[string]bool, len(c.Members))
		c.Members = slices.DeleteFunc(c.Members, func(id string) bool {
			again := seen[id]
			seen[id] = true
			return again
		})
		for len(c.Members) > change.MaxMembers {
			part := c
			part.Members = slices.Clip(c.Members[:change.MaxMembers])
			entries = append(entries, part)
			c.Members = c.Members[change.MaxMembers:]
		}
		entries = append(entries, c)
	}
	return entries
}

// change returns what n says, or why it says nothing to us.
func (n *item) change() (change.Change, Reason) {
	switch n.ChangeType {
	case "created", "updated", "deleted":
	default:
		return change.Change{}, unhandledChangeType
	}
	o, ok := n.object()
	if !ok {
		return change.Change{}, unhandledResource
	}
	correlationID, ok := change.ParseID(n.ID)
	if !ok {
		correlationID = uuid.NewString()
	}
	return change.Change{
		Object: o,
		// Graph says "deleted" only of those deleted for good; a soft delete
		// is "updated".
		Deleted:       n.ChangeType == "deleted",
		Source:        change.Notification,
		EventTime:     n.ResourceData.EventTime.Time,
		CorrelationID: correlationID,
	}, ""
}

// object returns what n is about. The resource is "Users/<id>" or
// "Groups/<id>" in captures and "users/<id>" in documentation; subscriptions
// are made on "/users" and "/groups". resourceData may be absent, but must not
// say otherwise.
func (n *item) object() (change.Object, bool) {
	set, rest, _ := strings.Cut(strings.TrimPrefix(n.Resource, "/"), "/")
	id, ok := change.ParseID(rest)
	if !ok {
		return change.Object{}, false
	}
	data := n.ResourceData
	for _, kind := range change.Kinds() {
		if !strings.EqualFold(set, string(kind)+"s") {
			continue
		}
		consistent := (data.ID == "" || strings.EqualFold(data.ID, id)) &&
			(data.Type == "" || strings.EqualFold(data.Type, "#microsoft.graph."+string(kind)))
		return change.Object{Kind: kind, ID: id}, consistent
	}
	return change.Object{}, false
}
