package graph

import (
	"iter"
	"net/http"
	"slices"
	"strings"
)

// filtered answers a page of those of a list that $filter asks for.
func (t *Tenant) filtered(r *http.Request, c collection, properties []string, objects func(start int) iter.Seq2[int, object]) (answer, error) {
	matches, err := nameFilter(r, properties)
	if err != nil {
		return answer{}, err
	}
	c.options = append(slices.Clip(c.options), "$filter")
	return t.list(r, c, func(start int) (iter.Seq2[int, object], error) { return matching(objects(start), matches), nil })
}

// nameFilter returns what $filter asks of an object of a list. The sandbox knows
// eq on these properties, and or between; case counts for nothing
// (https://learn.microsoft.com/graph/filter-query-parameter).
func nameFilter(r *http.Request, properties []string) (func(object) bool, error) {
	text := r.URL.Query().Get("$filter")
	if text == "" {
		return func(object) bool { return true }, nil
	}
	clauses, err := parseFilter(text, properties)
	if err != nil {
		return nil, err
	}
	return func(o object) bool {
		return slices.ContainsFunc(clauses, func(c clause) bool {
			have, _ := o.project([]string{c.property})[c.property].(string)
			return strings.EqualFold(have, c.value)
		})
	}, nil
}

// clause is a comparison in a filter.
type clause struct{ property, value string }

func parseFilter(text string, properties []string) ([]clause, error) {
	var clauses []clause
	for {
		property, literal, ok := strings.Cut(text, " eq '")
		value, rest, closed := quoted(literal)
		if !ok || !closed || !slices.Contains(properties, property) {
			return nil, unsupported("Unsupported or invalid query filter clause specified.")
		}
		clauses = append(clauses, clause{property, value})
		if rest == "" {
			return clauses, nil
		}
		if text, ok = strings.CutPrefix(rest, " or "); !ok {
			return nil, unsupported("Unsupported or invalid query filter clause specified.")
		}
	}
}

// quoted reads the rest of a literal, in which a quote is doubled, and returns
// what follows it.
func quoted(literal string) (value, rest string, closed bool) {
	for {
		before, after, found := strings.Cut(literal, "'")
		value += before
		if literal, closed = strings.CutPrefix(after, "'"); !closed || !found {
			return value, after, found
		}
		value += "'"
	}
}
