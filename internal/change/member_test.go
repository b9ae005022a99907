package change_test

import (
	"encoding/json"
	"strings"
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

// Whatever says that somebody left, the id is the same.
func FuzzMember(f *testing.F) {
	for _, removed := range []string{`"deleted"`, `{"reason":"changed"}`, `{"reason":"deleted"}`, `[]`, `0`, `""`, ` null `, `nul`} {
		f.Add("a", removed)
	}
	f.Fuzz(func(t *testing.T, id, removed string) {
		if !json.Valid([]byte(removed)) {
			return
		}
		var plain, marked change.Member
		text, err := json.Marshal(map[string]any{"id": id})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &plain); err != nil || plain.Removed {
			t.Fatalf("%s: %+v, %v", text, plain, err)
		}
		text, err = json.Marshal(map[string]any{"id": id, "@removed": json.RawMessage(removed)})
		if err != nil {
			t.Fatal(err)
		}
		want := change.Member{ID: plain.ID, Removed: strings.TrimSpace(removed) != "null"}
		if err := json.Unmarshal(text, &marked); err != nil || marked != want {
			t.Errorf("%s: %+v, %v; want %+v", text, marked, err, want)
		}
	})
}

func TestWhatIsNoMemberIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`17`, `"a"`, `[]`, `{"id":17}`, `{"id":"a"`} {
		var got change.Member
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s was read as %+v", text, got)
		}
	}
}
