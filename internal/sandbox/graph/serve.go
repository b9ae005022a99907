package graph

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"entrawebex/internal/sandbox/simhttp"
)

// Graph's pages of users, groups and members
// (https://learn.microsoft.com/graph/api/user-list).
const (
	defaultPage = 100
	maxPage     = 999
)

const metadata = "https://graph.microsoft.com/v1.0/$metadata#"

// graphError is an error as Graph answers it
// (https://learn.microsoft.com/graph/errors).
type graphError struct {
	status        int
	code, message string
}

func (e *graphError) Error() string { return e.code + ": " + e.message }

// refuse is what Entra says to properties it does not take.
func refuse(message string) *graphError {
	return &graphError{http.StatusBadRequest, "Request_BadRequest", message}
}

func badRequest(message string) *graphError {
	return &graphError{http.StatusBadRequest, "BadRequest", message}
}

func unsupported(message string) *graphError {
	return &graphError{http.StatusBadRequest, "Request_UnsupportedQuery", message}
}

func notFound(key string) *graphError {
	return &graphError{
		http.StatusNotFound, "Request_ResourceNotFound",
		"Resource '" + key + "' does not exist or one of its queried reference-property objects are not present.",
	}
}

func denied() *graphError {
	return &graphError{http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."}
}

// plainText is a body that is not JSON.
type plainText string

// answer is a status and what is to be written, as JSON if it is no plainText; nil is
// no body.
type answer struct {
	status int
	body   any
}

type endpoint func(*http.Request) (answer, error)

// router adds an endpoint to the routes. Its path is below the version; it
// takes one of the permissions, or none if they are nil.
type router func(method, path string, permissions []string, e endpoint)

func (t *Tenant) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(method, path string, permissions []string, e endpoint) {
		mux.HandleFunc(method+" /v1.0"+path, t.serve(permissions, e))
	}
	handle("GET", "/organization", []string{
		"Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All",
	}, t.readOrganization)
	handle("GET", "/users", readUsers(), t.listUsers)
	handle("GET", "/users/$count", readUsers(), t.countUsers)
	handle("POST", "/users", writeUsers(), t.createUser)
	handle("GET", "/users/{id}", readUsers(), t.readUser)
	handle("GET", "/users/{id}/manager", readUsers(), t.readManager)
	handle("PATCH", "/users/{id}", writeUsers(), t.updateUser)
	handle("DELETE", "/users/{id}", writeUsers(), t.deleteUser)
	t.routeGroups(handle)
	t.routeMembers(handle)
	t.routeDeleted(handle)
	t.routeDelta(handle)
	t.routeAssignments(handle)
	t.routeSynchronization(handle)
	// What else it takes to subscribe depends on the resource.
	subscribe := slices.Concat(subscribing("users"), subscribing("groups"))
	handle("POST", "/subscriptions", subscribe, t.createSubscription)
	handle("GET", "/subscriptions", nil, t.listSubscriptions)
	handle("GET", "/subscriptions/{id}", nil, t.readSubscription)
	handle("PATCH", "/subscriptions/{id}", subscribe, t.updateSubscription)
	handle("DELETE", "/subscriptions/{id}", nil, t.deleteSubscription)
	handle("POST", "/$batch", nil, t.batch)
	mux.HandleFunc("/", t.serve(nil, func(r *http.Request) (answer, error) {
		return answer{}, badRequest("Resource not found for the segment '" + strings.Trim(r.URL.Path, "/") + "'.")
	}))
	return mux
}

func readUsers() []string {
	return []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
}

func writeUsers() []string { return []string{"User.ReadWrite.All", "Directory.ReadWrite.All"} }

// ServeHTTP implements http.Handler.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, err := inflate(w, r)
	if err == nil {
		err = t.authorize(r)
	}
	if err != nil {
		t.Calls.Add("refused")
		t.write(w, r, answer{}, err)
		return
	}
	t.route(w, r, "")
}

// route answers a request that is authorized and counts it.
func (t *Tenant) route(w http.ResponseWriter, r *http.Request, via string) {
	r = t.app.byAppID(r)
	t.mux.ServeHTTP(w, r)
	t.Calls.Add(via + strings.Replace(r.Pattern, " /v1.0", " ", 1))
}

