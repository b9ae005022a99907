package history

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
)

// Terms are what an entry is made by beside the attempt.
type Terms struct {
	TenantID string
	// CycleID is that of the batch.
	CycleID string
	// Rules say of which attributes the values may be kept.
	Rules mapping.Rules
}

// The bounds of an entry, which keep it within what a store takes.
const (
	longestText  = 1000 // characters of a reason or a description
	longestValue = 256  // bytes of a value as JSON
	mostSteps    = 40
	mostModified = 100
)

// Of returns the entry of an attempt that did or refused something. Of one that found
// nothing to do it returns which kind of nothing, by which it is counted.
func Of(a provision.Attempt, id string, t Terms) (entry Entry, idle string) {
	if idle = idleness(a); idle != "" {
		return Entry{}, idle
	}
	e := Entry{
		ID: id, At: a.Finished.UTC(), TenantID: t.TenantID, CycleID: t.CycleID,
		Action: Action(a.Action), Took: a.Finished.Sub(a.Started).Milliseconds(),
		InitiatedBy: Initiator{DisplayName: "entrawebex", Type: "system"},
		Source:      source(a), Target: target(a),
		Status:   StatusInfo{Status: status(a.Status), Error: explain(a)},
		Modified: modified(a.Modified, t.Rules.Of(a.Object.Kind)),
		Members:  members(a), RetryAt: retryAt(a),
	}
	if len(a.Causes) > 0 {
		e.ChangeID, e.Cause = printable.Short(a.Causes[0].CorrelationID, longestName), cause(a.Causes[0])
	}
	for _, s := range a.Steps[:min(len(a.Steps), mostSteps)] {
		e.Steps = append(e.Steps, Step{Type: string(s.Name), Status: status(s.Status), Description: printable.Short(s.Description, longestText)})
	}
	for _, r := range a.Refusals {
		e.Refusals = append(e.Refusals, Refusal{System: string(r.From), RequestID: r.RequestID, Step: string(r.Step), Kind: r.Label})
	}
	if latency, ok := a.Latency(); ok {
		e.Latency = new(latency.Milliseconds())
	}
	if a.Fault != nil {
		e.Fault = a.Fault.Kind.String()
	}
	return e, ""
}

// idleness is which kind of nothing the attempt came to; empty if it did or refused
// something. To wait for another worker is nothing, and so is to leave alone what was
// left alone before; what an operator asked for is always something.
func idleness(a provision.Attempt) string {
	asked := len(a.Causes) > 0 && (a.Causes[0].Source == change.OnDemand || a.Causes[0].Replayed)
	did := a.Action != provision.None || len(a.Modified) > 0 || a.Members.Added+a.Members.Removed > 0
	switch {
	case a.Fault != nil && errors.Is(a.Fault.Err, provision.ErrClaimed):
		return "being worked on"
	case asked || did || a.Fault != nil || a.Status == provision.Failure || a.Status == provision.Warning:
		return ""
	case a.Redundant || a.Status == provision.Success:
		return redundant
	default:
		return cmp.Or(string(a.Verdict.Reason), skipped)
	}
}

func status(s provision.Status) Status { return Status(strings.ToLower(string(s))) }

func cause(c change.Change) Cause {
	switch {
	case c.Replayed:
		return Replay
	case c.Source == change.Reconcile && c.Nominated != "":
		return Assignment
	case c.Source == change.Reconcile:
		return Delta
	default:
		return Cause(c.Source)
	}
}

// identityType is the kind of an object as Graph writes it.
func identityType(kind change.Kind) string {
	if kind == change.Group {
		return "Group"
	}
	return "User"
}

func source(a provision.Attempt) *Identity {
	return &Identity{
		Type: identityType(a.Object.Kind), ID: a.Object.ID,
		DisplayName:       printable.Short(a.Names.DisplayName, longestName),
		UserPrincipalName: printable.Short(a.Names.UserPrincipalName, longestName),
	}
}

