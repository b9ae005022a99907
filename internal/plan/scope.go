package plan

import (
	"context"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// Scope says whether one is in scope, and by which path.
type Scope struct {
	Verdict Verdict `json:"verdict"`
	// Everybody says that nobody needs an assignment (SCOPE=all), or else Application is
	// the id of the one to which one must be assigned, and Assignments are those that
	// one has, itself and through groups.
	Everybody   bool         `json:"everybody,omitempty"`
	Application string       `json:"application,omitempty"`
	Assignments []Assignment `json:"assignments,omitempty"`
	// Unknown says why the assignments are not known.
	Unknown string `json:"assignmentsUnknown,omitempty"`
	// Filter are the groups of the scoping filter; none lets everybody pass.
	Filter []FilterGroup `json:"filter,omitempty"`
}

// Assignment is one to the application.
type Assignment struct {
	// To is who is assigned: the object itself, or a group that it is in.
	To   change.Object `json:"to"`
	Name string        `json:"name,omitempty"`
	// Role is what the app role is called, RoleID its id.
	Role   string `json:"role,omitempty"`
	RoleID string `json:"roleId"`
	// Counts says that an assignment in this role is one to the scope.
	Counts bool `json:"counts"`
}

// defaultAccess is what Entra calls an assignment without an app role.
const defaultAccess = "Default Access"

// judge decides about one that Entra shows, and notes by what.
func (pl *Planner) judge(ctx context.Context, r provision.Record, reading provision.Reading, attributes map[string]any, l *Look) scoping.Verdict {
	subject := pl.subject(r, reading, attributes)
	rules := pl.Engine.Scoping
	verdict := rules.Decide(subject)
	s := &Scope{
		Verdict:   Verdict{verdict.Decision, verdict.Reason, verdict.Sentence(r.Object.Kind)},
		Everybody: !rules.AssignmentsMatter(), Filter: filterGroups(pl.Engine.Mapping.Of(r.Object.Kind), subject),
	}
	l.Scope = s
	if reading.RolesErr != nil {
		s.Unknown = reading.RolesErr.Error()
	}
	if s.Everybody {
		return verdict
	}
	s.Application = rules.Application.AppID
	if reading.Presence == provision.Present && s.Unknown == "" {
		var err error
		if s.Assignments, err = pl.assignments(ctx, r.Object, l); err != nil {
			s.Unknown = err.Error()
		}
	}
	return verdict
}

// subject is one that was read, as it is decided about.
func (pl *Planner) subject(r provision.Record, reading provision.Reading, attributes map[string]any) scoping.Subject {
	return scoping.Subject{
		Kind: r.Object.Kind, SoftDeleted: reading.Presence == provision.SoftDeleted, Attributes: attributes,
		Roles: reading.Roles, RolesUnknown: reading.RolesErr != nil, MemberOf: reading.MemberOf, Provisioned: r.WebexID != "",
	}
}

// assignments are those of an object, with the names of groups and roles.
func (pl *Planner) assignments(ctx context.Context, o change.Object, l *Look) ([]Assignment, error) {
	application, err := pl.Engine.Scoping.App(ctx)
	if err != nil {
		return nil, err
	}
	found, err := pl.Graph.AssignmentsOf(ctx, o, application, pl.Engine.Nested)
	if err != nil {
		return nil, err
	}
	all := make([]Assignment, len(found))
	var groups []change.Object
	var roles []string
	for i, a := range found {
		all[i] = Assignment{To: a.Principal, RoleID: a.Role, Counts: pl.Engine.Scoping.Roles.Cover([]string{a.Role})}
		if a.Principal != o && !slices.Contains(groups, a.Principal) {
			groups = append(groups, a.Principal)
		}
		roles = append(roles, a.Role)
	}
	names := pl.namesInEntra(ctx, groups)
	called := map[string]string{}
	if slices.ContainsFunc(roles, func(role string) bool { return role != scoping.DefaultAccess }) {
		if called, err = pl.Graph.AppRoles(ctx, application, roles); err != nil {
			l.note(err.Error())
		}
	}
	for i := range all {
		a := &all[i]
		a.Name, a.Role = names[a.To], called[a.RoleID]
		if a.RoleID == scoping.DefaultAccess {
			a.Role = defaultAccess
		}
	}
	return all, nil
}

// mostNamed is how many of one kind are told by their names.
const mostNamed = 20

// namesInEntra are what Entra calls the first of these; of whom it does not show nothing.
func (pl *Planner) namesInEntra(ctx context.Context, objects []change.Object) map[change.Object]string {
	names := map[change.Object]string{}
	objects = objects[:min(len(objects), mostNamed)]
	queries := make([]provision.Query, len(objects))
	for i, o := range objects {
		queries[i].Object = o
	}
	if len(queries) == 0 {
		return names
	}
	for i, r := range pl.Graph.Read(ctx, queries) {
		if r.Presence == provision.Present && !pl.isNameless(objects[i].Kind) {
			names[objects[i]] = nameOf(r.Attributes)
		}
	}
	return names
}
