// Package entra is Microsoft Graph as this system uses it: users, groups and
// their members as they are now, and the subscriptions to their changes.
//
// It is built on the sub-packages of msgraph-sdk-go, whose request builders
// know the paths, and on kiota's adapter. Nothing in here sleeps or follows a
// redirect, or retries, but for a page that is asked for again because it was too
// large: every error is a *provision.Fault that says what is to be done, and the
// queue does it.
//
// An answer is believed if it is Graph's own and about what was asked. Everything
// else is a Transient fault that says so (Foreign). What is odd about one element
// of an answer is that element's affair.
package entra

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	khttp "github.com/microsoft/kiota-http-go"
	kjson "github.com/microsoft/kiota-serialization-json-go"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/provision"
)

// The bounds of what is read from Graph, in bytes.
const (
	maxAnswer  = 8 << 20
	maxRefusal = 64 << 10
)

// version is the one of Graph's versions that is spoken.
const version = "v1.0"

const defaultTimeout = 20 * time.Second

// Config is what a Client is made of. Only Credential is required.
type Config struct {
	// Cloud decides host, authority and scope.
	Cloud Cloud
	// BaseURL replaces Graph's root, without /v1.0; loopback hosts only.
	BaseURL string
	// Credential gives the tokens.
	Credential azcore.TokenCredential
	// Transport carries the requests; nil for one of the Client's own.
	Transport http.RoundTripper
	// Select names the attributes to read of each kind of object, as Graph
	// spells them. The id is always read; of a group securityEnabled and
	// visibility too.
	// One that is expression.DefaultDomain is the default domain of the tenant, which
	// is read once an hour.
	Select map[change.Kind][]string
	// Timeout bounds one call, the token included; 20 s if zero. A batch is
	// one call.
	Timeout time.Duration
	// Now is the clock that Retry-After dates are compared with; time.Now if
	// nil.
	Now func() time.Time
	// Log is told what is odd in answers, and of what takes long; slog.Default if
	// nil.
	Log *slog.Logger
}

// Client reads and subscribes. It is safe for concurrent use.
type Client struct {
	adapter *khttp.NetHttpRequestAdapter
	auth    *pinned
	selects map[change.Kind][]string
	domains map[change.Kind]bool // of which the default domain is asked for
	timeout time.Duration
	now     func() time.Time
	pacer   pacer // nil if the transport is none
	log     *slog.Logger

	oddities *oddities
	sizes    *sizes
	chains   *chains
	domain   *domain
	appRoles *appRoles
}

// New returns a Client. It makes no call.
func New(config Config) (*Client, error) {
	env, err := config.Cloud.environment()
	if err != nil {
		return nil, fmt.Errorf("make Graph client: %w", err)
	}
	root, err := graphRoot(env, config.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("make Graph client: %w", err)
	}
	if config.Credential == nil {
		return nil, errors.New("make Graph client: no credential")
	}
	c := &Client{
		timeout: config.Timeout, now: config.Now, log: config.Log,
		oddities: new(oddities), sizes: new(sizes), chains: new(chains), domain: new(domain), appRoles: new(appRoles),
	}
	c.selects, c.domains = selection(config.Select)
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	c.pacer, _ = config.Transport.(pacer)
	c.auth = &pinned{root: root, scope: env.scope(), credential: config.Credential, now: c.now}
	c.adapter, err = newAdapter(c.auth, config.Transport, c.now)
	if err != nil {
		return nil, fmt.Errorf("make Graph client: %w", err)
	}
	return c, nil
}

// Selecting returns the client reading these attributes, as Config.Select has them.
func (c *Client) Selecting(wanted map[change.Kind][]string) *Client {
	also := *c
	also.selects, also.domains = selection(wanted)
	return &also
}

// selection returns what to read of each kind: what is asked for, and what
// this package itself decides by; and which of them ask for the default domain, which
// is no property of theirs.
func selection(wanted map[change.Kind][]string) (selects map[change.Kind][]string, domains map[change.Kind]bool) {
	domains = map[change.Kind]bool{}
	selects = map[change.Kind][]string{
		change.User:  {"id"},
		change.Group: {"id", securityEnabled, visibility},
	}
	for kind, attributes := range selects {
		for _, attribute := range wanted[kind] {
			switch {
			case attribute == expression.DefaultDomain:
				domains[kind] = true
			case !slices.Contains(attributes, attribute):
				attributes = append(attributes, attribute)
			}
		}
		selects[kind] = attributes
	}
	return selects, domains
}

