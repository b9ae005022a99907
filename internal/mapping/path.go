package mapping

import (
	"fmt"
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// path is where an attribute stands in a SCIM resource (RFC 7644 section
// 3.5.2): attribute, sub-attribute, or the sub-attribute of the one element of
// a multi-valued attribute that a filter picks.
type path struct {
	text      string
	schema    string // URN of an extension, or empty
	attribute string
	sub       string
	// key and keyValue are the filter, as in emails[type eq "work"].
	key, keyValue string
}

func parsePath(text string) (path, error) {
	parsed, err := filter.ParsePath([]byte(text))
	if err != nil {
		return path{}, fmt.Errorf("%q is no SCIM path: %w", text, err)
	}
	p := path{
		text:      text,
		schema:    strings.TrimSuffix(parsed.AttributePath.URI(), ":"),
		attribute: parsed.AttributePath.AttributeName,
		sub:       parsed.AttributePath.SubAttributeName(),
	}
	if parsed.ValueExpression == nil {
		return p, nil
	}
	p.sub = parsed.SubAttributeName()
	eq, ok := parsed.ValueExpression.(*filter.AttributeExpression)
	if !ok || eq.Operator != filter.EQ || p.sub == "" {
		return path{}, fmt.Errorf(`%q picks more than one value: write attribute[type eq "…"].sub`, text)
	}
	value, ok := eq.CompareValue.(string)
	if !ok {
		return path{}, fmt.Errorf("%q compares with something other than a string", text)
	}
	p.key, p.keyValue = eq.AttributePath.AttributeName, value
	return p, nil
}

// element names what a PATCH can add as a whole: one element of a
// multi-valued attribute. Empty for everything else.
func (p path) element() string {
	if p.key == "" {
		return ""
	}
	return fmt.Sprintf("%s:%s[%s eq %q]", p.schema, p.attribute, p.key, p.keyValue)
}

// container is the path a PATCH adds an element to.
func (p path) container() string {
	if p.schema == "" {
		return p.attribute
	}
	return p.schema + ":" + p.attribute
}

// get returns the value that stands at the path; false if none does.
func (p path) get(resource map[string]any) (any, bool) {
	if p.schema != "" {
		extension, ok := member(resource, p.schema).(map[string]any)
		if !ok {
			return nil, false
		}
		resource = extension
	}
	value := member(resource, p.attribute)
	if p.key != "" {
		elements, _ := value.([]any)
		value = nil
		for _, element := range elements {
			e, _ := element.(map[string]any)
			if k, _ := member(e, p.key).(string); strings.EqualFold(k, p.keyValue) {
				value = e
				break
			}
		}
	}
	if p.sub != "" {
		complexValue, _ := value.(map[string]any)
		value = member(complexValue, p.sub)
	}
	return value, value != nil
}

// set puts the value at the path, making what it stands in.
func (p path) set(resource map[string]any, value any) {
	if p.schema != "" {
		resource = child(resource, p.schema)
	}
	switch {
	case p.key != "":
		elements, _ := resource[p.attribute].([]any)
		for _, element := range elements {
			if e, _ := element.(map[string]any); e[p.key] == p.keyValue {
				e[p.sub] = value
				return
			}
		}
		resource[p.attribute] = append(elements, map[string]any{p.key: p.keyValue, p.sub: value})
	case p.sub != "":
		child(resource, p.attribute)[p.sub] = value
	default:
		resource[p.attribute] = value
	}
}

func child(resource map[string]any, name string) map[string]any {
	c, ok := resource[name].(map[string]any)
	if !ok {
		c = map[string]any{}
		resource[name] = c
	}
	return c
}

// member finds a member by name. Attribute names are case-insensitive (RFC
// 7643 section 2.1).
func member(object map[string]any, name string) any {
	if value, ok := object[name]; ok {
		return value
	}
	for key, value := range object {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return nil
}
