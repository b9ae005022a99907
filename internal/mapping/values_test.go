package mapping_test

import (
	"encoding/json"
	"maps"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping"
)

const (
	workPhone   = `phoneNumbers[type eq "work"].value`
	phonesLines = `{ target: 'phoneNumbers[type eq "work"].value', source: telephoneNumber, whenNull: clear }`
	primaryLine = `{ target: 'phoneNumbers[type eq "work"].primary', constant: true }`
	cityLine    = `{ target: 'addresses[type eq "work"].locality', source: city, whenNull: clear }`
	regionLine  = `{ target: 'addresses[type eq "work"].region', source: state, whenNull: clear }`
)

// Each case is what a target that takes a form makes of a value of Entra.
func TestAValueTakesTheFormOfItsTarget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line, attribute string
		value                 any
		target                string
		want                  any
	}{
		{"a language", "{ target: locale, source: preferredLanguage }", "preferredLanguage", "en-US", "locale", "en_US"},
		{"a language with a script", "{ target: locale, source: preferredLanguage }", "preferredLanguage", "zh-Hant-TW", "locale", "zh_TW"},
		{"a language without a country", "{ target: locale, source: preferredLanguage }", "preferredLanguage", "en", "locale", "en"},
		{"a boolean where a text is wanted", "{ target: title, source: accountEnabled }", "accountEnabled", true, "title", "True"},
		{"the first of several phones", phonesLines, "businessPhones", []any{"1", "2"}, workPhone, "1"},
		{"no phone", phonesLines, "businessPhones", []any{}, workPhone, nil},
		{"a part of an object", "{ target: title, source: employeeOrgData.division }", "employeeOrgData", map[string]any{"division": "West"}, "title", "West"},
		{"an attribute of Exchange", "{ target: title, source: extensionAttribute7 }", "onPremisesExtensionAttributes", map[string]any{"extensionAttribute7": "x"}, "title", "x"},
		{"a directory extension", "{ target: title, source: extension_0123456789abcdef0123456789abcdef_code }", "extension_0123456789abcdef0123456789abcdef_code", "c", "title", "c"},
		{"a custom security attribute", "{ target: title, source: customSecurityAttributes.HR.Grade }", "customSecurityAttributes", map[string]any{"HR": map[string]any{"Grade": "7"}}, "title", "7"},
		{
			"a list of texts", "{ target: 'urn:scim:schemas:extension:cisco:webexidentity:2.0:User:extensionAttribute1', source: jobTitle }", "jobTitle", "x",
			"urn:scim:schemas:extension:cisco:webexidentity:2.0:User:extensionAttribute1",
			[]any{"x"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			attributes := ada()
			attributes[test.attribute] = test.value
			m := parse(t, test.line)
			got, err := m.Map(attributes)
			if diff := cmp.Diff(test.want, got[test.target]); err != nil || diff != "" {
				t.Error(err, diff)
			}
			if patch, _ := m.Diff(m.Values(m.Resource(got)), got, nil); len(patch) > 0 {
				t.Errorf("is changed again by %v", patch)
			}
		})
	}
}

func TestSeveralValuesForOneAreAFault(t *testing.T) {
	t.Parallel()
	m := parse(t, "{ target: title, expression: '[otherMails]' }")
	attributes := ada()
	attributes["otherMails"] = []any{"a", "b"}
	if _, err := m.Map(attributes); err == nil || err.Error() != "map title: it has several values and Webex takes one: write Item or Join in the expression" {
		t.Error(err)
	}
}

func TestWhatOnlyDescribesAValueIsNotWrittenWithoutOne(t *testing.T) {
	t.Parallel()
	m := parse(t, `{ target: 'phoneNumbers[type eq "work"].value', source: telephoneNumber }`, primaryLine)
	got, err := m.MapNew(ada())
	if _, there := got[`phoneNumbers[type eq "work"].primary`]; there || err != nil {
		t.Error(got, err)
	}
}

