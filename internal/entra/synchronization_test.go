package entra

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	simgraph "entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/simhttp"
)

// withJob is a tenant whose enterprise application has a provisioning job, its service
// principal, and a client.
func withJob(t *testing.T, config simgraph.Config) (tenant *simgraph.Tenant, principal string, c *Client) {
	t.Helper()
	tenant, c = newTenant(t, config)
	tenant.SetSynchronization(simgraph.Synchronization{
		ID: "webex.1f.2e-3d", Template: "webex", Secrets: map[string]string{"SyncAll": "true", "SecretToken": "hush"},
		Schema: json.RawMessage(`{"directories":[],"synchronizationRules":[{"name":"out","objectMappings":[]}]}`),
	})
	_, principal = tenant.EnterpriseApp()
	return tenant, principal, c
}

func TestAProvisioningJobIsReadWithItsSchemaAndSettings(t *testing.T) {
	t.Parallel()
	tenant, principal, c := withJob(t, simgraph.Config{})
	jobs, err := c.SynchronizationJobs(t.Context(), principal)
	if err != nil || len(jobs) != 1 || jobs[0].ID != "webex.1f.2e-3d" || jobs[0].Rests() {
		t.Fatalf("%+v, %v", jobs, err)
	}
	schema, err := c.SynchronizationSchema(t.Context(), principal, jobs[0].ID)
	if err != nil || len(schema.Rules) != 1 || schema.Rules[0].Name != "out" {
		t.Errorf("%+v, %v", schema, err)
	}
	settings, err := c.SynchronizationSettings(t.Context(), principal)
	if err != nil || settings.SyncAll == nil || !*settings.SyncAll {
		t.Errorf("%+v, %v", settings, err)
	}
	want := simhttp.Counts{
		"GET /servicePrincipals/{id}/synchronization/jobs": 1, "GET /servicePrincipals/{id}/synchronization/jobs/{job}/schema": 1,
		"GET /servicePrincipals/{id}/synchronization/secrets": 1,
	}
	if diff := cmp.Diff(want, tenant.Calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	tenant.StopSynchronization()
	if jobs, err := c.SynchronizationJobs(t.Context(), principal); err != nil || !jobs[0].Rests() {
		t.Errorf("one that was stopped: %+v, %v", jobs, err)
	}
	tenant.StartSynchronization()
	if jobs, err := c.SynchronizationJobs(t.Context(), principal); err != nil || jobs[0].Rests() {
		t.Errorf("one that was started again: %+v, %v", jobs, err)
	}
}

func TestAJobThatMayNotBeReadOrIsNotThereIsAFault(t *testing.T) {
	t.Parallel()
	_, principal, c := withJob(t, simgraph.Config{Permissions: []string{"Application.Read.All"}})
	_, err := c.SynchronizationJobs(t.Context(), principal)
	if f := provision.AsFault(err); f == nil || f.Kind != provision.Unauthorized || !strings.Contains(f.Error(), "it needs the application permission Synchronization.Read.All") {
		t.Errorf("%v", err)
	}
	_, principal, c = withJob(t, simgraph.Config{})
	if _, err := c.SynchronizationSchema(t.Context(), principal, "another/../job"); provision.AsFault(err) == nil {
		t.Errorf("%v", err)
	}
	if _, err := c.SynchronizationJobs(t.Context(), id(7)); provision.AsFault(err) == nil {
		t.Errorf("of another application: %v", err)
	}
	none, c := newTenant(t, simgraph.Config{})
	_, principal = none.EnterpriseApp()
	if jobs, err := c.SynchronizationJobs(t.Context(), principal); err != nil || len(jobs) != 0 {
		t.Errorf("without one: %v, %v", jobs, err)
	}
	g := newGraph()
	g.outer["/servicePrincipals/"+id(7)+"/synchronization/jobs"] = raw(200, "application/json", `{"odd":[]}`)
	if _, err := g.client(t, Config{}).SynchronizationJobs(t.Context(), id(7)); provision.AsFault(err) == nil || !strings.Contains(err.Error(), "no list of synchronization jobs") {
		t.Errorf("an answer that is none: %v", err)
	}
}

// What somebody has deleted of the directory's extensions is still in the schema.
func TestAnAttributeThatTheTenantDoesNotHaveIsToldWithWhatToDo(t *testing.T) {
	t.Parallel()
	_, c := newTenant(t, simgraph.Config{})
	c = c.Selecting(map[change.Kind][]string{change.User: {"extension_0a1b2c3d4e5f46789876554433221100_division"}})
	err := c.Read(t.Context(), asking(id(1)))[0].Err
	if f := provision.AsFault(err); f == nil || !strings.Contains(f.Error(), "extension_0a1b2c3d4e5f46789876554433221100_division") || !strings.Contains(f.Error(), "name another, or take that out") {
		t.Errorf("%v", err)
	}
}
