package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	msgraphgocore "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/directory"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"entrawebex/internal/provision"
)

// maxBatch is the most requests Graph takes in one $batch
// (https://learn.microsoft.com/graph/json-batching).
const maxBatch = 20

// readUsers is the least privileged permission to read users, deleted ones
// too, and to subscribe to their changes.
const readUsers = "User.Read.All"

var _ provision.Directory = (*Client)(nil)

// Users implements provision.Directory: one $batch for up to 20 ids, and one
// more in the recycle bin for those that are not under /users.
func (c *Client) Users(ctx context.Context, ids []string) []provision.Reading {
	readings := make([]provision.Reading, 0, len(ids))
	for chunk := range slices.Chunk(ids, maxBatch) {
		readings = append(readings, c.lookEverywhere(ctx, chunk)...)
	}
	return readings
}

func (c *Client) lookEverywhere(ctx context.Context, ids []string) []provision.Reading {
	readings := c.look(ctx, ids, provision.Present)
	var missing []string
	var at []int
	for i, reading := range readings {
		if reading.Presence == provision.Absent {
			missing, at = append(missing, ids[i]), append(at, i)
		}
	}
	for i, reading := range c.look(ctx, missing, provision.SoftDeleted) {
		readings[at[i]] = reading
	}
	return readings
}

// look asks for at most maxBatch users in the one place where they are what
// where says. Absent then means: not in that place.
func (c *Client) look(ctx context.Context, ids []string, where provision.Presence) []provision.Reading {
	if len(ids) == 0 {
		return nil
	}
	body, err := c.batch(ctx, ids, where)
	if err != nil {
		readings := make([]provision.Reading, len(ids))
		for i, id := range ids {
			readings[i].Err = fault(readUser(id), readUsers, err)
		}
		return readings
	}
	return c.readings(ids, where, body)
}

func readUser(id string) string { return "read user " + id + " from Entra" }

// batch sends one $batch, in which a request's id is the index of the user's.
func (c *Client) batch(ctx context.Context, ids []string, where provision.Presence) ([]byte, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	batch := msgraphgocore.NewBatchRequest(c.adapter)
	for i, id := range ids {
		step, err := c.userRequest(ctx, id, where)
		if err != nil {
			return nil, err
		}
		item, err := batch.AddBatchRequestStep(*step)
		if err != nil {
			return nil, fmt.Errorf("build batch: %w", err)
		}
		index, path := strconv.Itoa(i), strings.ReplaceAll(*item.GetUrl(), "%24", "$")
		item.SetId(&index)
		item.SetUrl(&path)
	}
	request := abs.NewRequestInformation()
	request.Method, request.UrlTemplate, request.PathParameters = abs.POST, "{+baseurl}/$batch", c.path()
	if err := request.SetContentFromParsable(ctx, c.adapter, "application/json", batch); err != nil {
		return nil, fmt.Errorf("build batch: %w", err)
	}
	request.Headers.Add("Accept", "application/json")
	// The answer is taken as it came. In msgraph-sdk-go-core v1.4.0 the model
	// of a batch answer turns every number into nil, and panics on a null.
	answer, err := c.adapter.SendPrimitive(ctx, request, "[]byte", nil)
	if err != nil {
		return nil, fmt.Errorf("send batch: %w", err)
	}
	body, ok := answer.([]byte)
	if !ok {
		return nil, errors.New("the answer is empty")
	}
	return body, nil
}

// userRequest asks for the selected attributes under /users. In the recycle
// bin it asks only for what every directory object has: there the
// userPrincipalName is mangled, and to be there is all that counts.
func (c *Client) userRequest(ctx context.Context, id string, where provision.Presence) (*abs.RequestInformation, error) {
	var request *abs.RequestInformation
	var err error
	if where == provision.Present {
		request, err = users.NewUsersRequestBuilderInternal(c.path(), c.adapter).ByUserId(id).
			ToGetRequestInformation(ctx, &users.UserItemRequestBuilderGetRequestConfiguration{
				QueryParameters: &users.UserItemRequestBuilderGetQueryParameters{Select: c.selects},
			})
	} else {
		request, err = directory.NewDirectoryRequestBuilderInternal(c.path(), c.adapter).DeletedItems().ByDirectoryObjectId(id).
			ToGetRequestInformation(ctx, &directory.DeletedItemsDirectoryObjectItemRequestBuilderGetRequestConfiguration{
				QueryParameters: &directory.DeletedItemsDirectoryObjectItemRequestBuilderGetQueryParameters{
					Select: []string{"id", "deletedDateTime"},
				},
			})
	}
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	return request, nil
}

// answer is the answer to one request of a batch.
type answer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// readings reads a batch's answers, which come in any order. An answer that
// cannot be read is as good as none, and spoils no other.
func (c *Client) readings(ids []string, where provision.Presence, body []byte) []provision.Reading {
	var batch struct {
		Responses []json.RawMessage `json:"responses"`
	}
	readings := make([]provision.Reading, len(ids))
	for i, id := range ids {
		readings[i].Err = transient(id, "Graph left it out of its answer")
	}
	if json.Unmarshal(body, &batch) != nil {
		return readings
	}
	for _, raw := range batch.Responses {
		var a answer
		if json.Unmarshal(raw, &a) != nil {
			continue
		}
		i, err := strconv.Atoi(a.ID)
		if err != nil || i < 0 || i >= len(ids) {
			continue
		}
		readings[i] = c.reading(ids[i], where, a)
	}
	return readings
}

// reading reads one answer.
func (c *Client) reading(id string, where provision.Presence, a answer) provision.Reading {
	if a.Status != http.StatusOK {
		header := make(http.Header, len(a.Headers))
		for key, value := range a.Headers {
			header.Set(key, value)
		}
		refused := newRefusal(a.Status, header, a.Body, c.now())
		if refused.status == http.StatusNotFound && refused.code == notFound {
			return provision.Reading{Presence: provision.Absent}
		}
		return provision.Reading{Err: fault(readUser(id), readUsers, refused)}
	}
	var attributes map[string]any
	if err := json.Unmarshal(a.Body, &attributes); err != nil {
		return provision.Reading{Err: transient(id, "the answer is not a JSON object")}
	}
	if got, ok := attributes["id"].(string); !ok || !strings.EqualFold(got, id) {
		return provision.Reading{Err: transient(id, "the answer is about another object")}
	}
	if _, ok := attributes[accountEnabled].(bool); !ok && where == provision.Present && slices.Contains(c.selects, accountEnabled) {
		return provision.Reading{Err: transient(id, "the answer has no accountEnabled, which reads as neither true nor false (is "+readUsers+" granted?)")}
	}
	maps.DeleteFunc(attributes, func(name string, _ any) bool { return strings.Contains(name, "@odata.") })
	return provision.Reading{Presence: where, Attributes: attributes}
}

func transient(id, what string) *provision.Fault {
	return &provision.Fault{Kind: provision.Transient, Reason: readUser(id) + ": " + what}
}
