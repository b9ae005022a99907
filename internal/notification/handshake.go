package notification

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// Handshake calls the webhook as Graph does when a subscription is made
// (change-notifications-delivery-webhooks, "notificationUrl validation"). The error says
// how to mend it.
func Handshake(ctx context.Context, address string) error {
	const within = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	token := "Validation: check + 100% & " + uuid.NewString()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"?validationToken="+url.QueryEscape(token), http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	client := &http.Client{
		// A connection that is kept would hold up the end of a webhook in this process.
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: start the webhook, or correct WEBHOOK_URL", err)
	}
	defer response.Body.Close()
	const enough = 4 << 10
	body, err := io.ReadAll(io.LimitReader(response.Body, enough))
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("it answers %s: it must let Graph in without authentication", response.Status)
	case string(body) != token:
		return errors.New("it does not answer with the token: something else listens there, or a proxy rewrites the query")
	default:
		return nil
	}
}
