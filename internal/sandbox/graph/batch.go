package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entrawebex/internal/sandbox/simhttp"
)

// maxBatch is the most requests a $batch holds
// (https://learn.microsoft.com/graph/json-batching).
const maxBatch = 20

// batchRequest is one request in a $batch.
type batchRequest struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// batchResponse is the answer to one of them.
type batchResponse struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"`
}

// batch answers every request with its own status, by the same handlers as if
// it had come alone. Graph promises no order of the answers; here the last
// comes first. One request cannot depend on another (dependsOn): Graph has
// that, the sandbox does not.
func (t *Tenant) batch(r *http.Request) (answer, error) {
	var body json.RawMessage
	if err := decode(r, &body); err != nil {
		return answer{}, err
	}
	requests, err := decodeBatch(body)
	if err != nil {
		return answer{}, err
	}
	responses := make([]batchResponse, 0, len(requests))
	for _, request := range requests {
		responses = append(responses, t.batched(r, request))
	}
	slices.Reverse(responses)
	return answer{http.StatusOK, map[string]any{"responses": responses}}, nil
}

// decodeBatch reads the requests of a $batch.
func decodeBatch(body []byte) ([]batchRequest, error) {
	var batch struct {
		Requests []batchRequest `json:"requests"`
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, badRequest("Unable to read JSON request payload.")
	}
	if n := len(batch.Requests); n == 0 || n > maxBatch {
		return nil, badRequest(fmt.Sprintf("Number of batch request steps must be between 1 and %d.", maxBatch))
	}
	seen := map[string]bool{}
	for _, request := range batch.Requests {
		if request.ID == "" || request.Method == "" || request.URL == "" || seen[request.ID] {
			return nil, badRequest("Every batch request needs an id of its own, a method and a url.")
		}
		seen[request.ID] = true
	}
	return batch.Requests, nil
}

func (t *Tenant) batched(outer *http.Request, request batchRequest) batchResponse {
	recorded := simhttp.NewRecorder()
	if inner, err := request.in(outer); err != nil {
		t.write(recorded, outer, answer{}, err)
	} else {
		t.route(recorded, inner, "$batch ")
	}
	response := batchResponse{ID: request.ID, Status: recorded.Status, Headers: map[string]string{}}
	for name := range recorded.Header() {
		response.Headers[name] = recorded.Header().Get(name)
	}
	if recorded.Body.Len() > 0 {
		response.Body = recorded.Body.String()
		if mediaType, _, err := mime.ParseMediaType(recorded.Header().Get("Content-Type")); err == nil && mediaType == "application/json" {
			response.Body = json.RawMessage(recorded.Body.Bytes())
		}
	}
	return response
}

// in makes an HTTP request of it. Its URL is relative to the version's root
// and may have %24 for $, as the SDKs write it.
func (b batchRequest) in(outer *http.Request) (*http.Request, error) {
	target, err := url.Parse(b.URL)
	if err != nil || target.IsAbs() || target.Host != "" {
		return nil, badRequest("The url of a batch request is relative to the version.")
	}
	target.Path = "/v1.0/" + strings.TrimPrefix(target.Path, "/")
	target.RawPath = ""
	if target.Path == "/v1.0/$batch" {
		return nil, badRequest("A batch cannot hold a batch.")
	}
	inner := outer.WithContext(outer.Context())
	inner.Method, inner.URL, inner.Host = b.Method, target, outer.Host
	inner.URL.Scheme = outer.URL.Scheme
	inner.Header = http.Header{}
	for name, value := range b.Headers {
		inner.Header.Set(name, value)
	}
	inner.Body = io.NopCloser(bytes.NewReader(b.Body))
	return inner, nil
}
