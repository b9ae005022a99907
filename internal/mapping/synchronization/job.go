package synchronization

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Job is a synchronizationJob: what Entra's provisioning service does for an
// enterprise application, and whether it does it now.
// https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationjob
type Job struct {
	ID       string `json:"id"`
	Template string `json:"templateId"`
	Schedule struct {
		// State is Active, Disabled or Paused.
		State string `json:"state"`
	} `json:"schedule"`
	Status struct {
		// Code is NotConfigured, NotRun, Active, Paused or Quarantine.
		Code       string      `json:"code"`
		Last       *Execution  `json:"lastExecution"`
		Quarantine *Quarantine `json:"quarantine"`
	} `json:"status"`
	Settings []KeyValue `json:"synchronizationJobSettings"`
}

// Execution is a synchronizationTaskExecution: a cycle of the job.
type Execution struct {
	// State is Succeeded, Failed or EntryLevelErrors.
	State string    `json:"state"`
	Ended time.Time `json:"timeEnded"`
}

// Quarantine is a synchronizationQuarantine: why the job runs but once a day.
type Quarantine struct {
	Reason string `json:"reason"`
	Error  *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// KeyValue is a keyValuePair.
type KeyValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Rests reports whether the job writes nothing as long as nobody starts it. One whose
// schedule or status is not known here does not: in quarantine it goes on, less often.
func (j Job) Rests() bool {
	return is(j.Schedule.State, "Disabled") || is(j.Schedule.State, "Paused") ||
		is(j.Status.Code, "Paused") || is(j.Status.Code, "NotConfigured")
}

// DecodeJobs reads Graph's answer to
// GET /servicePrincipals/{id}/synchronization/jobs.
func DecodeJobs(data []byte) ([]Job, error) {
	var list struct {
		Value *[]Job `json:"value"`
		Next  string `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("this is no list of synchronization jobs: %w", err)
	}
	if list.Value == nil {
		return nil, errors.New("this is no list of synchronization jobs: it has no value")
	}
	if list.Next != "" { // which no application has: a job that is not seen would go on unseen
		return nil, errors.New("there are more synchronization jobs than Graph lists at once, and only these are read")
	}
	return *list.Value, nil
}

// Settings are what the portal keeps beside the job, as secrets of the application: the
// scope among them. Nothing is taken of them that is one. A nil setting is not known.
type Settings struct {
	// SyncAll says that everybody is provisioned, and not only who is assigned.
	SyncAll *bool `json:"syncAll,omitempty"`
	// SkipOutOfScopeDeletions leaves those active who left the scope.
	SkipOutOfScopeDeletions *bool `json:"skipOutOfScopeDeletions,omitempty"`
	// BaseAddress is the tenant URL; empty if it is not known.
	BaseAddress string `json:"baseAddress,omitempty"`
}

// DecodeSettings reads Graph's answer to
// GET /servicePrincipals/{id}/synchronization/secrets.
// https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationsecretkeystringvaluepair
func DecodeSettings(data []byte) (Settings, error) {
	var list struct {
		Value []struct {
			Key   string          `json:"key"`
			Value json.RawMessage `json:"value"`
		} `json:"value"`
	}
	if json.Unmarshal(data, &list) != nil { // whose error would quote a secret
		return Settings{}, errors.New("this is no list of the settings of a synchronization job")
	}
	var s Settings
	for _, one := range list.Value {
		var value string
		switch {
		case is(one.Key, "SyncAll"):
			s.SyncAll = flag(one.Value)
		case is(one.Key, "SkipOutOfScopeDeletions"):
			s.SkipOutOfScopeDeletions = flag(one.Value)
		case is(one.Key, "BaseAddress") && json.Unmarshal(one.Value, &value) == nil:
			s.BaseAddress = value
		}
	}
	return s, nil
}

// flag is a boolean as Entra writes it, "True" or 1; nil if it is none.
func flag(raw json.RawMessage) *bool {
	switch strings.ToLower(strings.Trim(string(raw), `" `)) {
	case "true", "1":
		return new(true)
	case "false", "0":
		return new(false)
	default:
		return nil
	}
}
