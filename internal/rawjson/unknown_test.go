package rawjson_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/rawjson"
)

func TestWhatAStructHasNoFieldForComesBackAsItWas(t *testing.T) {
	t.Parallel()
	type known struct {
		A     int `json:"a"`
		B     any `json:"b,omitempty"`
		Plain string
	}
	for object, want := range map[string]string{
		`{}`:                                  `{}`,
		`{"a":1,"B":2,"plain":"x"}`:           `{}`,
		`{"a":1,"c":{"a":[1, 2]}}`:            `{"c":{"a":[1, 2]}}`,
		`{"z":null,"\u00e4\"":"ü","y":1e400}`: `{"y":1e400,"z":null,"ä\"":"ü"}`,
		`[1]`:                                 `{}`,
	} {
		if got := string(rawjson.Append([]byte("{}"), rawjson.Unknown[known]([]byte(object)))); got != want {
			t.Errorf("%s: %s, want %s", object, got, want)
		}
	}
	got := rawjson.Append([]byte(`{"a":1}`), map[string]json.RawMessage{"b": []byte("2"), "c": []byte("3")})
	if diff := cmp.Diff(`{"a":1,"b":2,"c":3}`, string(got)); diff != "" {
		t.Error(diff)
	}
	if got := rawjson.Unknown[map[string]int]([]byte(`{"a":1}`)); got != nil {
		t.Errorf("a map leaves out %v", got)
	}
}
