package entra

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"

	abs "github.com/microsoft/kiota-abstractions-go"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
)

// page is a page of directory objects of which only the ids were asked for.
type page struct {
	collection

	objects []object
	odd     []oddity
}

// object is a directory object on a page.
type object struct{ odataType, id string }

// decodePage reads a page. What has no id that can be read is left out.
func decodePage(body []byte) (page, error) {
	list, err := decodeCollection("objects", body)
	if err != nil {
		return page{}, err
	}
	p := page{collection: list, objects: make([]object, 0, len(list.Elements))}
	for _, element := range list.Elements {
		var o identity
		unread := json.Unmarshal(element, &o)
		id, ok := change.ParseID(text(o.ID))
		if unread != nil || !ok {
			p.odd = append(p.odd, oddity{"an object whose id is not a GUID is left out of a list", printable.Short(text(o.ID), 40)})
			continue
		}
		p.objects = append(p.objects, object{text(o.Type), id})
	}
	return p, nil
}

// of returns the ids of the objects that may be of the kind, and how many are of
// others, or cannot be read.
func (p page) of(kind change.Kind) (ids []string, others int) {
	ids, others = make([]string, 0, len(p.objects)), len(p.odd)
	for _, o := range p.objects {
		if maybe(kind, o.odataType) {
			ids = append(ids, o.id)
		} else {
			others++
		}
	}
	return ids, others
}

// oddities are what of the page could not be read, or is of no known type.
func (p page) oddities() []oddity {
	odd := p.odd
	for _, o := range p.objects {
		if natureOf(o.odataType) == unsaid {
			odd = append(odd, oddity{"a list holds objects of a type that is not known", cmp.Or(printable.Short(o.odataType, 80), "no type")})
		}
	}
	return odd
}

// pages yields the page in body and those after it. An error is the last it
// yields.
func (c *Client) pages(ctx context.Context, list place, body []byte) iter.Seq2[page, error] {
	return paged(ctx, c, list, body, func(body []byte) (page, collection, error) {
		p, err := decodePage(body)
		c.oddities.tell(ctx, c.log, "read "+list.listed(), p.oddities())
		return p, p.collection, err
	})
}

// assignmentPages is pages, of assignments to a service principal.
func (c *Client) assignmentPages(ctx context.Context, list place, body []byte, servicePrincipalID string) iter.Seq2[assignmentPage, error] {
	return paged(ctx, c, list, body, func(body []byte) (assignmentPage, collection, error) {
		p, err := decodeAssignments(body, servicePrincipalID)
		c.oddities.tell(ctx, c.log, "read "+list.listed(), p.odd)
		return p, p.collection, err
	})
}

// paged yields what decode makes of a page and of those after it.
func paged[P any](ctx context.Context, c *Client, list place, body []byte, decode func([]byte) (P, collection, error)) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		var none P
		chain, link := newChain(), ""
		for {
			p, read, err := decode(body)
			if !yield(p, err) || err != nil {
				return
			}
			pages, err := chain.read(link, read)
			c.tellLength(ctx, list, pages)
			if link = read.Next; link == "" {
				return
			}
			if err == nil {
				body, err = c.follow(ctx, list, link)
			}
			if err != nil {
				yield(none, err)
				return
			}
		}
	}
}

// tellLength logs that a long list goes on.
func (c *Client) tellLength(ctx context.Context, list place, pages int) {
	if pages%tellEvery == 0 {
		c.log.InfoContext(ctx, "a long list goes on", "list", list.listed(), "pages", pages)
	}
}

// fetch makes the request alone. Of a list it gets the first page.
func (c *Client) fetch(ctx context.Context, r request) ([]byte, error) {
	body, err := c.sized(ctx, r.place, func(size int32) ([]byte, error) {
		r.top = size
		info, err := c.build(ctx, r)
		if err != nil {
			return nil, err
		}
		if r.place.isDelta() {
			prefer(info, size)
		}
		return c.send(ctx, info)
	})
	return body, concerning(err, r.id, r.app)
}

// follow reads the page of a list that a link leads to. A link that Graph itself
// gave and now calls bad has expired (Directory_ExpiredPageToken).
func (c *Client) follow(ctx context.Context, list place, link string) ([]byte, error) {
	uri, err := c.auth.link(link)
	if err != nil {
		return nil, err
	}
	body, err := c.sized(ctx, list, func(size int32) ([]byte, error) {
		info := abs.NewRequestInformation()
		info.Method = abs.GET
		info.SetUri(*uri)
		info.Headers.Add("Accept", "application/json")
		if list.isDelta() || size < pageSize {
			prefer(info, size)
		}
		return c.send(ctx, info)
	})
	if refused, ok := errors.AsType[*refusal](err); ok {
		refused.expired = refused.own && (refused.status == http.StatusBadRequest || refused.status == http.StatusGone)
	}
	return body, err
}
