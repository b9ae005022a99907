package entra

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

// authority is a token endpoint that knows one secret of the app and issues
// tokens with a number.
type authority struct {
	mu      sync.Mutex
	secret  string
	issued  int
	refused int
}

func (a *authority) Do(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	endpoint := &tokenEndpoint{status: http.StatusUnauthorized, body: `{"error":"invalid_client","error_description":"AADSTS7000222: the secret has expired."}`}
	var form string
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form = string(body)
	}
	switch {
	case strings.Contains(form, "client_secret="+a.secret):
		a.issued++
		endpoint.status = http.StatusOK
		endpoint.body = fmt.Sprintf(`{"access_token":"token %d","token_type":"Bearer","expires_in":3600}`, a.issued)
	case form != "":
		a.refused++
	}
	return endpoint.Do(r)
}

// rotation is a Graph, an authority and a secret that can be rotated.
type rotation struct {
	*Client

	graph     *graph
	authority *authority
	now       time.Time

	mu     sync.Mutex
	secret string // that a reading finds
	reads  int
}

func rotated(t *testing.T, secret string) *rotation {
	t.Helper()
	r := &rotation{graph: newGraph(id(1)), authority: &authority{secret: "new"}, now: testNow(), secret: "new"}
	r.graph.token = "token 1"
	server := httptest.NewServer(r.graph)
	t.Cleanup(server.Close)
	settings := func(secret string) config.Entra {
		return config.Entra{TenantID: id(99), ClientID: id(98), ClientSecret: secret}
	}
	credential := &rotating{
		latest: func(context.Context) config.Entra {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.reads++
			return settings(r.secret)
		},
		open: func(s config.Entra) (azcore.TokenCredential, error) {
			return clientSecret(Public, s.TenantID, s.ClientID, s.ClientSecret, r.authority)
		},
		now: func() time.Time { return r.now },
	}
	if err := credential.begin(settings(secret)); err != nil {
		t.Fatal(err)
	}
	r.Client = r.graph.client(t, Config{BaseURL: server.URL, Transport: http.DefaultTransport, Credential: credential})
	return r
}

// counts are the readings of the secret, the tokens issued and refused, and the
// calls that reached Graph.
func (r *rotation) counts() string {
	return fmt.Sprintf("%d readings, %d tokens, %d refused, %d calls", r.reads, r.authority.issued, r.authority.refused, len(r.graph.calls))
}

func TestARotatedSecretIsTakenUpWithoutAFailedAttempt(t *testing.T) {
	t.Parallel()
	r := rotated(t, "old")
	for range 2 {
		if reading := r.Read(t.Context(), asking(id(1)))[0]; reading.Err != nil {
			t.Error(reading.Err)
		}
	}
	if diff := cmp.Diff("1 readings, 1 tokens, 1 refused, 2 calls", r.counts()); diff != "" {
		t.Error(diff)
	}
}

func TestASecretThatNobodyRotatedIsRefusedAfterOneReading(t *testing.T) {
	t.Parallel()
	r := rotated(t, "old")
	r.secret = "old"
	reading := r.Read(t.Context(), asking(id(1)))[0]
	expectFault(t, reading.Err, provision.Unauthorized, 0,
		"read user "+id(1)+" from Entra: 401 token refused invalid_client: AADSTS7000222: the secret has expired. (make another client secret: infra/register-app.sh)")
	if diff := cmp.Diff("1 readings, 0 tokens, 1 refused, 0 calls", r.counts()); diff != "" {
		t.Error(diff)
	}
}

func TestATokenThatGraphRefusesIsDroppedOnceAMinute(t *testing.T) {
	t.Parallel()
	r := rotated(t, "new")
	r.graph.token = "token 2"
	if _, err := r.CreateSubscription(t.Context(), renew.Subscription{Resource: "users", ClientState: "s", ExpiresAt: r.now}); err != nil {
		t.Errorf("a call with a body: %v", err)
	}
	if diff := cmp.Diff("1 readings, 2 tokens, 0 refused, 2 calls", r.counts()); diff != "" {
		t.Error(diff)
	}
	r.graph.token = "none"
	for range 3 {
		_, err := r.Organization(t.Context())
		expectFault(t, err, provision.Unauthorized, 0, "read organization: 401 InvalidAuthenticationToken: Access token is empty.")
	}
	if diff := cmp.Diff("4 readings, 2 tokens, 0 refused, 5 calls", r.counts()); diff != "" {
		t.Errorf("within a minute: %s", diff)
	}
	r.graph.token = "token 3"
	r.now = r.now.Add(time.Minute)
	if _, err := r.Organization(t.Context()); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}

func TestCallsThatAreRefusedAtOnceShareOneNewToken(t *testing.T) {
	t.Parallel()
	r := rotated(t, "new")
	r.graph.token = "token 2"
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := r.Organization(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if r.authority.issued != 2 {
		t.Errorf("%d tokens", r.authority.issued)
	}
}

func TestARefusalOfTheRotatedSecretSaysMoreThanThe401(t *testing.T) {
	t.Parallel()
	r := rotated(t, "new")
	r.graph.token = "none"
	r.secret = "half written"
	_, err := r.Organization(t.Context())
	expectFault(t, err, provision.Unauthorized, 0,
		"read organization: 401 token refused invalid_client: AADSTS7000222: the secret has expired. (make another client secret: infra/register-app.sh)")
}

func TestAFixedTokenIsSentOnce(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(config.Entra) (*Client, error){
		"without a secret": func(s config.Entra) (*Client, error) { return Open(s, nil, slog.New(slog.DiscardHandler)) },
		"with a secret as before": func(s config.Entra) (*Client, error) {
			return OpenRotating(s, nil, func(context.Context) config.Entra { return s }, slog.New(slog.DiscardHandler))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			server := httptest.NewServer(g)
			t.Cleanup(server.Close)
			c, err := open(config.Entra{GraphURL: server.URL, AccessToken: "stale"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Organization(t.Context())
			expectFault(t, err, provision.Unauthorized, 0, "read organization: 401 InvalidAuthenticationToken: Access token is empty.")
			if len(g.calls) != 1 {
				t.Errorf("calls %v", g.calls)
			}
		})
	}
}
