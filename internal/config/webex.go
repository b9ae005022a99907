package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// orgID returns an organization id as SCIM paths want it, a bare UUID, given
// as one or in the base64 form of the /v1 APIs, which encodes
// ciscospark://us/ORGANIZATION/<uuid>.
func orgID(s string) (string, error) {
	if s == "" {
		return "", errors.New("WEBEX_ORG_ID is empty: copy the Organization ID from Control Hub, Account")
	}
	id := s
	if decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "=")); err == nil {
		if uri, ok := strings.CutPrefix(string(decoded), "ciscospark://"); ok {
			region, rest, _ := strings.Cut(uri, "/")
			kind, last, _ := strings.Cut(rest, "/")
			if region == "" || kind != "ORGANIZATION" {
				return "", fmt.Errorf("WEBEX_ORG_ID is %q, the id of something else in Webex (%s): copy the Organization ID from Control Hub, Account", s, strings.ToLower(kind))
			}
			id = last
		}
	}
	const uuidLength = 36
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != uuidLength {
		return "", fmt.Errorf("WEBEX_ORG_ID is %q and must be the id of a Webex organization: copy the Organization ID from Control Hub, Account", s)
	}
	return parsed.String(), nil
}

// resolve completes the address of the organization: its id as SCIM paths want
// it, its SCIM root, and where its tokens are refreshed. warning is for the
// log, empty if there is none.
func (w Webex) resolve() (resolved Webex, warning string, err error) {
	if id, ok := galleryOrgID(w.SCIMURL); ok {
		warning = "WEBEX_SCIM_URL is the tenant URL of Microsoft's gallery app, an endpoint of the past: its organization id is used with today's"
		w.OrgID, w.SCIMURL = id, ""
	}
	if w.OrgID, err = orgID(w.OrgID); err != nil {
		return w, "", err
	}
	root, err := cloudRoot(w.Cloud)
	if err != nil {
		return w, "", err
	}
	switch {
	case w.SCIMURL == "":
		w.SCIMURL = root + "/identity/scim/" + w.OrgID + "/v2"
	case !isHTTPS(w.SCIMURL):
		return w, "", fmt.Errorf("WEBEX_SCIM_URL is %q and must begin with https:// (http:// for a loopback host only) and have no query", w.SCIMURL)
	default:
		w.SCIMURL = strings.TrimRight(w.SCIMURL, "/")
	}
	switch {
	case w.TokenURL == "":
		w.TokenURL = root + "/v1/access_token"
	case !isLoopback(w.TokenURL) || !isHTTPS(w.TokenURL):
		return w, "", fmt.Errorf("WEBEX_TOKEN_URL is %q and is for a loopback host only, such as http://127.0.0.1:9000/v1/access_token, without a query; choose Webex for Government with WEBEX_CLOUD", w.TokenURL)
	}
	return w, warning, nil
}

// cloudRoot is what the addresses of a Webex cloud begin with. Government's is
// seen of SCIM, and the same is taken for tokens.
func cloudRoot(cloud string) (string, error) {
	switch cloud {
	case "public":
		return "https://webexapis.com", nil
	case "usgov":
		return "https://api-usgov.webex.com", nil
	default:
		return "", fmt.Errorf("WEBEX_CLOUD is %q and must be public or usgov", cloud)
	}
}

// checkToken wants a token, or what makes one. Both together are a service
// app with the token it made last.
func (w Webex) checkToken() error {
	given := []struct{ name, value string }{
		{"WEBEX_CLIENT_ID", w.ClientID}, {"WEBEX_CLIENT_SECRET", w.ClientSecret}, {"WEBEX_REFRESH_TOKEN", w.RefreshToken},
	}
	var missing []string
	for _, g := range given {
		if g.value == "" {
			missing = append(missing, g.name)
		}
	}
	switch {
	case len(missing) == 0, len(missing) == len(given) && w.AccessToken != "":
		return nil
	case len(missing) == len(given):
		return errors.New("WEBEX_ACCESS_TOKEN is empty: it is the token of a full administrator or service app with the scope identity:people_rw; or give WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN of a service app")
	default:
		return fmt.Errorf("%s missing: a service app needs WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN together, a fixed WEBEX_ACCESS_TOKEN none of them", isOrAre(missing))
	}
}

// isOrAre is the beginning of a sentence about what is named.
func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, " and ") + " are"
}

// galleryOrgID returns the organization id in a tenant URL of Microsoft's
// gallery app, https://api.ciscospark.com/v1/scim/[OrgId]; false if address is
// not one.
func galleryOrgID(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || (u.Host != "api.ciscospark.com" && u.Host != "api.webex.com") {
		return "", false
	}
	return strings.CutPrefix(strings.Trim(u.Path, "/"), "v1/scim/")
}
