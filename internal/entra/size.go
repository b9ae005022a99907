package entra

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"

	"entrawebex/internal/provision"
)

const (
	// pageSize is the most directory objects Graph puts on a page
	// (https://learn.microsoft.com/graph/api/group-list-members).
	pageSize int32 = 999
	// smallestPage is the size below which a page that fails is not made smaller.
	smallestPage int32 = 50
	// smallFor is how long pages stay small once a larger one has failed.
	smallFor = time.Hour
	// wholeFor is how long no page is made smaller after not even the smallest
	// one was answered: its size is not what is wrong.
	wholeFor = 5 * time.Minute
)

// sizes are the sizes of pages at which Graph answers, by the list. A page of
// groups with their members takes Graph longer than it has: it is 504 at 999 and
// answered at 200. Safe for concurrent use.
type sizes struct {
	mu     sync.Mutex
	agreed map[place]agreed
}

type agreed struct {
	size  int32
	until time.Time
}

// of returns the size at which to ask, and whether it may be made smaller.
func (s *sizes) of(list place, now time.Time) (int32, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.agreed[list]
	if !ok || !now.Before(a.until) {
		return pageSize, true
	}
	return a.size, a.size < pageSize
}

func (s *sizes) set(list place, size int32, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.agreed == nil {
		s.agreed = map[place]agreed{}
	}
	s.agreed[list] = agreed{size, until}
}

// sized reads a page. One that times out, or is answered with an error of the
// server, is asked for again with half of the objects: 999, 499, 249, 124, 62,
// 50. The size at which it is answered is kept to for an hour.
func (c *Client) sized(ctx context.Context, list place, read func(size int32) ([]byte, error)) ([]byte, error) {
	if !list.isSized() {
		return read(pageSize)
	}
	size, shrinks := c.sizes.of(list, c.now())
	for {
		body, err := read(size)
		switch {
		case !shrinks || !isTooMuch(ctx, err):
			return body, err
		case size == smallestPage:
			c.sizes.set(list, pageSize, c.now().Add(wholeFor))
			return body, err
		}
		size = max(size/2, smallestPage)
		c.sizes.set(list, size, c.now().Add(smallFor))
		c.log.InfoContext(ctx, "a page that Graph did not answer is asked for again, smaller", "list", list.listed(), "size", size)
	}
}

// isTooMuch reports whether a page failed as one does that is too large, and
// there is time for another try.
func isTooMuch(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil {
		return false
	}
	refused, ok := errors.AsType[*refusal](err)
	return ok && refused.status >= http.StatusInternalServerError && refused.kind() == provision.Transient ||
		errors.Is(err, context.DeadlineExceeded)
}

// prefer asks for pages of a size. A delta query has no $top, and a link does
// not remember a header.
func prefer(info *abs.RequestInformation, size int32) {
	info.Headers.Add("Prefer", "odata.maxpagesize="+strconv.Itoa(int(size)))
}
