package scim

import (
	"mime"
	"net/http"
	"time"

	"entrawebex/internal/sandbox/seeded"
	"entrawebex/internal/sandbox/simhttp"
)

const (
	tokenPath = "/v1/access_token"
	// accessLife and refreshLife are how long the tokens of a service app live:
	// 14 and 90 days.
	accessLife  = 14 * 24 * time.Hour
	refreshLife = 90 * 24 * time.Hour
)

// ServiceApp is a machine account, authorized in the organization, that makes
// its own access tokens at /v1/access_token.
// https://developer.webex.com/docs/service-apps
type ServiceApp struct {
	ClientID, ClientSecret string
	// RefreshToken is the one it begins with, for 90 days.
	RefreshToken string
	// Rotate makes each refresh give a new refresh token and end the tokens
	// before. Webex does not say whether it does.
	Rotate bool
}

// credentials are what a service app has. They are guarded by Organization.mu.
type credentials struct {
	app     ServiceApp
	ids     *seeded.IDs
	refresh string
	until   time.Time            // of refresh
	access  map[string]time.Time // until when, by token
}

func newCredentials(app *ServiceApp, seed uint64, now time.Time) *credentials {
	if app == nil {
		return nil
	}
	return &credentials{
		app: *app, ids: seeded.NewIDs(seed, "org tokens"), refresh: app.RefreshToken, until: now.Add(refreshLife), access: map[string]time.Time{},
	}
}

// holds reports whether a token was given and has not expired.
func (c *credentials) holds(token string, now time.Time) bool {
	return c != nil && now.Before(c.access[token])
}

// serveToken answers POST /v1/access_token. What Webex says of a refusal is not
// documented: here it is what RFC 6749 section 5.2 says.
func (o *Organization) serveToken(w http.ResponseWriter, r *http.Request, tracking string) {
	o.Calls.Add(r.Method + " " + tokenPath)
	if r.Method != http.MethodPost {
		gateway(w, http.StatusMethodNotAllowed, tracking, "The method "+r.Method+" is not allowed.")
		return
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		gateway(w, http.StatusUnsupportedMediaType, tracking, "The content type is not application/x-www-form-urlencoded.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, simhttp.MaxBody)
	if err := r.ParseForm(); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_request"})
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	status, body := o.app.grant(r, o.now())
	writeJSON(w, status, body)
}

// grant answers with tokens, or with why there are none.
func (c *credentials) grant(r *http.Request, now time.Time) (status int, body map[string]any) {
	given := r.PostForm
	switch {
	case c == nil || given.Get("client_id") != c.app.ClientID || given.Get("client_secret") != c.app.ClientSecret:
		return http.StatusUnauthorized, map[string]any{"error": "invalid_client"}
	case given.Get("grant_type") != "refresh_token":
		return http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"}
	case given.Get("refresh_token") != c.refresh || !now.Before(c.until):
		return http.StatusBadRequest, map[string]any{
			"error": "invalid_grant", "error_description": "The refresh token provided is expired, revoked, malformed, or invalid.",
		}
	}
	if c.app.Rotate {
		clear(c.access)
		c.refresh = c.ids.Next()
	}
	access := c.ids.Next()
	c.access[access], c.until = now.Add(accessLife), now.Add(refreshLife)
	return http.StatusOK, map[string]any{
		"token_type": "Bearer", "access_token": access, "expires_in": int(accessLife / time.Second),
		"refresh_token": c.refresh, "refresh_token_expires_in": int(refreshLife / time.Second),
	}
}
