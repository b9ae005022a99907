package reconcile

import (
	"context"
	"slices"

	"entrawebex/internal/change"
)

// readAssignments reads who is assigned to the application that is the scope.
func (r *run) readAssignments(ctx context.Context) error {
	if r.Scope == nil {
		return nil
	}
	app, err := r.Scope.App(ctx)
	if err != nil {
		return err
	}
	page := AssignmentPage{}
	for {
		if page, err = r.Graph.Assignments(ctx, app, page.Next); err != nil {
			return err
		}
		for _, a := range page.Assignments {
			r.assign(a.Principal, a.Role)
		}
		if page.Next == "" {
			return nil
		}
	}
}

func (r *run) assign(o change.Object, role string) {
	if !slices.Contains(r.assigned[o], role) {
		r.assigned[o] = append(r.assigned[o], role)
	}
}

// readScope puts the users in the scope who are in a group that is assigned.
func (r *run) readScope(ctx context.Context) error {
	for _, o := range sorted(r.assigned) {
		if o.Kind != change.Group {
			continue
		}
		users, err := r.usersIn(ctx, o)
		if err != nil {
			return err
		}
		for _, id := range users {
			for _, role := range r.assigned[o] {
				r.assign(change.Object{Kind: change.User, ID: id}, role)
			}
		}
	}
	return nil
}

// usersIn returns the users in a group: of one that the delta query does not
// list whole, those who are listed with the group itself.
func (r *run) usersIn(ctx context.Context, o change.Object) ([]string, error) {
	var users []string
	if g := r.gathered[o.ID]; g != nil {
		listed, whole := g.users(r.gathered, r.Nested)
		if whole {
			return listed, nil
		}
		users = listed
	}
	for page := ""; ; {
		members, err := r.Members(ctx, o.ID, r.Nested, page)
		if err != nil {
			return nil, err
		}
		users = append(users, members.Users...)
		if page = members.Next; page == "" {
			return users, nil
		}
	}
}

// inScope reports whether a list says that the object is in scope.
func (r *run) inScope(o change.Object) bool {
	return r.Scope == nil || r.Scope.Covers(r.assigned[o])
}
