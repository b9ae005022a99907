package simulation_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/sandbox/graph"
)

// managers is a world in which managers are mapped, and goes from Webex who manages
// nobody any more. What no notification tells a delta query does.
type managers struct {
	*world

	link string
}

func newManagers(t *testing.T) *managers {
	t.Helper()
	w := newWorld(t, 1, filepath.Join(t.TempDir(), "ledger"))
	w.rules = try(mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
		"users:\n  mappings:\n    - { target: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager', source: manager, whenNull: clear }\n", 1))))(t)
	w.engine = w.land.engine(w.wire, w.ledger, w)
	return &managers{world: w}
}

func (m *managers) hire(name string) string {
	m.t.Helper()
	return try(m.tenant.Create(graph.User{"userPrincipalName": name + "@" + domain, "displayName": name}))(m.t)
}

func (m *managers) look(id string, afresh bool) {
	m.t.Helper()
	c := change.Change{Object: change.Object{Kind: change.User, ID: id}, Source: change.Reconcile, SeenAt: m.now, CorrelationID: "c", Afresh: afresh}
	if err := m.Enqueue(m.t.Context(), []change.Change{c}); err != nil {
		m.t.Fatal(err)
	}
}

// reconcile queues what a round of the delta query tells, as far as it is not as it was
// written, lets time pass until nothing is on its way, and compares both sides.
func (m *managers) reconcile(what string) {
	m.t.Helper()
	m.settle()
	for {
		page := try(m.directory(m.wire).Delta(m.t.Context(), change.User, m.link))(m.t)
		for _, o := range page.Objects {
			if o.Removed == reconcile.NotRemoved && try(m.engine.Unchanged(m.t.Context(), o.Object, o.Attributes))(m.t) {
				continue
			}
			m.look(o.ID, false)
		}
		if m.link = page.Next + page.Delta; page.Delta != "" {
			break
		}
	}
	m.settle()
	m.tellf("%s", what)
	m.equal()
}

// of is the manager of somebody in Webex; empty for none.
func (m *managers) of(id string) any {
	for _, a := range m.org.Users() {
		if a["externalId"] == id {
			extension, _ := a["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any)
			manager, _ := extension["manager"].(map[string]any)
			return manager["value"]
		}
	}
	m.t.Errorf("%s has no account", id)
	return nil
}

// account is the Webex id of somebody.
func (m *managers) account(id string) string {
	for webexID, a := range m.org.Users() {
		if a["externalId"] == id {
			return webexID
		}
	}
	return ""
}

func TestManagersAreThoseOfEntraThroughTheirLives(t *testing.T) {
	t.Parallel()
	m := newManagers(t)
	defer m.close()
	do := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	m.tenant.Silence(true)
	report, boss, chief := m.hire("report"), m.hire("boss"), m.hire("chief")
	do(m.tenant.SetManager(report, boss), m.tenant.SetManager(boss, chief))
	m.look(report, false)
	m.settle()
	if manager := m.of(report); manager != nil {
		t.Errorf("before the manager is there it is %v", manager)
	}
	m.look(boss, false)
	m.settle()
	if manager := m.of(report); manager == nil || manager != m.account(boss) {
		t.Errorf("once the manager is there it is %v, want %s", manager, m.account(boss))
	}
	m.tenant.Silence(false)
	m.reconcile("all are hired")

	do(m.tenant.SetManager(report, chief))
	m.reconcile("another manager")
	do(m.tenant.SetManager(report, boss))
	m.reconcile("the former manager")

	do(m.tenant.Delete(boss))
	m.reconcile("a manager in the recycle bin")
	if manager := m.of(report); manager != nil {
		t.Errorf("of one whose manager is in the recycle bin it is %v", manager)
	}
	do(m.tenant.Restore(boss))
	m.reconcile("a manager who is back")
	if m.of(report) != m.account(boss) {
		t.Errorf("of one whose manager is back it is %v", m.of(report))
	}

	was := m.account(boss)
	object := change.Object{Kind: change.User, ID: boss}
	do(m.target(m.network).Apply(t.Context(), []provision.Operation{{Object: object, ID: was, Delete: true}})[0].Err)
	m.look(boss, true)
	m.now = m.now.Add(time.Minute)
	m.reconcile("a manager whose account is made anew")
	if now := m.account(boss); now == was || m.of(report) != now {
		t.Errorf("the manager's account was %s and is %s, the reference is %v", was, now, m.of(report))
	}

	do(m.tenant.Delete(boss), m.tenant.Purge(boss))
	m.reconcile("a manager who is deleted for good")
	if m.account(boss) != "" || m.of(report) != nil {
		t.Errorf("the manager's account is %s, the reference %v", m.account(boss), m.of(report))
	}
}
