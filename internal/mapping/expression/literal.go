package expression

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Call is the step as an expression: the function with the values of its arguments,
// and … for those that were not looked at.
func (s Step) Call() string {
	arguments := make([]string, len(s.Arguments))
	for i, v := range s.Arguments {
		arguments[i] = Literal(v)
	}
	return s.Function + "(" + strings.Join(arguments, ", ") + ")"
}

// Literal is a value as the language writes it: a number, or a text in double quotes
// with \" and \\ in it. What it has no literal for is True, False, null, or JSON.
func Literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case Unused:
		return "…"
	case Ignored:
		return "nothing"
	case string:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(v) // it came from JSON
		return strings.TrimSuffix(text.String(), "\n")
	}
}
