package scim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAManagerIsAUserOfTheOrganization(t *testing.T) {
	t.Parallel()
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	org := newOrg(t, Config{})
	boss := add(t, org, map[string]any{"userName": "bo@" + domain, "displayName": "Bo"})
	id := boss[strings.LastIndexByte(boss, '/')+1:]
	manages := func(id string) map[string]any { return map[string]any{"manager": map[string]any{"value": id}} }
	ann := add(t, org, map[string]any{"userName": "ann@" + domain, enterprise: manages(id)})
	patch := func(operation string, want int) any {
		t.Helper()
		status, answer := call(t, org, http.MethodPatch, ann, patchBody(operation))
		if status != want {
			t.Errorf("%s: %d %v", operation, status, answer)
		}
		extension, _ := answer[enterprise].(map[string]any)
		return extension["manager"]
	}
	replace := func(id string) string {
		return `{"op":"replace","path":"` + enterprise + `:manager","value":{"value":"` + id + `"}}`
	}
	if diff := cmp.Diff(any(map[string]any{"value": id, "displayName": "Bo"}), patch(replace(id), http.StatusOK)); diff != "" {
		t.Error(diff)
	}
	patch(replace("b5717a4a-0169-43b2-ac3c-db20ba4e72cd"), http.StatusBadRequest)
	call(t, org, http.MethodDelete, boss, "")
	if diff := cmp.Diff(any(map[string]any{"value": id}), patch(`{"op":"replace","path":"title","value":"Dr"}`, http.StatusOK)); diff != "" {
		t.Errorf("once its account is gone: %s", diff)
	}
	if left := patch(`{"op":"remove","path":"`+enterprise+`:manager"}`, http.StatusOK); left != nil {
		t.Errorf("removed and there: %v", left)
	}
	patch(replace(id), http.StatusBadRequest)
}
