package scim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	scim "github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
)

// ordered keeps items in an order, so that a page of them needs no sorting.
type ordered[T any] struct {
	compare func(a, b T) int
	items   []T
	added   []T // which are not in their place yet
}

// few items are put into their place one by one; for more all are sorted.
const few = 16

func (o *ordered[T]) add(item T) { o.added = append(o.added, item) }

func (o *ordered[T]) remove(item T) {
	items := o.all()
	if i, ok := slices.BinarySearchFunc(items, item, o.compare); ok {
		o.items = slices.Delete(items, i, i+1)
	}
}

// all returns the items in their order. It is not to be changed, and good until
// the next call.
func (o *ordered[T]) all() []T {
	if len(o.added) <= few {
		for _, item := range o.added {
			i, _ := slices.BinarySearchFunc(o.items, item, o.compare)
			o.items = slices.Insert(o.items, i, item)
		}
	} else {
		o.items = append(o.items, o.added...)
		slices.SortFunc(o.items, o.compare)
	}
	clear(o.added)
	o.added = o.added[:0]
	return o.items
}

func accountsByID(a, b *account) int { return cmp.Compare(a.id, b.id) }

func groupsByID(a, b *group) int { return cmp.Compare(a.id, b.id) }

// arrangement is the order that a request asks for.
type arrangement struct {
	by         string // empty for the time of creation
	descending bool
}

// arrangementOf reads sortBy and sortOrder. "Now we only allow" id,
// meta.lastModified and the name to sort by.
func arrangementOf(r *http.Request, name string) (arrangement, error) {
	var a arrangement
	query := r.URL.Query()
	for _, known := range []string{"id", "meta.lastModified", name} {
		if strings.EqualFold(query.Get("sortBy"), known) {
			a.by = known
		}
	}
	order := query.Get("sortOrder")
	a.descending = strings.EqualFold(order, "descending")
	switch {
	case a.by == "" && query.Get("sortBy") != "":
		return a, scimerrors.ScimErrorBadParams([]string{"sortBy"})
	case order != "" && !a.descending && !strings.EqualFold(order, "ascending"):
		return a, scimerrors.ScimErrorBadParams([]string{"sortOrder"})
	default:
		return a, nil
	}
}

// window returns the part of a list that a page shows.
func window[T any](list []T, params scim.ListRequestParams, descending bool) []T {
	start := min(params.StartIndex-1, len(list))
	end := min(start+params.Count, len(list))
	if !descending {
		return list[start:end]
	}
	page := slices.Clone(list[len(list)-end : len(list)-start])
	slices.Reverse(page)
	return page
}

// arranged returns accounts in the order asked for. To sort by id is the one
// order in which a list of all is read page by page.
func (o *Organization) arranged(params scim.ListRequestParams, by string) ([]*account, error) {
	if params.FilterValidator == nil && by == "id" {
		return o.byID.all(), nil
	}
	matching, err := o.search(params)
	if err != nil || by == "" {
		return matching, err
	}
	return slices.SortedFunc(slices.Values(matching), func(a, b *account) int {
		switch by {
		case "id":
			return accountsByID(a, b)
		case "userName":
			return cmp.Compare(a.key(), b.key())
		default:
			return cmp.Or(a.modified.Compare(b.modified), accountsByID(a, b))
		}
	}), nil
}

// arrangedGroups does the same with groups.
func (o *Organization) arrangedGroups(params scim.ListRequestParams, by string) ([]*group, error) {
	if params.FilterValidator == nil && by == "id" {
		return o.groupsByID.all(), nil
	}
	matching, err := o.searchGroups(params)
	if err != nil || by == "" {
		return matching, err
	}
	return slices.SortedFunc(slices.Values(matching), func(a, b *group) int {
		switch by {
		case "id":
			return groupsByID(a, b)
		case "displayName":
			return cmp.Or(cmp.Compare(strings.ToLower(a.name()), strings.ToLower(b.name())), groupsByID(a, b))
		default:
			return cmp.Or(a.modified.Compare(b.modified), groupsByID(a, b))
		}
	}), nil
}
