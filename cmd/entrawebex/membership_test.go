package main

import (
	"slices"
	"strings"
	"testing"

	"entrawebex/infra"
	"entrawebex/internal/sandbox/graph"
)

// membersOf is a mapping file whose users have to be in the group.
func membersOf(t *testing.T, relation, group string) string {
	t.Helper()
	return written(t, "members.yaml", strings.Replace(string(infra.Provisioning()), "users:\n",
		"users:\n  scope: [[{ attribute: "+relation+", operator: IsMemberOf, value: "+group+" }]]\n", 1))
}

// A trial and a plan tell the clause about a group, and what came of it.
func TestAFilterByMembershipIsShown(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	inner, err := s.Tenant.CreateGroup(graph.Group{"displayName": "Inner"})
	if err != nil {
		t.Fatal(err)
	}
	outer, err := s.Tenant.CreateGroup(graph.Group{"displayName": "Outer"})
	if err != nil {
		t.Fatal(err)
	}
	people := s.enabled()
	in, out := people[0].Text("id"), people[1].Text("id")
	if err := s.Tenant.AddMembers(inner, in); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenant.AddMembers(outer, inner); err != nil {
		t.Fatal(err)
	}
	const nobody = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f6ff"
	for _, test := range []struct {
		name, relation, group, user string
		want                        []string
	}{
		{"a member", "memberOf", inner, in, []string{"holds", `memberOf IsMemberOf "` + inner, "holds, which decides", "[memberOf] is True", "Verdict: provision"}},
		{"no member", "memberOf", inner, out, []string{"fails, which decides", "[memberOf] is False", "Verdict: deactivate, since"}},
		{"a member of a group in it", "memberOf", outer, in, []string{"fails, which decides", "Verdict: deactivate, since"}},
		{"where that counts", "transitiveMemberOf", outer, in, []string{"holds, which decides", "[transitiveMemberOf] is True", "Verdict: provision"}},
		{"a group that is not there", "memberOf", nobody, in, []string{"undetermined, which decides", "[memberOf] is not shown by Graph", "Verdict: unknown", "asks about group " + nobody, "restore the group"}},
	} {
		shown := operate(t, s.planEnviron(), "mapping", "test", test.user, "--mapping", membersOf(t, test.relation, test.group))
		flat := strings.Join(strings.Fields(strings.ReplaceAll(shown, "│", " ")), " ")
		for _, want := range test.want {
			if !strings.Contains(flat, want) {
				t.Errorf("%s: no %q in\n%s", test.name, want, shown)
			}
		}
	}
	plan := operate(t, s.planEnviron(), "plan", out, "--mapping", membersOf(t, "memberOf", inner))
	if !strings.Contains(plan, "1 to disable") {
		t.Error(plan)
	}
}

// Who cannot be judged, since a group is not there, is shown with that reason.
func TestShowTellsWhichMembershipIsNotKnown(t *testing.T) {
	t.Parallel()
	s := provisioned(t, 4)
	const nobody = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f6ff"
	environ := s.planEnviron("MAPPING_FILE=" + membersOf(t, "memberOf", nobody))
	got := shown(t, environ, s.enabled()[0].Text("id"))
	if !slices.ContainsFunc(got.Notes, func(note string) bool { return strings.Contains(note, nobody) }) {
		t.Errorf("no note of the group in %q", got.Notes)
	}
}

// A file shows groups as $expand does, or as a list of ids, or not.
func TestAFilterByMembershipIsTestedOnAFile(t *testing.T) {
	t.Parallel()
	environ := []string{"DATA_DIR=" + t.TempDir()}
	const group = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f601"
	for shown, want := range map[string]string{
		"": "undetermined, which",
		`"memberOf": [{"@odata.type": "#microsoft.graph.group", "id": "` + strings.ToUpper(group) + `"}],`: "holds, which decides",
		`"memberOf": ["` + group + `"],`:           "holds, which decides",
		`"memberOf": [],`:                          "fails, which decides",
		`"transitiveMemberOf": ["` + group + `"],`: "undetermined, which",
	} {
		file := written(t, "ada.json", strings.Replace(lady, `"id": "5b`, shown+`"id": "5b`, 1))
		if out := operate(t, environ, "mapping", "test", file, "--mapping", membersOf(t, "memberOf", group)); !strings.Contains(out, want) {
			t.Errorf("%s: no %q in\n%s", shown, want, out)
		}
	}
}
