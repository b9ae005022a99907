// Package scim is a simulated Webex organization that speaks Webex's SCIM 2.0,
// to try the system with and to test it against. It behaves as the real one
// does where that is documented, errors and refusals included, and is strict
// where it is not. To the code under test it is only a URL, and shares no code
// with it, so that what it finds is not what it was told.
package scim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	scim "github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
	filter "github.com/scim2/filter-parser/v2"

	"entrawebex/internal/sandbox/seeded"
	"entrawebex/internal/sandbox/simhttp"
)

const (
	cloudSchema = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User"
	errorSchema = "urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error"

	// webexPage is Webex's default page of users. Its largest is not
	// documented; here it is the same.
	webexPage = 100
	// maxUserName is the length of a userName in Webex's schema.
	maxUserName = 254
	// maxQuery is the longest query that is parsed, in bytes.
	maxQuery = 8 << 10
	// inactiveLifetime is how long an account may be inactive: "Users are
	// automatically deleted when they have been deactivated for 30 days"
	// (https://help.webex.com/article/v5wksr).
	inactiveLifetime = 30 * 24 * time.Hour
)

// Config describes a simulated Webex organization.
type Config struct {
	// ID is the organization's id, a bare UUID. Required.
	ID string
	// Token is the one access token that is accepted beside those of the
	// service app; empty accepts every request if there is no such app.
	Token string
	// ServiceApp may refresh tokens of its own; nil for none.
	ServiceApp *ServiceApp
	// TakenElsewhere are userNames of users of other organizations: they
	// cannot be given to anybody, and no search finds them.
	TakenElsewhere []string
	// Refused are userNames that cannot be given to anybody, as those of a
	// domain that is not verified. What Webex answers then is not documented:
	// here it is 400.
	Refused []string
	// MemberAdd is what comes of adding a member that a group has already:
	// AddIgnore, which Webex documents, or what other servers do.
	MemberAdd MemberAdd
	// NoBulk makes POST /Bulk answer 501, as a server without it does.
	NoBulk bool
	// SearchLag is how long it may take until a search shows what was written:
	// each write takes any time up to it. Webex's own clients poll.
	SearchLag time.Duration
	// Normalize has the organization keep names and addresses as it likes them:
	// userName and emails in lower case, names without outer blanks. It shows
	// booleans as strings, as some servers do.
	Normalize bool
	// KeepNames is how long the userName of an account that was deleted cannot
	// be given to anybody, while no search shows it: in Webex seven days.
	KeepNames time.Duration
	// RenameInactive puts eight hexadecimal digits in front of the userName of an
	// account that is deactivated, as has been seen.
	RenameInactive bool
	// Page is the most users, groups or members on a page; as Webex has it if
	// zero.
	Page int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Seed decides the ids the organization gives.
	Seed uint64
}

// Organization is a simulated Webex organization. As an http.Handler it answers under
// /identity/scim/{orgId}/v2, with Users, Groups and Bulk, and /v1/access_token,
// as https://webexapis.com does.
type Organization struct {
	// Calls counts the calls by kind.
	Calls simhttp.Calls

	id          string
	base        string // what the addresses in answers begin with
	memberAdd   MemberAdd
	noBulk      bool
	habits      habits
	now         func() time.Time
	server      scim.Server
	ids, traces *seeded.IDs
	elsewhere   map[string]bool
	refused     map[string]bool

	mu       sync.Mutex
	token    string
	app      *credentials        // nil without a service app
	accounts map[string]*account // by id
	byName   map[string]*account // by lower-case userName
	byID     ordered[*account]
	order    []*account           // by time of creation
	kept     map[string]time.Time // until when names of accounts that are gone are
	inactive map[string]time.Time
	expiry   time.Time                 // before which no inactive account is removed
	seeds    map[string]map[string]any // what Add was given, by id
	expired  map[string]bool           // ids of accounts that Webex itself removed

	groups     map[string]*group // by id
	groupsByID ordered[*group]
	groupOrder []*group                   // by time of creation
	memberOf   map[string]map[*group]bool // the groups an account or a group is in, by its id
	groupSeeds map[string]map[string]any  // what AddGroup was given, by id
}

// account is a user of Webex.
type account struct {
	id                string
	serial            int
	attributes        map[string]any
	created, modified time.Time
	version           int
	shown             document
}

