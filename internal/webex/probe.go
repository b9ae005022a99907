package webex

import (
	"context"

	"github.com/google/uuid"

	"entrawebex/internal/change"
)

// Probe asks for something harmless, a search that finds nothing, and returns
// the fault of that call: whether the organization can be worked with now.
func (c *Client) Probe(ctx context.Context) error {
	_, err := c.Named(ctx, change.User, uuid.NewString()+"@example.com")
	return err
}
