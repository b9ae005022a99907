package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// of is a value of Entra in the form; nil for null, and for a text that is empty.
func (f form) of(v any) (any, error) {
	switch is := v.(type) {
	case nil:
		return v, nil
	case string:
		switch {
		case is == "":
			return f.of(nil)
		case f == boolean, f == language, f == texts:
			return f.ofText(is)
		default: // as it is: to put the text into an interface anew would be an allocation
			return v, nil
		}
	case bool:
		switch {
		case f == boolean:
			return v, nil
		case is: // as Entra writes it
			return f.ofText("True")
		default:
			return f.ofText("False")
		}
	case []any:
		return f.ofList(is)
	case map[string]any:
		return nil, errors.New("it has parts and Webex takes a text: write another expression")
	default:
		return f.ofText(fmt.Sprint(v))
	}
}

// ofList is the one value of a list, or the list where several are taken.
func (f form) ofList(list []any) (any, error) {
	switch {
	case len(list) == 0:
		return f.of(nil)
	case f == texts && !slices.ContainsFunc(list, isObject):
		return list, nil
	case len(list) > 1:
		return nil, errors.New("it has several values and Webex takes one: write Item or Join in the expression")
	default:
		return f.of(list[0])
	}
}

func isObject(v any) bool {
	_, is := v.(map[string]any)
	return is
}

// ofText is a text that is not empty in the form.
func (f form) ofText(s string) (any, error) {
	switch f {
	case boolean:
		if b, ok := truth(s); ok {
			return b, nil
		}
		return nil, errors.New("the value is neither True nor False")
	case language:
		return locale(s), nil
	case texts:
		return []any{s}, nil
	default:
		return s, nil
	}
}

// regional is a language of a country, and perhaps of a script.
var regional = regexp.MustCompile(`^([a-z]{2,3})(?:[-_][A-Z][a-z]{3})?[-_]([A-Z]{2})$`)

// locale is a language of Entra in Webex's form: en_US for en-US, zh_TW for
// zh-Hant-TW. Where no country is said it stays as it is: which one is meant nobody
// knows.
func locale(s string) string {
	const parts = 2
	m := regional.FindStringSubmatch(s)
	if len(m) <= parts {
		return s
	}
	return m[1] + "_" + m[2]
}
