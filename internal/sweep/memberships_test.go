package sweep

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

// within is the default mapping, whose users have to be in the group.
func within(t *testing.T, relation, group string) mapping.Rules {
	t.Helper()
	scope := fmt.Sprintf("users:\n  scope: [[{ attribute: %s, operator: IsMemberOf, value: %s }]]\n", relation, group)
	rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), "users:\n", scope, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// The users of these comparisons: each has an account but joining and passerby.
const (
	included = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f621" // and is in the group
	without  = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f622" // and is in none, by the list
	joining  = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f623" // is in the group
	passerby = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f624" // is in none
	barred   = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f625" // and is blocked, and in none
)

// comparesMembers is a comparison under a filter by membership. Members are the calls
// for a page of members.
func comparesMembers(t *testing.T, rules mapping.Rules, members func(group string) (provision.MemberPage, error)) (s *side, job *Job, calls, handed *[]string) {
	t.Helper()
	s, calls, handed = &side{}, new([]string), new([]string)
	for _, id := range []string{included, without, joining, passerby, barred} {
		o, _, _ := s.person(t, id, true)
		o.Attributes["accountEnabled"] = id != barred
	}
	for _, id := range []string{joining, passerby} {
		s.records = slices.DeleteFunc(s.records, func(r provision.Record) bool { return r.Object.ID == id })
		s.users = slices.DeleteFunc(s.users, func(u provision.Resource) bool { return u.ID == "webex-"+id })
	}
	job = s.job(t, false)
	job.Mapping, job.Scoping.Filters = rules, rules.Filters()
	job.Members = func(_ context.Context, id string, transitive bool, page string) (provision.MemberPage, error) {
		*calls = append(*calls, fmt.Sprint(id, transitive, page))
		return members(id)
	}
	job.Converge = func(ctx context.Context, seen []provision.Snapshot) []provision.Attempt {
		for _, one := range seen {
			*handed = append(*handed, fmt.Sprint(one.Object.ID, one.Reading.MemberOf))
		}
		return s.converge(ctx, seen)
	}
	return s, job, calls, handed
}

// teamOf is a group as the delta query lists it, with its members.
func teamOf(id string, members ...reconcile.Member) reconcile.Object {
	o := team(id)
	o.Members = members
	return o
}

func user(id string) reconcile.Member { return reconcile.Member{ID: id, Kind: change.User} }

// Presence on a list is enough to be in scope; who is on none is asked about singly. The
// members are read once, if they are not listed with the group.
func TestMembershipsAreComparedByTheListsOfMembers(t *testing.T) {
	t.Parallel()
	listed := func(string) (provision.MemberPage, error) {
		return provision.MemberPage{Users: []string{included, joining}}, nil
	}
	for name, test := range map[string]struct {
		relation string
		entra    []reconcile.Object
		calls    []string
	}{
		"listed with the group":   {"memberOf", []reconcile.Object{teamOf(sales, user(included), user(joining))}, nil},
		"not listed with it":      {"memberOf", nil, []string{sales + "false"}},
		"not listed, within":      {"transitiveMemberOf", nil, []string{sales + "true"}},
		"in a group of the group": {"transitiveMemberOf", []reconcile.Object{teamOf(sales, user(included), reconcile.Member{ID: europe, Kind: change.Group}), teamOf(europe, user(joining))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, job, calls, handed := comparesMembers(t, within(t, test.relation, sales), listed)
			job.Scoping.SkipGroups = true
			s.entra = append(s.entra, test.entra...)
			result, err := job.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			g := scoping.Group{ID: sales, Transitive: test.relation == "transitiveMemberOf"}
			if diff := cmp.Diff([]string{fmt.Sprint(joining, map[scoping.Group]bool{g: true})}, *handed); diff != "" {
				t.Errorf("handed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{without + " afresh false", barred + " afresh false"}, s.queued); diff != "" {
				t.Errorf("queued (-want +got):\n%s", diff)
			}
			if result.Classes[InSync] != 1 || result.Classes[Unassigned] != 2 || result.Classes[New] != 1 {
				t.Errorf("classes %v", result.Classes)
			}
			if diff := cmp.Diff(test.calls, *calls); diff != "" {
				t.Errorf("pages of members (-want +got):\n%s", diff)
			}
		})
	}
}

// That somebody is missing from a list is no proof, and not handed on as one.
func TestOnlyPresenceOnAListIsHandedOn(t *testing.T) {
	t.Parallel()
	either := sales + " }], [{ attribute: memberOf, operator: IsMemberOf, value: " + europe
	_, job, _, handed := comparesMembers(t, within(t, "memberOf", either), func(group string) (provision.MemberPage, error) {
		if group == europe {
			return provision.MemberPage{}, nil
		}
		return provision.MemberPage{Users: []string{joining}}, nil
	})
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fmt.Sprint(joining, map[scoping.Group]bool{{ID: sales}: true})}, *handed); diff != "" {
		t.Errorf("handed (-want +got):\n%s", diff)
	}
}

