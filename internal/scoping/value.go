package scoping

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// attribute is where a clause finds its value.
type attribute struct {
	// top is the attribute of Graph, and within what is looked for in it.
	top    string
	within []string
}

// attributeOf reads an attribute's name.
func attributeOf(name string) attribute {
	const extension = "extensionAttribute"
	if n, err := strconv.Atoi(strings.TrimPrefix(name, extension)); err == nil && strings.HasPrefix(name, extension) && 1 <= n && n <= 15 {
		return attribute{top: "onPremisesExtensionAttributes", within: []string{name}}
	}
	path := strings.Split(name, ".")
	return attribute{top: path[0], within: path[1:]}
}

// of returns the value; false if it is not known. What is shown is shown whole: what
// is missing within it is null. So is a directory extension that is missing from what
// is shown with the state of the object: setting it to null deletes the property
// (https://learn.microsoft.com/graph/extensibility-overview).
func (a attribute) of(attributes map[string]any) (v any, known bool) {
	v, known = attributes[a.top]
	if !known && a.isExtension() {
		_, user := attributes[accountEnabled]
		_, group := attributes[securityEnabled]
		return nil, user || group
	}
	for _, name := range a.within {
		within, _ := v.(map[string]any)
		v = within[name]
	}
	return v, known
}

// isSingle reports whether it certainly has one value at most. Directory extensions
// and custom security attributes may have several
// (https://learn.microsoft.com/graph/api/resources/user and …/group).
func (a attribute) isSingle() bool {
	switch a.top {
	case "assignedLabels", "assignedLicenses", "assignedPlans", "businessPhones", "customSecurityAttributes", "groupTypes", "identities",
		"imAddresses", "infoCatalogs", "interests", "licenseAssignmentStates", "onPremisesProvisioningErrors", "otherMails", "pastProjects",
		"provisionedPlans", "proxyAddresses", "resourceBehaviorOptions", "resourceProvisioningOptions", "responsibilities", "schools",
		"serviceProvisioningErrors", "skills":
		return false
	default:
		return !a.isExtension()
	}
}

// isExtension reports whether it is a directory extension.
func (a attribute) isExtension() bool { return strings.HasPrefix(a.top, "extension_") }

// isNull reports whether there is no value: none, an empty text, or a list of
// nothing else.
func isNull(v any) bool {
	if list, ok := v.([]any); ok {
		return !slices.ContainsFunc(list, func(v any) bool { return !isNull(v) })
	}
	return v == nil || v == ""
}

// satisfies reports whether one of the values passes the test.
func satisfies(v any, test func(any) bool) bool {
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, test)
	}
	return test(v)
}

// textOf is a value as a text; empty for what is none. Booleans are as .NET writes
// them.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64: // as JSON's numbers come
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return ""
	}
}

// integerOf reads a number, or a text that is one.
func integerOf(v any) (int64, bool) {
	n, err := strconv.ParseInt(textOf(v), 10, 64)
	return n, err == nil
}

// IsDate reports whether a clause's value is a date to the operators that compare dates.
func IsDate(value string) bool {
	_, is := instantOf(value)
	return is
}

// instantOf reads a date as Graph writes it, or a day, which begins at midnight in
// UTC.
func instantOf(s string) (time.Time, bool) {
	if len(s) < len(time.DateOnly) || s[4] != '-' { // most texts are none
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
	}
	return t, err == nil
}
