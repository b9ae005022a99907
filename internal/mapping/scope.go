package mapping

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"entrawebex/internal/scoping"
)

// scope reads the scoping filter of a section: groups of clauses.
func (r *reader) scope(section fields, s section) scoping.Filter {
	n := section.values["scope"]
	if n == nil {
		return scoping.Filter{}
	}
	before := len(r.mistakes)
	var groups [][]scoping.Clause
	var places [][]fields
	for _, group := range r.list(n, "scope") {
		if group.Kind == yaml.MappingNode {
			r.wrongf(group, "a group of scope is a clause; write two hyphens before it, one for the group")
			continue
		}
		var clauses []scoping.Clause
		var at []fields
		for _, clause := range r.list(group, "a group of scope") {
			f := r.fields(clause, "a clause", "attribute", "operator", "value")
			clauses, at = append(clauses, r.clause(f, s)), append(at, f)
		}
		groups, places = append(groups, clauses), append(places, at)
	}
	if len(r.mistakes) > before { // of its form; what the clauses say comes after it
		return scoping.Filter{}
	}
	filter, mistakes := scoping.NewFilter(groups)
	for _, m := range mistakes {
		place := n.Content[m.Group]
		if m.Clause >= 0 {
			place = blamed(places[m.Group][m.Clause], groups[m.Group][m.Clause])
		}
		r.wrongf(place, "%s", m.Message)
	}
	return filter
}

// blamed is where in a clause a mistake is: the operator if that is unknown, else the
// value if there is one.
func blamed(f fields, c scoping.Clause) *yaml.Node {
	known := slices.ContainsFunc(scoping.Operators(), func(o string) bool { return strings.EqualFold(o, c.Operator) })
	switch {
	case !known && f.values["operator"] != nil:
		return f.values["operator"]
	case f.values["value"] != nil:
		return f.values["value"]
	default:
		return f.node
	}
}

// clause reads one clause, by Graph's name of its attribute.
func (r *reader) clause(f fields, s section) scoping.Clause {
	var c scoping.Clause
	c.Operator, _ = r.text(f, "operator")
	if f.values["operator"] == nil && !f.unknown && f.node.Kind == yaml.MappingNode {
		r.wrongf(f.node, "a clause has no operator; write operator: and one of %s", strings.Join(scoping.Operators(), ", "))
	}
	if n := f.values["value"]; n != nil {
		if r.scalar(f, "value") != nil {
			c.Value = n.Value
		}
	}
	name, ok := r.text(f, "attribute")
	switch {
	case !ok:
		return c
	case scoping.IsRelation(name) && s.name == "groups":
		r.wrongf(f.values["attribute"], "IsMemberOf is for users: no group is in scope by being in another; compare an attribute of the group, or leave the clause out")
	case scoping.IsRelation(name):
		c.Attribute = name
	case name == AppRoleAssignments:
		r.wrongf(f.values["attribute"], "%s are read by expressions only; assign the application to those who are to be in scope, or name another attribute", name)
	case r.knows(f.values["attribute"], 0, name, s):
		c.Attribute = name
		if name != "IsSoftDeleted" && !isExtensionAttribute(name) && !strings.Contains(name, ".") {
			c.Attribute = graphName(name)
		}
	}
	return c
}
