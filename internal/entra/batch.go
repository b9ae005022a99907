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
	"entrawebex/internal/throttle"
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
		given, use := decodeAnswers(body, len(chunk), c.now())
		for i, a := range given {
			a.err = concerning(a.err, chunk[i].id, chunk[i].app)
			answers[chunk[i]] = a
		}
		c.pace(sent, given, use)
	}
	return answers
}

// pacer is a Transport that keeps to the rate Graph serves, and sees no more of
// a batch than the 200 it is answered.
type pacer interface {
	RefusedWithin(sent time.Time, after time.Duration)
	UsedWithin(share float64)
	Traffic() throttle.Traffic
}

// Traffic counts the calls that Graph answered; of a transport that is no pacer none.
func (c *Client) Traffic() throttle.Traffic {
	if c.pacer == nil {
		return throttle.Traffic{}
	}
	return c.pacer.Traffic()
}

// pace tells the pacer, if there is one, what Graph throttled within a batch, and
// how much of a limit is used up: each of its requests is held against the limits
// by itself (https://learn.microsoft.com/graph/throttling#throttling-and-batching).
func (c *Client) pace(sent time.Time, answers []answer, used float64) {
	if c.pacer == nil {
		return
	}
	c.pacer.UsedWithin(used)
	var after time.Duration
	throttled := false
	for _, a := range answers {
		refused, ok := errors.AsType[*refusal](a.err)
		if ok && refused.kind() == provision.Throttled && refused.status != http.StatusLocked {
			throttled, after = true, max(after, refused.after)
		}
	}
	if throttled {
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
		if p := provision.PriorityOf(ctx); p != provision.Normal {
			item.SetHeaders(map[string]string{priorityHeader: string(p)})
		}
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
		return nil, strange("the answer is empty")
	}
	return body, nil
}

// decodeAnswers reads a batch's answers to n requests, which come in any
// order, and the largest share of a limit that one of them says is used up. An
// answer that cannot be read is as good as none, and spoils no other.
func decodeAnswers(body []byte, n int, now time.Time) (answers []answer, used float64) {
	var batch struct {
		Responses []json.RawMessage `json:"responses"`
	}
	answers = make([]answer, n)
	missing := error(strange("the answer is not that of a batch"))
	if json.Unmarshal(body, &batch) == nil && batch.Responses != nil {
		missing = errors.New("it is left out of the answer")
	}
	for i := range answers {
		answers[i].err = missing
	}
	for _, raw := range batch.Responses {
		i, a, header := decodeAnswer(raw, now)
		if i >= 0 && i < n {
			answers[i], used = a, max(used, throttle.Used(header))
		}
	}
	return answers, used
}

// decodeAnswer reads one answer in a batch, and which request it is to; -1 if that
// cannot be read. Graph writes numbers and strings as it likes.
func decodeAnswer(raw json.RawMessage, now time.Time) (int, answer, http.Header) {
	var response struct {
		ID      json.RawMessage `json:"id"`
		Status  json.RawMessage `json:"status"`
		Headers json.RawMessage `json:"headers"`
		Body    json.RawMessage `json:"body"`
	}
	if json.Unmarshal(raw, &response) != nil {
		return -1, answer{}, nil
	}
	i, err := strconv.Atoi(text(response.ID))
	status, statusErr := strconv.Atoi(text(response.Status))
	if err != nil || statusErr != nil {
		return -1, answer{}, nil
	}
	header := decodeHeader(response.Headers)
	if status == http.StatusOK {
		return i, answer{body: response.Body}, header
	}
	return i, answer{err: newRefusal(status, header, response.Body, now)}, header
}

// decodeHeader reads the headers of an answer in a batch, whose values are
// strings, or numbers, or lists of them. What is none of these is left out.
func decodeHeader(raw json.RawMessage) http.Header {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return http.Header{}
	}
	header := make(http.Header, len(fields))
	for key, value := range fields {
		header.Set(key, text(value))
	}
	return header
}
