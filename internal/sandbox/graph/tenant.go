// Package graph is a simulated Entra tenant that speaks Microsoft Graph's HTTP,
// to try the system with and to test it against. It behaves as the real one
// does where that is documented, errors and refusals included, and is strict
// where it is not. To the code under test it is only a URL, and shares no code
// with it, so that what it finds is not what it was told.
package graph

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/sandbox/seeded"
	"entrawebex/internal/sandbox/simhttp"
)

// Config describes a simulated Entra tenant.
type Config struct {
	// ID is the tenant's id, a GUID. Required.
	ID string
	// Domain is its verified domain, in which every userPrincipalName is.
	// Required.
	Domain string
	// Token is the one access token that is accepted; empty accepts every
	// request.
	Token string
	// Permissions are the application permissions that were consented to,
	// such as "User.Read.All"; nil is all of them.
	Permissions []string
	// Transport carries what Graph sends to webhooks; nil is
	// http.DefaultTransport.
	Transport http.RoundTripper
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Seed decides the ids the tenant gives.
	Seed uint64
	// AppID is the application (client) id, a GUID, of the one enterprise
	// application the tenant has; empty for none. The id of its service
	// principal follows from the seed.
	AppID string
	// DeltaLifetime is how long a delta token is kept; 7 days if zero.
	DeltaLifetime time.Duration
	// DeltaMembers is the most members on a page of a delta query; 1000 if
	// zero.
	DeltaMembers int
	// Page is the most objects on a page, whatever a caller asks for; as Graph has
	// it if zero.
	Page int
	// Extended has every directory extension, with a text for a value; else there is
	// none.
	Extended bool
	// OneSubscription refuses a second subscription to the same changes at the
	// same address, as Graph does for some resources.
	OneSubscription bool
	// MaxSubscriptions is how many subscriptions to users there can be, and to
	// groups; 100 if zero, as Graph has it for an app in a tenant.
	MaxSubscriptions int
	// Silent loses all that would be sent to webhooks, until Silence says
	// otherwise.
	Silent bool
}

// Tenant is a simulated Entra tenant. As an http.Handler it answers under
// /v1.0, as https://graph.microsoft.com does; its methods do the same without
// HTTP. Every change makes a notification for each subscription to it, which
// Deliver or Run sends.
type Tenant struct {
	// Calls counts the calls to Graph by kind.
	Calls simhttp.Calls

	id          string
	domain      string
	permissions atomic.Pointer[[]string]
	transport   http.RoundTripper
	now         func() time.Time
	mux         *http.ServeMux
	ids, traces *seeded.IDs
	wake        chan struct{}
	delivering  sync.Mutex

	mu            sync.Mutex
	token         string
	people        map[string]*person
	order         []*person          // by time of creation, those who are gone too
	byName        map[string]*person // live ones by lower-case userPrincipalName
	groups        map[string]*group
	groupOrder    []*group // by time of creation, those that are gone too
	others        map[string]*other
	created       int // how many objects were created so far
	subscriptions []*subscription
	subscribed    int // how many subscriptions were created so far
	outbox        []*pending
	sequence      int64
	silent        bool
	journal       journal
	epoch         int // of the delta tokens
	app           enterpriseApp

	deltaLifetime    time.Duration
	deltaMembers     int
	maxSubscriptions int
	page             int
	oneSubscription  bool
	extended         bool
}

// person is a user and its history.
type person struct {
	node

	user    User
	place   Place
	manager *person
	// wasEnabled says that the user was live and enabled at some time.
	wasEnabled bool
	// wasAssigned says that it was live, enabled and assigned at some time;
	// wasAssignedNested the same, with groups within groups.
	wasAssigned, wasAssignedNested bool
	// names are all userPrincipalNames it had as a live user.
	names []string
}

// User holds the properties of a user by their names in Graph, with the values
// JSON gives them: string, bool, []string or an object. A property that is nil or absent
// is null in Graph.
type User map[string]any

// Text returns a property that is a string; empty if it is null.
func (u User) Text(name string) string {
	s, _ := u[name].(string)
	return s
}

