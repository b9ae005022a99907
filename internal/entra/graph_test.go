package entra

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

const testToken = "a-token-that-must-not-leak"

// testNow is what the clock says in all tests.
func testNow() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// graph is Microsoft Graph in memory, with the rules that matter here: a
// bearer token on every call, $batch of at most 20 GETs answered in reverse
// order, 404 with Request_ResourceNotFound, $select, a recycle bin, paged
// members and groups, hidden membership, paged subscriptions. It is an
// http.RoundTripper and an http.Handler.
type graph struct {
	host string // of the nextLinks

	mu            sync.Mutex
	users         map[string]map[string]any
	groups        map[string]map[string]any
	deleted       map[string]map[string]any
	members       map[string][]listed // by the group's id
	pageSize      int                 // of members and groups; 999 if zero
	shown         bool                // hidden memberships too
	token         string              // that is accepted
	subscriptions []map[string]any
	// outer and inner replace the answer to a path.
	outer map[string]http.HandlerFunc
	inner map[string]http.HandlerFunc
	calls []string
	bytes int
}

func newGraph(ids ...string) *graph {
	g := &graph{
		host: "https://graph.microsoft.com", token: testToken, users: map[string]map[string]any{}, groups: map[string]map[string]any{},
		deleted: map[string]map[string]any{}, members: map[string][]listed{},
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

// listed is an object on a page, of which the id was selected.
type listed struct {
	Type string `json:"@odata.type"`
	ID   string `json:"id"`
}

func listedAs(kind, id string) listed { return listed{"#microsoft.graph." + kind, id} }

// group adds a group with these users as members.
func (g *graph) group(id string, users ...string) {
	g.groups[id] = map[string]any{
		"id": id, "displayName": "Friends", "securityEnabled": true, "visibility": nil, "description": "not selected",
	}
	for _, user := range users {
		g.members[id] = append(g.members[id], listedAs("user", user))
	}
}

// nest makes a group a member of another.
func (g *graph) nest(outer, inner string) {
	g.members[outer] = append(g.members[outer], listedAs("group", inner))
}

// hide hides a group's membership.
func (g *graph) hide(id string) { g.groups[id]["visibility"] = "HiddenMembership" }

// membersOf lists the members that may be seen.
func (g *graph) membersOf(id string, transitive bool) []listed {
	list := []listed{}
	if g.groups[id]["visibility"] == "HiddenMembership" && !g.shown {
		return list
	}
	for _, member := range g.members[id] {
		list = append(list, member)
		if transitive && member.Type == "#microsoft.graph.group" {
			list = append(list, g.membersOf(member.ID, true)...)
		}
	}
	return list
}

// memberOf lists what the object is a member of: groups, and before them a
// directory role.
func (g *graph) memberOf(id string, transitive bool) []listed {
	list := []listed{listedAs("directoryRole", "00000000-0000-4000-8000-00000000000f")}
	for _, group := range slices.Sorted(maps.Keys(g.groups)) {
		if slices.ContainsFunc(g.membersOf(group, transitive), func(m listed) bool { return m.ID == id }) {
			list = append(list, listedAs("group", group))
		}
	}
	return list
}

// list answers with a page of the list at u.
func (g *graph) list(w http.ResponseWriter, u *url.URL, list []listed) {
	size, from := g.pageSize, 0
	if size == 0 {
		size = 999
	}
	_, _ = fmt.Sscan(u.Query().Get("$skiptoken"), &from)
	if u.Query().Get("$top") != "999" && from == 0 || u.Query().Get("$select") != "id" {
		refuse(w, http.StatusBadRequest, "BadRequest", "not a list of ids by 999")
		return
	}
	page := map[string]any{"value": list[from:min(from+size, len(list))]}
	if from+size < len(list) {
		page["@odata.nextLink"] = fmt.Sprintf("%s/v1.0%s?$select=id&$skiptoken=%d", g.host, u.Path, from+size)
	}
	answer200(w, page)
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
		config.Select = map[change.Kind][]string{
			change.User:  {"accountEnabled", "displayName", "mail", "employeeCount", "businessPhones"},
			change.Group: {"displayName"},
		}
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = testNow
	}
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
	case r.Header.Get("Authorization") != "Bearer "+g.token:
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
		g.get(w, r.Method, strings.TrimPrefix(r.URL.RequestURI(), "/v1.0"))
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
	responses := []any{}
	for _, request := range batch.Requests {
		rec := httptest.NewRecorder()
		g.get(rec, request.Method, request.URL)
		headers := map[string]string{}
		for key := range rec.Header() {
			headers[key] = rec.Header().Get(key)
		}
		var body any
		if json.Valid(rec.Body.Bytes()) {
			body = json.RawMessage(rec.Body.Bytes())
		} else if rec.Body.Len() > 0 {
			body = rec.Body.Bytes() // base64, as Graph has what is no JSON
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
	if err != nil || method != http.MethodGet || !strings.Contains(target, "?$select=") && !strings.Contains(target, "?$filter=resourceId%20eq%20") {
		refuse(w, http.StatusBadRequest, "BadRequest", "not a GET with $select or $filter")
		return
	}
	if override := g.inner[u.Path]; override != nil {
		override(w, nil)
		return
	}
	collection, rest, _ := strings.Cut(strings.TrimPrefix(strings.Replace(u.Path, "/directory/deletedItems", "/deletedItems", 1), "/"), "/")
	key, what, _ := strings.Cut(rest, "/")
	object, ok := map[string]map[string]map[string]any{"users": g.users, "groups": g.groups, "deletedItems": g.deleted}[collection][strings.ToLower(key)]
	if !ok {
		refuse(w, http.StatusNotFound, notFound, "Resource '"+key+"' does not exist.")
		return
	}
	switch what {
	case "memberOf", "transitiveMemberOf":
		g.list(w, u, g.memberOf(key, what != "memberOf"))
		return
	case "members", "transitiveMembers":
		g.list(w, u, g.membersOf(key, what != "members"))
		return
	}
	selected := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity"}
	if kind, ok := object["@odata.type"]; ok {
		selected["@odata.type"] = kind
	}
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
	case r.Method == http.MethodGet:
		answer200(w, g.subscriptions[i])
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
func expectFault(t *testing.T, err error, kind any, after time.Duration, want string) {
	t.Helper()
	var f *provision.Fault
	if !errors.As(err, &f) {
		t.Fatalf("error %v (%T), want a *provision.Fault", err, err)
	}
	got := []any{f.Kind, f.After, f.Error()}
	if f.Answer != "" {
		got[0] = f.Answer
	}
	if diff := cmp.Diff([]any{kind, after, want}, got); diff != "" {
		t.Errorf("fault (-want +got):\n%s", diff)
	}
}

// countingWriter counts what is logged.
type countingWriter struct{ lines int }

func (w *countingWriter) logger() *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func (w *countingWriter) Write(text []byte) (int, error) {
	w.lines++
	return len(text), nil
}
