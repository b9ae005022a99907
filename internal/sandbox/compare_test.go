package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// matched returns a tenant and an organization that holds what the tenant
// says, with one local account beside it.
func matched(t *testing.T) (tenant *Tenant, org *Org, person, account string) {
	t.Helper()
	tenant, org = newTenant(t, TenantConfig{}), newOrg(t, OrgConfig{})
	person = create(t, tenant, person1())
	account = post(t, org, map[string]any{
		"userName": "ann.lee@" + domain, "externalId": person, "displayName": "Ann Lee", "active": true,
		"name": map[string]any{"givenName": "Ann", "familyName": "Lee"},
	})
	if _, err := org.Add(map[string]any{"userName": "local@" + domain, "userType": "user"}); err != nil {
		t.Fatal(err)
	}
	if d := Compare(tenant, org); len(d) > 0 {
		t.Fatalf("differences before anything is broken: %v", d)
	}
	return tenant, org, person, account
}

func users() string { return "/identity/scim/" + orgID + "/v2/Users" }

func post(t *testing.T, org *Org, resource map[string]any) string {
	t.Helper()
	resource["schemas"] = []string{"urn:ietf:params:scim:schemas:core:2.0:User"}
	resource["userType"] = "user"
	body, err := json.Marshal(resource)
	must(t, err)
	status, answer := call(t, org, "POST", users(), string(body))
	id, _ := answer["id"].(string)
	if status != 201 || id == "" {
		t.Fatalf("POST answered %d %v", status, answer)
	}
	return id
}

func sendPatch(t *testing.T, org *Org, id, operations string) {
	t.Helper()
	body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
	if status, answer := call(t, org, "PATCH", users()+"/"+id, body); status != 200 {
		t.Fatalf("PATCH answered %d %v", status, answer)
	}
}

// A checker that finds nothing is worth nothing: each case breaks one thing.
func TestCompareFinds(t *testing.T) {
	t.Parallel()
	replace := func(path, value string) func(*testing.T, *Tenant, *Org, string, string) {
		return func(t *testing.T, _ *Tenant, org *Org, _, account string) {
			t.Helper()
			sendPatch(t, org, account, fmt.Sprintf(`{"op":"replace","path":%q,"value":%s}`, path, value))
		}
	}
	for _, test := range []struct {
		name, attribute string
		breakIt         func(t *testing.T, tenant *Tenant, org *Org, person, account string)
	}{
		{"another given name", "name.givenName", replace("name.givenName", `"Anne"`)},
		{"another family name", "name.familyName", replace("name.familyName", `"Leigh"`)},
		{"another display name", "displayName", replace("displayName", `"A"`)},
		{"an account that is inactive", "active", replace("active", "false")},
		{"another userName", "userName", func(t *testing.T, _ *Tenant, org *Org, _, account string) {
			t.Helper()
			sendPatch(t, org, account, `{"op":"replace","path":"userName","value":"x@`+domain+`"},{"op":"replace","path":"emails[type eq \"work\"].value","value":"x@`+domain+`"}`)
		}},
		{"an account that is missing", "account", func(t *testing.T, _ *Tenant, org *Org, _, account string) {
			t.Helper()
			call(t, org, "DELETE", users()+"/"+account, "")
		}},
		{"two accounts of one person", "account", func(t *testing.T, _ *Tenant, org *Org, person, _ string) {
			t.Helper()
			post(t, org, map[string]any{"userName": "two@" + domain, "externalId": person})
		}},
		{"a blocked user who is active", "active", func(t *testing.T, tenant *Tenant, _ *Org, person, _ string) {
			t.Helper()
			must(t, tenant.Update(person, func(u User) { u["accountEnabled"] = false }))
		}},
		{"a user in the recycle bin who is active", "active", func(t *testing.T, tenant *Tenant, _ *Org, person, _ string) {
			t.Helper()
			must(t, tenant.Delete(person))
		}},
		{"an account whose user was deleted for good", "account", func(t *testing.T, tenant *Tenant, _ *Org, person, _ string) {
			t.Helper()
			must(t, tenant.Delete(person))
			must(t, tenant.Purge(person))
		}},
		{"an account that is nobody's", "account", func(t *testing.T, _ *Tenant, org *Org, _, _ string) {
			t.Helper()
			post(t, org, map[string]any{"userName": "ghost@" + domain})
		}},
		{"a local account that was written", "account", func(t *testing.T, _ *Tenant, org *Org, _, _ string) {
			t.Helper()
			sendPatch(t, org, local(org), `{"op":"replace","path":"displayName","value":"written"}`)
		}},
		{"a local account that is gone", "account", func(t *testing.T, _ *Tenant, org *Org, _, _ string) {
			t.Helper()
			call(t, org, "DELETE", users()+"/"+local(org), "")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tenant, org, person, account := matched(t)
			test.breakIt(t, tenant, org, person, account)
			found := Compare(tenant, org)
			if len(found) == 0 {
				t.Fatal("nothing was found")
			}
			for _, d := range found {
				if d.Attribute == test.attribute {
					return
				}
			}
			t.Errorf("found %v, want one about %s", found, test.attribute)
		})
	}
}