// Enabled reports whether the user may sign in.
func (u User) Enabled() bool {
	enabled, _ := u["accountEnabled"].(bool)
	return enabled
}

// New returns a tenant without users and groups.
func New(cfg Config) (*Tenant, error) {
	if uuid.Validate(cfg.ID) != nil {
		return nil, errors.New("the tenant id is not a GUID")
	}
	if cfg.Domain == "" {
		return nil, errors.New("the tenant has no domain")
	}
	t := &Tenant{
		id: strings.ToLower(cfg.ID), domain: cfg.Domain, token: cfg.Token,
		transport: cfg.Transport, now: cfg.Now,
		ids: seeded.NewIDs(cfg.Seed, "tenant"), traces: seeded.NewIDs(cfg.Seed, "tenant traces"),
		wake:   make(chan struct{}, 1),
		people: map[string]*person{}, byName: map[string]*person{},
		groups: map[string]*group{}, others: map[string]*other{},
		silent:           cfg.Silent,
		deltaLifetime:    cmp.Or(cfg.DeltaLifetime, deltaLifetime),
		deltaMembers:     cmp.Or(cfg.DeltaMembers, deltaMembers),
		maxSubscriptions: cmp.Or(cfg.MaxSubscriptions, maxSubscriptions),
		page:             cmp.Or(cfg.Page, maxPage),
		oneSubscription:  cfg.OneSubscription,
		extended:         cfg.Extended,
	}
	if cfg.AppID != "" {
		if uuid.Validate(cfg.AppID) != nil {
			return nil, errors.New("the app id is not a GUID")
		}
		t.app.appID, t.app.id = strings.ToLower(cfg.AppID), seeded.NewIDs(cfg.Seed, "service principal").Next()
	}
	if t.transport == nil {
		t.transport = http.DefaultTransport
	}
	if t.now == nil {
		t.now = time.Now
	}
	t.Grant(cfg.Permissions)
	t.mux = t.routes()
	return t, nil
}

// ID returns the tenant's id.
func (t *Tenant) ID() string { return t.id }

// Domain returns the tenant's verified domain.
func (t *Tenant) Domain() string { return t.domain }

// SetToken changes the access token that is accepted, as its expiry would.
func (t *Tenant) SetToken(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = token
}

// Create makes a user and returns its id. It has the id given, if one is, and
// is enabled unless accountEnabled says otherwise.
func (t *Tenant) Create(u User) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	user := maps.Clone(u)
	if user == nil {
		user = User{}
	}
	id := strings.ToLower(user.Text("id"))
	if id == "" {
		id = t.ids.Next()
	}
	if t.object(id) != nil {
		return "", refuse("Another object with the same value for property id already exists.")
	}
	user["id"] = id
	user["createdDateTime"] = t.now().UTC().Format(time.RFC3339)
	if user["accountEnabled"] == nil {
		user["accountEnabled"] = true
	}
	if user["userType"] == nil {
		user["userType"] = "Member"
	}
	p := &person{}
	if err := t.check(user, p); err != nil {
		return "", err
	}
	p.node = t.newNode()
	t.people[id] = p
	t.order = append(t.order, p)
	t.put(p, user)
	t.record(p)
	return id, nil
}

// Update changes a live user. What edit does to the properties is checked and
// stored at once, and is a change even if it changes nothing. Edit must not
// call the tenant.
func (t *Tenant) Update(id string, edit func(User)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.find(id, Live)
	if err != nil {
		return err
	}
	user := maps.Clone(p.user)
	edit(user)
	if user["id"] != p.user["id"] {
		return refuse("Property 'id' is read-only and cannot be set.")
	}
	if err := t.check(user, p); err != nil {
		return err
	}
	delete(t.byName, p.key())
	t.recordProperties(p, p.user, user)
	silent := onlySecurity(p.user, user)
	t.hold(p, user)
	if !silent {
		t.notify(p, "updated")
	}
	return nil
}

