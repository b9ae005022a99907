package notification

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

// FuzzElements holds the splitter against encoding/json.
func FuzzElements(f *testing.F) {
	for _, array := range []string{
		`[]`, "[ \n]", `[1]`, `[ 1 , 2 ]`, `["a,]\"","\\",""]`, `[[],[[]],{},{"a":[1,{"b":"}"}]}]`, `[null,true,-1.5e+3]`, `[,]`, `["é\u00e9"]`,
	} {
		f.Add([]byte(array))
	}
	f.Fuzz(func(t *testing.T, array []byte) {
		array = bytes.TrimSpace(array)
		var want []json.RawMessage
		if json.Unmarshal(array, &want) != nil || want == nil {
			return // not an array, or null: never given to the splitter
		}
		got := slices.Collect(elements(array))
		if !slices.EqualFunc(want, got, func(w json.RawMessage, g []byte) bool { return bytes.Equal(w, g) }) {
			t.Errorf("split %q into %q, want %q", array, got, want)
		}
	})
}
