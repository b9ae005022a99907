package graph

import (
	"net/http"
	"testing"
	"time"

	"entrawebex/internal/sandbox/sandboxtest"
	"entrawebex/internal/sandbox/simhttp"
)

const (
	tenantID    = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	deadID      = "00000000-0000-4000-8000-00000000dead"
	salesID     = "00000000-0000-4000-8000-0000000000a1"
	subID       = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"
	appID       = "acacacac-0000-4000-8000-000000000001"
	wellKnownID = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	domain      = "contoso.example"
)

var (
	must, call = sandboxtest.Must, sandboxtest.Call
	newClock   = sandboxtest.NewClock
)

func newTenant(t *testing.T, cfg Config) *Tenant {
	t.Helper()
	cfg.ID, cfg.Domain = tenantID, domain
	if cfg.Now == nil {
		cfg.Now = newClock().Now
	}
	if cfg.Transport == nil {
		cfg.Transport = simhttp.Network{}
	}
	tenant, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func person1() User {
	return User{
		"userPrincipalName": "ann.lee@" + domain, "displayName": "Ann Lee", "givenName": "Ann", "surname": "Lee",
	}
}

func create(t *testing.T, tenant *Tenant, u User) string {
	t.Helper()
	id, err := tenant.Create(u)
	must(t, err)
	return id
}

func createGroup(t *testing.T, tenant *Tenant, g Group) string {
	t.Helper()
	id, err := tenant.CreateGroup(g)
	must(t, err)
	return id
}

func TestGraphAnswersInGraphsShapes(t *testing.T) {
	t.Parallel()
	sandboxtest.Replay(t, "testdata/answers", func(t *testing.T) http.Handler {
		t.Helper()
		c := newClock()
		network := simhttp.Network{"hook.example": echo}
		tenant := newTenant(t, Config{Now: c.Now, Transport: network})
		for _, u := range []User{
			{"id": wellKnownID, "userPrincipalName": "wanda@" + domain, "displayName": "Wanda Wellknown", "givenName": "Wanda", "surname": "Wellknown", "businessPhones": []string{"+1 555 0100"}},
			{"id": deadID, "userPrincipalName": "dora@" + domain, "displayName": "Dora Dead"},
			{"id": "00000000-0000-4000-8000-0000000000b1", "userPrincipalName": "bo@" + domain, "displayName": "Bo", "accountEnabled": false},
		} {
			create(t, tenant, u)
		}
		for _, g := range []Group{
			{"id": salesID, "displayName": "Sales", "description": "Who sells", "mailNickname": "sales"},
			{"id": "00000000-0000-4000-8000-0000000000a2", "displayName": "Sales abroad"},
			{"id": "00000000-0000-4000-8000-0000000000a3", "displayName": "Council", "groupTypes": []any{"Unified"}, "visibility": "HiddenMembership"},
			{"id": "00000000-0000-4000-8000-0000000000ad", "displayName": "Deleted"},
		} {
			createGroup(t, tenant, g)
		}
		must(t, tenant.AddMembers(salesID, wellKnownID, deadID, tenant.AddOther("device"), "00000000-0000-4000-8000-0000000000a2"))
		must(t, tenant.AddMembers("00000000-0000-4000-8000-0000000000a2", "00000000-0000-4000-8000-0000000000b1"))
		must(t, tenant.AddMembers("00000000-0000-4000-8000-0000000000a3", "00000000-0000-4000-8000-0000000000b1"))
		must(t, tenant.DeleteGroup("00000000-0000-4000-8000-0000000000ad"))
		must(t, tenant.Delete(deadID))
		tenant.subscriptions = []*subscription{{
			id: subID, resource: "/users", changeType: "updated,deleted", clientState: "secret",
			url: "https://hook.example/notifications", expires: c.At.Add(time.Hour),
		}}
		return tenant
	})
}
