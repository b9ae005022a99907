package mapping_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/golden"
	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
)

// Each file of testdata/mistakes is wrong, and the text beside it is all that it is
// told, in the file's order.
func TestAllThatIsWrongIsSaidAtItsPlace(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var mistakes *mapping.Mistakes
			if _, err := mapping.ParseFile(filepath.Base(file), data); !errors.As(err, &mistakes) {
				t.Fatalf("error %v", err)
			}
			golden.Is(t, strings.TrimSuffix(file, ".yaml")+".txt", mistakes.Error()+"\n")
			for _, line := range mistakes.List {
				if !strings.Contains(line.Text, "; ") && !strings.Contains(line.Text, ": ") {
					t.Errorf("does not say what to write instead: %s", line.Text)
				}
			}
		})
	}
}

func TestAFileThatIsTooLongIsNotRead(t *testing.T) {
	t.Parallel()
	if _, err := mapping.Parse([]byte(strings.Repeat(" ", mapping.MaxFile+1))); err == nil || !strings.Contains(err.Error(), "write at most") {
		t.Errorf("error %v", err)
	}
}

// What a filter reads is asked of Graph under Graph's name.
func TestAFilterSaysWhoIsInScope(t *testing.T) {
	t.Parallel()
	rules, err := mapping.Parse([]byte(strings.Replace(fileWith(), "users:\n", `users:
  scope:
    - - { attribute: department, operator: EQUALS, value: Sales }
      - { attribute: extensionAttribute3, operator: IS NOT NULL }
    - - { attribute: mobile, operator: ENDS_WITH, value: 1 }
`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"accountEnabled", "department", "id", "mobilePhone", "onPremisesExtensionAttributes", "userPrincipalName"}
	if diff := cmp.Diff(want, rules.Users.Select()); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct {
		name       string
		attributes map[string]any
		want       scoping.Outcome
	}{
		{"both clauses of a group", map[string]any{
			"department": "Sales", "onPremisesExtensionAttributes": map[string]any{"extensionAttribute3": "x"}, "mobilePhone": nil,
		}, scoping.Holds},
		{"one of two", map[string]any{"department": "Sales", "onPremisesExtensionAttributes": nil, "mobilePhone": "2"}, scoping.Fails},
		{"the other group", map[string]any{"department": nil, "onPremisesExtensionAttributes": nil, "mobilePhone": "+1"}, scoping.Holds},
		{"what is not shown", map[string]any{"department": nil}, scoping.Undetermined},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := rules.Filters().Users.Evaluate(scoping.Subject{Kind: change.User, Attributes: test.attributes}); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Every line that is commented out in the default file is one that can be had.
func TestTheDefaultFileTakesAllThatItOffers(t *testing.T) {
	t.Parallel()
	const off = "    # - {"
	text := string(infra.Provisioning())
	offered := strings.Count(text, off)
	rules, err := mapping.Parse([]byte(strings.ReplaceAll(text, off, "    - {")))
	if err != nil {
		t.Fatal(err)
	}
	attributes := ada()
	for _, name := range rules.Users.Select() {
		if _, there := attributes[name]; !there {
			attributes[name] = "x"
		}
	}
	attributes["businessPhones"], attributes["employeeOrgData"] = []any{"1"}, map[string]any{"costCenter": "c", "division": "d"}
	got, err := rules.Users.Map(attributes)
	if before, _ := defaults(t).Map(ada()); err != nil || offered < 15 || len(got) != len(before)+offered {
		t.Errorf("%d values of %d lines more than %d: %v", len(got), offered, len(before), err)
	}
}
