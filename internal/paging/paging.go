// Package paging ends a chain of pages that leads nowhere.
package paging

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
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
	seed          maphash.Seed
}

// New returns the chain of the pages of something, by its name in the plural. The
// log is told that a long one goes on; it may be nil.
func New(of string, log *slog.Logger) *Chain {
	return &Chain{of: of, log: log, links: map[uint64]bool{}, things: map[uint64]bool{}, seed: maphash.MakeSeed()}
}

// Sees notes a thing that is on a page, by the parts of its name, and reports
// whether it is new.
func (c *Chain) Sees(name ...string) bool {
	sum := c.hash(name...)
	fresh := !c.things[sum]
	c.things[sum] = true
	return fresh
}

// SeesAny is Sees of several things.
func (c *Chain) SeesAny(names []string) bool {
	fresh := false
	for _, name := range names {
		fresh = c.Sees(name) || fresh
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
	sum := c.hash(link)
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

func (c *Chain) hash(parts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	for _, part := range parts {
		_, _ = h.WriteString(part) // which returns no error, as WriteByte
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}
