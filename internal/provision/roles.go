package provision

import (
	"maps"
	"slices"

	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
)

// RoleNames are the names of app roles, sorted and each once, by what an application
// says its roles are called. The default access has none. The error is a *Fault: of a
// role that the application does not have nothing is known, as it may be new.
func RoleNames(roles []string, of map[string]string) ([]string, error) {
	names := []string{}
	for _, id := range roles {
		switch name := of[id]; {
		case id == scoping.DefaultAccess:
		case name == "":
			return nil, transientf("somebody is assigned in the app role %s, which the enterprise application does not have (any more):"+
				" take that assignment away in the Entra admin center", id)
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// WithRoles is the reading with the names of the app roles among its attributes, where
// the mapping reads them, if they were asked for and are known.
func (r Reading) WithRoles() Reading {
	if r.RoleNames == nil || r.RoleNamesErr != nil || r.Err != nil {
		return r
	}
	roles := make([]any, len(r.RoleNames))
	for i, name := range r.RoleNames {
		roles[i] = name
	}
	attributes := maps.Clone(r.Attributes)
	if attributes == nil {
		attributes = map[string]any{}
	}
	attributes[mapping.AppRoleAssignments] = roles
	r.Attributes = attributes
	return r
}
