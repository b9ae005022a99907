package webex

import (
	"context"

	"entrawebex/internal/config"
	"entrawebex/internal/renew"
)

// OpenRefresh returns a function that makes a new token from a refresh token, as
// Refresh does, for the service app in the settings as they are at the time.
func OpenRefresh(latest func(ctx context.Context) config.Webex) func(ctx context.Context, refreshToken string) (renew.Token, error) {
	return func(ctx context.Context, refreshToken string) (renew.Token, error) {
		s := latest(ctx)
		t, err := Refresh(ctx, ServiceApp{
			ClientID: s.ClientID, ClientSecret: s.ClientSecret, RefreshToken: refreshToken, URL: s.TokenURL,
		})
		return renew.Token{Access: t.Access, ExpiresAt: t.ExpiresAt, Refresh: t.Refresh, RefreshExpiresAt: t.RefreshExpiresAt}, err
	}
}
