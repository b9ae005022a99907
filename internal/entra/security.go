package entra

import (
	"context"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// A user's custom security attributes, and the permission without which Graph shows
// them to nobody, whatever else it shows of a user
// (https://learn.microsoft.com/graph/api/resources/user). That delta queries track
// them is documented nowhere.
const (
	securityAttributes     = "customSecurityAttributes"
	readSecurityAttributes = "CustomSecAttributeAssignment.Read.All"
)

// tracked are those of the attributes that a delta query tracks.
func tracked(attributes []string) []string {
	return slices.DeleteFunc(slices.Clone(attributes), func(name string) bool { return name == securityAttributes })
}

// selectsSecurity reports whether custom security attributes are read of objects of a
// kind.
func (c *Client) selectsSecurity(kind change.Kind) bool {
	return slices.Contains(c.selects[kind], securityAttributes)
}

// seeSecurity returns nil if what a live object's attributes show of custom security
// attributes is so, else a *Fault: that they are null is believed only if the access
// token shows the permission to see them.
func (c *Client) seeSecurity(ctx context.Context, o change.Object, attributes map[string]any) error {
	if attributes[securityAttributes] != nil || !c.selectsSecurity(o.Kind) {
		return nil
	}
	roles, known, err := c.Roles(ctx)
	switch {
	case err != nil:
		return err
	case known && slices.Contains(roles, readSecurityAttributes):
		return nil
	}
	return &provision.Fault{Kind: provision.Unauthorized, Reason: "read " + o.String() +
		" from Entra: the mapping reads custom security attributes, and the access token does not show the application permission " +
		readSecurityAttributes + " (grant it, with admin consent, or take them out of the mapping)"}
}

// itemPermission is what reading one object needs.
func (c *Client) itemPermission(kind change.Kind) string {
	if c.selectsSecurity(kind) {
		return permission(kind) + ", and for custom security attributes " + readSecurityAttributes
	}
	return permission(kind)
}

// Permission is an application permission, and what takes it.
type Permission struct{ Name, For string }

// MorePermissions are those that reading these attributes of users takes beside
// User.Read.All (https://learn.microsoft.com/graph/api/resources/user).
func MorePermissions(attributes []string) []Permission {
	var more []Permission
	for _, one := range [...]Permission{{readSecurityAttributes, securityAttributes}, {"User-LifeCycleInfo.Read.All", "employeeLeaveDateTime"}} {
		if slices.Contains(attributes, one.For) {
			more = append(more, one)
		}
	}
	return more
}
