package webex_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/webex"
)

const tokenURL = "https://webexapis.com/v1/access_token"

func app(server http.RoundTripper) webex.ServiceApp {
	return webex.ServiceApp{
		ClientID: "C1", ClientSecret: "s3cret+", RefreshToken: "r3fresh/", URL: tokenURL,
		Transport: server, Now: func() time.Time { return now },
	}
}

func TestARefreshIsAFormToTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       webex.Token
	}{
		{
			"as Webex answers",
			`{"token_type":"Bearer","access_token":"a","expires_in":1209600,"refresh_token":"r","refresh_token_expires_in":7776000,"scope":"x"}`,
			webex.Token{Access: "a", ExpiresAt: now.Add(14 * 24 * time.Hour), Refresh: "r", RefreshExpiresAt: now.Add(90 * 24 * time.Hour)},
		},
		{
			"as little as RFC 6749 asks for", `{"token_type":"bearer","access_token":"a","expires_in":60}`,
			webex.Token{Access: "a", ExpiresAt: now.Add(time.Minute), Refresh: "r3fresh/"},
		},
		{
			"numbers in strings, and a type that goes without saying", `{"access_token":"a","expires_in":"60","refresh_token":"r","refresh_token_expires_in":"x"}`,
			webex.Token{Access: "a", ExpiresAt: now.Add(time.Minute), Refresh: "r"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var asked exchange
			var kind string
			got, err := webex.Refresh(t.Context(), app(roundTrip(func(r *http.Request) (*http.Response, error) {
				kind = r.Header.Get("Content-Type")
				return recorded(t, &asked, 200, test.body)(r)
			})))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			want := exchange{
				Method: "POST", URL: tokenURL,
				Body: "client_id=C1&client_secret=s3cret%2B&grant_type=refresh_token&refresh_token=r3fresh%2F",
			}
			if diff := cmp.Diff(want, asked); diff != "" || kind != "application/x-www-form-urlencoded" {
				t.Errorf("%s as %s", diff, kind)
			}
		})
	}
}

