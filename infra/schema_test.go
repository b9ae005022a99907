package infra_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
)

// described is as much of a JSON Schema as the test compares.
type described struct {
	Properties  map[string]described `json:"properties"`
	Definitions map[string]described `json:"definitions"`
	Enum        []string             `json:"enum"`
	Pattern     string               `json:"pattern"`
	Then        *described           `json:"then"`
}

func editorsSchema(t *testing.T) described {
	t.Helper()
	data, err := os.ReadFile("provisioning.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s described
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// What is told of a key that there is not lists those that there are: the schema that
// editors use has the same.
func TestEditorsOfferTheKeysThatAreRead(t *testing.T) {
	t.Parallel()
	s := editorsSchema(t)
	section := s.Definitions["section"]
	for where, test := range map[string]struct {
		text string
		keys described
	}{
		"the file":  {"qqqqqqqqqqqqqq: 1", s},
		"users":     {"users: { qqqqqqqqqqqqqq: 1 }", section},
		"actions":   {"users: { actions: { qqqqqqqqqqqqqq: 1 } }", section.Properties["actions"]},
		"a clause":  {"users: { scope: [[{ qqqqqqqqqqqqqq: 1 }]] }", s.Definitions["clause"]},
		"a mapping": {"users: { mappings: [{ qqqqqqqqqqqqqq: 1 }] }", s.Definitions["mapping"]},
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			_, err := mapping.Parse([]byte(test.text))
			_, told, _ := strings.Cut(fmt.Sprint(err), fmt.Sprintf(`unknown key "qqqqqqqqqqqqqq" in %s; write one of `, where))
			told, _, _ = strings.Cut(told, "\n")
			read := strings.Split(told, ", ")
			slices.Sort(read)
			if offered := slices.Sorted(maps.Keys(test.keys.Properties)); !slices.Equal(offered, read) {
				t.Errorf("offered are %v, read are %v", offered, read)
			}
		})
	}
}

func TestEditorsOfferTheWordsThatAreRead(t *testing.T) {
	t.Parallel()
	s := editorsSchema(t)
	if offered := s.Definitions["clause"].Properties["operator"].Enum; !slices.Equal(offered, scoping.Operators()) {
		t.Errorf("offered are %q, read are %q", offered, scoping.Operators())
	}
	member := s.Definitions["clause"].Then.Properties
	if relations := member["attribute"].Enum; len(relations) == 0 || slices.ContainsFunc(relations, func(name string) bool { return !scoping.IsRelation(name) }) {
		t.Errorf("offered for IsMemberOf are %q", relations)
	}
	group := regexp.MustCompile(member["value"].Pattern)
	for _, value := range []string{"5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607", "5B6E7A8C-1D2E-4F30-9A41-B2C3D4E5F607", "All staff", "5b6e7a8c1d2e4f309a41b2c3d4e5f607"} {
		_, mistakes := scoping.NewFilter([][]scoping.Clause{{{Attribute: "memberOf", Operator: "IsMemberOf", Value: value}}})
		if taken := len(mistakes) == 0; taken != group.MatchString(value) {
			t.Errorf("%q: taken %t, offered %t", value, taken, !taken)
		}
	}
	for _, key := range []string{"apply", "defaultWhen", "whenNull"} {
		_, err := mapping.Parse([]byte("users: { mappings: [{ " + key + ": q }] }"))
		if want := fmt.Sprintf(`%s is "q"; write %s`, key, strings.Join(s.Definitions["mapping"].Properties[key].Enum, " or ")); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
