package mapping_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/expression"
)

// parse returns the mapping of users by the lines that every mapping needs, and more.
func parse(t *testing.T, lines ...string) mapping.Mapping {
	t.Helper()
	rules, err := mapping.Parse([]byte(fileWith(lines...)))
	if err != nil {
		t.Fatal(err)
	}
	return rules.Users
}

// fileWith is the text of a mapping file that has these lines for users, and what is
// needed beside them.
func fileWith(lines ...string) string {
	var more strings.Builder
	for _, line := range lines {
		more.WriteString("    - " + line + "\n")
	}
	for _, line := range []string{
		`{ target: userName, source: userPrincipalName, matching: 1 }`,
		`{ target: externalId, source: objectId }`,
		`{ target: active, expression: "Not([IsSoftDeleted])" }`,
	} {
		if target, _, _ := strings.Cut(line, ","); !strings.Contains(more.String(), target+",") {
			more.WriteString("    - " + line + "\n")
		}
	}
	return "version: 1\nusers:\n  mappings:\n" + more.String() + `groups:
  mappings:
    - { target: displayName, source: displayName, matching: 1 }
    - { target: externalId, source: objectId }
`
}

func rules(t *testing.T) mapping.Rules {
	t.Helper()
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func defaults(t *testing.T) mapping.Mapping {
	t.Helper()
	return rules(t).Users
}

func TestAGroupHasItsNameAndItsObjectID(t *testing.T) {
	t.Parallel()
	const id = "6c0b1c2d-0000-4000-8000-0000000000a1"
	m := rules(t).Groups
	if diff := cmp.Diff([]string{"displayName", "id", "securityEnabled"}, m.Select()); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct {
		name        string
		displayName any
		want        string
	}{
		{"any name", `A "quoted" \ name`, ""},
		{"the longest name", strings.Repeat("ë", 512), ""},
		{"a longer one", strings.Repeat("ë", 513), "513 characters and Webex takes 512: shorten displayName in Entra"},
		{"none", nil, "Entra has no value for displayName"},
		{"an empty one", "", "Entra has no value for displayName"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := m.Map(map[string]any{"id": id, "displayName": test.displayName, "securityEnabled": true})
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want one with %q", err, test.want)
				}
				return
			}
			if diff := cmp.Diff(map[string]any{"displayName": test.displayName, "externalId": id}, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func ada() map[string]any {
	return map[string]any{
		"id":                "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607",
		"userPrincipalName": "ada@example.com",
		"givenName":         "Ada",
		"surname":           "Lovelace",
		"displayName":       "Ada Lovelace",
		"accountEnabled":    true,
		"IsSoftDeleted":     false,
	}
}

func TestTheDefaultMappingIsThatOfTheGalleryApp(t *testing.T) {
	t.Parallel()
	m := defaults(t)
	got, err := m.Map(ada())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"userName":                       "ada@example.com",
		"name.givenName":                 "Ada",
		"name.familyName":                "Lovelace",
		"displayName":                    "Ada Lovelace",
		"externalId":                     "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607",
		"active":                         true,
		`emails[type eq "work"].value`:   "ada@example.com",
		`emails[type eq "work"].primary`: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantSelect := []string{"accountEnabled", "displayName", "givenName", "id", "surname", "userPrincipalName"}
	if diff := cmp.Diff(wantSelect, m.Select()); diff != "" {
		t.Error(diff)
	}
}

func TestMap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		attribute string
		value     any
		path      string
		want      any
		err       string
	}{
		{"a guest is read under the address at home", "userPrincipalName", "bo_lee_partner.com#EXT#@contoso.onmicrosoft.com", "userName", "bo_lee@partner.com", ""},
		{"so is one whose mark is in lower case", "userPrincipalName", "bo_lee_partner.com#ext#@contoso.onmicrosoft.com", "userName", "bo_lee@partner.com", ""},
		{"and one whose mark is in mixed case", "userPrincipalName", "bo_lee_partner.com#Ext#@contoso.onmicrosoft.com", "userName", "bo_lee@partner.com", ""},
		{"a name with EXT in it is no guest", "userPrincipalName", "ext@example.com", "userName", "ext@example.com", ""},
		{"a plus sign belongs to the address", "userPrincipalName", "a+b@example.com", "userName", "a+b@example.com", ""},
		{"what cannot sign in is inactive", "IsSoftDeleted", true, "active", false, ""},
		{"an empty attribute is left out", "givenName", "", "name.givenName", nil, ""},
		{"a null attribute is left out", "surname", nil, "name.familyName", nil, ""},
		{"a name without an at sign is refused", "userPrincipalName", "ada", "", nil, "map userName: the value is not an e-mail address"},
		{"a name with a display part is refused", "userPrincipalName", "Ada <ada@example.com>", "", nil, "not an e-mail address"},
		{"a name longer than Webex takes is refused", "userPrincipalName", strings.Repeat("a", 250) + "@example.com", "", nil, "not an e-mail address"},
		{"no name at all is refused", "userPrincipalName", nil, "", nil, "Entra has no value for userPrincipalName"},
		{"a state that is no boolean is refused", "IsSoftDeleted", "maybe", "", nil, "map active: Not: takes a boolean"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			attributes := ada()
			attributes[test.attribute] = test.value
			got, err := defaults(t).Map(attributes)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want one with %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got[test.path]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAResourceHoldsWhatWasMappedAndGivesItBack(t *testing.T) {
	t.Parallel()
	m := parse(t,
		"{ target: name.givenName, source: givenName }",
		`{ target: 'emails[type eq "work"].value', source: userPrincipalName }`,
		`{ target: 'emails[type eq "work"].primary', constant: true }`,
		"{ target: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', constant: Sales }",
	)
	values, err := m.Map(ada())
	if err != nil {
		t.Fatal(err)
	}
	resource, err := json.Marshal(m.Resource(values))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"active":true,"emails":[{"primary":true,"type":"work","value":"ada@example.com"}],"externalId":"5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607","name":{"givenName":"Ada"},` +
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales"},"userName":"ada@example.com"}`
	if diff := cmp.Diff(want, string(resource)); diff != "" {
		t.Error(diff)
	}
	var read map[string]any
	if err := json.Unmarshal(resource, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values, m.Values(read)); diff != "" {
		t.Error(diff)
	}
}

func TestValuesAreFoundWhateverTheCaseOfTheirNames(t *testing.T) {
	t.Parallel()
	got := defaults(t).Values(map[string]any{
		"USERNAME": "ada@example.com",
		"emails":   []any{map[string]any{"Type": "Work", "Value": "ada@example.com"}, "nonsense"},
	})
	want := map[string]any{"userName": "ada@example.com", `emails[type eq "work"].value`: "ada@example.com"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	full := map[string]any{
		"userName": "ada@example.com", "displayName": "Ada", "active": true,
		`emails[type eq "work"].value`: "ada@example.com", `emails[type eq "work"].primary`: true,
	}
	with := func(path string, value any) map[string]any {
		m := map[string]any{}
		maps.Copy(m, full)
		m[path] = value
		return m
	}
	for _, test := range []struct {
		name       string
		have, want map[string]any
		patch      string
	}{
		{"equal values need no operation", full, full, `null`},
		{"one changed value is one replace", full, with("displayName", "Ada L"), `[{"op":"replace","path":"displayName","value":"Ada L"}]`},
		{"what is not wanted is left alone", with("title", "x"), full, `null`},
		{
			"a known element is replaced in place", full, with(`emails[type eq "work"].value`, "b@example.com"),
			`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"b@example.com"}]`,
		},
		{
			"an unknown element is added as a whole",
			map[string]any{"userName": "ada@example.com", "displayName": "Ada", "active": true},
			full,
			`[{"op":"add","path":"emails","value":[{"primary":true,"type":"work","value":"ada@example.com"}]}]`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			patch, changed := defaults(t).Diff(test.have, test.want, nil)
			got, err := json.Marshal(patch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.patch, string(got)); diff != "" {
				t.Error(diff)
			}
			if (len(patch) == 0) != (len(changed) == 0) {
				t.Errorf("%d operations for the changes %v", len(patch), changed)
			}
		})
	}
}

// Entra's expressions give "True" and "False", and Webex takes true and false.
func TestABooleanOfWebexIsMadeOfATextOfEntra(t *testing.T) {
	t.Parallel()
	m := parse(t,
		`{ target: active, expression: 'Switch([IsSoftDeleted], , "False", "True", "True", "False")' }`,
		`{ target: 'emails[type eq "work"].primary', constant: "True" }`,
		`{ target: title, constant: "True" }`,
	)
	got, err := m.Map(ada())
	for path, want := range map[string]any{"active": true, `emails[type eq "work"].primary`: true, "title": "True"} {
		if err != nil || got[path] != want {
			t.Errorf("%s is %v: %v", path, got[path], err)
		}
	}
	odd := ada()
	odd["IsSoftDeleted"] = "perhaps"
	if got, err := m.Map(odd); err == nil {
		t.Error("a state that no key of the Switch is equal to:", got["active"])
	}
}

func TestABooleanOfWebexIsMadeOfNothingElse(t *testing.T) {
	t.Parallel()
	m := parse(t, "{ target: active, source: displayName }")
	if _, err := m.Map(ada()); err == nil || err.Error() != "map active: the value is neither True nor False" {
		t.Error(err)
	}
}

func TestWhatDoesNotFlowIsLeftOut(t *testing.T) {
	t.Parallel()
	m := parse(t,
		`{ target: title, expression: "IgnoreFlowIfNullOrEmpty([jobTitle])" }`,
	)
	got, err := m.Map(ada())
	if _, flows := got["title"]; flows || err != nil {
		t.Error(got, err)
	}
}

// Whatever an expression reads is asked of Graph, and decides if it is required.
func TestAnExpressionsAttributesAreSelected(t *testing.T) {
	t.Parallel()
	m := parse(t,
		`{ target: userName, expression: 'Coalesce([mail], [userPrincipalName])', matching: 1, required: true }`,
	)
	if diff := cmp.Diff([]string{"accountEnabled", "id", "mail", "userPrincipalName"}, m.Select()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"mail"}, m.Lacks(ada())); diff != "" {
		t.Error(diff)
	}
}

// A delta query does not show custom security attributes: then they are not known,
// required or not.
func TestCustomSecurityAttributesThatAreNotShownAreLacking(t *testing.T) {
	t.Parallel()
	m := parse(t,
		`{ target: userName, source: userPrincipalName, matching: 1, required: true }`,
		`{ target: title, source: customSecurityAttributes.HR.Grade }`,
		`{ target: nickName, source: mailNickname }`,
	)
	attributes := ada()
	if diff := cmp.Diff([]string{"customSecurityAttributes"}, m.Lacks(attributes)); diff != "" {
		t.Error(diff)
	}
	if !m.MayClear(nil, attributes) {
		t.Error("a comparison takes them for known")
	}
	attributes["customSecurityAttributes"] = nil
	if lacks := m.Lacks(attributes); lacks != nil || m.MayClear(nil, attributes) {
		t.Error(lacks)
	}
}

// The domain of the tenant is told with each object that was read: one without it is
// not known, and not mapped to an address without a domain.
func TestTheDefaultDomainIsLackingWhereItIsNotTold(t *testing.T) {
	t.Parallel()
	m := parse(t, `{ target: title, expression: 'Join("@", [mailNickname], DefaultDomain())' }`)
	attributes := ada()
	attributes["mailNickname"] = "ada"
	if diff := cmp.Diff([]string{expression.DefaultDomain}, m.Lacks(attributes)); diff != "" {
		t.Error(diff)
	}
	if !m.MayClear(nil, attributes) || !slices.Contains(m.Select(), expression.DefaultDomain) {
		t.Error("it is taken for known, or not asked for")
	}
	attributes[expression.DefaultDomain] = "contoso.com"
	values, err := m.Map(attributes)
	if lacks := m.Lacks(attributes); lacks != nil || m.MayClear(nil, attributes) || err != nil || values["title"] != "ada@contoso.com" {
		t.Error(lacks, values, err)
	}
}

// App roles are in no property of a user: whoever maps puts them among the attributes,
// and where they are not there, they are not known.
func TestAppRolesAreReadByThemselves(t *testing.T) {
	t.Parallel()
	m := parse(t,
		`{ target: title, expression: 'SingleAppRoleAssignment([appRoleAssignments])' }`,
		`{ target: nickName, expression: 'Coalesce(Join("+", [appRoleAssignments]), [mailNickname])', matching: 2 }`,
		`{ target: displayName, constant: Ada }`,
	)
	if diff := cmp.Diff([]string{"accountEnabled", "id", "mailNickname", "userPrincipalName"}, m.Select()); diff != "" || !m.ReadsRoles() || defaults(t).ReadsRoles() {
		t.Error(diff)
	}
	attributes := ada()
	if diff := cmp.Diff([]string{"appRoleAssignments"}, m.Lacks(attributes)); diff != "" || !m.MayClear(nil, attributes) {
		t.Error(diff)
	}
	attributes["appRoleAssignments"] = []any{"Admin", "Agent"}
	values, err := m.Map(attributes)
	if values["title"] != "Admin" || values["nickName"] != "Admin+Agent" || m.Lacks(attributes) != nil || err != nil {
		t.Error(values, m.Lacks(attributes), err)
	}
	without := m.WithoutRoles()
	values, err = without.Map(attributes)
	if _, mapped := values["title"]; mapped || values["nickName"] != "Admin+Agent" || values["displayName"] != "Ada" || err != nil {
		t.Error(values, err)
	}
	if targets := without.Matching(); targets[len(targets)-1] != "nickName" {
		t.Error(targets)
	}
}

func TestWhatHasPartsIsNoText(t *testing.T) {
	t.Parallel()
	const extension = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User:extensionAttribute1"
	const several, parts = "it has several values and Webex takes one: write Item or Join in the expression", "it has parts and Webex takes a text: write another expression"
	for _, tt := range []struct {
		target string
		roles  []any
		want   string
	}{
		{"title", []any{"Admin"}, parts},
		{"title", []any{"Admin", "Agent"}, several},
		{extension, []any{"Admin"}, parts},
		{extension, []any{"Admin", "Agent"}, several},
	} {
		m := parse(t, `{ target: "`+tt.target+`", expression: 'IIF([mail]="x", "", AppRoleAssignmentsComplex([appRoleAssignments]))' }`)
		attributes := ada()
		attributes["appRoleAssignments"] = tt.roles
		if _, err := m.Map(attributes); err == nil || err.Error() != "map "+tt.target+": "+tt.want {
			t.Error(err)
		}
	}
}

func BenchmarkMap(b *testing.B) {
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		b.Fatal(err)
	}
	attributes := ada()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rules.Users.Map(attributes); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(infra.Provisioning())
	f.Add([]byte(fileWith("{ target: title, expression: 'Not([jobTitle])' }")))
	f.Add([]byte(fileWith("{ target: title, source: jobTitle, default: 1, whenNull: clear }")))
	f.Add([]byte(`users: {mappings: [{target: 'a[b eq "c"].d', constant: 1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := mapping.Parse(data)
		if err != nil {
			return
		}
		m := rules.Users
		values, err := m.Map(ada())
		if err != nil {
			return
		}
		if _, changed := m.Diff(values, values, nil); len(changed) != 0 {
			t.Errorf("values differ from themselves at %v", changed)
		}
		m.Values(m.Resource(values))
	})
}

// A value that chance makes is not written at every look: it stays while all that
// the expression reads does.
func TestARandomValueStaysWhileWhatIsReadDoes(t *testing.T) {
	t.Parallel()
	m := parse(t,
		`{ target: nickName, expression: 'IIF([department] = "none", "none", Guid())' }`,
		`{ target: title, expression: 'IIF([department] = "none", "none", Guid())' }`,
		`{ target: timezone, expression: 'RandomString(12, 3, 0, 3, 3)' }`,
	)
	of := func(changes map[string]any) map[string]any {
		attributes := ada()
		attributes["department"] = "Sales"
		maps.Copy(attributes, changes)
		values, err := m.Map(attributes)
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	first := of(nil)
	if diff := cmp.Diff(first, of(map[string]any{"surname": "King"})); diff != "" {
		t.Error("another attribute has changed:", diff)
	}
	if first["nickName"] == first["title"] {
		t.Error("two attributes have the same value")
	}
	for name, changes := range map[string]map[string]any{"what is read": {"department": "Support"}, "the object": {"id": "another"}} {
		if of(changes)["nickName"] == first["nickName"] {
			t.Error(name, "is another, and the value is the same")
		}
	}
	if other := of(map[string]any{"id": "another"}); other["timezone"] == first["timezone"] {
		t.Error("two objects have the same value")
	}
}
