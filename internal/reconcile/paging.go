package reconcile

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

// errEndless is the cause of the fault that ends a chain of pages.
var errEndless = errors.New("the pages do not end")

// paging follows a chain of pages and ends one that leads nowhere. It is not safe
// for concurrent use.
type paging struct {
	of    string
	log   *slog.Logger // may be nil
	pages int
	idle  int
	// links are the pages that were asked for, things what was on them; both by
	// their hashes.
	links, things map[uint64]bool
}

func newPaging(of string, log *slog.Logger) *paging {
	return &paging{of: of, log: log, links: map[uint64]bool{}, things: map[uint64]bool{}}
}

// sees notes what is on a page, and reports whether any of it is new.
func (p *paging) sees(ids ...string) bool {
	fresh := false
	for _, id := range ids {
		if sum := hashText(id); !p.things[sum] {
			p.things[sum], fresh = true, true
		}
	}
	return fresh
}

// follow is a fault where the page that comes next was asked for already, or too
// many brought nothing new. An empty link ends the chain.
func (p *paging) follow(ctx context.Context, link string, fresh bool) error {
	if link == "" {
		return nil
	}
	p.pages++
	p.idle++
	if fresh {
		p.idle = 0
	}
	sum := hashText(link)
	switch {
	case p.links[sum]:
		return p.fault("leads back to a page that was read")
	case p.idle >= barren:
		return p.fault(fmt.Sprintf("brought nothing new on %d pages in a row", p.idle))
	}
	p.links[sum] = true
	if p.log != nil && p.pages%tellPages == 0 {
		p.log.InfoContext(ctx, "reading goes on", "of", p.of, "pages", p.pages)
	}
	return nil
}

func (p *paging) fault(how string) error {
	return &provision.Fault{Kind: provision.Transient, Reason: fmt.Sprintf("%s: Graph's list %s, after %d pages", p.of, how, p.pages), Err: errEndless}
}

func hashText(text string) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text)) // never fails
	return sum.Sum64()
}

// told are the names of what a page of assignments tells.
func (p AssignmentPage) told() []string {
	names := make([]string, 0, len(p.Assignments))
	for _, a := range p.Assignments {
		names = append(names, a.Principal.ID+a.Role)
	}
	return names
}

// told are the names of what a page of a delta query tells.
func (p Page) told() []string {
	var names []string
	for _, o := range p.Objects {
		names = append(names, o.ID+string(o.Removed))
		for _, m := range o.Members {
			names = append(names, fmt.Sprint(o.ID, m.ID, m.Removed))
		}
	}
	return names
}
