package provision_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
)

const (
	tenantID = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	ada      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	bob      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
	cyd      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f609"
)

// world is an engine with a tenant and an organization that behave, a real
// ledger, and a clock that stands until it is moved.
type world struct {
	*provision.Engine
	t      *testing.T
	now    time.Time
	tenant *tenant
	org    *org
	ledger *faultyLedger
	queue  *changes
}

func setup(t *testing.T, options ...func(*provision.Config)) *world {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "ledger"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	db.MaxBatchDelay = time.Microsecond
	kept, err := ledger.OpenBolt(db)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t:      t,
		now:    time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		tenant: &tenant{id: tenantID, users: map[string]*person{}},
		org:    &org{accounts: map[string]map[string]any{}},
		ledger: &faultyLedger{Ledger: kept},
		queue:  &changes{},
	}
	config := provision.Config{
		Directory: w.tenant, Target: w.org, Ledger: w.ledger, Queue: w.queue,
		Mapping: m, TenantID: tenantID,
		Now: func() time.Time { return w.now },
		Log: slog.New(slog.DiscardHandler),
	}
	for _, option := range options {
		option(&config)
	}
	w.Engine = provision.New(config)
	return w
}

func (w *world) hire(id, name string) *person {
	p := &person{name: name, given: "Given", surname: "Surname", display: "Given Surname", enabled: true}
	w.tenant.users[id] = p
	return p
}

func updated(id string) change.Change {
	return change.Change{Object: change.Object{Kind: change.User, ID: id}, Source: change.Notification, CorrelationID: "c-" + id}
}

func deleted(id string) change.Change {
	c := updated(id)
	c.Deleted = true
	return c
}

// converge runs one batch over the users and returns its attempts.
func (w *world) converge(changes ...change.Change) []provision.Attempt {
	w.t.Helper()
	for i := range changes {
		changes[i].SeenAt = w.now
	}
	attempts := w.Converge(w.t.Context(), changes)
	w.org.check(w.t)
	return attempts
}

// provisioned converges a user that shall succeed.
func (w *world) provisioned(id string) {
	w.t.Helper()
	if a := w.converge(updated(id))[0]; a.Status != provision.Success {
		w.t.Fatalf("%s: %s: %s", a.Object, a.Status, a.Reason)
	}
}

// calls runs f and returns what it called Webex for.
func (w *world) calls(f func()) string {
	w.t.Helper()
	w.org.calls = nil
	f()
	return strings.Join(w.org.calls, " ")
}

// person is a user in Entra.
type person struct {
	name, given, surname, display string
	enabled                       bool
	binned, gone                  bool
	// fault fails the reading of this person, hidden answers as a replica
	// that has not heard of it.
	fault  error
	hidden bool
	lacks  string // an attribute Entra leaves out
}

// tenant is Entra: provision.Directory over people.
type tenant struct {
	id    string
	users map[string]*person
	reads int
}

func (t *tenant) Organization(context.Context) (string, error) { return t.id, nil }

func (t *tenant) Users(_ context.Context, ids []string) []provision.Reading {
	t.reads++
	readings := make([]provision.Reading, len(ids))
	for i, id := range ids {
		readings[i] = t.reading(id)
	}
	return readings
}

func (t *tenant) reading(id string) provision.Reading {
	p := t.users[id]
	if p == nil || p.gone || p.hidden {
		return provision.Reading{Presence: provision.Absent}
	}
	if p.fault != nil {
		return provision.Reading{Err: p.fault}
	}
	attributes := map[string]any{
		"id": id, "userPrincipalName": p.name, "givenName": p.given, "surname": p.surname,
		"displayName": p.display, "accountEnabled": p.enabled,
	}
	delete(attributes, p.lacks)
	if p.binned {
		attributes["userPrincipalName"] = strings.ReplaceAll(id, "-", "") + p.name
		return provision.Reading{Presence: provision.SoftDeleted, Attributes: attributes}
	}
	return provision.Reading{Presence: provision.Present, Attributes: attributes}
}

// org is Webex: provision.Target over SCIM resources, with unique names.
type org struct {
	accounts map[string]map[string]any
	created  int
	calls    []string
	// foreign are names taken in another organization.
	foreign []string
	// answer may replace what is answered to an operation. It is called
	// before the effect and after it; an answer before it prevents it.
	answer func(op provision.Operation, done bool) error
	// lag hides accounts from the search.
	lag bool
}

// check fails the test if two accounts share a name or a person.
func (o *org) check(t *testing.T) {
	t.Helper()
	names, people := map[any]bool{}, map[any]bool{}
	for _, a := range o.accounts {
		name, person := strings.ToLower(fmt.Sprint(a["userName"])), a["externalId"]
		if names[name] || (person != nil && people[person]) {
			t.Errorf("two accounts of %v, named %v", person, name)
		}
		names[name], people[person] = true, true
	}
}

// add puts an account into the organization by hand.
func (o *org) add(name string, externalID any) string {
	o.created++
	id := fmt.Sprintf("webex-%d", o.created)
	o.accounts[id] = map[string]any{"id": id, "userName": name, "active": true}
	if externalID != nil {
		o.accounts[id]["externalId"] = externalID
	}
	return id
}

