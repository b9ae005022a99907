package webex

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"entrawebex/internal/provision"
	"entrawebex/internal/rawjson"
)

const (
	listSchema    = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	membersSchema = "urn:scim:schemas:extension:cisco:webexidentity:2.0:GroupMembers"
)

// walk follows a list page by page (RFC 7644 section 3.4.2.4), as long as each
// brings something new and there are not too many. The next page begins after
// what came, whatever itemsPerPage says: so no page is left out or read for
// ever.
type walk struct {
	what string
	// start is the startIndex of the page that is read now.
	start int
	// cut says that there are more pages than may be read.
	cut bool
	// untilEmpty says that a list without a count ends with an empty page.
	untilEmpty bool

	most, left int
	longest    int // page
	told       int // the most that a page said there is
	done       bool
	// body reads a page.
	body reader
	// values decodes the resources of the pages.
	values rawjson.Decoder
	before map[string]bool // the ids of the page before
	firsts map[string]bool // the first id of each page
}

func (c *Client) newWalk(what string, pages int) *walk {
	return &walk{what: what, start: 1, most: pages, left: pages, body: c.readAll, firsts: map[string]bool{}}
}

// goOver has each page written over the one before: of a long list nothing is kept.
func (w *walk) goOver() {
	var page bytes.Buffer
	w.values.Reuses = true
	w.body = func(from io.Reader) ([]byte, error) {
		page.Reset()
		_, err := page.ReadFrom(from)
		return page.Bytes(), err
	}
}

// tooLong is the fault of a list that was cut.
func (w *walk) tooLong() error {
	if !w.cut {
		return nil
	}
	return &provision.Fault{
		Kind: provision.Permanent, Reason: fmt.Sprintf("%s: Webex's answer has more than %d pages", w.what, w.most),
	}
}

// next reports whether another page is to be read.
func (w *walk) next() bool {
	if w.done {
		return false
	}
	w.left--
	w.cut = w.left < 0
	return !w.cut
}

// came tells how much the page had, and the whole by the server's own count,
// nil if it has none.
//
// Servers have been seen to count the page instead of the whole. So a count is
// no reason to stop after a full page, unless it is the count of the pages
// together: a page is taken for full if it is cut at a hundred, and no shorter
// than those before.
func (w *walk) came(n int, total *int) {
	const cut = 100
	end := w.start - 1 + n
	isFull := n%cut == 0 && n >= w.longest
	w.longest = max(w.longest, n)
	if total != nil {
		w.told = max(w.told, *total)
	}
	switch {
	case n == 0:
		w.done = true
	case total == nil:
		w.done = !isFull && !w.untilEmpty
	case *total == end && w.start > 1:
		w.done = true
	case *total <= end:
		w.done = !isFull
	}
	w.start = end + 1
}

// short reports whether the pages ended before there came what one of them said
// there is.
func (w *walk) short() bool { return w.start-1 < w.told }

// sift tells which of the ids are fresh, in their places: neither twice on the
// page nor on the page before, where others that came meanwhile have moved them
// from. A page that brings nothing new, or begins as an earlier one did, is a
// fault: the list would never end.
func (w *walk) sift(ids []string) ([]bool, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	fresh := make([]bool, len(ids))
	here, news := make(map[string]bool, len(ids)), 0
	for i, id := range ids {
		if fresh[i] = !w.before[id] && !here[id]; fresh[i] {
			news++
		}
		here[id] = true
	}
	switch {
	case news == 0:
		return nil, doubt(w.what, "Webex answers the page before once more")
	case w.firsts[ids[0]]:
		return nil, doubt(w.what, "Webex answers an earlier page once more")
	}
	w.before, w.firsts[ids[0]] = here, true
	return fresh, nil
}

// listPage is a page of a list of resources (RFC 7644 section 3.4.2).
type listPage struct {
	// TotalResults is nil if the server does not say it.
	TotalResults *int      `json:"totalResults"`
	Resources    resources `json:"Resources"`
	Schemas      any       `json:"schemas"`

	// fresh are those that the page before did not have.
	fresh []map[string]any
}

// resources are those of a list, nil if there is none. Their attributes' names are
// there once.
type resources struct {
	all    []map[string]any
	values *rawjson.Decoder
}

// UnmarshalJSON implements json.Unmarshaler.
func (rs *resources) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if data[0] != '[' {
		return errors.New("not a list")
	}
	rs.all = []map[string]any{}
	for element := range rawjson.Elements(data) {
		if element[0] != '{' && element[0] != 'n' {
			return errors.New("not a list of objects")
		}
		rs.all = append(rs.all, listed(rs.values, element))
	}
	return nil
}

// listed decodes a resource of a list: of its meta the resourceType, and of its
// members, which may be 500, what they are. Nothing else is asked of those.
func listed(values *rawjson.Decoder, element []byte) map[string]any {
	attributes := values.Make()
	for name, value := range rawjson.Members(element) {
		switch name := values.Name(name); {
		case strings.EqualFold(name, "meta") && value[0] == '{':
			attributes[name] = values.Object(value, func(name string) bool { return strings.EqualFold(name, "resourceType") })
			continue
		case strings.EqualFold(name, "members") && value[0] == '[':
			members := []any{}
			for one := range rawjson.Elements(value) {
				members = append(members, values.Object(one, func(name string) bool { return name == "value" || name == "type" }))
			}
			attributes[name] = members
			continue
		}
		name, decoded := values.Member(name, value)
		attributes[name] = decoded
	}
	return attributes
}

// page reads the page that the walk is at. That there is nothing must be said:
// a page without its list is a fault, unless the total is zero (RFC 7644
// section 3.4.2), and so is an empty one before the total.
func (c *Client) page(ctx context.Context, w *walk, path string) (listPage, error) {
	r, err := c.readWith(ctx, w.what, path, w.body)
	if err != nil {
		return listPage{}, err
	}
	w.values.Reuse()
	p := listPage{Resources: resources{values: &w.values}}
	if err := r.decode(w.what, &p); err != nil {
		return listPage{}, err
	}
	if why := p.mismatch(w.start); why != "" {
		return listPage{}, r.doubt(w.what, why)
	}
	ids := make([]string, len(p.Resources.all))
	for i, attributes := range p.Resources.all {
		if ids[i] = text(attributes, "id"); ids[i] == "" {
			return listPage{}, r.doubt(w.what, "Webex lists something without an id")
		}
	}
	fresh, err := w.sift(ids)
	for i, isFresh := range fresh {
		if isFresh {
			p.fresh = append(p.fresh, p.Resources.all[i])
		}
	}
	return p, err
}

// mismatch says why this is not the page of a list from start on; empty if it
// is.
func (p *listPage) mismatch(start int) string {
	given := map[string]any{"schemas": p.Schemas}
	switch {
	case !saysNoSchema(given) && !hasSchema(given, listSchema):
		return "Webex's answer is no list"
	case len(p.Resources.all) > 0, p.TotalResults != nil && *p.TotalResults >= 0 && *p.TotalResults < start:
		return ""
	case p.Resources.all == nil:
		return "Webex's answer has no list"
	case p.TotalResults != nil:
		return fmt.Sprintf("Webex's list is empty from %d on, and has %d by its own count", start, *p.TotalResults)
	default:
		return ""
	}
}
