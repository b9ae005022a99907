package scoping

import (
	"context"

	"entrawebex/internal/change"
)

// Rules are what an administrator says of who is provisioned.
type Rules struct {
	// Application is the one whose assignments are the scope: users and groups,
	// and the members of those groups. Nil if nobody needs one.
	Application *Application
	// Mapped is the one whose app roles the mapping reads, whoever is in scope. Nil if it
	// reads none.
	Mapped *Application
	// Roles are those in which an assignment counts.
	Roles Roles
	// SkipGroups leaves the groups of Webex alone.
	SkipGroups bool
	// SkipOutOfScope leaves those active who left the scope.
	SkipOutOfScope bool
	// Filters are the scoping filters: whoever does not satisfy that of its kind is
	// out of scope, assigned or not.
	Filters Filters
}

// Filters are the scoping filters by kind of object.
type Filters struct{ Users, Groups Filter }

// of is the filter of a kind of object.
func (f Filters) of(kind change.Kind) Filter {
	if kind == change.Group {
		return f.Groups
	}
	return f.Users
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
	// MemberOf says of groups that the filter asks about whether it is in them. Of one
	// that is not among them that is not known.
	MemberOf map[Group]bool
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
	// NotInFilter: it does not satisfy the scoping filter and was never in Webex.
	NotInFilter Reason = "not in the scoping filter"
	// LeftFilter: it is in Webex, and does not satisfy the scoping filter.
	LeftFilter Reason = "left the scoping filter"
	// Blocked: the person may not sign in.
	Blocked Reason = "blocked"
	// SoftDeleted: it is in Entra's recycle bin.
	SoftDeleted Reason = "soft deleted"
	// NotSecurityEnabled: the group is one of mail or of Microsoft 365.
	NotSecurityEnabled Reason = "not security-enabled"
	// GroupsOff: it is a group, and groups are not provisioned.
	GroupsOff Reason = "groups are not provisioned"
	// AssignmentsUnknown, FilterUnknown and StateUnknown: what decides was not shown.
	AssignmentsUnknown Reason = "assignments not known"
	FilterUnknown      Reason = "scoping filter not known"
	StateUnknown       Reason = "state not known"
)

// Verdict is what is to become of a subject, and why.
type Verdict struct {
	Decision Decision
	// Reason is empty if it is simply provisioned.
	Reason Reason
	// Clauses are those of the scoping filter that decide, if it does.
	Clauses string
	// Unlisted says that the scoping filter decides by a list of groups that lacks one:
	// what a list does not show, one answer does not prove.
	Unlisted bool
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
	takeAway := Skip
	if s.Provisioned {
		takeAway = Deactivate
	}
	enabled, shown := s.Attributes[accountEnabled].(bool)
	scope := r.scope(s)
	switch {
	case s.SoftDeleted:
		return Verdict{Decision: takeAway, Reason: SoftDeleted}
	case scope.Reason == FilterUnknown && len(r.UserGroups()) > 0 && IsBlocked(s.Attributes) && !r.SkipOutOfScope:
		return Verdict{Decision: takeAway, Reason: Blocked} // in scope or not
	case scope.OutOfScope() && !r.SkipOutOfScope:
		scope.Decision = takeAway
		return scope
	case scope.Decision != Provision:
		return scope
	case !shown:
		return Verdict{Decision: Unknown, Reason: StateUnknown}
	case !enabled:
		return Verdict{Decision: takeAway, Reason: Blocked}
	default:
		return scope
	}
}

// decideGroup is Decide for a group. What it has in Webex stays as it is whenever
// it is not provisioned: only its deletion takes that away.
func (r Rules) decideGroup(s Subject) Verdict {
	secure, shown := s.Attributes[securityEnabled].(bool)
	if r.SkipGroups {
		return Verdict{Decision: Skip, Reason: GroupsOff}
	}
	if s.SoftDeleted {
		return Verdict{Decision: Skip, Reason: SoftDeleted}
	}
	switch scope := r.scope(s); {
	case scope.Decision != Provision:
		return scope
	case !shown:
		return Verdict{Decision: Unknown, Reason: StateUnknown}
	case !secure:
		return Verdict{Decision: Skip, Reason: NotSecurityEnabled}
	default:
		return scope
	}
}

