package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
)

func TestAPatchedResourceHasWhatWasWanted(t *testing.T) {
	t.Parallel()
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	m := rules.Users
	want := map[string]any{"userName": "b@example.com", "name.givenName": "B", `emails[type eq "work"].value`: "b@example.com", "active": false}
	for name, have := range map[string]map[string]any{
		"of one that had the attributes": {"userName": "a@example.com", "name.givenName": "A", `emails[type eq "work"].value`: "a@example.com", "active": true},
		"of one that had none":           {"userName": "a@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource := m.Resource(have)
			patch, _ := m.Diff(have, want, nil)
			if diff := cmp.Diff(want, m.Values(m.Patched(resource, patch))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(have, m.Values(resource)); diff != "" {
				t.Errorf("the resource itself was changed, -before +after:\n%s", diff)
			}
		})
	}
}