func TestARefusedRefreshSaysWhatToDoAndNoSecret(t *testing.T) {
	t.Parallel()
	const echo = `,"error_description":"s3cret+ r3fresh/ of ada@example.com","trackingId":"r3fresh/","message":"s3cret+"}`
	for _, test := range []struct {
		name   string
		answer *http.Response
		want   provision.Fault
		mend   string
	}{
		{
			"an expired refresh token", answer(400, `{"error":"invalid_grant"`+echo),
			provision.Fault{Kind: provision.Permanent},
			"400 Bad Request, invalid_grant; the refresh token has expired, was revoked or is another service app's: make new tokens",
		},
		{
			"the same in the gateway's shape", answer(400, `{"trackingId":"ROUTER_1","message":"s3cret+"}`),
			provision.Fault{Kind: provision.Permanent, RequestID: "ROUTER_1"},
			"400 Bad Request (trackingId ROUTER_1); the refresh token has expired",
		},
		{"a code that is none", answer(400, `{"error":"r3fresh/"`+echo), provision.Fault{Kind: provision.Permanent}, "400 Bad Request; the refresh token"},
		{
			"a body that is no JSON", answer(400, "s3cret+"),
			provision.Fault{Kind: provision.Transient, Foreign: true, Uncertain: true},
			"400 Bad Request; by its form it was a proxy or a gateway that did; is this",
		},
		{
			"the page of a gateway", answer(403, "<html>s3cret+"),
			provision.Fault{Kind: provision.Transient, Foreign: true, Uncertain: true},
			"403 Forbidden; by its form",
		},
		{
			"a proxy that asks for its own log-in", answer(407, ""),
			provision.Fault{Kind: provision.Transient, Foreign: true, Uncertain: true},
			"407 Proxy Authentication Required; by its form",
		},
		{
			"a client that is unknown", answer(401, `{"error":"invalid_client"`+echo),
			provision.Fault{Kind: provision.Unauthorized},
			"401 Unauthorized, invalid_client; WEBEX_CLIENT_ID and WEBEX_CLIENT_SECRET must be",
		},
		{
			"the same with another status", answer(400, `{"error":"invalid_client"`+echo),
			provision.Fault{Kind: provision.Unauthorized},
			"400 Bad Request, invalid_client; WEBEX_CLIENT_ID",
		},
		{
			"an app that is not authorized", answer(403, "", "Trackingid", "ROUTER_2"),
			provision.Fault{Kind: provision.Unauthorized, RequestID: "ROUTER_2"},
			"403 Forbidden (trackingId ROUTER_2); WEBEX_CLIENT_ID",
		},
		{
			"throttling", answer(429, "", "Retry-After", "7"),
			provision.Fault{Kind: provision.Throttled, After: 7 * time.Second},
			"429 Too Many Requests",
		},
		{
			"an overload that says when to come back", answer(503, "", "Retry-After", "3"),
			provision.Fault{Kind: provision.Throttled, After: 3 * time.Second},
			"503 Service Unavailable",
		},
		{"an overload that does not", answer(503, ""), provision.Fault{Kind: provision.Transient, Uncertain: true}, "503 Service Unavailable"},
		{"a failure", answer(500, ""), provision.Fault{Kind: provision.Transient, Uncertain: true}, "500 Internal Server Error"},
		{"another address", answer(404, ""), provision.Fault{Kind: provision.Permanent}, "404 Not Found; is this the address of Webex's token endpoint?"},
		{
			"a redirect, which is not followed", answer(307, "", "Location", "https://evil.example/?s3cret+"),
			provision.Fault{Kind: provision.Transient, Foreign: true, Uncertain: true},
			"307 Temporary Redirect; by its form",
		},
		{"no JSON", answer(200, "r3fresh/"), provision.Fault{Kind: provision.Transient, Foreign: true, Uncertain: true}, "not the JSON expected"},
		{"another type of answer", answer(200, `{"access_token":["r3fresh/"]}`), provision.Fault{Kind: provision.Transient, Uncertain: true}, "not the JSON expected"},
		{"nothing", answer(204, ""), provision.Fault{Kind: provision.Transient, Uncertain: true}, "not the JSON expected"},
		{"no token", answer(200, `{"expires_in":60}`), provision.Fault{Kind: provision.Transient, Uncertain: true}, "has no token"},
		{
			"a token that is none", answer(200, `{"access_token":"a\r\nX: y","expires_in":60}`),
			provision.Fault{Kind: provision.Transient, Uncertain: true},
			"has no token",
		},
		{
			"a refresh token that is none", answer(200, `{"access_token":"a","refresh_token":"r\u0000","expires_in":60}`),
			provision.Fault{Kind: provision.Transient, Uncertain: true},
			"has no token",
		},
		{
			"another kind of token", answer(200, `{"token_type":"mac","access_token":"a","expires_in":60}`),
			provision.Fault{Kind: provision.Transient, Uncertain: true},
			"not a bearer token",
		},
		{"no lifetime", answer(200, `{"access_token":"a"}`), provision.Fault{Kind: provision.Transient, Uncertain: true}, "does not say how long"},
		{"no life", answer(200, `{"access_token":"a","expires_in":0}`), provision.Fault{Kind: provision.Transient, Uncertain: true}, "does not say how long"},
		{"too long a life", answer(200, `{"access_token":"a","expires_in":9223372036854775807}`), provision.Fault{Kind: provision.Transient, Uncertain: true}, "does not say how long"},
		{
			"an endless answer", &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(endless{})},
			provision.Fault{Kind: provision.Transient, Uncertain: true},
			"longer than 65536 bytes",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			token, err := webex.Refresh(t.Context(), app(roundTrip(func(*http.Request) (*http.Response, error) {
				calls++
				return test.answer, nil
			})))
			var got *provision.Fault
			if !errors.As(err, &got) || token != (webex.Token{}) {
				t.Fatalf("token %v, error %v", token, err)
			}
			if !strings.HasPrefix(got.Reason, "refresh the Webex token: ") || !strings.Contains(got.Reason, test.mend) {
				t.Errorf("reason %q, want one with %q", got.Reason, test.mend)
			}
			for _, secret := range []string{"s3cret", "r3fresh", "ada"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
			test.want.Reason = got.Reason
			if diff := cmp.Diff(test.want, *got); diff != "" || calls != 1 {
				t.Errorf("%d calls, %s", calls, diff)
			}
		})
	}
}

func TestARefreshThatIsNotAnsweredIsInDoubt(t *testing.T) {
	t.Parallel()
	_, err := webex.Refresh(t.Context(), app(roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })))
	if f := provision.AsFault(err); f == nil || f.Kind != provision.Transient || !f.Uncertain || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("fault %v", f)
	}
}

