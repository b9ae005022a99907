package sweep

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// Each case is what Webex had before the title was mapped, how it is mapped, and what of
// Entra a page shows.
func TestWhatWebexHadBeforeTheMappingIsClearedWhereANullClears(t *testing.T) {
	t.Parallel()
	const hidden = "hidden"
	for _, test := range []struct {
		name, whenNull string
		entra, webex   any
		handed, queued []string
		classes        map[Class]int
	}{
		{"Entra has none", "clear", nil, "Old", []string{ada + " afresh true"}, nil, map[Class]int{Behind: 1}},
		{"Entra has none, and neither has Webex", "clear", nil, nil, nil, nil, map[Class]int{InSync: 1}},
		{"Entra has none, and null keeps", "keep", nil, "Old", nil, nil, map[Class]int{InSync: 1}},
		{"Entra does not show it", "clear", hidden, "Old", nil, []string{ada + " afresh true"}, map[Class]int{Behind: 1}},
		{"Entra does not show it, and null keeps", "keep", hidden, "Old", nil, nil, map[Class]int{InSync: 1}},
		{"Entra does not show it, and it is for creation", "clear, apply: creation", hidden, "Old", nil, nil, map[Class]int{InSync: 1}},
		{"Entra has one", "clear", "Boss", "Old", []string{ada + " afresh false"}, nil, map[Class]int{Behind: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &side{}
			entra, webex, _ := s.person(t, ada, true)
			if entra.Attributes["jobTitle"] = test.entra; test.entra == hidden {
				delete(entra.Attributes, "jobTitle")
			}
			if webex["title"] = test.webex; test.webex == nil {
				delete(webex, "title")
			}
			job := s.job(t, false)
			rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
				"users:\n  mappings:\n    - { target: title, source: jobTitle, whenNull: "+test.whenNull+" }\n", 1)))
			if err != nil {
				t.Fatal(err)
			}
			job.Mapping = rules
			result, err := job.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, diff := range []string{cmp.Diff(test.handed, s.handed), cmp.Diff(test.queued, s.queued), cmp.Diff(test.classes, result.Classes)} {
				if diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestWhatWebexHadBeforeTheMappingStaysWhenTheMappingIsTakenBack(t *testing.T) {
	t.Parallel()
	s := &side{}
	_, webex, _ := s.person(t, ada, true)
	webex["title"] = "Old"
	job := s.job(t, false)
	former, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
		"users:\n  mappings:\n    - { target: title, source: jobTitle }\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	job.Mapping = job.Mapping.Clearing(former)
	result, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[Class]int{InSync: 1}, result.Classes); diff != "" || s.handed != nil {
		t.Error(diff, s.handed)
	}
}

// The worker's engine takes nothing back, so that what has something to go stays with
// this one: also who is blocked, and what fails for now.
func TestWhatARollbackTakesAwayIsNotLeftToTheWorker(t *testing.T) {
	t.Parallel()
	titled, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
		"users:\n  mappings:\n    - { target: title, source: jobTitle }\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	const once = ada + " afresh false"
	for _, test := range []struct {
		name           string
		written        any
		blocked        bool
		failures       int
		handed, queued []string
	}{
		{"somebody", "Boss", false, 0, []string{once}, nil},
		{"somebody who is blocked", "Boss", true, 0, []string{once}, nil},
		{"somebody who never had it", nil, true, 0, nil, nil},
		{"what fails for now", "Boss", false, 2, []string{once, once, once}, nil},
		{"what goes on failing", "Boss", true, 9, []string{once, once, once, once}, []string{once}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &side{}
			_, _, written := s.person(t, ada, !test.blocked)
			written["title"] = test.written
			job := s.job(t, false)
			job.Former, job.Mapping = &Former{Mapping: titled}, job.Mapping.Clearing(titled)
			failures := test.failures
			job.Converge = func(ctx context.Context, seen []provision.Snapshot) []provision.Attempt {
				attempts := s.converge(ctx, seen)
				if failures--; failures >= 0 {
					attempts[0].Fault, attempts[0].Again = &provision.Fault{Kind: provision.Transient}, time.Second
				}
				return attempts
			}
			if _, err := job.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]string{test.handed, test.queued}, [][]string{s.handed, s.queued}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whom a configuration reached that was taken back before it had reached all is
// evaluated anew, though those before and after it say the same.
func TestWhatWasTakenBackHalfwayIsEvaluatedAnew(t *testing.T) {
	t.Parallel()
	parsed := func(old, now string) mapping.Rules {
		t.Helper()
		rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), old, now, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return rules
	}
	titled := parsed("users:\n  mappings:\n", "users:\n  mappings:\n    - { target: title, source: jobTitle }\n")
	promoted := func(_ *side, written map[string]any) { written["title"] = "Boss" }
	required := parsed("users:\n  mappings:\n", "users:\n  mappings:\n    - { target: title, source: jobTitle, required: true }\n")
	filtered := parsed("users:\n", "users:\n  scope: [[{ attribute: displayName, operator: EQUALS, value: Nobody }]]\n")
	for _, test := range []struct {
		name           string
		between        mapping.Rules
		spoil          func(s *side, written map[string]any)
		handed, queued []string
	}{
		{"somebody who was given a title", titled, promoted, []string{ada + " afresh false"}, nil},
		{"somebody whom it had not reached", titled, func(*side, map[string]any) {}, nil, nil},
		{
			"somebody whom a filter has closed", filtered,
			func(_ *side, written map[string]any) { written["active"] = false }, nil,
			[]string{ada + " afresh false"},
		},
		{
			"somebody who was hired under the filter", filtered,
			func(s *side, _ map[string]any) { s.records[0].WebexID = "" }, nil,
			[]string{ada + " afresh false"},
		},
		{
			"somebody who was hired when something was required", required,
			func(s *side, _ map[string]any) { s.records[0].WebexID = "" }, nil,
			[]string{ada + " afresh false"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &side{}
			_, _, written := s.person(t, ada, true)
			test.spoil(s, written)
			job := s.job(t, false)
			before := job.Mapping
			job.Former = &Former{Mapping: before, Then: []Former{
				{Mapping: test.between, Scoping: scoping.Rules{Filters: test.between.Filters()}}, {Mapping: before},
			}}
			job.Mapping = before.Clearing(test.between)
			if _, err := job.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]string{test.handed, test.queued}, [][]string{s.handed, s.queued}); diff != "" {
				t.Error(diff)
			}
		})
	}
}