// New returns an organization without users and groups.
func New(cfg Config) (*Organization, error) {
	if cfg.ID == "" {
		return nil, errors.New("the organization has no id")
	}
	if !slices.Contains([]MemberAdd{AddIgnore, AddDouble, AddRefuse}, cfg.MemberAdd) {
		return nil, fmt.Errorf("the organization cannot %q a member it adds", cfg.MemberAdd)
	}
	o := &Organization{
		id: cfg.ID, token: cfg.Token, now: cfg.Now, memberAdd: cfg.MemberAdd, noBulk: cfg.NoBulk, habits: newHabits(cfg), kept: map[string]time.Time{},
		// The host in Webex's examples, which is not the one that is called:
		// who follows meta.location gets nowhere.
		base: "https://integration.webexapis.com/identity/scim/" + cfg.ID + "/v2",
		ids:  seeded.NewIDs(cfg.Seed, "org"), traces: seeded.NewIDs(cfg.Seed, "org traces"),
		elsewhere: map[string]bool{}, refused: map[string]bool{}, accounts: map[string]*account{}, byName: map[string]*account{},
		inactive: map[string]time.Time{}, seeds: map[string]map[string]any{}, expired: map[string]bool{},
		groups: map[string]*group{}, memberOf: map[string]map[*group]bool{}, groupSeeds: map[string]map[string]any{},
	}
	if o.now == nil {
		o.now = time.Now
	}
	o.byID.compare, o.groupsByID.compare = accountsByID, groupsByID
	o.app = newCredentials(cfg.ServiceApp, cfg.Seed, o.now())
	for _, name := range cfg.TakenElsewhere {
		o.elsewhere[strings.ToLower(name)] = true
	}
	for _, name := range cfg.Refused {
		o.refused[strings.ToLower(name)] = true
	}
	server, err := scim.NewServer(&scim.ServerArgs{
		ServiceProviderConfig: &scim.ServiceProviderConfig{MaxResults: cmp.Or(cfg.Page, webexPage), SupportFiltering: true, SupportPatch: true},
		ResourceTypes: []scim.ResourceType{{
			ID: optional.NewString("User"), Name: "User", Endpoint: "/Users", Schema: userSchema(),
			SchemaExtensions: []scim.SchemaExtension{{Schema: schema.ExtensionEnterpriseUser()}, {Schema: schema.Schema{ID: cloudSchema}}},
			Handler:          (*accounts)(o),
		}, {
			ID: optional.NewString("Group"), Name: "Group", Endpoint: "/Groups", Schema: schema.CoreGroupSchema(),
			SchemaExtensions: []scim.SchemaExtension{{Schema: cloudGroup()}},
			Handler:          (*groups)(o),
		}},
	}, scim.WithBaseURL(o.base))
	if err != nil {
		return nil, fmt.Errorf("make SCIM server: %w", err)
	}
	o.server = server
	return o, nil
}

// userSchema is RFC 7643's User, in which Webex requires userType too (its
// OpenAPI of POST /Users). The extension of Webex's own is accepted, ignored,
// and written by the organization alone.
func userSchema() schema.Schema {
	s := schema.CoreUserSchema()
	for i, attribute := range s.Attributes {
		if attribute.Name() == "userType" {
			s.Attributes[i] = attribute.WithRequired(true)
		}
	}
	return s
}

// ID returns the organization's id.
func (o *Organization) ID() string { return o.id }

// SetToken changes the access token that is accepted, as its expiry would.
func (o *Organization) SetToken(token string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.token = token
}

// Add puts an account into the organization that was there before anybody
// synchronized it, and returns its id. The comparison holds it to be local unless it
// is adopted.
func (o *Organization) Add(attributes map[string]any) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, err := o.insert(attributes)
	if err != nil {
		return "", err
	}
	o.seeds[a.id], a.shown = clone(a.attributes), document{} // every search knows it
	return a.id, nil
}

// Users returns the attributes of all accounts by id.
func (o *Organization) Users() map[string]map[string]any {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	users := make(map[string]map[string]any, len(o.accounts))
	for id, a := range o.accounts {
		users[id] = clone(a.attributes)
	}
	return users
}

// Expire removes the accounts that have been inactive for 30 days, as Webex
// does, and returns how many. Every call to the organization does it first.
func (o *Organization) Expire() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.expire()
}

func (o *Organization) expire() int {
	removed, now := 0, o.now()
	if now.Before(o.expiry) {
		return 0 // without a look at each
	}
	o.expiry = time.Time{}
	for id, since := range o.inactive {
		if now.Sub(since) >= inactiveLifetime {
			o.remove(o.accounts[id])
			o.expired[id] = true
			removed++
			continue
		}
		o.expectExpiry(since)
	}
	return removed
}

