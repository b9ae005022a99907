package scoping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"entrawebex/internal/change"
)

// isMemberOf is the operator that Entra lacks, which asks whether somebody is in a
// group.
const isMemberOf = "IsMemberOf"

// The relationships of a user to its groups, by Graph's names
// (https://learn.microsoft.com/graph/api/user-list-memberof and
// …/user-list-transitivememberof).
const (
	direct     = "memberOf"
	transitive = "transitiveMemberOf"
)

// Group is a group that a clause asks about.
type Group struct {
	// ID is its object id, a GUID in lower case.
	ID string
	// Transitive counts those in it who are in a group within it.
	Transitive bool
}

// Relation is the relationship by which somebody is in it, as Graph calls it.
func (g Group) Relation() string {
	if g.Transitive {
		return transitive
	}
	return direct
}

// IsRelation reports whether an attribute is one of the relationships that IsMemberOf
// compares.
func IsRelation(attribute string) bool { return attribute == direct || attribute == transitive }

// groupOf is the group that a clause asks about.
func groupOf(c Clause) (Group, error) {
	id, ok := change.ParseID(c.Value)
	switch {
	case !IsRelation(c.Attribute):
		return Group{}, errors.New("IsMemberOf needs a relationship as its attribute; write memberOf for who is in the group itself, or transitiveMemberOf for who is in it through other groups, too")
	case c.Value == "":
		return Group{}, errors.New("IsMemberOf needs a value; write the object id of a group")
	case !ok:
		return Group{}, fmt.Errorf("IsMemberOf compares object ids, and %q is none; write that of the group, a GUID like 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607", c.Value)
	}
	return Group{ID: id, Transitive: c.Attribute == transitive}, nil
}

// Groups are those that the filter asks about, each once, sorted.
func (f Filter) Groups() []Group {
	var groups []Group
	for _, conditions := range f.groups {
		for _, c := range conditions {
			if c.kind == inGroup && !slices.Contains(groups, c.group) {
				groups = append(groups, c.group)
			}
		}
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return strings.Compare(a.ID+a.Relation(), b.ID+b.Relation())
	})
	return groups
}

// withoutAbsences is the subject as far as lists of groups prove something: who is on one is
// in the group, and who is not may have been left out.
func (s Subject) withoutAbsences() Subject {
	proven := make(map[Group]bool, len(s.MemberOf))
	for group, in := range s.MemberOf {
		if in {
			proven[group] = true
		}
	}
	s.MemberOf = proven
	return s
}

// UserGroups are those that the filter of users asks about.
func (r Rules) UserGroups() []Group { return r.Filters.Users.Groups() }

// AsksAbout reports whether somebody may be in scope, or out of it, by a membership in
// this group: a filter names it, or a group that it may be within.
func (r Rules) AsksAbout(groupID string) bool {
	return slices.ContainsFunc(r.UserGroups(), func(g Group) bool { return g.Transitive || g.ID == groupID })
}

// AsksTransitively reports whether a membership in a group within another decides by a
// filter.
func (r Rules) AsksTransitively() bool {
	return slices.ContainsFunc(r.UserGroups(), func(g Group) bool { return g.Transitive })
}

// WithoutMemberships are the rules without a filter of users that asks about nothing but
// groups: those for whoever is looked at because something else than a membership may
// have changed. Where it asks about attributes, too, what is in scope by which is not
// known.
func (r Rules) WithoutMemberships() Rules {
	if len(r.Filters.Users.Attributes()) == 0 {
		r.Filters.Users = Filter{}
	}
	return r
}
