package rawjson

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Unknown returns the members of an object for which a T has no field: those that
// json.Unmarshal leaves out of one. It is nil if there are none, and for a T that is
// no struct. They may be kept.
func Unknown[T any](object []byte) map[string]json.RawMessage {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil
	}
	var fields []string
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			fields = append(fields, name)
		} else {
			fields = append(fields, f.Name)
		}
	}
	var unknown map[string]json.RawMessage
	for name, value := range Members(object) {
		// As json.Unmarshal does, whatever the case.
		if slices.ContainsFunc(fields, func(field string) bool { return strings.EqualFold(field, string(name)) }) {
			continue
		}
		if unknown == nil {
			unknown = map[string]json.RawMessage{}
		}
		unknown[string(name)] = slices.Clone(value)
	}
	return unknown
}

// Append appends members, in the order of their names, to an object as json.Marshal
// writes it.
func Append(object []byte, members map[string]json.RawMessage) []byte {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		object = object[:len(object)-1]
		if len(object) > 1 {
			object = append(object, ',')
		}
		quoted, _ := json.Marshal(name) // a text
		object = append(append(append(append(object, quoted...), ':'), members[name]...), '}')
	}
	return object
}
