package mapping

import (
	"fmt"
	"strings"
)

// Target attributes: what Webex takes of a user and of a group, as Cisco's OpenAPI
// (webex/webex-openapi-specs, public-spec/webex-admin.json) and the schema that
// Webex answers at /Schemas/SCIM2/User and …/Group have it.

// form is what values an attribute takes; the zero one is a text.
type form int

// The other forms.
const (
	// address is an e-mail address; case does not matter in it (RFC 7643 section
	// 8.7.1).
	address form = iota + 1
	// language is a language and a country in Webex's form, en_US.
	language
	// boolean is true or false; Webex is also seen to answer with the words.
	boolean
	// texts is a list of texts.
	texts
	// reference is the id of another account.
	reference
)

// String is the form in words.
func (f form) String() string {
	return [...]string{"text", address: "e-mail address", language: "language", boolean: "boolean", texts: "list of texts", reference: referenceKind}[f]
}

// target is one attribute of the schema.
type target struct {
	path string
	form form
	// longest is how many characters Webex takes; 0 if it does not say.
	longest int
	// needed says that the engine cannot do without it.
	needed bool
	// note is what there is to know before it is mapped.
	note string
	// refused says why the attribute cannot be mapped, and what to do instead.
	refused string
}

// The schemas of extensions (RFC 7643 section 4.3, and Cisco's own).
const (
	enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	webexUserSchema  = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User:"
	webexGroupSchema = "urn:scim:schemas:extension:cisco:webexidentity:2.0:Group:"

	// managerTarget is the attribute that refers to another account, whose value is its
	// id: "the manager must belong to the same org as the user" (Cisco's OpenAPI).
	managerTarget = enterpriseSchema + "manager"
)

const longestAddress = 254 // characters; Webex's schema of userName

// userTargets are the attributes of users.
func userTargets() []target {
	const byWebex = "it is Webex's own; leave it out"
	list := []target{
		{path: "userName", form: address, longest: longestAddress, needed: true},
		{path: "externalId", longest: 256, needed: true},
		{path: "active", form: boolean, needed: true},
		{path: "displayName", longest: 512},
		{path: "nickName", longest: 256},
		{path: "name.givenName", longest: 256},
		{path: "name.familyName", longest: 256},
		{path: "name.middleName", longest: 256},
		{path: "name.honorificPrefix", longest: 256},
		{path: "name.honorificSuffix", longest: 256},
		{path: "name.formatted", refused: "Webex makes it of the parts of the name; map displayName"},
		{path: "title", longest: 512},
		{path: "preferredLanguage", form: language},
		{path: "locale", form: language},
		{path: "timezone"},
		{path: "profileUrl", longest: 1000},
		{path: enterpriseSchema + "employeeNumber", longest: 256},
		{path: enterpriseSchema + "costCenter", longest: 256},
		{path: enterpriseSchema + "organization", longest: 512},
		{path: enterpriseSchema + "division", longest: 512},
		{path: enterpriseSchema + "department", longest: 512},
		{path: managerTarget, form: reference, note: "it takes source: manager alone, and is empty as long as the manager has no account"},
		{path: managerTarget + ".value", refused: "write " + managerTarget},
		{path: webexUserSchema + "accountStatus", refused: byWebex + " and map active"},
		{path: "id", refused: byWebex},
		{path: "meta", refused: byWebex},
		{path: "schemas", refused: "it follows from the mapped attributes; leave it out"},
		{path: "userType", refused: "everybody is provisioned as a user; leave it out"},
		{path: "groups", refused: "it follows from the groups' members; leave it out"},
		{path: "roles", refused: "administrators' roles are given in Control Hub; leave it out"},
		{path: "password", refused: "Entra does not show passwords; leave it out"},
	}
	list = append(list, elements("emails", "work home room other", target{form: address, longest: longestAddress})...)
	list = append(list, elements("phoneNumbers", "work mobile fax work_extension", target{})...)
	for i := range list {
		if list[i].path == `phoneNumbers[type eq "work"].value` {
			list[i].note = "off by default, and not for users of Webex Calling: a license for Calling takes the work phone of an account away and puts an extension in its place, and the two would alternate"
		}
	}
	list = append(list, elements("photos", "photo thumbnail resizable", target{})...)
	list = append(list, elements(webexUserSchema+"sipAddresses", "enterprise", target{})...)
	for kind := range strings.FieldsSeq("work home other") {
		for _, part := range []target{
			{path: "streetAddress", longest: 512},
			{path: "locality", longest: 128},
			{path: "region", longest: 64},
			{path: "postalCode", longest: 64},
			{path: "country"},
		} {
			part.path = fmt.Sprintf(`addresses[type eq "%s"].%s`, kind, part.path)
			list = append(list, part)
		}
	}
	for i := 1; i <= 15; i++ {
		list = append(list, target{path: fmt.Sprintf("%sextensionAttribute%d", webexUserSchema, i), form: texts})
	}
	return list
}

// searchedOfUsers are the attributes that Webex searches users by, of elements without
// their type: Cisco's table at GET /Users, as far as it can be mapped. externalId is
// not in it.
func searchedOfUsers() []string {
	return []string{
		"userName", "displayName", "nickName", "name.givenName", "name.familyName", "name.middleName",
		"emails.value", "emails.display", "phoneNumbers.value", "phoneNumbers.display",
		enterpriseSchema + "employeeNumber", enterpriseSchema + "costCenter", enterpriseSchema + "organization",
		enterpriseSchema + "division", enterpriseSchema + "department",
	}
}

// elements are the attributes of the elements of a multi-valued attribute, by their
// types.
func elements(attribute, types string, value target) []target {
	kinds := strings.Fields(types)
	list := make([]target, 0, 3*len(kinds))
	for _, kind := range kinds {
		at := fmt.Sprintf(`%s[type eq "%s"].`, attribute, kind)
		value.path = at + "value"
		list = append(list, value, target{path: at + "display"}, target{path: at + "primary", form: boolean})
	}
	return list
}

// groupTargets are the attributes of groups.
func groupTargets() []target {
	list := []target{
		{path: "displayName", longest: 512, needed: true},
		{path: "externalId", longest: 256, needed: true},
		{path: "members", refused: "who is in a group is provisioned by itself; leave it out"},
		{path: "id", refused: "it is Webex's own; leave it out"},
		{path: "meta", refused: "it is Webex's own; leave it out"},
		{path: "schemas", refused: "it follows from the mapped attributes; leave it out"},
	}
	for name := range strings.FieldsSeq("usage owners managedBy inheritances groupType memberFilter provisionSource") {
		list = append(list, target{path: webexGroupSchema + name, refused: "it is set in Control Hub; leave it out"})
	}
	return list
}
