package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// gateway lets API Gateway call an http.Handler. It takes the payload format 2.0
// of an HTTP API ("Create AWS Lambda proxy integrations for HTTP APIs", API
// Gateway Developer Guide) on the stage $default, whose name is not in the path.
type gateway struct{ handler http.Handler }

// Handle serves one request.
func (g gateway) Handle(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	request, err := requestOf(ctx, event)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	answer := &recorder{header: make(http.Header)}
	g.handler.ServeHTTP(answer, request)
	return answer.response(), nil
}

// requestOf returns the request as API Gateway had it: the path and the query
// undecoded, so that net/http decodes them, once.
func requestOf(ctx context.Context, event events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	var body io.Reader = strings.NewReader(event.Body)
	if event.IsBase64Encoded {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	target := event.RawPath
	if event.RawQueryString != "" {
		target += "?" + event.RawQueryString
	}
	request, err := http.NewRequestWithContext(ctx, event.RequestContext.HTTP.Method, target, body)
	if err != nil {
		return nil, fmt.Errorf("read the request of API Gateway: %w", err)
	}
	// Of a header that came several times API Gateway joins the values by commas.
	for name, value := range event.Headers {
		request.Header.Set(name, value)
	}
	request.Host = event.RequestContext.DomainName
	request.RemoteAddr = event.RequestContext.HTTP.SourceIP
	request.RequestURI = target
	return request, nil
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(body []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(body)
}

// response is the answer as API Gateway takes it.
func (r *recorder) response() events.APIGatewayV2HTTPResponse {
	r.WriteHeader(http.StatusOK)
	headers := make(map[string]string, len(r.header))
	for name, values := range r.header {
		headers[name] = strings.Join(values, ",")
	}
	response := events.APIGatewayV2HTTPResponse{StatusCode: r.status, Headers: headers, Body: r.body.String()}
	if !utf8.Valid(r.body.Bytes()) {
		response.Body, response.IsBase64Encoded = base64.StdEncoding.EncodeToString(r.body.Bytes()), true
	}
	return response
}
