package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Value is a setting as it is in force. Of a secret it is told whether there is one, and
// never which.
type Value struct {
	// Name is the variable's.
	Name string `json:"name"`
	// Value is empty for nothing, and for a secret.
	Value string `json:"value,omitempty"`
	// Default is what is in force where nothing is said.
	Default string `json:"default,omitempty"`
	// From is where the value comes from: FromEnvironment, FromDefault, FromOthers, or
	// the ARN of a secret.
	From string `json:"from"`
	// Secret says that it is one, and Set that there is a value.
	Secret bool `json:"secret,omitempty"`
	Set    bool `json:"set"`
}

// Where a value may come from.
const (
	// FromEnvironment is one that the environment gives.
	FromEnvironment = "environment"
	// FromDefault is one of which nothing was said.
	FromDefault = "default"
	// FromOthers is one that follows from other settings.
	FromOthers = "other settings"
)

// Values are all settings, in the order of their page.
func (s *Settings) Values() []Value { return s.values(reflect.ValueOf(*s)) }

// values are the variables of a struct, and then those of the structs in it.
func (s *Settings) values(of reflect.Value) []Value {
	var own, parts []Value
	for field, value := range of.Fields() {
		name := field.Tag.Get("env")
		switch {
		case value.Kind() == reflect.Struct:
			parts = append(parts, s.values(value)...)
		case name != "" && name != "-":
			own = append(own, s.value(field, value))
		}
	}
	return slices.Concat(own, parts)
}

func (s *Settings) value(field reflect.StructField, of reflect.Value) Value {
	name, usual := field.Tag.Get("env"), field.Tag.Get("envDefault")
	v := Value{Name: name, Value: written(of.Interface()), Default: usual, From: s.Given[name], Set: !of.IsZero(), Secret: field.Tag.Get("secret") != ""}
	switch {
	case v.From != "":
	case of.Kind() == reflect.String && v.Value != usual:
		v.From = FromOthers
	default:
		v.From = FromDefault
		if usual != "" {
			v.Value = usual
		}
	}
	if v.Secret {
		v.Value = ""
	}
	return v
}

// written is a value as it is written in an environment.
func written(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case []string:
		return strings.Join(v, ",")
	case time.Duration:
		text := v.String() // 24h0m0s
		for _, nothing := range []struct{ end, of string }{{"m0s", "m"}, {"h0m", "h"}} {
			if begin, ok := strings.CutSuffix(text, nothing.end); ok {
				text = begin + nothing.of
			}
		}
		return text
	default:
		return "" // parse knows no other kind
	}
}
