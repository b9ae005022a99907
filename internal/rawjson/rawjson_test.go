package rawjson_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/rawjson"
)

func TestWhatIsNotWantedIsLeftOut(t *testing.T) {
	t.Parallel()
	var d rawjson.Decoder
	got := d.Object([]byte(` { "a" : [ 1 , {"b":"]}"} ] ,"b":"x\"\\","cé":null }`), func(name string) bool { return name != "a" })
	if diff := cmp.Diff(map[string]any{"b": `x"\`, "cé": nil}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyAListHasElementsAndOnlyAnObjectMembers(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"null", `"[1]"`, "1", `{"a":1}`, "[]", " [ ] "} {
		if got := slices.Collect(rawjson.Elements([]byte(text))); len(got) > 0 {
			t.Errorf("%s has elements: %q", text, got)
		}
	}
	for _, text := range []string{"null", `"{}"`, "1", `[{"a":1}]`, "{}", " { } "} {
		for name := range rawjson.Members([]byte(text)) {
			t.Errorf("%s has a member %q", text, name)
		}
	}
}

func TestANameIsKeptOnce(t *testing.T) {
	t.Parallel()
	var d rawjson.Decoder
	one, other := d.Name([]byte("displayName")), d.Name([]byte("displayName"))
	if one != "displayName" || unsafe.StringData(one) != unsafe.StringData(other) {
		t.Errorf("%q and %q", one, other)
	}
}

// FuzzValue holds it to what json.Unmarshal reads.
func FuzzValue(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e3,true,false,null,"x"],"b":{"c":{}},"a":2}`, `[ [ ] , { } ]`, `"é\u00e9\"\\/\ud800"`, "\"\xff\"", `{"\u0061":1,"\ud800":2}`,
		"{\"\xff\":1}", " 1 ", "1e400", `"\\"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want any
		if json.Unmarshal(data, &want) != nil {
			return // not valid, or a number that is too large
		}
		var d rawjson.Decoder
		if diff := cmp.Diff(want, d.Value(bytes.TrimSpace(data))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", data, diff)
		}
	})
}
