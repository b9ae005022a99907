// Package reconcile finds what change notifications did not tell: it asks
// Graph what has changed since the last time (delta query), and who is assigned
// to the enterprise application.
package reconcile

import (
	"context"
	"strconv"

	"entrawebex/internal/change"
	"entrawebex/internal/paging"
)

// Removal says that an object is no longer among the live ones, and how.
type Removal string

// The removals, by Graph's words for their reasons
// (https://learn.microsoft.com/graph/delta-query-overview).
const (
	// NotRemoved: the object lives.
	NotRemoved Removal = ""
	// SoftDeleted: it is in the recycle bin, from which it can come back.
	SoftDeleted Removal = "changed"
	// Deleted: it is deleted for good.
	Deleted Removal = "deleted"
)

// Page is a page of a round of a delta query. Exactly one of Next and Delta is
// set.
type Page struct {
	// Objects are in Graph's order. The same one can come several times, on
	// one page and on several; of a group each then has other members.
	Objects []Object
	// Next is where the round goes on.
	Next string
	// Delta is where the next round begins, once this one is at its end.
	Delta string
}

// Fresh reports whether anything on the page is new to the chain.
func (p Page) Fresh(chain *paging.Chain) bool {
	fresh := false
	for _, o := range p.Objects {
		fresh = chain.Sees(o.ID, string(o.Removed)) || fresh
		if manager, ok := o.Attributes["manager"].(string); ok { // which may come by itself
			fresh = chain.Sees(o.ID, "manager", manager) || fresh
		}
		for _, m := range o.Members {
			fresh = chain.Sees(o.ID, m.ID, strconv.FormatBool(m.Removed)) || fresh
		}
	}
	return fresh
}

// Object is what a delta query says of a user or a group.
type Object struct {
	change.Object

	// Removed says that it is gone; then there is nothing else.
	Removed Removal
	// Attributes are the selected attributes as they are, by their Graph names
	// and as JSON has them. One that never had a value is not in it.
	Attributes map[string]any
	// Members are those whose membership in the group has changed, or in a
	// first round those who are in it: users, groups and those of which Graph
	// does not say what they are. Everything else is left out.
	Members []Member
}

// Member is a member who joined or left a group.
type Member struct {
	ID string
	// Removed says that it left, or was itself deleted.
	Removed bool
	// Kind is empty if Graph does not say it.
	Kind change.Kind
}

// AssignmentPage is a page of the assignments to the enterprise application.
type AssignmentPage struct {
	// Assignments are in Graph's order. A principal with several roles comes as
	// often.
	Assignments []Assignment
	// Others is how many assignments are those of service principals.
	Others int
	// Next is where the next page is; empty after the last.
	Next string
}

// Fresh reports whether anything on the page is new to the chain.
func (p AssignmentPage) Fresh(chain *paging.Chain) bool {
	fresh := false
	for _, a := range p.Assignments {
		fresh = chain.Sees(a.Principal.ID, a.Role) || fresh
	}
	return fresh
}

// Assignment is that of a user or a group, in one role.
type Assignment struct {
	Principal change.Object
	// Role is the id of the app role, a lower-case GUID; the zero GUID is the
	// default access.
	Role string
}

// Graph is what the job asks of Microsoft Graph. Every error is a
// *provision.Fault.
type Graph interface {
	// Delta reads a page of a round over all users or all groups. Without a
	// link it is the first page of a first round, which lists what there is;
	// else the one that Page.Next or Page.Delta of an earlier call names. Fault
	// Gone if Graph no longer knows that link: begin a first round.
	Delta(ctx context.Context, kind change.Kind, link string) (Page, error)
	// Assignments reads a page of the assignments to the enterprise
	// application: the first one, or the one that AssignmentPage.Next of an
	// earlier call names. Fault Gone if Graph no longer knows that page, or the
	// enterprise application: begin anew.
	Assignments(ctx context.Context, servicePrincipalID, page string) (AssignmentPage, error)
}
