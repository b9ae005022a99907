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
	id := s
	if decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "=")); err == nil {
		if uri, ok := strings.CutPrefix(string(decoded), "ciscospark://"); ok {
			region, rest, _ := strings.Cut(uri, "/")
			kind, last, _ := strings.Cut(rest, "/")
			if region == "" || kind != "ORGANIZATION" {
				return "", fmt.Errorf("WEBEX_ORG_ID %q is the id of something else in Webex (%s): copy the organization's from Control Hub, Account", s, strings.ToLower(kind))
			}
			id = last
		}
	}
	const uuidLength = 36
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != uuidLength {
		return "", fmt.Errorf("WEBEX_ORG_ID %q is not the id of a Webex organization: copy it from Control Hub, Account", s)
	}
	return parsed.String(), nil
}

// resolve completes the address of the organization: its id as SCIM paths want
// it, and its SCIM root. warning is for the log, empty if there is none.
func (w Webex) resolve() (resolved Webex, warning string, err error) {
	if id, ok := galleryOrgID(w.SCIMURL); ok {
		warning = "WEBEX_SCIM_URL is the tenant URL of Microsoft's gallery app, an endpoint of the past: its organization id is used with today's"
		w.OrgID, w.SCIMURL = id, ""
	}
	if w.OrgID, err = orgID(w.OrgID); err != nil {
		return w, "", err
	}
	if w.SCIMURL != "" {
		if !isHTTPS(w.SCIMURL) {
			return w, "", errors.New("WEBEX_SCIM_URL must begin with https:// (http:// for a loopback host only) and have no query")
		}
		w.SCIMURL = strings.TrimRight(w.SCIMURL, "/")
		return w, warning, nil
	}
	switch w.Cloud {
	case "public":
		w.SCIMURL = "https://webexapis.com/identity/scim/" + w.OrgID + "/v2"
	case "usgov":
		w.SCIMURL = "https://api-usgov.webex.com/identity/scim/" + w.OrgID + "/v2"
	default:
		return w, "", fmt.Errorf("WEBEX_CLOUD is %q and must be public or usgov", w.Cloud)
	}
	return w, warning, nil
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
