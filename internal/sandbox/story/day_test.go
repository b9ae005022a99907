package story

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

func peopled(t *testing.T, n int) (*graph.Tenant, *scim.Organization) {
	t.Helper()
	tenant, org := newTenant(t, graph.Config{}), newOrg(t, scim.Config{})
	must(t, Seed(tenant, org, n, 1))
	return tenant, org
}

func shippedRules(t *testing.T) mapping.Rules {
	t.Helper()
	rules, err := mapping.Parse(infra.Provisioning())
	must(t, err)
	return rules
}

func TestADayLeavesAWorldThatAPerfectSystemCanFollow(t *testing.T) {
	t.Parallel()
	rules := shippedRules(t)
	for _, seed := range []uint64{1, 2} {
		tenant, org := peopled(t, 60)
		for _, step := range slices.Concat(Day(seed), Day(seed+100)) {
			if err := step.Apply(tenant); err != nil {
				t.Fatalf("day %d: %s: %v", seed, step.Title, err)
			}
			follow(t, tenant, org, rules)
			for _, d := range compare.Differences(tenant, org, rules) {
				t.Errorf("day %d: after %q: %v", seed, step.Title, d)
			}
		}
	}
}

// follow brings the organization to where the tenant is, in the crudest way:
// every account that is not as it should be gives up its name before anybody
// is given one.
func follow(t *testing.T, tenant *graph.Tenant, org *scim.Organization, rules mapping.Rules) {
	t.Helper()
	people := tenant.Census(false).Users
	byPerson := map[string]string{}
	for id, attributes := range org.Users() {
		if objectID, ok := owner(people, attributes); ok {
			byPerson[objectID] = users + "/" + id
		}
	}
	send := func(method, path string, body map[string]any, want int) {
		t.Helper()
		text, err := json.Marshal(body)
		must(t, err)
		if status, answer := call(t, org, method, path, string(text)); status != want {
			t.Fatalf("%s %s: %d %v", method, text, status, answer)
		}
	}
	put := func(id, name string, active bool) {
		user := maps.Clone(people[id].User)
		user["userPrincipalName"], user["IsSoftDeleted"] = name, !active
		values, err := rules.Users.Map(user)
		must(t, err)
		body := rules.Users.Resource(values)
		body["schemas"], body["userType"] = []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "user"
		if path := byPerson[id]; path != "" {
			send(http.MethodPut, path, body, http.StatusOK)
		} else {
			send(http.MethodPost, users, body, http.StatusCreated)
		}
	}
	ids := slices.Sorted(maps.Keys(people))
	for _, id := range ids {
		if byPerson[id] == "" {
			continue
		}
		if people[id].Place == graph.Purged {
			send(http.MethodDelete, byPerson[id], nil, http.StatusNoContent)
		} else {
			put(id, id+"@"+domain, false)
		}
	}
	for _, id := range ids {
		if p := people[id]; p.Place == graph.Live && p.User.Enabled() {
			put(id, p.User.Text("userPrincipalName"), true)
		}
	}
	followGroups(t, tenant, org, send)
}

// followGroups makes every group of the tenant anew, with all its members.
func followGroups(t *testing.T, tenant *graph.Tenant, org *scim.Organization, send func(method, path string, body map[string]any, want int)) {
	t.Helper()
	teams := tenant.Census(false).Groups
	for id, attributes := range org.Groups() {
		if _, ok := teams[scim.Resource(attributes).Text("externalId")]; ok {
			send(http.MethodDelete, groupsPath+"/"+id, nil, http.StatusNoContent)
		}
	}
	accounts := map[string]string{}
	for id, attributes := range org.Users() {
		accounts[scim.Resource(attributes).Text("externalId")] = id
	}
	for _, id := range slices.Sorted(maps.Keys(teams)) {
		if teams[id].Place != graph.Live || teams[id].Group["securityEnabled"] != true {
			continue
		}
		members := []any{}
		for _, userID := range teams[id].Members {
			if accounts[userID] != "" {
				members = append(members, map[string]any{"value": accounts[userID], "type": "user"})
			}
		}
		send(http.MethodPost, groupsPath, map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": teams[id].Group.Text("displayName"), "externalId": id,
			"members": members,
		}, http.StatusCreated)
	}
}

// owner is the person an account is, or should be, of.
func owner(people map[string]graph.UserRecord, attributes map[string]any) (objectID string, ok bool) {
	if externalID := scim.Resource(attributes).Text("externalId"); people[externalID].User != nil {
		return externalID, true
	}
	for id, p := range people {
		if uuid.Validate(scim.Resource(attributes).Text("externalId")) != nil && p.Place == graph.Live &&
			strings.EqualFold(p.User.Text("userPrincipalName"), scim.Resource(attributes).Text("userName")) {
			return id, true
		}
	}
	return "", false
}

func TestTheSameSeedGivesTheSameDay(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) []graph.User {
		tenant, _ := peopled(t, 10)
		for _, step := range Day(seed) {
			must(t, step.Apply(tenant))
		}
		return tenant.Users()
	}
	if diff := cmp.Diff(run(7), run(7)); diff != "" {
		t.Errorf("two days of seed 7 differ:\n%s", diff)
	}
	if cmp.Equal(run(7), run(8)) {
		t.Error("the days of seeds 7 and 8 are the same")
	}
}

func TestSeedKeepsItsPromises(t *testing.T) {
	t.Parallel()
	tenant, org := peopled(t, 60)
	people := tenant.Users()
	blocked := 0
	for _, u := range people {
		if !u.Enabled() {
			blocked++
		}
	}
	if len(people) != 60 || blocked != 3 || people[0].Text("id") != WellKnownID {
		t.Errorf("%d users, %d blocked, the first is %s", len(people), blocked, people[0].Text("id"))
	}
	var accounts []string
	for _, a := range org.Users() {
		accounts = append(accounts, fmt.Sprintf("%s %s", scim.Resource(a).Text("userName"), scim.Resource(a).Text("externalId")))
	}
	slices.Sort(accounts)
	want := []string{
		"adele.vance@" + domain + " ", "auditor@elsewhere.example 0d6f1d9e-6c0a-4b55-9a5e-7f3f3e2f9d10",
		"diego.siciliani@" + domain + " HR-004711", "reception@" + domain + " ", "recordings@" + domain + " svc-recordings",
	}
	if diff := cmp.Diff(want, accounts); diff != "" {
		t.Errorf("accounts differ (-want +got):\n%s", diff)
	}
}

func TestSeedNeedsFourUsers(t *testing.T) {
	t.Parallel()
	if err := Seed(newTenant(t, graph.Config{}), newOrg(t, scim.Config{}), 3, 1); err == nil {
		t.Error("Seed returned no error")
	}
}