// scope says whether the subject is in scope: assigned, where that counts, and let
// pass by the filter. Either is enough to be out, whether or not the other is known.
// Of a subject in Webex that is in neither, the filter is what is told: it rests on
// what the subject has, and no list that a replica may show empty.
func (r Rules) scope(s Subject) Verdict {
	notAssigned, notInFilter := NotAssigned, NotInFilter
	if s.Provisioned {
		notAssigned, notInFilter = Unassigned, LeftFilter
	}
	filter := r.Filters.of(s.Kind)
	passes := filter.Evaluate(s)
	unasked := r.AssignmentsMatter() && s.RolesUnknown
	assigned := unasked || r.InScope(s.Roles)
	switch {
	case !assigned && (!s.Provisioned || passes != Fails):
		return Verdict{Decision: Skip, Reason: notAssigned}
	case passes == Fails:
		return Verdict{
			Decision: Skip, Reason: notInFilter, Clauses: filter.Explain(s).deciding(),
			Unlisted: len(s.MemberOf) > 0 && filter.Evaluate(s.withoutAbsences()) != Fails,
		}
	case unasked:
		return Verdict{Decision: Unknown, Reason: AssignmentsUnknown}
	case passes == Undetermined:
		return Verdict{Decision: Unknown, Reason: FilterUnknown, Clauses: filter.Explain(s).deciding()}
	default:
		return Verdict{Decision: Provision}
	}
}

// InScope reports whether somebody who is assigned in these app roles is in scope by
// that, whatever else decides.
func (r Rules) InScope(roles []string) bool { return !r.AssignmentsMatter() || r.Roles.Cover(roles) }

// IsBlocked reports whether attributes of a user show that the person may not sign
// in, whoever else decides.
func IsBlocked(attributes map[string]any) bool { return attributes[accountEnabled] == false }

// WithoutAssignments are the rules by which nobody needs an assignment: those for
// whoever is looked at because something else than an assignment may have changed.
func (r Rules) WithoutAssignments() Rules {
	r.Application = nil
	return r
}

// AssignmentsMatter reports whether only those are in scope who are assigned.
func (r Rules) AssignmentsMatter() bool { return r.Application != nil }

// AssignmentsRead reports whether anything follows from assignments: who is in scope,
// or what the mapping reads.
func (r Rules) AssignmentsRead() bool { return r.AssignmentsMatter() || r.Mapped != nil }

// GroupsMatter reports whether anything follows from groups: they are provisioned,
// or users follow from them.
func (r Rules) GroupsMatter() bool { return !r.SkipGroups || r.UsersFollowGroups() }

// UsersFollowGroups reports whether anything about users may follow from groups: from
// assignments, which they have through groups, or from memberships, by a filter.
func (r Rules) UsersFollowGroups() bool { return r.AssignmentsRead() || len(r.UserGroups()) > 0 }

// App returns the object id of the application whose assignments are read; empty if
// nobody needs one.
func (r Rules) App(ctx context.Context) (string, error) {
	switch {
	case r.AssignmentsMatter():
		return r.Application.ID(ctx)
	case r.Mapped != nil:
		return r.Mapped.ID(ctx)
	default:
		return "", nil
	}
}

// OutOfScope reports whether the subject is out of scope, whatever becomes of it.
func (v Verdict) OutOfScope() bool {
	return v.Reason == NotAssigned || v.Reason == Unassigned || v.IsFiltered()
}

// IsFiltered reports whether it is out of scope by the scoping filter.
func (v Verdict) IsFiltered() bool { return v.Reason == NotInFilter || v.Reason == LeftFilter }

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
	case NotInFilter:
		return "does not satisfy the scoping filter, by " + v.Clauses + " (NotEffectivelyEntitled)"
	case Unassigned, LeftFilter:
		return v.leaves(kind)
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
	case FilterUnknown:
		return "may satisfy the scoping filter or not: Entra did not show what decides, " + v.Clauses
	case StateUnknown:
		return "may be allowed in Webex or not: Entra did not say"
	}
	return ""
}

// leaves is the sentence of a subject in Webex that is not in scope any more.
func (v Verdict) leaves(kind change.Kind) string {
	why := "is no longer assigned to the application"
	if v.IsFiltered() {
		why = "no longer satisfies the scoping filter, by " + v.Clauses
	}
	switch {
	case kind == change.Group:
		return why + ": the group is kept as it is"
	case v.Decision == Skip && v.IsFiltered():
		return why + ", and stays as it is: SKIP_OUT_OF_SCOPE_DELETIONS is set"
	case v.Decision == Skip:
		return "left the scope, and stays as it is: SKIP_OUT_OF_SCOPE_DELETIONS is set"
	case v.IsFiltered():
		return why
	default:
		return why + ", neither itself nor through a group"
	}
}
