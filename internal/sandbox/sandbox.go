// Package sandbox is a simulated Entra tenant and a simulated Webex organization on
// loopback addresses, for a process to serve as if they were real.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/story"
)

// What a sandbox is called by and lets in; events/ uses the same tenant and
// clientState.
const (
	TenantID    = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	Domain      = "contoso.example"
	AppID       = "c7a1d9a2-6a0e-4d53-9c55-0b8f1f6f7a10" // the enterprise application
	OrgID       = "3b2a1c00-7d4e-4bbb-8ccc-1234567890ab"
	Token       = "sandbox"
	ClientState = "secretClientValue"
)

// Options are how a sandbox begins.
type Options struct {
	// Seed decides everything that is random.
	Seed uint64
	// Users is how many the tenant has, at least 4.
	Users int
	// Storm brings one, which does not blow yet.
	Storm bool
	// Silent has nothing notified: what changes is found by asking.
	Silent bool
}

// Sandbox is a tenant and an organization that are being served.
type Sandbox struct {
	Tenant *graph.Tenant
	Org    *scim.Organization
	Storm  *story.Storm // nil in fair weather
	// Silent says that nothing is notified; see Options.
	Silent bool
	// GraphURL is the root of Graph without its version, SCIMURL that of the
	// organization.
	GraphURL, SCIMURL string

	servers []*http.Server
}

// Open seeds both sides and serves them until Close.
func Open(ctx context.Context, o Options) (*Sandbox, error) {
	of := graph.Config{ID: TenantID, Domain: Domain, AppID: AppID, Token: Token, Seed: o.Seed, Extended: true}
	s := &Sandbox{Silent: o.Silent}
	if o.Storm {
		s.Storm = story.NewStorm(o.Seed)
		of.Transport = s.Storm.Deliveries(http.DefaultTransport)
	}
	var err error
	if s.Tenant, err = graph.New(of); err != nil {
		return nil, err
	}
	if s.Org, err = scim.New(scim.Config{ID: OrgID, Token: Token, Seed: o.Seed}); err != nil {
		return nil, err
	}
	if err := story.Seed(s.Tenant, s.Org, o.Users, o.Seed); err != nil {
		return nil, err
	}
	if s.GraphURL, err = s.serve(ctx, s.Tenant); err != nil {
		return nil, err
	}
	if s.SCIMURL, err = s.serve(ctx, s.Org); err != nil {
		s.Close()
		return nil, err
	}
	s.SCIMURL += "/identity/scim/" + OrgID + "/v2"
	return s, nil
}

// serve serves one side, in the storm if there is one, and returns its address.
func (s *Sandbox) serve(ctx context.Context, side http.Handler) (string, error) {
	if s.Storm != nil {
		side = s.Storm.Around(side)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen on loopback: %w", err)
	}
	server := &http.Server{Handler: side, ReadHeaderTimeout: time.Minute}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return "http://" + listener.Addr().String(), nil
}

// Close ends both sides.
func (s *Sandbox) Close() {
	for _, server := range s.servers {
		_ = server.Close() // nothing is left to lose
	}
}

// Environ is the environment of a process that serves the sandbox and keeps what it
// has in a folder. A webhook listens where LISTEN_ADDR says, and is told to Graph so.
func (s *Sandbox) Environ(dataDir string) []string {
	environ := []string{
		"SCOPE=all", "ENTRA_TENANT_ID=" + TenantID, "GRAPH_URL=" + s.GraphURL, "GRAPH_ACCESS_TOKEN=" + Token,
		"WEBEX_ORG_ID=" + OrgID, "WEBEX_SCIM_URL=" + s.SCIMURL, "WEBEX_ACCESS_TOKEN=" + Token,
		"CLIENT_STATE=" + ClientState, "WEBHOOK_URL=http://127.0.0.1:0", "DATA_DIR=" + dataDir,
		"DELETE_CONFIRM_AFTER=500ms", // ten minutes in life
	}
	if s.Silent {
		environ = append(environ, "WEBHOOK_URL=")
	}
	return environ
}

// ErrTimeout is what Wait gives up with.
var ErrTimeout = errors.New("not within the time given")

// Wait looks until the condition holds, but not longer than patience.
func Wait(ctx context.Context, patience time.Duration, condition func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrTimeout)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
	return nil
}
