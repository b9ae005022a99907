package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	msgraphgocore "github.com/microsoftgraph/msgraph-sdk-go-core"

	"entrawebex/internal/provision"
)

// maxBatch is the most requests Graph takes in one $batch
// (https://learn.microsoft.com/graph/json-batching).
const maxBatch = 20

// answer is what came of one request of a batch: the body of a 200, or why
// there is none. The error is a *refusal where Graph refused it.
type answer struct {
	body json.RawMessage
	err  error
}

// ask sends each request once, in as few batches as there can be, and returns
// an answer for every one of them. A batch that fails is the answer to the
// requests in it, and to no other.
func (c *Client) ask(ctx context.Context, requests []request) map[request]answer {
	answers := make(map[request]answer, len(requests))
	once := make([]request, 0, len(requests))
	for _, r := range requests {
		if _, asked := answers[r]; !asked {
			answers[r] = answer{}
			once = append(once, r)
		}
	}
	for chunk := range slices.Chunk(once, maxBatch) {
		sent := c.now()
		body, err := c.batch(ctx, chunk)
		if err != nil {
			for _, r := range chunk {
				answers[r] = answer{err: err}
			}
			continue
		}
		given := decodeAnswers(body, len(chunk), c.now())
		for i, a := range given {
			answers[chunk[i]] = a
		}
		c.pace(sent, given)
	}
	return answers
}

// pacer is a Transport that keeps to the rate Graph serves, and sees no more of
// a batch than the 200 it is answered.
type pacer interface {
	RefusedWithin(sent time.Time, after time.Duration)
}

// pace tells the pacer, if there is one, what Graph throttled within a batch: each
// of its requests is held against the limits by itself
// (https://learn.microsoft.com/graph/throttling#throttling-and-batching).
func (c *Client) pace(sent time.Time, answers []answer) {
	var after time.Duration
	throttled := false
	for _, a := range answers {
		refused, ok := errors.AsType[*refusal](a.err)
		if ok && refused.kind() == provision.Throttled && refused.status != http.StatusLocked {
			throttled, after = true, max(after, refused.after)
		}
	}
	if throttled && c.pacer != nil {
		c.pacer.RefusedWithin(sent, after)
	}
}

// batch sends one $batch, in which a request's id is its index.
func (c *Client) batch(ctx context.Context, requests []request) ([]byte, error) {
	batch := msgraphgocore.NewBatchRequest(c.adapter)
	for i, r := range requests {
		step, err := c.build(ctx, r)
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
	return c.send(ctx, request)
}

// send makes one call and returns its answer as it came. Kiota's models would
// cost an object for every id, and that of a batch answer, in
// msgraph-sdk-go-core v1.4.0, turns every number into nil and panics on a null.
func (c *Client) send(ctx context.Context, request *abs.RequestInformation) ([]byte, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	sent, err := c.adapter.SendPrimitive(ctx, request, "[]byte", nil)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	body, ok := sent.([]byte)
	if !ok {
		return nil, errors.New("the answer is empty")
	}
	return body, nil
}

// decodeAnswers reads a batch's answers to n requests, which come in any
// order. An answer that cannot be read is as good as none, and spoils no other.
func decodeAnswers(body []byte, n int, now time.Time) []answer {
	var batch struct {
		Responses []json.RawMessage `json:"responses"`
	}
	answers := make([]answer, n)
	for i := range answers {
		answers[i].err = errors.New("it is left out of the answer")
	}
	if json.Unmarshal(body, &batch) != nil {
		return answers
	}
	for _, raw := range batch.Responses {
		var response struct {
			ID      string            `json:"id"`
			Status  int               `json:"status"`
			Headers map[string]string `json:"headers"`
			Body    json.RawMessage   `json:"body"`
		}
		if json.Unmarshal(raw, &response) != nil {
			continue
		}
		i, err := strconv.Atoi(response.ID)
		if err != nil || i < 0 || i >= n {
			continue
		}
		if response.Status == http.StatusOK {
			answers[i] = answer{body: response.Body}
			continue
		}
		header := make(http.Header, len(response.Headers))
		for key, value := range response.Headers {
			header.Set(key, value)
		}
		answers[i] = answer{err: newRefusal(response.Status, header, response.Body, now)}
	}
	return answers
}