// Delete moves a live user to the recycle bin. As in Entra, its id without
// hyphens is put in front of its userPrincipalName, which frees that name. It
// is a member of nothing while it is there.
func (t *Tenant) Delete(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.find(id, Live)
	if err != nil {
		return err
	}
	delete(t.byName, p.key())
	p.place = RecycleBin
	p.user = maps.Clone(p.user)
	p.user["userPrincipalName"] = p.prefix() + p.user.Text("userPrincipalName")
	p.user["deletedDateTime"] = t.now().UTC().Format(time.RFC3339)
	t.notify(p, "updated")
	t.notifyGone(p)
	t.record(p)
	t.recordLinks(p)
	t.recordReports(p)
	return nil
}

// Restore brings a user back from the recycle bin, under its old name and to
// the groups it was a member of. Of those groups nothing is notified: no
// source says that it is, and to tell nobody is the harsher case. A delta query
// does tell: it compares what was shown with what is.
func (t *Tenant) Restore(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.find(id, RecycleBin)
	if err != nil {
		return err
	}
	user := maps.Clone(p.user)
	delete(user, "deletedDateTime")
	user["userPrincipalName"] = strings.TrimPrefix(user.Text("userPrincipalName"), p.prefix())
	if err := t.check(user, p); err != nil {
		return err
	}
	p.place = Live
	t.put(p, user)
	t.record(p)
	t.recordLinks(p)
	t.recordReports(p)
	return nil
}

// Purge deletes a user that is in the recycle bin for good, and its
// memberships with it.
func (t *Tenant) Purge(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.find(id, RecycleBin)
	if err != nil {
		return err
	}
	p.place = Purged
	unlink(p)
	t.app.forget(p)
	t.record(p)
	t.notify(p, "deleted")
	return nil
}

// User returns a live user by its id or userPrincipalName.
func (t *Tenant) User(key string) (User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.find(key, Live)
	if err != nil {
		return nil, err
	}
	return maps.Clone(p.user), nil
}

// LastName returns the userPrincipalName that a user has, or had last; empty if
// there never was such a user.
func (t *Tenant) LastName(id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.people[strings.ToLower(id)]; p != nil {
		return strings.TrimPrefix(p.user.Text("userPrincipalName"), p.prefix())
	}
	return ""
}

// Users returns all live users, the oldest first.
func (t *Tenant) Users() []User {
	t.mu.Lock()
	defer t.mu.Unlock()
	var users []User
	for _, p := range t.order {
		if p.place == Live {
			users = append(users, maps.Clone(p.user))
		}
	}
	return users
}

// find returns the user with that id (or, if it is live, that
// userPrincipalName) if it is in that place.
func (t *Tenant) find(key string, where Place) (*person, error) {
	p := t.people[strings.ToLower(key)]
	if p == nil && where == Live {
		p = t.byName[strings.ToLower(key)]
	}
	if p == nil || p.place != where {
		return nil, notFound(key)
	}
	return p, nil
}

// put stores a live user that was checked.
func (t *Tenant) put(p *person, user User) {
	t.hold(p, user)
	t.notify(p, "updated")
}

// hold stores the properties of a user. The tenant is locked.
func (t *Tenant) hold(p *person, user User) {
	p.user = user
	p.wasEnabled = p.wasEnabled || user.Enabled()
	if name := user.Text("userPrincipalName"); !slices.Contains(p.names, name) {
		p.names = append(p.names, name)
	}
	t.byName[p.key()] = p
	t.noteAssigned(p)
}

// check refuses properties that Graph would refuse, and brings lists to their
// one form.
func (t *Tenant) check(user User, self *person) error {
	if err := normalize(user, propertyKind, "User"); err != nil {
		return err
	}
	if user.Text("displayName") == "" {
		return refuse("A value is required for property 'displayName' of resource 'User'.")
	}
	upn := user.Text("userPrincipalName")
	alias, domain, _ := strings.Cut(upn, "@")
	switch {
	case alias == "" || strings.ContainsAny(alias, " \t\r\n\"<>()[],;:\\"):
		return refuse("Property userPrincipalName is invalid.")
	case !strings.EqualFold(domain, t.domain):
		return refuse("The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.")
	case t.byName[strings.ToLower(upn)] != nil && t.byName[strings.ToLower(upn)] != self:
		return refuse("Another object with the same value for property userPrincipalName already exists.")
	}
	return nil
}

