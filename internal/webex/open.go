package webex

import (
	"context"
	"errors"
	"net/http"

	"entrawebex/internal/config"
	"entrawebex/internal/throttle"
)

// Open returns a Client for the organization in the settings. It keeps to the
// rate that Webex serves, for everything that shares it.
func Open(s config.Webex) (*Client, error) {
	return open(s, throttle.New(NewTransport(), throttle.Options{}))
}

// OpenReadOnly returns a Client as Open does, which cannot write.
func OpenReadOnly(s config.Webex) (*Client, error) {
	return open(s, ReadOnly(throttle.New(NewTransport(), throttle.Options{})))
}

func open(s config.Webex, transport http.RoundTripper) (*Client, error) {
	return New(Config{
		URL: s.SCIMURL,
		Token: func(context.Context) (string, error) {
			if s.AccessToken == "" {
				return "", errors.New("WEBEX_ACCESS_TOKEN is empty, and the service app's token was not refreshed yet")
			}
			return s.AccessToken, nil
		},
		Transport: transport,
	})
}
