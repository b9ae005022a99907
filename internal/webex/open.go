package webex

import (
	"context"

	"entrawebex/internal/config"
)

// Open returns a Client for the organization in the settings.
func Open(s config.Webex) (*Client, error) {
	return New(Config{
		URL:   s.SCIMURL,
		Token: func(context.Context) (string, error) { return s.AccessToken, nil },
	})
}
