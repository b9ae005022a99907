package change_test

import (
	"encoding/json"
	"testing"

	"entrawebex/internal/change"
)

func TestAMemberIsReadInEitherForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]change.Member{
		`{"id":"a"}`:                                       {ID: "a"},
		`{"id":"a","@removed":"deleted"}`:                  {ID: "a", Removed: true},
		`{"id":"a","@removed":{"reason":"deleted"}}`:       {ID: "a", Removed: true},
		`{"id":"a","@removed":null}`:                       {ID: "a"},
		`{"@odata.type":"#microsoft.graph.user","id":"a"}`: {ID: "a"},
	} {
		var got change.Member
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func FuzzMember(f *testing.F) {
	f.Add([]byte(`{"id":"a","@removed":"deleted"}`))
	f.Add([]byte(`{"id":"a","@removed":{"reason":"changed"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var m change.Member
		if json.Unmarshal(text, &m) == nil && !json.Valid(text) {
			t.Errorf("%q is no JSON", text)
		}
	})
}
