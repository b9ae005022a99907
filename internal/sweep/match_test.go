package sweep

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
)

// matched has users matched by a number, their work address and a nickname, beside the
// name. The nickname is applied on creation alone.
func matched(t *testing.T) mapping.Rules {
	t.Helper()
	const address = `    - { target: 'emails[type eq "work"].value', source: userPrincipalName`
	text := strings.Replace(string(infra.Provisioning()), address+" }\n", address+`, matching: 3 }
    - { target: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber', source: employeeId, matching: 2 }
    - { target: nickName, source: mailNickname, matching: 4, apply: creation }
`, 1)
	rules, err := mapping.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// Each case is what Webex lists, and what the engine is told of one who is new.
func TestWhatTheListShowsIsLookedThroughByEveryMatchingAttribute(t *testing.T) {
	t.Parallel()
	const number = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"
	const address, name, nick = `emails[type eq "work"].value`, "userName", "nickName"
	account := func(id string, more map[string]any) provision.Resource {
		more["userName"] = id + "@contoso.example"
		return provision.Resource{ID: id, Attributes: more}
	}
	emails := []any{map[string]any{"type": "work", "value": "alias@contoso.example"}}
	for _, test := range []struct {
		name    string
		lists   []provision.Resource
		unset   string
		matches []string
		sought  []string
	}{
		{"nobody", nil, "", nil, []string{name, number, address, nick}},
		{"others, without addresses", []provision.Resource{account("w", map[string]any{})}, "", nil, []string{name, number, nick}},
		{"others, with addresses", []provision.Resource{account("w", map[string]any{"emails": emails})}, "", nil, []string{name, number, address, nick}},
		{
			"one with the number, one with the nickname and one with the name", []provision.Resource{
				account("w", map[string]any{"nickName": "Ada "}), account("x", map[string]any{strings.TrimSuffix(number, ":employeeNumber"): map[string]any{"employeeNumber": "E-1"}}),
				account(ada, map[string]any{}),
			}, "", []string{ada, "x", "w"}, []string{name, number, nick},
		},
		{"nobody, and Entra has no number", nil, "employeeId", nil, []string{name, address, nick}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := side{users: test.lists, entra: []reconcile.Object{{Object: change.Object{Kind: change.User, ID: ada}, Attributes: map[string]any{
				"id": ada, "userPrincipalName": ada + "@contoso.example", "displayName": "N", "accountEnabled": true, "employeeId": "e-1", "mailNickname": "ada",
			}}}}
			s.entra[0].Attributes[test.unset] = nil
			job := s.job(t, false)
			job.Mapping = matched(t)
			var seen []provision.Snapshot
			job.Converge = func(ctx context.Context, list []provision.Snapshot) []provision.Attempt {
				seen = append(seen, list...)
				return s.converge(ctx, list)
			}
			if _, err := job.Run(t.Context()); err != nil || len(seen) != 1 {
				t.Fatalf("%d are new: %v", len(seen), err)
			}
			var ids []string
			for _, r := range seen[0].Matches {
				ids = append(ids, r.ID)
			}
			slices.Sort(seen[0].Sought)
			slices.Sort(test.sought)
			if diff := cmp.Diff(test.matches, ids); diff != "" {
				t.Errorf("matches (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.sought, seen[0].Sought); diff != "" {
				t.Errorf("looked through (-want +got):\n%s", diff)
			}
		})
	}
}

// One that reads no more than those whom another configuration affects has not seen
// what is in Webex.
func TestWhereWebexIsNotListedNothingIsLookedThrough(t *testing.T) {
	t.Parallel()
	s := &side{}
	o, _, _ := s.person(t, ada, true)
	o.Attributes["employeeId"] = "e-1"
	job := s.job(t, false)
	job.Former = &Former{Mapping: job.Mapping}
	job.Mapping = matched(t)
	var seen []provision.Snapshot
	job.Converge = func(ctx context.Context, list []provision.Snapshot) []provision.Attempt {
		seen = append(seen, list...)
		return s.converge(ctx, list)
	}
	if _, err := job.Run(t.Context()); err != nil || len(seen) != 1 || seen[0].Listed || seen[0].Sought != nil {
		t.Errorf("%+v, %v", seen, err)
	}
}
