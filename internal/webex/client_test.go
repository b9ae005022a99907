package webex_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

// scimError404 is a 404 in SCIM's form, which is what makes one the server's
// own word.
const scimError404 = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"no such resource"}`

const (
	root   = "https://scim.example/identity/scim/org/v2"
	ada    = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	adasID = "2f4e6a80-0000-4000-8000-000000000001"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// roundTrip is a server without a socket.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func client(t *testing.T, server roundTrip) *webex.Client {
	t.Helper()
	c, err := webex.New(webex.Config{
		URL:       root,
		Token:     func(context.Context) (string, error) { return "secret-token", nil },
		Transport: server,
		Now:       func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// exchange is what a call put on the wire.
type exchange struct{ Method, URL, Body, Authorization string }

func recorded(t *testing.T, into *exchange, status int, body string) roundTrip {
	t.Helper()
	return func(r *http.Request) (*http.Response, error) {
		*into = exchange{Method: r.Method, URL: r.URL.String(), Authorization: r.Header.Get("Authorization")}
		if r.Body != nil {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			into.Body = string(data)
		}
		return answer(status, body), nil
	}
}

func object() change.Object { return change.Object{Kind: change.User, ID: ada} }

func team() change.Object {
	return change.Object{Kind: change.Group, ID: "9d1f7c52-0f6b-4c8e-8a55-6f0f3f6f1b11"}
}

func TestWhatGoesOnTheWire(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		call   func(context.Context, *webex.Client) error
		want   exchange
	}{
		{
			"a search escapes the value as JSON and then as a query", 200, `{"Resources":[]}`,
			func(ctx context.Context, c *webex.Client) error {
				_, err := c.Named(ctx, change.User, `o"b\r+x@example.com`)
				return err
			},
			exchange{Method: "GET", URL: root + `/Users?filter=userName%20eq%20%22o%5C%22b%5C%5Cr%2Bx%40example.com%22`},
		},
		{
			"a search by a matching attribute names it with its schema", 200, `{"Resources":[]}`,
			func(ctx context.Context, c *webex.Client) error {
				_, err := c.Matching(ctx, byNumber(t, `4"7\11 & é`))
				return err
			},
			exchange{Method: "GET", URL: root + `/Users?filter=urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Aextension%3Aenterprise%3A2.0%3AUser%3AemployeeNumber` +
				`%20eq%20%224%5C%227%5C%5C11%20%26%20%C3%A9%22`},
		},
		{
			"a user is created with its schema and type", 201, `{"id":"` + adasID + `"}`,
			func(ctx context.Context, c *webex.Client) error {
				return c.Apply(ctx, []provision.Operation{{Object: object(), Resource: map[string]any{"userName": "a@b.c", "active": true}}})[0].Err
			},
			exchange{
				Method: "POST", URL: root + "/Users",
				Body: `{"active":true,"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@b.c","userType":"user"}`,
			},
		},
		{
			"a user is changed by PATCH", 204, "",
			func(ctx context.Context, c *webex.Client) error {
				return c.Apply(ctx, []provision.Operation{{
					Object: object(), ID: adasID,
					Patch: []mapping.PatchOperation{{Op: "replace", Path: "active", Value: false}},
				}})[0].Err
			},
			exchange{
				Method: "PATCH", URL: root + "/Users/" + adasID,
				Body: `{"Operations":[{"op":"replace","path":"active","value":false}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`,
			},
		},
		{
			"a user is deleted", 204, "",
			func(ctx context.Context, c *webex.Client) error {
				return c.Apply(ctx, []provision.Operation{{Object: object(), ID: adasID, Delete: true}})[0].Err
			},
			exchange{Method: "DELETE", URL: root + "/Users/" + adasID},
		},
		{
			"a search for groups leaves out their members", 200, `{"Resources":[]}`,
			func(ctx context.Context, c *webex.Client) error {
				_, err := c.Named(ctx, change.Group, `R&D "\"`)
				return err
			},
			exchange{Method: "GET", URL: root + `/Groups?filter=displayName%20eq%20%22R%26D%20%5C%22%5C%5C%5C%22%22&excludedAttributes=members`},
		},
		{
			"a group is read without its members", 200, `{"id":"x"}`,
			func(ctx context.Context, c *webex.Client) error {
				_, err := c.Read(ctx, change.Group, "x")
				return err
			},
			exchange{Method: "GET", URL: root + "/Groups/x?excludedAttributes=members"},
		},
		{
			"a group is created with its schema and no type", 201, `{"id":"x"}`,
			func(ctx context.Context, c *webex.Client) error {
				return c.Apply(ctx, []provision.Operation{{Object: team(), Resource: map[string]any{"displayName": "R&D"}}})[0].Err
			},
			exchange{
				Method: "POST", URL: root + "/Groups",
				Body: `{"displayName":"R\u0026D","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`,
			},
		},
		{
			"a group is deleted", 204, "",
			func(ctx context.Context, c *webex.Client) error {
				return c.Apply(ctx, []provision.Operation{{Object: team(), ID: "x", Delete: true}})[0].Err
			},
			exchange{Method: "DELETE", URL: root + "/Groups/x"},
		},
		{
			"members are taken out one by one, then added together", 200, `{"id":"x","members":[{"value":"c"},{"value":"d"}]}`,
			func(ctx context.Context, c *webex.Client) error {
				_, err := c.ChangeMembers(ctx, provision.MemberChange{Group: team(), ID: "x", Add: []string{"c", "d"}, Remove: []string{"a", "b"}})
				return err
			},
			exchange{
				Method: "PATCH", URL: root + "/Groups/x",
				Body: `{"Operations":[{"op":"remove","path":"members[value eq \"a\"]"},{"op":"remove","path":"members[value eq \"b\"]"},` +
					`{"op":"add","path":"members","value":[{"value":"c","type":"user"},{"value":"d","type":"user"}]}],` +
					`"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`,
			},
		},
		{
			"members are asked for by the page", 200, `{"memberSize":0,"members":[]}`,
			func(ctx context.Context, c *webex.Client) error {
				return c.Members(ctx, "x", func([]string) error { return nil })
			},
			exchange{Method: "GET", URL: root + "/Groups/x/Members?startIndex=1&count=500&memberType=user"},
		},
		{
			"several writes go in one Bulk", 200,
			`{"operations":[{"bulkId":"op1","status":"201","location":"/Groups/y"},{"bulkId":"op2","status":"200"},{"bulkId":"op3","status":"204"}]}`,
			func(ctx context.Context, c *webex.Client) error {
				answers := c.Apply(ctx, []provision.Operation{
					{Object: team(), Resource: map[string]any{"displayName": "R"}},
					{Object: object(), ID: "../u", Patch: []mapping.PatchOperation{{Op: "replace", Path: "active", Value: false}}},
					{Object: object(), ID: "v", Delete: true},
				})
				return errors.Join(answers[0].Err, answers[1].Err, answers[2].Err)
			},
			exchange{
				Method: "POST", URL: root + "/Bulk",
				Body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":100,"operations":[` +
					`{"method":"POST","path":"/Groups","bulkId":"op1","data":{"displayName":"R","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}},` +
					`{"method":"PATCH","path":"/Users/..%2Fu","bulkId":"op2","data":{"Operations":[{"op":"replace","path":"active","value":false}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}},` +
					`{"method":"DELETE","path":"/Users/v","bulkId":"op3"}]}`,
			},
		},
		{
			"an id cannot leave its place in the path", 200, `{"id":"../Groups?x=/"}`,
			func(ctx context.Context, c *webex.Client) error {
				_, err := c.Read(ctx, change.User, "../Groups?x=/")
				return err
			},
			exchange{Method: "GET", URL: root + "/Users/..%2FGroups%3Fx=%2F"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got exchange
			if err := test.call(t.Context(), client(t, recorded(t, &got, test.status, test.body))); err != nil {
				t.Fatal(err)
			}
			test.want.Authorization = "Bearer secret-token"
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnswersBecomeFaults(t *testing.T) {
	t.Parallel()
	const scimError = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409",` +
		`"urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error":` +
		`{"trackingId":"ATLAS_1","errorCode":"4091","details":"user ada@example.com already exists"}}`
	for _, test := range []struct {
		name   string
		answer *http.Response
		want   provision.Fault
	}{
		{
			"a taken name, in Webex's SCIM shape", answer(409, scimError),
			provision.Fault{Kind: provision.Transient, Answer: provision.Exists, Code: provision.Conflict, RequestID: "ATLAS_1", Reason: "409 Conflict, user <address> already exists, 4091 (trackingId ATLAS_1)"},
		},
		{
			"an error code that is a number", answer(409, strings.Replace(scimError, `"4091"`, "4091", 1)),
			provision.Fault{Kind: provision.Transient, Answer: provision.Exists, Code: provision.Conflict, RequestID: "ATLAS_1", Reason: "409 Conflict, user <address> already exists, 4091 (trackingId ATLAS_1)"},
		},
		{
			"a dead token, in the gateway's shape",
			answer(401, `{"message":"no","errors":[{"description":"The request requires a valid access token"}],"trackingId":"ROUTER_1"}`),
			provision.Fault{Kind: provision.Unauthorized, RequestID: "ROUTER_1", Reason: "401 Unauthorized, The request requires a valid access token (trackingId ROUTER_1); renew WEBEX_ACCESS_TOKEN"},
		},
		{
			"a missing scope", answer(403, ""),
			provision.Fault{Kind: provision.Unauthorized, Reason: "403 Forbidden; the token needs the scope identity:people_rw, its owner the role of a full administrator, and WEBEX_ORG_ID must be its organization"},
		},
		{
			"a refusal without a word", answer(400, "", "Trackingid", "X_1"),
			provision.Fault{Kind: provision.Permanent, RequestID: "X_1", Reason: "400 Bad Request (trackingId X_1)"},
		},
		{
			"a PATCH without a target", answer(400, `{"scimType":"noTarget","detail":"nothing there"}`),
			provision.Fault{Kind: provision.Permanent, Answer: provision.NoTarget, Reason: "400 Bad Request, noTarget, nothing there"},
		},
		{
			"a missing account", answer(404, scimError404),
			provision.Fault{Kind: provision.Transient, Answer: provision.Gone, Code: provision.NotThere, Reason: "404 Not Found, no such resource"},
		},
		{
			"a missing account of another server", answer(404, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":404}`),
			provision.Fault{Kind: provision.Transient, Answer: provision.Gone, Code: provision.NotThere, Reason: "404 Not Found"},
		},
		{
			"throttling with seconds", answer(429, "", "Retry-After", "7"),
			provision.Fault{Kind: provision.Throttled, After: 7 * time.Second, Reason: "429 Too Many Requests"},
		},
		{
			"throttling with a date", answer(429, "", "Retry-After", "Mon, 02 Mar 2026 09:00:30 GMT"),
			provision.Fault{Kind: provision.Throttled, After: 30 * time.Second, Reason: "429 Too Many Requests"},
		},
		{
			"throttling without bounds", answer(429, "", "Retry-After", "999999999"),
			provision.Fault{Kind: provision.Throttled, After: time.Hour, Reason: "429 Too Many Requests"},
		},
		{
			"throttling that says nonsense", answer(429, "", "Retry-After", "-1"),
			provision.Fault{Kind: provision.Throttled, Reason: "429 Too Many Requests"},
		},
		{"a lock", answer(423, ""), provision.Fault{Kind: provision.Throttled, Reason: "423 Locked"}},
		{
			"an overload that says when to come back", answer(503, "", "Retry-After", "3"),
			provision.Fault{Kind: provision.Throttled, After: 3 * time.Second, Reason: "503 Service Unavailable"},
		},
		{"an overload that does not", answer(503, ""), provision.Fault{Kind: provision.Transient, Uncertain: true, Reason: "503 Service Unavailable"}},
		{"a failure of the server", answer(500, ""), provision.Fault{Kind: provision.Transient, Uncertain: true, Reason: "500 Internal Server Error"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			c := client(t, func(r *http.Request) (*http.Response, error) {
				if r.URL.RawQuery != "" { // a search by the id, which finds nobody either
					return answer(200, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}`), nil
				}
				calls++
				return test.answer, nil
			})
			_, err := c.Read(t.Context(), change.User, adasID)
			var got *provision.Fault
			if !errors.As(err, &got) {
				t.Fatalf("error %v is no fault", err)
			}
			test.want.From = provision.Webex
			test.want.Reason = "read Webex user " + adasID + ": Webex answered " + test.want.Reason
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Error(diff)
			}
			if calls != 1 {
				t.Errorf("%d calls, want 1: who retries is decided elsewhere", calls)
			}
		})
	}
}

func TestARefusedChangeTellsWhichOfItsAttributesAreNamed(t *testing.T) {
	t.Parallel()
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	patch := []mapping.PatchOperation{
		{Op: "replace", Path: "title", Value: "CEO"},
		{Op: "replace", Path: "name.familyName", Value: "Byron"},
		{Op: "replace", Path: `emails[type eq "work"].value`, Value: "ada@example.com"},
		{Op: "replace", Path: enterprise + "department", Value: "Sales"},
	}
	for _, test := range []struct {
		says string
		want []string
	}{
		{"Invalid value of Title", []string{"title"}},
		{"name.familyName and emails[0].value are not valid", []string{"name", "emails"}},
		{enterprise + "department is too long", []string{"department"}},
		{"the entitlements of userName are not known", nil}, // other words that hold these
		{"", nil},
	} {
		body, err := json.Marshal(map[string]any{
			"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": "400", "detail": test.says,
		})
		if err != nil {
			t.Fatal(err)
		}
		c := client(t, func(*http.Request) (*http.Response, error) { return answer(400, string(body)), nil })
		got := c.Apply(t.Context(), []provision.Operation{{Object: object(), ID: adasID, Patch: patch}})
		f := provision.AsFault(got[0].Err)
		if diff := cmp.Diff(test.want, f.Attributes); f.Kind != provision.Permanent || diff != "" {
			t.Errorf("%q: %s\n%s", test.says, f, diff)
		}
	}
}

func TestWhatSomebodyBetweenAnswersIsSaidToBeTheirs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer *http.Response
		want   string
	}{
		{answer(404, "<html>ada@example.com"), "404 Not Found"},
		{answer(302, "", "Location", "https://evil.example/"), "302 Found"},
		{answer(403, `{"message":"ada@example.com"}`, "Content-Type", "application/json"), "403 Forbidden"},
		{answer(404, `{"message":"no route for ada@example.com","trackingId":"ROUTER_1"}`), "404 Not Found (trackingId ROUTER_1)"},
	} {
		c := client(t, func(*http.Request) (*http.Response, error) { return test.answer, nil })
		_, err := c.Read(t.Context(), change.User, adasID)
		want := "read Webex user " + adasID + ": Webex answered " + test.want + "; by its form it was a proxy or a gateway that did"
		if f := provision.AsFault(err); !f.Foreign || f.Reason != want {
			t.Errorf("fault %v, want %q", f, want)
		}
	}
}

func TestAProxyThatRefusesTheTunnelIsTroubleOfTheSide(t *testing.T) {
	t.Parallel()
	for _, status := range []int{302, 403, 407, 502} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(proxy.Close)
		at, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		transport := webex.NewTransport()
		transport.Proxy = http.ProxyURL(at)
		c, err := webex.New(webex.Config{
			URL: root, Token: func(context.Context) (string, error) { return "secret-token", nil }, Transport: transport,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(t.Context(), change.User, adasID)
		if f := provision.AsFault(err); f.Kind != provision.Transient || !f.Foreign || f.Uncertain ||
			f.Reason != fmt.Sprintf("read Webex user %s: not sent: the proxy answered %d %s", adasID, status, http.StatusText(status)) {
			t.Errorf("%d: fault %+v", status, f)
		}
	}
}

func TestWhatNoProxyTookHadNoEffect(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.NotFoundHandler())
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy.Close() // nobody listens there now
	transport := webex.NewTransport()
	transport.Proxy = http.ProxyURL(at)
	c, err := webex.New(webex.Config{
		URL: root, Token: func(context.Context) (string, error) { return "secret-token", nil }, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(t.Context(), change.User, adasID)
	if f := provision.AsFault(err); f.Kind != provision.Transient || f.Uncertain {
		t.Errorf("fault %+v", f)
	}
}

func TestAnAnswerThatDoesNotArriveLeavesDoubtAndNoName(t *testing.T) {
	t.Parallel()
	c := client(t, func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	_, err := c.Named(t.Context(), change.User, "ada@example.com")
	f := provision.AsFault(err)
	if f.Kind != provision.Transient || !f.Uncertain || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("fault %+v", f)
	}
	if text := err.Error(); strings.Contains(text, "ada") || strings.Contains(text, "secret") {
		t.Errorf("the error names a person or a secret: %s", text)
	}
}

func TestACreateWithoutAnIDIsInDoubt(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", `{"id":""}`, "not json"} {
		c := client(t, func(*http.Request) (*http.Response, error) { return answer(201, body), nil })
		got := c.Apply(t.Context(), []provision.Operation{{Object: object(), Resource: map[string]any{}}})
		if f := provision.AsFault(got[0].Err); f == nil || !f.Uncertain {
			t.Errorf("answer %q: fault %v, want an uncertain one", body, f)
		}
	}
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	c := client(t, func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(endless{})}, nil
	})
	_, err := c.Read(t.Context(), change.User, adasID)
	if f := provision.AsFault(err); f == nil || f.Kind != provision.Transient || !strings.Contains(f.Reason, "longer than") {
		t.Errorf("fault %v", f)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
