package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
)

const (
	// maxFruitless is how many pages in a row may bring nothing that an earlier
	// one had not. Graph may send empty pages before the last
	// (https://learn.microsoft.com/graph/paging); nobody has told of more than a
	// few.
	maxFruitless = 100
	// maxChain ends a list whatever it brings: ten million objects in pages of
	// 999, half a million in the smallest.
	maxChain = 10_000
	// tellEvery is after how many pages of one list a line is logged.
	tellEvery = 100
	// maxKnown is how many elements of a list are remembered, at about 30 bytes
	// each. Those after them count as new.
	maxKnown = 250_000
	// maxChains is how many lists are followed at a time.
	maxChains = 64
)

// endlessError is why a list was not read to its end.
type endlessError string

// Error implements error.
func (e endlessError) Error() string { return string(e) }

// errEnded is a page of a list that was ended as endless: it is begun anew.
var errEnded = errors.New("that list of pages did not end")

// chain is a list that is read page by page: how far each page is from the first
// one, and how many in a row brought nothing. Several may read the same list at
// the same time, and one may ask for the same page again.
type chain struct {
	seed  maphash.Seed
	pages map[uint64]position // by the link that leads there
	known map[uint64]int32    // the depth at which an element came first
	ended bool
}

// position is that of a page within its list.
type position struct {
	depth, fruitless int32
}

func newChain() *chain {
	return &chain{seed: maphash.MakeSeed(), pages: map[uint64]position{}, known: map[uint64]int32{}}
}

// read takes note of a page, and returns how many there were with it. The error
// is an endlessError if no further one is to be asked for.
func (ch *chain) read(link string, page collection) (int, error) {
	at := ch.pages[maphash.String(ch.seed, link)]
	fruitless := at.fruitless + 1
	for _, element := range page.Elements {
		if ch.isNew(element, at.depth) {
			fruitless = 0
		}
	}
	read := int(at.depth) + 1
	if page.Next == "" {
		return read, nil
	}
	next := maphash.String(ch.seed, page.Next)
	known, again := ch.pages[next]
	switch {
	case page.Next == link, again && known.depth <= at.depth:
		ch.ended = true
		return read, endlessError(fmt.Sprintf("after %d pages the link leads back to one of them", read))
	case fruitless >= maxFruitless:
		ch.ended = true
		return read, endlessError(fmt.Sprintf("the last %d of %d pages brought nothing new", fruitless, read))
	case read >= maxChain:
		ch.ended = true
		return read, endlessError(fmt.Sprintf("there is no end after %d pages", read))
	}
	ch.pages[next] = position{at.depth + 1, fruitless}
	return read, nil
}

// isNew reports whether no page before that depth had the element. Not "before
// this call": the page may be asked for again.
func (ch *chain) isNew(element json.RawMessage, depth int32) bool {
	hash := maphash.Bytes(ch.seed, element)
	first, known := ch.known[hash]
	switch {
	case known:
		return first >= depth
	case len(ch.known) < maxKnown:
		ch.known[hash] = depth
	}
	return true
}

// chains are the lists that others read from us page by page. Safe for concurrent
// use.
type chains struct {
	mu sync.Mutex
	// all is in the order in which they began.
	all []*chain
}

// of returns the list that a link leads on in; nil if that is not known. One that
// was ended is forgotten, so that it can be begun anew.
func (c *chains) of(link string) (ch *chain, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, ch := range slices.Backward(c.all) {
		if _, ok := ch.pages[maphash.String(ch.seed, link)]; !ok {
			continue
		}
		if ch.ended {
			c.all = slices.Delete(c.all, i, i+1)
		}
		return ch, ch.ended
	}
	return nil, false
}

// read takes note of a page of the list, which is nil for one that begins, and
// returns what chain.read does.
func (c *chains) read(ch *chain, link string, page collection) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch == nil {
		if page.Next == "" {
			return 1, nil
		}
		ch = newChain()
		c.all = append(c.all, ch)
		if len(c.all) > maxChains {
			c.all = slices.Delete(c.all, 0, 1)
		}
	}
	read, err := ch.read(link, page)
	if page.Next == "" {
		c.all = slices.DeleteFunc(c.all, func(other *chain) bool { return other == ch })
	}
	return read, err
}
