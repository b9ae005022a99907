package webex

import (
	"slices"
	"strings"

	"entrawebex/internal/change"
)

// groupExtension is the schema of what Webex says of a group beyond SCIM.
// https://developer.webex.com/docs/api/v1/scim-2-groups
const groupExtension = "urn:scim:schemas:extension:cisco:webexidentity:2.0:Group"

// reserved says why a resource may not be adopted, in one clause for a person,
// or nothing if it may.
func reserved(kind change.Kind, attributes map[string]any) string {
	if kind == change.Group {
		return reservedGroup(attributes)
	}
	return reservedUser(attributes)
}

// reservedUser looks at the userType, of which Webex has user, room,
// external_calling and calling_service (its /Schemas/SCIM2/User). One that is
// not known here is not known to be a person's.
func reservedUser(user map[string]any) string {
	for _, given := range words(valueOf(user, "userType")) {
		switch strings.ToLower(given) {
		case "", "user":
		case "room":
			return "it is the account of a room"
		case "external_calling", "calling_service":
			return "it is the account of a calling service"
		default:
			return "it is no person's account but of the type " + quotable(given)
		}
	}
	return ""
}

func reservedGroup(group map[string]any) string {
	extension, _ := valueOf(group, groupExtension).(map[string]any)
	has := func(attribute, value string) bool {
		return slices.ContainsFunc(words(valueOf(extension, attribute)), func(word string) bool { return strings.EqualFold(word, value) })
	}
	switch {
	case strings.EqualFold(text(group, "displayName"), "All Org Users"):
		return "it is Webex's own"
	case has("usage", "location"):
		return "it is the group of a location"
	case has("groupType", "dynamic"):
		return "its members follow from a rule in Webex"
	}
	for _, source := range words(valueOf(extension, "provisionSource")) {
		// SCIM is how we came by our own groups, AAD how Entra's connector did.
		if source != "" && !strings.EqualFold(source, "SCIM") && !strings.EqualFold(source, "AAD") {
			return "it is managed by " + quotable(source)
		}
	}
	return ""
}
