package entra

import (
	"context"
	"errors"
	"net/http"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// Members implements provision.Directory: one call for up to 999 members. A
// group that seems empty costs one more, for whether its membership is hidden.
// A page is Graph's nextLink; one that leads elsewhere than to this Graph is
// Gone, and is not asked for. Fault Gone also if there is no such group.
func (c *Client) Members(ctx context.Context, groupID string, transitive bool, page string) (provision.MemberPage, error) {
	body, err := c.memberPage(ctx, groupID, transitive, page)
	if err != nil {
		return provision.MemberPage{}, membersFault(groupID, page, err)
	}
	members, err := c.decodeMembers(body)
	if err != nil {
		return provision.MemberPage{}, fault(readMembers(groupID), readAnyMembers, err)
	}
	if page == "" && len(members.Users)+members.Others == 0 && members.Next == "" {
		if err := c.doubtEmpty(ctx, groupID); err != nil {
			return provision.MemberPage{}, err
		}
	}
	return members, nil
}

// readMembers is what Members does, for its faults.
func readMembers(groupID string) string { return "read members of group " + groupID + " from Entra" }

func (c *Client) memberPage(ctx context.Context, groupID string, transitive bool, page string) ([]byte, error) {
	if page == "" {
		return c.fetch(ctx, membersOf(groupID, transitive))
	}
	return c.follow(ctx, page)
}

// decodeMembers reads a page of members. Its nextLink is looked at here, so
// that no other than this Graph's is ever kept.
func (c *Client) decodeMembers(body []byte) (provision.MemberPage, error) {
	p, err := decodePage(body)
	if err != nil {
		return provision.MemberPage{}, err
	}
	users, others, err := p.of(change.User)
	if err != nil {
		return provision.MemberPage{}, err
	}
	if p.Next != "" {
		if _, err := c.auth.link(p.Next); err != nil {
			return provision.MemberPage{}, err
		}
	}
	return provision.MemberPage{Users: users, Others: others, Next: p.Next}, nil
}

// membersFault says what a page that was not given means. The group itself
// could be read, so a 403 is about its members alone.
func membersFault(groupID, page string, err error) *provision.Fault {
	f := goneFault(readMembers(groupID), readHidden+" if its membership is hidden, else "+readAnyMembers, err)
	var refused *refusal
	switch {
	case page != "" && (errors.Is(err, errForeignHost) || errors.Is(err, errForeignPath)):
		f.Kind = provision.Gone
	case !errors.As(err, &refused):
	case refused.expired:
		f.Kind = provision.Gone
	case refused.status == http.StatusForbidden:
		f.Kind = provision.Permanent
	}
	return f
}

// GroupsOf implements provision.Directory: one call for up to 999 groups.
func (c *Client) GroupsOf(ctx context.Context, o change.Object, transitive bool) ([]string, error) {
	operation := "read groups of " + o.String() + " from Entra"
	body, err := c.fetch(ctx, memberOf(o, transitive))
	if err != nil {
		return nil, goneFault(operation, permission(o.Kind), err)
	}
	var groups []string
	for p, err := range c.pages(ctx, body) {
		if err != nil {
			return nil, goneFault(operation, permission(o.Kind), err)
		}
		ids, _, err := p.of(change.Group)
		if err != nil {
			return nil, fault(operation, permission(o.Kind), err)
		}
		groups = append(groups, ids...)
	}
	return groups, nil
}

// goneFault is fault, with Gone for an object that is not there.
func goneFault(operation, permission string, err error) *provision.Fault {
	f := fault(operation, permission, err)
	if notThere(err) {
		f.Kind = provision.Gone
	}
	return f
}
