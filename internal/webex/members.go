package webex

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"entrawebex/internal/change"
)

// membersPage is how many members Webex returns in a page at most.
// https://developer.webex.com/docs/api/v1/scim-2-groups/get-group-members
const membersPage = 500

// maxMemberPages bounds how many pages of one group are read: twice the members
// a group of Webex can have.
const maxMemberPages = 1000

// member is a member of a group (RFC 7643 section 4.2).
type member struct {
	Value string `json:"value"`
	Type  string `json:"type"`
}

// users returns the ids of those members that are users, or that the server
// does not say what they are.
func users(members []member) []string {
	ids := make([]string, 0, len(members))
	for _, m := range members {
		if m.Value != "" && (m.Type == "" || strings.EqualFold(m.Type, "user")) {
			ids = append(ids, m.Value)
		}
	}
	return ids
}

// Members reads the group's members page by page, of which it holds one and
// the ids of the one before: GET /Groups/{id}/Members. Of a server that has
// only plain SCIM it reads the group: GET /Groups/{id}. An error of each is
// returned as it is.
func (c *Client) Members(ctx context.Context, groupID string, each func(ids []string) error) error {
	walk := c.newWalk("read the members of Webex group "+groupID, maxMemberPages)
	for walk.next() {
		p, whole, err := c.membersFrom(ctx, walk, groupID)
		if err != nil {
			return err
		}
		ids := make([]string, 0, len(p.Members))
		for _, m := range p.Members {
			if m.Value != "" {
				ids = append(ids, m.Value)
			}
		}
		if len(ids) == 0 && len(p.Members) > 0 {
			return doubt(walk.what, "Webex lists members without an id")
		}
		if _, err := walk.sift(ids); err != nil {
			return err
		}
		if err := hand(p.Members, each); err != nil {
			return err
		}
		if whole {
			return nil
		}
		walk.came(len(p.Members), p.count())
		c.tellLength(ctx, walk)
	}
	return walk.tooLong()
}

// memberList is a page of a group's members. Webex counts in memberSize, though
// its schema says totalResults.
type memberList struct {
	MemberSize   *int     `json:"memberSize"`
	TotalResults *int     `json:"totalResults"`
	Members      []member `json:"members"`
	Schemas      any      `json:"schemas"`
}

// count is how many members there are; nil if the server does not say it.
func (p memberList) count() *int {
	if p.MemberSize == nil || p.TotalResults != nil && *p.TotalResults > *p.MemberSize {
		return p.TotalResults
	}
	return p.MemberSize
}

// mismatch says why this is no page of members; empty if it is.
func (p memberList) mismatch() string {
	given := map[string]any{"schemas": p.Schemas}
	switch count := p.count(); {
	case !saysNoSchema(given) && !hasSchema(given, membersSchema):
		return "Webex's answer is no list of members"
	case p.Members == nil && (count == nil || *count != 0):
		return "Webex's answer has no list of members"
	default:
		return ""
	}
}

// membersFrom reads the page that the walk is at, or the whole group if it is
// the first and the server itself says that there are none.
func (c *Client) membersFrom(ctx context.Context, w *walk, groupID string) (page memberList, whole bool, err error) {
	path := fmt.Sprintf("%s/Members?startIndex=%d&count=%d&memberType=user", typeOf(change.Group).path(groupID), w.start, membersPage)
	r, err := c.exchange(ctx, w.what, http.MethodGet, path, nil)
	switch {
	case err != nil:
		return memberList{}, false, err
	case w.start == 1 && (r.status == http.StatusNotFound || r.status == http.StatusNotImplemented) && said(r).origin == scim:
		page.Members, err = c.groupMembers(ctx, groupID)
		if len(page.Members) == membersPage {
			// Webex itself, which shows no more here and has a list for them.
			return memberList{}, false, doubt(w.what, fmt.Sprintf("Webex has no list of them, and shows %d in the group, perhaps of more", membersPage))
		}
		return page, true, err
	case !r.ok():
		return memberList{}, false, c.refused(w.what, r)
	}
	if err := r.decode(w.what, &page); err != nil {
		return memberList{}, false, err
	}
	if why := page.mismatch(); why != "" {
		return memberList{}, false, r.doubt(w.what, why)
	}
	return page, false, nil
}

func hand(members []member, each func(ids []string) error) error {
	if ids := users(members); len(ids) > 0 {
		return each(ids)
	}
	return nil
}

// groupMembers reads the members that a group has in its own resource, of
// which Webex shows 500.
func (c *Client) groupMembers(ctx context.Context, groupID string) ([]member, error) {
	what := "read Webex group " + groupID
	r, err := c.read(ctx, what, typeOf(change.Group).path(groupID))
	if err != nil {
		return nil, err
	}
	return groupShown(what, groupID, r)
}

// groupShown reads the members that an answer shows of a group; nil if it shows
// none.
func groupShown(what, groupID string, r reply) ([]member, error) {
	var attributes map[string]any
	if err := r.decode(what, &attributes); err != nil {
		return nil, err
	}
	if why := typeOf(change.Group).mismatch(groupID, attributes); why != "" {
		return nil, r.doubt(what, "Webex's answer "+why)
	}
	members, _ := membersOf(attributes)
	return members, nil
}
