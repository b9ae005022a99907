package rawjson_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
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

func TestATextThatComesAgainUnderItsNameIsKeptOnce(t *testing.T) {
	t.Parallel()
	var d rawjson.Decoder
	_, one := d.Member([]byte("type"), []byte(`"work"`))
	_, again := d.Member([]byte("type"), []byte(`"work"`))
	first, _ := one.(string)
	second, _ := again.(string)
	if first != "work" || unsafe.StringData(first) != unsafe.StringData(second) {
		t.Errorf("%q and %q", one, again)
	}
}

// A text that reads as the one before and is escaped is another: \\n is a backslash
// and an n, and \n a new line.
func TestAnEscapedTextIsNotTheOneBefore(t *testing.T) {
	t.Parallel()
	var d rawjson.Decoder
	for _, test := range []struct{ raw, want string }{{`"\\n"`, `\n`}, {`"\n"`, "\n"}} {
		if _, got := d.Member([]byte("a"), []byte(test.raw)); got != test.want {
			t.Errorf("%s is %q", test.raw, got)
		}
	}
}

func TestAnObjectIsWrittenOverWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	d := rawjson.Decoder{Reuses: true}
	first, beside := d.Object([]byte(`{"a":1,"b":2}`), nil), d.Object([]byte(`{"c":3}`), nil)
	if diff := cmp.Diff([]map[string]any{{"a": 1.0, "b": 2.0}, {"c": 3.0}}, []map[string]any{first, beside}); diff != "" {
		t.Fatal(diff)
	}
	d.Reuse()
	next := d.Object([]byte(`{"d":4}`), nil)
	if diff := cmp.Diff([]map[string]any{{"d": 4.0}, {"d": 4.0}}, []map[string]any{first, next}); diff != "" {
		t.Error(diff)
	}
}

// A server that makes names up does not fill the memory of whoever reads its list.
func TestNamesThatAreManyAreForgotten(t *testing.T) {
	t.Parallel()
	d := rawjson.Decoder{Reuses: true}
	first := d.Name([]byte("userName"))
	d.Reuse()
	if unsafe.StringData(first) != unsafe.StringData(d.Name([]byte("userName"))) {
		t.Error("a few names are forgotten")
	}
	for i := range 5000 {
		d.Name(strconv.AppendInt(nil, int64(i), 10))
	}
	d.Reuse()
	if unsafe.StringData(first) == unsafe.StringData(d.Name([]byte("userName"))) {
		t.Error("5000 names are kept")
	}
}

// FuzzValue holds it to what json.Unmarshal reads.
func FuzzValue(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e3,true,false,null,"x"],"b":{"c":{}},"a":2}`, `[ [ ] , { } ]`, `"é\u00e9\"\\/\ud800"`, "\"\xff\"", `{"\u0061":1,"\ud800":2}`,
		"{\"\xff\":1}", " 1 ", "1e400", `"\\"`,
		`{"emails[type eq \"work\"].value":"a","\\":"\/","é":"é"}`, `["é","é","\u00e9"]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want any
		if json.Unmarshal(data, &want) != nil {
			return // not valid, or a number that is too large
		}
		d := rawjson.Decoder{Reuses: true}
		for range 2 {
			d.Reuse()
			if diff := cmp.Diff(want, d.Value(bytes.TrimSpace(data))); diff != "" {
				t.Errorf("%q (-want +got):\n%s", data, diff)
			}
		}
	})
}