// expectExpiry notes that an account has been inactive since then.
func (o *Organization) expectExpiry(since time.Time) {
	if at := since.Add(inactiveLifetime); o.expiry.IsZero() || at.Before(o.expiry) {
		o.expiry = at
	}
}

// ServeHTTP implements http.Handler. In front of the SCIM server stands what
// is Webex's own: the organization in the path, the gateway's errors, the
// tracking id, and the shape of SCIM errors.
func (o *Organization) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tracking := "ROUTER_" + strings.ToUpper(o.traces.Next())
	w.Header().Set("Trackingid", tracking)
	path, ok := strings.CutPrefix(r.URL.Path, "/identity/scim/"+o.id+"/v2")
	switch {
	case r.URL.Path == tokenPath:
		o.serveToken(w, r, tracking)
		return
	case !o.authorized(r):
		o.Calls.Add("refused")
		gateway(w, http.StatusUnauthorized, tracking, "The request requires a valid access token set in the Authorization request header.")
		return
	case !ok && strings.HasPrefix(r.URL.Path, "/identity/scim/"):
		// Not documented. A token is one organization's.
		o.Calls.Add("refused")
		gateway(w, http.StatusForbidden, tracking, "Access to the requested organization is not allowed.")
		return
	case !ok || endpointOf(path) == "":
		o.Calls.Add("other")
		gateway(w, http.StatusNotFound, tracking, "The requested resource could not be found.")
		return
	case len(r.URL.RawQuery) > maxQuery:
		o.Calls.Add("refused")
		gateway(w, http.StatusBadRequest, tracking, "The query is too long.")
		return
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = path, ""
	if r.Body == nil {
		inner.Body = http.NoBody
	}
	inner.Body = http.MaxBytesReader(w, inner.Body, simhttp.MaxBody)
	o.route(w, inner, "", tracking)
}

// endpointOf is the endpoint that a path below the version is of; empty if
// there is none.
func endpointOf(path string) string {
	id, ofGroup := strings.CutPrefix(path, "/Groups/")
	switch {
	case path == "/Users", path == "/Groups", path == "/Bulk":
		return path
	case strings.HasPrefix(path, "/Users/"):
		return "/Users/{id}"
	case ofGroup && strings.HasSuffix(id, "/Members"):
		return "/Groups/{id}/Members"
	case ofGroup:
		return "/Groups/{id}"
	default:
		return ""
	}
}

// route answers a request that is authorized and whose path is that of an
// endpoint, and counts it.
func (o *Organization) route(w http.ResponseWriter, r *http.Request, via, tracking string) {
	endpoint := endpointOf(r.URL.Path)
	o.Calls.Add(via + r.Method + " " + endpoint)
	recorded := simhttp.NewRecorder()
	switch endpoint {
	case "/Bulk":
		o.serveBulk(recorded, r, tracking)
	case "/Groups/{id}/Members":
		o.serveMembers(recorded, r)
	default:
		o.server.ServeHTTP(recorded, r)
	}
	o.write(w, recorded, tracking)
}

func (o *Organization) authorized(r *http.Request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	token := simhttp.Bearer(r)
	return token == o.token && token != "" || o.app.holds(token, o.now()) || o.token == "" && o.app == nil
}

// gateway writes an error in the shape of Webex's APIs in general.
func gateway(w http.ResponseWriter, status int, tracking, message string) {
	writeJSON(w, status, map[string]any{
		"message": message, "errors": []any{map[string]any{"description": message}}, "trackingId": tracking,
	})
}

// write passes on what the SCIM server answered. Its errors are RFC 7644's;
// those of Webex have the details in an extension, with the tracking id, as
// they are seen inside the answers of /Bulk.
func (o *Organization) write(w http.ResponseWriter, recorded *simhttp.Recorder, tracking string) {
	for _, name := range []string{"Location", "Etag"} {
		if value := recorded.Header().Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	if recorded.Status == http.StatusNoContent {
		w.WriteHeader(recorded.Status)
		return
	}
	if recorded.Status < http.StatusBadRequest {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.WriteHeader(recorded.Status)
		_, _ = recorded.Body.WriteTo(w) // a caller that has gone away reads nothing
		return
	}
	var refused scimerrors.ScimError
	if err := json.Unmarshal(recorded.Body.Bytes(), &refused); err != nil {
		refused.Detail = http.StatusText(recorded.Status)
	}
	writeJSON(w, recorded.Status, errorBody(refused, recorded.Status, tracking))
}

func errorBody(refused scimerrors.ScimError, status int, tracking string) map[string]any {
	body := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error", errorSchema},
		"status":  strconv.Itoa(status),
		errorSchema: map[string]any{
			"trackingId": tracking,
			// Webex does not say which codes there are: these are invented.
			"errorCode": strconv.Itoa(status * 100),
			"details":   refused.Detail,
		},
	}
	if refused.ScimType != "" {
		body["scimType"] = refused.ScimType
	}
	return body
}

