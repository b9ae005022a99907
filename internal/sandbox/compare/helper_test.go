package compare

import (
	"testing"

	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/sandboxtest"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/simhttp"
)

const (
	tenantID = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	orgID    = "0ae87ade-8c8a-4952-af08-318798958d0c"
	deadID   = "00000000-0000-4000-8000-00000000dead"
	appID    = "acacacac-0000-4000-8000-000000000001"
	domain   = "contoso.example"
)

const users = "/identity/scim/" + orgID + "/v2/Users"

var (
	must, call = sandboxtest.Must, sandboxtest.Call
	newClock   = sandboxtest.NewClock
)

func newTenant(t *testing.T, cfg graph.Config) *graph.Tenant {
	t.Helper()
	cfg.ID, cfg.Domain = tenantID, domain
	if cfg.Now == nil {
		cfg.Now = newClock().Now
	}
	if cfg.Transport == nil {
		cfg.Transport = simhttp.Network{}
	}
	tenant, err := graph.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func newOrg(t *testing.T, cfg scim.Config) *scim.Organization {
	t.Helper()
	cfg.ID = orgID
	if cfg.Now == nil {
		cfg.Now = newClock().Now
	}
	org, err := scim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func create(t *testing.T, tenant *graph.Tenant, u graph.User) string {
	t.Helper()
	id, err := tenant.Create(u)
	must(t, err)
	return id
}

func createGroup(t *testing.T, tenant *graph.Tenant, g graph.Group) string {
	t.Helper()
	id, err := tenant.CreateGroup(g)
	must(t, err)
	return id
}

func add(t *testing.T, org *scim.Organization, attributes map[string]any) string {
	t.Helper()
	id, err := org.Add(attributes)
	must(t, err)
	return id
}

func patchBody(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}