// inflate bounds the body of a request and undoes its compression: the SDKs
// send every body as gzip. The request of the caller stays as it is.
func inflate(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	inflated := r.WithContext(r.Context())
	if r.Body == nil {
		inflated.Body = http.NoBody
		return inflated, nil
	}
	inflated.Body = http.MaxBytesReader(w, r.Body, simhttp.MaxBody)
	if !strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		return inflated, nil
	}
	reader, err := gzip.NewReader(inflated.Body)
	if err != nil {
		return inflated, badRequest("The body is not what its Content-Encoding says.")
	}
	inflated.Body = http.MaxBytesReader(w, reader, simhttp.MaxBody)
	return inflated, nil
}

func (t *Tenant) authorize(r *http.Request) error {
	t.mu.Lock()
	accepted := t.token
	t.mu.Unlock()
	token := simhttp.Bearer(r)
	switch {
	case accepted == "" || token == accepted:
		return nil
	case token == "":
		return &graphError{http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty."}
	default:
		return &graphError{http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token validation failure."}
	}
}

// serve makes an endpoint a handler that needs one of the permissions.
func (t *Tenant) serve(permissions []string, e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := t.require(permissions); err != nil {
			t.write(w, r, answer{}, err)
			return
		}
		a, err := e(r)
		t.write(w, r, a, err)
	}
}

// require refuses who was granted none of the permissions, if it takes any.
func (t *Tenant) require(permissions []string) error {
	if permissions == nil || slices.ContainsFunc(permissions, t.granted) {
		return nil
	}
	return denied()
}

func (t *Tenant) granted(permission string) bool {
	permissions := *t.permissions.Load()
	return permissions == nil || slices.Contains(permissions, permission)
}

// Grant changes the application permissions that were consented to; nil for all.
func (t *Tenant) Grant(permissions []string) { t.permissions.Store(&permissions) }

// write writes an answer, or the error there is instead.
func (t *Tenant) write(w http.ResponseWriter, r *http.Request, a answer, err error) {
	requestID := t.traces.Next()
	clientRequestID := r.Header.Get("Client-Request-Id")
	if clientRequestID == "" {
		clientRequestID = requestID
	}
	w.Header().Set("Request-Id", requestID)
	w.Header().Set("Client-Request-Id", clientRequestID)
	if err != nil {
		var refused *graphError
		if !errors.As(err, &refused) {
			refused = &graphError{http.StatusInternalServerError, "InternalServerError", err.Error()}
		}
		if refused.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm=""`)
		}
		a = answer{refused.status, map[string]any{"error": map[string]any{
			"code": refused.code, "message": refused.message,
			"innerError": map[string]any{
				"date":       t.now().UTC().Format("2006-01-02T15:04:05"),
				"request-id": requestID, "client-request-id": clientRequestID,
			},
		}}}
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	if text, plain := a.body.(plainText); plain {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, string(text)) // as below
		return
	}
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.WriteHeader(a.status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(a.body) // a caller that has gone away reads nothing
}

func (t *Tenant) readOrganization(r *http.Request) (answer, error) {
	selects, err := t.selected(r, func(name string) bool {
		return slices.Contains([]string{"id", "displayName", "tenantType", "verifiedDomains"}, name)
	}, "organization")
	if err != nil {
		return answer{}, err
	}
	organization := map[string]any{
		"id": t.id, "displayName": t.domain, "tenantType": "AAD",
		"verifiedDomains": []map[string]any{{"name": t.domain, "isDefault": true, "isInitial": true, "type": "Managed"}},
	}
	if selects != nil {
		maps.DeleteFunc(organization, func(name string, _ any) bool { return !slices.Contains(selects, name) })
	}
	return answer{http.StatusOK, map[string]any{"@odata.context": metadata + odataContext(selects, "organization"), "value": []any{organization}}}, nil
}

func (t *Tenant) readUser(r *http.Request) (answer, error) {
	selects, err := t.selected(r, isUserProperty, "user")
	if err != nil {
		return answer{}, err
	}
	if err := t.mayShow(selects); err != nil {
		return answer{}, err
	}
	user, err := t.User(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	body := user.project(selects)
	body["@odata.context"] = metadata + odataContext(selects, "users") + "/$entity"
	return answer{http.StatusOK, body}, nil
}

func (t *Tenant) listUsers(r *http.Request) (answer, error) {
	return t.filtered(r, userCollection(), []string{"userPrincipalName", "displayName", "mail"}, func(start int) iter.Seq2[int, object] { return in(Live, t.order, start) })
}

// countUsers counts the live users: an advanced query, which takes the header
// ConsistencyLevel: eventual
// (https://learn.microsoft.com/graph/aad-advanced-queries).
func (t *Tenant) countUsers(r *http.Request) (answer, error) {
	if !strings.EqualFold(r.Header.Get("Consistencylevel"), "eventual") {
		return answer{}, unsupported("$count is not currently supported.")
	}
	if _, err := t.selected(r, isUserProperty, "user"); err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	count := 0
	for range in(Live, t.order, 0) {
		count++
	}
	return answer{http.StatusOK, plainText(strconv.Itoa(count))}, nil
}

// collection is what a list is of.
type collection struct {
	set      string // its name in the @odata.context
	typeName string // of its objects; of a directoryObject each says its own type
	known    func(string) bool
	options  []string // the query options it takes beside $select and those for paging
}

func userCollection() collection {
	return collection{set: "users", typeName: "user", known: isUserProperty}
}

// list answers one page of objects.
func (t *Tenant) list(r *http.Request, c collection, objects func(start int) (iter.Seq2[int, object], error)) (answer, error) {
	selects, err := t.selected(r, c.known, c.typeName, append([]string{"$top", "$skiptoken"}, c.options...)...)
	if err != nil {
		return answer{}, err
	}
	if err := t.mayShow(selects); err != nil {
		return answer{}, err
	}
	return listPage(t, r, odataContext(selects, c.set), objects, func(o object) map[string]any {
		item := o.project(selects)
		if c.typeName == directoryObject {
			item["@odata.type"] = odataType(o)
		}
		return item
	})
}

// listPage answers one page of what there is from a number on, each with its own number
// and in the order of the numbers. A page begins at the number its $skiptoken names, so
// that what comes and goes in between displaces nothing. The tenant is locked while
// from runs and what it found is gone through.
func listPage[T any](t *Tenant, r *http.Request, odataContext string, from func(start int) (iter.Seq2[int, T], error), show func(T) map[string]any) (answer, error) {
	top, start, err := page(r.URL.Query())
	if err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	top = min(top, t.page)
	found, err := from(start)
	if err != nil {
		return answer{}, err
	}
	value := []map[string]any{}
	body := map[string]any{"@odata.context": metadata + odataContext}
	for number, one := range found {
		if len(value) == top {
			body["@odata.nextLink"] = nextLink(r, number)
			break
		}
		value = append(value, show(one))
	}
	body["value"] = value
	return answer{http.StatusOK, body}, nil
}

// in yields the objects that are in that place and have that number or a
// higher one, and their numbers. They are in the order of their creation.
func in[T object](where Place, objects []T, start int) iter.Seq2[int, object] {
	first, _ := slices.BinarySearchFunc(objects, start, func(o T, n int) int { return cmp.Compare(o.links().number, n) })
	return func(yield func(int, object) bool) {
		for _, o := range objects[first:] {
			if o.where() == where && !yield(o.links().number, o) {
				return
			}
		}
	}
}

// directoryObject is the type of what may be of any type.
const directoryObject = "directoryObject"

func odataType(o object) string { return "#microsoft.graph." + o.typeName() }

func page(query url.Values) (top, start int, err error) {
	top = defaultPage
	if text := query.Get("$top"); text != "" {
		if top, err = strconv.Atoi(text); err != nil || top < 1 || top > maxPage {
			return 0, 0, unsupported(fmt.Sprintf("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", text, maxPage))
		}
	}
	if token := query.Get("$skiptoken"); token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			start, err = strconv.Atoi(string(text))
		}
		if err != nil || start < 0 {
			return 0, 0, &graphError{http.StatusBadRequest, "Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request."}
		}
	}
	return top, start, nil
}

func nextLink(r *http.Request, next int) string {
	query := r.URL.Query()
	query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(next))))
	return linkTo(r, query)
}

// linkTo is the URL of the resource that was asked for, with another query.
func linkTo(r *http.Request, query url.Values) string {
	link := url.URL{Scheme: r.URL.Scheme, Host: r.Host, Path: r.URL.Path, RawQuery: query.Encode()}
	if link.Scheme == "" {
		link.Scheme = "http"
		if r.TLS != nil {
			link.Scheme = "https"
		}
	}
	return link.String()
}

func (t *Tenant) createUser(r *http.Request) (answer, error) {
	user, err := decodeUser(r)
	if err != nil {
		return answer{}, err
	}
	for _, required := range []string{"accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"} {
		if user[required] == nil {
			return answer{}, refuse("A value is required for property '" + required + "' of resource 'User'.")
		}
	}
	delete(user, "passwordProfile")
	id, err := t.Create(user)
	if err != nil {
		return answer{}, err
	}
	created, err := t.User(id)
	if err != nil {
		return answer{}, err
	}
	body := created.project(nil)
	body["@odata.context"] = metadata + "users/$entity"
	return answer{http.StatusCreated, body}, nil
}

func (t *Tenant) updateUser(r *http.Request) (answer, error) {
	changes, err := decodeUser(r)
	if err != nil {
		return answer{}, err
	}
	delete(changes, "passwordProfile")
	if err := t.Update(r.PathValue("id"), func(u User) { maps.Copy(u, changes) }); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func (t *Tenant) deleteUser(r *http.Request) (answer, error) {
	return answer{status: http.StatusNoContent}, t.Delete(r.PathValue("id"))
}

func decodeUser(r *http.Request) (User, error) {
	var user User
	if err := decodeProperties(r, &user); err != nil {
		return nil, err
	}
	return user, nil
}

// decodeProperties reads the properties a request gives.
func decodeProperties[T ~map[string]any](r *http.Request, into *T) error {
	if err := decode(r, into); err != nil {
		return err
	}
	for _, readOnly := range []string{"id", "createdDateTime", "deletedDateTime"} {
		if _, ok := (*into)[readOnly]; ok {
			return refuse("Property '" + readOnly + "' is read-only and cannot be set.")
		}
	}
	return nil
}

// decode reads a body that is one JSON object.
func decode(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return &graphError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is too large."}
		}
		return badRequest("Unable to read the request body.")
	}
	if trimmed := bytes.TrimSpace(body); !bytes.HasPrefix(trimmed, []byte("{")) || json.Unmarshal(trimmed, into) != nil {
		return badRequest("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	return nil
}

// selected returns the names in $select, nil if there is none. A query option
// that is neither $select nor one of the others is refused: to leave out what
// a caller asked for would be to lie to it.
func (t *Tenant) selected(r *http.Request, known func(string) bool, typeName string, others ...string) ([]string, error) {
	query := r.URL.Query()
	for option := range query {
		if strings.HasPrefix(option, "$") && option != "$select" && !slices.Contains(others, option) {
			return nil, unsupported("The query option '" + option + "' is not supported.")
		}
	}
	if query.Get("$select") == "" {
		return nil, nil
	}
	selects := strings.Split(query.Get("$select"), ",")
	for i, name := range selects {
		selects[i] = strings.TrimSpace(name)
		if !known(selects[i]) || directoryExtension.MatchString(selects[i]) && !t.extended {
			return nil, badRequest("Parsing OData Select and Expand failed: Could not find a property named '" + selects[i] + "' on type 'microsoft.graph." + typeName + "'.")
		}
	}
	return selects, nil
}

func isUserProperty(name string) bool { return propertyKind(name) != noProperty }

// odataContext is the fragment of an @odata.context.
func odataContext(selects []string, set string) string {
	if selects == nil {
		return set
	}
	return set + "(" + strings.Join(selects, ",") + ")"
}

// project returns the selected properties, or those that Graph returns by
// default, which accountEnabled is not among.
func (u User) project(selects []string) map[string]any {
	if selects == nil {
		selects = []string{
			"businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone",
			"officeLocation", "preferredLanguage", "surname", "userPrincipalName",
		}
	}
	return project(u, selects, propertyKind)
}

// project returns the selected ones of the properties that the type has.
func project(properties map[string]any, selects []string, kindOf func(string) kind) map[string]any {
	body := make(map[string]any, len(selects)+2)
	for _, name := range selects {
		switch {
		case kindOf(name) == noProperty, kindOf(name) == extensionProperty && properties[name] == nil:
		case kindOf(name) == listProperty && properties[name] == nil:
			body[name] = []string{}
		default:
			body[name] = properties[name]
		}
	}
	return body
}

// Pages says how much Graph lists, or takes, at once.
func Pages() string {
	return fmt.Sprintf("Graph lists %d to %d, a delta query %d to %d with %d members, a $batch %d",
		defaultPage, maxPage, deltaPage, maxPage, deltaMembers, maxBatch)
}
