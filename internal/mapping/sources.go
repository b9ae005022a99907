package mapping

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Source attributes: what Graph shows of a user and of a group
// (https://learn.microsoft.com/graph/api/resources/user and …/group), and the names
// that Entra's attribute mappings have for some of them.

// origin is one source attribute.
type origin struct {
	name string
	// several says that it has a list of values, parts that it is an object, of
	// which a part is named behind a dot.
	several bool
	parts   []string
	// composed says that nothing but an expression can read it.
	composed bool
	// kind is text if it is empty, else boolean, date or reference.
	kind string
	// note says how it is read, where that is not plain.
	note string
	// refused says why it cannot be a source, and what to do instead.
	refused string
}

// originsOf makes single-valued source attributes of names.
func originsOf(names string) []origin {
	fields := strings.Fields(names)
	list := make([]origin, len(fields))
	for i, name := range fields {
		list[i].name = name
	}
	return list
}

// listsOf makes multi-valued source attributes of names.
func listsOf(names string) []origin {
	list := originsOf(names)
	for i := range list {
		list[i].several = true
	}
	return list
}

// ofKind says that the attributes of these names are of a kind.
func ofKind(list []origin, kind, names string) {
	for name := range strings.FieldsSeq(names) {
		list[slices.IndexFunc(list, func(o origin) bool { return o.name == name })].kind = kind
	}
}

// noted says how the attribute of that name is read.
func noted(list []origin, name, note string) {
	list[slices.IndexFunc(list, func(o origin) bool { return o.name == name })].note = note
}

// userOrigins are the source attributes of users.
func userOrigins() []origin {
	list := originsOf(`objectId id userPrincipalName originalUserPrincipalName IsSoftDeleted accountEnabled
		displayName givenName surname mail mailNickname jobTitle department companyName employeeId employeeType
		mobile mobilePhone telephoneNumber facsimileTelephoneNumber faxNumber
		physicalDeliveryOfficeName officeLocation streetAddress city state postalCode country usageLocation
		preferredLanguage preferredDataLocation ageGroup consentProvidedForMinor legalAgeGroupClassification
		employeeHireDate employeeLeaveDateTime createdDateTime creationType userType
		externalUserState externalUserStateChangeDateTime isManagementRestricted isResourceAccount
		lastPasswordChangeDateTime passwordPolicies securityIdentifier showInAddressList signInSessionsValidFromDateTime
		immutableId onPremisesImmutableId dirSyncEnabled onPremisesSyncEnabled onPremisesDistinguishedName onPremisesDomainName
		onPremisesLastSyncDateTime onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesUserPrincipalName`)
	ofKind(list, "boolean", "IsSoftDeleted accountEnabled isManagementRestricted isResourceAccount showInAddressList dirSyncEnabled onPremisesSyncEnabled")
	ofKind(list, "date", `employeeHireDate employeeLeaveDateTime createdDateTime externalUserStateChangeDateTime
		lastPasswordChangeDateTime signInSessionsValidFromDateTime onPremisesLastSyncDateTime`)
	noted(list, "userPrincipalName", "of a guest alias_domain#EXT#@tenant it is alias@domain")
	noted(list, "originalUserPrincipalName", "as Graph has it, of a guest too")
	noted(list, "IsSoftDeleted", "computed: true of whoever is in the recycle bin, out of scope or blocked")
	noted(list, "telephoneNumber", "the first of them")
	list = append(list, listsOf("otherMails proxyAddresses businessPhones imAddresses")...)
	for i := 1; i <= extensionAttributes; i++ {
		list = append(list, origin{name: "extensionAttribute" + strconv.Itoa(i)})
	}
	for _, name := range ofOneUser() {
		list = append(list, origin{name: name, refused: "Graph shows it of one user at a time and in no list of users, so that a comparison cannot read it; leave it out"})
	}
	return append(list,
		origin{name: "employeeOrgData", parts: []string{"costCenter", "division"}},
		origin{name: "onPremisesExtensionAttributes", refused: "it holds extensionAttribute1 to 15; name one of these"},
		origin{name: managerSource, kind: referenceKind, note: "for " + managerTarget + " alone: Webex gets the id of that user's account. It is one request more for each user who is read, in the same call. " +
			"Delta queries tell of it, and no change notification is documented to"},
		origin{
			name: AppRoleAssignments, several: true, composed: true,
			note: "in expressions only: the app roles in which the user is assigned to the application, itself or through a group. Of each it is the display name, " +
				"in alphabetical order; the default access is none. Takes ENTRA_APP_ID and its permissions with SCOPE=all, too",
		},
		origin{name: "memberOf", refused: "only a scoping filter reads it, by IsMemberOf; leave it out, since groups are provisioned by themselves"},
		origin{name: "transitiveMemberOf", refused: "only a scoping filter reads it, by IsMemberOf; leave it out, since groups are provisioned by themselves"},
		origin{name: "thumbnailPhoto", refused: "a photo is not an attribute of the directory; leave it out"},
		origin{name: "passwordProfile", refused: "Entra does not show passwords; leave it out"},
	)
}

// ofOneUser are the properties that Graph refuses to select in a list of users
// (https://learn.microsoft.com/graph/api/user-list, optional query parameters).
func ofOneUser() []string {
	return strings.Fields("aboutMe birthday hireDate interests mySite pastProjects preferredName responsibilities schools skills")
}

