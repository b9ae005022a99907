package sweep

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
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
