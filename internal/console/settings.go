package console

import (
	"net/http"
	"strings"
	"time"

	"entrawebex/internal/config"
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
	secret := lifetime{Name: strings.ReplaceAll(s.Secret.Name(), "'", "’"), Ends: s.Secret.Ends, Unknown: "ENTRA_SECRET_EXPIRES says it", Warning: s.Secret.Warning}
	if s.Secret.Unknown != "" {
		secret.Unknown += ": " + s.Secret.Unknown
	}
	if s.Secret.Credential != renew.Federation { // which does not end
		all = append(all, secret)
	}
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

// inForce is what the page of settings shows.
type inForce struct {
	Ends []lifetime
	// Given are the settings that have a value, Rest the names of the others. Unknown
	// says why they are not told.
	Given   []config.Value
	Rest    []string
	Unknown string
}

func (p *pages) settings(r *http.Request, o operator.Operations) (view, error) {
	v := view{Title: "Settings", Here: "/settings", Template: "settings"}
	status, err := p.status.asked(r.Context())
	if err != nil {
		return v, err
	}
	made := inForce{Ends: lifetimes(status)}
	values, err := o.Environment(r.Context())
	if err != nil {
		made.Unknown = err.Error() // what ends is known all the same
	}
	for _, one := range values {
		if one.Value == "" && !one.Set {
			made.Rest = append(made.Rest, one.Name)
		} else {
			made.Given = append(made.Given, one)
		}
	}
	v.Body = made
	return v, nil
}
