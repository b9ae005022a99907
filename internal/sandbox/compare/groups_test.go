package compare

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

// teamed is a world in which "team" is a group of the live and the blocked
// user, "list" is no security group, "other" is a group of the blocked one, and
// the organization has them and a local group.
func teamed(t *testing.T) world {
	t.Helper()
	w := newWorld(t)
	for who, g := range map[string]graph.Group{
		"team": {"displayName": "Team"}, "other": {"displayName": "Other"}, "list": {"displayName": "List", "securityEnabled": false},
	} {
		id, err := w.tenant.CreateGroup(g)
		must(t, err)
		w.ids[who] = id
	}
	must(t, w.tenant.AddMembers(w.ids["team"], w.ids["live"], w.ids["blocked"]))
	must(t, w.tenant.AddMembers(w.ids["other"], w.ids["blocked"]))
	w.form(t, "team", "Team", w.accounts["live"], w.accounts["blocked"])
	w.form(t, "other", "Other", w.accounts["blocked"])
	local, err := w.org.AddGroup(map[string]any{"displayName": "Local"}, w.accounts["local"])
	must(t, err)
	w.accounts["local group"] = local
	return w
}

// form creates a group in Webex, as a provisioning system would.
func (w world) form(t *testing.T, who, name string, members ...string) {
	t.Helper()
	body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `","externalId":"` + w.ids[who] + `"}`
	status, created := call(t, w.org, http.MethodPost, groupsPath(), body)
	if status != http.StatusCreated {
		t.Fatalf("form %s: %d %v", who, status, created)
	}
	w.accounts[who], _ = created["id"].(string)
	for _, m := range members {
		w.patchGroup(t, who, `{"op":"add","path":"members","value":[{"value":"`+m+`","type":"user"}]}`)
	}
}

func groupsPath() string { return users[:len(users)-len("/Users")] + "/Groups" }

func (w world) patchGroup(t *testing.T, who, operations string) {
	t.Helper()
	if status, body := call(t, w.org, http.MethodPatch, groupsPath()+"/"+w.accounts[who], patchBody(operations)); status != http.StatusOK {
		t.Fatalf("patch %s: %d %v", who, status, body)
	}
}

func (w world) removeGroup(t *testing.T, who string) {
	t.Helper()
	if status, body := call(t, w.org, http.MethodDelete, groupsPath()+"/"+w.accounts[who], ""); status != http.StatusNoContent {
		t.Fatalf("delete %s: %d %v", who, status, body)
	}
}

func TestCompareFindsEachKindOfDifferenceOfGroups(t *testing.T) {
	t.Parallel()
	member := func(w world, who string) string { return "members[" + w.ids[who] + "]" }
	tests := map[string]struct {
		spoil func(*testing.T, world)
		want  func(world) []string
	}{
		"nothing":      {func(*testing.T, world) {}, nil},
		"another name": {func(t *testing.T, w world) { w.patchGroup(t, "team", replacement("displayName", `"X"`)) }, func(world) []string { return []string{"team: displayName"} }},
		"a group gone": {func(t *testing.T, w world) { w.removeGroup(t, "team") }, func(world) []string { return []string{"team: group"} }},
		"two groups":   {func(t *testing.T, w world) { w.form(t, "team", "Team") }, func(world) []string { return []string{"team: group"} }},
		"a member missing": {
			func(t *testing.T, w world) {
				w.patchGroup(t, "team", `{"op":"remove","path":"members[value eq \"`+w.accounts["live"]+`\"]"}`)
			}, func(w world) []string { return []string{"team: " + member(w, "live")} },
		},
		"a member too many": {
			func(t *testing.T, w world) {
				w.patchGroup(t, "other", `{"op":"add","path":"members","value":[{"value":"`+w.accounts["live"]+`","type":"user"}]}`)
			}, func(w world) []string { return []string{"other: " + member(w, "live")} },
		},
		"a member in the recycle bin": {
			func(t *testing.T, w world) {
				w.patchGroup(t, "other", `{"op":"add","path":"members","value":[{"value":"`+w.accounts["deleted"]+`","type":"user"}]}`)
			}, nil,
		},
		"a local member": {
			func(t *testing.T, w world) {
				w.patchGroup(t, "team", `{"op":"add","path":"members","value":[{"value":"`+w.accounts["local"]+`","type":"user"}]}`)
			}, nil,
		},
		"a group nobody asked for": {
			func(t *testing.T, w world) { w.ids["nobody"] = deadID; w.form(t, "nobody", "X") },
			func(world) []string { return []string{"nobody: group"} },
		},
		"a local group written": {
			func(t *testing.T, w world) { w.patchGroup(t, "local group", replacement("displayName", `"X"`)) },
			func(world) []string { return []string{"-: group"} },
		},
		"a group kept while it is in the recycle bin": {func(t *testing.T, w world) { must(t, w.tenant.DeleteGroup(w.ids["team"])) }, nil},
		"a group whose name Webex does not take": {func(t *testing.T, w world) {
			_, err := w.tenant.CreateGroup(graph.Group{"displayName": strings.Repeat("x", 513)})
			must(t, err)
		}, nil},
		"a group deleted for good": {
			func(t *testing.T, w world) {
				must(t, w.tenant.DeleteGroup(w.ids["team"]))
				must(t, w.tenant.PurgeGroup(w.ids["team"]))
			}, func(world) []string { return []string{"team: group"} },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := teamed(t)
			test.spoil(t, w)
			var got, want []string
			for _, d := range Differences(w.tenant, w.org, w.rules) {
				who := w.who(d)
				if d.ObjectID == "" && d.WebexID == w.accounts["nobody"] {
					who = "nobody"
				}
				got = append(got, who+": "+d.Attribute)
			}
			if test.want != nil {
				want = test.want(w)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differences differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMemberThatIsTwiceInAGroupIsADifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.org = newOrg(t, scim.Config{Now: w.clock.Now, MemberAdd: scim.AddDouble})
	w.provision(t, "live", "ann@"+domain, true)
	w.provision(t, "guest", "g_b@fabrikam.example", true)
	id, err := w.tenant.CreateGroup(graph.Group{"displayName": "Team"})
	must(t, err)
	w.ids["team"] = id
	must(t, w.tenant.AddMembers(id, w.ids["live"]))
	w.form(t, "team", "Team", w.accounts["live"], w.accounts["live"])
	got := Differences(w.tenant, w.org, w.rules)
	if len(got) != 1 || got[0].Got != "2" {
		t.Errorf("got %v", got)
	}
}

func TestCompareLooksThroughNestedGroupsIfAsked(t *testing.T) {
	t.Parallel()
	w := teamed(t)
	must(t, w.tenant.AddMembers(w.ids["other"], w.ids["team"]))
	if got := Differences(w.tenant, w.org, w.rules); got != nil {
		t.Errorf("without nesting: %v", got)
	}
	if got := Differences(w.tenant, w.org, w.rules, Nested); len(got) != 1 {
		t.Errorf("with nesting: %v", got)
	}
	if direct, nested := Memberships(w.tenant, w.rules), Memberships(w.tenant, w.rules, Nested); direct != 3 || nested != 4 {
		t.Errorf("%d and %d memberships", direct, nested)
	}
}
