package scim

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	scim "github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/schema"
	filter "github.com/scim2/filter-parser/v2"
)

// shape is what a resource is made of: its own schema and those of its
// extensions.
type shape []schema.Schema

func accountShape() shape {
	own := withExternalID(schema.CoreUserSchema())
	return shape{own, schema.ExtensionEnterpriseUser(), {ID: cloudSchema}}
}

// patch applies the operations to a resource in their order (RFC 7644 section
// 3.5.2). The SCIM server has checked that their paths exist and that their
// values have the right types. After an error the resource is worthless.
func (s shape) patch(resource map[string]any, operations []scim.PatchOperation) error {
	for _, operation := range operations {
		var err error
		if operation.Path == nil {
			err = s.patchMany(resource, operation.Op, operation.Value)
		} else {
			err = s.patchOne(resource, operation.Op, *operation.Path, operation.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// patchMany applies an operation without a path: each member of its value is
// a path and a value, or an extension and its attributes.
func (s shape) patchMany(resource map[string]any, op string, value any) error {
	members, ok := value.(map[string]any)
	if !ok {
		return scimerrors.ScimErrorInvalidValue
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if slices.ContainsFunc(s, func(known schema.Schema) bool { return known.ID == key }) {
			if err := s.patchMany(s.container(resource, key), op, members[key]); err != nil {
				return err
			}
			continue
		}
		path, err := filter.ParsePath([]byte(key))
		if err != nil {
			return scimerrors.ScimErrorInvalidPath
		}
		if err := s.patchOne(resource, op, path, members[key]); err != nil {
			return err
		}
	}
	return nil
}

// container is the object an attribute with that URI in front stands in.
func (s shape) container(resource map[string]any, uri string) map[string]any {
	if uri == "" || uri == s[0].ID {
		return resource
	}
	return child(resource, uri)
}

func child(object map[string]any, name string) map[string]any {
	c, ok := object[name].(map[string]any)
	if !ok {
		c = map[string]any{}
		object[name] = c
	}
	return c
}

func (s shape) patchOne(resource map[string]any, op string, path filter.Path, value any) error {
	uri := strings.TrimSuffix(path.AttributePath.URI(), ":")
	attribute, ok := s.attribute(uri, path.AttributePath.AttributeName)
	if !ok {
		return scimerrors.ScimErrorInvalidPath
	}
	object := s.container(resource, uri)
	sub := path.AttributePath.SubAttributeName()
	if path.ValueExpression != nil {
		sub = path.SubAttributeName()
	}
	if sub != "" {
		subAttribute, ok := attribute.SubAttributes().ContainsAttribute(sub)
		if !ok {
			return scimerrors.ScimErrorInvalidPath
		}
		sub = subAttribute.Name()
	}
	switch {
	case path.ValueExpression != nil:
		return patchElements(object, op, attribute.Name(), path.ValueExpression, sub, value)
	case attribute.MultiValued() && sub != "":
		return scimerrors.ScimErrorInvalidPath // of which element?
	case attribute.MultiValued():
		return patchList(object, op, attribute.Name(), value)
	case sub != "":
		patchValue(child(object, attribute.Name()), op, sub, value)
	default:
		patchValue(object, op, attribute.Name(), value)
	}
	return nil
}

// attribute finds an attribute by its name in any case. Without a URI it is
// one of the core schema; so is one inside an extension's own object.
func (s shape) attribute(uri, name string) (schema.CoreAttribute, bool) {
	for _, known := range s {
		if uri != "" && uri != known.ID {
			continue
		}
		if attribute, ok := known.Attributes.ContainsAttribute(name); ok {
			return attribute, true
		}
	}
	return schema.CoreAttribute{}, false
}

func withExternalID(s schema.Schema) schema.Schema {
	s.Attributes = append(s.Attributes, schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{
		Name: schema.CommonAttributeExternalID, CaseExact: true,
	})))
	return s
}

// patchValue changes a single value. Of a complex one, what the value does not
// name stays.
func patchValue(object map[string]any, op, name string, value any) {
	if op == scim.PatchOperationRemove {
		delete(object, name)
		return
	}
	if subs, ok := value.(map[string]any); ok {
		maps.Copy(child(object, name), subs)
		return
	}
	object[name] = value
}

// patchList changes a multi-valued attribute as a whole. An element that is
// there already is not added again.
func patchList(object map[string]any, op, name string, value any) error {
	if op == scim.PatchOperationRemove {
		delete(object, name)
		return nil
	}
	given, ok := value.([]any)
	if !ok {
		return scimerrors.ScimErrorInvalidValue
	}
	var list []any
	if op == scim.PatchOperationAdd {
		list, _ = object[name].([]any)
	}
	for _, element := range given {
		if !slices.ContainsFunc(list, func(have any) bool { return reflect.DeepEqual(have, element) }) {
			list = append(list, element)
			onlyPrimary(list, element)
		}
	}
	object[name] = list
	return nil
}

// patchElements changes the elements that a filter picks. If it picks none,
// that is an error: 400 noTarget is documented for replace and, without a
// path, for remove; RFC 7644 section 3.12 has it for every filter that matches
// nothing.
func patchElements(object map[string]any, op, name string, picks filter.Expression, sub string, value any) error {
	list, _ := object[name].([]any)
	var kept []any
	found := false
	for _, element := range list {
		picked, ok := element.(map[string]any)
		if !ok || !passes(picks, picked) {
			kept = append(kept, element)
			continue
		}
		found = true
		if op == scim.PatchOperationRemove && sub == "" {
			continue
		}
		if err := patchElement(picked, op, sub, value); err != nil {
			return err
		}
		onlyPrimary(list, picked)
		kept = append(kept, picked)
	}
	if !found {
		return scimerrors.ScimErrorNoTarget
	}
	object[name] = kept
	if len(kept) == 0 {
		delete(object, name)
	}
	return nil
}

func patchElement(element map[string]any, op, sub string, value any) error {
	if sub != "" {
		patchValue(element, op, sub, value)
		return nil
	}
	whole, ok := value.(map[string]any)
	if !ok {
		return scimerrors.ScimErrorInvalidValue
	}
	if op == scim.PatchOperationReplace {
		clear(element)
	}
	maps.Copy(element, whole)
	return nil
}

// onlyPrimary makes the others of a list secondary if element is primary: "the
// server SHALL set the value of the existing attribute to false" (RFC 7644
// section 3.5.2).
func onlyPrimary(list []any, element any) {
	newest, _ := element.(map[string]any)
	if newest["primary"] != true {
		return
	}
	for _, other := range list {
		if o, ok := other.(map[string]any); ok && o["primary"] == true {
			o["primary"] = false
		}
	}
	newest["primary"] = true
}

// passes reports whether an object passes a filter. Strings compare without
// regard to case: none of the attributes that filters see here is caseExact.
func passes(e filter.Expression, object map[string]any) bool {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if e.Operator == filter.AND {
			return passes(e.Left, object) && passes(e.Right, object)
		}
		return passes(e.Left, object) || passes(e.Right, object)
	case *filter.NotExpression:
		return !passes(e.Expression, object)
	case *filter.ValuePath:
		return slices.ContainsFunc(values(object, e.AttributePath.AttributeName, ""), func(v any) bool {
			element, ok := v.(map[string]any)
			return ok && passes(e.ValueFilter, element)
		})
	case *filter.AttributeExpression:
		return slices.ContainsFunc(values(object, e.AttributePath.AttributeName, e.AttributePath.SubAttributeName()), func(v any) bool {
			return compares(v, operator(e), operand(e))
		})
	default:
		return false
	}
}

// values are the values at a path: none, one, or those of every element. An
// attribute that the object lacks may be one of its enterprise extension.
func values(object map[string]any, name, sub string) []any {
	value, ok := member(object, name)
	if !ok {
		extension, _ := object[enterpriseSchema].(map[string]any)
		if value, ok = member(extension, name); !ok {
			return nil
		}
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	if sub == "" {
		return list
	}
	var found []any
	for _, element := range list {
		e, _ := element.(map[string]any)
		if v, ok := member(e, sub); ok {
			found = append(found, v)
		}
	}
	return found
}

// member finds a member by its name in any case (RFC 7643 section 2.1).
func member(object map[string]any, name string) (any, bool) {
	for key, value := range object {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return nil, false
}

// operand is the value that a filter compares with. The parser leaves the
// escapes in a string, which are those of JSON (RFC 7644 section 3.4.2.2).
func operand(e *filter.AttributeExpression) any {
	escaped, ok := e.CompareValue.(string)
	var text string
	if !ok || json.Unmarshal([]byte(`"`+escaped+`"`), &text) != nil {
		return e.CompareValue
	}
	return text
}

func compares(have any, op filter.CompareOperator, want any) bool {
	if op == filter.PR {
		return true
	}
	if op == filter.NE {
		return !compares(have, filter.EQ, want)
	}
	h, isString := have.(string)
	w, wantString := want.(string)
	if !isString || !wantString {
		return op == filter.EQ && have == want
	}
	h, w = strings.ToLower(h), strings.ToLower(w)
	switch op {
	case filter.EQ:
		return h == w
	case filter.CO:
		return strings.Contains(h, w)
	case filter.SW:
		return strings.HasPrefix(h, w)
	case filter.EW:
		return strings.HasSuffix(h, w)
	default:
		return false
	}
}