// writeRefusal writes an error as the SCIM server writes it.
func writeRefusal(w http.ResponseWriter, err error) {
	refused, ok := errors.AsType[scimerrors.ScimError](err)
	if !ok {
		refused = scimerrors.ScimErrorInternal
	}
	writeJSON(w, refused.Status, refused)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that has gone away reads nothing
}

// accounts is the organization as the SCIM server sees it.
type accounts Organization

func (h *accounts) lock() (*Organization, func()) {
	o := (*Organization)(h)
	o.mu.Lock()
	o.expire()
	return o, o.mu.Unlock
}

// Create implements scim.ResourceHandler.
func (h *accounts) Create(_ *http.Request, attributes scim.ResourceAttributes) (scim.Resource, error) {
	o, unlock := h.lock()
	defer unlock()
	a, err := o.insert(attributes)
	if err != nil {
		return scim.Resource{}, err
	}
	resource := o.resource(a)
	child(resource.Attributes, cloudSchema)["meta"] = map[string]any{"organizationId": o.id} // on create only
	return resource, nil
}

// Get implements scim.ResourceHandler.
func (h *accounts) Get(_ *http.Request, id string) (scim.Resource, error) {
	o, unlock := h.lock()
	defer unlock()
	a, err := o.account(id)
	if err != nil {
		return scim.Resource{}, err
	}
	return o.resource(a), nil
}

// GetAll implements scim.ResourceHandler.
func (h *accounts) GetAll(r *http.Request, params scim.ListRequestParams) (scim.Page, error) {
	asked, err := arrangementOf(r, "userName")
	if err != nil {
		return scim.Page{}, err
	}
	o, unlock := h.lock()
	defer unlock()
	matching, err := o.arranged(params, asked.by)
	if err != nil {
		return scim.Page{}, err
	}
	page := scim.Page{TotalResults: len(matching), Resources: []scim.Resource{}}
	for _, a := range window(matching, params, asked.descending) {
		page.Resources = append(page.Resources, o.resource(a))
	}
	return page, nil
}

// Replace implements scim.ResourceHandler.
func (h *accounts) Replace(_ *http.Request, id string, attributes scim.ResourceAttributes) (scim.Resource, error) {
	return h.change(id, func(map[string]any) (map[string]any, error) { return clone(attributes), nil })
}

// Patch implements scim.ResourceHandler.
func (h *accounts) Patch(_ *http.Request, id string, operations []scim.PatchOperation) (scim.Resource, error) {
	return h.change(id, func(attributes map[string]any) (map[string]any, error) {
		return attributes, accountShape().patch(attributes, operations)
	})
}

// Delete implements scim.ResourceHandler.
func (h *accounts) Delete(_ *http.Request, id string) error {
	o, unlock := h.lock()
	defer unlock()
	a, err := o.account(id)
	if err != nil {
		return err
	}
	o.remove(a)
	return nil
}

// change gives an account the attributes that edit makes of its own, all or
// none.
func (h *accounts) change(id string, edit func(map[string]any) (map[string]any, error)) (scim.Resource, error) {
	o, unlock := h.lock()
	defer unlock()
	a, err := o.account(id)
	if err != nil {
		return scim.Resource{}, err
	}
	if err := o.edit(a, edit); err != nil {
		return scim.Resource{}, err
	}
	return o.resource(a), nil
}

// edit gives an account the attributes that edit makes of its own, all or none.
func (o *Organization) edit(a *account, edit func(map[string]any) (map[string]any, error)) error {
	attributes, err := edit(clone(a.attributes))
	if err != nil {
		return err
	}
	if err := o.check(attributes, a); err != nil {
		return err
	}
	if o.habits.renameInactive && a.active() && attributes["active"] == false {
		readdress(attributes, o.ids.Next()[:8]+at(attributes, "userName"))
	}
	delete(o.byName, a.key())
	o.put(a, attributes)
	return nil
}

