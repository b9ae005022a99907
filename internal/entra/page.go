package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"

	"entrawebex/internal/change"
	"entrawebex/internal/reconcile"
)

// page is a page of directory objects of which only the ids were asked for
// (https://learn.microsoft.com/graph/paging).
type page struct {
	// Objects are not nil once a page was read.
	Objects []struct {
		Type string `json:"@odata.type"`
		ID   string `json:"id"`
	} `json:"value"`
	// Next is the next page's URL; empty after the last.
	Next string `json:"@odata.nextLink"`
}

// decodePage reads a page. That it lists nothing must be said, not left out.
func decodePage(body []byte) (page, error) {
	var p page
	if err := json.Unmarshal(body, &p); err != nil {
		return page{}, errors.New("the answer is not a page of objects")
	}
	if p.Objects == nil {
		return page{}, errors.New("the answer has no list of objects")
	}
	return p, nil
}

// of returns the ids of the objects of one kind, and how many are of others.
// One that does not say what it is spoils the page.
func (p page) of(kind change.Kind) (ids []string, others int, err error) {
	ids = make([]string, 0, len(p.Objects))
	for _, o := range p.Objects {
		if !strings.EqualFold(o.Type, odataType(kind)) {
			if o.Type == "" {
				return nil, 0, errors.New("the answer does not say what kind of objects it lists")
			}
			others++
			continue
		}
		id, ok := change.ParseID(o.ID)
		if !ok {
			return nil, 0, fmt.Errorf("the answer lists a %s whose id is not a GUID", kind)
		}
		ids = append(ids, id)
	}
	return ids, others, nil
}

// pages yields the page in body and those after it, at most maxPages. An error
// is the last it yields.
func (c *Client) pages(ctx context.Context, body []byte) iter.Seq2[page, error] {
	return paged(ctx, c, body, func(body []byte) (page, string, error) {
		p, err := decodePage(body)
		return p, p.Next, err
	})
}

// assignmentPages is pages, of assignments to a service principal.
func (c *Client) assignmentPages(ctx context.Context, body []byte, servicePrincipalID string) iter.Seq2[reconcile.AssignmentPage, error] {
	return paged(ctx, c, body, func(body []byte) (reconcile.AssignmentPage, string, error) {
		p, err := decodeAssignments(body, servicePrincipalID)
		return p, p.Next, err
	})
}

// paged yields what decode makes of a page and of those after it.
func paged[P any](ctx context.Context, c *Client, body []byte, decode func([]byte) (P, string, error)) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		var none P
		for range maxPages {
			p, next, err := decode(body)
			if !yield(p, err) || err != nil || next == "" {
				return
			}
			if body, err = c.follow(ctx, next); err != nil {
				yield(none, err)
				return
			}
		}
		yield(none, fmt.Errorf("more than %d pages", maxPages))
	}
}

// fetch makes the request alone.
func (c *Client) fetch(ctx context.Context, r request) ([]byte, error) {
	info, err := c.build(ctx, r)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, info)
}

// follow reads the page that a nextLink leads to. A link that Graph itself gave
// and now calls bad has expired (Directory_ExpiredPageToken).
func (c *Client) follow(ctx context.Context, next string, more ...func(*abs.RequestInformation)) ([]byte, error) {
	uri, err := c.auth.link(next)
	if err != nil {
		return nil, err
	}
	info := abs.NewRequestInformation()
	info.Method = abs.GET
	info.SetUri(*uri)
	info.Headers.Add("Accept", "application/json")
	for _, add := range more {
		add(info)
	}
	body, err := c.send(ctx, info)
	if refused, ok := errors.AsType[*refusal](err); ok {
		refused.expired = refused.status == http.StatusBadRequest || refused.status == http.StatusGone
	}
	return body, err
}
