// Package webex speaks Webex's dialect of SCIM 2.0 (RFC 7643, RFC 7644), and
// plain SCIM 2.0 with any other server.
// https://developer.webex.com/docs/api/v1/scim-2-users
package webex

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

// Timeout bounds one call, from its first byte to its last. A claim on an
// object outlives it.
const Timeout = 20 * time.Second

// maxAnswer bounds what is read of an answer, in bytes. A page of 100 users
// with all their attributes is a few hundred kilobytes.
const maxAnswer = 8 << 20

// Config is what a Client needs.
type Config struct {
	// URL is the SCIM root of one organization, without a slash at its end:
	// https://webexapis.com/identity/scim/{orgId}/v2.
	URL string
	// Token returns the bearer token to send.
	Token func(ctx context.Context) (string, error)
	// Renew is called when Webex refuses the token, so that Token returns
	// another if there is one. Nil if there never is.
	Renew func(ctx context.Context)
	// Transport carries the calls; nil for NewTransport.
	Transport http.RoundTripper
	// Now is the clock that a Retry-After date is held against; nil for
	// time.Now.
	Now func() time.Time
	// Log is told what is left out of lists, and of what takes long; nil for
	// nowhere.
	Log *slog.Logger
}

// Client reads and writes the users and groups of one Webex organization.
type Client struct {
	root  string
	token func(ctx context.Context) (string, error)
	renew func(ctx context.Context)
	http  *http.Client
	now   func() time.Time
	pacer pacer // nil if the transport is none
	// buffers are those that answers were read into.
	buffers sync.Pool
	// bulkFrom is when a Bulk is tried again, in Unix nanoseconds, after the
	// server said that it has none.
	bulkFrom atomic.Int64

	log     *slog.Logger
	misfits misfits
}

var _ provision.Target = (*Client)(nil)

// New returns a Client. It calls nothing.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not the URL of a SCIM service: it looks like https://webexapis.com/identity/scim/{orgId}/v2", c.URL)
	}
	if c.Transport == nil {
		c.Transport = NewTransport()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	paced, _ := c.Transport.(pacer)
	return &Client{
		root:  strings.TrimRight(c.URL, "/"),
		token: c.Token,
		renew: c.Renew,
		now:   c.Now,
		pacer: paced,
		http:  newHTTP(c.Transport),
		log:   c.Log,
	}, nil
}

func newHTTP(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport,
		Timeout:   Timeout,
		// What is secret belongs to the configured host: a redirect is an
		// answer like any other, and an unexpected one.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// NewTransport returns a transport that keeps connections for the calls to
// come and gives up on a server that does not answer.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          32,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: Timeout,
		// Without it a proxy that refuses the tunnel is an error that says little.
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
			if r.StatusCode == http.StatusOK {
				return nil
			}
			return &provision.Fault{
				Kind: provision.Transient, Foreign: true,
				Reason: fmt.Sprintf("not sent: the proxy answered %d %s", r.StatusCode, http.StatusText(r.StatusCode)),
			}
		},
	}
}

// reply is an answer that arrived whole.
type reply struct {
	status int
	header http.Header
	body   []byte
	// within says that it is of an operation within a Bulk, whose answer is the
	// server's own.
	within bool
}

func (r reply) ok() bool { return r.status >= 200 && r.status <= 299 }

func (r reply) isEmpty() bool { return len(bytes.TrimSpace(r.body)) == 0 }

// isPage reports whether the body is not one of a SCIM server, which are all
// JSON objects.
func (r reply) isPage() bool {
	var object map[string]json.RawMessage
	return !r.isEmpty() && (json.Unmarshal(r.body, &object) != nil || strings.Contains(strings.ToLower(r.header.Get("Content-Type")), "html"))
}

// decode reads the body of a 2xx into out. One that is not JSON of that form
// leaves in doubt what the call did.
func (r reply) decode(what string, out any) error {
	if r.isEmpty() {
		return r.doubt(what, "Webex's answer is empty")
	}
	if err := json.Unmarshal(r.body, out); err != nil {
		f := r.doubt(what, "Webex's answer is not the JSON expected; is this the address of its SCIM API?")
		f.Err = err
		return f
	}
	return nil
}

// doubt is the fault of a 2xx that leaves open what the call did: Webex is read
// before it is written again.
func (r reply) doubt(what, why string) *provision.Fault {
	f := doubt(what, why)
	f.Foreign = r.isPage()
	f.From, f.RequestID = provision.Webex, quotable(r.header.Get("Trackingid"))
	return f
}

// read makes a GET and returns an answer of 200. Every other is a
// *provision.Fault that says what was asked of which object.
func (c *Client) read(ctx context.Context, what, path string) (reply, error) {
	return c.readWith(ctx, what, path, c.readAll)
}

