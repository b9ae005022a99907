package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// percents are the variables that may be written with a percent sign.
func percents() []string { return []string{"GUARD_SHARE", "GUARD_GROUP_SHARE"} }

// parse reads the variables into the settings. Every value that is of another kind is
// told: which variable has it, and what it may hold.
func (s *Settings) parse(variables map[string]string) error {
	plain := maps.Clone(variables)
	for _, name := range percents() {
		if number, ok := strings.CutSuffix(variables[name], "%"); ok {
			plain[name] = cmp.Or(strings.TrimSpace(number), "%") // no number is none, and not the default
		}
	}
	err := env.ParseWithOptions(s, env.Options{Environment: plain})
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	mistakes := make([]error, len(all.Errors))
	for i, one := range all.Errors {
		mistakes[i] = mistake(one, variables)
	}
	return errors.Join(mistakes...)
}

// mistake says it of a value that cannot be read. Only numbers, durations and switches
// can be wrong in that way: what is quoted is no secret.
func mistake(err error, variables map[string]string) error {
	var wrong env.ParseError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("read the environment: %w", err)
	}
	name, ok := variable(reflect.TypeFor[Settings](), wrong.Name, wrong.Type)
	if !ok {
		return fmt.Errorf("read the environment: %w", err)
	}
	may := "a whole number, such as 20"
	switch {
	case wrong.Type == reflect.TypeFor[bool]():
		may = "true or false"
	case wrong.Type == reflect.TypeFor[time.Duration]():
		may = "a time with its unit, such as 90s, 10m or 24h"
	case slices.Contains(percents(), name):
		may = "a whole number of percent, such as 20 or 20%"
	}
	return fmt.Errorf("%s is %q and must be %s", name, variables[name], may)
}

// variable returns the one that is read into the field of that name and type.
func variable(in reflect.Type, field string, of reflect.Type) (string, bool) {
	for f := range in.Fields() {
		if f.Name == field && f.Type == of {
			return f.Tag.Lookup("env")
		}
		if f.Type.Kind() == reflect.Struct {
			if name, ok := variable(f.Type, field, of); ok {
				return name, true
			}
		}
	}
	return "", false
}
