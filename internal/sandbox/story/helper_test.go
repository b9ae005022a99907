package story

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
	domain   = "contoso.example"
)

const (
	users      = "/identity/scim/" + orgID + "/v2/Users"
	groupsPath = "/identity/scim/" + orgID + "/v2/Groups"
)

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