// local is the account that was there before.
func local(org *Org) string {
	for id, a := range org.Users() {
		if strings.HasPrefix(fmt.Sprint(a["userName"]), "local@") {
			return id
		}
	}
	return ""
}

func TestAPendingDeleteIsAllowedWhereAskedFor(t *testing.T) {
	t.Parallel()
	tenant, org, person, account := matched(t)
	must(t, tenant.Delete(person))
	must(t, tenant.Purge(person))
	sendPatch(t, org, account, `{"op":"replace","path":"active","value":false}`)
	if d := Compare(tenant, org, PendingDelete); len(d) > 0 {
		t.Errorf("differences %v", d)
	}
	if d := Compare(tenant, org); len(d) != 1 {
		t.Errorf("differences %v, want one", d)
	}
}

func TestADayIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	end := func(seed uint64) string {
		tenant, org := newTenant(t, TenantConfig{Seed: seed}), newOrg(t, OrgConfig{Seed: seed})
		must(t, Seed(tenant, org, 10, seed))
		for _, step := range Day(seed) {
			must(t, step.Apply(tenant))
		}
		text, err := json.Marshal(tenant.Users())
		must(t, err)
		return string(text)
	}
	one := end(7)
	if end(7) != one {
		t.Error("two days of seed 7 differ")
	}
	if end(8) == one {
		t.Error("the days of seeds 7 and 8 are the same")
	}
}

func TestWebexRemovesAnAccountThatIsInactiveFor30Days(t *testing.T) {
	t.Parallel()
	c := newClock()
	org := newOrg(t, OrgConfig{Now: c.now})
	id := post(t, org, map[string]any{"userName": "a@" + domain, "active": false})
	c.at = c.at.Add(inactiveLifetime - 1)
	if status, _ := call(t, org, "GET", users()+"/"+id, ""); status != 200 {
		t.Errorf("a moment before, GET answers %d", status)
	}
	c.at = c.at.Add(1)
	if status, _ := call(t, org, "GET", users()+"/"+id, ""); status != 404 {
		t.Errorf("after 30 days, GET answers %d", status)
	}
}

// Whatever a caller sends, both sides answer, and the organization stays
// consistent.
func FuzzBatch(f *testing.F) {
	f.Add(`{"requests":[{"id":"1","method":"GET","url":"/users/` + WellKnownID + `?$select=id"}]}`)
	f.Add(`{"requests":[{"id":"1","method":"PATCH","url":"users/x","body":{"surname":null}}]}`)
	f.Add(`{"requests":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		tenant := newTenant(t, TenantConfig{})
		if status, _ := call(t, tenant, "POST", "/v1.0/$batch", body); status >= 500 {
			t.Errorf("answers %d", status)
		}
	})
}

func FuzzPatch(f *testing.F) {
	f.Add(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"b@contoso.example"}`)
	f.Add(`{"op":"add","path":"emails","value":[{"type":"work","value":"b@contoso.example","primary":true}]}`)
	f.Add(`{"op":"remove","path":"name.givenName"},{"op":"replace","value":{"active":false}}`)
	f.Fuzz(func(t *testing.T, operations string) {
		org := newOrg(t, OrgConfig{})
		id := post(t, org, map[string]any{"userName": "a@" + domain})
		body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
		if status, _ := call(t, org, "PATCH", users()+"/"+id, body); status >= 500 {
			t.Errorf("answers %d", status)
		}
		if status, answer := call(t, org, "GET", users()+"/"+id, ""); status != 200 || answer["userName"] == nil {
			t.Errorf("afterwards GET answers %d %v", status, answer)
		}
	})
}
