package main

import (
	"cmp"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
)

// plan is what would be written, and in this form with --json.
type plan struct {
	// Objects are all but those that stay as they are, in the order of their
	// weight: what takes away comes first.
	Objects []planned   `json:"objects"`
	Summary planSummary `json:"summary"`
	// Classes counts the accounts of both sides by their class; only for a plan
	// for everything.
	Classes map[sweep.Class]int `json:"classes,omitempty"`
	// Notes are what there is to know about the plan itself.
	Notes []string `json:"notes,omitempty"`
}

// planned is what would come of one object.
type planned struct {
	Action planAction `json:"action"`
	// Held says that the action would wait for an operator.
	Held   bool          `json:"held,omitempty"`
	Object change.Object `json:"object"`
	// Name is the userPrincipalName or displayName.
	Name string `json:"name,omitempty"`
	// WebexID is empty where it would be created.
	WebexID    string               `json:"webexId,omitempty"`
	Attributes []provision.Modified `json:"attributes,omitempty"`
	Members    *plannedMembers      `json:"members,omitempty"`
	// Reason explains it; empty where there is nothing to explain.
	Reason string `json:"reason,omitempty"`
}

// plannedMembers counts the members of a group as provision.MemberCount does.
type plannedMembers struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Waiting int `json:"waiting"`
	Skipped int `json:"skipped"`
}

// planAction is a provision.Action, a provision.Destruction, or one of these.
type planAction string

const (
	planUnchanged planAction = "unchanged"
	planSkip      planAction = "skip"
	// planFail is what would be refused, or cannot be planned.
	planFail planAction = "fail"
	// planWait is what would be looked at again before anything is done.
	planWait planAction = "wait"
)

// planSummary counts objects by what would come of them; one that is held counts
// as nothing else.
type planSummary struct {
	Create    int            `json:"create"`
	Change    int            `json:"change"`
	Disable   int            `json:"disable"`
	Delete    int            `json:"delete"`
	Held      int            `json:"held"`
	Fail      int            `json:"fail"`
	Wait      int            `json:"wait"`
	Unchanged int            `json:"unchanged"`
	Skipped   map[string]int `json:"skipped"`
	// References is how many further looks would follow, at those who refer to
	// what changed.
	References int `json:"references"`
}

func newPlan() *plan {
	return &plan{Objects: []planned{}, Summary: planSummary{Skipped: map[string]int{}}}
}

func (p *plan) skip(o change.Object, name, reason string) {
	p.add(planned{Action: planSkip, Object: o, Name: name, Reason: reason})
}

func (p *plan) add(one planned) {
	s := &p.Summary
	switch {
	case one.Held:
		s.Held++
	case one.Action == planUnchanged:
		s.Unchanged++
		return
	case one.Action == planSkip:
		s.Skipped[one.Reason]++
	case one.Action == planFail:
		s.Fail++
	case one.Action == planWait:
		s.Wait++
	case one.Action == planAction(provision.Create):
		s.Create++
	case one.Action == planAction(provision.Disable):
		s.Disable++
	case one.Action == planAction(provision.Delete):
		s.Delete++
	default:
		s.Change++
	}
	p.Objects = append(p.Objects, one)
}

// sort puts first what takes away.
func (p *plan) sort() {
	slices.SortStableFunc(p.Objects, func(a, b planned) int {
		return cmp.Or(cmp.Compare(a.weight(), b.weight()), strings.Compare(string(a.Action), string(b.Action)),
			strings.Compare(a.Reason, b.Reason), strings.Compare(a.Name, b.Name), compareObjects(a.Object, b.Object))
	})
}

// weight is the place of an object in the order of the plan.
func (p planned) weight() int {
	order := []planAction{
		planAction(provision.Deleting), planAction(provision.Disabling), planAction(provision.Removing), planFail,
		planAction(provision.Update), planAction(provision.Enable), planWait, planAction(provision.Create), planSkip,
	}
	if p.Members != nil && p.Members.Removed > 0 {
		return slices.Index(order, planAction(provision.Removing))
	}
	return slices.Index(order, p.Action)
}

func compareObjects(a, b change.Object) int {
	// Users first, as everywhere.
	return cmp.Or(-strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.ID, b.ID))
}
