package graph

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// Synchronization is the provisioning job of the enterprise application, as an
// administrator has set it up in the portal.
type Synchronization struct {
	ID, Template string
	// Schema is the synchronizationSchema, or an object that has it as its only schema.
	Schema json.RawMessage
	// Secrets are what the portal keeps beside it: SyncAll, BaseAddress and so on.
	Secrets map[string]string
	// State is that of its schedule, Code that of its status.
	State, Code string
}

// The states of a job that runs every 40 minutes, and of one that was stopped.
const (
	JobActive = "Active"
	JobPaused = "Paused"
)

// SetSynchronization gives the enterprise application this provisioning job, which runs
// unless its State and Code say otherwise. It provisions nobody.
func (t *Tenant) SetSynchronization(job Synchronization) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.app.job = &job
	if job.State == "" {
		t.app.job.State, t.app.job.Code = JobActive, JobActive
	}
}

// StopSynchronization has the job stopped, as "Stop provisioning" in the portal does, and
// StartSynchronization started again.
func (t *Tenant) StopSynchronization() { t.setJob("Disabled", JobPaused) }

// StartSynchronization has the job run again.
func (t *Tenant) StartSynchronization() { t.setJob(JobActive, JobActive) }

func (t *Tenant) setJob(state, code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.app.job != nil {
		t.app.job.State, t.app.job.Code = state, code
	}
}

// routeSynchronization adds the provisioning job of the enterprise application.
// https://learn.microsoft.com/graph/api/resources/synchronization-overview
func (t *Tenant) routeSynchronization(handle router) {
	permissions := []string{"Synchronization.Read.All", "Synchronization.ReadWrite.All", "Application.ReadWrite.OwnedBy"}
	handle("GET", "/servicePrincipals/{id}/synchronization/jobs", permissions, t.synchronized(t.listJobs))
	handle("GET", "/servicePrincipals/{id}/synchronization/jobs/{job}", permissions, t.synchronized(t.readJob))
	handle("GET", "/servicePrincipals/{id}/synchronization/jobs/{job}/schema", permissions, t.synchronized(t.readSchema))
	handle("GET", "/servicePrincipals/{id}/synchronization/secrets", permissions, t.synchronized(t.listSecrets))
}

// synchronized makes an endpoint of one that is told of the job; of another one than
// there is it is not found.
func (t *Tenant) synchronized(of func(*Synchronization) (answer, error)) endpoint {
	return func(r *http.Request) (answer, error) {
		if _, err := t.selected(r, func(string) bool { return false }, "synchronizationJob"); err != nil {
			return answer{}, err
		}
		if err := t.knownApp(r); err != nil {
			return answer{}, err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if id := r.PathValue("job"); id != "" && (t.app.job == nil || id != t.app.job.ID) {
			return answer{}, notFound(id)
		}
		return of(t.app.job)
	}
}

func (*Tenant) listJobs(job *Synchronization) (answer, error) {
	value := []map[string]any{}
	if job != nil {
		value = append(value, job.properties())
	}
	return answer{http.StatusOK, map[string]any{"@odata.context": metadata + "servicePrincipals/synchronization/jobs", "value": value}}, nil
}

func (*Tenant) readJob(job *Synchronization) (answer, error) {
	body := job.properties()
	body["@odata.context"] = metadata + "servicePrincipals/synchronization/jobs/$entity"
	return answer{http.StatusOK, body}, nil
}

// properties are those of a job in the shape of Microsoft's example
// (https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-get).
func (s *Synchronization) properties() map[string]any {
	const never = "0001-01-01T00:00:00Z"
	return map[string]any{
		"id": s.ID, "templateId": s.Template,
		"schedule": map[string]any{"expiration": nil, "interval": "PT40M", "state": s.State},
		"status": map[string]any{
			"countSuccessiveCompleteFailures": 0, "escrowsPruned": false, "synchronizedEntryCountByType": []any{}, "code": s.Code,
			"lastExecution": nil, "lastSuccessfulExecution": nil, "lastSuccessfulExecutionWithExports": nil, "progress": []any{},
			"steadyStateFirstAchievedTime": never, "steadyStateLastAchievedTime": never, "quarantine": nil, "troubleshootingUrl": nil,
		},
		"synchronizationJobSettings": []any{map[string]any{"name": "QuarantineTooManyDeletesThreshold", "value": "500"}},
	}
}

func (*Tenant) readSchema(job *Synchronization) (answer, error) {
	return answer{http.StatusOK, job.Schema}, nil
}

// listSecrets lists what is kept beside the job. What is secret among it Entra shows to
// nobody.
func (*Tenant) listSecrets(job *Synchronization) (answer, error) {
	value := []map[string]any{}
	if job != nil {
		for _, key := range slices.Sorted(maps.Keys(job.Secrets)) {
			shown := job.Secrets[key]
			if key == "SecretToken" {
				shown = "*"
			}
			value = append(value, map[string]any{"key": key, "value": shown})
		}
	}
	return answer{http.StatusOK, map[string]any{"@odata.context": metadata + "servicePrincipals/synchronization/secrets", "value": value}}, nil
}