// graphRoot returns where Graph is. A host other than the cloud's would be
// given the token, so only this machine may stand in for it.
func graphRoot(env environment, override string) (*url.URL, error) {
	if override == "" {
		override = env.root
	}
	root, err := url.Parse(strings.TrimRight(override, "/"))
	if err != nil {
		return nil, fmt.Errorf("parse base URL: %w", err)
	}
	if root.String() != env.root && !config.IsLoopback(root) {
		return nil, fmt.Errorf("base URL %s: only a loopback host may replace %s", root.Redacted(), env.root)
	}
	return root, nil
}

// newAdapter returns kiota's adapter with its own JSON factories, so that
// kiota's registries, which are global and read without a lock, stay empty,
// and without kiota's middleware that retries, redirects and compresses.
func newAdapter(auth *pinned, transport http.RoundTripper, now func() time.Time) (*khttp.NetHttpRequestAdapter, error) {
	if transport == nil {
		transport = newTransport()
	}
	adapter, err := khttp.NewNetHttpRequestAdapterWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		auth,
		kjson.NewJsonParseNodeFactory(),
		kjson.NewJsonSerializationWriterFactory(),
		&http.Client{Transport: khttp.NewCustomTransportWithParentTransport(
			transport, khttp.NewParametersNameDecodingHandler(), edge{auth, now},
		)},
	)
	if err != nil {
		return nil, fmt.Errorf("make request adapter: %w", err)
	}
	adapter.SetBaseUrl(auth.root.JoinPath(version).String())
	return adapter, nil
}

// newTransport keeps connections for as long as Graph is likely to.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     90 * time.Second,
	}
}

// within bounds one call.
func (c *Client) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.timeout)
}

// path returns the path parameters every request builder starts from. Kiota
// writes into a builder's parameters when it sends, so builders are made
// anew for every call.
func (c *Client) path() map[string]string {
	return map[string]string{"baseurl": c.adapter.GetBaseUrl()}
}

// edge is where HTTP ends: what passes it is a success of bounded size. All
// else, redirects too, becomes a *refusal. Left to kiota, a failure whose
// body is not JSON would lose its status. What is answered 401 is sent once
// more if there is another token.
type edge struct {
	auth *pinned
	now  func() time.Time
}

// priorityHeader says which requests of an application Graph refuses first where
// they are too many (https://learn.microsoft.com/graph/throttling-limits,
// identity and access service limits). One without it is normal.
const priorityHeader = "X-Ms-Throttle-Priority"

// Intercept implements kiota's Middleware.
func (e edge) Intercept(pipeline khttp.Pipeline, index int, req *http.Request) (*http.Response, error) {
	if err := makeReplayable(req); err != nil {
		return nil, err
	}
	if p := provision.PriorityOf(req.Context()); p != provision.Normal {
		req.Header.Set(priorityHeader, string(p))
	}
	resp, err := e.send(pipeline, index, req)
	refused, ok := errors.AsType[*refusal](err)
	if !ok || refused.status != http.StatusUnauthorized {
		return resp, err
	}
	token, tokenErr := e.auth.another(req.Context(), strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "))
	if tokenErr != nil {
		return nil, tokenErr // says more than the 401 does
	}
	if token == "" {
		return nil, err
	}
	again := req.Clone(req.Context())
	again.Header.Set("Authorization", "Bearer "+token)
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, fmt.Errorf("read request body: %w", err)
		}
	}
	return e.send(pipeline, index, again)
}

// send sends a request. An answer that is no success is a *refusal.
func (e edge) send(pipeline khttp.Pipeline, index int, req *http.Request) (*http.Response, error) {
	resp, err := pipeline.Next(req, index)
	if err != nil {
		return nil, fmt.Errorf("reach Graph: %w", err)
	}
	if isSuccess(req.Method, resp.StatusCode) {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
		return resp, nil
	}
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if readErr != nil {
		body = nil // the status alone has to do
	}
	return nil, errors.Join(newRefusal(resp.StatusCode, resp.Header, body, e.now()), resp.Body.Close())
}

// isSuccess reports whether Graph answers a request of the method so when it has
// done it. 204 is all that it says of a delete: a page in its place is somebody
// else's.
func isSuccess(method string, status int) bool {
	switch status {
	case http.StatusNoContent:
		return true
	case http.StatusOK:
		return method != http.MethodDelete
	case http.StatusCreated:
		return method == http.MethodPost
	default:
		return false
	}
}

// makeReplayable gives a request what kiota leaves out: its length, and a
// second reader of its body. With them net/http replaces a connection that
// it finds dead, such as that of a Lambda that was frozen, without an error.
func makeReplayable(req *http.Request) error {
	if req.Body == nil {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return fmt.Errorf("read request body: %w", err)
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasSuffix(req.URL.Path, "/$batch") {
		// Only reads are batched here. An empty list marks the request as
		// idempotent for net/http and is not sent (http.Transport).
		req.Header["X-Idempotency-Key"] = nil
	}
	return nil
}
