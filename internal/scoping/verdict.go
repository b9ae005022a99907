package scoping

import (
	"context"

	"entrawebex/internal/change"
)

// Rules are what an administrator says of who is provisioned.
type Rules struct {
	// Application is the one whose assignments are the scope: users and groups,
	// and the members of those groups. Nil for everybody.
	Application *Application
	// Roles are those in which an assignment counts.
	Roles Roles
	// SkipGroups leaves the groups of Webex alone.
	SkipGroups bool
	// SkipOutOfScope leaves those active who left the scope.
	SkipOutOfScope bool
}

// Subject is a user or group of Entra as far as it is known. Who is in neither
// place, Entra and its recycle bin, is none: that decides nothing by itself.
type Subject struct {
	Kind change.Kind
	// SoftDeleted says that it is in the recycle bin.
	SoftDeleted bool
	// Attributes are those of Graph by its names. One that is not among them is
	// not known.
	Attributes map[string]any
	// Roles are the app roles in which it is assigned to the application, itself
	// or through a group.
	Roles []string
	// RolesUnknown says that Roles say nothing.
	RolesUnknown bool
	// Provisioned says that it has an account or a group in Webex that is ours.
	Provisioned bool
}

// Decision is what is to become of a subject.
type Decision string

// The decisions.
const (
	// Provision: it is to be in Webex as Entra has it.
	Provision Decision = "provision"
	// Deactivate: its account is to be inactive.
	Deactivate Decision = "deactivate"
	// Skip: nothing is to be created for it, and what it has stays as it is.
	Skip Decision = "skip"
	// Unknown: what it rests on is not known. It is to be looked at itself.
	Unknown Decision = "unknown"
)

// Reason is why a subject is not simply provisioned.
type Reason string

// The reasons.
const (
	// NotAssigned: it is out of scope and was never in Webex.
	NotAssigned Reason = "not assigned"
	// Unassigned: it is in Webex, and out of scope.
	Unassigned Reason = "unassigned"
	// Blocked: the person may not sign in.
	Blocked Reason = "blocked"
	// SoftDeleted: it is in Entra's recycle bin.
	SoftDeleted Reason = "soft deleted"
	// NotSecurityEnabled: the group is one of mail or of Microsoft 365.
	NotSecurityEnabled Reason = "not security-enabled"
	// GroupsOff: it is a group, and groups are not provisioned.
	GroupsOff Reason = "groups are not provisioned"
	// AssignmentsUnknown and StateUnknown: what decides was not shown.
	AssignmentsUnknown Reason = "assignments not known"
	StateUnknown       Reason = "state not known"
)

// Verdict is what is to become of a subject, and why.
type Verdict struct {
	Decision Decision
	// Reason is empty if it is simply provisioned.
	Reason Reason
}

// The attributes of Graph that say whether an object may be in Webex
// (https://learn.microsoft.com/graph/api/resources/user and …/group).
const (
	accountEnabled  = "accountEnabled"
	securityEnabled = "securityEnabled"
)

// Decide says who is provisioned. Nothing else does.
func (r Rules) Decide(s Subject) Verdict {
	if s.Kind == change.Group {
		return r.decideGroup(s)
	}
	deactivate := func(why Reason) Verdict {
		if s.Provisioned {
			return Verdict{Deactivate, why}
		}
		return Verdict{Skip, why}
	}
	enabled, shown := s.Attributes[accountEnabled].(bool)
	switch {
	case s.SoftDeleted:
		return deactivate(SoftDeleted)
	case r.Application != nil && s.RolesUnknown:
		return Verdict{Unknown, AssignmentsUnknown}
	case !r.InScope(s.Roles) && !s.Provisioned:
		return Verdict{Skip, NotAssigned}
	case !r.InScope(s.Roles) && r.SkipOutOfScope:
		return Verdict{Skip, Unassigned}
	case !r.InScope(s.Roles):
		return Verdict{Deactivate, Unassigned}
	case !shown:
		return Verdict{Unknown, StateUnknown}
	case !enabled:
		return deactivate(Blocked)
	default:
		return Verdict{Decision: Provision}
	}
}

