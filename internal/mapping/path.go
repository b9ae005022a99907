package mapping

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
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
	// refers says that the sub-attribute is read and written with the attribute that it
	// is in, which the text names: manager, of which value is required.
	refers bool
}

// reference is the path of an attribute that refers to something by its value.
func (p path) reference() path {
	p.sub, p.refers = "value", true
	return p
}

// patch is the value as a PATCH has it.
func (p path) patch(value any) any {
	if p.refers {
		return map[string]any{p.sub: value}
	}
	return value
}

// patched is the value that a PATCH has.
func (p path) patched(value any) any {
	if attribute, ok := value.(map[string]any); ok && p.refers {
		return attribute[p.sub]
	}
	return value
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

// Attribute is the name of the attribute that a SCIM path is in or names, without
// schema, filter and sub-attribute (RFC 7644 section 3.5.2); empty for what is no path.
func Attribute(text string) string {
	parsed, err := filter.ParsePath([]byte(text))
	if err != nil {
		return ""
	}
	return parsed.AttributePath.AttributeName
}

// top is the attribute of the resource that the path is in.
func (p path) top() string {
	if p.schema != "" {
		return p.schema
	}
	return p.attribute
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

// unpicked is the path of all elements, of which the filter picks some.
func (p path) unpicked() string {
	if p.sub == "" {
		return p.container()
	}
	return p.container() + "." + p.sub
}

// picked is the path of the one element that is ours, where there are others like
// it: emails[type eq "work" and primary eq true].value.
func (p path) picked(picks Picks) string {
	pick := picks[p.element()]
	if pick == "" {
		return p.text
	}
	return fmt.Sprintf("%s[%s eq %q and %s].%s", p.container(), p.key, p.keyValue, pick, p.sub)
}

// whole is the path of the element itself, as picked has that of a part of it.
func (p path) whole(picks Picks) string {
	return strings.TrimSuffix(p.picked(picks), "."+p.sub)
}

// pick is the filter that tells the element at the path from others like it;
// empty if there is no other.
func (p path) pick(resource map[string]any) string {
	elements := p.elements(resource)
	const several = 2
	if len(elements) < several {
		return ""
	}
	e := ours(elements)
	if isPrimary(e) {
		return "primary eq true"
	}
	value, _ := member(e, "value").(string)
	return "value eq " + literal(value)
}

// literal writes a string as the value of a filter, which is JSON (RFC 7644
// section 3.4.2.2).
func literal(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return `""` // a string can be written as JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// elements are those that the path's filter picks.
func (p path) elements(resource map[string]any) []map[string]any {
	if p.key == "" {
		return nil
	}
	if p.schema != "" {
		resource, _ = member(resource, p.schema).(map[string]any)
	}
	all, _ := member(resource, p.attribute).([]any)
	return picked(all, p.key, p.keyValue)
}

// picked are those elements whose key has the value.
func picked(elements []any, key, value string) []map[string]any {
	var those []map[string]any
	for _, element := range elements {
		e, _ := element.(map[string]any)
		if k, _ := member(e, key).(string); e != nil && strings.EqualFold(k, value) {
			those = append(those, e)
		}
	}
	return those
}

// ours is the primary one of the elements, else the first; nil of none.
func ours(elements []map[string]any) map[string]any {
	for _, e := range elements {
		if isPrimary(e) {
			return e
		}
	}
	if len(elements) == 0 {
		return nil
	}
	return elements[0]
}

func isPrimary(element map[string]any) bool {
	is, _ := truth(member(element, "primary"))
	return is
}

// all are the values at the path: of every element that it picks.
func (p path) all(resource map[string]any) []any {
	if p.key == "" {
		value, _ := p.get(resource)
		return []any{value}
	}
	var values []any
	for _, e := range p.elements(resource) {
		values = append(values, member(e, p.sub))
	}
	return values
}

// isShown reports whether the resource shows what stands at the path, or of elements
// the list that they would be in.
func (p path) isShown(resource map[string]any) bool {
	if p.key == "" {
		_, shown := p.get(resource)
		return shown
	}
	if p.schema != "" {
		resource, _ = member(resource, p.schema).(map[string]any)
	}
	_, shown := member(resource, p.attribute).([]any)
	return shown
}

// get returns the value that stands at the path; false if none does.
func (p path) get(resource map[string]any) (any, bool) {
	if p.key != "" {
		value := member(ours(p.elements(resource)), p.sub)
		return value, value != nil
	}
	if p.schema != "" {
		extension, ok := member(resource, p.schema).(map[string]any)
		if !ok {
			return nil, false
		}
		resource = extension
	}
	value := member(resource, p.attribute)
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
		if e := ours(picked(elements, p.key, p.keyValue)); e != nil {
			e[p.sub] = value
			return
		}
		resource[p.attribute] = append(elements, map[string]any{p.key: p.keyValue, p.sub: value})
	case p.refers:
		resource[p.attribute] = p.patch(value)
	case p.sub != "":
		child(resource, p.attribute)[p.sub] = value
	default:
		resource[p.attribute] = value
	}
}

// unset takes the value at the path away.
func (p path) unset(resource map[string]any) {
	if p.schema != "" {
		resource = child(resource, p.schema)
	}
	switch {
	case p.key != "":
		elements, _ := resource[p.attribute].([]any)
		delete(ours(picked(elements, p.key, p.keyValue)), p.sub)
	case p.sub != "" && !p.refers:
		delete(child(resource, p.attribute), p.sub)
	default:
		delete(resource, p.attribute)
	}
}

// remove takes the element that is ours away.
func (p path) remove(resource map[string]any) {
	if p.schema != "" {
		resource = child(resource, p.schema)
	}
	elements, _ := resource[p.attribute].([]any)
	e := ours(picked(elements, p.key, p.keyValue))
	resource[p.attribute] = slices.DeleteFunc(elements, func(other any) bool {
		o, _ := other.(map[string]any)
		return e != nil && reflect.DeepEqual(o, e)
	})
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
