// Package sandbox holds a simulated Entra tenant that speaks Microsoft Graph's
// HTTP and a simulated Webex organization that speaks Webex's SCIM 2.0, to try
// the system with and to test it against. They behave as the real ones do
// where it is documented, errors and refusals included, and are strict where
// the real ones are not documented.
//
// To the code under test both are only URLs. They share no code with it, so
// that what they find is not what they were told.
package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// maxBody is the largest request body either side reads, inflated, in bytes.
const maxBody = 4 << 20

// Pages says how much the two sides hand out, or take, at once: as the real
// services do where that is documented.
func Pages() string {
	return fmt.Sprintf("Graph lists %d to %d, a delta query %d to %d with %d members, a $batch %d; Webex users %d, members %d, a PATCH of members %d, a Bulk %d",
		defaultPage, maxPage, deltaPage, maxPage, deltaMembers, maxBatch, webexPage, maxMembers, maxPatchMembers, maxBulk)
}

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
	done := make(chan *recorder, 1)
	go func() {
		answer := newRecorder()
		handler.ServeHTTP(answer, served)
		_ = served.Body.Close()
		done <- answer
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case answer := <-done:
		return answer.response(r), nil
	}
}

// recorder keeps what a handler writes.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

func (r *recorder) response(request *http.Request) *http.Response {
	r.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)), StatusCode: r.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, Body: io.NopCloser(&r.body), ContentLength: int64(r.body.Len()), Request: request,
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

func (c *Calls) add(kind string) {
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

// ids gives GUIDs that are the same for the same seed and stream.
type ids struct {
	mu     sync.Mutex
	random *rand.ChaCha8
}

func newIDs(seed uint64, stream string) *ids {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	copy(key[8:], stream)
	return &ids{random: rand.NewChaCha8(key)}
}

func (i *ids) next() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return uuid.Must(uuid.NewRandomFromReader(i.random)).String() // a ChaCha8 never fails to read
}

// bearer returns the token a request carries; empty if none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
