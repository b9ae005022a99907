package webex

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

const (
	// maxTokenAnswer bounds what is read of the token endpoint's answer, in
	// bytes.
	maxTokenAnswer = 64 << 10
	// maxTokenLife bounds what the endpoint can say of a token's life; Webex's
	// live 14 and 90 days.
	maxTokenLife = 10 * 365 * 24 * time.Hour
)

// ServiceApp is a machine account of Webex, which makes its access token from
// a refresh token.
// https://developer.webex.com/docs/service-apps
type ServiceApp struct {
	ClientID, ClientSecret string
	// RefreshToken is the last one that Webex gave.
	RefreshToken string
	// URL is the token endpoint, https://webexapis.com/v1/access_token or that
	// of Webex for Government; any on a loopback host.
	URL string
	// Transport carries the call; nil for NewTransport.
	Transport http.RoundTripper
	// Now is the clock that lifetimes are counted from; nil for time.Now.
	Now func() time.Time
}

// Token is what Refresh returns. It is not shown in a log.
type Token struct {
	// Access is the bearer token for Config.Token, good until ExpiresAt.
	Access    string
	ExpiresAt time.Time
	// Refresh is what the next Refresh needs, good until RefreshExpiresAt,
	// which is zero if Webex did not say. It must be kept: the one before may
	// be worth nothing now.
	Refresh          string
	RefreshExpiresAt time.Time
}

// String says when the token expires, and not what it is.
func (t Token) String() string { return "a Webex token until " + t.ExpiresAt.Format(time.RFC3339) }

// GoString is String for %#v.
func (t Token) GoString() string { return t.String() }

