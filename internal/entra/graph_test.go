package entra

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
)

const testToken = "a-token-that-must-not-leak"

// testNow is what the clock says in all tests.
func testNow() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// graph is Microsoft Graph in memory, with the rules that matter here: a
// bearer token on every call, $batch of at most 20 GETs answered in reverse
// order, 404 with Request_ResourceNotFound, $select, a recycle bin, paged
// subscriptions. It is an http.RoundTripper and an http.Handler.
type graph struct {
	host string // of the nextLinks

	mu            sync.Mutex
	users         map[string]map[string]any
	deleted       map[string]map[string]any
	subscriptions []map[string]any
	// outer and inner replace the answer to a path.
	outer map[string]http.HandlerFunc
	inner map[string]http.HandlerFunc
	calls []string
	bytes int
}

func newGraph(ids ...string) *graph {
	g := &graph{
		host: "https://graph.microsoft.com", users: map[string]map[string]any{}, deleted: map[string]map[string]any{},
		outer: map[string]http.HandlerFunc{}, inner: map[string]http.HandlerFunc{},
	}
	for _, id := range ids {
		g.users[id] = map[string]any{
			"id": id, "accountEnabled": true, "displayName": "Ada", "mail": nil, "employeeCount": 7.0,
			"businessPhones": []any{"+1"}, "jobTitle": "not selected",
		}
	}
	return g
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func (g *graph) client(tb testing.TB, config Config) *Client {
	tb.Helper()
	if config.Credential == nil {
		config.Credential = StaticToken(testToken)
	}
	if config.Transport == nil {
		config.Transport = g
	}
	if config.Select == nil {
		config.Select = []string{"accountEnabled", "displayName", "mail", "employeeCount", "businessPhones"}
	}
	config.Now = testNow
	c, err := New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (g *graph) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	g.ServeHTTP(rec, req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	g.calls, g.bytes = append(g.calls, r.Method+" "+r.URL.RequestURI()), g.bytes+len(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if override := g.outer[strings.TrimPrefix(r.URL.Path, "/v1.0")]; override != nil {
		override(w, r)
		return
	}
	switch {
	case r.Header.Get("Authorization") != "Bearer "+testToken:
		refuse(w, http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty.")
	case r.Header.Get("Content-Encoding") != "" || int64(len(body)) != r.ContentLength:
		refuse(w, http.StatusUnsupportedMediaType, "Encoded", "the body is encoded, or has no length")
	default:
		g.route(w, r)
	}
}

func (g *graph) route(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1.0")
	subscription, isOne := strings.CutPrefix(path, "/subscriptions/")
	switch {
	case path == "/$batch" && r.Method == http.MethodPost:
		g.batch(w, r)
	case path == "/organization" && r.Method == http.MethodGet:
		answer200(w, map[string]any{"value": []any{map[string]any{"id": strings.ToUpper(id(99))}}})
	case path == "/subscriptions" && r.Method == http.MethodGet:
		g.listSubscriptions(w, r)
	case path == "/subscriptions" && r.Method == http.MethodPost:
		g.createSubscription(w, r)
	case isOne:
		g.oneSubscription(w, r, subscription)
	default:
		refuse(w, http.StatusBadRequest, "BadRequest", "no such segment")
	}
}

func (g *graph) batch(w http.ResponseWriter, r *http.Request) {
	var batch struct {
		Requests []struct {
			ID     string `json:"id"`
			Method string `json:"method"`
			URL    string `json:"url"`
		} `json:"requests"`
	}
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || len(batch.Requests) > 20 {
		refuse(w, http.StatusBadRequest, "BadRequest", "not a batch")
		return
	}
	var responses []any
	for _, request := range batch.Requests {
		rec := httptest.NewRecorder()
		g.get(rec, request.Method, request.URL)
		headers := map[string]string{}
		for key := range rec.Header() {
			headers[key] = rec.Header().Get(key)
		}
		var body any
		if rec.Body.Len() > 0 {
			body = json.RawMessage(rec.Body.Bytes())
		}
		if rec.Code != http.StatusTeapot { // stands for an answer left out
			responses = append(responses, map[string]any{"id": request.ID, "status": rec.Code, "headers": headers, "body": body})
		}
	}
	slices.Reverse(responses)
	answer200(w, map[string]any{"responses": responses})
}

func (g *graph) get(w http.ResponseWriter, method, target string) {
	u, err := url.Parse(target)
	if err != nil || method != http.MethodGet || !strings.Contains(target, "?$select=") {
		refuse(w, http.StatusBadRequest, "BadRequest", "not a GET with $select")
		return
	}
	if override := g.inner[u.Path]; override != nil {
		override(w, nil)
		return
	}
	objects, key := g.users, strings.TrimPrefix(u.Path, "/users/")
	if item, ok := strings.CutPrefix(u.Path, "/directory/deletedItems/"); ok {
		objects, key = g.deleted, item
	}
	object, ok := objects[strings.ToLower(key)]
	if !ok {
		refuse(w, http.StatusNotFound, notFound, "Resource '"+key+"' does not exist.")
		return
	}
	selected := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity"}
	for name := range strings.SplitSeq(u.Query().Get("$select"), ",") {
		if value, ok := object[name]; ok {
			selected[name] = value
		}
	}
	answer200(w, selected)
}

func (g *graph) listSubscriptions(w http.ResponseWriter, r *http.Request) {
	page := map[string]any{"value": g.subscriptions}
	if len(g.subscriptions) > 1 && r.URL.Query().Get("$skiptoken") == "" {
		page = map[string]any{"value": g.subscriptions[:1], "@odata.nextLink": g.host + "/v1.0/subscriptions?$skiptoken=1"}
	} else if len(g.subscriptions) > 1 {
		page["value"] = g.subscriptions[1:]
	}
	answer200(w, page)
}

func (g *graph) createSubscription(w http.ResponseWriter, r *http.Request) {
	var s map[string]any
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil || s["id"] != nil || s["clientState"] == "" {
		refuse(w, http.StatusBadRequest, "InvalidRequest", "not a subscription")
		return
	}
	s["id"] = id(100 + len(g.subscriptions))
	delete(s, "clientState")
	g.subscriptions = append(g.subscriptions, s)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	encode(w, s)
}

func (g *graph) oneSubscription(w http.ResponseWriter, r *http.Request, id string) {
	i := slices.IndexFunc(g.subscriptions, func(s map[string]any) bool { return s["id"] == id })
	switch {
	case i < 0:
		refuse(w, http.StatusNotFound, "ResourceNotFound", "The object was not found.")
	case r.Method == http.MethodPatch:
		var patch map[string]any
		if err := json.NewDecoder(r.Body).Decode(&patch); err != nil || len(patch) != 1 || patch["expirationDateTime"] == nil {
			refuse(w, http.StatusBadRequest, "InvalidRequest", "only expirationDateTime can be patched")
			return
		}
		g.subscriptions[i]["expirationDateTime"] = patch["expirationDateTime"]
		answer200(w, g.subscriptions[i])
	case r.Method == http.MethodDelete:
		g.subscriptions = slices.Delete(g.subscriptions, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}
}

func encode(w io.Writer, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

func answer200(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal")
	encode(w, v)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encode(w, map[string]any{"error": map[string]any{"code": code, "message": message}})
}

// refusing answers with a status, Graph's error object and a Retry-After.
func refusing(status int, code, after string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		refuse(w, status, code, "why")
	}
}

// raw answers with just this.
func raw(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// expectFault fails the test unless err is a Fault of that kind, with that
// pause and that text.
func expectFault(t *testing.T, err error, kind provision.FaultKind, after time.Duration, want string) {
	t.Helper()
	var f *provision.Fault
	if !errors.As(err, &f) {
		t.Fatalf("error %v (%T), want a *provision.Fault", err, err)
	}
	got := []any{f.Kind, f.After, f.Error()}
	if diff := cmp.Diff([]any{kind, after, want}, got); diff != "" {
		t.Errorf("fault (-want +got):\n%s", diff)
	}
}
