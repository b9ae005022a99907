package mapping_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	workAddress = `emails[type eq "work"].value`
	upn         = "ann.lee@contoso.example"
)

// What a server makes of a value without changing what it means (RFC 7643
// section 8.7.1) is no difference.
func TestWhatMeansTheSameIsNotWritten(t *testing.T) {
	t.Parallel()
	m := defaults(t)
	for name, test := range map[string]struct{ path, have, want any }{
		"a userName in other case":        {"userName", upn, "Ann.Lee@Contoso.Example"},
		"an address in other case":        {workAddress, upn, "Ann.Lee@Contoso.Example"},
		"a name with blanks around it":    {"displayName", "Ann Lee", "  Ann Lee "},
		"a boolean as a string":           {"active", "True", true},
		"a primary as a string":           {`emails[type eq "work"].primary`, "true", true},
		"a false that is a string":        {"active", "false", false},
		"a name with a blank that is not": {"name.givenName", "Ann\u00a0", "Ann"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := test.path.(string)
			have, want := map[string]any{path: test.have}, map[string]any{path: test.want}
			if patch, _ := m.Diff(have, want, nil); len(patch) > 0 {
				t.Errorf("written: %v", patch)
			}
			if !m.Has(m.Print(have), want) {
				t.Error("a comparison finds a difference")
			}
			if !m.Same(path, test.have, test.want) {
				t.Error("not the same")
			}
		})
	}
}

func TestADisplayNameInOtherCaseIsWritten(t *testing.T) {
	t.Parallel()
	m := defaults(t)
	if patch, _ := m.Diff(map[string]any{"displayName": "ann lee"}, map[string]any{"displayName": "Ann Lee"}, nil); len(patch) != 1 {
		t.Errorf("patch %v", patch)
	}
}

func TestBooleansThatAreStringsAreReadAsBooleans(t *testing.T) {
	t.Parallel()
	values := defaults(t).Values(map[string]any{"active": "False", "displayName": "True"})
	if diff := cmp.Diff(map[string]any{"active": false, "displayName": "True"}, values); diff != "" {
		t.Error(diff)
	}
}

// Of several work addresses the primary one is ours, else the first.
func TestOnlyOurAddressOfSeveralIsReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ emails, have, path string }{
		"the primary one": {
			`[{"value":"alias@contoso.example","type":"work"},{"value":"old@contoso.example","type":"work","primary":true}]`,
			"old@contoso.example", `emails[type eq "work" and primary eq true].value`,
		},
		"the first where none is primary": {
			`[{"value":"o\"ld@contoso.example","type":"work"},{"value":"alias@contoso.example","type":"work"}]`,
			`o"ld@contoso.example`, `emails[type eq "work" and value eq "o\"ld@contoso.example"].value`,
		},
		"the only one": {
			`[{"value":"old@contoso.example","type":"work"},{"value":"home@contoso.example","type":"home","primary":true}]`,
			"old@contoso.example", workAddress,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := defaults(t)
			var emails []any
			if err := json.Unmarshal([]byte(test.emails), &emails); err != nil {
				t.Fatal(err)
			}
			account := map[string]any{"emails": emails}
			have := m.Values(account)
			if have[workAddress] != test.have {
				t.Fatalf("ours is %v", have[workAddress])
			}
			patch, _ := m.Diff(have, map[string]any{workAddress: upn}, m.Picks(account))
			if len(patch) != 1 || patch[0].Path != test.path {
				t.Fatalf("patch %v", patch)
			}
			after := m.Patched(account, patch)
			if got := m.Values(after)[workAddress]; got != upn {
				t.Errorf("ours is %v after the patch", got)
			}
		})
	}
}

func TestAPrintOfAResourceIsThatOfItsValues(t *testing.T) {
	t.Parallel()
	m := defaults(t)
	for _, resource := range []map[string]any{
		nil,
		{"userName": "Ann@contoso.example", "active": "True", "emails": []any{map[string]any{"type": "work", "value": upn}}},
		{"active": false, "name": map[string]any{"givenName": "Ann"}, "displayName": 7.0},
	} {
		values := m.Values(resource)
		if diff := cmp.Diff(m.Print(values), m.PrintOf(resource)); diff != "" {
			t.Errorf("%v: %s", resource, diff)
		}
		if active := m.Value(resource, "active"); active != values["active"] {
			t.Errorf("%v is active: %v", resource, active)
		}
	}
}

func TestOfTheValuesBeforeNothingIsLeft(t *testing.T) {
	t.Parallel()
	m := defaults(t)
	want, err := m.Map(ada())
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"title": "Dr", "active": false}
	got, err := m.MapInto(values, ada())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
