package mapping

import "slices"

// Manager is the target that refers to the account of a user's manager; empty if there
// is none. The source attribute manager is then the id of that account, which whoever
// maps finds out of the user's id that Graph has for it.
func (m Mapping) Manager() string {
	for i := range m.rules {
		if m.rules[i].readsManager() {
			return m.rules[i].target.text
		}
	}
	return ""
}

// readsManager reports whether the value of the rule is a reference to the manager.
func (r *rule) readsManager() bool {
	return r.form == reference && slices.Contains(r.source.Attributes(), managerSource)
}
