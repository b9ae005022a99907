package entra

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
)

// recorder is a credential that remembers the scopes it was asked for.
type recorder struct {
	StaticToken

	scopes []string
}

func (r *recorder) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	r.scopes = append(r.scopes, options.Scopes...)
	return r.StaticToken.GetToken(ctx, options)
}

// tokenEndpoint is an authority: it tells where its token endpoint is
// (OpenID Connect Discovery 1.0 section 4), and answers there as it is told.
// It keeps the URLs it was asked at.
type tokenEndpoint struct {
	status int
	after  string
	body   string
	urls   []string
}

func (e *tokenEndpoint) Do(r *http.Request) (*http.Response, error) {
	e.urls = append(e.urls, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json")
	if tenant, ok := strings.CutSuffix(r.URL.Path, "/v2.0/.well-known/openid-configuration"); ok {
		root := "https://" + r.URL.Host + tenant
		_, _ = fmt.Fprintf(rec, `{"issuer":"%s/v2.0","authorization_endpoint":"%[1]s/oauth2/v2.0/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token"}`, root)
		return rec.Result(), nil
	}
	rec.Header().Set("Retry-After", e.after)
	rec.WriteHeader(e.status)
	_, _ = io.WriteString(rec, e.body)
	return rec.Result(), nil
}

func TestCloud(t *testing.T) {
	t.Parallel()
	for cloud, want := range map[Cloud]struct{ host, scope, authority string }{
		"":       {"graph.microsoft.com", "https://graph.microsoft.com/.default", "https://login.microsoftonline.com"},
		Public:   {"graph.microsoft.com", "https://graph.microsoft.com/.default", "https://login.microsoftonline.com"},
		USGov:    {"graph.microsoft.us", "https://graph.microsoft.us/.default", "https://login.microsoftonline.us"},
		USGovDoD: {"dod-graph.microsoft.us", "https://dod-graph.microsoft.us/.default", "https://login.microsoftonline.us"},
		China:    {"microsoftgraph.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn/.default", "https://login.chinacloudapi.cn"},
	} {
		t.Run("host and scope of "+string(cloud)+" go together", func(t *testing.T) {
			t.Parallel()
			var hosts []string
			transport := roundTripFunc(func(r *http.Request) (*http.Response, error) {
				hosts = append(hosts, r.URL.Scheme+"://"+r.URL.Host)
				return newGraph(id(1)).RoundTrip(r)
			})
			credential := &recorder{StaticToken: testToken}
			c := newGraph().client(t, Config{Cloud: cloud, Transport: transport, Credential: credential})
			if reading := c.Read(t.Context(), asking(id(1)))[0]; reading.Err != nil {
				t.Fatal(reading.Err)
			}
			if diff := cmp.Diff([][]string{{"https://" + want.host}, {want.scope}}, [][]string{hosts, credential.scopes}); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("the authority of "+string(cloud)+" is asked for one token, and no other host", func(t *testing.T) {
			t.Parallel()
			endpoint := &tokenEndpoint{status: 200, body: `{"access_token":"` + testToken + `","token_type":"Bearer","expires_in":3600}`}
			credential, err := clientSecret(cloud, id(99), id(98), "secret", endpoint)
			if err != nil {
				t.Fatal(err)
			}
			c := newGraph(id(1)).client(t, Config{Cloud: cloud, Credential: credential})
			for range 2 {
				if reading := c.Read(t.Context(), asking(id(1)))[0]; reading.Err != nil {
					t.Fatal(reading.Err)
				}
			}
			tenant := want.authority + "/" + id(99)
			asked := []string{tenant + "/v2.0/.well-known/openid-configuration", tenant + "/oauth2/v2.0/token"}
			if diff := cmp.Diff(asked, endpoint.urls); diff != "" {
				t.Error(diff)
			}
		})
	}

	t.Run("an unknown cloud is refused", func(t *testing.T) {
		t.Parallel()
		if _, err := New(Config{Cloud: "mars", Credential: StaticToken("t")}); err == nil {
			t.Error("no error")
		}
		if _, err := ClientSecret("mars", id(99), id(98), "secret"); err == nil {
			t.Error("no error")
		}
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	for base, ok := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost:8080/": true, "http://[::1]:1": true, "https://graph.microsoft.com/": true,
		"http://graph.microsoft.com": false, "https://graph.microsoft.us": false, "http://10.0.0.1": false,
		"https://localhost.example.com": false, "ftp://127.0.0.1": false, "://": false, "https://graph.microsoft.com@evil.example": false,
	} {
		verdict := map[bool]string{true: "accepted", false: "refused"}[ok]
		t.Run("base URL "+base+" is "+verdict, func(t *testing.T) {
			t.Parallel()
			if _, err := New(Config{BaseURL: base, Credential: StaticToken("t")}); (err == nil) != ok {
				t.Errorf("error %v", err)
			}
		})
	}

	t.Run("a credential is required", func(t *testing.T) {
		t.Parallel()
		if _, err := New(Config{}); err == nil {
			t.Error("no error")
		}
	})
}

func TestTokenRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		endpoint tokenEndpoint
		kind     provision.FaultKind
		after    time.Duration
		want     string
	}{
		"a wrong secret pauses": {
			tokenEndpoint{status: 401, body: `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2"}`},
			provision.Unauthorized, 0, "401 token refused invalid_client: AADSTS7000215: Invalid client secret provided. (ENTRA_CLIENT_SECRET has to be the secret's value, not its id, and of this app registration)",
		},
		"another app registration pauses": {
			tokenEndpoint{status: 400, body: `{"error":"unauthorized_client","error_description":"AADSTS700016: Application not found."}`},
			provision.Unauthorized, 0, "401 token refused unauthorized_client: AADSTS700016: Application not found. (ENTRA_CLIENT_ID is no app registration of the tenant in ENTRA_TENANT_ID)",
		},
		"an AWS identity that is not trusted pauses": {
			tokenEndpoint{status: 401, body: `{"error":"invalid_client","error_description":"AADSTS700213: No matching federated identity record found. Trace ID: 1"}`},
			provision.Unauthorized, 0, "401 token refused invalid_client: AADSTS700213: No matching federated identity record found." +
				" (the app registration does not trust this AWS identity: infra/register-app.sh --federation ISSUER=ROLES)",
		},
		"a certificate that is not the app registration's pauses": {
			tokenEndpoint{status: 401, body: `{"error":"invalid_client","error_description":"AADSTS700027: The certificate is not registered."}`},
			provision.Unauthorized, 0, "401 token refused invalid_client: AADSTS700027: The certificate is not registered." +
				" (the app registration does not have this certificate, or it has expired: infra/register-app.sh --certificate cert.pem)",
		},
		"a clock that is wrong pauses": {
			tokenEndpoint{status: 401, body: `{"error":"invalid_client","error_description":"AADSTS700024: Client assertion is not within its valid time range."}`},
			provision.Unauthorized, 0, "401 token refused invalid_client: AADSTS700024: Client assertion is not within its valid time range." +
				" (look at this machine's clock, and at the days of the certificate)",
		},
		"an unknown tenant pauses": {
			tokenEndpoint{status: 400, body: `{"error":"invalid_request","error_description":"AADSTS90002: Tenant not found."}`},
			provision.Unauthorized, 0, "401 token refused invalid_request: AADSTS90002: Tenant not found. (ENTRA_TENANT_ID is no tenant of this ENTRA_CLOUD)",
		},
		"an endpoint that forbids it pauses": {
			tokenEndpoint{status: 403, body: `{"error":"access_denied"}`}, provision.Unauthorized, 0, "401 token refused access_denied",
		},
		"a proxy in front of the endpoint is not the endpoint": {
			tokenEndpoint{status: 403, body: `<html>`}, provision.Transient, 0, "401 token refused",
		},
		"a throttled endpoint is waited for": {
			tokenEndpoint{status: 429, after: "30", body: `{}`},
			provision.Throttled, 30 * time.Second, "429 token refused",
		},
		"a failing endpoint is tried again": {
			tokenEndpoint{status: 500, body: `<html>`}, provision.Transient, 0, "500 token refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			credential, err := clientSecret(Public, id(99), id(98), "the-secret", &tt.endpoint)
			if err != nil {
				t.Fatal(err)
			}
			g := newGraph(id(1))
			reading := g.client(t, Config{Credential: credential}).Read(t.Context(), asking(id(1)))[0]
			expectFault(t, reading.Err, tt.kind, tt.after, "read user "+id(1)+" from Entra: "+tt.want)
			if len(g.calls) != 0 || len(tt.endpoint.urls) != 2 {
				t.Errorf("calls %v, token requests %v", g.calls, tt.endpoint.urls)
			}
		})
	}
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()

	t.Run("the token follows no redirect", func(t *testing.T) {
		t.Parallel()
		var visited atomic.Bool
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Store(true) }))
		defer other.Close()
		server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
		defer server.Close()
		c := newGraph().client(t, Config{BaseURL: server.URL, Transport: http.DefaultTransport})
		expectFault(t, c.Read(t.Context(), asking(id(1)))[0].Err, provision.Transient, 0, "read user "+id(1)+" from Entra: 307")
		if visited.Load() {
			t.Error("the redirect was followed")
		}
	})

	t.Run("a connection is used again", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewUnstartedServer(newGraph(id(1)))
		var connections atomic.Int32
		server.Config.ConnState = countNew(&connections)
		server.Start()
		defer server.Close()
		c := ownTransport(t, server.URL)
		for range 3 {
			if reading := c.Read(t.Context(), asking(id(1)))[0]; reading.Err != nil {
				t.Fatal(reading.Err)
			}
		}
		if n := connections.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})

	t.Run("a connection that died while idle is replaced without a fault", func(t *testing.T) {
		t.Parallel()
		var requests atomic.Int32
		g := newGraph(id(1))
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == 2 {
				panic(http.ErrAbortHandler) // closes the connection unanswered
			}
			g.ServeHTTP(w, r)
		}))
		defer server.Close()
		c := ownTransport(t, server.URL)
		for range 2 {
			if reading := c.Read(t.Context(), asking(id(1)))[0]; reading.Err != nil {
				t.Fatal(reading.Err)
			}
		}
		if n := requests.Load(); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
}

