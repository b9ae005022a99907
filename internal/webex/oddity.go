package webex

import (
	"context"
	"log/slog"
	"sync"

	"entrawebex/internal/change"
)

const (
	// maxMisfits is how many elements of another kind a process tells of.
	maxMisfits = 200
	// tellEvery is after how many pages a list is told to go on: 10,000 users.
	tellEvery = 100
)

// misfit is an element that is not of the kind that was asked for.
type misfit struct {
	asked change.Kind
	id    string
}

// misfits tells once of each element of a list that is none of what was asked
// for, so that one does not fill the log comparison after comparison.
type misfits struct {
	mu   sync.Mutex
	told map[misfit]bool
}

// tell warns of an element that is left out, if it was not told yet.
func (s *misfits) tell(ctx context.Context, log *slog.Logger, what string, one misfit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[one] || len(s.told) >= maxMisfits {
		return
	}
	if s.told == nil {
		s.told = map[misfit]bool{}
	}
	s.told[one] = true
	log.WarnContext(ctx, "Webex lists something of another kind, which is left out", "id", quotable(one.id), "asked for", one.asked, "operation", what)
	if len(s.told) == maxMisfits {
		log.WarnContext(ctx, "no more of what Webex lists of another kind is told until the next start")
	}
}

// describes reports whether an element of a list is one of the type, and tells of
// one that is not.
func (c *Client) describes(ctx context.Context, t resourceType, what string, attributes map[string]any) bool {
	if t.describes(attributes) {
		return true
	}
	c.misfits.tell(ctx, c.log, what, misfit{t.kind, text(attributes, "id")})
	return false
}

// tellLength logs that a long list goes on.
func (c *Client) tellLength(ctx context.Context, w *walk) {
	if pages := w.most - w.left; !w.done && pages%tellEvery == 0 {
		c.log.InfoContext(ctx, "a long list goes on", "list", w.what, "pages", pages)
	}
}
