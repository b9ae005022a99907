package webex

import (
	"context"
	"fmt"
	"iter"
	"slices"
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
	return c.list(ctx, change.User, fmt.Sprintf("count=%d", usersPage), func(p listPage) error {
		users := make([]provision.Resource, 0, len(p.fresh))
		for _, attributes := range p.fresh {
			users = append(users, resource(change.User, attributes))
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
	return c.list(ctx, change.Group, query, func(p listPage) error {
		shown := 0
		for _, attributes := range p.Resources.all {
			for list := range memberLists(attributes) {
				shown += len(list)
			}
		}
		groups := make([]provision.ListedGroup, 0, len(p.fresh))
		for _, attributes := range p.fresh {
			members, whole := membersOf(attributes)
			groups = append(groups, provision.ListedGroup{
				Resource: resource(change.Group, attributes), Members: users(members),
				Whole: whole && len(members) < membersPage && shown != membersPage,
			})
		}
		return each(groups)
	})
}

// membersOf reads the members that a group in a list shows, and whether it
// shows any list of them that can be read to its end.
func membersOf(group map[string]any) (members []member, whole bool) {
	for list := range memberLists(group) {
		whole = true
		members = slices.Grow(members, len(list))
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

// memberLists yields the lists of members that a group shows: one, where no name
// comes twice in other case.
func memberLists(group map[string]any) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for name, value := range group {
			if list, ok := value.([]any); ok && strings.EqualFold(name, "members") && !yield(list) {
				return
			}
		}
	}
}

// list calls each with one page after the other, and what is fresh of it. What
// is of another kind is left out. A list without a count ends with an empty
// page.
func (c *Client) list(ctx context.Context, kind change.Kind, query string, each func(p listPage) error) error {
	t := typeOf(kind)
	walk := c.newWalk(fmt.Sprintf("list the %ss of Webex", kind), maxListPages)
	walk.untilEmpty = true
	walk.goOver()
	for walk.next() {
		p, err := c.page(ctx, walk, fmt.Sprintf("%s?sortBy=id&sortOrder=ascending&startIndex=%d&%s", t.endpoint, walk.start, query))
		if err != nil {
			return err
		}
		p.fresh = slices.DeleteFunc(p.fresh, func(attributes map[string]any) bool { return !c.describes(ctx, t, walk.what, attributes) })
		if len(p.fresh) > 0 {
			if err := each(p); err != nil {
				return err
			}
		}
		walk.came(len(p.Resources.all), p.TotalResults)
		c.tellLength(ctx, walk)
	}
	return walk.tooLong()
}
