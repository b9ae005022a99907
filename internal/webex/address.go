package webex

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// OrgID returns an organization id as SCIM paths want it, a bare UUID, given
// as one or in the base64 form of the /v1 APIs, which encodes
// ciscospark://us/ORGANIZATION/<uuid>.
func OrgID(s string) (string, error) {
	id := s
	if decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "=")); err == nil {
		if uri, ok := strings.CutPrefix(string(decoded), "ciscospark://"); ok {
			region, rest, _ := strings.Cut(uri, "/")
			kind, last, _ := strings.Cut(rest, "/")
			if region == "" || kind != "ORGANIZATION" {
				return "", fmt.Errorf("%q is the id of something else in Webex (%s); the organization's is in Control Hub under Account", s, strings.ToLower(kind))
			}
			id = last
		}
	}
	const uuidLength = 36
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != uuidLength {
		return "", fmt.Errorf("%q is not a Webex organization id: copy it from Control Hub, Account", s)
	}
	return parsed.String(), nil
}

// URL returns the SCIM root of an organization in a cloud: "public" or "usgov".
func URL(cloud, orgID string) (string, error) {
	switch cloud {
	case "public":
		return "https://webexapis.com/identity/scim/" + orgID + "/v2", nil
	case "usgov":
		return "https://api-usgov.webex.com/identity/scim/" + orgID + "/v2", nil
	default:
		return "", fmt.Errorf("there is no Webex cloud %q: WEBEX_CLOUD is public or usgov", cloud)
	}
}

// GalleryOrgID returns the organization id in a tenant URL of Microsoft's
// gallery app, https://api.ciscospark.com/v1/scim/[OrgId]; false if u is not
// one.
func GalleryOrgID(u string) (string, bool) {
	parsed, err := url.Parse(u)
	if err != nil || (parsed.Host != "api.ciscospark.com" && parsed.Host != "api.webex.com") {
		return "", false
	}
	id, ok := strings.CutPrefix(strings.Trim(parsed.Path, "/"), "v1/scim/")
	return id, ok
}
