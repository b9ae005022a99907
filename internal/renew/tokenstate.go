package renew

import (
	"context"
	"fmt"
	"time"

	"entrawebex/internal/document"
)

// TokenState is what is known of the token for Webex. It holds no secret.
type TokenState struct {
	// Fixed says that nobody refreshes it.
	Fixed bool `json:"fixed,omitempty"`
	// RefreshedAt is when a service app's tokens were made.
	RefreshedAt time.Time `json:"refreshedAt,omitzero"`
	// AccessEnds is when the access token ends, RefreshEnds when the refresh
	// token does unless it is used; zero if nobody knows.
	AccessEnds  time.Time `json:"accessEnds,omitzero"`
	RefreshEnds time.Time `json:"refreshEnds,omitzero"`
	// Failure is why the last refresh failed, one sentence; empty if it did not.
	Failure string `json:"failure,omitempty"`
	// FailingSince is when the first in that row failed.
	FailingSince time.Time `json:"failingSince,omitzero"`

	// Of is a hash of the refresh token that this is about.
	Of string `json:"of,omitempty"`
	// TriedAt is when a refresh was begun that has not ended, NextTry the
	// earliest time for the next one, ProvedAt when the store was last written,
	// ToldAt when the log last said that the token ends.
	TriedAt  time.Time `json:"triedAt,omitzero"`
	NextTry  time.Time `json:"nextTry,omitzero"`
	ProvedAt time.Time `json:"provedAt,omitzero"`
	ToldAt   time.Time `json:"toldAt,omitzero"`
}

// Warning says that access to Webex ends unless somebody does something.
type Warning struct {
	Ends time.Time
	// Why is one sentence with the mend; empty if there is nothing to warn of.
	Why string
	// Urgent says that it is an alarm.
	Urgent bool
}

const (
	tokenDocument = "webex token"
	day           = 24 * time.Hour
	// urgent is the time before the end in which it is an alarm, early that in
	// which it is told.
	urgent = 14 * day
	early  = 30 * day
	// passing is how long a refresh may fail before anybody is told: half of the
	// access token's life is left.
	passing = time.Hour
)

func tokenState(documents document.Store) document.Document[TokenState] {
	return document.Document[TokenState]{Store: documents, Name: tokenDocument}
}

// ReadToken returns what is known of the token; the zero TokenState if nothing.
func ReadToken(ctx context.Context, documents document.Store) (TokenState, error) {
	s, err := tokenState(documents).Read(ctx)
	if err != nil {
		return TokenState{}, fmt.Errorf("read the state of the Webex token: %w", err)
	}
	return s, nil
}

// Warning returns what there is to warn of: a fixed or a refresh token in its last 30
// days, and an access token whose refresh has failed for
// an hour.
func (s TokenState) Warning(now time.Time) Warning {
	failing := !s.FailingSince.IsZero() && now.Sub(s.FailingSince) >= passing
	switch {
	case s.Fixed && !s.AccessEnds.IsZero() && s.AccessEnds.Sub(now) <= early:
		return Warning{
			Ends: s.AccessEnds, Urgent: s.AccessEnds.Sub(now) <= urgent,
			Why: "nobody can renew a fixed token: make another, and put it into WEBEX_ACCESS_TOKEN and its last day into WEBEX_TOKEN_EXPIRES",
		}
	case failing && s.AccessEnds.IsZero(): // nothing is known of the token that is used
		return Warning{Ends: s.FailingSince, Urgent: true, Why: s.Failure}
	case failing:
		return Warning{Ends: s.AccessEnds, Urgent: true, Why: s.Failure}
	case !s.RefreshEnds.IsZero() && s.RefreshEnds.Sub(now) <= early:
		return Warning{
			Ends: s.RefreshEnds, Urgent: s.RefreshEnds.Sub(now) <= urgent,
			Why: "the refresh token was not used for long: make new tokens for the service app at developer.webex.com and put the refresh token into WEBEX_REFRESH_TOKEN",
		}
	default:
		return Warning{}
	}
}

// elsewhere is for how long after a refresh a refusal may be of the token before: each
// process reads a secret again at most once a minute.
const elsewhere = 2 * time.Minute

// fresh reports whether there is nothing to do for the tokens of a service app,
// which Webex has refused since then, if that is not zero. A refusal of the token
// before ends by itself; a refresh for it would leave others with the token before
// once more.
func (s TokenState) fresh(now, refused time.Time) bool {
	half := s.RefreshedAt.Add(s.AccessEnds.Sub(s.RefreshedAt) / 2)
	former := refused.Sub(s.RefreshedAt) < elsewhere && now.Sub(refused) < elsewhere
	return !s.RefreshedAt.IsZero() && s.Failure == "" && s.TriedAt.IsZero() && now.Before(half) && (former || !s.RefreshedAt.Before(refused))
}
