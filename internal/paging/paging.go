// Package paging ends a chain of pages that leads nowhere.
package paging

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"

	"entrawebex/internal/provision"
)

const (
	// barren is how many pages in a row may bring nothing new. Graph sends empty
	// pages where much has changed that was not selected; a large group comes in
	// many pages, each with other members.
	barren = 100
	// tellPages is after how many pages it is told that the reading goes on.
	tellPages = 100
)

// ErrEndless is the cause of the fault that ends a chain of pages.
var ErrEndless = errors.New("the pages do not end")

// Chain follows a chain of pages and ends one that leads nowhere. It is not safe
// for concurrent use.
type Chain struct {
	of    string
	log   *slog.Logger
	pages int
	idle  int
	// links are the pages that were asked for, things what was on them; both by
	// their hashes.
	links, things map[uint64]bool
}

// New returns the chain of the pages of something, by its name in the plural. The
// log is told that a long one goes on; it may be nil.
func New(of string, log *slog.Logger) *Chain {
	return &Chain{of: of, log: log, links: map[uint64]bool{}, things: map[uint64]bool{}}
}

// Sees notes what is on a page, and reports whether any of it is new.
func (c *Chain) Sees(ids ...string) bool {
	fresh := false
	for _, id := range ids {
		if sum := hashText(id); !c.things[sum] {
			c.things[sum], fresh = true, true
		}
	}
	return fresh
}

// Follow is a fault where the page that comes next was asked for already, or too
// many brought nothing new. An empty link ends the chain.
func (c *Chain) Follow(ctx context.Context, link string, fresh bool) error {
	if link == "" {
		return nil
	}
	c.pages++
	c.idle++
	if fresh {
		c.idle = 0
	}
	sum := hashText(link)
	switch {
	case c.links[sum]:
		return c.fault("leads back to a page that was read")
	case c.idle >= barren:
		return c.fault(fmt.Sprintf("brought nothing new on %d pages in a row", c.idle))
	}
	c.links[sum] = true
	if c.log != nil && c.pages%tellPages == 0 {
		c.log.InfoContext(ctx, "reading goes on", "of", c.of, "pages", c.pages)
	}
	return nil
}

func (c *Chain) fault(how string) error {
	return &provision.Fault{Kind: provision.Transient, Reason: fmt.Sprintf("%s: Graph's list %s, after %d pages", c.of, how, c.pages), Err: ErrEndless}
}

func hashText(text string) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text)) // never fails
	return sum.Sum64()
}
