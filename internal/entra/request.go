package entra

import (
	"context"
	"fmt"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/directory"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipals"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"entrawebex/internal/change"
)

// pageSize is the most directory objects Graph puts on a page
// (https://learn.microsoft.com/graph/api/group-list-members).
const pageSize int32 = 999

// place is what of an object is read.
type place int

const (
	userItem place = iota
	groupItem
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
)

// request is one GET. Two that are equal have one answer.
type request struct {
	place place
	id    string
	// app is the service principal the assignments are to.
	app string
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
	top := pageSize
	switch r.place {
	case userItem:
		return query{Select: c.selects[change.User]}
	case groupItem:
		return query{Select: c.selects[change.Group]}
	case groupVisibility:
		return query{Select: []string{"id", visibility}}
	case deletedItem:
		return query{Select: []string{"id", "deletedDateTime"}}
	case servicePrincipalItem:
		return query{Select: []string{"id"}}
	case userAssignments, groupAssignments:
		filter := "resourceId eq " + r.app
		return query{Filter: &filter}
	default:
		return query{Select: []string{"id"}, Top: &top}
	}
}

// build makes of it what kiota sends.
func (c *Client) build(ctx context.Context, r request) (*abs.RequestInformation, error) {
	user := users.NewUsersRequestBuilderInternal(c.path(), c.adapter).ByUserId(r.id)
	group := groups.NewGroupsRequestBuilderInternal(c.path(), c.adapter).ByGroupId(r.id)
	var info *abs.RequestInformation
	var err error
	switch r.place {
	case userItem:
		info, err = user.ToGetRequestInformation(ctx, nil)
	case groupItem, groupVisibility:
		info, err = group.ToGetRequestInformation(ctx, nil)
	case deletedItem:
		info, err = directory.NewDirectoryRequestBuilderInternal(c.path(), c.adapter).
			DeletedItems().ByDirectoryObjectId(r.id).ToGetRequestInformation(ctx, nil)
	case userMemberOf:
		info, err = user.MemberOf().ToGetRequestInformation(ctx, nil)
	case userTransitiveMemberOf:
		info, err = user.TransitiveMemberOf().ToGetRequestInformation(ctx, nil)
	case groupMemberOf:
		info, err = group.MemberOf().ToGetRequestInformation(ctx, nil)
	case groupTransitiveMemberOf:
		info, err = group.TransitiveMemberOf().ToGetRequestInformation(ctx, nil)
	case groupMembers:
		info, err = group.Members().ToGetRequestInformation(ctx, nil)
	case groupTransitiveMembers:
		info, err = group.TransitiveMembers().ToGetRequestInformation(ctx, nil)
	case userAssignments:
		info, err = user.AppRoleAssignments().ToGetRequestInformation(ctx, nil)
	case groupAssignments:
		info, err = group.AppRoleAssignments().ToGetRequestInformation(ctx, nil)
	case servicePrincipalItem:
		info, err = serviceprincipals.NewServicePrincipalsRequestBuilderInternal(c.path(), c.adapter).
			ByServicePrincipalId(r.id).ToGetRequestInformation(ctx, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	info.AddQueryParameters(c.query(r))
	return info, nil
}
