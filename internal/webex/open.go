package webex

import (
	"context"

	"entrawebex/internal/config"
	"entrawebex/internal/throttle"
)

// Open returns a Client for the organization in the settings. It keeps to the
// rate that Webex serves, for everything that shares it.
func Open(s config.Webex) (*Client, error) {
	return New(Config{
		URL:       s.SCIMURL,
		Token:     func(context.Context) (string, error) { return s.AccessToken, nil },
		Transport: throttle.New(NewTransport(), throttle.Options{}),
	})
}
