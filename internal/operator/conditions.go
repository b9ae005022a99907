package operator

import (
	"context"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
	"entrawebex/internal/sweep"
)

// subscriptions are those that were ever asked for, less those to what need not
// be subscribed to any more. At a first start none has been asked for yet.
func (o *Operator) subscriptions(ctx context.Context) ([]renew.SubscriptionState, error) {
	kept, err := renew.ReadSubscriptions(ctx, o.Ledger)
	states := []renew.SubscriptionState{}
	for _, s := range kept {
		over := !s.LeftUntil.IsZero() && !s.LeftUntil.After(o.Now()) // and nobody has made one since
		if !over && (o.Subscribed == nil || slices.Contains(o.Subscribed, s.Resource)) {
			states = append(states, s)
		}
	}
	return states, err
}

// subscriptionTrouble says what is wrong with a subscription; empty if it
// delivers, as far as is known.
func subscriptionTrouble(s renew.SubscriptionState, now time.Time) string {
	switch {
	case !s.LeftUntil.IsZero():
		return "was removed by entrawebex uninstall: whatever runs after " + s.LeftUntil.UTC().Format(time.RFC3339) + " subscribes again"
	case s.ID == "" && !s.Failing.Since.IsZero(): // else it is just being made
		return "is missing"
	case !s.ExpiresAt.IsZero() && !s.ExpiresAt.After(now):
		return "has ended"
	case lasts(s.Failing.Since, now):
		return "cannot be kept"
	default:
		return ""
	}
}

// Unwatched reports whether there must be subscriptions and nobody has seen them all
// alive of late: then it is not known that changes are notified.
func (s *Status) Unwatched(now time.Time) bool { return s.Subscribed && !s.Alive.Lately(now) }

// SeenAlive says when all subscriptions were.
func (s *Status) SeenAlive() string {
	if s.Alive.At.IsZero() {
		return "never seen alive"
	}
	return "last seen alive at " + s.Alive.At.UTC().Format(time.RFC3339)
}

// lasts reports whether what fails since then needs a person.
func lasts(since, now time.Time) bool { return !since.IsZero() && now.Sub(since) >= passing }

// found takes over whom the last comparison found. They are its own count: the
// records take from it whom they say something newer of.
func (s *Status) found() {
	if last := s.Compared.Last; last != nil {
		s.Open, s.ShutOut = last.Open, last.ShutOut
		s.Open.IDs, s.ShutOut.IDs = slices.Clone(last.Open.IDs), slices.Clone(last.ShutOut.IDs)
		s.unread = slices.Clone(last.Open.IDs)
	}
}

// weigh takes over what a record says of whether the account is open and must not
// be. What is told among Holds.Blocked or Spared is not told twice.
func (s *Status) weigh(r provision.Record) {
	s.unread = slices.DeleteFunc(s.unread, func(id string) bool { return id == r.Object.ID })
	switch {
	case r.Spared != nil:
		s.drop(r.Object.ID)
		s.Spared.add(SparedAccount{ID: r.Object.ID, Spared: *r.Spared})
	case r.Hold != nil && r.Hold.Security, s.Compared.Last != nil && answered(r, s.Compared.Last):
		s.drop(r.Object.ID)
	}
}

// forgotten takes out those of whom there is no record any more: it goes with the
// account.
func (s *Status) forgotten() {
	for _, id := range s.unread {
		s.drop(id)
	}
	s.unread = nil
}

// drop takes one out of those that the comparison found open.
func (s *Status) drop(id string) {
	if at := slices.Index(s.Open.IDs, id); at >= 0 {
		s.Open.IDs = slices.Delete(s.Open.IDs, at, at+1)
		s.Open.Count--
	}
}

// answered reports whether an attempt came to its end since the comparison looked,
// and left nothing open: the account is closed, or its person entitled. A comparison
// lists Webex first, so what was closed after it began is closed. It reads Entra until
// it ends, so only what was concluded after that says that the person is entitled.
func answered(r provision.Record, last *sweep.Finished) bool {
	switch {
	case r.OpenFault != nil || r.Hold != nil || r.PendingWrite != nil || r.Missing != nil:
		return false
	case r.WebexID == "" || r.LastWritten["active"] == false:
		return r.Concluded.After(last.At.Add(-last.Took))
	default: // one that is only waited for is not entitled yet
		return r.Absence == nil && r.Unassigned.IsZero() && r.Concluded.After(last.At)
	}
}

// Spared is how many accounts a setting leaves open, and the first by their ids.
type Spared struct {
	Count int             `json:"count"`
	First []SparedAccount `json:"first,omitempty"`
}

// SparedAccount is that of the person with this Entra object id.
type SparedAccount struct {
	ID string `json:"id"`
	provision.Spared
}

func (s *Spared) add(a SparedAccount) {
	const most = 100 // as many as a person looks through
	s.Count++
	at, _ := slices.BinarySearchFunc(s.First, a.ID, func(b SparedAccount, id string) int { return strings.Compare(b.ID, id) })
	s.First = slices.Insert(s.First, at, a)
	s.First = s.First[:min(most, len(s.First))]
}
