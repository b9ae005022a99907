// Package history is the provisioning log that is kept: what was done to each user
// and group, what was refused and why, and what operators did. It has two stores,
// DynamoDB and Bolt, that behave alike in all that the conformance suite checks.
//
// Fields and words are those of Entra's own log, so that who knows that one, or has a
// program that reads it, can read this one (provisioningObjectSummary,
// https://learn.microsoft.com/graph/api/resources/provisioningobjectsummary).
package history

import (
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
)

// Status is how an attempt, or a step of it, ended.
type Status string

// The statuses, as Graph writes them (provisioningStatusInfo).
const (
	Success Status = "success"
	Warning Status = "warning"
	Failure Status = "failure"
	Skipped Status = "skipped"
)

// Statuses are all of them.
func Statuses() []Status { return []Status{Success, Warning, Failure, Skipped} }

// Action is what was done in Webex.
type Action string

// The actions, as Graph writes them where it has a word (provisioningAction). None is
// an attempt that wrote nothing, Other an act of an operator.
const (
	None    Action = "none"
	Create  Action = "create"
	Update  Action = "update"
	Disable Action = "disable"
	Enable  Action = "enable"
	Delete  Action = "delete"
	Other   Action = "other"
)

// Actions are all of them.
func Actions() []Action { return []Action{Create, Update, Disable, Enable, Delete, None, Other} }

// Cause is why an object was looked at.
type Cause string

// The causes.
const (
	// Notification: Graph said that the object changed.
	Notification Cause = "notification"
	// Delta: a delta query found that it changed.
	Delta Cause = "delta"
	// Assignment: it was assigned to the application, or is no longer.
	Assignment Cause = "assignment"
	// Comparison: both sides were compared as a whole.
	Comparison Cause = "comparison"
	// OnDemand: an operator asked for it.
	OnDemand Cause = "on demand"
	// Replay: it was a dead letter.
	Replay Cause = "replay"
	// Engine: something else that was done asked for it, such as the arrival of a member.
	Engine Cause = "engine"
)

// Entry is one attempt that did or refused something, or one act of an operator.
type Entry struct {
	// ID is the entry's own.
	ID string `json:"id"`
	// At is when it was over.
	At       time.Time `json:"activityDateTime"`
	TenantID string    `json:"tenantId,omitempty"`
	// ChangeID is the correlation id: one for all that came of one cause, from a
	// notification's delivery to Webex's answer. Log lines call it correlationId.
	ChangeID string `json:"changeId,omitempty"`
	// CycleID is one for all attempts that were made together.
	CycleID string `json:"cycleId,omitempty"`
	Action  Action `json:"provisioningAction"`
	// Act is what an operator did; empty for an attempt.
	Act string `json:"act,omitempty"`
	// Took is from when the object was claimed until the ledger had the outcome.
	Took        int64     `json:"durationInMilliseconds"`
	InitiatedBy Initiator `json:"initiatedBy"`
	// Source is the object in Entra, Target the one in Webex; nil where there is none.
	Source *Identity  `json:"sourceIdentity,omitempty"`
	Target *Identity  `json:"targetIdentity,omitempty"`
	Status StatusInfo `json:"provisioningStatusInfo"`
	Steps  []Step     `json:"provisioningSteps,omitempty"`
	// Modified are the attributes that were changed in Webex.
	Modified []Property `json:"modifiedProperties,omitempty"`
	Cause    Cause      `json:"cause,omitempty"`
	// Members is what became of a group's members; nil if nothing did.
	Members *Members `json:"members,omitempty"`
	// Refusals are the answers by which a side did not do what it was asked.
	Refusals []Refusal `json:"refusals,omitempty"`
	// Latency is from when the cause was noticed, such as the arrival of Graph's
	// notification, until Webex answered the last write; nil if nothing was written.
	Latency *int64 `json:"latencyInMilliseconds,omitempty"`
	// Fault is the kind of fault; empty if there is none.
	Fault string `json:"fault,omitempty"`
	// RetryAt is when it is tried again; zero if it is not.
	RetryAt time.Time `json:"retryAt,omitzero"`
}

// Initiator is who began it (initiator resource, Microsoft Graph).
type Initiator struct {
	DisplayName string `json:"displayName"`
	// Type is system, or user for an operator.
	Type string `json:"initiatorType"`
}

