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
//
// Pages that lead back to one that was read, or of which a hundred in a row bring
// nothing new, are a Transient fault; whoever asks for the next one all the same
// is told Gone.
func (c *Client) Members(ctx context.Context, groupID string, transitive bool, page string) (provision.MemberPage, error) {
	chain, ended := c.chains.of(page)
	if ended {
		return provision.MemberPage{}, provision.Answered(provision.Gone, readMembers(groupID), errEnded)
	}
	list := membersOf(groupID, transitive)
	body, err := c.firstOr(ctx, list, page)
	if err != nil {
		return provision.MemberPage{}, membersFault(groupID, page, err)
	}
	members, read, err := c.decodeMembers(ctx, groupID, body)
	if err == nil {
		err = c.readOn(ctx, list.place, chain, page, read)
	}
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

// firstOr reads the first page of a list, or the one that a link leads to.
func (c *Client) firstOr(ctx context.Context, list request, link string) ([]byte, error) {
	if link == "" {
		return c.fetch(ctx, list)
	}
	body, err := c.follow(ctx, list.place, link)
	return body, concerning(err, list.id)
}

// readOn takes note of a page of a list that is read page by page.
func (c *Client) readOn(ctx context.Context, list place, chain *chain, link string, read collection) error {
	pages, err := c.chains.read(chain, link, read)
	c.tellLength(ctx, list, pages)
	return err
}

// decodeMembers reads a page of members. Its nextLink is looked at here, so
// that no other than this Graph's is ever kept.
func (c *Client) decodeMembers(ctx context.Context, groupID string, body []byte) (provision.MemberPage, collection, error) {
	p, err := decodePage(body)
	if err != nil {
		return provision.MemberPage{}, collection{}, err
	}
	if p.Next != "" {
		if _, err := c.auth.link(p.Next); err != nil {
			return provision.MemberPage{}, collection{}, err
		}
	}
	c.oddities.tell(ctx, c.log, readMembers(groupID), p.oddities())
	users, others := p.of(change.User)
	return provision.MemberPage{Users: users, Others: others, Next: p.Next}, p.collection, nil
}

// membersFault says what a page that was not given means. The group itself
// could be read, so a 403 is about its members alone.
func membersFault(groupID, page string, err error) *provision.Fault {
	f := goneFault(readMembers(groupID), readHidden+" if its membership is hidden, else "+readAnyMembers, err)
	var refused *refusal
	switch {
	case page != "" && (errors.Is(err, errForeignHost) || errors.Is(err, errForeignPath)):
		f.Says(provision.Gone)
	case !errors.As(err, &refused):
	case refused.expired:
		f.Says(provision.Gone)
	case refused.status == http.StatusForbidden && !refused.isForeign():
		f.Kind = provision.Permanent
	}
	return f
}

// GroupsOf implements provision.Directory: one call for up to 999 groups.
func (c *Client) GroupsOf(ctx context.Context, o change.Object, transitive bool) ([]string, error) {
	operation := "read groups of " + o.String() + " from Entra"
	list := memberOf(o, transitive)
	body, err := c.fetch(ctx, list)
	if err != nil {
		return nil, goneFault(operation, permission(o.Kind), err)
	}
	var groups []string
	for p, err := range c.pages(ctx, list.place, body) {
		if err != nil {
			return nil, goneFault(operation, permission(o.Kind), concerning(err, o.ID))
		}
		ids, _ := p.of(change.Group)
		groups = append(groups, ids...)
	}
	return groups, nil
}

// goneFault is fault, with Gone for an object that is not there.
func goneFault(operation, permission string, err error) *provision.Fault {
	f := fault(operation, permission, err)
	if notThere(err) {
		f.Says(provision.Gone)
	}
	return f
}
