package provision_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
)

func upsertOnly(c *provision.Config) { c.UpsertOnly = true }

func sparesLeavers(c *provision.Config) {
	assignedOnly(c)
	c.Scoping.SkipOutOfScope = true
}

// settings changes the settings, as a restart does.
func (w *world) settings(options ...func(*provision.Config)) {
	for _, option := range options {
		option(&w.config)
	}
	w.renew()
}

func TestAnAccountThatASettingLeavesOpenIsNotedUntilItIsClosedOrEntitled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings func(*provision.Config)
		becomes  func(w *world, p *person)
		why      string
		after    func(w *world, p *person)
	}{
		{
			"blocked, and let in again", upsertOnly,
			func(_ *world, p *person) { p.enabled = false }, "UPSERT_ONLY is set",
			func(_ *world, p *person) { p.enabled = true },
		},
		{
			"blocked, and closed when the setting is gone", upsertOnly,
			func(_ *world, p *person) { p.enabled = false }, "UPSERT_ONLY is set",
			func(w *world, _ *person) { w.settings(func(c *provision.Config) { c.UpsertOnly = false }) },
		},
		{
			"in the recycle bin, and restored", upsertOnly,
			func(_ *world, p *person) { p.binned = true }, "UPSERT_ONLY is set",
			func(_ *world, p *person) { p.binned = false },
		},
		{
			"blocked, and held when the setting is gone", upsertOnly,
			func(_ *world, p *person) { p.enabled = false }, "UPSERT_ONLY is set",
			func(w *world, _ *person) {
				w.settings(func(c *provision.Config) { c.UpsertOnly, c.Protected = false, []string{ada} })
			},
		},
		{
			"out of a scope that leaves accounts open", sparesLeavers,
			func(w *world, _ *person) { delete(w.tenant.roles, ada) }, "", func(*world, *person) {},
		},
		{
			"blocked and out of a scope that leaves accounts open", sparesLeavers,
			func(w *world, p *person) { delete(w.tenant.roles, ada); p.enabled = false }, "SKIP_OUT_OF_SCOPE_DELETIONS is set",
			func(w *world, p *person) { w.tenant.roles[ada] = []string{role}; p.enabled = true },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, test.settings)
			p := w.hire(ada, "ada@example.com")
			w.tenant.roles[ada] = []string{role}
			w.provisioned(ada)
			test.becomes(w, p)
			began := w.now
			for range 2 {
				w.converge(updated(ada))
				w.now = w.now.Add(time.Hour)
			}
			s := w.record(user(ada)).Spared
			if test.why == "" != (s == nil) || s != nil && (!strings.Contains(s.Why, test.why) || !s.Since.Equal(began)) {
				t.Fatalf("noted %+v", s)
			}
			p.fault = &provision.Fault{Kind: provision.Transient, Reason: "Graph does not answer"}
			w.converge(updated(ada))
			if diff := cmp.Diff(s, w.record(user(ada)).Spared); diff != "" {
				t.Errorf("after an attempt that learned nothing (-before +after):\n%s", diff)
			}
			p.fault = nil
			test.after(w, p)
			w.converge(updated(ada))
			if s := w.record(user(ada)).Spared; s != nil {
				t.Errorf("still noted: %+v", s)
			}
		})
	}
}

// Nobody is let in by an account that is closed.
func TestASettingThatSparesAClosedAccountIsNotNoted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	w.block(ada)
	w.settings(upsertOnly)
	p.gone = true
	w.converge(deleted(ada))
	w.now = w.now.Add(11 * time.Minute)
	if a := w.converge(updated(ada))[0]; !strings.Contains(a.Reason, "UPSERT_ONLY is set") || w.record(user(ada)).Spared != nil {
		t.Errorf("%s, noted %+v", a.Reason, w.record(user(ada)).Spared)
	}
}