// Identity is a user or a group on one side (provisionedIdentity resource).
type Identity struct {
	// Type is User or Group.
	Type string `json:"identityType"`
	ID   string `json:"id"`
	// DisplayName is what it is called there, a user in Webex by the userName.
	DisplayName string `json:"displayName,omitempty"`
	// UserPrincipalName is a user's in Entra.
	UserPrincipalName string `json:"userPrincipalName,omitempty"`
}

// StatusInfo says how it ended (provisioningStatusInfo resource).
type StatusInfo struct {
	Status Status `json:"status"`
	// Error is nil where there is nothing to explain.
	Error *ErrorInfo `json:"errorInformation,omitempty"`
}

// ErrorInfo explains what failed, was left alone or has to wait
// (provisioningErrorInfo resource).
type ErrorInfo struct {
	Code   string `json:"errorCode"`
	Reason string `json:"reason"`
	// Details are what counts beside the reason, such as a clause of a filter.
	Details string `json:"additionalDetails,omitempty"`
	// Recommended is what to do about it.
	Recommended string `json:"recommendedAction,omitempty"`
	// Category is failure for what a side or a connection is to blame for, and
	// nonServiceFailure for what an administrator can mend.
	Category string `json:"errorCategory"`
}

// Step is one step of an attempt (provisioningStep resource).
type Step struct {
	Type        string `json:"provisioningStepType"`
	Status      Status `json:"status"`
	Description string `json:"description"`
}

// Property is one attribute that was changed (modifiedProperty resource). The values
// are there if the mapping lets them be kept.
type Property struct {
	DisplayName string `json:"displayName"`
	Old         any    `json:"oldValue,omitempty"`
	New         any    `json:"newValue,omitempty"`
}

// Members is what became of a group's members.
type Members struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	// Waiting are not in Webex yet, Skipped are no users.
	Waiting int `json:"waiting,omitempty"`
	Skipped int `json:"skipped,omitempty"`
	// Joined and Left name up to a thousand of those who were added and removed.
	Joined []Member `json:"addedMembers,omitempty"`
	Left   []Member `json:"removedMembers,omitempty"`
}

// Member is somebody in a group. The name is found when the log is read; empty if
// nobody knows it any more.
type Member struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName,omitempty"`
}

// Refusal is an answer by which a side did not do what it was asked.
type Refusal struct {
	// System is Graph or Webex, RequestID its own id of the call, which its support
	// asks for.
	System    string `json:"system"`
	RequestID string `json:"requestId"`
	Step      string `json:"provisioningStepType"`
	// Kind is a kind of fault, or what the answer says, such as exists.
	Kind string `json:"kind"`
}

// Object is the user or group in Entra that it is about; false if about none.
func (e *Entry) Object() (change.Object, bool) {
	if e.Source == nil {
		return change.Object{}, false
	}
	return change.Object{Kind: change.Kind(strings.ToLower(e.Source.Type)), ID: e.Source.ID}, true
}

// Name is what people call the object: the userPrincipalName, the userName or the
// name, or else its id; empty if it is about none.
func (e *Entry) Name() string {
	if e.Source == nil {
		return ""
	}
	names := []string{e.Source.UserPrincipalName}
	if e.Target != nil {
		names = append(names, e.Target.DisplayName)
	}
	names = append(names, e.Source.DisplayName, e.Source.ID)
	return names[slices.IndexFunc(names, func(name string) bool { return name != "" })]
}

// Reason explains how it ended; empty where there is nothing to explain.
func (e *Entry) Reason() string {
	if e.Status.Error == nil {
		return ""
	}
	return e.Status.Error.Reason
}

// names are all by which the object may be asked for, beside its id in Entra, in lower
// case and each once.
func (e *Entry) names() []string {
	var all []string
	for _, i := range []*Identity{e.Source, e.Target} {
		if i == nil || e.Source == nil {
			continue
		}
		names := []string{i.DisplayName, i.UserPrincipalName}
		if i == e.Target {
			names = append(names, i.ID)
		}
		for _, name := range names {
			if name = fold(name); name != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// longestName is how many bytes of a name count where an object is asked for by it.
const longestName = 256

// fold is the name as it is looked for.
func fold(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	return strings.ToValidUTF8(name[:min(len(name), longestName)], "")
}