// What a list of members showed is as old as that list.
func TestAMembershipIsAsOldAsItsList(t *testing.T) {
	t.Parallel()
	s, job, _, _ := comparesMembers(t, within(t, "memberOf", sales), nil)
	s.entra = append(s.entra, teamOf(sales, user(joining)))
	clock := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var asked []time.Time
	job.Now = func() time.Time {
		clock = clock.Add(time.Minute)
		asked = append(asked, clock)
		return clock
	}
	var at time.Time
	job.Converge = func(ctx context.Context, seen []provision.Snapshot) []provision.Attempt {
		at = seen[0].At
		return s.converge(ctx, seen)
	}
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !at.Equal(asked[0]) {
		t.Errorf("at %s, and the groups were read at %s", at, asked[0])
	}
}

// A group that is not there says nothing of anybody: who rests on it is left as is, and
// the group is told. Who is blocked is out of it anyway.
func TestWhoRestsOnAGroupThatIsNotThereWaits(t *testing.T) {
	t.Parallel()
	away := func(string) (provision.MemberPage, error) {
		return provision.MemberPage{}, provision.Answered(provision.Gone, "404", nil)
	}
	for name, entra := range map[string][]reconcile.Object{
		"it is not listed":    nil,
		"it is binned":        {{Object: change.Object{Kind: change.Group, ID: sales}, Removed: reconcile.SoftDeleted}},
		"it is gone for ever": {{Object: change.Object{Kind: change.Group, ID: sales}, Removed: reconcile.Deleted}},
	} {
		for configuration, former := range map[string]*Former{"everything": nil, "whom a mapping affects": {Mapping: titled(t, "")}} {
			t.Run(name+", "+configuration, func(t *testing.T) {
				t.Parallel()
				s, job, _, handed := comparesMembers(t, within(t, "memberOf", sales), away)
				s.entra = append(s.entra, entra...)
				job.Former = former
				var log bytes.Buffer
				job.Log = slog.New(slog.NewTextHandler(&log, nil))
				var skipped []string
				job.Skipped = func(o change.Object, _ string, why scoping.Verdict) {
					if why.Reason == scoping.FilterUnknown {
						skipped = append(skipped, o.ID)
					}
				}
				if _, err := job.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{included, without, joining, passerby}, skipped); diff != "" {
					t.Errorf("skipped (-want +got):\n%s", diff)
				}
				if want := []string{barred + "map[]"}; !slices.Equal(*handed, want) || len(s.queued) > 0 {
					t.Errorf("handed %v, queued %v", *handed, s.queued)
				}
				if n := strings.Count(log.String(), "a group that the scoping filter asks about is not there"); n != 1 || !strings.Contains(log.String(), sales) {
					t.Errorf("told %d times: %s", n, log.String())
				}
			})
		}
	}
}

// A filter that is new evaluates those whom it lets pass no more, and reads its group
// once. Nobody else is looked at.
func TestANewFilterByMembershipAffectsWhoIsNotInIt(t *testing.T) {
	t.Parallel()
	s, job, calls, handed := comparesMembers(t, within(t, "memberOf", sales), func(string) (provision.MemberPage, error) {
		return provision.MemberPage{Users: []string{included, joining, barred}}, nil
	})
	job.Former = &Former{Mapping: titled(t, "")}
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{without + " afresh false", passerby + " afresh false"}, s.queued); diff != "" || len(*calls) != 1 {
		t.Errorf("pages of members %v, queued (-want +got):\n%s", *calls, diff)
	}
	g := scoping.Group{ID: sales}
	if diff := cmp.Diff([]string{fmt.Sprint(barred, map[scoping.Group]bool{g: true})}, *handed); diff != "" {
		t.Errorf("handed (-want +got):\n%s", diff)
	}
}

// Nobody is compared by a list of groups that is refused.
func TestNobodyIsComparedWithoutTheGroupsOfAFilter(t *testing.T) {
	t.Parallel()
	s, job, _, handed := comparesMembers(t, within(t, "memberOf", sales), nil)
	job.Graph = groupless{s, throttled()}
	if _, err := job.Run(t.Context()); err == nil || len(*handed)+len(s.queued) > 0 {
		t.Errorf("handed %v, queued %v, error %v", *handed, s.queued, err)
	}
}