func (o *Organization) account(id string) (*account, error) {
	if a := o.accounts[strings.ToLower(id)]; a != nil {
		return a, nil
	}
	return nil, scimerrors.ScimErrorResourceNotFound(id)
}

func (o *Organization) insert(given map[string]any) (*account, error) {
	attributes := clone(given)
	if err := o.check(attributes, nil); err != nil {
		return nil, err
	}
	a := &account{id: o.ids.Next(), created: o.now()}
	if n := len(o.order); n > 0 {
		a.serial = o.order[n-1].serial + 1
	}
	o.accounts[a.id] = a
	o.order = append(o.order, a)
	o.byID.add(a)
	o.put(a, attributes)
	return a, nil
}

// put stores attributes that were checked.
func (o *Organization) put(a *account, attributes map[string]any) {
	now := o.now()
	a.shown = o.habits.outdated(a.shown, a.attributes, now)
	a.attributes, a.modified = attributes, now
	a.version++
	o.byName[a.key()] = a
	if a.active() {
		delete(o.inactive, a.id)
	} else if _, ok := o.inactive[a.id]; !ok {
		o.inactive[a.id] = now
		o.expectExpiry(now)
	}
}

func (o *Organization) remove(a *account) {
	o.leaveGroups(a.id)
	if o.habits.keepNames > 0 {
		o.kept[a.key()] = o.now().Add(o.habits.keepNames)
	}
	delete(o.accounts, a.id)
	o.byID.remove(a)
	delete(o.byName, a.key())
	delete(o.inactive, a.id)
	if i, ok := slices.BinarySearchFunc(o.order, a, func(b, a *account) int { return b.serial - a.serial }); ok {
		o.order = slices.Delete(o.order, i, i+1)
	}
}

// check refuses attributes that Webex refuses and fills in what it fills in.
func (o *Organization) check(attributes map[string]any, self *account) error {
	o.habits.normalize(attributes)
	name, _ := attributes["userName"].(string)
	if address, err := mail.ParseAddress(name); err != nil || address.Address != name || len(name) > maxUserName {
		return invalidValue("The userName must be an email address.")
	}
	if o.refused[strings.ToLower(name)] {
		return invalidValue("The domain of the userName is not verified.")
	}
	if attributes["active"] == nil {
		attributes["active"] = true
	}
	if err := checkEmails(attributes, name); err != nil {
		return err
	}
	if err := o.checkManager(attributes, self); err != nil {
		return err
	}
	holder := o.byName[strings.ToLower(name)]
	if holder != nil && holder != self || o.elsewhere[strings.ToLower(name)] || o.now().Before(o.kept[strings.ToLower(name)]) {
		return scimerrors.ScimError{Status: http.StatusConflict, ScimType: scimerrors.ScimTypeUniqueness, Detail: "The user " + name + " already exists."}
	}
	return nil
}

// checkEmails holds the addresses to Webex's rule: "primary work email must
// match userName". An account without a work address is given one, as in the
// example of POST /Users.
func checkEmails(attributes map[string]any, userName string) error {
	emails, ok := attributes["emails"].([]any)
	if !ok && attributes["emails"] != nil {
		return invalidValue("The emails are a list.")
	}
	work := false
	for _, element := range emails {
		email, _ := element.(map[string]any)
		if email["type"] != "work" {
			continue
		}
		work = true
		value, _ := email["value"].(string)
		if email["primary"] == true && !strings.EqualFold(value, userName) {
			return invalidValue("The primary work email must match the userName.")
		}
	}
	if !work {
		attributes["emails"] = append(emails, map[string]any{"value": userName, "type": "work", "primary": true})
	}
	return nil
}

func invalidValue(detail string) scimerrors.ScimError {
	return scimerrors.ScimError{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidValue, Detail: detail}
}

// search returns the accounts that pass a filter. The SCIM server has checked
// the filter's grammar; which attributes Webex searches by, and how, is
// checked here, and so is the comparison itself: the library cannot compare a
// sub-attribute of a multi-valued attribute (emails.value).
func (o *Organization) search(params scim.ListRequestParams) ([]*account, error) {
	if params.FilterValidator == nil {
		return o.order, nil
	}
	expression := params.FilterValidator.GetFilter()
	if err := searchable(expression, ""); err != nil {
		return nil, err
	}
	if name, ok := userNameEquals(expression); ok && o.habits.searchLag == 0 {
		if a := o.byName[strings.ToLower(name)]; a != nil {
			return []*account{a}, nil
		}
		return nil, nil
	}
	var matching []*account
	now := o.now()
	for _, a := range o.order {
		attributes := a.shown.at(now, a.attributes)
		if attributes == nil {
			continue
		}
		whole := clone(attributes)
		whole["id"] = a.id
		if passes(expression, whole) {
			matching = append(matching, a)
		}
	}
	return matching, nil
}

