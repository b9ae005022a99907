package webex

import (
	"slices"
	"strings"
)

// groupExtension is the schema of what Webex says of a group beyond SCIM.
// https://developer.webex.com/docs/api/v1/scim-2-groups
const groupExtension = "urn:scim:schemas:extension:cisco:webexidentity:2.0:Group"

// reserved says why a group may not be adopted, in one clause for a person, or
// nothing if it may.
func reserved(group map[string]any) string {
	extension, _ := group[groupExtension].(map[string]any)
	has := func(attribute, value string) bool {
		return slices.ContainsFunc(words(extension[attribute]), func(word string) bool { return strings.EqualFold(word, value) })
	}
	name, _ := group["displayName"].(string)
	switch {
	case strings.EqualFold(name, "All Org Users"):
		return "it is Webex's own"
	case has("usage", "location"):
		return "it is the group of a location"
	case has("groupType", "dynamic"):
		return "its members follow from a rule in Webex"
	}
	for _, source := range words(extension["provisionSource"]) {
		// SCIM is how we came by our own groups, AAD how Entra's connector did.
		if source != "" && !strings.EqualFold(source, "SCIM") && !strings.EqualFold(source, "AAD") {
			return "it is managed by " + printable(source)
		}
	}
	return ""
}

// words reads a string or a list of them: Webex has been seen to answer one
// for the other in its extensions. Anything else has none.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		list := make([]string, 0, len(v))
		for _, element := range v {
			if s, ok := element.(string); ok {
				list = append(list, s)
			}
		}
		return list
	default:
		return nil
	}
}