// readWith is read, with a reader of the body.
func (c *Client) readWith(ctx context.Context, what, path string, body reader) (reply, error) {
	r, err := c.exchangeWith(ctx, what, http.MethodGet, path, nil, body)
	switch {
	case err != nil:
		return reply{}, err
	case !r.ok():
		return reply{}, c.refused(what, r)
	case r.status != http.StatusOK: // 203, a proxy has changed it, or 206, a part
		return reply{}, r.doubt(what, fmt.Sprintf("Webex answered %d %s, which is no whole answer", r.status, http.StatusText(r.status)))
	default:
		return r, nil
	}
}

// exchange makes one call and returns the answer, whatever its status. A 401 to
// a token that was rotated meanwhile is not the answer: the call is made once
// more. The error is a *provision.Fault: none arrived, or one too long to be
// read. Writes of groups are a class of their own to the Transport: they can have a
// limit of their own, and a far lower one.
func (c *Client) exchange(ctx context.Context, what, method, path string, in any) (reply, error) {
	return c.exchangeWith(ctx, what, method, path, in, c.readAll)
}

// exchangeWith is exchange, with a reader of the body.
func (c *Client) exchangeWith(ctx context.Context, what, method, path string, in any, body reader) (reply, error) {
	if groups := typeOf(change.Group).endpoint; method != http.MethodGet && strings.HasPrefix(path, groups) {
		ctx = throttle.WithClass(ctx, groups)
	}
	request, err := c.request(ctx, what, method, path, in)
	if err != nil {
		return reply{}, err
	}
	r, err := send(c.http, request, what, maxAnswer, body)
	if err != nil || r.status != http.StatusUnauthorized || c.renew == nil {
		return r, err
	}
	c.renew(ctx)
	again, err := c.request(ctx, what, method, path, in)
	if err != nil {
		return reply{}, err
	}
	if again.Header.Get("Authorization") == request.Header.Get("Authorization") {
		return r, nil
	}
	return send(c.http, again, what, maxAnswer, body)
}

// reader reads all of the body of an answer.
type reader func(from io.Reader) ([]byte, error)

// send makes one call and reads an answer of at most so many bytes. The error is a
// *provision.Fault.
func send(client *http.Client, request *http.Request, what string, longest int64, read reader) (reply, error) {
	response, err := client.Do(request)
	if err != nil {
		return reply{}, unanswered(what, err)
	}
	body, err := read(io.LimitReader(response.Body, longest+1))
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return reply{}, unanswered(what, err)
	}
	r := reply{status: response.StatusCode, header: response.Header, body: body}
	if r.ok() && int64(len(body)) > longest {
		return reply{}, &provision.Fault{
			Kind: provision.Transient, Uncertain: true,
			Reason: fmt.Sprintf("%s: Webex's answer is longer than %d bytes", what, longest),
		}
	}
	return r, nil
}

// readAll is io.ReadAll for answers of which many are alike and say no length: a
// buffer that has grown once is used again.
func (c *Client) readAll(from io.Reader) ([]byte, error) {
	buffer, ok := c.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = &bytes.Buffer{}
	}
	defer c.buffers.Put(buffer)
	buffer.Reset()
	_, err := buffer.ReadFrom(from)
	return bytes.Clone(buffer.Bytes()), err
}

// request makes a request with the present token. The error is a
// *provision.Fault.
func (c *Client) request(ctx context.Context, what, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, &provision.Fault{Kind: provision.Transient, Reason: what, Err: fmt.Errorf("encode the request: %w", err)}
		}
		body = bytes.NewReader(encoded)
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, &provision.Fault{Kind: provision.Unauthorized, Reason: what + ": no Webex token", Err: err}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.root+path, body)
	if err != nil {
		return nil, &provision.Fault{Kind: provision.Transient, Reason: what, Err: err}
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json, application/scim+json")
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// unanswered is the fault of a call whose answer did not arrive whole. Unless
// it failed before anything was sent, it may have had its effect. What the
// transport itself refuses is a fault already.
func unanswered(what string, err error) error {
	if f, ok := errors.AsType[*provision.Fault](err); ok {
		refusal := *f
		refusal.Reason = what + ": " + f.Reason
		return &refusal
	}
	// The URL inside a *url.Error holds the filter, which names a person.
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	var dial *net.OpError
	sent := !errors.As(err, &dial) || dial.Op != "dial" && dial.Op != "proxyconnect"
	return &provision.Fault{
		Kind: provision.Transient, Reason: what + ": Webex did not answer", Uncertain: sent, Pending: sent, Err: err,
	}
}