// userNameEquals spares the commonest search a look at every account.
func userNameEquals(e filter.Expression) (string, bool) {
	comparison, ok := e.(*filter.AttributeExpression)
	if !ok || !strings.EqualFold(comparison.AttributePath.String(), "userName") || operator(comparison) != filter.EQ {
		return "", false
	}
	name, ok := operand(comparison).(string)
	return name, ok
}

// searchable refuses what Webex does not search by. Inside a value path
// (emails[…]), within is the attribute in front of it.
func searchable(e filter.Expression, within string) error {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if err := searchable(e.Left, within); err != nil {
			return err
		}
		return searchable(e.Right, within)
	case *filter.ValuePath:
		return searchable(e.ValueFilter, e.AttributePath.AttributeName+".")
	case *filter.AttributeExpression:
		name := within + e.AttributePath.AttributeName
		if sub := e.AttributePath.SubAttributeName(); sub != "" {
			name += "." + sub
		}
		if slices.Contains(searchOperators(name), operator(e)) {
			return nil
		}
		return notSearchable("user", name, e)
	default:
		return scimerrors.ScimErrorInvalidFilter
	}
}

// notSearchable says in the server's words that it has no such search, as
// seen: "The user's externalid, operator: PR is not supported search."
func notSearchable(resource, name string, e *filter.AttributeExpression) error {
	return scimerrors.ScimError{
		Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidFilter,
		Detail: fmt.Sprintf("The %s's %s, operator: %s is not supported search.", resource, strings.ToLower(name), strings.ToUpper(string(e.Operator))),
	}
}

// searchOperators is the table of "List users" in Webex's SCIM 2 API.
// externalId and active are not in it.
func searchOperators(attribute string) []filter.CompareOperator {
	switch strings.ToLower(attribute) {
	case "id", "manager.value":
		return []filter.CompareOperator{filter.EQ}
	case "name.givenname", "name.middlename", "name.formatted":
		return []filter.CompareOperator{filter.EQ, filter.SW}
	case "username", "name.familyname", "displayname", "nickname",
		"emails.value", "emails.display", "emails.type", "phonenumbers.value", "phonenumbers.display", "phonenumbers.type",
		"employeenumber", "costcenter", "organization", "division", "department", "manager.displayname":
		return []filter.CompareOperator{filter.EQ, filter.SW, filter.EW}
	default:
		return nil
	}
}

func operator(e *filter.AttributeExpression) filter.CompareOperator {
	return filter.CompareOperator(strings.ToLower(string(e.Operator)))
}

func (a *account) key() string {
	name, _ := a.attributes["userName"].(string)
	return strings.ToLower(name)
}

func (a *account) active() bool { return a.attributes["active"] == true }

// resource is the account as it is answered.
func (o *Organization) resource(a *account) scim.Resource {
	attributes := clone(a.attributes)
	status := "active"
	if !a.active() {
		status = "disabled"
	}
	attributes[cloudSchema] = map[string]any{"accountStatus": []any{status}}
	delete(attributes, "password")
	o.nameManager(attributes)
	if o.habits.normalizes {
		attributes["active"] = strconv.FormatBool(a.active())
	}
	created, modified := a.created, a.modified // the answer is written without the lock
	return scim.Resource{ID: a.id, Attributes: attributes, Meta: scim.Meta{
		Created: &created, LastModified: &modified, Version: fmt.Sprintf("W/%q", strconv.Itoa(a.version)),
	}}
}

// clone copies a JSON object and everything in it.
func clone(object map[string]any) map[string]any {
	copied := maps.Clone(object)
	if copied == nil {
		copied = map[string]any{}
	}
	for name, value := range copied {
		copied[name] = cloneValue(value)
	}
	return copied
}

func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return clone(v)
	case []any:
		copied := make([]any, len(v))
		for i, element := range v {
			copied[i] = cloneValue(element)
		}
		return copied
	default:
		return v
	}
}

// Pages says how much Webex lists, or takes, at once.
func Pages() string {
	return fmt.Sprintf("Webex users %d, members %d, a PATCH of members %d, a Bulk %d", webexPage, maxMembers, maxPatchMembers, maxBulk)
}
