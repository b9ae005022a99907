// Package plan is what would happen: the engine and the comparison of everything on
// both sides as they are, with a client that cannot write.
package plan

import (
	"cmp"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
)

// Plan is what would be written, and in this form with --json.
type Plan struct {
	// Objects are all but those that stay as they are, in the order of their
	// weight: what takes away comes first.
	Objects []Object `json:"objects"`
	Summary Summary  `json:"summary"`
	// Classes counts the accounts of both sides by their class; only for a plan
	// for everything.
	Classes map[sweep.Class]int `json:"classes,omitempty"`
	// Notes are what there is to know about the plan itself.
	Notes []string `json:"notes,omitempty"`
}

// Object is what would come of one object.
type Object struct {
	Action Action `json:"action"`
	// Held says that the action would wait for an operator.
	Held   bool          `json:"held,omitempty"`
	Object change.Object `json:"object"`
	// Name is the userPrincipalName or displayName.
	Name string `json:"name,omitempty"`
	// WebexID is empty where it would be created.
	WebexID    string               `json:"webexId,omitempty"`
	Attributes []provision.Modified `json:"attributes,omitempty"`
	Members    *Members             `json:"members,omitempty"`
	// Adopted is the externalId of the account that was there before and would be taken
	// over, empty if it has none; nil where none would be.
	Adopted *string `json:"adopted,omitempty"`
	// Reason explains it; empty where there is nothing to explain.
	Reason string `json:"reason,omitempty"`
}

// Members counts the members of a group as provision.MemberCount does.
type Members struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Waiting int `json:"waiting"`
	Skipped int `json:"skipped"`
}

// Action is a provision.Action, a provision.Destruction, or one of these.
type Action string

const (
	// Unchanged is what stays as it is.
	Unchanged Action = "unchanged"
	// Skip is what is left alone, for a reason.
	Skip Action = "skip"
	// Fail is what would be refused, or cannot be planned.
	Fail Action = "fail"
	// Wait is what would be looked at again before anything is done.
	Wait Action = "wait"
)

// Summary counts objects by what would come of them; one that is held counts
// as nothing else.
type Summary struct {
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

// New returns a plan of nothing.
func New() *Plan {
	return &Plan{Objects: []Object{}, Summary: Summary{Skipped: map[string]int{}}}
}

// Add adds what would come of one object, and counts it.
func (p *Plan) Add(one Object) {
	s := &p.Summary
	switch {
	case one.Held:
		s.Held++
	case one.Action == Unchanged:
		s.Unchanged++
		return
	case one.Action == Skip:
		s.Skipped[one.Reason]++
	case one.Action == Fail:
		s.Fail++
	case one.Action == Wait:
		s.Wait++
	case one.Action == Action(provision.Create):
		s.Create++
	case one.Action == Action(provision.Disable):
		s.Disable++
	case one.Action == Action(provision.Delete):
		s.Delete++
	default:
		s.Change++
	}
	p.Objects = append(p.Objects, one)
}

// Sort puts first what takes away.
func (p *Plan) Sort() {
	slices.SortStableFunc(p.Objects, func(a, b Object) int {
		return cmp.Or(cmp.Compare(a.weight(), b.weight()), strings.Compare(string(a.Action), string(b.Action)),
			strings.Compare(a.Reason, b.Reason), strings.Compare(a.Name, b.Name), compareObjects(a.Object, b.Object))
	})
}

// weight is the place of an object in the order of the plan.
func (p Object) weight() int {
	order := []Action{
		Action(provision.Deleting), Action(provision.Disabling), Action(provision.Removing), Fail,
		Action(provision.Update), Action(provision.Enable), Wait, Action(provision.Create), Skip,
	}
	if p.Members != nil && p.Members.Removed > 0 {
		return slices.Index(order, Action(provision.Removing))
	}
	return slices.Index(order, p.Action)
}

// Alarming reports whether the action takes something away, or would fail.
func (p Object) Alarming() bool { return p.weight() <= Object{Action: Fail}.weight() }

func compareObjects(a, b change.Object) int {
	// Users first, as everywhere.
	return cmp.Or(-strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.ID, b.ID))
}
