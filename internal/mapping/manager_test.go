package mapping_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping"
)

const (
	managerTarget = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
	managerLine   = `{ target: '` + managerTarget + `', source: manager, whenNull: clear }`
	boss, chief   = "b5717a4a-0169-43b2-ac3c-db20ba4e72cd", "b5717a4a-0169-43b2-ac3c-db20ba4e72ce"
)

// managing is a resource with that manager, as Webex shows it.
func managing(manager map[string]any) map[string]any {
	return map[string]any{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{"manager": manager}}
}

func TestAManagerIsAReferenceByItsValue(t *testing.T) {
	t.Parallel()
	m := parse(t, managerLine)
	if m.Manager() != managerTarget || parse(t).Manager() != "" {
		t.Errorf("%q, %q", m.Manager(), parse(t).Manager())
	}
	if diff := cmp.Diff(managing(map[string]any{"value": boss}), m.Resource(map[string]any{managerTarget: boss})); diff != "" {
		t.Error(diff)
	}
	has := managing(map[string]any{"value": boss, "displayName": "Bo", "$ref": "https://webex.example/Users/" + boss})
	if diff := cmp.Diff(map[string]any{managerTarget: boss}, m.Values(has)); diff != "" {
		t.Error(diff)
	}
	for name, tt := range map[string]struct {
		have, want map[string]any
		patch      []mapping.PatchOperation
		then       map[string]any // of the one above
	}{
		"the same":         {map[string]any{managerTarget: boss}, map[string]any{managerTarget: boss}, nil, has},
		"one":              {nil, map[string]any{managerTarget: chief}, []mapping.PatchOperation{{Op: "replace", Path: managerTarget, Value: map[string]any{"value": chief}}}, managing(map[string]any{"value": chief})},
		"another":          {map[string]any{managerTarget: boss}, map[string]any{managerTarget: chief}, []mapping.PatchOperation{{Op: "replace", Path: managerTarget, Value: map[string]any{"value": chief}}}, managing(map[string]any{"value": chief})},
		"none any more":    {map[string]any{managerTarget: boss}, map[string]any{managerTarget: nil}, []mapping.PatchOperation{{Op: "remove", Path: managerTarget}}, managing(nil)},
		"nothing is known": {map[string]any{managerTarget: boss}, map[string]any{}, nil, has},
	} {
		patch, _ := m.Diff(tt.have, tt.want, nil)
		if diff := cmp.Diff(tt.patch, patch); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		then := m.Patched(has, patch)
		if tt.then != nil {
			if diff := cmp.Diff(m.Values(tt.then), m.Values(then)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}

func TestAManagerIsMappedAsFarAsItIsKnown(t *testing.T) {
	t.Parallel()
	m := parse(t, managerLine)
	for name, tt := range map[string]struct{ manager, want map[string]any }{
		"one":           {map[string]any{"manager": boss}, map[string]any{managerTarget: boss}},
		"none":          {map[string]any{"manager": nil}, map[string]any{managerTarget: nil}},
		"who is hidden": {map[string]any{}, map[string]any{}},
	} {
		user := map[string]any{"id": "1", "userPrincipalName": "ada@example.com", "IsSoftDeleted": false}
		maps.Copy(user, tt.manager)
		got, err := m.Map(user)
		if err != nil {
			t.Fatal(err)
		}
		for path := range got {
			if path != managerTarget {
				delete(got, path)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
