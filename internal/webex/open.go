package webex

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

// Open returns a Client for the organization in the settings. It keeps to the
// rate that Webex serves, for everything that shares it, and logs what it leaves
// out of lists.
func Open(s config.Webex, log *slog.Logger) (*Client, error) {
	return New(settled(s, throttle.New(NewTransport(), throttle.Options{}), log))
}

// OpenReadOnly returns a Client as Open does, which cannot write.
func OpenReadOnly(s config.Webex, log *slog.Logger) (*Client, error) {
	return New(settled(s, ReadOnly(throttle.New(NewTransport(), throttle.Options{})), log))
}

// OpenRotating returns a Client as Open does, whose token may be rotated:
// latest, which is asked when Webex refuses it or there is none yet, has the
// settings as they are now.
func OpenRotating(s config.Webex, latest func(ctx context.Context) config.Webex, log *slog.Logger) (*Client, error) {
	var present atomic.Pointer[config.Webex]
	present.Store(&s)
	c := settled(s, throttle.New(NewTransport(), throttle.Options{}), log)
	c.Renew = func(ctx context.Context) {
		now := latest(ctx)
		present.Store(&now)
	}
	c.Token = func(ctx context.Context) (string, error) {
		if present.Load().AccessToken == "" {
			c.Renew(ctx)
		}
		token := present.Load().AccessToken
		if token == "" {
			return "", &provision.Fault{Kind: provision.Unauthorized, Reason: "the service app has no token yet: renew makes it within a minute, or its log says why not"}
		}
		return token, nil
	}
	return New(c)
}

// settled is made of settings that do not change.
func settled(s config.Webex, transport http.RoundTripper, log *slog.Logger) Config {
	return Config{
		URL:       s.SCIMURL,
		Token:     func(context.Context) (string, error) { return token(s) },
		Transport: transport,
		Log:       log,
	}
}

func token(s config.Webex) (string, error) {
	if s.AccessToken == "" {
		return "", errors.New("WEBEX_ACCESS_TOKEN is empty, and the service app's token was not refreshed yet: entrawebex run, or on AWS renew, " +
			"does that at its start; until then set WEBEX_ACCESS_TOKEN to the access token that was shown beside the refresh token")
	}
	return s.AccessToken, nil
}