// normalize brings the properties of a resource to the form in which they are
// stored. It refuses those the resource does not have, and values they cannot
// have.
func normalize(properties map[string]any, kindOf func(string) kind, resource string) error {
	for name, value := range properties {
		if kindOf(name) == noProperty {
			return refuse("Invalid property '" + name + "'.")
		}
		stored, ok := property(kindOf(name), value)
		if !ok {
			return refuse("Invalid value specified for property '" + name + "' of resource '" + resource + "'.")
		}
		properties[name] = stored
	}
	return nil
}

// property returns a value as it is stored; false if a property of that kind
// cannot have it. Only a boolean cannot be null.
func property(k kind, value any) (any, bool) {
	switch v := value.(type) {
	case nil:
		return nil, k != boolProperty
	case string:
		return v, k == textProperty || k == extensionProperty
	case bool:
		return v, k == boolProperty
	case []string:
		return slices.Clone(v), k == listProperty
	case map[string]any:
		return maps.Clone(v), k == objectProperty
	case []any:
		list, ok := texts(v)
		return list, ok && k == listProperty
	default:
		return nil, false
	}
}

func texts(values []any) ([]string, bool) {
	list := make([]string, len(values))
	for i, value := range values {
		s, ok := value.(string)
		if !ok {
			return nil, false
		}
		list[i] = s
	}
	return list, true
}

type kind int

const (
	noProperty kind = iota
	textProperty
	boolProperty
	listProperty
	objectProperty
	extensionProperty // of which Graph shows no null
)

// propertyKind knows the properties of a user: those of
// https://learn.microsoft.com/graph/api/resources/user that a mapping may read, and
// directory extensions.
func propertyKind(name string) kind {
	switch name {
	case "id", "userPrincipalName", "displayName", "givenName", "surname", "mail", "mailNickname", "userType",
		"jobTitle", "department", "companyName", "employeeId", "employeeType", "mobilePhone", "faxNumber",
		"officeLocation", "streetAddress", "city", "state", "postalCode", "country",
		"preferredLanguage", "preferredDataLocation", "usageLocation",
		"ageGroup", "consentProvidedForMinor", "legalAgeGroupClassification",
		"employeeHireDate", "employeeLeaveDateTime", "createdDateTime", "deletedDateTime", "creationType",
		"externalUserState", "externalUserStateChangeDateTime",
		"lastPasswordChangeDateTime", "passwordPolicies", "securityIdentifier", "signInSessionsValidFromDateTime",
		"onPremisesDistinguishedName", "onPremisesDomainName", "onPremisesImmutableId", "onPremisesLastSyncDateTime",
		"onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesUserPrincipalName":
		return textProperty
	case "accountEnabled", "isManagementRestricted", "isResourceAccount", "onPremisesSyncEnabled", "showInAddressList":
		return boolProperty
	case "businessPhones", "imAddresses", "otherMails", "proxyAddresses":
		return listProperty
	case securityAttributes, "employeeOrgData", "onPremisesExtensionAttributes":
		return objectProperty
	default:
		return extensionKind(name)
	}
}

// directoryExtension is the form of the name of one
// (https://learn.microsoft.com/graph/extensibility-overview).
var directoryExtension = regexp.MustCompile(`^extension_[0-9a-f]{32}_\w+$`)

// extensionKind knows directory extensions.
func extensionKind(name string) kind {
	if directoryExtension.MatchString(name) {
		return extensionProperty
	}
	return noProperty
}

func (p *person) id() string { return p.user.Text("id") }

func (*person) typeName() string { return "user" }

func (p *person) where() Place { return p.place }

func (p *person) project(selects []string) map[string]any { return p.user.project(selects) }

func (p *person) key() string { return strings.ToLower(p.user.Text("userPrincipalName")) }

// prefix is what stands before the userPrincipalName of a deleted user.
func (p *person) prefix() string { return strings.ReplaceAll(p.id(), "-", "") }