// ownTransport is a Client with the transport it has in production.
func ownTransport(t *testing.T, base string) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: base, Credential: StaticToken(testToken)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOrganization(t *testing.T) {
	t.Parallel()

	t.Run("names the tenant in lower case", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		got, err := g.client(t, Config{}).Organization(t.Context())
		if err != nil || got != id(99) {
			t.Errorf("tenant %q, error %v", got, err)
		}
		if diff := cmp.Diff([]string{"GET /v1.0/organization?$select=id"}, g.calls); diff != "" {
			t.Error(diff)
		}
	})

	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		kind   provision.FaultKind
		want   string
	}{
		"without the permission":   {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, "403 Authorization_RequestDenied: why (it needs the application permission Organization.Read.All, with admin consent)"},
		"with no tenant":           {raw(200, "application/json", `{"value":[]}`), provision.Transient, "the answer does not name one tenant"},
		"with a null":              {raw(200, "application/json", `{"value":[null]}`), provision.Transient, "the answer does not name one tenant"},
		"with no GUID":             {raw(200, "application/json", `{"value":[{"id":"x"}]}`), provision.Transient, "the answer does not name one tenant"},
		"with another kind of id":  {raw(200, "application/json", `{"value":[{"id":5}]}`), provision.Transient, "the answer does not name one tenant"},
		"with nothing":             {raw(204, "", ""), provision.Transient, "the answer is empty"},
		"from a proxy's HTML page": {raw(200, "text/html", "<html>"), provision.Transient, "the answer is not a page of tenants"},
	} {
		t.Run("an answer "+name+" is a fault", func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.outer["/organization"] = tt.answer
			_, err := g.client(t, Config{}).Organization(t.Context())
			expectFault(t, err, tt.kind, 0, "read organization: "+tt.want)
		})
	}
}

