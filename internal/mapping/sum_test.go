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
	is := edited(given, "{ target: name.givenName, source: displayName }")
	if is.Users.Sum() == was.Users.Sum() {
		t.Error("another source has the same sum")
	}
	if is.Groups.Sum() != was.Groups.Sum() || was.Groups.Sum() == was.Users.Sum() {
		t.Error("the sums of the kinds depend on each other")
	}
}
