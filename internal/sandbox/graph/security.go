package graph

import "slices"

// securityAttributes are a user's custom security attributes, by their sets. They are
// shown only where they are selected, and only to who was granted a permission of
// their own (https://learn.microsoft.com/graph/api/resources/user). That a delta query
// or a notification tells of them is documented nowhere: here none does.
const securityAttributes = "customSecurityAttributes"

// mayShow refuses a selection that takes a permission of its own.
func (t *Tenant) mayShow(selects []string) error {
	if slices.Contains(selects, securityAttributes) && !t.granted("CustomSecAttributeAssignment.Read.All") {
		return denied()
	}
	return nil
}

// onlySecurity reports whether nothing else differs than custom security attributes.
func onlySecurity(before, after User) bool {
	names := changed(before, after)
	return len(names) == 1 && names[0] == securityAttributes
}