// of returns the account of a person, nil if there is none.
func (o *org) of(person string) map[string]any {
	for _, a := range o.accounts {
		if a["externalId"] == person {
			return a
		}
	}
	return nil
}

func (o *org) holder(name string) (string, bool) {
	for id, a := range o.accounts {
		if strings.EqualFold(fmt.Sprint(a["userName"]), name) {
			return id, true
		}
	}
	return "", slices.Contains(o.foreign, name)
}

func (o *org) User(_ context.Context, id string) (provision.Account, error) {
	o.calls = append(o.calls, "GET")
	a, ok := o.accounts[id]
	if !ok {
		return provision.Account{}, &provision.Fault{Kind: provision.Gone, Reason: "404"}
	}
	return provision.Account{ID: id, Attributes: maps.Clone(a)}, nil
}

func (o *org) UsersNamed(_ context.Context, name string) ([]provision.Account, error) {
	o.calls = append(o.calls, "SEARCH")
	id, _ := o.holder(name)
	if id == "" || o.lag {
		return nil, nil
	}
	return []provision.Account{{ID: id, Attributes: maps.Clone(o.accounts[id])}}, nil
}

func (o *org) Apply(_ context.Context, ops []provision.Operation) []provision.Answer {
	answers := make([]provision.Answer, len(ops))
	for i, op := range ops {
		answers[i] = o.apply(op)
	}
	return answers
}

func (o *org) apply(op provision.Operation) provision.Answer {
	if o.answer != nil {
		if err := o.answer(op, false); err != nil {
			return provision.Answer{Err: err}
		}
	}
	id, err := o.effect(op)
	if err == nil && o.answer != nil {
		err = o.answer(op, true)
	}
	return provision.Answer{ID: id, Err: err}
}

func (o *org) effect(op provision.Operation) (string, error) {
	switch {
	case op.Resource != nil:
		o.calls = append(o.calls, "POST")
		return o.create(op.Resource)
	case op.Patch != nil:
		o.calls = append(o.calls, "PATCH")
		return op.ID, o.patch(op.ID, op.Patch)
	default:
		o.calls = append(o.calls, "DELETE")
		if _, ok := o.accounts[op.ID]; !ok {
			return "", &provision.Fault{Kind: provision.Gone, Reason: "404"}
		}
		delete(o.accounts, op.ID)
		return op.ID, nil
	}
}

func (o *org) create(resource map[string]any) (string, error) {
	if _, taken := o.holder(fmt.Sprint(resource["userName"])); taken {
		return "", &provision.Fault{Kind: provision.Exists, Reason: "409"}
	}
	o.created++
	id := fmt.Sprintf("webex-%d", o.created)
	o.accounts[id] = maps.Clone(resource)
	o.accounts[id]["id"] = id
	return id, nil
}

func (o *org) patch(id string, ops []mapping.PatchOperation) error {
	a, ok := o.accounts[id]
	if !ok {
		return &provision.Fault{Kind: provision.Gone, Reason: "404"}
	}
	a = maps.Clone(a)
	for _, op := range ops {
		switch op.Path {
		case "userName":
			if holder, taken := o.holder(op.Value.(string)); taken && holder != id {
				return &provision.Fault{Kind: provision.Exists, Reason: "409"}
			}
			a["userName"] = op.Value
		case "name.givenName", "name.familyName":
			name, _ := a["name"].(map[string]any)
			name = maps.Clone(name)
			if name == nil {
				name = map[string]any{}
			}
			name[strings.TrimPrefix(op.Path, "name.")] = op.Value
			a["name"] = name
		case `emails[type eq "work"].value`, `emails[type eq "work"].primary`:
			emails, _ := a["emails"].([]any)
			if len(emails) == 0 {
				return &provision.Fault{Kind: provision.NoTarget, Reason: "400 noTarget"}
			}
			email := maps.Clone(emails[0].(map[string]any))
			email[op.Path[strings.LastIndexByte(op.Path, '.')+1:]] = op.Value
			a["emails"] = []any{email}
		default:
			a[op.Path] = op.Value
		}
	}
	o.accounts[id] = a
	return nil
}

// changes is a queue that keeps what it is given.
type changes struct{ queued []change.Change }

func (c *changes) Enqueue(_ context.Context, list []change.Change) error {
	c.queued = append(c.queued, list...)
	return nil
}

// faultyLedger is a real ledger that can be cut off, as by a crash.
type faultyLedger struct {
	provision.Ledger
	cut bool
}

var errCut = errors.New("the process is gone")

func (l *faultyLedger) Save(ctx context.Context, owner string, before, after provision.Record) error {
	if l.cut {
		return errCut
	}
	return l.Ledger.Save(ctx, owner, before, after)
}

func (l *faultyLedger) Forget(ctx context.Context, owner string, r provision.Record) error {
	if l.cut {
		return errCut
	}
	return l.Ledger.Forget(ctx, owner, r)
}

// stealing is a tenant whose first reading takes so long that another worker
// takes the object over.
type stealing struct {
	*tenant
	steal func()
}

func (s *stealing) Users(ctx context.Context, ids []string) []provision.Reading {
	if s.steal != nil {
		s.steal()
		s.steal = nil
	}
	return s.tenant.Users(ctx, ids)
}
