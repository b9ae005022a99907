package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

// side is both sides as lists show them, and a ledger.
type side struct {
	graph

	entra   []reconcile.Object
	users   []provision.Resource
	records []provision.Record
	// handed and queued are what came of the sweep.
	handed, queued []string
	// requests counts the requests to the queue.
	requests int
	faults   map[string]*provision.Fault
}

// Users writes over the page once it was read, as provision.Lister may.
func (s *side) Users(_ context.Context, each func([]provision.Resource) error) error {
	page := slices.Clone(s.users)
	for i := range page {
		page[i].Attributes = maps.Clone(page[i].Attributes)
	}
	defer func() {
		for _, u := range page {
			clear(u.Attributes)
		}
	}()
	return each(page)
}

func (s *side) Groups(context.Context, func([]provision.ListedGroup) error) error { return nil }

func (s *side) Records(_ context.Context, each func(provision.Record) error) error {
	for _, r := range s.records {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *side) Delta(_ context.Context, kind change.Kind, _ string) (reconcile.Page, error) {
	p := reconcile.Page{Delta: "end"}
	for _, o := range s.entra {
		if o.Kind == kind {
			p.Objects = append(p.Objects, o)
		}
	}
	return p, nil
}

func (s *side) Enqueue(_ context.Context, changes []change.Change) error {
	s.requests++
	for _, c := range changes {
		s.queued = append(s.queued, fmt.Sprintf("%s afresh %t", c.ID, c.Afresh))
	}
	return nil
}

func (s *side) converge(_ context.Context, seen []provision.Snapshot) []provision.Attempt {
	attempts := make([]provision.Attempt, len(seen))
	for i, one := range seen {
		s.handed = append(s.handed, fmt.Sprintf("%s afresh %t", one.Object.ID, one.Afresh))
		attempts[i].Object = one.Object
		attempts[i].Fault = s.faults[one.Object.ID]
	}
	return attempts
}

// sweep compares to the end.
func (s *side) sweep(t *testing.T, repair bool) Result {
	t.Helper()
	result, err := s.job(t, repair).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// job compares, and only those are in scope who are assigned, if any are.
func (s *side) job(t *testing.T, repair bool) *Job {
	t.Helper()
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	sweep := &Job{
		Graph: s, Lister: s, Ledger: s, Queue: s, Converge: s.converge, Mapping: rules, RepairDrift: repair,
		Rests: func(context.Context) (string, error) { return "", nil },
		Depth: func(context.Context) (int, error) { return 0, nil },
		Round: func(context.Context, change.Kind, string) error { return nil },
		Now:   time.Now,
	}
	if s.assignments != nil {
		sweep.Scoping.Application = application()
	}
	return sweep
}

// person adds one who is the same everywhere, and returns how Entra and Webex show
// them, and the record.
func (s *side) person(t *testing.T, id string, enabled bool) (reconcile.Object, map[string]any, map[string]any) {
	t.Helper()
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	o := reconcile.Object{Object: change.Object{Kind: change.User, ID: id}, Attributes: map[string]any{
		"id": id, "userPrincipalName": id + "@contoso.example", "displayName": "N", "accountEnabled": enabled,
	}}
	want, err := rules.Users.Map(map[string]any{
		"id": id, "userPrincipalName": id + "@contoso.example", "displayName": "N", "accountEnabled": enabled, "IsSoftDeleted": !enabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	shown := rules.Users.Resource(want)
	s.entra = append(s.entra, o)
	s.users = append(s.users, provision.Resource{ID: "webex-" + id, Attributes: shown})
	s.records = append(s.records, provision.Record{Object: o.Object, WebexID: "webex-" + id, LastWritten: want})
	return o, shown, want
}

func TestWhatAListDoesNotShowDecidesNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		enabled bool // ada's, who is the one that differs; bob is always in sync
		repair  bool
		spoil   func(s *side, entra, webex, written map[string]any)
		handed  []string
		queued  []string
		open    []string
		shutOut []string
		classes map[Class]int
	}{
		{
			name: "all is shown", enabled: true, spoil: func(*side, map[string]any, map[string]any, map[string]any) {},
			classes: map[Class]int{InSync: 2},
		},
		{
			name: "Entra's page lacks accountEnabled", enabled: true,
			spoil:   func(_ *side, entra, _, _ map[string]any) { delete(entra, "accountEnabled") },
			queued:  []string{ada + " afresh false"},
			classes: map[Class]int{InSync: 1, Behind: 1},
		},
		{
			name: "Entra's page lacks accountEnabled of one who is new", enabled: true,
			spoil: func(s *side, entra, _, _ map[string]any) {
				delete(entra, "accountEnabled")
				s.users, s.records = s.users[:1], s.records[:1]
			},
			queued:  []string{ada + " afresh false"},
			classes: map[Class]int{InSync: 1, New: 1},
		},
		{
			name: "Entra's page has null for it", enabled: true,
			spoil:   func(_ *side, entra, _, _ map[string]any) { entra["accountEnabled"] = nil },
			queued:  []string{ada + " afresh false"},
			classes: map[Class]int{InSync: 1, Behind: 1},
		},
		{
			name: "Entra's page lacks the name", enabled: true,
			spoil:   func(_ *side, entra, _, _ map[string]any) { delete(entra, "userPrincipalName") },
			queued:  []string{ada + " afresh false"},
			classes: map[Class]int{InSync: 1, Behind: 1},
		},
		{
			name: "Webex's list shows nobody's addresses", enabled: true,
			spoil: func(s *side, _, _, _ map[string]any) {
				for _, u := range s.users {
					delete(u.Attributes, "emails")
				}
			},
			classes: map[Class]int{InSync: 2},
		},
		{
			name: "nor does it where drift is repaired", enabled: true, repair: true,
			spoil: func(s *side, _, _, _ map[string]any) {
				for _, u := range s.users {
					delete(u.Attributes, "emails")
				}
			},
			classes: map[Class]int{InSync: 2},
		},
		{
			name: "Webex's list shows others' addresses", enabled: true, repair: true,
			spoil:   func(_ *side, _, webex, _ map[string]any) { delete(webex, "emails") },
			handed:  []string{ada + " afresh true"},
			classes: map[Class]int{InSync: 1, Drifted: 1},
		},
		{
			name: "Webex's list does not show whether a leaver is active", enabled: false,
			spoil:   func(_ *side, _, webex, _ map[string]any) { delete(webex, "active") },
			handed:  []string{ada + " afresh true"},
			classes: map[Class]int{InSync: 1, Behind: 1},
		},
		{
			name: "a blocked person was let in again by hand", enabled: false,
			spoil:   func(_ *side, _, webex, _ map[string]any) { webex["active"] = true },
			handed:  []string{ada + " afresh true"},
			classes: map[Class]int{InSync: 1, Behind: 1},
		},
		{
			name: "and cannot be closed", enabled: false,
			spoil: func(s *side, _, webex, _ map[string]any) {
				webex["active"] = "True"
				s.faults = map[string]*provision.Fault{ada: {Kind: provision.Held, Reason: "the guard"}}
			},
			handed: []string{ada + " afresh true"}, open: []string{ada},
			classes: map[Class]int{InSync: 1, Behind: 1},
		},
		{
			name: "somebody out of scope was let in again by hand", enabled: true,
			spoil: func(s *side, _, _, written map[string]any) {
				written["active"] = false
				s.assignments = []reconcile.Assignment{{Principal: person(bob).Object, Role: editor}}
			},
			queued: []string{ada + " afresh true"}, open: []string{ada},
			classes: map[Class]int{InSync: 1, Unassigned: 1},
		},
		{
			name: "somebody in the recycle bin was let in again by hand", enabled: true,
			spoil: func(s *side, _, _, written map[string]any) {
				written["active"] = false
				s.entra[1] = gone(ada, reconcile.SoftDeleted)
			},
			queued: []string{ada + " afresh true"}, open: []string{ada},
			classes: map[Class]int{InSync: 1},
		},
		{
			name: "somebody whom Entra does not list was let in again by hand", enabled: true,
			spoil: func(s *side, _, _, written map[string]any) {
				written["active"] = false
				s.entra = s.entra[:1]
			},
			queued: []string{ada + " afresh true"}, open: []string{ada},
			classes: map[Class]int{InSync: 1, Vanished: 1},
		},
		{
			name: "somebody entitled was shut out by hand", enabled: true,
			spoil:   func(_ *side, _, webex, _ map[string]any) { webex["active"] = false },
			shutOut: []string{ada}, classes: map[Class]int{InSync: 1, Drifted: 1},
		},
		{
			name: "and drift is repaired", enabled: true, repair: true,
			spoil:   func(_ *side, _, webex, _ map[string]any) { webex["active"] = false },
			handed:  []string{ada + " afresh true"},
			shutOut: []string{ada}, classes: map[Class]int{InSync: 1, Drifted: 1},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &side{}
			s.person(t, bob, true)
			o, webex, written := s.person(t, ada, test.enabled)
			test.spoil(s, o.Attributes, webex, written)
			result := s.sweep(t, test.repair)
			for what, lists := range map[string][2][]string{
				"handed": {test.handed, s.handed}, "queued": {test.queued, s.queued},
				"open": {test.open, result.Open.IDs}, "shut out": {test.shutOut, result.ShutOut.IDs},
			} {
				if !slices.Equal(lists[0], lists[1]) {
					t.Errorf("%s: %q, want %q", what, lists[1], lists[0])
				}
			}
			if diff := cmp.Diff(test.classes, result.Classes); diff != "" {
				t.Error(diff)
			}
			if result.Open.Count != len(test.open) || result.ShutOut.Count != len(test.shutOut) {
				t.Errorf("%+v", result)
			}
		})
	}
}

// Whoever leaves by the scoping filter is left to the worker, which reads what it
// closes somebody for; whoever enters by it is provisioned here.
func TestWhoEntersOrLeavesByTheFilterIsFound(t *testing.T) {
	t.Parallel()
	f, mistakes := scoping.NewFilter([][]scoping.Clause{{{Attribute: "department", Operator: "EQUALS", Value: "Sales"}}})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	for _, test := range []struct {
		name           string
		department     any // ada's
		linked, active bool
		handed, queued []string
		open           []string
		classes        map[Class]int
	}{
		{"in it all the time", "Sales", true, true, nil, nil, nil, map[Class]int{InSync: 2}},
		{"out of it", "HR", true, true, nil, []string{ada + " afresh false"}, []string{ada}, map[Class]int{InSync: 1, Unassigned: 1}},
		{"out of it, and closed", "HR", true, false, nil, nil, nil, map[Class]int{InSync: 1, Unassigned: 1}},
		{"out of it, and never provisioned", "HR", false, false, nil, nil, nil, map[Class]int{InSync: 1}},
		{"back in it", "Sales", true, false, []string{ada + " afresh false"}, nil, nil, map[Class]int{InSync: 1, Behind: 1}},
		{"in it for the first time", "Sales", false, false, []string{ada + " afresh false"}, nil, nil, map[Class]int{InSync: 1, New: 1}},
		{"not shown", "unshown", true, true, nil, []string{ada + " afresh false"}, nil, map[Class]int{InSync: 1, Behind: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &side{}
			other, _, _ := s.person(t, bob, true)
			other.Attributes["department"] = "Sales"
			o, webex, written := s.person(t, ada, true)
			if o.Attributes["department"] = test.department; test.department == "unshown" {
				delete(o.Attributes, "department")
			}
			webex["active"], written["active"] = test.active, test.active
			if !test.linked {
				s.users, s.records = s.users[:1], s.records[:1]
			}
			job := s.job(t, false)
			job.Scoping.Filters.Users = f
			result, err := job.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.handed, test.handed) || !slices.Equal(s.queued, test.queued) || !slices.Equal(result.Open.IDs, test.open) {
				t.Errorf("handed %q, queued %q, open %q", s.handed, s.queued, result.Open.IDs)
			}
			if diff := cmp.Diff(test.classes, result.Classes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whether it is a security group decides whether it may be in Webex; and who joined
// or left while it was none is compared when it is one again.
func TestAGroupThatIsNotToBeSeenIsLookedAtAfresh(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		group reconcile.Object
		want  []string
	}{
		{"the page does not say whether it is a security group", team(sales), []string{sales + " afresh true"}},
		{"it is in the recycle bin", reconcile.Object{Object: team(sales).Object, Removed: reconcile.SoftDeleted}, []string{sales + " afresh true"}},
		{"it is no security group", reconcile.Object{Object: team(sales).Object, Attributes: map[string]any{"securityEnabled": false, "displayName": "S"}}, []string{sales + " afresh true"}},
		{"Entra does not list it", team(europe), []string{sales + " afresh true"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &side{entra: []reconcile.Object{test.group}, records: []provision.Record{{
				Object: team(sales).Object, WebexID: "webex", LastWritten: map[string]any{"displayName": "S", "externalId": sales},
			}}}
			s.sweep(t, false)
			if got := slices.DeleteFunc(s.queued, func(c string) bool { return c == europe+" afresh false" }); !slices.Equal(got, test.want) || len(s.handed) > 0 {
				t.Errorf("queued %q, handed %q", got, s.handed)
			}
		})
	}
}

func TestThoseWhoLeaveTheScopeAreQueuedManyAtATime(t *testing.T) {
	t.Parallel()
	const leavers = 2*mostLooks + 200
	s := &side{graph: graph{assignments: []reconcile.Assignment{{Principal: person(bob).Object, Role: editor}}}}
	for n := range leavers {
		s.person(t, someone(n), true)
	}
	result := s.sweep(t, false)
	if result.Queued != leavers || len(s.queued) != leavers || s.requests != 3 {
		t.Errorf("%d queued in %d requests, and %d by its own count", len(s.queued), s.requests, result.Queued)
	}
}

// The next comparison may be cut short in the same place.
func TestThoseWhoLeaveTheScopeAreQueuedThoughTheComparisonIsCutShort(t *testing.T) {
	t.Parallel()
	s := &side{
		graph:  graph{assignments: []reconcile.Assignment{{Principal: person(bob).Object, Role: editor}}},
		entra:  []reconcile.Object{person(bob)},
		faults: map[string]*provision.Fault{bob: {Kind: provision.Throttled, Reason: "429"}},
	}
	s.entra[0].Attributes["accountEnabled"] = true
	s.entra[0].Attributes["userPrincipalName"] = "bob@contoso.example"
	s.person(t, ada, true)
	_, err := s.job(t, false).Run(t.Context())
	if want := []string{ada + " afresh false"}; !errors.Is(err, ErrUnfinished) || !slices.Equal(s.queued, want) {
		t.Errorf("queued %q, %v", s.queued, err)
	}
}

func TestOnlyTheFirstHundredAreNamed(t *testing.T) {
	t.Parallel()
	all := map[string]bool{}
	for n := range 250 {
		all[someone(n)] = true
	}
	if n := named(all); n.Count != 250 || len(n.IDs) != 100 || n.IDs[0] != someone(0) {
		t.Errorf("%d, %d named", n.Count, len(n.IDs))
	}
}
