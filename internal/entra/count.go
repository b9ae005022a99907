package entra

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// CountUsers returns how many users there are, as of a moment ago: one call.
// https://learn.microsoft.com/graph/aad-advanced-queries
func (c *Client) CountUsers(ctx context.Context) (int, error) {
	count, err := c.countUsers(ctx)
	if err != nil {
		return 0, fault("count the users in Entra", readUsers, err)
	}
	return count, nil
}

func (c *Client) countUsers(ctx context.Context) (int, error) {
	info, err := users.NewUsersRequestBuilderInternal(c.path(), c.adapter).Count().ToGetRequestInformation(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("build request: %w", err)
	}
	info.Headers.Add("ConsistencyLevel", "eventual")
	body, err := c.send(ctx, info)
	if err != nil {
		return 0, err
	}
	return decodeCount(body)
}

// decodeCount reads a number that is all of an answer, with a byte order mark before
// it or not.
func decodeCount(body []byte) (int, error) {
	const digits = 10 // more users than anybody has
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) > digits {
		return 0, strange("the answer is no count")
	}
	count, err := strconv.ParseUint(string(body), 10, 63)
	if err != nil {
		return 0, strange("the answer is no count")
	}
	return int(count), nil
}