func target(a provision.Attempt) *Identity {
	if a.WebexID == "" && a.Names.Webex == "" {
		return nil
	}
	return &Identity{Type: identityType(a.Object.Kind), ID: a.WebexID, DisplayName: printable.Short(a.Names.Webex, longestName)}
}

// modified are the attributes that were changed, with those values that may be kept.
func modified(changed []provision.Modified, rules mapping.Mapping) []Property {
	if len(changed) == 0 {
		return nil
	}
	all := make([]Property, 0, min(len(changed), mostModified))
	for _, m := range changed[:min(len(changed), mostModified)] {
		p := Property{DisplayName: m.Attribute}
		if rules.Tells(m.Attribute) {
			p.Old, p.New = value(m.Old), value(m.New)
		}
		all = append(all, p)
	}
	return all
}

// value is one that is not too long, or else its beginning.
func value(v any) any {
	text, err := json.Marshal(v)
	if err == nil && len(text) <= longestValue {
		return v
	}
	return printable.Short(string(text), longestValue)
}

func members(a provision.Attempt) *Members {
	m := Members{
		Added: max(a.Members.Added, len(a.Joined)), Removed: a.Members.Removed,
		Waiting: a.Members.Waiting, Skipped: a.Members.Skipped,
	}
	if m.Added+m.Removed+m.Waiting+m.Skipped == 0 {
		return nil
	}
	for _, id := range a.Joined {
		m.Joined = append(m.Joined, Member{ID: id})
	}
	for _, id := range a.Left {
		m.Left = append(m.Left, Member{ID: id})
	}
	return &m
}

func retryAt(a provision.Attempt) time.Time {
	if a.Again > 0 {
		return a.Finished.Add(a.Again).UTC()
	}
	return a.Later.UTC()
}

// The error codes of Entra's log, where it has one for it ("Error codes", How to
// analyze the Microsoft Entra provisioning logs).
const (
	redundant   = "RedundantExport"
	notEntitled = "NotEffectivelyEntitled"
	skipped     = "EntrySynchronizationSkipped"
)

// explain is what there is to know of an attempt that is no plain success.
func explain(a provision.Attempt) *ErrorInfo {
	info := ErrorInfo{Reason: printable.Short(a.Reason, longestText), Details: printable.Short(a.Verdict.Clauses, longestText), Category: "nonServiceFailure"}
	switch {
	case a.Fault != nil:
		info.Code, info.Recommended = code(a.Fault), recommended(a)
		if a.Fault.Kind.Policy().Passes {
			info.Category = "failure"
		}
	case a.Redundant:
		info.Code = redundant
	case a.Verdict.Reason != "":
		// Also of an account that was disabled: this is why.
		info.Code, info.Reason = notEntitled, string(a.Verdict.Reason)
	case a.Status == provision.Success:
		return nil
	default:
		info.Code = skipped
	}
	return &info
}

// code is Entra's name for the fault.
func code(f *provision.Fault) string {
	switch f.Code {
	case provision.Taken, provision.Linked:
		return "EntryConflict"
	case provision.Twin:
		return "DuplicateSourceEntries"
	case provision.NotThere:
		return "InvalidAnchor"
	case provision.Conflict:
		return "Conflict"
	case provision.Ignored:
	}
	switch policy := f.Kind.Policy(); {
	case f.Foreign && !policy.Retry.Waits():
		return "WebExceptionProtocolError"
	case f.Pending && policy.Retry == provision.Backoff:
		return "Timeout"
	default:
		return policy.Code
	}
}

// recommended is what to do about the fault of an attempt.
func recommended(a provision.Attempt) string {
	again := "entrawebex replay --filter object=" + a.Object.ID
	switch policy := a.Fault.Kind.Policy(); {
	case a.Fault.GivenUp:
		return "once the side has recovered: " + again
	case policy.Letter:
		return policy.Mend + ", then " + again
	default:
		return policy.Mend
	}
}
