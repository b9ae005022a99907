package webex_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/scim"
)

// newTeam is the creation of a group with members.
func newTeam(name string, ids ...string) provision.Operation {
	members := make([]any, len(ids))
	for i, id := range ids {
		members[i] = map[string]any{"value": id, "type": "user"}
	}
	return provision.Operation{
		Object:   change.Object{Kind: change.Group, ID: fmt.Sprintf("00000000-0000-4000-8000-%012x", len(name))},
		Resource: map[string]any{"displayName": name, "members": members},
	}
}

func TestAGroupIsCreatedWithItsMembers(t *testing.T) {
	t.Parallel()
	for name, bulk := range map[string]bool{"alone": false, "within a Bulk": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, c := organization(t, scim.Config{NoBulk: !bulk}, nil)
			ids := populate(t, org, 500)
			answers := c.Apply(t.Context(), []provision.Operation{newTeam("Few", ids[:2]...), newTeam("Many", ids...), newTeam("None")})
			for i, want := range [][]string{ids[:2], ids, {}} {
				if answers[i].Err != nil {
					t.Fatal(answers[i].Err)
				}
				if diff := cmp.Diff(want, org.Members(answers[i].ID)); diff != "" {
					t.Error(diff)
				}
			}
			if calls := org.Calls.Snapshot(); calls["Bulk POST /Groups"] != 0 != bulk || calls["PATCH /Groups/{id}"] != 0 {
				t.Errorf("calls %v", calls)
			}
		})
	}
}

func TestAGroupWithTooManyMembersIsNotSent(t *testing.T) {
	t.Parallel()
	org, c := organization(t, scim.Config{}, nil)
	ids := populate(t, org, 501)
	answers := c.Apply(t.Context(), []provision.Operation{newTeam("A", ids[0]), newTeam("Large", ids...), newTeam("B", ids[1])})
	if diff := cmp.Diff([]string{"permanent"}, summary(answers[1:2])); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(answers[1].Err.Error(), "it has 501 members, and Webex takes 500 at once") {
		t.Error(answers[1].Err)
	}
	for i, want := range map[int]string{0: ids[0], 2: ids[1]} {
		if diff := cmp.Diff([]string{want}, org.Members(answers[i].ID)); diff != "" {
			t.Errorf("answer %d: %v, %s", i, answers[i].Err, diff)
		}
	}
	if n := org.Calls.Snapshot()["Bulk POST /Groups"]; n != 2 || len(org.Groups()) != 2 {
		t.Errorf("%d were sent, %d groups", n, len(org.Groups()))
	}
}

func TestAWriteThatIsNoJSONFailsAlone(t *testing.T) {
	t.Parallel()
	_, c := organization(t, scim.Config{}, nil)
	wrong := newTeam("Wrong")
	wrong.Resource["externalId"] = func() {}
	answers := c.Apply(t.Context(), []provision.Operation{newTeam("A"), wrong, newTeam("B")})
	got := summary(answers)
	if answers[0].Err != nil || answers[2].Err != nil || got[1] != "permanent" {
		t.Errorf("answers %v", got)
	}
}

func TestABulkIsCutByItsLength(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	member := strings.Repeat("x", 36)
	large := make([]string, 500)
	for i := range large {
		large[i] = member
	}
	huge := newTeam("Huge")
	huge.Resource["externalId"] = strings.Repeat("x", limit)
	many := make([]provision.Operation, 100)
	for i := range many {
		many[i] = newTeam(fmt.Sprint("Team ", i), large...)
	}
	for name, test := range map[string]struct {
		ops  []provision.Operation
		want []string // "Bulk" and how many are in it, or what is sent alone
	}{
		"many large ones":          {many, []string{"Bulk 33", "Bulk 33", "Bulk 33", "POST /Groups"}},
		"one that is too large":    {[]provision.Operation{huge}, []string{"POST /Groups"}},
		"a large one among others": {[]provision.Operation{newTeam("A"), huge, newTeam("B"), newTeam("C")}, []string{"POST /Groups", "POST /Groups", "Bulk 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			c := client(t, func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				path := strings.TrimPrefix(r.URL.Path, "/identity/scim/org/v2")
				if path != "/Bulk" {
					got = append(got, r.Method+" "+path)
					return answer(201, `{"id":"new"}`), nil
				}
				if len(body) > limit {
					t.Errorf("a Bulk of %d bytes", len(body))
				}
				return created(t, body, &got), nil
			})
			for i, a := range c.Apply(t.Context(), test.ops) {
				if a.Err != nil || a.ID != "new" {
					t.Errorf("answer %d: %+v", i, a)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// created answers a Bulk in which all was created.
func created(t *testing.T, body []byte, got *[]string) *http.Response {
	t.Helper()
	var request struct {
		Operations []struct {
			BulkID string `json:"bulkId"`
		} `json:"operations"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Error(err)
	}
	*got = append(*got, fmt.Sprint("Bulk ", len(request.Operations)))
	var list []map[string]string
	for _, o := range request.Operations {
		list = append(list, map[string]string{"bulkId": o.BulkID, "status": "201", "location": "/Groups/new"})
	}
	encoded, err := json.Marshal(map[string]any{"operations": list})
	if err != nil {
		t.Error(err)
	}
	return answer(200, string(encoded))
}
