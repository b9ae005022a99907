package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/document"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/webex"
)

// silent is a store that fails while it is told to.
type silent struct {
	document.Store

	err error
}

func (s *silent) Document(ctx context.Context, name string) ([]byte, int64, error) {
	if s.err != nil {
		return nil, 0, s.err
	}
	return s.Store.Document(ctx, name)
}

// world is a configuration in force, at a time that the test tells.
type world struct {
	*inForce

	t       *testing.T
	clock   time.Time
	stored  *silent
	applied int
}

func begin(t *testing.T) *world {
	t.Helper()
	kept, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), stored: &silent{Store: kept}}
	now := func() time.Time { return w.clock }
	w.inForce = &inForce{
		store: &configuration.Store{Documents: w.stored, Default: infra.Provisioning(), Name: mapping.FileName, Now: now},
		every: askEvery, now: now, log: slog.New(slog.DiscardHandler),
		build: func(rules mapping.Rules) *Parts {
			return &Parts{Settings: config.Settings{Scope: "all"}, Rules: rules, Ledger: kept, Log: slog.New(slog.DiscardHandler)}
		},
	}
	if err := w.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// apply brings a text into force, in which a title is mapped.
func (w *world) apply(text string) {
	w.t.Helper()
	v, err := w.store.Apply(w.t.Context(), []byte(text), w.applied, configuration.Version{By: "ada"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.applied = v.Number
}

func titled() string {
	return strings.Replace(string(infra.Provisioning()), "- { target: userName,", "- { target: title, source: jobTitle }\n    - { target: userName,", 1)
}

// selects reports whether the job title is read now.
func (w *world) selects() bool {
	return strings.Contains(strings.Join(w.rules(w.t.Context()).Users.Select(), " "), "jobTitle")
}

func TestAConfigurationIsInForceWithinAMinute(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.apply(titled())
	if w.selects() {
		t.Error("the ledger is asked at every turn")
	}
	w.clock = w.clock.Add(askEvery)
	if !w.selects() {
		t.Error("it is not in force")
	}
	engine := w.system(t.Context()).engine
	w.clock = w.clock.Add(askEvery)
	if w.system(t.Context()).engine != engine {
		t.Error("the same configuration makes another engine")
	}
}

func TestWhileTheConfigurationCannotBeReadTheOneBeforeServes(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.apply(titled())
	w.clock = w.clock.Add(askEvery)
	w.stored.err = errors.New("the ledger did not answer")
	if w.selects() {
		t.Error("another is in force")
	}
	w.stored.err = nil
	if !w.selects() {
		t.Error("it is not asked again at once")
	}
}

func TestOneThatIsNotTakenDoesNotComeIntoForce(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.apply("version: 2\n")
	w.clock = w.clock.Add(askEvery)
	if s := w.system(t.Context()); s.version.Number != 0 {
		t.Errorf("version %d is in force", s.version.Number)
	}
	if err := w.begin(t.Context()); err == nil || !strings.Contains(err.Error(), "version 1 of the configuration:1:1: ") {
		t.Errorf("a process begins with it: %v", err)
	}
}

func TestWhomItAffectsIsEvaluatedOnceNobodyGoesByTheOneBefore(t *testing.T) {
	t.Parallel()
	w := begin(t)
	pending := func() string {
		t.Helper()
		why, _, err := w.changed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return why
	}
	if why := pending(); why != "" {
		t.Error(why)
	}
	w.apply(titled())
	w.clock = w.clock.Add(askEvery)
	if why := pending(); why != "" {
		t.Error("others may go by the one before: " + why)
	}
	w.clock = w.clock.Add(askEvery)
	if why := pending(); why != "version 1 of the configuration is in force" {
		t.Errorf("%q", why)
	}
	if err := w.store.Evaluated(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if why := pending(); why != "" {
		t.Error(why)
	}
}

// Some may have been evaluated by one that was taken back before everybody was.
func TestWhatWasTakenBackHalfwayIsEvaluatedByAllThatWereInForce(t *testing.T) {
	t.Parallel()
	w := begin(t)
	if err := w.store.Evaluated(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	w.apply(titled())
	w.apply("version: 2\n") // which no process takes
	restores := 0
	v, err := w.store.Apply(t.Context(), infra.Provisioning(), w.applied, configuration.Version{By: "ada", Restores: &restores})
	if err != nil || v.Number != 3 {
		t.Fatal(v, err)
	}
	w.clock = w.clock.Add(2 * askEvery)
	if why, made, err := w.changed(t.Context()); why == "" || made == nil || err != nil {
		t.Fatalf("%q, %v", why, err)
	}
	former, rules, err := w.former(t.Context(), w.system(t.Context()), 0)
	if err != nil {
		t.Fatal(err)
	}
	users := rules.Users
	if len(former.Then) != 1 || former.Then[0].Mapping.Users.Sum() == users.Sum() || former.Mapping.Users.Sum() != users.Sum() {
		t.Errorf("%d came between", len(former.Then))
	}
	if !users.Withdraws(users.Print(map[string]any{"title": "Boss"})) {
		t.Error("the title stays")
	}
	if err := w.store.Evaluated(t.Context(), 4); err != nil { // by another process
		t.Fatal(err)
	}
	if why, _, err := w.changed(t.Context()); why != "" || err != nil {
		t.Errorf("%q, %v", why, err)
	}
}

func TestTheDeltaQueriesGoOnUnderAnotherConfiguration(t *testing.T) {
	t.Parallel()
	w := begin(t)
	if err := w.system(t.Context()).parts.cursors().Save(t.Context(), "user", "link"); err != nil {
		t.Fatal(err)
	}
	w.apply(titled())
	w.clock = w.clock.Add(askEvery)
	if c, err := w.system(t.Context()).reconcile.Cursors.Load(t.Context(), "user"); err != nil || c.Link != "link" {
		t.Errorf("%+v, %v", c, err)
	}
}

// during is Graph, where something comes to pass after each reading.
type during struct {
	Graph

	then func()
}

func (d during) Read(ctx context.Context, queries []provision.Query) []provision.Reading {
	defer d.then()
	return d.Graph.Read(ctx, queries)
}

// sided gives the world both sides, over HTTP, with one user in Entra, whose id it
// returns. After each reading of Entra then is called.
func (w *world) sided(then func()) string {
	w.t.Helper()
	const token, tenantID, orgID = "t", "84bd8158-6d4d-4958-8b9f-9d6445542f95", "3b2a1c00-aaaa-4bbb-8ccc-1234567890ab"
	tenant, err := graph.New(graph.Config{ID: tenantID, Domain: "contoso.example", Token: token})
	if err != nil {
		w.t.Fatal(err)
	}
	org, err := scim.New(scim.Config{ID: orgID, Token: token})
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := tenant.Create(graph.User{"userPrincipalName": "ada@contoso.example", "displayName": "Ada"})
	if err != nil {
		w.t.Fatal(err)
	}
	left, right := httptest.NewServer(tenant), httptest.NewServer(org)
	w.t.Cleanup(left.Close)
	w.t.Cleanup(right.Close)
	directory, err := entra.Open(config.Entra{GraphURL: left.URL, AccessToken: token}, nil, w.log)
	if err != nil {
		w.t.Fatal(err)
	}
	target, err := webex.Open(config.Webex{SCIMURL: right.URL + "/identity/scim/" + orgID + "/v2", AccessToken: token}, w.log)
	if err != nil {
		w.t.Fatal(err)
	}
	build := w.build
	w.build = func(rules mapping.Rules) *Parts {
		p := build(rules)
		p.Settings.Entra.TenantID = tenantID
		p.Graph, p.Webex, p.Queue = during{directory.Selecting(rules.Select()), then}, target, dryQueue{new(provision.DryRunQueue)}
		return p
	}
	if err := w.begin(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// Whom a configuration affects is evaluated once it is in force everywhere, and an
// attempt that began before may end after that, by what is no longer true.
func TestWhatEndsUnderAnotherConfigurationIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	w, meanwhile := begin(t), func() {}
	id := w.sided(func() { meanwhile() })
	converge := func() provision.Attempt {
		t.Helper()
		attempts := w.converge(t.Context(), []change.Change{{Object: change.Object{Kind: change.User, ID: id}, SeenAt: time.Now()}})
		if len(attempts) != 1 || attempts[0].Fault != nil {
			t.Fatalf("%+v", attempts)
		}
		return attempts[0]
	}
	meanwhile = func() { // a configuration that is not in force yet
		w.apply(titled())
		meanwhile = func() {}
	}
	if a := converge(); a.Action != provision.Create || a.Again != 0 {
		t.Errorf("%s, again after %s", a.Action, a.Again)
	}
	meanwhile = func() { w.clock = w.clock.Add(askEvery) }
	if a := converge(); a.Again != time.Second {
		t.Errorf("what ended under another is looked at again after %s", a.Again)
	}
	meanwhile = func() {}
	if a := converge(); a.Again != 0 {
		t.Errorf("what begins under it is looked at again after %s", a.Again)
	}
}