// Each case is what becomes of a resource when Entra has null, shown as such.
func TestNullClearsTheOneValueThatIsOurs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		lines           []string
		entra           map[string]any
		resource, patch string
		after           string
	}{
		{
			"an attribute",
			[]string{"{ target: title, source: jobTitle, whenNull: clear }"},
			map[string]any{"jobTitle": nil},
			`{"title":"Boss"}`, `[{"op":"remove","path":"title"}]`, `{}`,
		},
		{
			"an attribute that Webex does not have",
			[]string{"{ target: title, source: jobTitle, whenNull: clear }"},
			map[string]any{"jobTitle": nil},
			`{}`, `null`, `{}`,
		},
		{
			"an attribute that is empty in Webex",
			[]string{"{ target: title, source: jobTitle, whenNull: clear }"},
			map[string]any{"jobTitle": nil},
			`{"title":""}`, `null`, `{"title":""}`,
		},
		{
			"a part of an attribute",
			[]string{"{ target: name.middleName, source: department, whenNull: clear }"},
			map[string]any{"department": nil},
			`{"name":{"givenName":"A","middleName":"M"}}`, `[{"op":"remove","path":"name.middleName"}]`, `{"name":{"givenName":"A"}}`,
		},
		{
			"an attribute of an extension",
			[]string{"{ target: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', source: department, whenNull: clear }"},
			map[string]any{"department": nil},
			`{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D","division":"V"}}`,
			`[{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}]`,
			`{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"division":"V"}}`,
		},
		{
			"the element, with all that describes it",
			[]string{phonesLines, primaryLine},
			map[string]any{"businessPhones": []any{}},
			`{"phoneNumbers":[{"type":"work","value":"1","primary":true},{"type":"mobile","value":"2"}]}`,
			`[{"op":"remove","path":"phoneNumbers[type eq \"work\"]"}]`, `{"phoneNumbers":[{"type":"mobile","value":"2"}]}`,
		},
		{
			"the one of several of a type",
			[]string{phonesLines},
			map[string]any{"businessPhones": []any{}},
			`{"phoneNumbers":[{"type":"work","value":"1"},{"type":"work","value":"2","primary":true}]}`,
			`[{"op":"remove","path":"phoneNumbers[type eq \"work\" and primary eq true]"}]`, `{"phoneNumbers":[{"type":"work","value":"1"}]}`,
		},
		{
			"a part of an element",
			[]string{cityLine, regionLine},
			map[string]any{"city": nil, "state": "CA"},
			`{"addresses":[{"type":"work","locality":"L","region":"CA"}]}`,
			`[{"op":"remove","path":"addresses[type eq \"work\"].locality"}]`, `{"addresses":[{"type":"work","region":"CA"}]}`,
		},
		{
			"an element of which all parts are null",
			[]string{cityLine, regionLine},
			map[string]any{"city": nil, "state": nil},
			`{"addresses":[{"type":"work","locality":"L","region":"CA"},{"type":"home","locality":"H"}]}`,
			`[{"op":"remove","path":"addresses[type eq \"work\"]"}]`, `{"addresses":[{"type":"home","locality":"H"}]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var resource, after map[string]any
			if err := json.Unmarshal([]byte(test.resource), &resource); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(test.after), &after); err != nil {
				t.Fatal(err)
			}
			m := parse(t, test.lines...)
			attributes := ada()
			maps.Copy(attributes, test.entra)
			want, err := m.Map(attributes)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{"userName", "externalId", "active"} {
				resource[path], after[path] = want[path], want[path]
			}
			have := m.Values(resource)
			patch, changed := m.Diff(have, want, m.Picks(resource))
			encoded, _ := json.Marshal(patch)
			if diff := cmp.Diff(test.patch, string(encoded)); diff != "" {
				t.Error(diff)
			}
			if m.Has(m.Print(have), want) != (len(changed) == 0) {
				t.Errorf("a comparison and the change of %v disagree", changed)
			}
			patched := m.Patched(resource, patch)
			if diff := cmp.Diff(after, patched); diff != "" {
				t.Error(diff)
			}
			if again, _ := m.Diff(m.Values(patched), want, m.Picks(patched)); len(again) > 0 && test.name != "the one of several of a type" {
				t.Errorf("is changed again by %v", again)
			}
		})
	}
}

// The short way says of no text that it is an address which the grammar does not.
func FuzzAnAddressIsOneByTheGrammar(f *testing.F) {
	for _, s := range []string{"ada@example.com", "a..b@example.com", ".a@b", "a@b.", "a+b_c-d@x.y", "a@b@c", "@", "a@", "ö@example.com"} {
		f.Add(s)
	}
	rules, err := mapping.Parse([]byte(fileWith()))
	if err != nil {
		f.Fatal(err)
	}
	m := rules.Users
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 254 || strings.Contains(s, "#") { // a guest's is read under another name
			return
		}
		attributes := ada()
		attributes["userPrincipalName"] = s
		_, err := m.Map(attributes)
		a, bad := mail.ParseAddress(s)
		if err == nil && (bad != nil || a.Address != s) {
			t.Errorf("%q is taken for an address", s)
		}
	})
}
