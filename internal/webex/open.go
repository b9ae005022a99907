package webex

import (
	"context"
	"sync/atomic"

	"entrawebex/internal/config"
	"entrawebex/internal/throttle"
)

// Open returns a Client for the organization in the settings. It keeps to the
// rate that Webex serves, for everything that shares it.
func Open(s config.Webex) (*Client, error) {
	return New(settled(s))
}

// OpenRotating returns a Client as Open does, whose token may be rotated:
// latest, which is asked when Webex refuses it, has the settings as they are
// now.
func OpenRotating(s config.Webex, latest func(ctx context.Context) config.Webex) (*Client, error) {
	var present atomic.Pointer[config.Webex]
	present.Store(&s)
	c := settled(s)
	c.Token = func(context.Context) (string, error) { return present.Load().AccessToken, nil }
	c.Renew = func(ctx context.Context) {
		now := latest(ctx)
		present.Store(&now)
	}
	return New(c)
}

// settled is made of settings that do not change.
func settled(s config.Webex) Config {
	return Config{
		URL:       s.SCIMURL,
		Token:     func(context.Context) (string, error) { return s.AccessToken, nil },
		Transport: throttle.New(NewTransport(), throttle.Options{}),
	}
}
