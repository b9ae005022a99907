package renew

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"entrawebex/internal/condition"
	"entrawebex/internal/document"
)

// remembered is what is kept of our subscription to a resource. The ids in it
// are ours; whatever else Graph lists is left alone.
type remembered struct {
	// ID is the subscription that delivers; empty if there is none.
	ID string `json:"id,omitempty"`
	// Secret is a hash of its clientState, which Graph does not tell.
	Secret string `json:"secret,omitempty"`
	// Renew says that Graph asked for a renewal before half of its life.
	Renew bool `json:"renew,omitempty"`
	// Asked is the last creation that was begun.
	Asked asked `json:"asked,omitzero"`
	// Old are those that are to be deleted once ID is not empty.
	Old []string `json:"old,omitempty"`
	// ExpiresAt is when the subscription ends, by Graph's last word.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// Wish is what it was asked to deliver, and Shown what Graph then showed of it;
	// empty for one that was made before these were kept.
	Wish  form `json:"wish,omitzero"`
	Shown form `json:"shown,omitzero"`
	// Made is when subscriptions were made within the last hour.
	Made []time.Time `json:"made,omitempty"`
	// GrantedAt is when Graph gave it its end.
	GrantedAt time.Time `json:"grantedAt,omitzero"`
	// RefusedSince is since when its renewal is refused, StuckSince since when
	// old ones cannot be removed.
	RefusedSince time.Time `json:"refusedSince,omitzero"`
	StuckSince   time.Time `json:"stuckSince,omitzero"`
	// Unwanted says that nothing is subscribed to.
	Unwanted bool `json:"unwanted,omitempty"`
	// LeftUntil is until when none is made: an operator has left.
	LeftUntil time.Time `json:"leftUntil,omitzero"`
	// Failing is there while it cannot be looked after.
	Failing condition.Failing `json:"failing,omitzero"`
}

// asked is a creation, written down before Graph is asked. The id is in Graph's
// answer, which can be lost, and Graph does not say when or by whom a
// subscription was made. So this is how it is known as ours: it is to the same
// resource and the same address, it was not there before, and it ends when the
// creation said, which nothing but a creation with that end does. A creation that
// is tried again within an hour asks for the same end, so that one note is about
// all of them.
type asked struct {
	Secret          string    `json:"secret"`
	NotificationURL string    `json:"notificationUrl"`
	ExpiresAt       time.Time `json:"expiresAt"`
	// Strangers are the ids with this address that were there before.
	Strangers []string `json:"strangers,omitempty"`
}

const (
	// askedAgain is how long a creation is repeated with the same end.
	askedAgain = time.Hour
	// rounding is by how much Graph may change the end it is asked for.
	rounding = time.Second
)

// made reports whether s was made by the creation.
func (a asked) made(s Subscription) bool {
	return !a.ExpiresAt.IsZero() && s.NotificationURL == a.NotificationURL &&
		s.ExpiresAt.Sub(a.ExpiresAt).Abs() <= rounding && !slices.Contains(a.Strangers, s.ID)
}

// memory is a document while it is worked on.
type memory struct {
	remembered

	kept     document.Copy[remembered]
	resource string
	// alive says that this run has seen it so.
	alive bool
}

// claim takes possession of what our creations made whose answers were lost: of
// one as the subscription, if it serves, and of the others as old ones.
func (m *memory) claim(existing []Subscription, wanted Subscription, secret string, now time.Time) {
	for _, s := range existing {
		switch {
		case s.ID == m.ID || slices.Contains(m.Old, s.ID) || !s.on(m.resource) || !m.Asked.made(s):
		case m.ID == "" && m.Asked.Secret == secret && (&memory{}).serves(s, wanted):
			m.made(s, wanted, secret, now)
		default:
			m.Old = append(m.Old, s.ID)
		}
	}
}

// made takes possession of a subscription that was made for this wish.
func (m *memory) made(s, wanted Subscription, secret string, now time.Time) {
	m.ID, m.Secret = s.ID, secret
	m.granted(cmp.Or(s.ExpiresAt, wanted.ExpiresAt), now)
	m.Wish, m.Shown = formOf(wanted), formOf(s)
	m.Made = append(m.Made, now.UTC())
}

// granted notes a life that Graph gave the subscription.
func (m *memory) granted(until, now time.Time) {
	m.ExpiresAt, m.GrantedAt, m.RefusedSince = until, now.UTC(), time.Time{}
	m.alive = true
}

// ends notes what a list says of its end, if it does.
func (m *memory) ends(at time.Time) {
	if !at.IsZero() && m.ExpiresAt.Sub(at).Abs() > rounding {
		m.ExpiresAt = at
	}
}

// halfOver reports whether half of the life that it was given is over: Graph may
// give less than it is asked for.
func (m *memory) halfOver(now time.Time) bool {
	life := Lifetime
	if given := m.ExpiresAt.Sub(m.GrantedAt); !m.GrantedAt.IsZero() && given > 0 {
		life = min(life, given)
	}
	return m.ExpiresAt.Sub(now) <= life/2
}

// retire makes the subscription one that goes when there is another.
func (m *memory) retire() {
	m.Old = append(m.Old, m.ID)
	m.ID, m.Renew, m.RefusedSince = "", false, time.Time{}
}

// intend notes the creation that comes next, or leaves the note of one that is
// tried again.
func (m *memory) intend(existing []Subscription, wanted Subscription, secret string) {
	if m.Asked.Secret == secret && m.Asked.NotificationURL == wanted.NotificationURL &&
		wanted.ExpiresAt.Sub(m.Asked.ExpiresAt) < askedAgain {
		return
	}
	m.Asked = asked{Secret: secret, NotificationURL: wanted.NotificationURL, ExpiresAt: wanted.ExpiresAt}
	for _, s := range existing {
		if s.on(m.resource) && s.NotificationURL == wanted.NotificationURL {
			m.Asked.Strangers = append(m.Asked.Strangers, s.ID)
		}
	}
}

// recall reads what is remembered of the subscription to a resource.
func (j *Job) recall(ctx context.Context, resource string) (*memory, error) {
	kept, err := subscription(j.Documents, resource).Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which subscription to %s is ours: %w", resource, err)
	}
	return &memory{remembered: kept.Value, kept: kept, resource: resource}, nil
}

// remember writes the document if it has changed. Of two runs at the same time
// one fails here, before it asks Graph for anything.
func (j *Job) remember(ctx context.Context, m *memory) error {
	m.kept.Value = m.remembered
	if err := m.kept.Save(ctx); err != nil {
		return fmt.Errorf("remember the subscription to %s: %w", m.resource, err)
	}
	return nil
}