// decideGroup is Decide for a group. What it has in Webex stays as it is whenever
// it is not provisioned: only its deletion takes that away.
func (r Rules) decideGroup(s Subject) Verdict {
	secure, shown := s.Attributes[securityEnabled].(bool)
	switch {
	case r.SkipGroups:
		return Verdict{Skip, GroupsOff}
	case s.SoftDeleted:
		return Verdict{Skip, SoftDeleted}
	case r.Application != nil && s.RolesUnknown:
		return Verdict{Unknown, AssignmentsUnknown}
	case !r.InScope(s.Roles) && s.Provisioned:
		return Verdict{Skip, Unassigned}
	case !r.InScope(s.Roles):
		return Verdict{Skip, NotAssigned}
	case !shown:
		return Verdict{Unknown, StateUnknown}
	case !secure:
		return Verdict{Skip, NotSecurityEnabled}
	default:
		return Verdict{Decision: Provision}
	}
}

// InScope reports whether somebody is in scope who is assigned in these app roles,
// whatever else decides.
func (r Rules) InScope(roles []string) bool { return r.Application == nil || r.Roles.Cover(roles) }

// IsBlocked reports whether attributes of a user show that the person may not sign
// in, whoever else decides.
func IsBlocked(attributes map[string]any) bool { return attributes[accountEnabled] == false }

// WithoutAssignments are the rules by which everybody is in scope: those for
// whoever is looked at because something else than an assignment may have changed.
func (r Rules) WithoutAssignments() Rules {
	r.Application = nil
	return r
}

// Everybody reports whether everybody is in scope.
func (r Rules) Everybody() bool { return r.Application == nil }

// GroupsMatter reports whether anything follows from groups: they are provisioned,
// or who is in scope does.
func (r Rules) GroupsMatter() bool { return !r.SkipGroups || r.Application != nil }

// App returns the object id of the application whose assignments are the scope;
// empty if everybody is in scope.
func (r Rules) App(ctx context.Context) (string, error) {
	if r.Application == nil {
		return "", nil
	}
	return r.Application.ID(ctx)
}

// OutOfScope reports whether the subject is out of scope, whatever becomes of it.
func (v Verdict) OutOfScope() bool { return v.Reason == NotAssigned || v.Reason == Unassigned }

// IsSoftDeleted is what Entra's expressions know by that name: true for a user in
// the recycle bin, out of scope or blocked
// (https://learn.microsoft.com/entra/identity/app-provisioning/how-provisioning-works).
func (v Verdict) IsSoftDeleted() bool { return v.Decision != Provision }

// Sentence says why, without a subject and in the words of Entra's provisioning
// log; empty if it is simply provisioned.
func (v Verdict) Sentence(kind change.Kind) string {
	switch v.Reason {
	case NotAssigned:
		return "is not assigned to the application, neither itself nor through a group (NotEffectivelyEntitled)"
	case Unassigned:
		switch {
		case kind == change.Group:
			return "is no longer assigned to the application: the group is kept as it is"
		case v.Decision == Skip:
			return "left the scope, and stays as it is: SKIP_OUT_OF_SCOPE_DELETIONS is set"
		default:
			return "is no longer assigned to the application, neither itself nor through a group"
		}
	case Blocked, SoftDeleted:
		switch {
		case kind == change.Group:
			return "is in Entra's recycle bin: it is kept as it is until it is deleted for good"
		case v.Decision == Skip:
			return "is disabled or deleted in Entra and was never provisioned (NotEffectivelyEntitled)"
		default:
			return "is disabled or deleted in Entra"
		}
	case NotSecurityEnabled:
		return "is not security-enabled: only security groups are provisioned (NotEffectivelyEntitled)"
	case GroupsOff:
		return "is a group, and PROVISION_GROUPS is false"
	case AssignmentsUnknown:
		return "may be assigned to the application or not: Entra did not say"
	case StateUnknown:
		return "may be allowed in Webex or not: Entra did not say"
	}
	return ""
}
