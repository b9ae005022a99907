package nearest_test

import (
	"testing"

	"entrawebex/internal/mapping/nearest"
)

func TestTheNameThatWasMeant(t *testing.T) {
	t.Parallel()
	names := []string{"displayName", "name.givenName", "urn:x:2.0:User:department", "Not", "Now", "emails"}
	for written, want := range map[string]string{
		"displayname":  "displayName",               // another case
		"givenname":    "name.givenName",            // its end
		"Department":   "urn:x:2.0:User:department", // its end, of a schema
		"displaNames":  "displayName",               // other letters
		"Nott":         "Not",                       // one too many
		"Nox":          "Not",                       // the first of those that are as near
		"Foo":          "",                          // of three letters, two are others
		"display":      "displayName",               // its beginning
		"telephone":    "",                          // like none
		"xxxxxxxxxxxx": "",                          // like none, however long
		"":             "",
	} {
		if got := nearest.Name(written, names); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}
