package provision_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// unlisted is an organization of which nothing is listed before.
type unlisted struct{ *org }

func (unlisted) Users(context.Context, func([]provision.Resource) error) error { return nil }

func (unlisted) Groups(context.Context, func([]provision.ListedGroup) error) error { return nil }

// dryRun is converge by an engine that writes nothing. Everything there is must
// be the same after it.
func (w *world) dryRun(changes ...change.Change) []provision.Attempt {
	w.t.Helper()
	before := w.state()
	c := w.config
	c.Ledger, c.Target, c.Queue = provision.NewDryRunLedger(w.ledger), provision.NewDryRunTarget(unlisted{w.org}, w.config.Mapping), &provision.DryRunQueue{}
	c.TrustGone = true
	for i := range changes {
		changes[i].SeenAt = w.now
	}
	attempts := provision.New(c).Converge(w.t.Context(), slices.Clone(changes))
	if diff := cmp.Diff(before, w.state()); diff != "" {
		w.t.Errorf("a dry run wrote (-before +after):\n%s", diff)
	}
	return attempts
}

// state is everything that could be written.
func (w *world) state() string {
	w.t.Helper()
	var records []provision.Record
	kept := w.ledger.Ledger.(interface {
		Records(ctx context.Context, each func(provision.Record) error) error
	})
	if err := kept.Records(w.t.Context(), func(r provision.Record) error {
		records = append(records, r)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	text, err := json.MarshalIndent([]any{w.org.accounts, w.org.groups, w.org.members, records, w.queue.queued}, "", " ")
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// outcome is what an attempt comes to, whoever made it.
type outcome struct {
	Object   change.Object
	Action   provision.Action
	Status   provision.Status
	Kind     provision.FaultKind
	Modified []provision.Modified
	Members  provision.MemberCount
}

func outcomes(attempts []provision.Attempt) []outcome {
	list := make([]outcome, len(attempts))
	for i, a := range attempts {
		list[i] = outcome{a.Object, a.Action, a.Status, 0, a.Modified, a.Members}
		if a.Fault != nil {
			list[i].Kind = a.Fault.Kind
		}
	}
	return list
}

func TestWhatADryRunSaysIsWhatThenHappens(t *testing.T) {
	t.Parallel()
	afresh := func(c change.Change) change.Change {
		c.Afresh = true
		return c
	}
	for name, prepare := range map[string]func(w *world) []change.Change{
		"a hire": func(w *world) []change.Change {
			w.hire(ada, "ada@example.com")
			return []change.Change{updated(ada)}
		},
		"an account that is adopted": func(w *world) []change.Change {
			w.org.add("ADA@example.com", "u-4711")
			w.hire(ada, "ada@example.com")
			return []change.Change{updated(ada)}
		},
		"a name that is another person's in Entra": func(w *world) []change.Change {
			w.org.add("ada@example.com", cyd)
			w.hire(ada, "ada@example.com")
			return []change.Change{updated(ada)}
		},
		"two with one name": func(w *world) []change.Change {
			w.hire(ada, "ada@example.com")
			w.hire(bob, "ada@example.com")
			return []change.Change{updated(ada), updated(bob)}
		},
		"a rename": func(w *world) []change.Change {
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			p.name, p.surname = "ada.king@example.com", "King"
			return []change.Change{updated(ada)}
		},
		"a swap of names": func(w *world) []change.Change {
			a, b := w.hire(ada, "a@example.com"), w.hire(bob, "b@example.com")
			w.provisioned(ada)
			w.provisioned(bob)
			a.name, b.name = b.name, a.name
			return []change.Change{updated(ada), updated(bob)}
		},
		"a name that a leaver had": func(w *world) []change.Change {
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			p.binned = true
			w.hire(bob, "ada@example.com")
			return []change.Change{updated(ada), updated(bob)}
		},
		"a leaver": func(w *world) []change.Change {
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			p.enabled = false
			return []change.Change{updated(ada)}
		},
		"an account that is gone": func(w *world) []change.Change {
			w.hire(ada, "ada@example.com").display = "A"
			w.provisioned(ada)
			clear(w.org.accounts)
			w.tenant.users[ada].display = "Ada"
			return []change.Change{updated(ada)}
		},
		"drift, looked at afresh": func(w *world) []change.Change {
			w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			w.org.of(ada)["displayName"] = "Somebody"
			return []change.Change{afresh(updated(ada))}
		},
		"a group, one in and one out": func(w *world) []change.Change {
			for id, name := range map[string]string{ada: "a@example.com", bob: "b@example.com"} {
				w.hire(id, name)
				w.provisioned(id)
			}
			g := w.team(sales, "Sales", ada)
			w.converge(changed(sales, ada))
			g.members = []string{bob, cyd}
			w.hire(cyd, "c@example.com")
			return []change.Change{afresh(changed(sales))}
		},
		"a member who comes with the group": func(w *world) []change.Change {
			w.hire(ada, "a@example.com")
			w.team(sales, "Sales", ada)
			return []change.Change{updated(ada), changed(sales)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			changes := prepare(w)
			dryRun := w.dryRun(changes...)
			happened := w.converge(changes...)
			if diff := cmp.Diff(outcomes(happened), outcomes(dryRun)); diff != "" {
				t.Errorf("-happened +dryRun:\n%s", diff)
			}
		})
	}
}

func TestADryRunIsNotHinderedByAWorker(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.display = "Ada"
	user := updated(ada).Object
	if _, err := w.ledger.Claim(t.Context(), user, "a worker", w.now, w.now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	kept := provision.NewDryRunLedger(w.ledger)
	c := w.config
	c.Ledger, c.Target, c.Queue = kept, provision.NewDryRunTarget(unlisted{w.org}, w.config.Mapping), &provision.DryRunQueue{}
	if a := provision.New(c).Converge(t.Context(), []change.Change{updated(ada)})[0]; a.Action != provision.Update {
		t.Errorf("%s: %s", a.Action, a.Reason)
	}
	if !kept.Busy(user) {
		t.Error("it does not tell that a worker is at it")
	}
}

func TestALatchInADryRunHoldsAndLeavesTheGuardAlone(t *testing.T) {
	t.Parallel()
	documents := &memory{}
	w := setup(t, func(c *provision.Config) {
		c.Guard = &provision.Guard{Documents: documents, Floor: 1, Window: time.Hour}
	})
	for id, name := range map[string]string{ada: "a@example.com", bob: "b@example.com"} {
		w.hire(id, name)
		w.provisioned(id)
		w.tenant.users[id].enabled = false
	}
	c := w.config
	c.Guard = &provision.Guard{Documents: provision.NewDryRunDocuments(documents), Floor: 1, Window: time.Hour}
	c.Ledger, c.Target, c.Queue = provision.NewDryRunLedger(w.ledger), provision.NewDryRunTarget(unlisted{w.org}, w.config.Mapping), &provision.DryRunQueue{}
	var held int
	for _, a := range provision.New(c).Converge(t.Context(), []change.Change{updated(ada), updated(bob)}) {
		if a.Fault != nil && a.Fault.Kind == provision.Held {
			held++
		}
	}
	if held != 1 || documents.version != 0 {
		t.Errorf("%d held, %d documents written", held, documents.version)
	}
}

// memory is one document.
type memory struct {
	data    []byte
	version int64
}

func (m *memory) Document(context.Context, string) ([]byte, int64, error) {
	return m.data, m.version, nil
}

func (m *memory) PutDocument(_ context.Context, _ string, data []byte, _ int64) error {
	m.data, m.version = data, m.version+1
	return nil
}

func TestAGroupThatWouldBeMadeCountsItsMembers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	target := provision.NewDryRunTarget(unlisted{w.org}, w.config.Mapping)
	group := change.Object{Kind: change.Group, ID: sales}
	members := []any{map[string]any{"value": "1"}, map[string]any{"value": "2"}}
	resource := map[string]any{"displayName": "Sales", "members": members}
	answer := target.Apply(t.Context(), []provision.Operation{{Object: group, Resource: maps.Clone(resource)}})[0]
	found, err := target.Named(t.Context(), change.Group, "sales")
	if answer.Err != nil || err != nil || !provision.IsPlanned(answer.ID) || len(found) != 1 || found[0].ID != answer.ID {
		t.Errorf("%v, %v, %v", answer, found, err)
	}
	if n := target.Seeds(group); n != len(members) {
		t.Errorf("%d members", n)
	}
}
