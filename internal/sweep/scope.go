package sweep

import (
	"context"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/paging"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

// readAssignments reads who is assigned to the application that is the scope, or whose
// app roles are mapped.
func (r *run) readAssignments(ctx context.Context) error {
	if !r.Scoping.AssignmentsRead() {
		return nil
	}
	r.grantsRead = r.Now()
	var err error
	if r.granted, err = r.grants(ctx); err != nil {
		return err
	}
	for o, roles := range r.granted {
		r.assigned[o] = slices.Clone(roles)
	}
	return nil
}

// grants are the roles of those who are assigned themselves.
func (r *run) grants(ctx context.Context) (map[change.Object][]string, error) {
	app, err := r.Scoping.App(ctx)
	if err != nil {
		return nil, err
	}
	granted := map[change.Object][]string{}
	page, pages := reconcile.AssignmentPage{}, paging.New("assignments", r.Log)
	for {
		if page, err = r.Graph.Assignments(ctx, app, page.Next); err != nil {
			return nil, err
		}
		for _, a := range page.Assignments {
			assign(granted, a.Principal, a.Role)
		}
		if page.Next == "" {
			return granted, nil
		}
		if err := pages.Follow(ctx, page.Next, page.Fresh(pages)); err != nil {
			return nil, err
		}
	}
}

func assign(to map[change.Object][]string, o change.Object, role string) {
	if !slices.Contains(to[o], role) {
		to[o] = append(to[o], role)
	}
}

// unassigned asks about those whose assignment ended while the sweep lasted. If
// that was noticed before they had an account, there was nothing to do, and
// nothing was kept; and no delta query tells of assignments.
func (r *run) unassigned(ctx context.Context) error {
	if !r.Scoping.AssignmentsRead() {
		return nil
	}
	now, err := r.grants(ctx)
	if err != nil {
		return err
	}
	var changes []change.Change
	for _, o := range sorted(r.granted) {
		if !slices.ContainsFunc(r.granted[o], func(role string) bool { return !slices.Contains(now[o], role) }) {
			continue
		}
		changes = append(changes, r.look(o))
		if o.Kind != change.Group {
			continue
		}
		users, err := r.usersIn(ctx, o, r.Nested)
		if err != nil {
			return err
		}
		for _, id := range users {
			changes = append(changes, r.look(change.Object{Kind: change.User, ID: id}))
		}
	}
	return r.enqueue(ctx, changes...)
}

// readScope puts the users in the scope who are in a group that is assigned.
func (r *run) readScope(ctx context.Context) error {
	for _, o := range sorted(r.assigned) {
		if o.Kind != change.Group {
			continue
		}
		users, err := r.usersIn(ctx, o, r.Nested)
		if err != nil {
			return err
		}
		for _, id := range users {
			for _, role := range r.assigned[o] {
				assign(r.assigned, change.Object{Kind: change.User, ID: id}, role)
			}
		}
	}
	return nil
}

// usersIn returns the users in a group, through groups within it too if transitive: of
// one that the delta query does not list whole, those who are listed with the group
// itself.
func (r *run) usersIn(ctx context.Context, o change.Object, transitive bool) ([]string, error) {
	var users []string
	if g := r.gathered[o.ID]; g != nil {
		listed, whole := g.users(r.gathered, transitive)
		switch {
		case g.Removed != reconcile.NotRemoved:
			return nil, nil // nobody is in scope for a group that is not there
		case whole:
			return listed, nil
		}
		users = listed
	}
	pages := paging.New("members of "+o.String(), r.Log)
	for page := ""; ; {
		members, err := r.Members(ctx, o.ID, transitive, page)
		if err != nil {
			return nil, err
		}
		users = append(users, members.Users...)
		if page = members.Next; page == "" {
			return users, nil
		}
		if err := pages.Follow(ctx, page, pages.SeesAny(members.Users)); err != nil {
			return nil, err
		}
	}
}

// verdict says what is to become of one that lives in Entra, by the lists.
func (r *run) verdict(o reconcile.Object, k *known) scoping.Verdict {
	return r.Scoping.Decide(scoping.Subject{
		Kind: o.Kind, Attributes: o.Attributes, Roles: r.assigned[o.Object], MemberOf: r.memberOf(o.Object), Provisioned: k.webexID != "",
	})
}

// readRoles reads what the app roles are called that somebody is assigned in, if they
// are mapped.
func (r *run) readRoles(ctx context.Context) error {
	if r.Scoping.Mapped == nil {
		return nil
	}
	app, err := r.Scoping.App(ctx)
	if err != nil {
		return err
	}
	var wanted []string
	for _, roles := range r.granted {
		wanted = append(wanted, roles...)
	}
	r.roleNames, err = r.AppRoles(ctx, app, wanted)
	return err
}

// withRoles is one that Entra lists with the names of its app roles by the lists, if
// they are mapped. Those that are not known are not put there: the worker asks.
func (r *run) withRoles(o reconcile.Object) reconcile.Object {
	if o.Kind != change.User || r.Scoping.Mapped == nil {
		return o
	}
	if names, err := provision.RoleNames(r.assigned[o.Object], r.roleNames); err == nil {
		o.Attributes = provision.Reading{Attributes: o.Attributes, RoleNames: names}.WithRoles().Attributes
	}
	return o
}

// proven is what a list proves of the app roles among the attributes, and since when:
// that somebody has some. That there are none it only suggests, so that these are not
// known, and the engine asks where it matters.
func (r *run) proven(attributes map[string]any, at time.Time) (map[string]any, time.Time) {
	roles, read := attributes[mapping.AppRoleAssignments].([]any)
	switch {
	case !read:
		return attributes, at
	case len(roles) == 0:
		delete(attributes, mapping.AppRoleAssignments)
		return attributes, at
	case r.grantsRead.Before(at):
		return attributes, r.grantsRead
	default:
		return attributes, at
	}
}
