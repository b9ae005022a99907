package expression

import (
	"cmp"
	"errors"
	"math"
	"strconv"
	"strings"
)

// null is the value of an attribute that is absent.
func null() any { return nil }

// normal is a value of Graph as one of the language's.
func normal(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case []string:
		values := make([]any, len(v))
		for i, s := range v {
			values[i] = s
		}
		return values
	default:
		return v
	}
}

func isNull(v any) bool {
	_, ignored := v.(Ignored)
	return v == nil || ignored
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	default:
		return isNull(v)
	}
}

// size is the length of a value's text in bytes, or about it.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		total := 0
		for _, element := range v {
			total += size(element) + 1
		}
		return total
	default:
		return 0
	}
}

// asText is a value as a text; false for null. A boolean is "True" or "False",
// as in Entra.
func asText(v any) (text string, there bool, err error) {
	switch v := v.(type) {
	case string:
		return v, true, nil
	case bool:
		if v {
			return "True", true, nil
		}
		return "False", true, nil
	case int64:
		return strconv.FormatInt(v, 10), true, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true, nil
	case nil, Ignored:
		return "", false, nil
	case []any:
		if len(v) > 1 {
			return "", false, errors.New("takes one value, and there are several; choose with Item, or put them together with Join")
		}
		if len(v) == 0 {
			return "", false, nil
		}
		return asText(v[0])
	default:
		return "", false, errors.New("takes a text, and the value has parts")
	}
}

// asNumber is a value as a number, if it is one or is written as one.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	default:
		return 0, false
	}
}

// asInteger is a value as a whole number, if it is one or is written as one.
func asInteger(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	case float64:
		const exact = 1 << 53
		return int64(v), v == math.Trunc(v) && math.Abs(v) <= exact
	default:
		return 0, false
	}
}

// text is the value of an argument as a text; false for null.
func (e *evaluation) text(a *argument) (text string, there bool, err error) {
	v, err := a.value(e)
	if err != nil {
		return "", false, err
	}
	return asText(v)
}

// integer is the value of an argument as a whole number.
func (e *evaluation) integer(a *argument, name string) (int64, error) {
	v, err := a.value(e)
	if err != nil {
		return 0, err
	}
	n, ok := asInteger(v)
	if !ok {
		return 0, errors.New(name + " is no whole number")
	}
	return n, nil
}

// isNumber reports whether a value is a number, and not written as one.
func isNumber(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	default:
		return false
	}
}

// compare orders two values: as numbers if one is a number and the other can be
// read as one, else as texts, in which case matters.
func compare(a, b any) (int, error) {
	if i, first := asInteger(a); first && (isNumber(a) || isNumber(b)) {
		if j, second := asInteger(b); second {
			return cmp.Compare(i, j), nil
		}
	}
	if isNumber(a) || isNumber(b) {
		x, first := asNumber(a)
		y, second := asNumber(b)
		if first && second {
			return cmp.Compare(x, y), nil
		}
	}
	x, _, err := asText(a)
	if err != nil {
		return 0, err
	}
	y, _, err := asText(b)
	if err != nil {
		return 0, err
	}
	return strings.Compare(x, y), nil
}

// values are those of an argument, one or several; none for null.
func (e *evaluation) values(a *argument) ([]any, error) {
	v, err := a.value(e)
	if err != nil || isNull(v) {
		return nil, err
	}
	if values, several := v.([]any); several {
		return values, nil
	}
	return []any{v}, nil
}
