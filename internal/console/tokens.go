package console

import (
	"net/http"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/renew"
)

// lifetime is until when something is good that a person or a job has to renew.
type lifetime struct {
	Name string
	// Ends is zero where that is not known, and Unknown says what would tell it.
	Ends    time.Time
	Unknown string
	// Warning says what to do about it, if anything.
	Warning string
}

// lifetimes is what ends, as a status has it: days, and never what they are the days of.
func lifetimes(s operator.Status) []lifetime {
	access := lifetime{Name: "Webex access token", Ends: s.Token.Access, Unknown: "WEBEX_TOKEN_EXPIRES says it", Warning: s.Token.Warning}
	all := []lifetime{access}
	if !s.Token.Refresh.IsZero() {
		all[0].Warning = "" // the refresh token is what has to be renewed
		all = append(all, lifetime{Name: "Webex refresh token", Ends: s.Token.Refresh, Warning: s.Token.Warning})
	}
	secret := lifetime{Name: "Entra’s client secret", Ends: s.Secret.Ends, Unknown: "ENTRA_SECRET_EXPIRES says it", Warning: s.Secret.Warning}
	if s.Secret.Unknown != "" {
		secret.Unknown += ": " + s.Secret.Unknown
	}
	all = append(all, secret)
	for _, one := range s.Subscriptions {
		all = append(all, subscribed(one))
	}
	return all
}

// subscribed is until when Graph notifies. It is renewed by itself.
func subscribed(s renew.SubscriptionState) lifetime {
	l := lifetime{Name: "Subscription to " + s.Resource, Ends: s.ExpiresAt, Unknown: "there is none yet"}
	if s.ID != "" {
		l.Unknown = "Graph has not said it"
	}
	if !s.Failing.Since.IsZero() {
		l.Warning = "it is not renewed since " + clock(s.Failing.Since) + ": " + s.Failing.Error
	}
	return l
}

func (p *pages) tokens(r *http.Request, _ operator.Operations) (view, error) {
	status, err := p.status.asked(r.Context())
	return view{Title: "Tokens", Here: "/tokens", Template: "tokens", Body: lifetimes(status)}, err
}
