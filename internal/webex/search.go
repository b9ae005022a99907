package webex

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
)

const (
	// maxSearchPages bounds how many pages of a search are read. A name has one
	// user, and few groups: who answers more ignores the filter.
	maxSearchPages = 100
	// maxLooks bounds how many of those that a search found without showing why
	// are looked at singly.
	maxLooks = 20
)

// search asks for what passes a filter.
type search struct {
	kind change.Kind
	// by is the attribute of the filter.
	by, filter string
	// matches reports whether a resource has the value, and whether it shows
	// that at all.
	matches func(attributes map[string]any) (match, shown bool)
}

// Named searches the organization for a user by userName or for groups by
// displayName: GET /Users or GET /Groups with a filter, all pages of it. What
// has another name is left out: who ignored the filter would otherwise have
// anything adopted.
func (c *Client) Named(ctx context.Context, kind change.Kind, name string) ([]provision.Resource, error) {
	attribute := typeOf(kind).name
	return c.search(ctx, search{kind, attribute, attribute + " eq " + quote(name), func(attributes map[string]any) (match, shown bool) {
		given, shown := valueOf(attributes, attribute).(string)
		return strings.EqualFold(given, name), shown
	}})
}

// Addressed searches the organization for users by an address of theirs: GET
// /Users with a filter. Webex has been seen to leave emails out of a list.
func (c *Client) Addressed(ctx context.Context, address string) ([]provision.Resource, error) {
	return c.search(ctx, search{change.User, "emails.value", "emails.value eq " + quote(address), func(attributes map[string]any) (match, shown bool) {
		emails, shown := valueOf(attributes, "emails").([]any)
		return slices.ContainsFunc(emails, func(element any) bool {
			email, _ := element.(map[string]any)
			return strings.EqualFold(text(email, "value"), address)
		}), shown
	}})
}

// Matching searches the organization for users that meet a criterion: GET /Users with
// its filter. Who does not is left out, as with Named.
func (c *Client) Matching(ctx context.Context, criterion mapping.Criterion) ([]provision.Resource, error) {
	return c.search(ctx, search{change.User, criterion.Target(), criterion.Filter(), criterion.Met})
}

func (s search) path() string {
	path := typeOf(s.kind).endpoint + "?filter=" + escape(s.filter)
	if s.kind == change.Group {
		path += "&" + withoutMembers
	}
	return path
}

// finding is a search under way.
type finding struct {
	search

	found []provision.Resource
	seen  map[string]bool
	looks int
}

// search returns what matches, each once, of all that the server answers.
func (c *Client) search(ctx context.Context, s search) ([]provision.Resource, error) {
	f := finding{search: s, found: []provision.Resource{}, seen: map[string]bool{}}
	walk := c.newWalk(fmt.Sprintf("search Webex %ss by %s", s.kind, s.by), maxSearchPages)
	for walk.next() {
		path := s.path()
		if walk.start > 1 {
			path += fmt.Sprintf("&startIndex=%d", walk.start)
		}
		p, err := c.page(ctx, walk, path)
		if err != nil {
			return nil, err
		}
		for _, attributes := range p.fresh {
			if err := c.take(ctx, &f, walk.what, attributes); err != nil {
				return nil, err
			}
		}
		walk.came(len(p.Resources.all), p.TotalResults)
	}
	switch {
	case walk.cut:
		return nil, doubt(walk.what, fmt.Sprintf("Webex's answer has more than %d pages, as if it did not look at the filter", maxSearchPages))
	case walk.short():
		return nil, doubt(walk.what, fmt.Sprintf("Webex finds %d by its own count and shows %d, as if it looked at the filter on some pages only",
			walk.told, walk.start-1))
	}
	return f.found, nil
}

// take adds what was found to the finding if it has the value that was searched
// for. It is read by its id where the list does not show that.
func (c *Client) take(ctx context.Context, f *finding, what string, attributes map[string]any) error {
	id := text(attributes, "id")
	if f.seen[id] || !c.describes(ctx, typeOf(f.kind), what, attributes) { // moved to a later page, or is something else
		return nil
	}
	f.seen[id] = true
	match, shown := f.matches(attributes)
	if shown {
		if match {
			f.found = append(f.found, resource(f.kind, attributes))
		}
		return nil
	}
	if f.looks++; f.looks > maxLooks {
		return doubt(what, fmt.Sprintf("Webex finds more than %d and does not show of them what was searched for", maxLooks))
	}
	r, err := c.one(ctx, f.kind, id)
	if err != nil {
		if provision.Gone.Is(err) {
			return nil
		}
		return err
	}
	if match, _ := f.matches(r.Attributes); match {
		f.found = append(f.found, r)
	}
	return nil
}
