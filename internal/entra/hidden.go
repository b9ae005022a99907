package entra

import (
	"context"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// A group's visibility, and the one of its values under which Graph shows the
// members to nobody without a permission of its own
// (https://learn.microsoft.com/graph/api/resources/group).
const (
	visibility       = "visibility"
	hiddenMembership = "HiddenMembership"
)

// readHidden is that permission, readAnyMembers the least privileged one for
// all other groups.
const (
	readHidden     = "Member.Read.Hidden"
	readAnyMembers = "GroupMember.Read.All"
)

// seeHidden returns nil if Graph shows us the members of a group whose
// membership is hidden, else a *Fault: it leaves them out without a word, and a
// token that does not tell its permissions does not tell that either.
func (c *Client) seeHidden(ctx context.Context, groupID string) error {
	roles, known, err := c.Roles(ctx)
	switch {
	case err != nil:
		return err
	case known && slices.Contains(roles, readHidden):
		return nil
	}
	return &provision.Fault{Kind: provision.Permanent, Reason: readMembers(groupID) +
		": its membership is hidden, and the access token does not show the application permission " + readHidden +
		" (grant it, with admin consent, or change the group's visibility)"}
}

// doubtEmpty returns nil if a group that shows no members has none, else a
// *Fault.
func (c *Client) doubtEmpty(ctx context.Context, groupID string) error {
	group := change.Object{Kind: change.Group, ID: groupID}
	var a answer
	a.body, a.err = c.fetch(ctx, request{place: groupVisibility, id: groupID})
	attributes, err := a.attributes(group)
	switch {
	case err != nil:
		return goneFault("read visibility of "+group.String()+" from Entra", readGroups, err)
	case attributes[visibility] == hiddenMembership:
		return c.seeHidden(ctx, groupID)
	}
	return nil
}
