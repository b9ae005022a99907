package webex

import (
	"context"

	"github.com/google/uuid"

	"entrawebex/internal/change"
)

// Probe asks for something harmless, a search that finds nothing, and returns
// the fault of that call: whether the organization can be worked with now. Only
// a list is an answer, whatever is in it: a gateway's log-in says 200 too.
func (c *Client) Probe(ctx context.Context) error {
	s := search{kind: change.User, filter: typeOf(change.User).name + " eq " + quote(uuid.NewString()+"@example.com")}
	_, err := c.page(ctx, c.newWalk("probe Webex", 1), s.path())
	return err
}
