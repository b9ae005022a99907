package mapping_test

import (
	"bytes"
	"testing"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
)

func TestASumIsOfWhatAMappingSays(t *testing.T) {
	t.Parallel()
	text := infra.Provisioning()
	was, err := mapping.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	edited := func(old, now string) mapping.Rules {
		t.Helper()
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("%s is not in the default", old)
		}
		rules, err := mapping.Parse(bytes.Replace(text, []byte(old), []byte(now), 1))
		if err != nil {
			t.Fatal(err)
		}
		return rules
	}
	const given = "{ target: name.givenName, source: givenName }"
	if is := edited(given, `{ source: "givenName", target: name.givenName } # first name`); is.Users.Sum() != was.Users.Sum() {
		t.Error("another way to write it has another sum")
	}
	if is := edited(given, `{ target: name.givenName, source: givenName, log: values }`); is.Users.Sum() != was.Users.Sum() {
		t.Error("what is logged has another sum")
	}
	is := edited(given, "{ target: name.givenName, source: displayName }")
	if is.Users.Sum() == was.Users.Sum() {
		t.Error("another source has the same sum")
	}
	if is.Groups.Sum() != was.Groups.Sum() || was.Groups.Sum() == was.Users.Sum() {
		t.Error("the sums of the kinds depend on each other")
	}
}

func TestOfValuesTheLogKeepsThoseThatTheMappingSays(t *testing.T) {
	t.Parallel()
	text := bytes.Replace(infra.Provisioning(), []byte("- { target: userName,"), []byte(`- { target: title, source: jobTitle, log: values }
    - { target: nickName, expression: 'Redact([mailNickname])', log: values }
    - { target: locale, source: preferredLanguage, log: name }
    - { target: userName,`), 1)
	rules, err := mapping.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"active": true, "title": true, "nickName": false, "locale": false, "userName": false, "userType": false,
	} {
		if got := rules.Users.Tells(path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}

func TestWhatAPageDoesNotShowMayHaveToBeCleared(t *testing.T) {
	t.Parallel()
	text := bytes.Replace(infra.Provisioning(), []byte("- { target: userName,"),
		[]byte("- { target: title, source: jobTitle, whenNull: clear }\n    - { target: userName,"), 1)
	rules, err := mapping.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	written, nothing := rules.Users.Print(map[string]any{"title": "Engineer"}), rules.Users.Print(nil)
	for _, test := range []struct {
		have       mapping.Print
		attributes map[string]any
		may        bool
	}{
		{written, map[string]any{}, true},
		{written, map[string]any{"jobTitle": nil}, false},
		{written, map[string]any{"jobTitle": "Engineer"}, false},
		{nothing, map[string]any{}, false},
		{nil, map[string]any{}, false},
	} {
		if got := rules.Users.MayClear(test.have, test.attributes); got != test.may {
			t.Errorf("%v: %t", test.attributes, got)
		}
	}
}
