package operator

import (
	"context"
	"slices"
	"time"

	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

// subscriptions are those that were ever asked for, less those to what need not
// be subscribed to any more. At a first start none has been asked for yet.
func (o *Operator) subscriptions(ctx context.Context) ([]renew.SubscriptionState, error) {
	kept, err := renew.ReadSubscriptions(ctx, o.Ledger)
	states := []renew.SubscriptionState{}
	for _, s := range kept {
		if o.Subscribed == nil || slices.Contains(o.Subscribed, s.Resource) {
			states = append(states, s)
		}
	}
	return states, err
}

// subscriptionTrouble says what is wrong with a subscription; empty if it
// delivers, as far as is known.
func subscriptionTrouble(s renew.SubscriptionState, now time.Time) string {
	switch {
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

// lasts reports whether what fails since then needs a person.
func lasts(since, now time.Time) bool { return !since.IsZero() && now.Sub(since) >= passing }

// found takes over whom the last comparison found. They are its own count: the
// records take from it what was closed since.
func (s *Status) found() {
	if last := s.Compared.Last; last != nil {
		s.Open, s.ShutOut = last.Open, last.ShutOut
		s.Open.IDs, s.ShutOut.IDs = slices.Clone(last.Open.IDs), slices.Clone(last.ShutOut.IDs)
	}
}

// close takes one out of those open whose account was written inactive since the
// comparison began, and with no trouble: an attempt may come while it still runs.
// One of Holds.Blocked is told there, with the same words, and not twice.
func (s *Status) close(r provision.Record) {
	at := slices.Index(s.Open.IDs, r.Object.ID)
	if at >= 0 && r.Hold != nil && r.Hold.Security {
		s.Open.IDs = slices.Delete(s.Open.IDs, at, at+1)
		s.Open.Count--
		return
	}
	if at < 0 || r.Trouble != nil || r.Hold != nil || r.Doubt != nil || r.Written["active"] != false {
		return
	}
	if last := s.Compared.Last; r.Concluded.After(last.At.Add(-last.Took)) {
		s.Open.IDs = slices.Delete(s.Open.IDs, at, at+1)
		s.Open.Count--
	}
}
