package mapping

import (
	"fmt"
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
	for i, group := range filter.Explain(scoping.Subject{}).Groups {
		for j := range group.Clauses {
			if f := places[i][j]; f.values["attribute"] != nil {
				if why := s.never(f.values["attribute"].Value, group.Clauses[:j+1]); why != "" {
					r.wrongf(blamed(f, groups[i][j]), "%s", why)
				}
			}
		}
	}
	return filter
}

// never is why the last of the clauses holds for no value that the source attribute can
// have, also where those before it hold; empty if it may. What a tenant adds itself may
// have any type.
func (s section) never(name string, clauses []scoping.ClauseOutcome) string {
	base, _, _ := strings.Cut(name, ".")
	i := slices.IndexFunc(s.origins, func(o origin) bool { return o.name == base })
	if i < 0 || scoping.IsRelation(name) {
		return ""
	}
	c := clauses[len(clauses)-1].Clause
	asks := c.Operator == "IS TRUE" || c.Operator == "IS FALSE"
	compares := c.Operator == "EQUALS" || strings.HasPrefix(c.Operator, "Greater_Than")
	switch kind := s.origins[i].kind; {
	case kind == "boolean":
		return neverOfBooleans(name, clauses)
	case kind == "date" && (asks || compares && !scoping.IsDate(c.Value)):
		return fmt.Sprintf("%s can never be true, since %s is a date; compare it with one like 2026-01-31 or 2026-01-31T08:00:00Z, or write IS NULL or IS NOT NULL", c, name)
	case kind == "" && asks:
		return fmt.Sprintf("%s can never be true, since %s is a text; write EQUALS and the text", c, name)
	}
	return ""
}

// neverOfBooleans is never of an attribute that is true, false or null.
func neverOfBooleans(name string, clauses []scoping.ClauseOutcome) string {
	c := clauses[len(clauses)-1].Clause
	possible := func(together []scoping.Clause) bool {
		filter, _ := scoping.NewFilter([][]scoping.Clause{together}) // which was read before
		return slices.ContainsFunc([]any{nil, true, false}, func(v any) bool {
			return filter.Evaluate(scoping.Subject{Attributes: map[string]any{c.Attribute: v}}) == scoping.Holds
		})
	}
	var together []scoping.Clause
	for _, one := range clauses {
		if one.Clause.Attribute == c.Attribute {
			together = append(together, one.Clause)
		}
	}
	switch {
	case possible(together):
		return ""
	case possible([]scoping.Clause{c}):
		return fmt.Sprintf("%s can never be true together with what is said of %s before it; leave one of them out, or write them in two groups", c, name)
	default:
		return fmt.Sprintf("%s can never be true, since %s is true or false; write IS TRUE or IS FALSE", c, name)
	}
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
