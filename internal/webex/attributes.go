package webex

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// valueOf returns an attribute, whose name has no case (RFC 7643 section 2.1);
// nil if it is not there.
func valueOf(object map[string]any, name string) any {
	if value, ok := object[name]; ok {
		return value
	}
	for given, value := range object {
		if strings.EqualFold(given, name) {
			return value
		}
	}
	return nil
}

// text returns an attribute that is a string; empty if it is none.
func text(object map[string]any, name string) string {
	s, _ := valueOf(object, name).(string)
	return s
}

// words reads a string or a list of them: Webex has been seen to answer one
// for the other in its extensions. Anything else has none.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		list := make([]string, 0, len(v))
		for _, element := range v {
			if s, ok := element.(string); ok {
				list = append(list, s)
			}
		}
		return list
	default:
		return nil
	}
}

// plain writes a value for a person: a string or a number as it is.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// first returns the first string that is not empty.
func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// hasSchema reports whether an object says that it is of a schema.
func hasSchema(object map[string]any, schema string) bool {
	return slices.ContainsFunc(words(valueOf(object, "schemas")), func(given string) bool { return strings.EqualFold(given, schema) })
}

// saysNoSchema reports whether an object leaves open of what schema it is.
func saysNoSchema(object map[string]any) bool { return len(words(valueOf(object, "schemas"))) == 0 }
