package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// variables are those that are read into fields of a type.
func variables(in, of reflect.Type) []string {
	var names []string
	for f := range in.Fields() {
		if name, ok := f.Tag.Lookup("env"); ok && f.Type == of {
			names = append(names, name)
		}
		if f.Type.Kind() == reflect.Struct {
			names = append(names, variables(f.Type, of)...)
		}
	}
	return names
}

// Whatever setting is a time or a number: a value that it cannot hold is told with the
// name of the variable, what it holds and what it may.
func TestATimeOrANumberThatCannotBeIsNamed(t *testing.T) {
	t.Parallel()
	durations, numbers := variables(reflect.TypeFor[Settings](), reflect.TypeFor[time.Duration]()), variables(reflect.TypeFor[Settings](), reflect.TypeFor[int]())
	if len(durations) < 5 || len(numbers) < 4 {
		t.Fatalf("times %q, numbers %q", durations, numbers)
	}
	wrong := map[string]map[string]string{} // by the variable: what it holds, and how that is told
	for _, name := range durations {
		wrong[name] = map[string]string{
			"-5m": "-5m0s and must be ", "5": `"5" and must be a time with its unit`, "1%": `"1%" and must be a time with its unit`, "soon": `"soon" and must be a time`,
		}
	}
	for _, name := range numbers {
		wrong[name] = map[string]string{"-1": "-1 and must be ", "1.5": `"1.5" and must be a whole number`, "1m": `"1m" and must be a whole number`}
		if slices.Contains(percents(), name) {
			wrong[name]["-1%"] = "-1 and must be percent, 0 to 100"
			wrong[name]["101 %"] = "101 and must be percent, 0 to 100"
			wrong[name]["%"] = `"%" and must be a whole number of percent`
			wrong[name]["5%%"] = `"5%%" and must be a whole number of percent`
		} else {
			wrong[name]["1%"] = `"1%" and must be a whole number, such as 20`
		}
	}
	for name, values := range wrong {
		for value, told := range values {
			settings := complete()
			settings[name] = value
			if _, err := load(t, OneProcess, settings, nil); err == nil || !strings.Contains(err.Error(), name+" is "+told) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s=%s: %v; want %s is %s", name, value, err, name, told)
			}
		}
	}
}
