// Package simhttp is what both simulated services have in common as servers: a
// network without sockets, and calls that are counted.
package simhttp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// MaxBody is the largest request body either side reads, inflated, in bytes.
const MaxBody = 4 << 20

// Network is an http.RoundTripper that takes a request to the handler of its
// host (as in the URL, with the port if there is one) without a socket. A host
// that has no handler cannot be reached.
type Network map[string]http.Handler

// RoundTrip implements http.RoundTripper. It returns when the handler does, or
// when the request's context ends.
func (n Network) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := n[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("dial %s: no such host", r.URL.Host)
	}
	ctx := r.Context()
	served := r.Clone(ctx)
	served.RequestURI, served.Host = r.URL.RequestURI(), r.URL.Host
	if served.Body == nil {
		served.Body = http.NoBody
	}
	done := make(chan *Recorder, 1)
	go func() {
		answer := NewRecorder()
		handler.ServeHTTP(answer, served)
		_ = served.Body.Close()
		done <- answer
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case answer := <-done:
		return answer.Response(r), nil
	}
}

// Recorder is an http.ResponseWriter that keeps what a handler writes.
type Recorder struct {
	header http.Header
	Status int
	Body   bytes.Buffer
}

// NewRecorder returns one to which nothing is written yet.
func NewRecorder() *Recorder { return &Recorder{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (r *Recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *Recorder) WriteHeader(status int) {
	if r.Status == 0 {
		r.Status = status
	}
}

// Write implements http.ResponseWriter.
func (r *Recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.Body.Write(p)
}

// Response is what was written, as the answer to a request.
func (r *Recorder) Response(request *http.Request) *http.Response {
	r.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)), StatusCode: r.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, Body: io.NopCloser(&r.Body), ContentLength: int64(r.Body.Len()), Request: request,
	}
}

// Calls counts the calls that arrived, by kind: method and route, such as
// "GET /users/{id}". A request inside a $batch is its own kind, "$batch GET
// /users/{id}".
type Calls struct {
	mu     sync.Mutex
	byKind Counts
}

// Counts are numbers of calls by kind.
type Counts map[string]int

// Add counts one.
func (c *Calls) Add(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKind == nil {
		c.byKind = Counts{}
	}
	c.byKind[kind]++
}

// Snapshot returns the counts so far.
func (c *Calls) Snapshot() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.byKind)
}

// Reset starts again at zero.
func (c *Calls) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byKind = nil
}

// Writes is the number of calls that ask for a change, granted or not. A
// $batch or a Bulk is none by itself; each request in it is one.
func (c Counts) Writes() int {
	writes := 0
	for kind, n := range c {
		kind = strings.TrimPrefix(strings.TrimPrefix(kind, "$batch "), "Bulk ")
		if !strings.HasPrefix(kind, "GET ") && kind != "POST /$batch" && kind != "POST /Bulk" {
			writes += n
		}
	}
	return writes
}

// HTTP is the number of HTTP calls: what was asked inside a $batch or a Bulk was one
// of them.
func (c Counts) HTTP() int {
	total := 0
	for kind, n := range c {
		if !strings.HasPrefix(kind, "$batch ") && !strings.HasPrefix(kind, "Bulk ") {
			total += n
		}
	}
	return total
}

// Bearer returns the token a request carries; empty if none.
func Bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
