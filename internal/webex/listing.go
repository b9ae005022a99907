package webex

import (
	"context"
	"fmt"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

const (
	// usersPage is how many users are asked for at once: Webex's default. The
	// most it gives is not documented.
	// https://developer.webex.com/docs/api/v1/scim-2-users
	usersPage = 100
	// groupsPage is how many groups are asked for at once. A group shows up to
	// 500 members of some 250 bytes, so that a page has 3 MB at most.
	// https://developer.webex.com/docs/api/v1/scim-2-groups
	groupsPage = 25
	// maxListPages bounds how many pages of all users, or groups, are read:
	// two million users, half a million groups.
	maxListPages = 20_000
)

var _ provision.Lister = (*Client)(nil)

// Users lists all users of the organization with all their attributes: GET
// /Users. To leave attributes out would make the pages smaller, and what was
// left out look as if it were not there.
//
// The pages are in the order of the ids, which Webex keeps while users come
// and change, and a server that does not sort ignores. Somebody who is created
// in the meantime may be listed or not, and moves others to a later place:
// whoever comes again on the next page is left out there. Somebody who is
// deleted moves others to an earlier place, where one of them is missed.
func (c *Client) Users(ctx context.Context, each func(page []provision.Resource) error) error {
	return c.list(ctx, change.User, fmt.Sprintf("count=%d", usersPage), func(what string, p listPage) error {
		users := make([]provision.Resource, 0, len(p.fresh))
		for _, attributes := range p.fresh {
			u, err := resource(what, change.User, attributes)
			if err != nil {
				return err
			}
			users = append(users, u)
		}
		return each(users)
	})
}

// Groups lists all groups of the organization with the members they show: GET
// /Groups with includeMembers. What Users says of the order holds here too.
//
// Webex shows 500 members at most and does not say whether it left any out,
// nor whether that is of a group or of a page: both are taken for cut off where
// they have 500. Members of every type are asked for, for they are counted. A
// group without the attribute has no members, or does not show them.
func (c *Client) Groups(ctx context.Context, each func(page []provision.ListedGroup) error) error {
	query := fmt.Sprintf("count=%d&includeMembers=true", groupsPage)
	return c.list(ctx, change.Group, query, func(what string, p listPage) error {
		shown := 0
		for _, attributes := range p.Resources {
			members, _ := membersOf(attributes)
			shown += len(members)
		}
		groups := make([]provision.ListedGroup, 0, len(p.fresh))
		for _, attributes := range p.fresh {
			members, whole := membersOf(attributes)
			g, err := resource(what, change.Group, attributes)
			if err != nil {
				return err
			}
			groups = append(groups, provision.ListedGroup{
				Resource: g, Members: users(members), Whole: whole && len(members) < membersPage && shown != membersPage,
			})
		}
		return each(groups)
	})
}

// membersOf reads the members that a group in a list shows, and whether it
// shows any list of them that can be read to its end.
func membersOf(group map[string]any) (members []member, whole bool) {
	for name, value := range group {
		list, ok := value.([]any)
		if !ok || !strings.EqualFold(name, "members") {
			continue
		}
		whole = true
		for _, element := range list {
			given, _ := element.(map[string]any)
			id, _ := given["value"].(string)
			kind, _ := given["type"].(string)
			members = append(members, member{Value: id, Type: kind})
			whole = whole && id != ""
		}
	}
	return members, whole
}

// listPage is a page of a list of resources (RFC 7644 section 3.4.2).
type listPage struct {
	// TotalResults is nil if the server does not say it.
	TotalResults *int             `json:"totalResults"`
	Resources    []map[string]any `json:"Resources"`

	// fresh are those that the page before did not have.
	fresh []map[string]any
}

// list calls each with one page after the other. That there is nothing must be
// said: a page without its list is a fault, unless the total is zero (RFC 7644
// section 3.4.2), and so is an empty one before the total, and one that has
// nothing that the page before had not. The next page begins after what came,
// whatever itemsPerPage says: so no page is left out or read for ever.
func (c *Client) list(ctx context.Context, kind change.Kind, query string, each func(what string, p listPage) error) error {
	what := fmt.Sprintf("list the %ss of Webex", kind)
	var before map[string]bool
	start := 1
	for range maxListPages {
		path := fmt.Sprintf("%s?sortBy=id&sortOrder=ascending&startIndex=%d&%s", typeOf(kind).endpoint, start, query)
		var p listPage
		if err := c.read(ctx, what, path, &p); err != nil {
			return err
		}
		last, err := p.isEmpty(what, start)
		if err != nil || last {
			return err
		}
		if before, err = p.sift(what, before); err != nil {
			return err
		}
		if err := each(what, p); err != nil {
			return err
		}
		start += len(p.Resources)
		if p.TotalResults != nil && start > *p.TotalResults {
			return nil
		}
	}
	return &provision.Fault{
		Kind: provision.Permanent, Reason: fmt.Sprintf("%s: Webex's answer has more than %d pages", what, maxListPages),
	}
}

// isEmpty reports whether the page, which begins at start, says that there is
// nothing there. An error if it has nothing and does not say so.
func (p *listPage) isEmpty(what string, start int) (bool, error) {
	switch {
	case len(p.Resources) > 0:
		return false, nil
	case p.TotalResults != nil && *p.TotalResults >= 0 && *p.TotalResults < start:
		return true, nil
	case p.Resources == nil:
		return false, doubt(what, "Webex's answer has no list")
	case p.TotalResults == nil:
		return true, nil
	default:
		return false, doubt(what, fmt.Sprintf("Webex's list is empty from %d on, and has %d by its own count", start, *p.TotalResults))
	}
}

// sift finds what is fresh and returns the ids of the page.
func (p *listPage) sift(what string, before map[string]bool) (map[string]bool, error) {
	ids := make(map[string]bool, len(p.Resources))
	for _, attributes := range p.Resources {
		id, _ := attributes["id"].(string)
		if id == "" {
			return nil, doubt(what, "Webex lists something without an id")
		}
		if !before[id] && !ids[id] {
			p.fresh = append(p.fresh, attributes)
		}
		ids[id] = true
	}
	if len(p.fresh) == 0 {
		return nil, doubt(what, "Webex answers the page before once more")
	}
	return ids, nil
}