func TestTheSecretsAreSentToWebexAlone(t *testing.T) {
	t.Parallel()
	for address, sent := range map[string]bool{
		tokenURL: true,
		"https://api-usgov.webex.com/v1/access_token": true,
		"http://127.0.0.1:9/v1/access_token":          true,
		"http://[::1]:9/":                             true,
		"http://localhost/x":                          true,
		"http://webexapis.com/v1/access_token":        false,
		"https://webexapis.com.evil.example/":         false,
		"https://evil.example/?webexapis.com":         false,
		"https://webexapis.com@evil.example/":         false,
		"https://webexapis.com:8443/v1/access_token":  false,
		"https://webexapis.com/v1/access_token?x=y":   false,
		"ftp://127.0.0.1/":                            false,
		"":                                            false,
		"://":                                         false,
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			calls := 0
			a := app(roundTrip(func(*http.Request) (*http.Response, error) {
				calls++
				return answer(200, `{"access_token":"a","expires_in":60}`), nil
			}))
			a.URL = address
			_, err := webex.Refresh(t.Context(), a)
			f := provision.AsFault(err)
			if sent != (err == nil) || sent != (calls == 1) || f != nil && (f.Kind != provision.Permanent || f.Uncertain) {
				t.Errorf("%d calls, fault %v", calls, f)
			}
		})
	}
}

func TestAServiceAppWithoutAllOfItsPartsIsNotSent(t *testing.T) {
	t.Parallel()
	for i := range 3 {
		a := app(roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("sent") }))
		*[]*string{&a.ClientID, &a.ClientSecret, &a.RefreshToken}[i] = ""
		if _, err := webex.Refresh(t.Context(), a); err == nil || !strings.HasSuffix(err.Error(), "a service app needs WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN") {
			t.Errorf("error %v", err)
		}
	}
}

func TestARedirectGetsNoSecret(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusPermanentRedirect))
	t.Cleanup(server.Close)
	a := app(nil)
	a.URL = server.URL
	if _, err := webex.Refresh(t.Context(), a); !provision.AsFault(err).Foreign {
		t.Errorf("error %v", err)
	}
}

func TestATokenIsNotShown(t *testing.T) {
	t.Parallel()
	token := webex.Token{Access: "s3cret", Refresh: "r3fresh", ExpiresAt: now}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "token", token)
	fmt.Fprintf(&out, "%v %+v %#v %s", token, token, token, token)
	if strings.Contains(out.String(), "s3cret") || strings.Contains(out.String(), "r3fresh") {
		t.Error(out.String())
	}
}

// A service app lives through the years: its token is made anew before it
// expires, and each time the refresh token with it.
func TestAServiceAppRefreshesItsTokenForYears(t *testing.T) {
	t.Parallel()
	for _, rotate := range []bool{false, true} {
		t.Run(fmt.Sprintf("rotate %t", rotate), func(t *testing.T) {
			t.Parallel()
			at := now
			clock := func() time.Time { return at }
			org, _ := organization(t, scim.Config{
				Now: clock, ServiceApp: &scim.ServiceApp{ClientID: "C1", ClientSecret: "s3cret+", RefreshToken: "r3fresh/", Rotate: rotate},
			}, nil)
			a := app(simhttp.Network{"webexapis.com": org})
			a.Now = clock
			var token webex.Token
			c, err := webex.New(webex.Config{
				URL: "https://webexapis.com/identity/scim/" + orgID + "/v2", Transport: a.Transport,
				Token: func(context.Context) (string, error) { return token.Access, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 100 {
				if token, err = webex.Refresh(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				a.RefreshToken = token.Refresh
				if err := c.Probe(t.Context()); err != nil {
					t.Fatal(err)
				}
				at = token.ExpiresAt.Add(-time.Hour)
			}
			at = token.ExpiresAt
			if _, err := c.Read(t.Context(), change.User, adasID); provision.AsFault(err).Kind != provision.Unauthorized {
				t.Errorf("an expired token: %v", err)
			}
			at = token.RefreshExpiresAt
			if _, err := webex.Refresh(t.Context(), a); provision.AsFault(err).Kind != provision.Permanent {
				t.Errorf("an expired refresh token: %v", err)
			}
		})
	}
}