func countNew(n *atomic.Int32) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
}

func jwt(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".sig"
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token string
		roles []string
		known bool
	}{
		"a token with roles lists them":      {jwt(`{"roles":["User.Read.All","Organization.Read.All"]}`), []string{"User.Read.All", "Organization.Read.All"}, true},
		"a token without roles has none":     {jwt(`{"aud":"x"}`), nil, true},
		"a token that is no JWT tells none":  {"opaque", nil, false},
		"a token of three words tells none":  {"a.b.c", nil, false},
		"a payload that is null tells none":  {jwt(`null`), nil, false},
		"roles that are no list tell none":   {jwt(`{"roles":"x"}`), nil, false},
		"a token beyond all size tells none": {jwt(`{"roles":["` + strings.Repeat("x", maxToken) + `"]}`), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roles, known, err := newGraph().client(t, Config{Credential: StaticToken(tt.token)}).Roles(t.Context())
			if err != nil || known != tt.known {
				t.Errorf("known %v, error %v", known, err)
			}
			if diff := cmp.Diff(tt.roles, roles); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzTokenRoles(f *testing.F) {
	f.Add(jwt(`{"roles":["User.Read.All"]}`))
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if roles, known := tokenRoles(token); !known && roles != nil {
			t.Errorf("roles %v of a token that is not known", roles)
		}
	})
}

func TestPinnedHost(t *testing.T) {
	t.Parallel()
	for _, next := range []string{
		"https://evil.example/v1.0/subscriptions", "http://graph.microsoft.com/v1.0/subscriptions",
		"https://graph.microsoft.com.evil.example/v1.0/subscriptions", "https://graph.microsoft.com@evil.example/v1.0/subscriptions",
		"https://graph.microsoft.com:8443/v1.0/subscriptions", "/v1.0/subscriptions",
	} {
		t.Run("a nextLink to "+next+" gets no token", func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.outer["/subscriptions"] = raw(200, "application/json", `{"value":[],"@odata.nextLink":"`+next+`"}`)
			_, err := g.client(t, Config{}).Subscriptions(t.Context())
			u, parseErr := url.Parse(next)
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			expectFault(t, err, provision.Permanent, 0,
				"list subscriptions: refused to send the token to another host: "+u.Scheme+"://"+u.Host)
			if len(g.calls) != 1 {
				t.Errorf("calls %v", g.calls)
			}
		})
	}
}