// groupOrigins are the source attributes of groups.
func groupOrigins() []origin {
	list := originsOf(`objectId id displayName description mail mailNickname mailEnabled securityEnabled classification visibility
		createdDateTime expirationDateTime renewedDateTime isAssignableToRole isManagementRestricted membershipRule membershipRuleProcessingState
		dirSyncEnabled onPremisesSyncEnabled onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName
		onPremisesSecurityIdentifier preferredDataLocation preferredLanguage securityIdentifier theme uniqueName`)
	ofKind(list, "boolean", "mailEnabled securityEnabled isAssignableToRole isManagementRestricted dirSyncEnabled onPremisesSyncEnabled")
	ofKind(list, "date", "createdDateTime expirationDateTime renewedDateTime onPremisesLastSyncDateTime")
	list = append(list, listsOf("groupTypes proxyAddresses")...)
	return append(list,
		origin{name: securityAttributes, refused: "only users have custom security attributes; leave it out"},
		origin{name: AppRoleAssignments, refused: "only users have app roles; leave it out"},
		origin{name: "members", refused: "who is in a group is provisioned by itself; leave it out"},
		origin{name: "owners", refused: "owners of groups are not provisioned; leave it out"},
	)
}

// managerSource is the one source attribute that is a reference to another user.
const (
	managerSource = "manager"
	referenceKind = "reference"
)

const extensionAttributes = 15 // of Exchange, in onPremisesExtensionAttributes

// securityAttributes is the property that holds a user's custom security attributes
// (https://learn.microsoft.com/graph/custom-security-attributes-examples).
const securityAttributes = "customSecurityAttributes"

// AppRoleAssignments are the app roles of a user, a list of texts. Graph has them in no
// attribute of a user: whoever maps one puts them there. Where they are not among the
// attributes they are not known.
const AppRoleAssignments = "appRoleAssignments"

// pattern is of source attributes that a tenant makes itself.
type pattern struct {
	form, note string
	expression *regexp.Regexp
}

// patterns are of directory extensions
// (https://learn.microsoft.com/graph/extensibility-overview), whose case matters, and of
// custom security attributes.
func patterns() []pattern {
	return []pattern{
		{"extension_APPLICATION_NAME", "a directory extension; APPLICATION is the id of its application, 32 digits without hyphens", regexp.MustCompile(`^extension_[0-9a-f]{32}_\w+$`)},
		{securityAttributes + ".SET.NAME", "a custom security attribute; takes the permission CustomSecAttributeAssignment.Read.All. Delta queries and change notifications are not documented to tell of it: " +
			"a change of nothing else is found by the comparison, and every user a delta query tells of is looked at, which costs one read, 20 in a call", regexp.MustCompile(`^customSecurityAttributes\.\w+\.\w+$`)},
	}
}

// graphName is the property of Graph that a source attribute is in.
func graphName(name string) string {
	switch name {
	case "objectId":
		return "id"
	case "IsSoftDeleted":
		return "accountEnabled"
	case "originalUserPrincipalName":
		return "userPrincipalName"
	case "mobile":
		return "mobilePhone"
	case "telephoneNumber":
		return "businessPhones"
	case "facsimileTelephoneNumber":
		return "faxNumber"
	case "physicalDeliveryOfficeName":
		return "officeLocation"
	case "immutableId":
		return "onPremisesImmutableId"
	case "dirSyncEnabled":
		return "onPremisesSyncEnabled"
	}
	if isExtensionAttribute(name) {
		return "onPremisesExtensionAttributes"
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}

func isExtensionAttribute(name string) bool {
	number, ok := strings.CutPrefix(name, "extensionAttribute")
	if !ok {
		return false
	}
	n, err := strconv.Atoi(number)
	return err == nil && 1 <= n && n <= extensionAttributes
}

// source is the value of a source attribute; nil if there is none.
func source(attributes map[string]any, name string) any {
	switch name {
	case "userPrincipalName":
		upn, ok := attributes[name].(string)
		if home := guestAddress(upn); !ok || home != upn {
			return home
		}
		return attributes[name] // the very same value: another would be allocated
	case "IsSoftDeleted":
		return attributes[name]
	case "telephoneNumber":
		phones, _ := attributes["businessPhones"].([]any)
		if len(phones) == 0 {
			return nil
		}
		return phones[0]
	}
	value, part := attributes[graphName(name)], name
	if !isExtensionAttribute(name) {
		_, part, _ = strings.Cut(name, ".")
	}
	for part != "" {
		var first string
		first, part, _ = strings.Cut(part, ".")
		object, _ := value.(map[string]any)
		value = object[first]
	}
	return value
}

// guestAddress turns a guest's alias_domain#EXT#@tenant into alias@domain, as
// Entra's own service does ("How provisioning works: B2B (guest) users"), and
// returns every other name as it is.
func guestAddress(upn string) string {
	const mark = "#ext#@" // in any case
	end := strings.Index(strings.Map(lowerASCII, upn), mark)
	if end < 0 {
		return upn
	}
	home := upn[:end]
	at := strings.LastIndexByte(home, '_') // a domain has no underscore, an alias may
	if at < 0 {
		return upn
	}
	return home[:at] + "@" + home[at+1:]
}

// lowerASCII changes no rune's length.
func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + ('a' - 'A')
	}
	return r
}
