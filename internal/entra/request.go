package entra

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/directory"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipals"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"entrawebex/internal/change"
)

// place is what of an object is read.
type place int

const (
	userItem place = iota
	groupItem
	userManager
	// groupVisibility is no more of a group than who may see its members.
	groupVisibility
	// deletedItem is a user or a group in the recycle bin.
	deletedItem
	userMemberOf
	userTransitiveMemberOf
	groupMemberOf
	groupTransitiveMemberOf
	groupMembers
	groupTransitiveMembers
	userAssignments
	groupAssignments
	// servicePrincipalItem is no more than whether it is there.
	servicePrincipalItem
	// servicePrincipalRoles are the app roles that it has.
	servicePrincipalRoles
	// assignedTo are all assignments to a service principal, userDelta and
	// groupDelta the rounds over all objects of a kind.
	assignedTo
	userDelta
	groupDelta
	// subscriptionList are the subscriptions of the app.
	subscriptionList
)

// isSized reports whether it is a list of which Graph lets us say how much of it a
// page has.
func (p place) isSized() bool {
	switch p {
	case userItem, groupItem, userManager, groupVisibility, deletedItem, servicePrincipalItem, servicePrincipalRoles, userAssignments, groupAssignments, subscriptionList:
		return false
	default:
		return true
	}
}

// isDelta reports whether it is the round of a delta query.
func (p place) isDelta() bool { return p == userDelta || p == groupDelta }

// listed is what a list of the place holds, for the log.
func (p place) listed() string {
	switch p {
	case userMemberOf, userTransitiveMemberOf, groupMemberOf, groupTransitiveMemberOf:
		return "groups of an object"
	case groupMembers, groupTransitiveMembers:
		return "members of a group"
	case userAssignments, groupAssignments, assignedTo:
		return "assignments"
	case subscriptionList:
		return "subscriptions"
	default:
		return "changes"
	}
}

// request is one GET. Two that are equal have one answer.
type request struct {
	place place
	id    string
	// app is the service principal the assignments are to.
	app string
	// top is how many objects a page of a list has; zero for as many as can be.
	top int32
}

// itemOf asks for an object where it lives.
func itemOf(o change.Object) request {
	if o.Kind == change.Group {
		return request{place: groupItem, id: o.ID}
	}
	return request{place: userItem, id: o.ID}
}

// memberOf asks for the groups that an object is a member of.
func memberOf(o change.Object, transitive bool) request {
	switch {
	case o.Kind == change.Group && transitive:
		return request{place: groupTransitiveMemberOf, id: o.ID}
	case o.Kind == change.Group:
		return request{place: groupMemberOf, id: o.ID}
	case transitive:
		return request{place: userTransitiveMemberOf, id: o.ID}
	default:
		return request{place: userMemberOf, id: o.ID}
	}
}

// membersOf asks for the first page of a group's members.
func membersOf(groupID string, transitive bool) request {
	if transitive {
		return request{place: groupTransitiveMembers, id: groupID}
	}
	return request{place: groupMembers, id: groupID}
}

// query is what a request says behind the question mark.
type query struct {
	Select []string `uriparametername:"%24select"`
	Top    *int32   `uriparametername:"%24top"`
	Filter *string  `uriparametername:"%24filter"`
}

// query returns what is asked for. In the recycle bin that is what every
// directory object has: there the userPrincipalName is mangled, and to be
// there is all that counts.
func (c *Client) query(r request) query {
	top := cmp.Or(r.top, pageSize)
	switch r.place {
	case userItem:
		return query{Select: properties(c.selects[change.User])}
	case groupItem:
		return query{Select: c.selects[change.Group]}
	case groupVisibility:
		return query{Select: []string{"id", visibility}}
	case deletedItem:
		return query{Select: []string{"id", "deletedDateTime"}}
	case servicePrincipalItem, userManager:
		return query{Select: []string{"id"}}
	case servicePrincipalRoles:
		return query{Select: []string{"id", "appRoles"}}
	case assignedTo:
		return query{Top: &top}
	case userDelta:
		return query{Select: tracked(c.selects[change.User])}
	case groupDelta:
		return query{Select: append(slices.Clip(c.selects[change.Group]), membersRelation)}
	case userAssignments, groupAssignments:
		filter := "resourceId eq " + r.app
		return query{Filter: &filter}
	default:
		return query{Select: []string{"id"}, Top: &top}
	}
}

// build makes of it what kiota sends.
func (c *Client) build(ctx context.Context, r request) (*abs.RequestInformation, error) {
	info, err := c.get(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	if r.place != subscriptionList {
		info.AddQueryParameters(c.query(r))
	}
	return info, nil
}

// get is the request for a place, without its query.
func (c *Client) get(ctx context.Context, r request) (*abs.RequestInformation, error) {
	switch r.place {
	case deletedItem:
		return directory.NewDirectoryRequestBuilderInternal(c.path(), c.adapter).
			DeletedItems().ByDirectoryObjectId(r.id).ToGetRequestInformation(ctx, nil)
	case servicePrincipalItem, servicePrincipalRoles:
		return c.servicePrincipal(r.id).ToGetRequestInformation(ctx, nil)
	case assignedTo:
		return c.servicePrincipal(r.id).AppRoleAssignedTo().ToGetRequestInformation(ctx, nil)
	case subscriptionList:
		return c.subscriptions().ToGetRequestInformation(ctx, nil)
	case userItem, userManager, userMemberOf, userTransitiveMemberOf, userAssignments, userDelta:
		return c.getUser(ctx, r)
	default:
		return c.getGroup(ctx, r)
	}
}

func (c *Client) servicePrincipal(id string) *serviceprincipals.ServicePrincipalItemRequestBuilder {
	return serviceprincipals.NewServicePrincipalsRequestBuilderInternal(c.path(), c.adapter).ByServicePrincipalId(id)
}

// getUser is the request for what is a user's.
func (c *Client) getUser(ctx context.Context, r request) (*abs.RequestInformation, error) {
	all := users.NewUsersRequestBuilderInternal(c.path(), c.adapter)
	switch user := all.ByUserId(r.id); r.place {
	case userManager:
		return user.Manager().ToGetRequestInformation(ctx, nil)
	case userMemberOf:
		return user.MemberOf().ToGetRequestInformation(ctx, nil)
	case userTransitiveMemberOf:
		return user.TransitiveMemberOf().ToGetRequestInformation(ctx, nil)
	case userAssignments:
		return user.AppRoleAssignments().ToGetRequestInformation(ctx, nil)
	case userDelta:
		return all.Delta().ToGetRequestInformation(ctx, nil)
	default:
		return user.ToGetRequestInformation(ctx, nil)
	}
}

// getGroup is the request for what is a group's.
func (c *Client) getGroup(ctx context.Context, r request) (*abs.RequestInformation, error) {
	all := groups.NewGroupsRequestBuilderInternal(c.path(), c.adapter)
	switch group := all.ByGroupId(r.id); r.place {
	case groupMemberOf:
		return group.MemberOf().ToGetRequestInformation(ctx, nil)
	case groupTransitiveMemberOf:
		return group.TransitiveMemberOf().ToGetRequestInformation(ctx, nil)
	case groupMembers:
		return group.Members().ToGetRequestInformation(ctx, nil)
	case groupTransitiveMembers:
		return group.TransitiveMembers().ToGetRequestInformation(ctx, nil)
	case groupAssignments:
		return group.AppRoleAssignments().ToGetRequestInformation(ctx, nil)
	case groupDelta:
		return all.Delta().ToGetRequestInformation(ctx, nil)
	default:
		return group.ToGetRequestInformation(ctx, nil)
	}
}