// LogValue implements slog.LogValuer.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Refresh makes a new access token: POST /v1/access_token with the grant
// refresh_token (RFC 6749 section 6). An access token of Webex lives 14 days, a
// refresh token 90 from its last use.
//
// The error is a *provision.Fault, without a secret in it: Permanent for a
// refresh token that is not taken, Unauthorized for a client that is not,
// Throttled and Transient for what passes. An uncertain one may have cost the
// refresh token, where Webex gives a new one each time.
func Refresh(ctx context.Context, app ServiceApp) (Token, error) {
	const what = "refresh the Webex token"
	switch {
	case app.ClientID == "" || app.ClientSecret == "" || app.RefreshToken == "":
		return Token{}, &provision.Fault{
			Kind: provision.Permanent, Reason: what + ": a service app needs WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN",
		}
	case !isTokenEndpoint(app.URL):
		return Token{}, &provision.Fault{Kind: provision.Permanent, Reason: what + ": not sent: its address is none of Webex's"}
	}
	transport := app.Transport
	if transport == nil {
		own := NewTransport()
		defer own.CloseIdleConnections() // the next call is days away
		transport = own
	}
	now := time.Now
	if app.Now != nil {
		now = app.Now
	}
	form := url.Values{
		"grant_type": {"refresh_token"}, "client_id": {app.ClientID},
		"client_secret": {app.ClientSecret}, "refresh_token": {app.RefreshToken},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, app.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return Token{}, &provision.Fault{Kind: provision.Permanent, Reason: what, Err: err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	began := now() // the lifetimes are counted by the server, and not from later
	r, err := send(newHTTP(transport), request, what, maxTokenAnswer, io.ReadAll)
	switch {
	case err != nil:
		return Token{}, err
	case !r.ok():
		return Token{}, app.refused(what, r, now())
	default:
		return app.token(what, r, began)
	}
}

// isTokenEndpoint reports whether the secrets may be sent to an address.
func isTokenEndpoint(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return config.IsLoopback(u) || u.Scheme == "https" && slices.Contains([]string{"webexapis.com", "api-usgov.webex.com"}, u.Host)
}

// token reads a successful answer (RFC 6749 section 5.1).
func (app ServiceApp) token(what string, r reply, began time.Time) (Token, error) {
	var given struct {
		Type             string `json:"token_type"`
		Access           string `json:"access_token"`
		ExpiresIn        word   `json:"expires_in"`
		Refresh          string `json:"refresh_token"`
		RefreshExpiresIn word   `json:"refresh_token_expires_in"`
	}
	// The parser's own error could quote what it read.
	if json.Unmarshal(r.body, &given) != nil {
		f := doubt(what, "Webex's answer is not the JSON expected")
		f.Foreign = r.isPage()
		return Token{}, f
	}
	life, ok := lifetime(given.ExpiresIn)
	switch {
	case !isTokenText(given.Access) || given.Refresh != "" && !isTokenText(given.Refresh):
		return Token{}, doubt(what, "Webex's answer has no token")
	case given.Type != "" && !strings.EqualFold(given.Type, "Bearer"):
		return Token{}, doubt(what, "Webex's answer is not a bearer token")
	case !ok:
		return Token{}, doubt(what, "Webex's answer does not say how long the token lives")
	}
	t := Token{Access: given.Access, ExpiresAt: began.Add(life), Refresh: app.RefreshToken}
	if given.Refresh != "" { // else the one before stays good
		t.Refresh = given.Refresh
	}
	if life, ok := lifetime(given.RefreshExpiresIn); ok {
		t.RefreshExpiresAt = began.Add(life)
	}
	return t, nil
}

// isTokenText reports whether s can be sent as a token (RFC 6750 section 2.1).
func isTokenText(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func lifetime(seconds word) (time.Duration, bool) {
	n, err := strconv.ParseInt(string(seconds), 10, 64)
	if err != nil || n <= 0 || n > int64(maxTokenLife/time.Second) {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// refused is the fault that an answer of the token endpoint outside 2xx stands
// for. Of what it says only the code and the tracking id are told: it may
// repeat what it was sent.
func (app ServiceApp) refused(what string, r reply, now time.Time) *provision.Fault {
	var oauth struct {
		Code string `json:"error"`
	}
	if json.Unmarshal(r.body, &oauth) != nil || !isOAuthCode(oauth.Code) {
		oauth.Code = ""
	}
	given := said(r)
	e := apiError{code: oauth.Code, tracking: given.tracking}
	for _, secret := range []string{app.ClientSecret, app.RefreshToken} {
		if strings.Contains(e.tracking, secret) {
			e.tracking = ""
		}
	}
	f := &provision.Fault{
		Reason:    what + ": Webex answered " + e.describe(r.status),
		After:     throttle.RetryAfter(r.header, now),
		RequestID: quotable(e.tracking),
	}
	switch status := r.status; {
	case throttles(status, f.After):
		f.Kind = provision.Throttled
	case isBetween(status), given.origin == stranger && oauth.Code == "":
		f.Kind, f.Foreign, f.Uncertain = provision.Transient, true, true
		f.Reason += byAnother + "; is this the address of Webex's token endpoint?"
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusBadRequest && (e.code == "invalid_client" || e.code == "unauthorized_client"):
		f.Kind = provision.Unauthorized
		f.Reason += "; WEBEX_CLIENT_ID and WEBEX_CLIENT_SECRET must be those of the service app, and it must be authorized in Control Hub, Apps, Service Apps"
	case status == http.StatusBadRequest:
		f.Kind = provision.Permanent
		f.Reason += "; the refresh token has expired, was revoked or is another service app's: make new tokens for the service app at developer.webex.com and put the refresh token into WEBEX_REFRESH_TOKEN"
	case fails(status):
		f.Kind, f.Uncertain = provision.Transient, true
	default:
		f.Kind = provision.Permanent
		f.Reason += "; is this the address of Webex's token endpoint?"
	}
	return f
}

// isOAuthCode knows the codes of RFC 6749 section 5.2.
func isOAuthCode(s string) bool {
	return slices.Contains([]string{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	}, s)
}
