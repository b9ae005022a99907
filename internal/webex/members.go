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

// Members reads the group's members page by page, of which it holds one:
// GET /Groups/{id}/Members. Of a server that has only plain SCIM it reads the
// group: GET /Groups/{id}. An error of each is returned as it is.
func (c *Client) Members(ctx context.Context, groupID string, each func(ids []string) error) error {
	what := "read the members of Webex group " + groupID
	path := typeOf(change.Group).path(groupID) + "/Members"
	return pages(what, func(start int) (got, total int, err error) {
		query := fmt.Sprintf("?startIndex=%d&count=%d&memberType=user", start, membersPage)
		r, err := c.exchange(ctx, what, http.MethodGet, path+query, nil)
		switch {
		case err != nil:
			return 0, 0, err
		case start == 1 && (r.status == http.StatusNotFound || r.status == http.StatusNotImplemented):
			members, err := c.groupMembers(ctx, groupID)
			if err != nil {
				return 0, 0, err
			}
			return 0, 0, hand(members, each)
		case !r.ok():
			return 0, 0, c.refused(what, r)
		}
		var page struct {
			// Webex counts in memberSize, though its schema says totalResults.
			MemberSize   int      `json:"memberSize"`
			TotalResults int      `json:"totalResults"`
			Members      []member `json:"members"`
		}
		if err := r.decode(what, &page); err != nil {
			return 0, 0, err
		}
		got, total = len(page.Members), max(page.MemberSize, page.TotalResults)
		if total == 0 && got == membersPage {
			total = start + got // it does not count: after a full page look for another
		}
		return got, total, hand(page.Members, each)
	})
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
	var group struct {
		Members []member `json:"members"`
	}
	if err := c.read(ctx, what, typeOf(change.Group).path(groupID), &group); err != nil {
		return nil, err
	}
	return group.Members, nil
}
