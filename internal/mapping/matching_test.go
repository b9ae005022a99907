package mapping_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
)

const employeeNumber = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"

// matched has users matched by a number, their address, the name and what an expression
// makes, in that order.
func matched(t *testing.T) mapping.Mapping {
	t.Helper()
	const lines = `    - { target: nickName, expression: 'Append([givenName], ".x")', matching: 40 }
    - { target: userName, source: userPrincipalName, matching: 3 }
    - { target: '` + employeeNumber + `', source: employeeId, matching: 1 }
    - { target: 'emails[type eq "home"].value', source: mail, matching: 2 }
`
	rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()),
		"    - { target: userName, source: userPrincipalName, matching: 1 }\n", lines, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return rules.Users
}

func TestAnObjectIsLookedForInThePrecedenceOfItsAttributes(t *testing.T) {
	t.Parallel()
	const home = `emails[type eq "home"].value`
	for _, test := range []struct {
		name   string
		values map[string]any
		want   []string
	}{
		{"all of them", map[string]any{"nickName": "Ada.x", "userName": "ada@example.com", employeeNumber: "4711", home: "a@b.c"}, []string{
			employeeNumber + ` eq "4711"`, `emails.value eq "a@b.c"`, `userName eq "ada@example.com"`, `nickName eq "Ada.x"`,
		}},
		{"nothing, null and blanks are skipped", map[string]any{"nickName": " ", "userName": "ada@example.com", employeeNumber: nil}, []string{`userName eq "ada@example.com"`}},
		{"no character breaks it", map[string]any{"userName": "o'brien@example.com", employeeNumber: " a\"b\\c\n) or (&é "}, []string{
			employeeNumber + ` eq "a\"b\\c\n) or (&é"`, `userName eq "o'brien@example.com"`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range matched(t).Criteria(test.values) {
				got = append(got, c.Filter())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlyWhatHasTheValueMeetsACriterion(t *testing.T) {
	t.Parallel()
	const home = `emails[type eq "home"].value`
	emails := func(kind string, values ...string) map[string]any {
		var list []any
		for _, v := range values {
			list = append(list, map[string]any{"type": kind, "value": v})
		}
		return map[string]any{"emails": list}
	}
	number := func(v any) map[string]any {
		return map[string]any{strings.TrimSuffix(employeeNumber, ":employeeNumber"): map[string]any{"employeeNumber": v}}
	}
	for _, test := range []struct {
		name       string
		target     string
		resource   map[string]any
		met, shown bool
	}{
		{"the number", employeeNumber, number("a-1"), true, true},
		{"in another case and with blanks", employeeNumber, number(" A-1 "), true, true},
		{"another number", employeeNumber, number("a-11"), false, true},
		{"no number", employeeNumber, map[string]any{}, false, false},
		{"a number that is none", employeeNumber, number(1.0), false, true},
		{"the address", home, emails("home", "a-1"), true, true},
		{"the second of two addresses", home, emails("home", "x", "a-1"), true, true},
		{"an address of another type", home, emails("work", "a-1"), false, true},
		{"no addresses", home, map[string]any{}, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := matched(t)
			c := m.Criteria(map[string]any{test.target: "a-1"})[0]
			if met, shown := c.Met(test.resource); met != test.met || shown != test.shown {
				t.Errorf("met %t, shown %t", met, shown)
			}
			meets := false
			for _, other := range m.Meets(test.resource) {
				meets = meets || other.Key() == c.Key()
			}
			if meets != test.met {
				t.Errorf("among what it meets: %t", meets)
			}
		})
	}
}
